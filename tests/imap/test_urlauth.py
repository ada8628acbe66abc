"""URLAUTH: RFC 4467."""

from __future__ import annotations

import pytest

from imap_session import refused, said
from posthouse.imap import urlauth
from posthouse.imap.command import GenUrlAuth, ResetKey, UrlFetch

RUMP = "imap://joe@example.com/INBOX/;uid=20/;section=1.2;expire=2008-10-23T00:00:00Z;urlauth=submit+fred"
FULL = RUMP + ":internal:91354a473744909de610943775f92038"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (f'GENURLAUTH "{RUMP}" INTERNAL', GenUrlAuth(((RUMP, "INTERNAL"),))),
        (f'GENURLAUTH "{RUMP}" internal "{RUMP}" x', GenUrlAuth(((RUMP, "INTERNAL"), (RUMP, "X")))),
        (f'URLFETCH "{FULL}" "{RUMP}"', UrlFetch((FULL, RUMP))),
        ("RESETKEY", ResetKey()),
        ("RESETKEY inbox internal", ResetKey("INBOX", ("INTERNAL",))),
    ],
)
def test_commands(line: str, command: object) -> None:
    assert said(line) == command


@pytest.mark.parametrize(
    "line",
    ["GENURLAUTH", "GENURLAUTH x", "GENURLAUTH x y z", "URLFETCH", 'URLFETCH "a b"', 'URLFETCH "ä"'],
)
def test_malformed(line: str) -> None:
    refused(line, f"BAD {line.split()[0]}: expected...")


def test_urls_are_limited() -> None:
    refused("URLFETCH" + " x" * 101, "BAD URLFETCH: at most 100 URLs...")


def test_answers() -> None:
    assert urlauth.generated([FULL]) == f'GENURLAUTH "{FULL}"'.encode()
    assert urlauth.written(FULL) == f'"{FULL}"'.encode()
