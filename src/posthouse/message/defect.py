"""What is wrong with a message, and was repaired or worked around while reading it."""

from __future__ import annotations

from enum import StrEnum


class Defect(StrEnum):
    """One kind of defect; its value is the sentence for a person."""

    MBOX_SEPARATOR = "an mbox separator stands before the header"
    HEADER_LINE = "the header has a line that is no field"
    NO_BLANK_LINE = "no blank line ends the header"
    REPEATED_FIELD = "the header has a field several times that it may have once"
    RAW_HEADER = "the header has 8-bit text that isn't UTF-8"
    ADDRESS = "an address can't be read; it is kept as a name"
    HEADER_TOO_LONG = "the header is too long to be read whole"
    CONTENT_TYPE = "Content-Type is malformed; read as text/plain"
    NO_BOUNDARY = "a multipart has no parts; read as text/plain"
    WRONG_BOUNDARY = "the boundary of a multipart is missing or wrong; the one that its parts show was taken"
    CLOSED_TOO_EARLY = "there are parts behind the closing boundary of a multipart"
    NO_CLOSING_BOUNDARY = "the last boundary of a multipart is missing"
    ENCODED_MESSAGE = "a message inside the message is encoded, which the standard forbids"
    TOO_DEEP = "parts are nested too deeply; the rest is kept as one piece"
    TOO_MANY_PARTS = "too many parts; the rest is kept as one piece"
    BASE64 = "base64 is broken"
    QUOTED_PRINTABLE = "quoted-printable is broken"
    UUENCODE = "uuencode is broken"
    ENCODING = "the transfer encoding is unknown; the body is taken as it is"
    CHARSET = "the character set is unknown"
    TEXT = "a text has octets that its character set doesn't have"
    LINE_ENDS = "lines end in different ways, or in a CR alone"
    NUL = "there are NULs in it; they are read as blanks"
    FILE_NAME = "a file's name has a path, or signs that no file's name may have; they were taken out"
    DATE = "the date can't be read"
