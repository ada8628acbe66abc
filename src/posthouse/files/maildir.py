"""Maildir: a folder with a file for each letter (cr.yp.to/proto/maildir.html), and Maildir++ for folders in it.

::

    Maildir/tmp/…                          being written
    Maildir/new/1700000000.M1P2Q3.host     delivered, not yet seen by any mail program
    Maildir/cur/1700000000.M1P2Q3.host:2,FS   with its flags
    Maildir/.Archive.2024/{cur,new,tmp}    the folder Archive/2024 (Maildir++)
    Maildir/Archive/2024/{cur,new,tmp}     the same as some programs lay it out; written where the other name, all
                                           levels in one, is longer than a file system takes

The name never changes but for its flags, the file's modification time is the date of delivery.
"""

from __future__ import annotations

import binascii
import heapq
import os
import re
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path
from types import TracebackType

from posthouse.errors import MailFileError

from .disk import close_durably, create_file, sorted_names, sync_folder
from .eml import read_letter
from .item import Item, Progress
from .large import to_lf
from .passed_over import PassedOver
from .status import ANSWERED, DELETED, DRAFT, FLAGGED, SEEN

_PARTS = ("cur", "new", "tmp")
_FLAGS = {"D": DRAFT, "F": FLAGGED, "P": "$Forwarded", "R": ANSWERED, "S": SEEN, "T": DELETED}
# The info of a name: ":2," and letters. File systems that can't have a ":" get "!" or ";" from some programs.
_INFO = re.compile(r"[:!;]2,([A-Za-z]*)[^/]*\Z")
# Dovecot's file of keywords: a number, which is a letter from a to z in names, and a keyword.
_KEYWORDS_FILE = "dovecot-keywords"
_KEYWORD = re.compile(r"([0-9]|1[0-9]|2[0-5]) ([!-\[\]-~][!-~]*)")
_MOST_KEYWORDS = 26
_LONGEST_NAME = 255  # octets of a name in a folder; most file systems
# Folders that lie in each other can't have these names.
_OURS = frozenset({*_PARTS, _KEYWORDS_FILE, "maildirfolder"})
# Folders within folders, deeper than anybody would lay them out.
_DEEPEST = 50


# -- names of folders -----------------------------------------------------------------------------------------------

# Modified UTF-7 (RFC 3501 §5.1.3) is how Maildir++ names are written.
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]+)-")
_TO_SHIFT = re.compile(r"[^ -%'-~]+|[&.]+")


def _decode_name(name: str) -> str:
    def run(found: re.Match[str]) -> str:
        padded = found[1].replace(",", "/") + "=" * (-len(found[1]) % 4)
        try:
            return binascii.a2b_base64(padded).decode("utf-16-be")
        except ValueError:  # not modified UTF-7: the name is what it looks like
            return found[0]

    return _SHIFTED.sub(run, name).replace("&-", "&")


def _encode_name(name: str) -> str:
    """A dot, which separates folders here, is shifted as well: it can't be told otherwise."""

    def run(found: re.Match[str]) -> str:
        if found[0] == "&":
            return "&-"
        base64 = binascii.b2a_base64(found[0].encode("utf-16-be", "replace"), newline=False).decode("ascii")
        return "&" + base64.rstrip("=").replace("/", ",") + "-"

    return _TO_SHIFT.sub(run, name)


def _place_of(name: str) -> Path:
    """Where a folder lies in the Maildir."""
    levels = [_encode_name(level) for level in name.split("/")]
    flat = "." + ".".join(levels)
    if len(flat) <= _LONGEST_NAME:
        return Path(flat)
    return Path(*[_level(level) for level in name.split("/")])


def _level(name: str) -> str:
    """The name of a folder in a folder. Of one that is too long its beginning, and what makes it another than others
    that begin so."""
    encoded = _encode_name(name)
    if encoded in _OURS:
        return (
            f"&{binascii.b2a_base64(name[0].encode('utf-16-be'), newline=False).decode('ascii').rstrip('=')}-{name[1:]}"
        )
    mark = f"~{blake2b(name.encode('utf-8', 'replace'), digest_size=4).hexdigest()}"
    kept = len(name)
    while len(encoded) > _LONGEST_NAME:
        kept -= 1
        encoded = _encode_name(name[:kept] + mark)
    return encoded


