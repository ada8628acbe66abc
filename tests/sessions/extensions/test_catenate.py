"""CATENATE: RFC 4469 §3, §4, example by example, with literals that are waited for."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House

BOUNDARY = b"------------030308070208000400050907"
HEADER = b"\r\n".join([
    b"Return-Path: <bar@example.org>",
    b"Received: from [127.0.0.2]",
    b"          by rufus.example.org via TCP (internal) with ESMTPA;",
    b"          Thu, 11 Nov 2004 16:57:07 +0000",
    b"Message-ID: <419399E1.6000505@example.org>",
    b"Date: Thu, 12 Nov 2004 16:57:05 +0000",
    b"From: Bob Ar <bar@example.org>",
    b"X-Accept-Language: en-us, en",
    b"MIME-Version: 1.0",
    b"To: foo@example.net",
    b"Subject: About our holiday trip",
    b"Content-Type: multipart/mixed;",
    b'              boundary="' + BOUNDARY + b'"',
    b"",
    b"",
])  # fmt: skip
MIME = b"Content-Type: text/plain; charset=us-ascii; format=flowed\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
TEXT = b"Our travel agent has sent the updated schedule.\r\n\r\nCheers,\r\nBob"
ZIP_MIME = b'Content-Type: application/x-zip-compressed;\r\n   name="a.zip"\r\n\r\n'
ZIP = b"UEsDBA=="
FIRST = b"\r\n--" + BOUNDARY + b"\r\n"
LAST = b"\r\n--" + BOUNDARY + b"--\r\n"
DRAFT = HEADER + FIRST + MIME + TEXT + FIRST + ZIP_MIME + ZIP + LAST
OTHER = b"Subject: new text\r\n\r\nSomebody else's."


@pytest.fixture
def drafts(talk: Conversation, house: House) -> Mailbox:
    box = house.box(talk.account, "Drafts")
    house.append(box, raw=DRAFT)
    house.append(box, raw=OTHER)
    return box


def said(talk: Conversation, *pieces: bytes) -> list[str]:
    """What is told at the end; after each piece but the last the server says that it waits for the literal."""
    for piece in pieces[:-1]:
        assert talk.say(piece + b"\r\n") == ["+ go on"], piece
    return talk.say(pieces[-1] + b"\r\n")


def octets(house: House, box: Mailbox, uid: int) -> bytes:
    ((_, blob, size),) = house.store.look(mail.fetch, box.id, [(uid, uid)], ["blob", "size"])
    return house.store.blobs.read(blob, 0, size)


def literal(octets: bytes) -> bytes:
    return b"TEXT {%d}" % len(octets)


def test_example_1(talk: Conversation, house: House, drafts: Mailbox) -> None:
    """§3: the second part is another message. Header and first part, by URLs of what is there already."""
    there = b"/Drafts;UIDVALIDITY=%d/;UID=1" % drafts.uidvalidity
    told = said(
        talk,
        b'A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL "%b/;section=HEADER" ' % there + literal(FIRST),
        FIRST + b' URL "%b/;section=1.MIME" URL "%b/;section=1" ' % (there, there) + literal(FIRST),
        FIRST + b' URL "/Drafts;UIDVALIDITY=%d/;UID=2" ' % drafts.uidvalidity + literal(LAST),
        LAST + b")",
    )
    assert told == [f"A003 OK [APPENDUID {drafts.uidvalidity} 3] APPEND completed"]
    assert octets(house, drafts, 3) == HEADER + FIRST + MIME + TEXT + FIRST + OTHER + LAST


def test_example_2(talk: Conversation, house: House, drafts: Mailbox) -> None:
    """§3: the first part is written anew, the attachment kept; then the old draft goes."""
    talk.say("s SELECT Drafts")
    new = HEADER + FIRST + MIME + b"Another text.\r\n" + FIRST
    there = b"/Drafts;UIDVALIDITY=%d/;UID=1" % drafts.uidvalidity
    told = said(
        talk,
        b"A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (" + literal(new),
        new + b' URL "%b/;Section=2.MIME" URL "%b/;Section=2" ' % (there, there) + literal(LAST),
        LAST + b")",
    )
    assert told[-1] == f"A003 OK [APPENDUID {drafts.uidvalidity} 3] APPEND completed"
    assert octets(house, drafts, 3) == new + ZIP_MIME + ZIP + LAST
    assert talk.say("A004 UID STORE 1 +FLAGS.SILENT (\\Deleted)")[-1] == "A004 OK STORE completed"


def test_example_3(talk: Conversation, house: House, drafts: Mailbox) -> None:
    """§3: an attachment is stripped."""
    note = FIRST + b'Content-type: text/plain; charset="us-ascii"\r\n\r\nDeleted upon your request.' + LAST
    there = b"/Drafts;UIDVALIDITY=%d/;UID=1" % drafts.uidvalidity
    told = said(
        talk,
        b'A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL "%b/;section=HEADER" ' % there + literal(FIRST),
        FIRST + b' URL "%b/;section=1.MIME" URL "%b/;section=1" ' % (there, there) + literal(note),
        note + b")",
    )
    assert told[-1].startswith("A003 OK [APPENDUID ")
    assert octets(house, drafts, 3) == HEADER + FIRST + MIME + TEXT + note


def test_example_4(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§4: a URL of a message that isn't there any more is named, as soon as it comes; nothing is appended."""
    house.append(inbox, raw=OTHER)
    url = f"/INBOX;UIDVALIDITY={inbox.uidvalidity}/;UID=113330/;section=1.5.9"
    good = f"/INBOX;UIDVALIDITY={inbox.uidvalidity}/;UID=1"
    told = said(
        talk,
        b"A003 APPEND Sent (\\Seen $MDNSent) CATENATE (" + literal(HEADER),
        HEADER + f' URL "{good}" '.encode() + literal(FIRST),
        FIRST + f' URL "{url}" '.encode() + literal(FIRST),
    )
    assert told == [f"A003 NO [BADURL {url}] The URL leads to no part of a message that you can read"]
    assert talk.say("s STATUS Sent (MESSAGES)")[0] == "* STATUS Sent (MESSAGES 0)"
