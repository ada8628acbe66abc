"""Attachments and the file system: files that go into a letter, and attachments saved where nothing gets lost."""

from __future__ import annotations

import mimetypes
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, BinaryIO

from posthouse.errors import InvalidMessage, MailFileError
from posthouse.message.attachment import AttachedFile
from posthouse.message.compose import Attachment as Enclosure
from posthouse.message.compose import is_content_id, is_media_type
from posthouse.message.filename import safe_name

# What can be attached: a path; a name and its content; an open binary file that has a name; something made before.
FileSource = str | os.PathLike[str] | tuple[str, bytes | str] | IO[bytes] | Enclosure

# Copies of one name in one folder. Whoever has more has a loop that saves the same again and again.
_MOST_COPIES = 10_000

_CHARSET = re.compile(r"[A-Za-z0-9!#$%&'+^_`{}~.:-]{1,60}")  # RFC 2978 §2.3, and ":" as in ISO names
_NOT_IN_CID = re.compile(r"[^!-;=?-~]")

# Types whose names the standard library's table lacks or leaves to the system's.
_TYPES = {".eml": "message/rfc822", ".ics": "text/calendar", ".vcf": "text/vcard", ".webp": "image/webp"}


def enclose(source: FileSource, *, cid: str = "", inline: bool = False) -> Enclosure:
    """Read a file that goes with a letter, and encode it once. Its type is guessed from its name.

    An ``inline`` one is a picture that the HTML shows as ``cid:…``; without a ``cid`` it is called after its file.
    Raises InvalidMessage, with the path, for a file that can't be read.
    """
    if isinstance(source, Enclosure):
        return source
    charset = ""
    if isinstance(source, tuple):
        name, given = source
        content = given.encode("utf-8") if isinstance(given, str) else bytes(given)
        charset = "utf-8" if isinstance(given, str) else ""
    elif isinstance(source, str | os.PathLike):
        path = Path(source)
        name, content = path.name, _read(path)
    else:
        given_name = getattr(source, "name", "")
        name = Path(given_name).name if isinstance(given_name, str) else ""  # a nameless temporary file has a number
        if not name:
            raise InvalidMessage(
                "an open file without a name can't be attached as it is",
                advice='Give its name, too: files=[("report.pdf", file.read())].',
            )
        content = source.read()
        if not isinstance(content, bytes):
            raise InvalidMessage(
                f"the file {name} was opened as text", advice='Open it with open(path, "rb"), or give its path.'
            )
    if inline and not cid:
        cid = _NOT_IN_CID.sub("_", name)[:200]  # as long as a Content-ID may be (message.compose)
    return Enclosure(name, guess_type(name), content, cid=cid, inline=inline, charset=charset)


def carry(file: AttachedFile, *, shown: bool) -> Enclosure:
    """A file out of one letter, made ready for another; ``shown`` if the HTML of that one shows it, too."""
    cid = file.cid if shown and is_content_id(file.cid) else ""
    media = file.type if is_media_type(file.type) else "application/octet-stream"
    charset = file.part.params.get("charset", "") if media.startswith("text/") else ""
    charset = charset if _CHARSET.fullmatch(charset) else ""
    return Enclosure(file.filename, media, file.content, cid=cid, inline=bool(cid), charset=charset)


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except FileNotFoundError as error:
        raise InvalidMessage(
            f"there is no file {path} to attach", advice=f"It was looked for in {path.expanduser().absolute().parent}."
        ) from error
    except IsADirectoryError as error:
        raise InvalidMessage(
            f"{path} is a folder, and can't be attached", advice="Attach its files, or zip it."
        ) from error
    except OSError as error:
        raise InvalidMessage(f"{path} can't be read: {error.strerror}") from error


def guess_type(name: str) -> str:
    """The media type for a file's name; ``application/octet-stream`` if it tells nothing."""
    known = _TYPES.get(Path(name).suffix.lower())
    if known:
        return known
    media, encoding = mimetypes.guess_type(name, strict=False)
    if encoding:  # report.csv.gz is no CSV, it is compressed
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
            encoding, "application/octet-stream"
        )
    return media or "application/octet-stream"


class Attachment:
    """A file that came with a letter: what it is, its octets, and a way to save them.

    ``filename`` is safe to create a file with, whatever its sender wrote. ``cid`` is the name by which the HTML shows
    it; ``inline`` tells that it is meant to be seen within the text.
    """

    __slots__ = ("_file",)

    def __init__(self, file: AttachedFile) -> None:
        self._file = file

    @property
    def filename(self) -> str:
        """Its name; one that says what it is, if the sender gave none."""
        return self._file.filename

    @property
    def type(self) -> str:
        """Its media type, such as ``image/png``, as its sender says."""
        return self._file.type

    @property
    def cid(self) -> str:
        """Its Content-ID without angle brackets, or an empty text."""
        return self._file.cid

    @property
    def inline(self) -> bool:
        """Whether it is meant to be seen within the text."""
        return self._file.inline

    @property
    def content(self) -> bytes:
        """Its octets, decoded."""
        return self._file.content

    @property
    def size(self) -> int:
        """Octets of the content."""
        return self._file.size

    def save(self, folder: str | os.PathLike[str] = ".") -> Path:
        """Write it into a new file in ``folder``, which is made if missing, and return the path.

        It is called ``filename``, or ``name (2).ext`` if that exists: no file is overwritten, and none lands
        elsewhere.
        """
        return save_new(folder, self.filename, (self.content,), self.type)

    def __repr__(self) -> str:
        return f"<Attachment {self.filename!r} {self.type}>"


def save_new(folder: str | os.PathLike[str], name: str, chunks: Iterable[bytes], media: str = "") -> Path:
    """Write ``chunks`` into a new file in ``folder``, and return its path; see `create_new`.

    If the chunks break off, the file is removed.
    """
    path, file = create_new(folder, name, media)
    try:
        with file:
            for chunk in chunks:
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def create_new(folder: str | os.PathLike[str], name: str, media: str = "") -> tuple[Path, BinaryIO]:
    """Make a new file in ``folder`` (made if missing), and open it.

    ``name`` may be anything: the file never lands outside of the folder. Without a name it is called after its type
    ``media``. A file that exists is never touched, the new one becomes ``name (2).ext``.
    """
    into = Path(folder).expanduser()
    into.mkdir(parents=True, exist_ok=True)
    name = safe_name(name, "attachment" + (mimetypes.guess_extension(media) or ""))
    path = into / name
    for number in range(2, _MOST_COPIES):
        try:
            return path, path.open("xb")  # x: no existing file is opened, no link followed
        except FileExistsError:
            path = into / f"{Path(name).stem} ({number}){Path(name).suffix}"
    raise MailFileError(
        f"{into} holds {_MOST_COPIES} files of the name {name} already", advice="Save into another folder."
    )
