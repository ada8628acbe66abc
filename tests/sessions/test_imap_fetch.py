"""FETCH: RFC 9051 §6.4.5, BINARY (RFC 3516), PREVIEW (RFC 8970)."""

from __future__ import annotations

import base64

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

PICTURE = bytes(range(256))
PARTS = (
    b"From: a@example.org\r\nSubject: parts\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"caf=C3=A9\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes(PICTURE).replace(b"\n", b"\r\n")
    + b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: x-unheard-of\r\n\r\n???\r\n--b--\r\n"
)


@pytest.fixture
def parts(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    house.append(inbox, raw=PARTS)
    talk.say("s SELECT INBOX")
    return talk


def raw(talk: Conversation, line: str) -> bytes:
    return talk.runner.run(talk.client("1").say(line.encode() + b"\r\n"))


def test_binary(parts: Conversation) -> None:
    assert raw(parts, "a FETCH 1 BINARY.PEEK[1]") == (
        b"* 1 FETCH (BINARY[1] {5}\r\ncaf\xc3\xa9)\r\na OK FETCH completed\r\n"
    )
    assert raw(parts, "a FETCH 1 BINARY.PEEK[2]").startswith(b"* 1 FETCH (BINARY[2] ~{256}\r\n" + PICTURE + b")")
    assert raw(parts, "a FETCH 1 BINARY.PEEK[2]<250.10>").startswith(
        b"* 1 FETCH (BINARY[2]<250> {6}\r\n" + PICTURE[250:] + b")"
    )
    assert raw(parts, "a FETCH 1 (UID BINARY.SIZE[2] BINARY.SIZE[9] BINARY.PEEK[9])").startswith(
        b"* 1 FETCH (UID 1 BINARY.SIZE[2] 256 BINARY.SIZE[9] 0 BINARY[9] NIL)\r\n"
    )
    assert PARTS in raw(parts, "a FETCH 1 BINARY.PEEK[]")


def test_an_encoding_that_nobody_knows(parts: Conversation) -> None:
    parts.run(r"""
        1: a1 FETCH 1 BINARY[3]
        1< * 1 FETCH (FLAGS (\Seen))
        1< a1 NO [UNKNOWN-CTE] The transfer encoding of part 3 is not known here
        1: a2 FETCH 1 BINARY.SIZE[3]
        1< a2 NO [UNKNOWN-CTE]...
    """)


def test_binary_sets_seen_and_its_size_does_not(parts: Conversation) -> None:
    parts.run(r"""
        1: a1 FETCH 1 BINARY.SIZE[1]
        1< * 1 FETCH (BINARY.SIZE[1] 5)
        1< a1 OK FETCH completed
        1: a2 FETCH 1 BINARY[1]<0.3>
        1< * 1 FETCH (BINARY[1]<0> {3}
        1< caf FLAGS (\Seen))
        1< a2 OK FETCH completed
        1: a3 FETCH 1 BINARY[1]<0.3>
        1< * 1 FETCH (BINARY[1]<0> {3}
        1< caf)
        1< a3 OK FETCH completed
    """)


def test_previews(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.append(inbox, raw=letter(body="Hello  there,\r\nBob."))
    house.append(inbox, raw=letter(body=""))
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1: a1 FETCH 1:2 (PREVIEW)
        1< * 1 FETCH (PREVIEW "Hello there, Bob.")
        1< * 2 FETCH (PREVIEW "")
        1< a1 OK FETCH completed
        1: a2 FETCH 1 (UID PREVIEW (LAZY))
        1< * 1 FETCH (UID 1 PREVIEW "Hello there, Bob.")
        1< a2 OK FETCH completed
    """)


def test_every_column(parts: Conversation) -> None:
    told = parts.say("a FETCH 1 (RFC822.SIZE INTERNALDATE FLAGS UID ENVELOPE BODY)")[0]
    assert told.startswith(
        f'* 1 FETCH (UID 1 RFC822.SIZE {len(PARTS)} INTERNALDATE "14-Nov-2023 22:13:20 +0000" FLAGS ('
    )
    assert 'ENVELOPE (NIL "parts"' in told and '"mixed")' in told.lower()


def test_numbers_beyond_the_mailbox(parts: Conversation) -> None:
    assert parts.say("a FETCH 2 FLAGS")[-1].startswith("a BAD")
    assert parts.say("a UID FETCH 2:9 FLAGS") == ["a OK FETCH completed"]
    assert parts.say("a UID FETCH 9:* FLAGS")[0] == "* 1 FETCH (UID 1 FLAGS ())"


def test_numbers_do_not_shift_while_messages_vanish(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 §7.5.1, RFC 2180 §4."""
    house.fill(inbox, 3)
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 2 +FLAGS (\Deleted)
        2< * 2 FETCH (FLAGS (\Deleted))
        2< b2 OK STORE completed
        2: b3 EXPUNGE
        2< * 2 EXPUNGE
        2< b3 OK EXPUNGE completed
        1: a2 FETCH 1:3 (UID FLAGS)
        1< * 1 FETCH (UID 1 FLAGS ())
        1< * 2 FETCH (UID 2 FLAGS (\Deleted))
        1< * 3 FETCH (UID 3 FLAGS ())
        1< a2 OK FETCH completed
        1: a3 STORE 2:3 +FLAGS (\Flagged)
        1< * 3 FETCH (FLAGS (\Flagged))
        1< a3 NO [EXPUNGEISSUED]...
        1: a4 SEARCH ALL
        1< * SEARCH 1 3
        1< a4 OK SEARCH completed
        1: a5 COPY 1:3 Archive
        1< * 2 EXPUNGE
        1< a5 NO [EXPUNGEISSUED]...
        1: a6 STATUS Archive (MESSAGES)
        1< * STATUS Archive (MESSAGES 0)
        1< a6 OK STATUS completed
        1: a7 FETCH 2 (UID FLAGS)
        1< * 2 FETCH (UID 3 FLAGS (\Flagged))
        1< a7 OK FETCH completed
    """)


def test_news_of_another_session(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 2)
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1: a2 IDLE
        1< + idling
        2: b1 SELECT INBOX
        2< ...
        2: b2 STORE 1 +FLAGS.SILENT (\Seen \Deleted)
        2< b2 OK STORE completed
        1< * 1 FETCH (FLAGS (\Deleted \Seen))
        1: DONE
        1< a2 OK IDLE completed
        2: b3 EXPUNGE
        2< * 1 EXPUNGE
        2< b3 OK EXPUNGE completed
        1: a3 UID FETCH 2 FLAGS
        1< * 2 FETCH (UID 2 FLAGS ())
        1< * 1 EXPUNGE
        1< a3 OK FETCH completed
    """)


FIELDS = (
    b"Received: from x\r\n by y\r\nfrom : Ada\r\n <ada@example.org>\r\nSubject:\r\nX-Odd: 1\r\n"
    b"SUBJECT: again\r\n\t(really)\r\nDate: today\r\nno field\r\nTo: bob\r\n\r\nHello.\r\n"
)


@pytest.mark.parametrize("ready", [True, False])
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("SUBJECT", b"Subject:\r\nSUBJECT: again\r\n\t(really)\r\n"),
        ("date From", b"from : Ada\r\n <ada@example.org>\r\nDate: today\r\n"),
        ("TO X-Odd", b"X-Odd: 1\r\nTo: bob\r\n"),
        ("CC", b""),
    ],
)
def test_listed_header_fields(
    talk: Conversation, house: House, inbox: Mailbox, asked: str, told: bytes, ready: bool
) -> None:
    """Exact octets, in the letter's order, with the blank line; whether they stand ready or the letter is opened."""
    house.append(inbox, raw=FIELDS)
    if not ready:
        house.store.run(lambda tx: tx.run("DELETE FROM listed"))
    talk.say("s SELECT INBOX")
    section = b"BODY[HEADER.FIELDS (%b)] {%d}\r\n%b\r\n" % (asked.encode(), len(told) + 2, told)
    assert raw(talk, f"a FETCH 1 (UID BODY.PEEK[HEADER.FIELDS ({asked})])") == (
        b"* 1 FETCH (UID 1 %b)\r\na OK FETCH completed\r\n" % section
    )
    assert section in raw(talk, f"a FETCH 1 (BODY.PEEK[HEADER.FIELDS ({asked})] FLAGS BODY.PEEK[TEXT])")
    part = b"BODY[HEADER.FIELDS (%b)]<0> {2}" % asked.encode()
    assert part in raw(talk, f"a FETCH 1 BODY.PEEK[HEADER.FIELDS ({asked})]<0.2>")
    seen = raw(talk, f"a FETCH 1 (BODY[HEADER.FIELDS ({asked})])")
    assert seen == b"* 1 FETCH (%b FLAGS (\\Seen))\r\na OK FETCH completed\r\n" % section


