"""Who gives out OAuth tokens: a real web server, which answers to introspection and publishes keys."""

from __future__ import annotations

import json
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Issuer(ThreadingHTTPServer):
    """Who gives out tokens: it knows some, and has keys."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.known: dict[str, dict[str, Any]] = {}
        self.keys: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, str]] = []
        self.status = 200
        self.raw = b""
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Issuer

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        token = form["token"][0]
        self.server.asked.append((self.path, self.headers.get("Authorization", ""), token))
        self._answer(self.server.known.get(token, {"active": False}))

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", ""), ""))
        self._answer({"keys": self.server.keys})

    def _answer(self, what: dict[str, Any]) -> None:
        body = self.server.raw or json.dumps(what).encode()
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""
