"""mbox: many letters in one file, each behind a line that begins with "From " (RFC 4155 describes the common part).

Four dialects differ in what happens to lines of a letter that begin so themselves:

========  ==========================================  ===============================================
mboxo     ``From `` becomes ``>From ``                can't be undone for sure
mboxrd    ``>*From `` gets one more ``>``             exact both ways
mboxcl    as mboxrd, and Content-Length               exact both ways
mboxcl2   nothing; Content-Length tells where it ends exact, while no program changes the text
========  ==========================================  ===============================================
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

from posthouse.errors import MailFileError

from . import status
from .disk import create_file, sync_folder
from .item import MESSAGE_LIMIT, Item, Progress, check_size
from .large import LARGE, FileRange, Large, has_line, substituted, to_crlf, to_lf

Dialect = Literal["mboxo", "mboxrd", "mboxcl", "mboxcl2"]

_CHUNK = 1 << 20  # octets read at once; a longer header or separator line is not looked through
_BLANK = len(b"\n\r\n")  # of a message that ends, what tells whether a blank line is before the separator
_LONGEST_LINE = 4096  # of a "From " line and the one behind it, as far as they are looked at

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_DAYS = (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
# "From " addr-spec SP asctime: "Thu Nov 24 18:22:48 1986", in UTC (RFC 4155 §2); some write a zone around the year.
_DATE = re.compile(
    rb" (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +(\d\d?)"
    rb" +(\d\d?):(\d\d)(?::(\d\d))?(?: +[A-Z]{1,5})?(?: +([+-]\d{4}))? +(\d{4})(?: +([+-]\d{4}))?"
)
_BLANK_LINES = re.compile(rb"[\r\n]*")
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_HEADER_END = re.compile(rb"(?:\A|\n)\r?\n")
# What ends a header that is still being looked for, as well: a line that can only be the next separator.
_HEADER_END_OR_FROM = re.compile(rb"(?:\A|\n)(?:\r?\n|(From ))")
_CONTENT_LENGTH = re.compile(rb"(?mi)^content-length:[ \t]*([0-9]{1,12})[ \t]*\r?$")
_RETURN_PATH = re.compile(rb"(?mi)^return-path:[ \t]*<([!-=?-~]{1,254})>")

_TO_QUOTE = {"mboxo": re.compile(rb"(?m)^(From )"), "mboxrd": re.compile(rb"(?m)^(>*+From )")}
_QUOTED = {"mboxo": re.compile(rb"(?m)^>(From )"), "mboxrd": re.compile(rb"(?m)^>(>*+From )")}
_BARE_FROM = re.compile(rb"(?m)^From ")

# What is written for a date that nobody knows, and read as such.
_UNKNOWN_DATE = datetime(1970, 1, 1, tzinfo=UTC)


# -- reading --------------------------------------------------------------------------------------------------------


def read_mbox(
    source: Path | str | BinaryIO, *, dialect: Dialect | None = None, folder: str = "", progress: Progress | None = None
) -> Iterator[Item]:
    """The messages of an mbox file, or of a binary stream, in their order; ``folder`` is what each says of itself.

    Without a ``dialect`` a Content-Length is believed where a separator or the end follows, and quoting is undone as
    mboxrd does it. What isn't a regular file is copied into a temporary one. Raises MailFileError if it is no mbox, or
    holds a message beyond MESSAGE_LIMIT.
    """
    name = str(source) if isinstance(source, Path | str) else "The input"
    with ExitStack() as stack:
        file = stack.enter_context(Path(source).open("rb")) if isinstance(source, Path | str) else source
        total = _size(file)
        if not total:
            copy = stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(file, copy)
            copy.seek(0)
            file = copy
        window = _Window(file, name)
        for separator, octets in _split(window, dialect):
            yield _item(separator, octets, dialect, folder)
            if progress is not None:
                progress(window.offset, total)


def _size(file: BinaryIO) -> int:
    """The size of a regular file, or 0."""
    try:
        return os.fstat(file.fileno()).st_size
    except (OSError, ValueError, AttributeError):  # a stream in memory has no descriptor
        return 0


class _Window:
    """The part of the file that is being looked at: it grows at its end, and is cut off at its beginning."""

    __slots__ = ("at_end", "file", "name", "octets", "offset")

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file = file
        self.name = name
        self.octets = bytearray()
        self.offset = file.tell()  # of the window in the file
        self.at_end = False

    def need(self, size: int) -> bool:
        """Read until the window holds ``size`` octets; False if the file ends before."""
        while len(self.octets) < size and not self.at_end:
            chunk = self.file.read(_CHUNK)
            self.octets += chunk
            self.at_end = not chunk
        return len(self.octets) >= size

    def skip(self, size: int) -> None:
        """Cut octets off the beginning, also ones that aren't read yet."""
        if size <= len(self.octets):
            del self.octets[:size]
        else:
            self.file.seek(self.offset + size)
            self.octets.clear()
        self.offset += size

    def peek(self, at: int, size: int) -> bytes:
        """``size`` octets from ``at`` on, or fewer where the file ends; they aren't read into the window."""
        if len(self.octets) >= at + size:
            return bytes(self.octets[at : at + size])
        return os.pread(self.file.fileno(), size, self.offset + at)

    def take(self, size: int) -> bytes:
        """Cut ``size`` octets off the beginning."""
        taken = bytes(memoryview(self.octets)[:size])
        del self.octets[:size]
        self.offset += size
        return taken


