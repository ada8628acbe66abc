"""QUOTA: RFC 9208 §4, example by example. There is one root, the account's, called "" (§3.1.1)."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import quota
from posthouse.store.mailbox import Mailbox
from store_helpers import House

MEETING = b"\r\n".join([
    b"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)",
    b"From: Fred Foobar <foobar@Blurdybloop.example>",
    b"Subject: afternoon meeting",
    b"To: mooch@owatagu.siam.edu.example",
    b"Message-Id: <B27397-0100000@Blurdybloop.example>",
    b"MIME-Version: 1.0",
    b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII",
    b"",
    b"Hello Joe, do you think we can meet at 3:30 tomorrow?",
    b"",
])  # fmt: skip


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    talk.say("c CREATE saved-messages")
    for number in range(12):
        house.append(inbox, raw=b"Subject: x\r\n\r\n" + b"y" * 2034, flags=["\\Deleted"] if number < 4 else [])
    house.store.run(quota.set_limits, talk.account.id, size=24 * 1024 + 100, messages=1000)
    return talk


def test_what_is_offered(talk: Conversation) -> None:
    """§3.1.2: each resource by its name; QUOTASET only where a client may set limits."""
    offered = talk.say("c CAPABILITY")[0].split()
    assert {"QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE"} <= set(offered)
    assert "QUOTASET" not in offered


def test_getquota_and_getquotaroot(full: Conversation) -> None:
    """§4.1.1, §4.1.2, §4.2."""
    full.run("""
        1: G0001 GETQUOTA ""
        1< * QUOTA "" (STORAGE 24 24 MESSAGE 12 1000)
        1< G0001 OK GETQUOTA completed
        1: G0002 GETQUOTAROOT INBOX
        1< * QUOTAROOT INBOX ""
        1< * QUOTA "" (STORAGE 24 24 MESSAGE 12 1000)
        1< G0002 OK GETQUOTAROOT completed
        1: G0003 GETQUOTA "!partition/sda4"
        1< G0003 NO [NONEXISTENT]...
    """)


def test_no_root(talk: Conversation) -> None:
    """§4.2.2: a mailbox without a root."""
    talk.run("""
        1: G0002 GETQUOTAROOT comp.mail.mime
        1< * QUOTAROOT comp.mail.mime
        1< G0002 OK GETQUOTAROOT completed
    """)


def test_setquota(full: Conversation) -> None:
    """§4.1.3: what the operator set stays."""
    full.run("""
        1: S0001 SETQUOTA "" (STORAGE 510)
        1< S0001 NO [NOPERM]...
        1: S0002 SETQUOTA "!partition/sda4" (STORAGE 99999999)
        1< S0002 NO...
        1: S0000 GETQUOTA ""
        1< * QUOTA "" (STORAGE 24 24 MESSAGE 12 1000)
        1< S0000 OK GETQUOTA completed
    """)


def test_status(full: Conversation) -> None:
    """§4.1.4: what EXPUNGE would free, in octets."""
    full.run("""
        1: S0003 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)
        1< * STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8192)
        1< S0003 OK STATUS completed
    """)


def test_overquota(full: Conversation) -> None:
    """§4.3.1, examples 1 and 3: the limit is a hard one, and APPEND is refused. A copy takes no room (§5.1)."""
    full.say(b"A003 APPEND saved-messages (\\Seen) {%d}\r\n" % len(MEETING))
    assert full.say(MEETING + b"\r\n")[-1].startswith("A003 NO [OVERQUOTA]")
    full.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: A004 COPY 2:4 saved-messages
        1< A004 OK [COPYUID...
        1: q GETQUOTA ""
        1< * QUOTA "" (STORAGE 24 24 MESSAGE 12 1000)
        1< q OK...
        1: e EXPUNGE
        1< ...
        1< e OK...
    """)
    full.say(b"A003 APPEND saved-messages (\\Seen) {%d}\r\n" % len(MEETING))
    assert full.say(MEETING + b"\r\n")[-1].startswith("A003 OK [APPENDUID ")
