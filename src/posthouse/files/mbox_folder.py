"""Many mailboxes as mbox files below a folder: ``INBOX.mbox``, ``Work.mbox``, ``Work/Bills.mbox``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from posthouse.message.filename import safe_name

from .disk import sync_folder
from .item import Item
from .mbox import MboxWriter

# The file of the root, named as IMAP names it: read again, it is the inbox.
ROOT = "INBOX"


class MboxFolderWriter:
    """Writes each folder's letters into an mbox file of its own, below a folder, which is made if missing.

    One file is open at a time: the letters of a folder come one after the other. A context manager, as `MboxWriter`.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self._open = ExitStack()
        self._folder: str | None = None
        self._taken: set[Path] = set()
        self._writer: MboxWriter | None = None

    def add(self, item: Item) -> None:
        """Append a letter to its folder's file. MailFileError if a file of its name exists."""
        if self._writer is None or item.folder != self._folder:
            self._open.close()
            self._writer = self._open.enter_context(MboxWriter(self._place(item.folder)))
            self._folder = item.folder
        self._writer.add(item)

    def _place(self, folder: str) -> Path:
        *above, name = [safe_name(part, "folder") for part in (folder or ROOT).split("/")]
        place = self.path.joinpath(*above)
        place.mkdir(parents=True, exist_ok=True)
        path, number = place / f"{name}.mbox", 1
        while path in self._taken:  # two folders that differ only in what no file's name can have
            number += 1
            path = place / f"{name} {number}.mbox"
        self._taken.add(path)
        return path

    def __enter__(self) -> MboxFolderWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        sync_folder(self.path)