def _split(window: _Window, dialect: Dialect | None) -> Iterator[tuple[bytes, bytes | FileRange]]:
    """Pairs of the separator line and the octets behind it."""
    _skip_blank_lines(window)
    if not window.octets.startswith(b"From ") and window.octets:
        raise MailFileError(
            f"{window.name} is no mbox file: it doesn't begin with a line like "
            '"From ann@example.org Fri Nov 21 15:55:06 1997"',
            advice="A single letter is read as an .eml file.",
        )
    while window.octets:
        separator = window.take(_line_end(window, 0))
        start = window.offset
        end = _end_by_length(window) if dialect not in ("mboxo", "mboxrd") else -1
        if end >= 0:
            octets = _cut_off(window, start, end, 0)
        else:
            end = _end_by_separator(window)
            last = window.peek(max(start + end - 3 - window.offset, 0), min(3, end))
            octets = _cut_off(window, start, end, _last_blank(last))
        yield separator, octets
        _skip_blank_lines(window)


def _cut_off(window: _Window, start: int, end: int, blank: int) -> bytes | FileRange:
    """The message from ``start`` in the file, which has ``end`` octets and ``blank`` of a blank line, cut off."""
    if end <= LARGE:
        octets = window.take(end)
        return octets[: len(octets) - blank]
    window.skip(start + end - window.offset)
    return FileRange(window.file.fileno(), start, start + end - blank)


def _skip_blank_lines(window: _Window) -> None:
    while window.need(1):
        blank = _BLANK_LINES.match(window.octets)
        if not blank or not blank.end():
            return
        window.take(blank.end())


def _line_end(window: _Window, at: int) -> int:
    """The offset behind the line at ``at``."""
    looked = at
    while True:
        found = window.octets.find(b"\n", looked)
        if found >= 0:
            return found + 1
        looked = len(window.octets)
        if looked > _CHUNK:
            raise MailFileError(f'{window.name} is no mbox file: a line that begins with "From " has no end')
        if not window.need(looked + 1):
            return looked


def _end_by_length(window: _Window) -> int:
    """Where the message ends by its Content-Length, or -1 if it has none that can be true."""
    looked = 0
    while (header_end := _HEADER_END_OR_FROM.search(window.octets, looked)) is None:
        looked = max(0, len(window.octets) - len("\nFrom "))
        # A header without end is looked for no further than one read: no other message is in memory because of it.
        if len(window.octets) > _CHUNK or not window.need(len(window.octets) + 1):
            return -1
    field = _CONTENT_LENGTH.search(window.octets, 0, header_end.end())
    if header_end[1] or field is None or int(field[1]) > MESSAGE_LIMIT:
        return -1
    end = header_end.end() + int(field[1])
    if end <= LARGE:
        window.need(end + _LONGEST_LINE)
    behind = window.peek(end - 1, 1 + _LONGEST_LINE)
    if not behind.startswith(b"\n"):
        return -1
    behind = behind.lstrip(b"\r\n")
    return end if not behind or behind.startswith(b"From ") else -1


def _end_by_separator(window: _Window) -> int:
    """Where the message ends because a separator line follows, or the file does. Of a large one the window keeps the
    end."""
    if _is_separator(window, 0):
        return 0
    passed = looked = 0  # octets of the message that are out of the window; of the window, that were looked at
    while True:
        found = window.octets.find(b"\nFrom ", looked)
        if found >= 0:
            if _is_separator(window, found + 1):
                return passed + found + 1
            looked = found + 1
            continue
        check_size(passed + len(window.octets), window.name)
        looked = max(looked, len(window.octets) - len(b"\nFrom "))
        if looked > LARGE + _BLANK:
            window.skip(looked - _BLANK)
            passed += looked - _BLANK
            looked = _BLANK
        if not window.need(len(window.octets) + 1):
            return passed + len(window.octets)


def _is_separator(window: _Window, at: int) -> bool:
    """Whether the line at ``at``, which begins with "From ", separates two messages rather than belonging to a text.

    Many programs wrote mbox files without quoting such lines. A separator has a blank line before it, a date in it and
    a header field behind it; two of these three make one.
    """
    window.need(at + 2 * _LONGEST_LINE)
    octets = window.octets
    if not octets.startswith(b"From ", at):
        return False
    line_end = octets.find(b"\n", at, at + _LONGEST_LINE)
    if line_end < 0:
        line_end = min(len(octets), at + _LONGEST_LINE)
    blank_before = bytes(octets[max(0, at - 3) : at]).replace(b"\r", b"")[-2:] in (b"", b"\n", b"\n\n")
    dated = _DATE.search(octets, at, line_end) is not None
    field_behind = _FIELD.match(octets, line_end + 1, line_end + 1 + _LONGEST_LINE) is not None
    return blank_before + dated + field_behind >= 2


