"""A message on its way to the client: RETR's text, or the beginning of it that TOP asks for. RFC 1939 §5, §7."""

from __future__ import annotations

from posthouse.wire.dot import DotWriter
from posthouse.wire.line_ends import LineEnds


class TextWriter:
    """Writes a message as a multi-line response, chunk by chunk.

    Bare CR and bare LF become CR LF: a reader that takes a bare LF for a line end, as most do, would take ``LF . LF``
    for the end of the response, and what follows in the message for the server's next answer.
    """

    __slots__ = ("_ends", "_header", "_left", "_writer")

    def __init__(self, header_size: int, lines: int | None) -> None:
        """``header_size``: octets of the header with its empty line; ``lines`` of the body that are wanted, or None."""
        self._writer = DotWriter()
        self._ends = LineEnds()
        self._header = header_size  # octets of it that are still to come
        self._left = lines

    @property
    def wants_more(self) -> bool:
        """Whether any of the message that follows would be sent."""
        return self._left is None or self._left > 0 or self._header > 0

    def write(self, octets: bytes) -> bytes:
        """What goes out for the next octets of the message."""
        if self._left is None:
            return self._writer.write(octets)
        head, body = octets[: self._header], octets[self._header :]
        self._header -= len(head)
        return self._writer.write(self._ends.write(head) + self._first_lines(self._ends.write(body)))

    def end(self) -> bytes:
        """What ends the response."""
        rest = self._writer.write(self._ends.end()) if self._left is not None and self.wants_more else b""
        return rest + self._writer.end()

    def _first_lines(self, body: bytes) -> bytes:
        """As much of the body as there are lines left."""
        assert self._left is not None
        count = body.count(b"\r\n")
        if count < self._left:
            self._left -= count
            return body
        end = 0
        for _ in range(self._left):
            end = body.index(b"\r\n", end) + 2
        self._left = 0
        return body[:end]
