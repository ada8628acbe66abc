"""Pages and files packed by gzip: a list of fifty rows is a fifth as large.

Packing tells by its size whether a page holds what its address names (BREACH, CVE-2013-3587). So only pages that our
own pages or the person asked for are packed: another site can't try out addresses and watch the sizes.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PACKED = (b"text/html", b"text/css", b"text/javascript", b"image/svg+xml", b"application/json")
# Octets below which the header of a packed answer costs more than it saves.
LEAST = 1_000
LEVEL = 5
TRUSTED = (b"same-origin", b"none")


class Compress:
    """Packs the answers that come in one piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        ours = scope["path"].startswith("/static/")
        if b"gzip" in headers.get(b"accept-encoding", b"") and (ours or headers.get(b"sec-fetch-site") in TRUSTED):
            await self._app(scope, receive, _Packing(send, for_ever=ours))
        else:
            await self._app(scope, receive, send)


class _Packing:
    """``send`` for one answer: its start waits for what follows."""

    def __init__(self, send: Send, *, for_ever: bool) -> None:
        self._send = send
        self._pack = _packed_once if for_ever else _packed
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"").partition(b";")[0]
            if kind in PACKED:
                self._start = message
                return
        elif self._start is not None:
            start, self._start = self._start, None
            if not message.get("more_body") and len(message.get("body", b"")) >= LEAST:
                body = self._pack(bytes(message["body"]))
                start["headers"] = [
                    *((name, value) for name, value in start["headers"] if name != b"content-length"),
                    (b"content-encoding", b"gzip"),
                    (b"content-length", str(len(body)).encode()),
                    (b"vary", b"accept-encoding, sec-fetch-site"),
                ]
                message = {**message, "body": body}
            await self._send(start)
        await self._send(message)


def _packed(body: bytes) -> bytes:
    return gzip.compress(body, LEVEL, mtime=0)


@lru_cache(maxsize=100)
def _packed_once(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)