def _last_blank(last: bytes) -> int:
    """The octets of the blank line that stands before every separator, in a message that ends with ``last``."""
    if last.endswith(b"\n\r\n"):
        return 2
    return int(last.endswith(b"\n\n") or last == b"\n")


def _item(separator: bytes, raw: bytes | FileRange, dialect: Dialect | None, folder: str) -> Item:
    def octets() -> Iterator[bytes]:
        return iter((raw,)) if isinstance(raw, bytes) else raw()

    header, _ = _header(octets())
    flags, ours = status.read(header)

    def body() -> Iterator[bytes]:
        return _behind(octets(), len(header))

    # A bare "From " proves that nothing in this text was quoted: the ">From " in it were written by people.
    if dialect == "mboxcl2" or (dialect is None and has_line(body(), _BARE_FROM)):
        quoting = None
    else:
        quoting = _QUOTED["mboxo" if dialect == "mboxo" else "mboxrd"]
    unquoted = _QUOTED["mboxrd"].sub(rb"\1", header[ours:])

    def chunks() -> Iterator[bytes]:
        return to_crlf(chain((unquoted,), substituted(body(), quoting, rb"\1")))

    return Item(b"".join(chunks()) if isinstance(raw, bytes) else Large(chunks), flags, _read_date(separator), folder)


def _read_date(separator: bytes) -> datetime | None:
    found = _DATE.search(separator)
    if found is None:
        return None
    month, day, hour, minute, second, zone, year, zone_behind = found.groups()
    offset = int(zone or zone_behind or 0)
    minutes = (abs(offset) // 100 * 60 + abs(offset) % 100) * (1 if offset >= 0 else -1)
    try:
        date = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), min(int(second or 0), 59),
            tzinfo=timezone(timedelta(minutes=minutes)) if offset else UTC,
        )  # fmt: skip
    except ValueError:  # the 31st of February, a zone of 99 hours
        return None
    # No mail is older, and the edges of the calendar have no moment in every zone.
    return None if date == _UNKNOWN_DATE or not 1900 <= date.year < 9999 else date


def _header(chunks: Iterator[bytes]) -> tuple[bytes, bool]:
    """The header with its blank line, and whether it has one; else everything, or as much as is looked through."""
    start = b""
    for chunk in chunks:
        start += chunk
        if found := _HEADER_END.search(start):
            return start[: found.end()], True
        if len(start) > _CHUNK:
            break
    return start, False


def _behind(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """What stands behind the first ``size`` octets."""
    for chunk in chunks:
        yield chunk[size:]
        size = max(size - len(chunk), 0)


# -- writing --------------------------------------------------------------------------------------------------------


class MboxWriter:
    """A new mbox file. A context manager: left normally, the file is complete and on disk; by an exception, it is gone.

    mbox knows no folders: all items land in the one file.
    """

    def __init__(self, path: Path | str, *, dialect: Dialect = "mboxrd") -> None:
        self.path = Path(path)
        self.dialect = dialect
        self._file = create_file(self.path)

    def add(self, item: Item) -> None:
        """Append a message."""
        header, is_whole = _header(to_lf(item.chunks()))
        counted = is_whole and self.dialect in ("mboxcl", "mboxcl2")
        length = sum(map(len, self._body(item, header))) if counted else None
        sender = _RETURN_PATH.search(header)
        self._file.write(
            b"".join([
                b"From ", sender[1] if sender else b"MAILER-DAEMON", b" ", _asctime(item.date or _UNKNOWN_DATE), b"\n",
                status.block(item.flags, length), _TO_QUOTE["mboxrd"].sub(rb">\1", header),
            ])
        )  # fmt: skip
        self._file.writelines(self._body(item, header))
        self._file.write(b"\n")

    def _body(self, item: Item, header: bytes) -> Iterator[bytes]:
        """What stands behind the header, up to a line end."""
        quoting = None if self.dialect == "mboxcl2" else _TO_QUOTE["mboxo" if self.dialect == "mboxo" else "mboxrd"]
        last = header
        for chunk in substituted(_behind(to_lf(item.chunks()), len(header)), quoting, rb">\1"):
            yield chunk
            last = chunk or last
        if not last.endswith(b"\n"):
            yield b"\n"

    def close(self) -> None:
        """Write everything to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        sync_folder(self.path.parent)

    def __enter__(self) -> MboxWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.close()
            self.path.unlink(missing_ok=True)


def _asctime(date: datetime) -> bytes:
    """ISO C asctime in UTC, never in the words of a locale."""
    utc = date.astimezone(UTC)
    day, month = _DAYS[utc.weekday()], _MONTHS[utc.month - 1]
    return b"%b %b %2d %02d:%02d:%02d %04d" % (day, month, utc.day, utc.hour, utc.minute, utc.second, utc.year)
