"""Operations run against a transcript, without a socket and without a face.

::

    C: EHLO [127.0.0.1]      the operation has said this, with CR LF
    S: 250 ok                the server says this, with CR LF
    TLS                      the operation begins TLS
    PROBE 16                 it asks how the server answers TLS: by this octet (hexadecimal), or `-`
    SILENCE                  it waits in vain
    CLOSE                    the server has closed the connection

Each transcript is run twice: the server's lines in one piece as far as they stand together, and octet by octet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from posthouse.wire.steps import ProbeTls, Receive, StartTls, Steps

T = TypeVar("T")


def converse(operation: Callable[[], Steps[T]], transcript: str) -> T:
    """Run an operation against a transcript in both ways, and return its (second) result."""
    _Run(transcript, whole=True).drive(operation())
    return _Run(transcript, whole=False).drive(operation())


class _Run:
    def __init__(self, transcript: str, *, whole: bool) -> None:
        self.script = [line.strip() for line in transcript.strip().splitlines()]
        self.whole = whole
        self.said = b""
        self.coming = b""

    def drive(self, steps: Steps[T]) -> T:
        answer: bytes | None = None
        try:
            while True:
                wish = steps.send(answer)
                answer = None
                if isinstance(wish, bytes):
                    self.said += wish
                elif isinstance(wish, Receive):
                    answer = self.receive()
                elif isinstance(wish, StartTls):
                    self.expect_said()
                    assert self.script.pop(0) == "TLS", "the operation began TLS"
                    assert not self.coming, "the server said more than was read before TLS"
                else:
                    assert isinstance(wish, ProbeTls)
                    verb, octet = self.script.pop(0).split()
                    assert verb == "PROBE"
                    answer = b"" if octet == "-" else bytes.fromhex(octet)
        except StopIteration as stop:
            self.expect_said()
            assert self.script == [], "the operation ended before the transcript"
            assert not self.coming, "the operation ended before the server had finished"
            result: T = stop.value
            return result

    def expect_said(self) -> None:
        """Whatever the operation has said so far must stand next in the transcript."""
        while self.script and self.script[0].startswith("C:"):
            line = self.script.pop(0)[2:].strip().encode() + b"\r\n"
            assert self.said.startswith(line), f"expected {line!r}, the operation said {self.said[:200]!r}"
            self.said = self.said[len(line) :]
        assert not self.said, f"the operation said {self.said[:200]!r}"

    def receive(self) -> bytes | None:
        if not self.coming:
            self.expect_said()
            assert self.script, "the operation waits, and the transcript is over"
            if self.script[0] in ("SILENCE", "CLOSE"):
                return None if self.script.pop(0) == "SILENCE" else b""
            while self.script and self.script[0].startswith("S:"):
                self.coming += self.script.pop(0)[2:].strip().encode() + b"\r\n"
            assert self.coming, f"the operation waits, and the transcript has {self.script[0]!r}"
        size = len(self.coming) if self.whole else 1
        data, self.coming = self.coming[:size], self.coming[size:]
        return data
