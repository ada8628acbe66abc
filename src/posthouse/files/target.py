"""New mail files under a name that appears when all of it is there, and not before."""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from posthouse.errors import MailFileError

from .eml import EmlWriter
from .item import Item
from .maildir import MaildirWriter
from .mbox import MboxWriter
from .mbox_folder import MboxFolderWriter
from .tree import read
from .zipped import ZipWriter


class Format(StrEnum):
    """What mail is written as."""

    MBOX = "mbox"
    MAILDIR = "maildir"
    EML = "eml"
    ZIP = "zip"

    @classmethod
    def of(cls, path: Path) -> Format:
        """The one that a name's ending tells; a Maildir for every other."""
        return {".mbox": cls.MBOX, ".zip": cls.ZIP}.get(path.suffix.lower(), cls.MAILDIR)


class Writer(Protocol):
    """What the writers of this package have in common."""

    def add(self, item: Item) -> object: ...


@contextlib.contextmanager
def new_target(target: Path, form: Format, *, alone: bool) -> Iterator[Writer]:
    """Write ``target`` anew: left normally, it is complete and on disk; by an exception, nothing of it is there.

    ``alone``: there is one mailbox, which an mbox can hold without a folder around it. `MailFileError` if ``target``
    exists already. What an earlier attempt left, cut off by a crash, is removed.
    """
    if target.exists():
        raise MailFileError(f"{target} exists already", advice="Choose another name, or remove it first.")
    partial = target.with_name(f".{target.name}.partial")
    _remove(partial)
    try:
        with _writer(form, partial, alone=alone) as writer:
            yield writer
        partial.rename(target)
    except BaseException as error:
        _remove(partial)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise MailFileError(
                f"there is no room for {target}", advice="Free some there, or choose another place."
            ) from error
        raise


@contextlib.contextmanager
def added_target(target: Path, form: Format, *, alone: bool) -> Iterator[Writer]:
    """Write ``target`` with all that it has already in front; until the end, what it was is there unchanged."""
    beside = target.with_name(f".{target.name}.new")
    _remove(beside)
    with new_target(beside, form, alone=alone) as writer:
        for item in read(target):
            writer.add(item)
        yield writer
    if not target.is_dir():
        beside.replace(target)
        return
    old = target.with_name(f".{target.name}.old")  # folders can't be replaced in one step
    _remove(old)
    target.rename(old)
    beside.rename(target)
    _remove(old)


def _writer(form: Format, path: Path, *, alone: bool) -> AbstractContextManager[Writer]:
    match form:
        case Format.MAILDIR:
            return MaildirWriter(path)
        case Format.EML:
            return EmlWriter(path)
        case Format.ZIP:
            return ZipWriter(path)
        case Format.MBOX:
            return MboxWriter(path) if alone else MboxFolderWriter(path)


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)
