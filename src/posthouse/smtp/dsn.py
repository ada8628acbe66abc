"""What a sender asks about delivery reports: the parameters of RFC 3461, with the addresses of RFC 6533.

ENVID and ORCPT are kept as they came, for they are handed on unchanged (RFC 3461 §5.2.1); `decode_xtext` and
`original_recipient` tell what they mean, for whoever writes a report.
"""

from __future__ import annotations

import functools
import re
from typing import Literal, TypeAlias, get_args

from .path import UTF8

Notify: TypeAlias = Literal["NEVER", "SUCCESS", "FAILURE", "DELAY"]
Return: TypeAlias = Literal["FULL", "HDRS"]

# RFC 3461 §4.4 and §4.2
MAX_ENVID = 100
MAX_ORCPT = 500

# RFC 3461 §4: xtext = *( xchar / hexchar );  xchar = any ASCII CHAR between "!" and "~", except "+" and "="
#              hexchar = "+" 2("0".."9" / "A".."F")
XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
# RFC 3461 §4.2: original-recipient-address = addr-type ";" xtext;  addr-type = atom
ADDRESS_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*\-/?^_`{|}~]+")
# RFC 6533 §3: utf-8-addr-unitext = 1*(QUCHAR / EmbeddedUnicodeChar);  EmbeddedUnicodeChar = "\x" "{" HEXPOINT "}"
UNITEXT = re.compile(rf"(?:[!-*,-<>-\[\]-~{UTF8}]|\\x\{{[0-9A-F]{{2,6}}\}})+")


@functools.lru_cache(maxsize=64)
def asked_for(notify: str) -> frozenset[Notify]:
    """The words of a NOTIFY value."""
    words = notify.split(",")
    return frozenset(word for word in get_args(Notify) if word in words)


def is_xtext(text: str) -> bool:
    """Whether a text is xtext that stands for printable ASCII, as ENVID and ORCPT must (RFC 3461 §4.2, §4.4)."""
    return bool(XTEXT.fullmatch(text)) and decode_xtext(text).isprintable() and decode_xtext(text).isascii()


def decode_xtext(text: str) -> str:
    """What xtext stands for."""
    return re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def encode_xtext(text: str) -> str:
    """A text of printable ASCII as xtext."""
    return re.sub(r"[^!-*,-<>-~]", lambda match: f"+{ord(match[0]):02X}", text)


def is_original_recipient(text: str) -> bool:
    """Whether a text is an ORCPT value."""
    kind, semicolon, address = text.partition(";")
    if not semicolon or len(text) > MAX_ORCPT or not ADDRESS_TYPE.fullmatch(kind):
        return False
    return bool(UNITEXT.fullmatch(address)) if kind.lower() == "utf-8" else bool(address) and is_xtext(address)


def original_recipient(orcpt: str) -> tuple[str, str]:
    """The type and the address of an ORCPT value: "rfc822", "ada@example.org"."""
    kind, _, address = orcpt.partition(";")
    if kind.lower() != "utf-8":
        return kind, decode_xtext(address)
    return kind, re.sub(r"\\x\{([0-9A-F]+)\}", lambda match: _character(int(match[1], 16)), address)


def ascii_only(orcpt: str) -> str:
    """An ORCPT value for a server that doesn't offer SMTPUTF8 (RFC 6533 §3)."""
    return re.sub(r"[^\x00-\x7f]", lambda match: rf"\x{{{ord(match[0]):02X}}}", orcpt)


def _character(point: int) -> str:
    """The character of a code point; those that no text can have become the replacement character."""
    return chr(point) if point < 0xD800 or 0xE000 <= point <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"
