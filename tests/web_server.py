"""A web server over TLS on loopback, that answers what the test has written down."""

from __future__ import annotations

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme


@dataclass
class WebServer:
    """``answers``: by method and path, status, media type and body; ``moved``: by path, where it is now. What was asked
    is in ``asked``, with its body."""

    port: int
    answers: dict[str, tuple[int, str, bytes]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    moved: dict[str, str] = field(default_factory=dict)


@contextmanager
def web_server(authority: trustme.CA, *names: str, at: tuple[str, int] = ("127.0.0.1", 0)) -> Iterator[WebServer]:
    """One with a certificate for these names. The answer for a path at one of them is the one of "GET //name/path",
    where there is such.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            running.asked.append((f"{self.command} {self.path}", body))
            known = running.answers
            named = f"{self.command} //{self.headers.get('Host')}{self.path}"
            answer = known.get(named) or known.get(f"{self.command} {self.path}") or (404, "text/html", b"no")
            status, kind, octets = answer
            self.send_response(302 if self.path in running.moved else status)
            if self.path in running.moved:
                self.send_header("Location", running.moved[self.path])
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(octets)))
            self.end_headers()
            self.wfile.write(octets)

        do_GET = do_POST = answer

        def log_message(self, *_: object) -> None:
            """The test looks at `asked`."""

    server = http.server.ThreadingHTTPServer(at, Handler)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*names).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    running = WebServer(server.server_address[1], {})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
