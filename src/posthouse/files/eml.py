"""Single letters in files (.eml)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from posthouse.errors import MailFileError
from posthouse.message.filename import safe_name
from posthouse.message.header import Headers

from .disk import close_durably, create_file, sync_folder
from .item import Item, check_size
from .large import LARGE, FileRange, Large, to_crlf, with_crlf

_LONGEST_SUBJECT = 60  # characters of a file's name


def read_eml(path: Path | str, *, folder: str = "") -> Item:
    """The letter in a file. It tells no flags, and no date but the ones in the letter's header."""
    file = Path(path)
    try:
        with file.open("rb") as opened:
            return Item(read_letter(opened, str(file)), folder=folder)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MailFileError(f"there is no file {file}") from error


def read_letter(file: BinaryIO, name: str) -> bytes | Large:
    """The octets of a letter that has a file for itself. Raises MailFileError if it is no letter for its size."""
    size = os.fstat(file.fileno()).st_size
    check_size(size, name)
    if size <= LARGE:
        return with_crlf(file.read())
    whole = FileRange(file.fileno())
    return Large(lambda: to_crlf(whole()))


def file_name(number: int, item: Item) -> str:
    """``000001 Subject.eml``: a name that sorts, tells what it is, and is allowed everywhere."""
    subject = re.sub(r"[/\\]", "_", Headers(item.header()).get("Subject") or "")[:_LONGEST_SUBJECT]
    return safe_name(f"{number:06d} {subject}".rstrip() + ".eml")


class EmlWriter:
    """Writes each letter into a file of its own, ``000001 Subject.eml``, below a folder, which is made if missing.

    Folders become folders. Flags are lost; dates are those of the files. Left as a context manager, all is on disk.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._count = 0
        self._places: dict[str, Path] = {}
        self._place("")

    def _place(self, folder: str) -> Path:
        if folder not in self._places:
            place = self.path.joinpath(*[safe_name(part, "folder") for part in folder.split("/") if part])
            place.mkdir(parents=True, exist_ok=True)
            self._places[folder] = place
        return self._places[folder]

    def add(self, item: Item) -> Path:
        """Write a letter, and return the path of its file. MailFileError if a file of that name exists."""
        self._count += 1
        path = self._place(item.folder) / file_name(self._count, item)
        file = create_file(path)
        file.writelines(item.chunks())
        close_durably(file)
        return path

    def close(self) -> None:
        """Make the names durable, too."""
        for place in self._places.values():
            sync_folder(place)

    def __enter__(self) -> EmlWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
