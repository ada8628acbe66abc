"""URLs of messages: RFC 5092 §9 and RFC 4467."""

from __future__ import annotations

import pytest

from posthouse.imap.fetch import Section, Text
from posthouse.imap.syntax import Malformed
from posthouse.imap.url import Authorization, MessageUrl, absolute, relative, shown

TOKEN = "91354a473744909de610943775f92038"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/Drafts;UIDVALIDITY=385759045/;UID=20/;section=HEADER",
         MessageUrl("Drafts", 20, 385759045, Section((), Text.HEADER))),
        ("/gray%20council/;UID=20/;section=1.2;", None),
        ("/gray%20council/;UID=20/;section=1.2",
         MessageUrl("gray council", 20, None, Section((1, 2)))),
        ("INBOX/;UID=2", MessageUrl("INBOX", 2)),
        (";UID=20/;SECTION=1.2/;PARTIAL=0.1024", MessageUrl("", 20, None, Section((1, 2)), 0, 1024)),
        ("/a/b%2Fc/;uid=1/;partial=7", MessageUrl("a/b/c", 1, None, Section(), 7, None)),
        ("/Entw%C3%BCrfe/;UID=1", MessageUrl("Entwürfe", 1)),
        ("/x/;UID=1/;SECTION=HEADER.FIELDS%20(DATE%20FROM)",
         MessageUrl("x", 1, None, Section((), Text.FIELDS, ("DATE", "FROM")))),
        ("/;UID=1", None), ("/x/;UID=0", None), ("/x/;UID=99999999999", None), ("/x", None), ("", None),
        ("/x/;UID=1/;SECTION=MIME", None), ("/x/;UID=1?SUBJECT%20x", None), ("//example.org/x/;UID=1", None),
        ("/%ff/;UID=1", None), ("/x/;UID=1/;URLAUTH=anonymous", None), ("/" + "x" * 9000 + "/;UID=1", None),
    ],
)  # fmt: skip
def test_relative(text: str, url: MessageUrl | None) -> None:
    if url is not None:
        assert relative(text) == url
        return
    with pytest.raises(Malformed):
        relative(text)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("imap://joe@example.com/INBOX/;uid=20/;section=1.2",
         MessageUrl("INBOX", 20, None, Section((1, 2)), user="joe", host="example.com")),
        (f"imap://joe%40example.com@mail.example.com:143/INBOX/;uid=20;urlauth=submit+fred:internal:{TOKEN}",
         MessageUrl("INBOX", 20, user="joe@example.com", host="mail.example.com", authorization=Authorization(
             "submit", "fred", "imap://joe%40example.com@mail.example.com:143/INBOX/;uid=20;urlauth=submit+fred",
             None, "INTERNAL", TOKEN))),
        ("imap://joe;AUTH=*@[::1]/x/;UID=1;EXPIRE=2012-01-01T00:00:00Z;URLAUTH=anonymous",
         MessageUrl("x", 1, user="joe", host="[::1]", authorization=Authorization(
             "anonymous", "", "imap://joe;AUTH=*@[::1]/x/;UID=1;EXPIRE=2012-01-01T00:00:00Z;URLAUTH=anonymous",
             1325376000.0))),
        ("imap://example.com/Shared/;uid=20/;section=1.2;urlauth=authuser",
         MessageUrl("Shared", 20, None, Section((1, 2)), host="example.com", authorization=Authorization(
             "authuser", "", "imap://example.com/Shared/;uid=20/;section=1.2;urlauth=authuser"))),
        ("imap://joe@example.com/INBOX", None), ("imap://joe@example.com/", None), ("imap://joe@example.com", None),
        ("imap://joe@example.com/;UID=1", None), ("http://joe@example.com/INBOX/;UID=1", None),
        (f"imap://joe@example.com/x/;UID=1;URLAUTH=all:internal:{TOKEN}", None),
        ("imap://joe@example.com/x/;UID=1;URLAUTH=anonymous:internal:1234", None),
        ("imap://joe@example.com/x/;UID=1;EXPIRE=tomorrow;URLAUTH=anonymous", None),
        ("imap://joe@example.com/x/;UID=1;EXPIRE=2012-01-01;URLAUTH=anonymous", None),
    ],
)  # fmt: skip
def test_absolute(text: str, url: MessageUrl | None) -> None:
    if url is not None:
        assert absolute(text) == url
        return
    with pytest.raises(Malformed):
        absolute(text)


def test_what_a_response_code_may_hold() -> None:
    assert shown("/a b]c\nd") == "/a%20b%5Dc%0Ad"
    assert shown("") == "%20"
