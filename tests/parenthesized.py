"""IMAP's parenthesized lists, read strictly: for tests that look into ENVELOPE and BODYSTRUCTURE."""

from __future__ import annotations

import re

Value = None | int | bytes | list["Value"]

# string = quoted / literal (RFC 9051 §9); quoted of ASCII only, as a client without UTF8=ACCEPT may expect.
_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_LITERAL = re.compile(rb"\{(\d+)\}\r\n")
_ATOM = re.compile(rb"NIL|\d+")


def read(octets: bytes) -> Value:
    """The one value that ``octets`` are; AssertionError if they are anything else."""
    value, at = _value(octets, 0)
    assert at == len(octets), octets[at:]
    return value


def _value(octets: bytes, at: int) -> tuple[Value, int]:
    if octets[at : at + 1] == b"(":
        items: list[Value] = []
        at += 1
        while octets[at : at + 1] != b")":
            if octets[at : at + 1] == b" ":
                at += 1
            item, at = _value(octets, at)
            items.append(item)
        return items, at + 1
    if quoted := _QUOTED.match(octets, at):
        return re.sub(rb"\\(.)", rb"\1", quoted[1]), quoted.end()
    if literal := _LITERAL.match(octets, at):
        end = literal.end() + int(literal[1])
        assert end <= len(octets)
        content = octets[literal.end() : end]
        assert b"\0" not in content
        return content, end
    atom = _ATOM.match(octets, at)
    assert atom, octets[at : at + 40]
    return None if atom[0] == b"NIL" else int(atom[0]), atom.end()
