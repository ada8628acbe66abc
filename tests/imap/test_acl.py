"""ACL: RFC 4314."""

from __future__ import annotations

import pytest

from imap_session import refused, said
from posthouse.imap import acl
from posthouse.imap.command import DeleteAcl, GetAcl, ListRights, MyRights, RightsOperation, SetAcl


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("SETACL INBOX/Drafts John lrqswicda",
         SetAcl("INBOX/Drafts", "John", RightsOperation.REPLACE, "lrqswicda")),
        ('SETACL INBOX "jürgen" +cdac', SetAcl("INBOX", "jürgen", RightsOperation.ADD, "cda")),
        ("SETACL INBOX -anyone -x", SetAcl("INBOX", "-anyone", RightsOperation.REMOVE, "x")),
        ('SETACL INBOX bob ""', SetAcl("INBOX", "bob", RightsOperation.REPLACE, "")),
        ("DELETEACL INBOX Fred", DeleteAcl("INBOX", "Fred")),
        ("GETACL inbox", GetAcl("INBOX")),
        ("LISTRIGHTS ~/Mail/saved smith", ListRights("~/Mail/saved", "smith")),
        ("MYRIGHTS INBOX", MyRights("INBOX")),
    ],
)  # fmt: skip
def test_commands(line: str, command: object) -> None:
    assert said(line) == command


@pytest.mark.parametrize(
    "line",
    ["SETACL x bob LRS", "SETACL x bob *", "SETACL x bob", 'SETACL x "" lrs', "DELETEACL x", "GETACL", "MYRIGHTS a b"],
)
def test_malformed(line: str) -> None:
    refused(line, f"BAD {line.split()[0]}: expected...")


def test_answers() -> None:
    assert acl.acl("INBOX", {"Fred": "rwipslda", "a b": ""}, utf8=False) == b'ACL INBOX Fred rwipslda "a b" ""'
    assert acl.list_rights("x", "smith", "la", ["r", "swicdkxte"], utf8=False) == b"LISTRIGHTS x smith la r swicdkxte"
    assert acl.my_rights("INBOX", "rwiptsldaex", utf8=False) == b"MYRIGHTS INBOX rwiptsldaex"
