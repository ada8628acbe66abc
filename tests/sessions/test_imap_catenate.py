"""CATENATE: RFC 4469, and with REPLACE: RFC 8508 §4.2."""

from __future__ import annotations

import pytest

from imap_conversation import LIMIT, Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House

BOUNDARY = b"------------030308070208000400050907"
HEADER = b'Subject: two parts\r\nContent-Type: multipart/mixed; boundary="%b"\r\n\r\n' % BOUNDARY
MIME_1 = b"Content-Type: text/plain\r\n\r\n"
MIME_2 = b"Content-Type: application/x-zip-compressed\r\n\r\n"
DRAFT = b"".join([
    HEADER, b"--", BOUNDARY, b"\r\n", MIME_1, b"Our travel agent.\r\n", b"\r\n--", BOUNDARY, b"\r\n", MIME_2, b"PK..",
    b"\r\n--", BOUNDARY, b"--\r\n",
])  # fmt: skip


@pytest.fixture
def drafts(house: House, talk: Conversation) -> Mailbox:
    box = house.box(talk.account, "Drafts")
    house.append(box, raw=DRAFT)
    return box


def octets(house: House, box: Mailbox, uid: int) -> bytes:
    ((_, prefix, blob, size),) = house.store.look(mail.fetch, box.id, [(uid, uid)], ["prefix", "blob", "size"])
    assert isinstance(prefix, bytes)
    return prefix + house.store.blobs.read(blob, 0, size)


def text(octets: bytes) -> bytes:
    return b"TEXT {%d+}\r\n%b" % (len(octets), octets)


def test_an_attachment_is_replaced(talk: Conversation, house: House, drafts: Mailbox) -> None:
    """The first example: header and first part of one draft, another letter as its second part."""
    house.append(drafts, raw=b"the other\r\n")
    base = f"/Drafts;UIDVALIDITY={drafts.uidvalidity}/;UID=1/;section=".encode()
    between = b"\r\n--" + BOUNDARY + b"\r\n"
    command = b" ".join([
        b"A003 APPEND Drafts (\\Seen \\Draft $MDNSent) CATENATE (URL \"" + base + b'HEADER"', text(between[2:]),
        b'URL "' + base + b'1.MIME"', b'URL "' + base + b'1"', text(between), b"URL /Drafts/;UID=2",
        text(b"\r\n--" + BOUNDARY + b"--\r\n"),
    ])  # fmt: skip
    assert talk.say(command + b")\r\n") == [f"A003 OK [APPENDUID {drafts.uidvalidity} 3] APPEND completed"]
    assert octets(house, drafts, 3) == b"".join([
        HEADER, between[2:], MIME_1, b"Our travel agent.\r\n", between, b"the other\r\n\r\n--", BOUNDARY, b"--\r\n",
    ])  # fmt: skip
    assert house.flags(drafts)[3] == "\\Draft \\Seen $MDNSent"
    assert house.flags(drafts)[1] == "", "nothing counts as seen"


def test_relative_to_the_selected_mailbox(talk: Conversation, house: House, drafts: Mailbox) -> None:
    talk.say("a1 SELECT Drafts")
    assert talk.say("a2 APPEND Drafts CATENATE (URL ;UID=1/;SECTION=TEXT/;PARTIAL=2.7 URL ;UID=1/;PARTIAL=0.7)")[-1][
        :5
    ] == ("a2 OK")
    assert octets(house, drafts, 2) == (b"--" + BOUNDARY)[2:9] + DRAFT[:7]


def test_a_draft_replaces_itself(talk: Conversation, house: House, drafts: Mailbox) -> None:
    """RFC 8508 §4.2: header lines are put in front of what is there."""
    talk.say("a1 SELECT Drafts")
    to = b"To: Mitzy <miss.mitzy@example.org>\r\n"
    said = talk.say(b"A011 UID REPLACE 1 Drafts CATENATE (" + text(to) + b' URL "/Drafts/;UID=1")\r\n')
    assert said == [
        f"* OK [APPENDUID {drafts.uidvalidity} 2] The replacement is there",
        "* 1 EXPUNGE",
        "* 1 EXISTS",
        "* 1 RECENT",
        "A011 OK REPLACE completed",
    ]
    assert octets(house, drafts, 2) == to + DRAFT


@pytest.mark.parametrize(
    "url",
    [
        "/Drafts/;UID=9",
        "/Drafts;UIDVALIDITY=9/;UID=1",
        "/Nowhere/;UID=1",
        "/Drafts/;UID=1/;SECTION=7",
        "/Drafts/;UID=1/;SECTION=FOO",
        ";UID=1",
        "/Drafts",
        "imap://ada@mail.example.org/Drafts/;UID=1",
        "http://example.org/",
        "/Drafts/;UID=1]",
    ],
)
def test_bad_urls(talk: Conversation, house: House, drafts: Mailbox, url: str) -> None:
    """Nothing is kept of what came before."""
    told = talk.say(b"a1 APPEND Drafts CATENATE (" + text(b"Subject: x\r\n\r\n") + f' URL "{url}"'.encode() + b")\r\n")
    shown = url.replace("]", "%5D")
    assert told == [f"a1 NO [BADURL {shown}] The URL leads to no part of a message that you can read"]
    assert talk.say("a2 STATUS Drafts (MESSAGES)")[0] == "* STATUS Drafts (MESSAGES 1)"


def test_a_digest_that_is_too_big(talk: Conversation, house: House, drafts: Mailbox) -> None:
    house.append(drafts, raw=b"x" * (LIMIT - 10))
    told = talk.say("a1 APPEND Drafts CATENATE (URL /Drafts/;UID=2 URL /Drafts/;UID=2 URL /Drafts/;UID=2)")
    assert told[0].startswith("a1 NO [TOOBIG]")
    assert talk.say("a2 APPEND Drafts CATENATE (URL /Drafts/;UID=2/;PARTIAL=0.5)")[0].startswith("a2 OK")
