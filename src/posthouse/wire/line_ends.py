"""Line ends: a letter's lines end with CR LF (RFC 5322 §2.3), whatever a program wrote."""

from __future__ import annotations

import re

# A pattern that begins with its octet is searched a dozen times as quickly as one that begins with a condition, and in
# half of the time that counting CR, LF and CR LF takes.
BARE_LF = re.compile(rb"\n(?<!\r\n)")
BARE_CR = re.compile(rb"\r(?!\n)")
BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
BARE_STUFFED = re.compile(rb"(?<!\r)\n\.?|\r(?!\n)")


class LineEnds:
    """Turns bare CR and bare LF into CR LF, chunk by chunk.

    ``stuffed``: the text came through SMTP from a program that took a bare LF for a line end when it doubled the dots
    that begin lines (smtplib does, for octets); those dots are taken away again.
    """

    __slots__ = ("_after_bare", "_held", "_stuffed")

    def __init__(self, *, stuffed: bool = False) -> None:
        self._stuffed = stuffed
        self._held = b""  # a CR at the end of the last chunk: its LF may come with the next
        self._after_bare = False  # the last chunk ended with a bare LF

    def write(self, chunk: bytes) -> bytes:
        """Return the next octets with CR LF line ends; a CR at the end is held back until the next call."""
        chunk = self._held + chunk
        if not chunk:
            return b""
        if self._after_bare and chunk.startswith(b"."):
            chunk = chunk[1:]
        self._held = b"\r" if chunk.endswith(b"\r") else b""
        if self._held:
            chunk = chunk[:-1]
        self._after_bare = self._stuffed and chunk.endswith(b"\n") and not chunk.endswith(b"\r\n")
        if not BARE_LF.search(chunk) and not BARE_CR.search(chunk):  # most letters have none
            return chunk
        if not self._stuffed:
            return b"\r\n".join(chunk.splitlines()) + (b"\r\n" if chunk.endswith((b"\n", b"\r")) else b"")
        return BARE_STUFFED.sub(b"\r\n", chunk)

    def end(self) -> bytes:
        """Return what was held back."""
        held, self._held = self._held, b""
        return b"\r\n" if held else b""