@pytest.mark.parametrize("name", ["X-Folded", "References"])
def test_listed_fields_that_are_too_many(talk: Conversation, house: House, inbox: Mailbox, name: str) -> None:
    line = f"{name}: {'<x@example.org> ' * 2000}\r\n".encode()
    house.append(inbox, raw=line + letter())
    house.append(inbox, raw=b"Subject: a\0b\r\nDate: x")
    talk.say("s SELECT INBOX")
    assert line + b"Subject: A test" in raw(talk, f"a FETCH 1 BODY.PEEK[HEADER.FIELDS (SUBJECT {name})]").replace(
        b"From: ada@example.org\r\nTo: bob@example.org\r\n", b""
    )
    assert b"{25}\r\nSubject: a\x80b\r\nDate: x\r\n\r\n)" in raw(
        talk, "a FETCH 2 BODY.PEEK[HEADER.FIELDS (SUBJECT DATE)]"
    )


@pytest.mark.parametrize(
    "line", ["FETCH * FLAGS", "STORE 1:* +FLAGS (x)", "COPY * Archive", "REPLACE * INBOX {1+}\r\nx"]
)
def test_the_last_of_none(talk: Conversation, inbox: Mailbox, line: str) -> None:
    """RFC 9051 §9, seq-number: a number that no message has is BAD; "this includes "*" if the selected mailbox is
    empty". A UID is ignored."""
    talk.say("s SELECT INBOX")
    assert talk.say(f"a {line}")[-1].startswith("a BAD There is no ")
    assert talk.say("u UID FETCH * FLAGS") == ["u OK FETCH completed"]
    assert talk.say("r UID REPLACE * INBOX {1+}\r\nx")[-1] == "r NO [NONEXISTENT] There is no last message to replace"
