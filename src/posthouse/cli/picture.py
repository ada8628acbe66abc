"""The demo's picture: an envelope, drawn here, so that the demo needs no file and no drawing library."""

from __future__ import annotations

import struct
import zlib

WIDTH, HEIGHT = 240, 160
NIGHT, PAPER, FLAP, LINE, SEAL = (24, 32, 56), (250, 244, 228), (238, 226, 196), (150, 130, 96), (178, 34, 52)


def envelope() -> bytes:
    """A sealed letter on a dark ground, as PNG octets."""
    rows = b"".join(b"\0" + b"".join(bytes(pixel(x, y)) for x in range(WIDTH)) for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk of a PNG: length, kind, data, checksum (ISO/IEC 15948 §5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def pixel(x: int, y: int) -> tuple[int, int, int]:
    """The colour at a point, the origin at the upper left."""
    left, right, top, bottom = 30, 210, 30, 130
    if not (left <= x < right and top <= y < bottom):
        return NIGHT
    middle = (left + right) / 2
    if (x - middle) ** 2 + (y - 92) ** 2 < 14**2:
        return SEAL
    # The flap's edges run from the upper corners to the seal; the body's folds from the lower ones.
    flap = top + (1 - abs(x - middle) / (middle - left)) * 62
    fold = bottom - (1 - abs(x - middle) / (middle - left)) * 42
    if min(x - left, right - 1 - x, y - top, bottom - 1 - y) < 2 or abs(y - flap) < 1.5:
        return LINE
    if y < flap:
        return FLAP
    return LINE if abs(y - fold) < 1 else PAPER
