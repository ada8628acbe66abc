"""What every answer tells the browser besides its content: what may run, load, frame or be guessed."""

from __future__ import annotations

import base64
import hashlib
from email.utils import formatdate
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# A page of ours: nothing but files of ours, and pictures that it holds itself.
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
# The script in a letter's frame, which tells the page how high the letter is and can't do anything else. It is named by
# its digest, so no other runs: none that a letter brings, however it got past the cleaning.
MEASURE = resources.files(__package__).joinpath("static", "measure.js").read_text("utf-8")
MEASURE_DIGEST = base64.b64encode(hashlib.sha256(MEASURE.encode()).digest()).decode()
# A letter's HTML: without an origin (`sandbox`), so that nothing in it is ours to read; it loads nothing.
FRAME = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:{pictures}; script-src 'sha256-{digest}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self';"
    " sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
)
# The frame in which a letter is written: as that of one that came, but that it can't open anything.
EDITOR = resources.files(__package__).joinpath("static", "editor.js").read_text("utf-8")
EDITOR_DIGEST = base64.b64encode(hashlib.sha256(EDITOR.encode()).digest()).decode()
EDITOR_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    f" script-src 'sha256-{EDITOR_DIGEST}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self';"
    " sandbox allow-scripts"
)
# A file that came with a letter, whatever it is.
FILE = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


def frame(*, remote_pictures: bool) -> str:
    """The policy of a letter's frame; ``remote_pictures``: the reader has asked for them."""
    return FRAME.format(pictures=" https: http:" if remote_pictures else "", digest=MEASURE_DIGEST)


class Headers:
    """Adds to each answer what it doesn't say itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _always(scope) if name not in given),
                ]
            await send(message)

        await self._app(scope, receive, send_with)


def _always(scope: Scope) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"date", formatdate(usegmt=True).encode()),
        (b"content-security-policy", PAGE.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        # What a page shows is somebody's mail: no cache keeps it for the next person at the same machine.
        (b"cache-control", b"no-store"),
    ]
    if scope["scheme"] == "https" and scope["client"] and scope["client"][0] not in ("127.0.0.1", "::1"):
        # Never for a trial on this machine: the whole of "localhost" would be https from then on.
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers
