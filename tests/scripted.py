"""A server that says what a transcript tells it to, on a real socket: for testing the client's faces.

::

    S: 220 hello            sent, with CR LF
    PART * SEARCH 1         sent without them
    C: EHLO localhost       awaited; a `*` stands for anything
    LETTER                  awaited: lines up to one with a dot alone, kept in `letter`
    LITERAL                 awaited: as many octets as the client's last line announced, kept in `letter`
    TLS                     the handshake, as the server
    CLOSE                   the connection is closed here
    WAIT                    nothing more is said; the client closes
"""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

import trustme

TIMEOUT = 30.0  # a busy machine starts a program slowly


@functools.cache
def authority() -> trustme.CA:
    return trustme.CA()


@functools.cache
def server_context(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names).configure_cert(context)
    return context


@functools.cache
def trusting_context() -> ssl.SSLContext:
    """A client's context that trusts the servers of this file, and no others: to read the system's takes a while."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context


def certificate_file(folder: Path) -> Path:
    """The authority's certificate, for SSL_CERT_FILE."""
    path = folder / "authority.pem"
    authority().cert_pem.write_to_path(str(path))
    return path


class ScriptedServer:
    """Serves one connection for each script, in turn; fails its test when the client says something else.

    ``together``: a connection may come while the one before it goes on.
    """

    def __init__(self, *scripts: str, names: tuple[str, ...] = ("localhost",), together: bool = False) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(TIMEOUT)
        self.port: int = self._listener.getsockname()[1]
        self._scripts = scripts
        self._names = names
        self._together = together
        self.failure: BaseException | None = None
        self.lines: list[str] = []  # what the client said
        self.letter = b""  # the last one, its dots unstuffed
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:  # the test failed already: don't wait for a client that went away
            self._listener.close()
        self._thread.join(TIMEOUT)
        self._listener.close()
        if self.failure and kind is None:
            raise self.failure

    def _run(self) -> None:
        others = []
        for script in self._scripts:
            steps = [line.strip() for line in script.splitlines() if line.strip()]
            try:
                connection, _ = self._listener.accept()
            except OSError as error:
                self.failure = self.failure or error
                break
            if self._together:
                others.append(threading.Thread(target=self._guarded, args=(connection, steps), daemon=True))
                others[-1].start()
            elif not self._guarded(connection, steps):
                break
        for thread in others:
            thread.join(TIMEOUT)

    def _guarded(self, connection: socket.socket, steps: list[str]) -> bool:
        try:
            self._serve(connection, steps)
        except BaseException as error:
            self.failure = error
            self._listener.close()  # a client that comes again is refused, and the test fails at once
            return False
        return True

    def _serve(self, connection: socket.socket, script: list[str]) -> None:
        connection.settimeout(TIMEOUT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a line is not to wait for the one before it
        rest = bytearray()

        def line() -> bytes:
            nonlocal rest
            while b"\n" not in rest:
                more = connection.recv(65536)
                assert more, f"the client left after {self.lines[-1:]}"
                rest += more
            first, _, rest = rest.partition(b"\n")
            return bytes(first.removesuffix(b"\r"))

        try:
            for step in script:
                verb, _, text = step.partition(" ")
                if verb == "S:":
                    connection.sendall(text.encode() + b"\r\n")
                elif verb == "PART":
                    connection.sendall(text.encode())
                elif verb == "C:":
                    said = line().decode()
                    pattern = ".*".join(re.escape(part) for part in text.split("*"))
                    self.lines.append(said)
                    assert re.fullmatch(pattern, said, re.DOTALL), f"the client said {said!r} instead of {text!r}"
                elif verb == "LETTER":
                    lines = iter(line, b".")
                    self.letter = b"".join(one.removeprefix(b".") + b"\r\n" for one in lines)
                elif verb == "LITERAL":
                    size = int(self.lines[-1].rstrip("+}").rpartition("{")[2])
                    while len(rest) < size:
                        rest += connection.recv(65536)
                    self.letter = bytes(rest[:size])
                    del rest[:size]
                    assert line() == b"", "the command goes on behind the literal"
                elif verb == "TLS":
                    connection = server_context(*self._names).wrap_socket(connection, server_side=True)
                elif verb == "WAIT":
                    with contextlib.suppress(ConnectionError):
                        while connection.recv(65536):
                            pass
                else:
                    assert verb == "CLOSE", step
                    return
        finally:
            connection.close()