# -- reading --------------------------------------------------------------------------------------------------------


def is_maildir(path: Path) -> bool:
    """Whether a folder is a Maildir."""
    return (path / "cur").is_dir() and (path / "new").is_dir()


def read_maildir(
    path: Path | str, *, folder: str = "", progress: Progress | None = None, passed: PassedOver | None = None
) -> Iterator[Item]:
    """The messages of a Maildir and of the folders in it, in the order of their names, which is that of delivery.

    ``folder`` goes in front of the folders' names. A message that another program renames meanwhile is found again.
    Links that lead out of the Maildir, or of what ``passed`` is about, are passed over. Raises MailFileError if it is
    no Maildir.
    """
    if passed is None:
        with PassedOver(Path(path)) as passed:
            yield from read_maildir(path, folder=folder, progress=progress, passed=passed)
        return
    root = Path(path)
    folders = list(_folders(root, folder, 0, passed))
    if not folders:
        raise MailFileError(f"{root} is no Maildir: it has no folders cur and new")
    total = sum(_octets_in(place) for _, place in folders) if progress is not None else 0
    done = 0
    for name, place in folders:
        for item, size in _read_folder(place, name, passed):
            yield item
            done += size
            if progress is not None:
                progress(done, total)


def _folders(root: Path, name: str, depth: int, passed: PassedOver) -> Iterator[tuple[str, Path]]:
    if is_maildir(root):
        yield name, root
    if depth >= _DEEPEST:
        return
    with os.scandir(root) as entries:
        # Links are followed for Maildir++ folders, which have no folders in them and so make no circles.
        inner = [entry.name for entry in entries if entry.is_dir(follow_symlinks=entry.name.startswith("."))]
    for entry in sorted(set(inner) - set(_PARTS)):
        if passed.is_link_out(root / entry):
            continue
        if not entry.startswith("."):
            yield from _folders(root / entry, _join(name, _decode_name(entry)), depth + 1, passed)
        elif is_maildir(root / entry):
            yield _join(name, *[_decode_name(part) for part in entry[1:].split(".")]), root / entry


def _join(*names: str) -> str:
    return "/".join([name for name in names if name])


def _octets_in(place: Path) -> int:
    total = 0
    for part in ("new", "cur"):
        with os.scandir(place / part) as entries:
            for entry in entries:
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:  # renamed meanwhile: this is only for the progress
                    continue
    return total


def _read_folder(place: Path, folder: str, passed: PassedOver) -> Iterator[tuple[Item, int]]:
    keywords = _read_keywords(place)
    # Other programs move letters from new to cur and set flags while we read: new is listed first, so that a letter is
    # in one of the two lists or in both. Its unique part never changes.
    new = ((_unique(name), place / "new" / name) for name in sorted_names(place / "new", _unique))
    cur = ((_unique(name), place / "cur" / name) for name in sorted_names(place / "cur", _unique))
    last = ""
    renamed: set[str] = set()
    for unique, path in heapq.merge(new, cur, key=itemgetter(0)):
        if unique == last or passed.is_link_out(path):
            continue
        if read := _read_file(path, folder, keywords):
            last = unique
            renamed.discard(unique)
            yield read
        else:
            renamed.add(unique)
    for name in sorted_names(place / "cur", _unique) if renamed else ():
        if _unique(name) in renamed and (read := _read_file(place / "cur" / name, folder, keywords)):
            renamed.discard(_unique(name))
            yield read


def _unique(name: str) -> str:
    return _INFO.sub("", name)


def _read_file(path: Path, folder: str, keywords: dict[str, str]) -> tuple[Item, int] | None:
    try:
        if not path.is_file():  # a folder, or a pipe, at which one would wait for ever
            return None
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            octets = read_letter(file, str(path))
    except FileNotFoundError:
        return None
    info = _INFO.search(path.name)
    flags = [_FLAGS.get(letter) or keywords.get(letter) for letter in (info[1] if info else "")]
    date = datetime.fromtimestamp(int(status.st_mtime), UTC)
    return Item(octets, frozenset(flag for flag in flags if flag), date, folder), status.st_size


