"""Letters in a .zip: single ones (.eml) and mbox files, in folders that are folders of mail.

No member's name reaches the disk: it becomes a folder's name, or nothing. Flags and the date of delivery,
which a .eml has no place for, stand in the member's comment: ``posthouse 2024-02-29T12:30:01Z \\Seen Work``.
"""

from __future__ import annotations

import errno
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, BinaryIO, cast

from posthouse.errors import MailFileError
from posthouse.message.filename import safe_name

from .disk import close_durably, create_file, sync_folder
from .eml import file_name
from .item import Item, Progress, check_size
from .large import LARGE, Large, to_crlf, with_crlf
from .mbox import read_mbox
from .passed_over import PassedOver

# Members of an archive: the directory of half a million takes some 300 MB of memory while it is read.
MEMBERS = 500_000
# Octets that may come out for each octet of the archive, and what a small archive may have. Text packs to a fifth, a
# log of one repeated line to a hundredth; deflate ends at a thousandth, and overlapping members at less than that.
RATIO = 200
ALLOWANCE = 64 * 1024 * 1024
CHUNK = 1024 * 1024
# The first octets of an archive: of a member, or of the end of an empty one (APPNOTE.TXT 4.3.7, 4.3.16).
MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
# What is no mail, however it is named: macOS writes these beside every file.
_FOREIGN = "__MACOSX"
# What unpacking raises for octets that aren't those that were packed.
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError)
_COMMENT = re.compile(rb"posthouse(?: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ))?((?: \\?[!-\[\]-~]+)*)")
_LONGEST_COMMENT = 65_535  # APPNOTE.TXT 4.4.12
_FIRST_YEAR, _LAST_YEAR = 1980, 2107  # of a member's own date, which counts from 1980 in seven bits


# -- reading --------------------------------------------------------------------------------------------------------


def read_zip(path: Path | str, *, progress: Progress | None = None, passed: PassedOver | None = None) -> Iterator[Item]:
    """The letters in an archive, in its order. Other files in it are passed over, and so is what is damaged.

    Raises MailFileError for what is no .zip, holds no readable letter, is encrypted, or unpacks to absurd sizes.
    """
    source = Path(path)
    if passed is None:
        with PassedOver(source) as passed:
            yield from read_zip(source, progress=progress, passed=passed)
        return
    with _explained(source), zipfile.ZipFile(source) as archive:
        if len(archive.infolist()) > MEMBERS:
            raise MailFileError(f"{source} has more than {MEMBERS} members", advice="Unpack it, and read the folder.")
        members = [member for member in archive.infolist() if _is_mail(member)]
        budget = _Budget(source)
        total = sum(member.compress_size for member in members)
        found = done = damaged = 0
        for member in members:
            try:
                for item in _read_member(archive, member, budget):
                    found += 1
                    yield item
            except _DAMAGE:  # one bad block, and thousands of letters that are whole
                damaged += 1
                passed.note(source / member.filename, "is damaged: of an mbox file what is before the damage came")
            done += member.compress_size
            if progress is not None:
                progress(done, total)
        if not found:
            raise MailFileError(f"{source} is damaged" if damaged else f"{source} holds no .eml and no mbox file")


