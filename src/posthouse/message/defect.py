"""What is wrong with a message, and was repaired or worked around while reading it."""

from __future__ import annotations

from enum import StrEnum


class Defect(StrEnum):
    """One kind of defect; its value is the sentence for a person."""

    MBOX_SEPARATOR = "an mbox separator stands before the header"
    HEADER_LINE = "the header has a line that is no field"
    NO_BLANK_LINE = "no blank line ends the header"
    HEADER_TOO_LONG = "the header is too long to be read whole"
    CONTENT_TYPE = "Content-Type is malformed; read as text/plain"
    NO_BOUNDARY = "a multipart has no parts; read as text/plain"
    NO_CLOSING_BOUNDARY = "the last boundary of a multipart is missing"
    ENCODED_MESSAGE = "a message inside the message is encoded, which the standard forbids"
    TOO_DEEP = "parts are nested too deeply; the rest is kept as one piece"
    TOO_MANY_PARTS = "too many parts; the rest is kept as one piece"
    BASE64 = "base64 is broken"
    QUOTED_PRINTABLE = "quoted-printable is broken"
    UUENCODE = "uuencode is broken"
    ENCODING = "the transfer encoding is unknown; the body is taken as it is"
    CHARSET = "the character set is unknown"
    DATE = "the date can't be read"
