"""Texts as IMAP's strings, for every client (RFC 9051 §4.3)."""

from __future__ import annotations

from . import encode


def nstring(text: str | None) -> str:
    """nstring: NIL or a quoted string, of ASCII. ``text`` is free of control characters (see ``header.raw_text``)."""
    if text is None:
        return "NIL"
    if not text.isascii():
        text = encode.text_field("", text)[2:].decode("ascii").replace("\r\n", "")
    if '"' in text or "\\" in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def literal(text: str) -> str:
    """literal: the octets of UTF-8, counted."""
    return f"{{{len(text.encode('utf-8', 'replace'))}}}\r\n{text}"
