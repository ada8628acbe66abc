"""COMPRESS=DEFLATE (RFC 4978): a stream of raw deflate each way, flushed wherever an answer ends."""

from __future__ import annotations

import contextlib
import zlib

from posthouse.errors import RemoteProtocolError

from .command import Compress
from .syntax import Cursor

# §3 wants whatever window the client chose to be read.
RAW = -zlib.MAX_WBITS
# What goes out is packed with a window of 8 KB and small tables: some 70 KB a connection where zlib's defaults take
# 270, for a few per cent more octets. The client needs no less memory for it, and doesn't notice.
WINDOW = -13
MEMORY = 6
# RFC 1951 §3.2.4, a block of no octets: the end of what zlib flushes (Z_SYNC_FLUSH).
FLUSHED = b"\0\0\xff\xff"
# The octets of that, and of what ends a stream behind it: a last block of nothing (03 00, or 01 00 00 ff ff). None of
# them begins a command.
TRAILER = b"\0\1\3\xff"
# So many octets at the most lie between the last of a text and the end of its flush: what is left of an octet, the code
# that ends a block, and one of the above.
LONGEST_TRAILER = 8


def read_compress(cursor: Cursor) -> Compress:
    """compress = "COMPRESS" SP algorithm; algorithm = "DEFLATE" """
    cursor.space()
    if not cursor.keyword(b"DEFLATE"):
        raise cursor.expected("DEFLATE")
    return Compress()


class Deflate:
    """Packs what goes out."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, WINDOW, MEMORY)

    def pack(self, data: bytes) -> bytes:
        """The octets for the wire; all of ``data`` can be read from them."""
        return self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def finish(self, data: bytes) -> bytes:
        """The last octets for the wire: who unpacks them knows that nothing packed follows."""
        return self._stream.compress(data) + self._stream.flush(zlib.Z_FINISH)


class Inflate:
    """Unpacks what comes in, so much at a time: a few packed octets can stand for megabytes.

    Octets behind a flush are unpacked by themselves, for a client may have ended its stream there (see `end`).
    """

    __slots__ = ("_at", "_full", "_piece", "_stream", "_waiting")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(RAW)
        self._waiting = bytearray()
        self._at = 0  # how far of that has been taken; a flush may have begun just before
        self._piece = b""  # what has been taken, and isn't unpacked yet
        self._full = False  # the last octets that were asked for came in full: the stream may hold more, without input

    def __len__(self) -> int:
        """The number of packed octets that wait."""
        return len(self._piece) + len(self._waiting) - self._at

    def feed(self, data: bytes) -> None:
        """Take octets from the network."""
        done = self._at - len(FLUSHED)
        if done > 0:
            del self._waiting[:done]
            self._at -= done
        self._waiting += data

    @property
    def waiting(self) -> bool:
        """Whether there may be octets to unpack."""
        return self._full or len(self) > 0

    def unpack(self, limit: int) -> bytes:
        """At most ``limit`` octets of what was packed; `RemoteProtocolError` for what can't be unpacked."""
        if self._stream.eof:
            raise RemoteProtocolError("the compressed octets came to an end")
        if not self._piece and not self._full:
            self._take_piece()
        try:
            data = self._stream.decompress(self._piece, limit)
        except zlib.error as error:
            raise RemoteProtocolError("the compressed octets are damaged") from error
        self._piece = self._stream.unused_data or self._stream.unconsumed_tail
        self._full = len(data) == limit and not self._stream.eof
        return data

    def end(self) -> tuple[bytes, Trailer]:
        """Nothing more is packed: what waits, as it came, and what passes over the end of the stream in it."""
        taken = bytes(self._waiting[max(self._at - len(FLUSHED), 0) : self._at])
        rest = self._piece + bytes(self._waiting[self._at :])
        return rest, Trailer(self._stream, b"" if self._piece else taken)

    def _take_piece(self) -> None:
        """The octets up to the next flush, or all."""
        end = self._waiting.find(FLUSHED, max(self._at - len(FLUSHED) + 1, 0))
        end = len(self._waiting) if end < 0 else end + len(FLUSHED)
        self._piece = bytes(self._waiting[self._at : end])
        self._at = end


class Trailer:
    """Passes over what is left of a client's stream behind the last text in it, which the network may have torn off."""

    def __init__(self, stream: zlib._Decompress, taken: bytes) -> None:
        """``taken``: the last octets that the stream was given."""
        self._stream = stream
        self._taken = taken
        self._octets = b""
        self._flushed = stream.eof or taken.endswith(FLUSHED)
        self.is_over = False

    def strip(self, data: bytes) -> bytes:
        """Those of the next octets that lie behind it."""
        self._octets += data
        if not self._flushed and (behind := self._behind_the_flush()) is not None:
            self._flushed, self._octets = True, behind
        if not self._flushed:
            return b""
        plain, self._octets = self._octets.lstrip(TRAILER), b""
        self.is_over = bool(plain)
        return plain

    def _behind_the_flush(self) -> bytes | None:
        """None: neither a flush has come nor the end of the stream, and one still may."""
        beginning, more = self._octets[:LONGEST_TRAILER], self._octets[LONGEST_TRAILER:]
        torn = self._taken[1 - len(FLUSHED) :]
        end = (torn + beginning).find(FLUSHED)
        if end >= 0:
            return beginning[end + len(FLUSHED) - len(torn) :] + more
        stream = self._stream.copy()
        with contextlib.suppress(zlib.error):
            stream.decompress(beginning)
            if stream.eof:
                return stream.unused_data + more
        return self._octets if len(beginning) == LONGEST_TRAILER else None