def _read_keywords(place: Path) -> dict[str, str]:
    """Letters of names, and the keywords they stand for in this folder."""
    try:
        lines = (place / _KEYWORDS_FILE).read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return {}
    found = [_KEYWORD.fullmatch(line) for line in lines[:_MOST_KEYWORDS]]
    return {chr(ord("a") + int(match[1])): match[2] for match in found if match}


# -- writing --------------------------------------------------------------------------------------------------------


class MaildirWriter:
    """Adds messages to a Maildir, which is made if it is missing.

    Each is written to tmp, synced, and renamed: no other program ever sees half of one. Left as a context manager (or
    closed), everything is on disk. A Maildir folder holds 26 keywords; further ones are lost.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._count = 0
        # Unique by the time, the process, a counter and chance, as the Maildir page asks for.
        host = re.sub(r"[^A-Za-z0-9.-]", "_", socket.gethostname())
        self._tail = f"M{time.time_ns() // 1000 % 1_000_000}P{os.getpid()}R{secrets.token_hex(4)}Q{{:07d}}.{host}"
        self._keywords: dict[str, dict[str, str]] = {}  # by folder: keyword, letter
        self._folder("")

    def _folder(self, name: str) -> Path:
        """The place of a folder; made when first asked for."""
        parts = name.split("/") if name else []
        if any(not part for part in parts) or "\0" in name:
            raise MailFileError(f"{name!r} can't be the name of a Maildir folder")
        place = self.path / _place_of(name) if parts else self.path
        if name not in self._keywords:
            for part in _PARTS:
                (place / part).mkdir(parents=True, exist_ok=True)
            if name:
                (place / "maildirfolder").touch()  # Maildir++: this is no Maildir of its own
            self._keywords[name] = {keyword: letter for letter, keyword in _read_keywords(place).items()}
        return place

    def add(self, item: Item) -> None:
        """Add a message: to cur if it has flags, else to new."""
        place = self._folder(item.folder)
        self._count += 1
        when = item.date.timestamp() if item.date else time.time()
        name = f"{max(0, int(when))}.{self._tail.format(self._count)}"
        written = place / "tmp" / name
        file = create_file(written)
        file.writelines(to_lf(item.chunks()))
        close_durably(file)
        os.utime(written, (when, when))
        letters = self._letters(item)
        written.rename(place / "cur" / f"{name}:2,{letters}" if letters else place / "new" / name)

    def _letters(self, item: Item) -> str:
        known = self._keywords[item.folder]
        letters = [letter for letter, flag in _FLAGS.items() if flag in item.flags]
        for flag in sorted(item.flags):
            if flag.startswith("\\") or flag in _FLAGS.values():
                continue
            if flag not in known:
                free = [letter for letter in map(chr, range(ord("a"), ord("z") + 1)) if letter not in known.values()]
                if not free:
                    continue
                known[flag] = free[0]
            letters.append(known[flag])
        return "".join(sorted(letters))

    def close(self) -> None:
        """Write the names and the keywords to the disk."""
        for name, keywords in self._keywords.items():
            place = self._folder(name)
            if keywords:
                self._write_keywords(place, keywords)
            for part in ("cur", "new"):
                sync_folder(place / part)
            sync_folder(place)
        sync_folder(self.path.parent)

    def _write_keywords(self, place: Path, keywords: dict[str, str]) -> None:
        lines = [f"{ord(letter) - ord('a')} {keyword}\n" for keyword, letter in keywords.items()]
        new = place / "tmp" / self._tail.format(0)
        file = create_file(new)
        file.write("".join(sorted(lines, key=lambda line: int(line.split(" ")[0]))).encode("ascii"))
        close_durably(file)
        new.replace(place / _KEYWORDS_FILE)

    def __enter__(self) -> MaildirWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
