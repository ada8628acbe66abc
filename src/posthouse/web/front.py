"""Who asks, and whether in private: before anything else looks at a request.

Only who is named in `[web] proxies` may say who is behind it, and that the line to there is encrypted. Of what
X-Forwarded-For lists, the last address that isn't such a proxy counts: what stands before it, anybody could have
written.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .desk import Network

HOST = re.compile(rb"([A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
FORWARDING = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-real-ip"})
MAX_FORWARDED = 50  # addresses of one X-Forwarded-For that are looked at


class Front:
    """Settles ``client`` and ``scheme`` of a request; leads plain HTTP to https."""

    def __init__(self, app: ASGIApp, *, proxies: Sequence[Network], https_port: int) -> None:
        """``https_port``: where https is; 0: nowhere."""
        self._app = app
        self._proxies = proxies
        self._https_port = https_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        client = scope["client"] or ("0.0.0.0", 0)  # noqa: S104
        if self._is_proxy(client[0]):
            scope["client"] = (self._behind(headers) or client[0], 0)
            scope["scheme"] = _last(headers, b"x-forwarded-proto") or scope["scheme"]
        elif scope["scheme"] == "http" and not (_is_loopback(client) and _is_loopback(scope["server"])):
            await self._to_https(headers, scope)(scope, receive, send)
            return
        elif _is_loopback(client) and any(name in FORWARDING for name, _ in headers):
            words = (
                "This request came through a web server on this machine that Posthouse doesn't know.\nName it in the"
                ' configuration: [web] proxies = "127.0.0.1"; then it is believed who asks.\n'
            )
            await PlainTextResponse(words, 403)(scope, receive, send)
            return
        if scope["scheme"] != "https" and not _is_loopback(scope["client"]):
            await self._to_https(headers, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_proxy(self, address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(ip in network for network in self._proxies)

    def _behind(self, headers: list[tuple[bytes, bytes]]) -> str:
        """Who is behind the proxies; empty: they don't say."""
        listed = b",".join(value for name, value in headers if name == b"x-forwarded-for").decode("latin-1").split(",")
        for text in reversed(listed[-MAX_FORWARDED:]):
            try:
                address = str(ipaddress.ip_address(text.strip().strip("[]")))
            except ValueError:
                return ""
            if not self._is_proxy(address):
                return address
        return ""

    def _to_https(self, headers: list[tuple[bytes, bytes]], scope: Scope) -> PlainTextResponse | RedirectResponse:
        host = HOST.fullmatch(_last(headers, b"host").encode("latin-1"))
        if host is None or not self._https_port:
            return PlainTextResponse(
                "This server shows mail over an encrypted line only, and this one isn't.\nIts administrator opens"
                " [listen] https, or names the web server in front in [web] proxies.\n",
                403,
            )
        port = "" if self._https_port == 443 else f":{self._https_port}"
        path = scope["raw_path"].decode("latin-1") if scope["method"] in ("GET", "HEAD") else "/"
        return RedirectResponse(f"https://{host[1].decode()}{port}{path}", 308 if path != "/" else 303)


def _last(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    found = [value for name, value in headers if name == wanted]
    return found[-1].decode("latin-1").strip().lower() if found else ""


def _is_loopback(address: tuple[str, int | None] | None) -> bool:
    try:
        return address is not None and ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        return False
