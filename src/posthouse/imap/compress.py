"""COMPRESS=DEFLATE (RFC 4978): a stream of raw deflate each way, flushed wherever an answer ends."""

from __future__ import annotations

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


class Inflate:
    """Unpacks what comes in, so much at a time: a few packed octets can stand for megabytes."""

    __slots__ = ("_full", "_stream", "_waiting")

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(RAW)
        self._waiting = b""
        self._full = False  # the last octets that were asked for came in full: the stream may hold more, without input

    def feed(self, data: bytes) -> None:
        """Take octets from the network."""
        self._waiting += data

    @property
    def waiting(self) -> bool:
        """Whether there may be octets to unpack."""
        return self._full or bool(self._waiting)

    def forget(self) -> None:
        """Throw away what waits."""
        self._waiting = b""
        self._full = False

    def unpack(self, limit: int) -> bytes:
        """At most ``limit`` octets of what was packed; `RemoteProtocolError` for what can't be unpacked."""
        try:
            data = self._stream.decompress(self._waiting, limit)
        except zlib.error as error:
            raise RemoteProtocolError("the compressed octets are damaged") from error
        if self._stream.eof:
            raise RemoteProtocolError("the compressed octets came to an end")
        self._waiting = self._stream.unconsumed_tail
        self._full = len(data) == limit
        return data
