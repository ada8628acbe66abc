"""Large messages come in chunks: what is read and written is the same, and memory stays small."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail_files import WRITERS
from posthouse.files import Dialect, Item, eml, item, large, mbox, read, read_mbox, zipped
from posthouse.files.large import Large

WHEN = datetime(2024, 2, 29, 12, 30, 1, tzinfo=UTC)
# What readers and writers look for, at all places.
PIECES = st.sampled_from([
    *(b"From ", b">From ", b">>From x", b"\r\n", b"\n", b"\r\n\r\n", b"\n\n", b"\r", b"text", b"Status: RO\r\n"),
    *(b"From ann@example.org Fri Nov 21 15:55:06 1997\nSubject: x\n", b"Content-Length: 20\n", b"y" * 50),
])  # fmt: skip
OCTETS = st.lists(PIECES, max_size=15).map(b"".join)


def joined(items: Iterable[Item]) -> list[Item]:
    return [Item(b"".join(one.chunks()), one.flags, one.date, one.folder) for one in items]


@contextlib.contextmanager
def everything_is_large(size: int) -> Iterator[None]:
    """Chunks of some octets, where they would be of megabytes."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (eml, item, mbox, zipped):
            patch.setattr(module, "LARGE", size)
        patch.setattr(large, "CHUNK", size)
        yield


@settings(deadline=None)
@given(octets=OCTETS, dialect=st.sampled_from([None, *get_args(Dialect)]), size=st.integers(1, 40))
def test_an_mbox_is_read_as_if_it_were_small(octets: bytes, dialect: Dialect | None, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mbox"
        path.write_bytes(b"From a Fri Nov 21 15:55:06 1997\n" * (not octets.startswith(b"From ")) + octets)
        expected = joined(read_mbox(path, dialect=dialect))
        with everything_is_large(size):
            assert joined(read_mbox(path, dialect=dialect)) == expected


@settings(deadline=None)
@given(octets=OCTETS, form=st.sampled_from(sorted(WRITERS)), size=st.integers(1, 40))
def test_what_is_written_is_as_if_it_were_small(octets: bytes, form: str, size: int) -> None:
    octets = b"Subject: x\r\n\r\n" + octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    chunks = [octets[start : start + size] for start in range(0, len(octets), size)]
    with tempfile.TemporaryDirectory() as folder:
        small, big = Path(folder) / "small", Path(folder) / "big"
        for path, one in ((small, Item(octets, date=WHEN)), (big, Item(Large(lambda: iter(chunks)), date=WHEN))):
            with WRITERS[form](path) as writer:
                writer.add(one)
        assert contents(big) == contents(small)


def contents(path: Path) -> list[bytes]:
    if path.is_dir():
        return [one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return [archive.read(name) for name in archive.namelist()]
    return [path.read_bytes()]


@settings(deadline=None)
@given(octets=OCTETS, form=st.sampled_from(["maildir", "eml", "zip"]), size=st.integers(1, 40))
def test_other_files_are_read_as_if_they_were_small(octets: bytes, form: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mail"
        with WRITERS[form](path) as writer:
            writer.add(Item(octets, frozenset({"\\Seen"}), WHEN, "Work"))
        expected = joined(read(path))
        with everything_is_large(size):
            assert joined(read(path)) == expected
