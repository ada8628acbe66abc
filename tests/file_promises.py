"""What reading mail files promises, for any octets: checked by the fuzzer."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import get_args

from posthouse.errors import MailFileError
from posthouse.files import Dialect, read_mbox

# What mbox files are made of, sound and unsound.
PIECES = [
    b"From ann@x.org Mon Mar 16 12:00:00 2009\n", b"From \n", b"From ann@x.org Mon Mar 31 99:00:00 +9999 0000\r\n",
    b">From me\n", b">>From me\n", b"Content-Length: 9\n", b"Content-Length: 999999999999\n", b"Status: RO\n",
    b"X-Status: AF\nX-Keywords: a \\x\n", b"X-Mozilla-Status: 0001\n", b"Subject: x\n", b"\n", b"\r\n", b"\n\n",
    b"text\n", b"\r", b"\0", b"\xff",
]  # fmt: skip


def check(octets: bytes) -> None:
    """AssertionError, or whatever else is raised, if a promise doesn't hold for a file of these octets."""
    for dialect in (None, *get_args(Dialect)):
        _check(octets, dialect)


def _check(octets: bytes, dialect: Dialect | None) -> None:
    done: list[int] = []
    with suppress(MailFileError):
        for item in read_mbox(io.BytesIO(octets), dialect=dialect, progress=lambda at, _: done.append(at)):
            assert b"\n" not in item.octets.replace(b"\r\n", b"")
    assert done == sorted(done)
    assert not done or done[-1] <= len(octets)
