"""Transcripts over a real connection, for what happens before the login and around TLS. Written as in
`imap_conversation`, with one client; what is expected ends with the line that ends the answer.
"""

from __future__ import annotations

import socket
from types import TracebackType

from imap_conversation import check, exchanges, fits
from live import Live

PATIENCE = 20  # seconds


class Wire:
    """One client, which hasn't said anything yet."""

    def __init__(self, house: Live, door: str = "imap") -> None:
        self._house = house
        self._socket = socket.create_connection((house.host, house.port(door)), timeout=PATIENCE)
        if door == "imaps":
            self._socket = house.tls.wrap_socket(self._socket, server_hostname=house.host)
        self._answers = self._socket.makefile("rb")

    def run(self, transcript: str) -> None:
        """Hold the conversation."""
        for _, said, expected in exchanges(transcript):
            if said is not None:
                self.send(said.encode() + b"\r\n")
            told: list[str] = []
            while expected and not (told and fits(told[-1], expected[-1])):
                try:
                    line = self._answers.readline()
                except TimeoutError:
                    line = b""
                assert line.endswith(b"\r\n"), f"{said!r}: told {told}, then no more; wanted {expected[-1]!r}"
                told.append(line.decode().removesuffix("\r\n"))
            check(told, expected, said or "")

    def secure(self) -> None:
        """The TLS negotiation."""
        self._answers.close()
        self._socket = self._house.tls.wrap_socket(self._socket, server_hostname=self._house.host)
        self._answers = self._socket.makefile("rb")

    def send(self, octets: bytes) -> None:
        self._socket.sendall(octets)

    def receive(self) -> bytes:
        """Some octets, at least one."""
        octets = self._answers.read1()
        assert octets, "the server has closed the connection"
        return octets

    def first_line(self, said: bytes) -> bytes:
        """The octets of the first line that is told when a client says this."""
        self.send(said)
        return self._answers.readline()

    def is_closed(self) -> bool:
        """Whether the server has closed the connection, with nothing more to say."""
        return self._answers.read() == b""

    def __enter__(self) -> Wire:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answers.close()
        self._socket.close()
