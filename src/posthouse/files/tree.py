"""Reading whatever holds mail: a file or a folder, of any of the kinds we know, recognised by what is in it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from posthouse.errors import MailFileError

from .disk import sorted_names
from .eml import read_eml
from .item import Item, Progress
from .maildir import is_maildir, read_maildir
from .mbox import read_mbox
from .passed_over import PassedOver
from .zipped import MAGIC, read_zip

_DEEPEST = 50  # folders within folders
# How a letter begins: with a field, perhaps behind blank lines or a quoted separator.
_LETTER = re.compile(rb"\s*(?:>From [^\n]*\n)?[!-9;-~]+[ \t]*:")
# What one has in its first octets whose name doesn't end in .eml: many other files begin with a word and a colon.
_KNOWN_FIELD = re.compile(
    rb"(?mi)^(?:received|from|to|cc|subject|date|message-id|return-path|reply-to|sender|delivered-to|envelope-to"
    rb"|mime-version|content-type|authentication-results|dkim-signature|(?:arc|list|resent|x)-[!-9;-~]+)[ \t]*:"
)
_LOOKED_AT = 4096
_MBOX_SUFFIXES = {".mbox", ".mbx", ".mbs", ".sbd"}  # .sbd: where Thunderbird keeps the folders of a folder


def read(path: Path | str, *, progress: Progress | None = None) -> Iterator[Item]:
    """The messages in a file (.eml, mbox or .zip), a Maildir, or a folder of these but for .zip files, with subfolders.

    Folders of the file system are folders of mail; files that are no mail are passed over. Raises MailFileError if
    there is nothing at ``path``.
    """
    root = Path(path).expanduser()
    with PassedOver(root) as passed:
        if root.is_file():
            yield from _read_file(root, "", progress, passed, is_named=True)
        elif root.exists() and not root.is_dir():
            raise MailFileError(
                f"{root} is no file and no folder", advice="Save what comes from a pipe or a device to a file first."
            )
        elif not root.is_dir():
            raise MailFileError(f"there is no file or folder {root}")
        elif is_maildir(root) or any(is_maildir(place) for place in root.glob(".*/")):
            yield from read_maildir(root, progress=progress, passed=passed)
        else:
            yield from _Walk(root, progress, passed).read(root, "", 0)


def _read_file(
    path: Path, folder: str, progress: Progress | None, passed: PassedOver, *, is_named: bool = False
) -> Iterator[Item]:
    """``is_named``: somebody named this file, so that it is mail whatever it is called, or that is told."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    size = path.stat().st_size
    begins_so = _LETTER.match(start) is not None
    is_eml = path.suffix.lower() == ".eml"
    if start.lstrip(b"\r\n").startswith(b"From "):
        if b"\r" in start and b"\n" not in start:
            raise MailFileError(
                f"{path} has lines that end with CR alone, as old Macintoshes wrote them",
                advice=f"Convert it first: tr '\\r' '\\n' < {path.name} > converted",
            )
        name = "" if is_named else path.stem if path.suffix.lower() in _MBOX_SUFFIXES else path.name
        yield from read_mbox(path, folder="/".join(filter(None, (folder, name))), progress=progress)
    elif is_named and (start.startswith(MAGIC) or path.suffix.lower() == ".zip"):
        yield from read_zip(path, progress=progress, passed=passed)
    # Text alone is a letter too, in a file that is called one: its header is missing.
    elif (is_eml and start and (begins_so or b"\0" not in start)) or (
        is_named and begins_so and _KNOWN_FIELD.search(start)
    ):
        yield read_eml(path, folder=folder)
        if progress is not None:
            progress(size, size)
    elif is_named:
        why = 'it begins with no header field like "From: ann@example.org"' if start else "it is empty"
        raise MailFileError(
            f"{path} is no mail: {why}",
            advice="A letter has such lines at its beginning; an mbox, .zip file, Maildir or folder can hold many.",
        )
    elif is_eml:
        passed.note(path, "is no letter" if start else "is empty")


class _Walk:
    """One walk through a folder, with what is needed to tell how far it is."""

    def __init__(self, root: Path, progress: Progress | None, passed: PassedOver) -> None:
        self._passed = passed
        self._progress = progress
        self._total = sum(_sizes(root, 0)) if progress is not None else 0
        self._done = 0

    def read(self, place: Path, folder: str, depth: int) -> Iterator[Item]:
        for name in sorted_names(place):
            path = place / name
            if self._passed.is_link_out(path):
                continue
            if path.is_file():
                yield from _read_file(path, folder, self._tell, self._passed)
                self._done += path.stat().st_size
            elif path.is_dir() and not path.is_symlink() and depth < _DEEPEST:
                stem = path.stem if path.suffix.lower() in _MBOX_SUFFIXES else name
                inner = "/".join(filter(None, (folder, stem)))
                if is_maildir(path):
                    yield from read_maildir(path, folder=inner, progress=self._tell, passed=self._passed)
                    self._done += sum(_sizes(path, depth))
                else:
                    yield from self.read(path, inner, depth + 1)

    def _tell(self, done: int, _: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done, self._total)


def _sizes(place: Path, depth: int) -> Iterator[int]:
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.is_file():
                yield entry.stat().st_size
            elif entry.is_dir(follow_symlinks=False) and depth < _DEEPEST:
                yield from _sizes(Path(entry.path), depth + 1)
