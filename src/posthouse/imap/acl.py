"""ACL (RFC 4314): how it is asked and answered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from . import encode
from .command import DeleteAcl, GetAcl, ListRights, MyRights, RightsOperation, SetAcl
from .syntax import Cursor

C = TypeVar("C")

# rights = astring ; only lowercase ASCII letters and digits are allowed
RIGHTS = re.compile(r"([+-]?)([a-z0-9]*)")


def read_set_acl(cursor: Cursor) -> SetAcl:
    """setacl = "SETACL" SP mailbox SP identifier SP mod-rights"""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    identifier = _identifier(cursor)
    cursor.space()
    start = cursor.at
    match = RIGHTS.fullmatch(cursor.utf8_astring("rights, such as lrs"))
    if match is None:
        cursor.at = start
        raise cursor.expected("rights: lower-case letters and digits, perhaps behind + or -")
    # A right that is named twice is named once.
    return SetAcl(mailbox, identifier, RightsOperation(match[1]), "".join(dict.fromkeys(match[2])))


def _identifier(cursor: Cursor) -> str:
    """identifier = astring"""
    start = cursor.at
    identifier = cursor.utf8_astring("an identifier")
    if not identifier or not identifier.isprintable():
        cursor.at = start
        raise cursor.expected("an identifier: a user, or anyone")
    return identifier


def _mailbox_reader(command: Callable[[str], C]) -> Callable[[Cursor], C]:
    def read(cursor: Cursor) -> C:
        cursor.space()
        return command(cursor.mailbox())

    return read


def _identifier_reader(command: Callable[[str, str], C]) -> Callable[[Cursor], C]:
    def read(cursor: Cursor) -> C:
        cursor.space()
        mailbox = cursor.mailbox()
        cursor.space()
        return command(mailbox, _identifier(cursor))

    return read


read_get_acl = _mailbox_reader(GetAcl)
read_my_rights = _mailbox_reader(MyRights)
read_delete_acl = _identifier_reader(DeleteAcl)
read_list_rights = _identifier_reader(ListRights)


def acl(mailbox: str, rights: Mapping[str, str], *, utf8: bool) -> bytes:
    """acl-data = "ACL" SP mailbox *(SP identifier SP rights)"""
    pairs = [_string(word) for pair in rights.items() for word in pair]
    return b" ".join([b"ACL", encode.mailbox(mailbox, utf8=utf8), *pairs])


def list_rights(mailbox: str, identifier: str, required: str, optional: Iterable[str], *, utf8: bool) -> bytes:
    """listrights-data: the rights that the identifier always has, and those that go together (§3.7)."""
    rights = [_string(word) for word in (identifier, required, *optional)]
    return b" ".join([b"LISTRIGHTS", encode.mailbox(mailbox, utf8=utf8), *rights])


def my_rights(mailbox: str, rights: str, *, utf8: bool) -> bytes:
    """myrights-data = "MYRIGHTS" SP mailbox SP rights"""
    return b" ".join([b"MYRIGHTS", encode.mailbox(mailbox, utf8=utf8), _string(rights)])


def _string(text: str) -> bytes:
    return encode.astring(text.encode("utf-8"))
