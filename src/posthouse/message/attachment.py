"""Which parts are the letter's text and which are files that came with it, and what those files are called.

The text of a letter are its text/plain and text/html parts, unless they are said to be attachments or have a file's
name; a part of a multipart/related other than its root is none either (much as RFC 8621 §4.1.4). All other leaves are
files: nothing that came is left out. Messages inside the message are files, too; their own parts are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import body, encoded_word, header
from .filename import safe_name
from .mime import Buffer, Part

# What a file without a name is called.
_EXTENSIONS = {
    "application/pdf": "pdf", "application/zip": "zip", "application/json": "json", "application/xml": "xml",
    "application/gzip": "gz", "application/msword": "doc", "application/rtf": "rtf", "application/ics": "ics",
    "application/vnd.ms-excel": "xls", "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt", "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/pgp-signature": "asc", "application/pgp-encrypted": "asc", "application/pgp-keys": "asc",
    "application/pkcs7-signature": "p7s", "application/x-pkcs7-signature": "p7s", "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/wav": "wav", "audio/mp4": "m4a",
    "image/jpeg": "jpg", "image/jpg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp",
    "image/svg+xml": "svg", "image/tiff": "tiff", "image/bmp": "bmp", "image/heic": "heic",
    "message/delivery-status": "txt", "message/disposition-notification": "txt", "text/calendar": "ics",
    "text/csv": "csv", "text/css": "css", "text/html": "html", "text/markdown": "md", "text/plain": "txt",
    "text/rfc822-headers": "txt", "text/rtf": "rtf", "text/vcard": "vcf", "text/x-vcard": "vcf", "text/xml": "xml",
    "video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm",
}  # fmt: skip
TNEF = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})  # Outlook's winmail.dat
_TEXTS = frozenset({"plain", "html"})
# Text that is data for a program: never the text of a letter.
_DATA = frozenset({"calendar", "vcard", "x-vcard", "directory", "csv", "rtf", "xml", "css", "rfc822-headers"})


class AttachedFile:
    """A file that came with a message.

    ``filename`` is safe to create a file with, and never empty; ``type`` is "image/png" and the like; ``inline``
    tells that it is meant to be seen within the text; ``cid`` is its Content-ID without angle brackets, or empty.
    """

    __slots__ = ("_content", "_raw", "cid", "filename", "inline", "part", "type")

    def __init__(
        self, part: Part, raw: Buffer, *, inline: bool = False, filename: str = "", content: bytes | None = None
    ) -> None:
        self.part = part
        self.inline = inline
        self._raw = raw
        self._content = content  # given for a file inside another part's text
        self.filename = filename or name_of(part)
        self.type = part.media_type if content is None else "application/octet-stream"
        self.cid = (part.id or "").strip("<> ") if content is None else ""

    @property
    def in_text(self) -> bool:
        """Whether it stands within a text, uuencoded: then ``part`` is that text's."""
        return self._content is not None

    @property
    def content(self) -> bytes:
        """The file's octets, decoded."""
        if self._content is None:
            self._content = body.content(self.part, self._raw)
        return self._content

    @property
    def size(self) -> int:
        """Octets of the content."""
        if self._content is not None:
            return len(self._content)
        return body.size(bytes(self._raw[self.part.body : self.part.end]), self.part.encoding)

    def __repr__(self) -> str:
        return f"<AttachedFile {self.filename!r} {self.type}>"


def divide(root: Part) -> tuple[list[Part], list[tuple[Part, bool]]]:
    """The parts of a message that are its text, and those that are files, with whether they are inline."""
    if root.type != "multipart" and _is_text(root, "", True):  # the simplest letter
        return [root], []
    texts: list[Part] = []
    files: list[tuple[Part, bool]] = []
    for part, container, is_first in _leaves(root):
        if _is_text(part, container, is_first):
            texts.append(part)
        else:
            shown = part.disposition == "inline" or (
                not part.disposition and part.id is not None and container == "related"
            )
            files.append((part, shown))
    return texts, files


def _leaves(root: Part) -> Iterator[tuple[Part, str, bool]]:
    """The leaves, with the subtype of the multipart around them and whether they are its first part."""
    waiting = [(root, "", True)]
    while waiting:
        part, container, is_first = waiting.pop()
        if part.type == "multipart":
            root_at = _root_of_related(part) if part.subtype == "related" else 0
            children = [(child, part.subtype, at == root_at) for at, child in enumerate(part.children)]
            waiting += reversed(children)
        else:
            yield part, container, is_first


def _root_of_related(part: Part) -> int:
    """Which child of a multipart/related is what the others belong to: the ``start`` or the first (RFC 2387 §3.2)."""
    start = part.params.get("start", "").strip("<> ")
    ids = [(child.id or "").strip("<> ") for child in part.children]
    return ids.index(start) if start in ids else 0


def _is_text(part: Part, container: str, is_first: bool) -> bool:
    if part.type != "text" or part.disposition == "attachment":
        return False
    if part.subtype in _TEXTS:
        return is_first or container == "alternative" or (container != "related" and not given_name(part))
    # RFC 2046 §4.1.4: unknown kinds of text are to be read as plain; but not a second time, beside a plain one.
    return is_first and container != "alternative" and part.subtype not in _DATA


def given_name(part: Part) -> str:
    """The file name that the header gives, as a person reads it, whatever may stand in it; empty if there is none."""
    name = part.disposition_params.get("filename") or part.params.get("name") or ""
    return encoded_word.decode(name) if "=?" in name else name


def is_renamed(part: Part) -> bool:
    """Whether the name that the header gives is none that a file may have."""
    given = given_name(part)
    return bool(given) and safe_name(given) != given


def name_of(part: Part) -> str:
    """A safe file name for a part: the one in its header, or else one that says what it is."""
    media = part.media_type
    if media in TNEF:
        fallback = "winmail.dat"
    elif part.type == "message" and part.children:
        subject = part.children[0].fields.get("subject", "") or "message"
        fallback = safe_name(f"{subject}.eml", "message.eml")
    elif part.type == "message" and part.subtype in ("rfc822", "global"):
        fallback = "message.eml"
    else:
        kind = part.type if part.type in ("image", "audio", "video", "text") else "attachment"
        fallback = f"{kind}.{_EXTENSIONS.get(media, 'bin')}"
    return safe_name(given_name(part), fallback) if given_name(part) else fallback


def uuencoded(part: Part, raw: Buffer, octets: bytes) -> tuple[bytes, list[AttachedFile]]:
    """A text part's decoded octets without the files that are uuencoded in them, and these files."""
    if part.encoding in ("base64", "quoted-printable") or b"begin " not in octets:  # nobody encodes twice
        return octets, []
    kept = []
    found = []
    at = 0
    while file := body.find_uuencoded(octets, at):
        begin, end, content, name = file
        kept.append(octets[at:begin])
        shown = safe_name(header.decode_text(name), "attachment.bin")
        found.append(AttachedFile(part, raw, filename=shown, content=content))
        at = end
    return b"".join([*kept, octets[at:]]), found
