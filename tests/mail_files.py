"""Every way to write mail into files, for tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import get_args

from posthouse.files import Dialect, EmlWriter, MaildirWriter, MboxFolderWriter, MboxWriter, ZipWriter
from posthouse.files.target import Writer

WRITERS: dict[str, Callable[[Path], AbstractContextManager[Writer]]] = {
    "maildir": MaildirWriter,
    "eml": EmlWriter,
    "zip": ZipWriter,
    "mbox folder": MboxFolderWriter,
    **{dialect: partial(MboxWriter, dialect=dialect) for dialect in get_args(Dialect)},
}
