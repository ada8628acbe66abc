"""METADATA: RFC 5464."""

from __future__ import annotations

import pytest

from imap_session import refused, said
from posthouse.imap import metadata
from posthouse.imap.command import GetMetadata, SetMetadata


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ('GETMETADATA "" /shared/comment', GetMetadata("", ("/shared/comment",))),
        ('GETMETADATA "INBOX" (/shared/comment "/Private/Comment")',
         GetMetadata("INBOX", ("/shared/comment", "/private/comment"))),
        ("GETMETADATA (MAXSIZE 1024 DEPTH 1) INBOX /private/filters",
         GetMetadata("INBOX", ("/private/filters",), 1024, 1)),
        ("GETMETADATA (depth infinity) INBOX /private/filters",
         GetMetadata("INBOX", ("/private/filters",), None, None)),
        ("SETMETADATA INBOX (/private/comment {3+}\nC| a)b /shared/comment NIL)\\x0d\\x0a",
         SetMetadata("INBOX", {"/private/comment": b"a)b", "/shared/comment": None})),
        ("SETMETADATA INBOX (/private/comment ~{2+}\nC: \\x00b)", SetMetadata("INBOX", {"/private/comment": b"\0b"})),
    ],
)  # fmt: skip
def test_commands(line: str, command: object) -> None:
    assert said(line) == command


@pytest.mark.parametrize(
    "line",
    ["GETMETADATA INBOX", "GETMETADATA INBOX ()", "GETMETADATA INBOX comment", "GETMETADATA INBOX /private",
     "GETMETADATA INBOX /public/x", "GETMETADATA INBOX /private//x", "GETMETADATA INBOX /private/x/",
     'GETMETADATA INBOX "/private/*"', "GETMETADATA (FOO) INBOX /private/x", "GETMETADATA (DEPTH 2) INBOX /private/x",
     "GETMETADATA () INBOX /private/x", "SETMETADATA INBOX ()", "SETMETADATA INBOX (/private/x)",
     "SETMETADATA INBOX /private/x y"],
)  # fmt: skip
def test_malformed(line: str) -> None:
    refused(line, f"BAD {line.split()[0]}: expected...")


def test_entries_are_limited() -> None:
    many = " ".join(f"/private/{number}" for number in range(101))
    refused(f"GETMETADATA INBOX ({many})", "BAD GETMETADATA: at most 100 entries...")


def test_answers() -> None:
    values = {"/shared/comment": b"Shared", "/private/comment": None, "/private/x": b"\0", "/private/y": b"a\r\n"}
    assert metadata.metadata("INBOX", values, utf8=False) == (
        b'METADATA INBOX (/shared/comment "Shared" /private/comment NIL /private/x ~{1}\r\n\0 /private/y {3}\r\na\r\n)'
    )
    assert metadata.metadata_changed("", ["/shared/comment"], utf8=False) == b'METADATA "" /shared/comment'
