"""COMPRESS=DEFLATE: RFC 4978, over a real connection."""

from __future__ import annotations

import zlib
from pathlib import Path

from imap_wire import Wire
from live import PASSWORDS, live


def test_example(tmp_path: Path) -> None:
    """§3, example: TLS, login, COMPRESS; what follows is compressed both ways, and a second COMPRESS is refused."""
    with live(tmp_path) as house, Wire(house) as client:
        client.run("""
            1< * OK...
            1: a STARTTLS
            1< a OK...
        """)
        client.secure()
        client.run(f"""
            1: b LOGIN ada@example.org "{PASSWORDS["ada@example.org"]}"
            1< b OK...
            1: c COMPRESS DEFLATE
            1< c OK...
        """)
        packer, unpacker = zlib.compressobj(wbits=-15), zlib.decompressobj(wbits=-15)
        client.send(packer.compress(b"d COMPRESS DEFLATE\r\ne NOOP\r\n") + packer.flush(zlib.Z_SYNC_FLUSH))
        told = b""
        while not told.endswith(b"e OK NOOP completed\r\n"):
            told += unpacker.decompress(client.receive())
        assert told.startswith(b"d NO [COMPRESSIONACTIVE] ")
