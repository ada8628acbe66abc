"""What a submission server completes in a letter that it was handed: Date and Message-ID added, Bcc taken out.

Nothing is rendered anew: every octet that isn't a missing or a forbidden field stays as it came, so what the sender
signed stays signed (RFC 6409 §8 allows these additions, and nothing else of what we could do).
"""

from __future__ import annotations

import re

# One header field with its folded lines, as real programs write it:
#   field-name = 1*ftext                                     RFC 5322 §3.6.8; as in header.py, with octets above 127
#   field      = field-name *WSP ":" unstructured CRLF       RFC 5322 §4.5.8: old letters have blanks before the colon
# A line end is LF with or without CR; the last line of a letter may lack it. UTF-8's mark, which some editors put in
# front of a file, is no part of a name.
_FIELD = re.compile(rb"(?:\xef\xbb\xbf)?+([^\x00-\x20\x7f:]++)[ \t]*+:[^\n]*+(?:\n[ \t][^\n]*+)*+(?:\n|\Z)")
# An mbox separator that came along as first line: no field, but not the body either if a field follows.
_MBOX_FROM = re.compile(rb">?From [^\n]*+\n(?=[!-9;-~]++[ \t]*+:)")
_BLANK = re.compile(rb"\r?(?:\n|\Z)")
_HEADER_END = re.compile(rb"\n\r?\n|\Z")
# A line that lost its indentation doesn't end the header if one of these follows before the blank line: mime.py reads
# it so, and a Bcc behind such a line would otherwise be sent as text.
_KNOWN_FIELD = re.compile(
    rb"(?mi)^(?:received|from|to|cc|bcc|subject|date|message-id|mime-version|return-path|reply-to|sender|references"
    rb"|in-reply-to|content-(?:type|transfer-encoding|disposition))[ \t]*:"
)

# RFC 5322 §3.6.3: with one copy for all, "the Bcc field is removed before the message is sent"; §3.6.6 for Resent-.
_SECRET = frozenset({b"bcc", b"resent-bcc"})


def _fields(raw: bytes) -> tuple[list[re.Match[bytes]], int, int]:
    """The fields of the header; where the first run of them ends, which is the place for more; where the last ends."""
    start = _MBOX_FROM.match(raw)
    at = start.end() if start else 0
    fields: list[re.Match[bytes]] = []
    first_run = header_end = -1
    while True:
        while field := _FIELD.match(raw, at):
            fields.append(field)
            at = field.end()
        if first_run < 0:
            first_run = at
        if _BLANK.match(raw, at):
            return fields, first_run, at
        if header_end < 0:
            end = _HEADER_END.search(raw, max(at - 1, 0))
            header_end = end.start() + 1 if end else len(raw)
        known = _KNOWN_FIELD.search(raw, at, header_end)
        if known is None:
            return fields, first_run, at
        at = known.start()


def split_header(raw: bytes) -> int:
    """The offset of the body: behind the blank line that ends the header.

    A line that is neither a field nor a folded line ends the header too, if no well-known field follows: its writer
    forgot the blank line, and it is the body's first line. ``raw`` may be the beginning of a letter, if it holds the
    whole header.
    """
    _, _, at = _fields(raw)
    blank = _BLANK.match(raw, at)
    return blank.end() if blank else at


def without_bcc(header: bytes) -> bytes:
    """``header`` (``raw[:split_header(raw)]``) without Bcc and Resent-Bcc; all other octets stay."""
    fields, _, end = _fields(header)
    return _without_secrets(header, fields, 0, end) + header[end:]


def complete(header: bytes, *, date: str, message_id: str, sender: str = "", bcc: bool = False) -> bytes:
    """Return ``header`` (``raw[:split_header(raw)]``) as it may be sent; it ends with a blank line.

    ``Date: date`` and ``Message-ID: message_id`` (with its angle brackets) are added where missing, as is
    ``From: sender`` if a sender is given. Bcc and Resent-Bcc are removed with their folded lines, unless ``bcc`` keeps
    them, for the sender's own copy. All other octets stay. An empty header (the letter was nothing but text) gives a
    header of the added fields alone.
    """
    fields, place, end = _fields(header)
    if header[place : place + 1] in (b" ", b"\t"):  # a folded line of nothing: it would go on with what is added
        place = end
    names = {field[1].lower() for field in fields}
    before, behind, blank = header[:place], header[place:end], header[end:]
    if names & _SECRET and not bcc:
        before, behind = _without_secrets(header, fields, 0, place), _without_secrets(header, fields, place, end)
    if before and not before.endswith(b"\n"):  # the letter ended within its header
        before += b"\r\n"
    if behind and not behind.endswith(b"\n"):
        behind += b"\r\n"
    newline = b"\n" if before.endswith(b"\n") and not before.endswith(b"\r\n") else b"\r\n"
    added = b""
    for name, value in ((b"From", sender), (b"Date", date), (b"Message-ID", message_id)):
        if value and name.lower() not in names:
            added += name + b": " + value.encode("utf-8") + newline
    return before + added + behind + (blank or newline)


def _without_secrets(header: bytes, fields: list[re.Match[bytes]], start: int, end: int) -> bytes:
    """``header[start:end]`` without the fields that nobody may see."""
    pieces = []
    for field in fields:
        if start <= field.start() < end and field[1].lower() in _SECRET:
            pieces.append(header[start : field.start()])
            start = field.end()
    return b"".join([*pieces, header[start:end]])