class _Budget:
    """How much may still come out of an archive."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self._left = source.stat().st_size * RATIO + ALLOWANCE

    def spend(self, octets: int) -> None:
        self._left -= octets
        if self._left < 0:
            raise MailFileError(
                f"{self._source} unpacks to more than {RATIO} times its size, which no mail does",
                advice="If it is mail, unpack it yourself, and read the folder.",
            )


class _Unpacking:
    """A member as a file that is read to its end, within the budget. It ends where it is damaged; `check` tells."""

    def __init__(self, file: IO[bytes], budget: _Budget) -> None:
        self._file = file
        self._budget = budget
        self._damage: Exception | None = None

    def read(self, size: int = CHUNK) -> bytes:
        try:
            octets = self._file.read(size)
        except _DAMAGE as error:
            self._damage = error
            return b""
        self._budget.spend(len(octets))
        return octets

    def check(self) -> None:
        """Raises what was wrong."""
        if self._damage is not None:
            raise self._damage


def _is_mail(member: zipfile.ZipInfo) -> bool:
    parts = member.filename.split("/")
    return parts[-1] != "" and not parts[-1].startswith(".") and parts[0] != _FOREIGN  # "": a folder


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, budget: _Budget) -> Iterator[Item]:
    *folders, name = [part for part in member.filename.split("/") if part not in ("", ".", "..")] or [""]
    stem, dot, suffix = name.rpartition(".")
    with archive.open(member) as file:
        if suffix.lower() == "eml":
            octets = _read_letter(archive, member, _Unpacking(file, budget))
            date, flags = _noted(member.comment)
            yield Item(octets, flags, date, "/".join(folders))
            return
        if file.read(5) != b"From ":
            return
    with archive.open(member) as file:
        folder = "/".join([*folders, stem if dot and suffix.lower() in ("mbox", "mbx") else name])
        unpacking = _Unpacking(file, budget)
        yield from read_mbox(cast("BinaryIO", unpacking), folder=folder)
        unpacking.check()


def _read_letter(archive: zipfile.ZipFile, member: zipfile.ZipInfo, file: _Unpacking) -> bytes | Large:
    start: list[bytes] = []
    size = 0
    while chunk := file.read():
        size += len(chunk)
        check_size(size, f"{archive.filename}: {member.filename}")  # what is said of it beforehand need not be true
        if size <= LARGE:
            start.append(chunk)
    file.check()
    if size <= LARGE:
        return with_crlf(b"".join(start))
    path = cast("str", archive.filename)
    return Large(lambda: to_crlf(_unpacked(path, member, size)))


def _unpacked(path: str, member: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
    """The octets of a member, which has as many of them as it had when it was counted."""
    with _explained(Path(path)), zipfile.ZipFile(path) as archive, archive.open(member) as file:
        while size > 0 and (chunk := file.read(min(CHUNK, size))):
            size -= len(chunk)
            yield chunk


def _noted(comment: bytes) -> tuple[datetime | None, frozenset[str]]:
    """The date and the flags that `ZipWriter` notes. Any other comment tells nothing."""
    found = _COMMENT.fullmatch(comment)
    if found is None:
        return None, frozenset()
    try:
        date = datetime.fromisoformat(found[1].decode("ascii")) if found[1] else None
    except ValueError:  # the 31st of February
        date = None
    return date, frozenset(found[2].decode("ascii").split())


@contextmanager
def _explained(source: Path) -> Iterator[None]:
    """What the archive's reader raises, in a person's words."""
    try:
        yield
    except FileNotFoundError as error:
        raise MailFileError(f"there is no file {source}") from error
    except (*_DAMAGE, UnicodeDecodeError) as error:
        raise MailFileError(f"{source} is damaged, or no .zip: {error}") from error
    except (ValueError, OSError) as error:  # a member that would stand before the archive's beginning
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise MailFileError(f"{source} is damaged: its directory is wrong") from error
    except NotImplementedError as error:
        raise MailFileError(f"{source} is packed in a way that can't be read here: {error}") from error
    except RuntimeError as error:  # zipfile's word for a member with a password
        raise MailFileError(f"{source} can't be read: {error}", advice="Unpack it, and read the folder.") from error


# -- writing --------------------------------------------------------------------------------------------------------


class ZipWriter:
    """A new archive of .eml files. A context manager: left normally, it is complete and on disk; by an exception, gone.

    Folders become folders; memory grows by the directory of the archive, some 500 octets a letter.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._file = create_file(self.path)
        self._archive = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False)
        self._count = 0

    def add(self, item: Item) -> None:
        """Append a letter."""
        self._count += 1
        folders = [safe_name(part, "folder") for part in item.folder.split("/") if part]
        date = item.date.astimezone(UTC) if item.date else None
        member = zipfile.ZipInfo("/".join([*folders, file_name(self._count, item)]))
        if date is not None and _FIRST_YEAR <= date.year <= _LAST_YEAR:
            member.date_time = (date.year, date.month, date.day, date.hour, date.minute, date.second)
        member.compress_type = zipfile.ZIP_DEFLATED
        member.external_attr = 0o600 << 16
        when = [f"{date.replace(tzinfo=None).isoformat(timespec='seconds')}Z"] if date is not None else []
        words = ["posthouse", *when, *sorted(item.flags)]
        noted = " ".join(words).encode("ascii")
        member.comment = noted if len(noted) <= _LONGEST_COMMENT else b""
        # force_zip64: a member of which nobody knows beforehand how large it is.
        with self._archive.open(member, "w", force_zip64=isinstance(item.octets, Large)) as file:
            for chunk in item.chunks():
                file.write(chunk)

    def close(self) -> None:
        """Write everything to the disk."""
        self._archive.close()
        close_durably(self._file)
        sync_folder(self.path.parent)

    def __enter__(self) -> ZipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            with suppress(OSError):  # it wants to write its directory
                self._archive.close()
            self._file.close()
            self.path.unlink(missing_ok=True)
