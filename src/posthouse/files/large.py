"""Messages too large for memory: their octets come in chunks, from where they are, as often as they are asked for."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator

# Messages beyond this size are read and written in chunks; smaller ones are octets. Most mail is a hundredth of it.
LARGE = 1024 * 1024
CHUNK = 256 * 1024

_LONE_LF = re.compile(rb"(?<!\r)\n")


class Large:
    """The octets of a large message. ``chunks`` begins anew each time it is called; what it raises comes of a loop
    over this object."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Callable[[], Iterator[bytes]]) -> None:
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks()


class FileRange:
    """Octets of a file, in chunks: from ``start`` to ``end``, or to the file's end. The file may be closed or renamed
    meanwhile: this has a descriptor of its own, as long as it is there."""

    __slots__ = ("_descriptor", "_end", "_start")

    def __init__(self, descriptor: int, start: int = 0, end: int | None = None) -> None:
        self._descriptor = os.dup(descriptor)
        self._start = start
        self._end = end

    def __call__(self) -> Iterator[bytes]:
        at = self._start
        while self._end is None or at < self._end:
            chunk = os.pread(self._descriptor, CHUNK if self._end is None else min(CHUNK, self._end - at), at)
            if not chunk:
                return
            at += len(chunk)
            yield chunk

    def __del__(self) -> None:
        os.close(self._descriptor)


# -- chunks into chunks ---------------------------------------------------------------------------------------------


def with_crlf(octets: bytes) -> bytes:
    """``octets`` with CRLF line ends where there was a lone LF. A lone CR stays: it ends no line anywhere."""
    with_cr, all_of_them = octets.count(b"\r\n"), octets.count(b"\n")
    if not with_cr:
        return octets.replace(b"\n", b"\r\n")
    return octets if with_cr == all_of_them else _LONE_LF.sub(b"\r\n", octets)


def to_crlf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same for chunks, between which a CRLF may be divided."""
    for chunk in _undivided(chunks):
        yield with_crlf(chunk)


def to_lf(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks with LF line ends."""
    for chunk in _undivided(chunks):
        yield chunk.replace(b"\r\n", b"\n")


def _undivided(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks that don't end between CR and LF."""
    held = b""
    for chunk in chunks:
        whole = held + chunk
        held = b"\r" if whole.endswith(b"\r") else b""
        yield whole[: len(whole) - len(held)]
    yield held


def substituted(chunks: Iterable[bytes], pattern: re.Pattern[bytes] | None, by: bytes) -> Iterator[bytes]:
    """Chunks in which a pattern that matches at the beginnings of lines is substituted. None: they stay as they are."""
    if pattern is None:
        yield from chunks
        return
    for block, begins in _blocks(chunks):
        at = 0 if begins else block.find(b"\n") + 1 or len(block)
        yield block[:at] + pattern.sub(by, block[at:])


def has_line(chunks: Iterable[bytes], pattern: re.Pattern[bytes]) -> bool:
    """Whether a pattern matches at the beginning of a line."""
    for block, begins in _blocks(chunks):
        at = 0 if begins else block.find(b"\n") + 1 or len(block)
        if pattern.search(block, at) is not None:
            return True
    return False


def _blocks(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Chunks that end where lines do, unless a line is very long; and whether they begin a line."""
    rest = b""
    begins = True
    for chunk in chunks:
        rest += chunk
        end = rest.rfind(b"\n") + 1 or (len(rest) if len(rest) > LARGE else 0)
        if end:
            yield rest[:end], begins
            begins = rest.endswith(b"\n", 0, end)
            rest = rest[end:]
    yield rest, begins
