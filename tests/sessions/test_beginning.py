"""Whole letters and headers, read many at a time: the octets that came, whatever lies between them."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.message.summary import summarize
from posthouse.sessions import beginning, letter
from posthouse.sessions.session import BrokenOff
from posthouse.store import fresh, intake
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, House, keep, keep_in_file
from store_helpers import letter as made

PREFIX = b"Return-Path: <%s@example.org>\r\n"
LARGE = made("large", body="x" * 78 + "\r\n" + "y" * letter.PIECE)
RAWS = (made("one"), b"\r\nno header", LARGE, made("three", body="3\r\n" * 20_000), b"Subject: no body", LARGE, LARGE)
COUNT = 60


@pytest.fixture
def shown(talk: Conversation, house: House, inbox: Mailbox) -> list[bytes]:
    """The octets of COUNT messages: some with lines of ours in front, some with a file, some too large to be read
    with others."""
    assert sum(map(len, RAWS)) * COUNT / len(RAWS) > 10 * beginning.BATCH
    octets = []
    for number in range(COUNT):
        raw = RAWS[number % len(RAWS)]
        prefix = PREFIX % (b"%d%%" % number) if number % 3 else b""
        blob = keep_in_file(house.store, raw) if number % 2 else keep(house.store, raw)
        targets = [intake.Target(inbox.id, frozenset({"\\Seen"} if number % 5 else ()))]
        house.store.run(intake.append, blob, summarize(raw), targets, NOW, prefix)
        octets.append(prefix + raw)
    talk.say("s SELECT INBOX")
    return octets


def header(octets: bytes) -> bytes:
    if octets.startswith(b"\r\n"):
        return b"\r\n"
    end = octets.find(b"\r\n\r\n")
    return octets if end < 0 else octets[: end + 4]


def said(talk: Conversation, line: str, client: str = "1") -> bytes:
    return talk.runner.run(talk.client(client).say(line.encode() + b"\r\n"))


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%b" % (len(octets), octets)


def test_all_of_them(talk: Conversation, shown: list[bytes]) -> None:
    lines = [b"* %d FETCH (BODY[] %b)\r\n" % (number, literal(one)) for number, one in enumerate(shown, 1)]
    assert said(talk, "a FETCH 1:* BODY.PEEK[]") == b"".join(lines) + b"a OK FETCH completed\r\n"


def test_headers(talk: Conversation, shown: list[bytes]) -> None:
    lines = [
        b"* %d FETCH (UID %d RFC822.HEADER %b)\r\n" % (number, number, literal(header(one)))
        for number, one in enumerate(shown, 1)
    ]
    assert said(talk, "a FETCH 1:* (UID RFC822.HEADER)") == b"".join(lines) + b"a OK FETCH completed\r\n"


def test_beside_columns(talk: Conversation, shown: list[bytes]) -> None:
    told = said(talk, "a UID FETCH 50:20,7,1:3 (FLAGS BODY.PEEK[HEADER] RFC822.SIZE)")
    lines = [
        b"* %d FETCH (UID %d FLAGS (%b) RFC822.SIZE %d BODY[HEADER] %b)\r\n"
        % (number, number, b"\\Seen" if (number - 1) % 5 else b"", len(one), literal(header(one)))
        for number, one in enumerate(shown, 1)
        if number in (1, 2, 3, 7, *range(20, 51))
    ]
    assert told == b"".join(lines) + b"a OK FETCH completed\r\n"


def test_seen_now(talk: Conversation, shown: list[bytes]) -> None:
    told = said(talk, "a FETCH 1:* BODY[]")
    lines = [
        b"* %d FETCH (BODY[] %b FLAGS (\\Seen))\r\n" % (number, literal(one)) for number, one in enumerate(shown, 1)
    ]
    assert told == b"".join(lines) + b"a OK FETCH completed\r\n"


def test_two_items_say_the_same(talk: Conversation, shown: list[bytes]) -> None:
    """They are read one letter at a time."""
    lines = [
        b"* %d FETCH (BODY[] %b BODY[HEADER] %b)\r\n" % (number, literal(one), literal(header(one)))
        for number, one in enumerate(shown, 1)
    ]
    assert said(talk, "a FETCH 1:* (BODY.PEEK[] BODY.PEEK[HEADER])") == b"".join(lines) + b"a OK FETCH completed\r\n"


def test_without_numbers(talk: Conversation, shown: list[bytes]) -> None:
    said(talk, "e ENABLE UIDONLY")
    told = said(talk, "a UID FETCH 2 BODY.PEEK[]")
    assert told == b"* 2 UIDFETCH (BODY[] %b)\r\na OK FETCH completed\r\n" % literal(shown[1])


def test_removed_by_another_and_a_file_that_came_meanwhile(
    talk: Conversation, house: House, shown: list[bytes]
) -> None:
    said(talk, "s SELECT INBOX", "2")
    said(talk, "d STORE 1:4 +FLAGS.SILENT (\\Deleted)", "2")
    said(talk, "x EXPUNGE", "2")
    fresh.settle(house.store)
    lines = [b"* %d FETCH (BODY[] %b)\r\n" % (number, literal(one)) for number, one in enumerate(shown[:6], 1)]
    assert said(talk, "a FETCH 1:6 BODY.PEEK[]") == b"".join(lines) + b"a OK FETCH completed\r\n"


@pytest.mark.parametrize("size", [1, letter.PIECE])
def test_no_literal_has_a_nul(talk: Conversation, house: House, inbox: Mailbox, size: int) -> None:
    """RFC 9051 §9, CHAR8; what came with one, outside of BINARYMIME, keeps its size, and its octets for BINARY."""
    raw = b"Subject: a\0b\r\n\r\nc\0d" + b"x" * size
    house.append(inbox, raw=raw)
    seen = raw.replace(b"\0", b"\x80")
    talk.say("s SELECT INBOX")
    for item, octets in (
        ("BODY.PEEK[]", seen),
        ("BODY.PEEK[]<0.30>", seen[:30]),
        ("BODY.PEEK[TEXT]", seen[16:]),
        ("BODY.PEEK[HEADER]", seen[:16]),
        ("BODY.PEEK[HEADER.FIELDS (SUBJECT)]", seen[:16]),
    ):
        told = said(talk, f"a FETCH 1 {item}")
        assert told.endswith(b" " + literal(octets) + b")\r\na OK FETCH completed\r\n"), (item, told[:100])
    assert b"~{%d}\r\n%b)" % (len(raw) - 16, raw[16:]) in said(talk, "b FETCH 1 BINARY.PEEK[1]")


def test_a_file_that_was_cut(talk: Conversation, house: House, inbox: Mailbox) -> None:
    raw = made("cut", body="c" * 1000)
    blob = keep_in_file(house.store, raw)
    house.append(inbox)
    house.store.run(intake.append, blob, summarize(raw), [intake.Target(inbox.id)], NOW)
    path = house.store.blobs.path(blob.id)
    path.write_bytes(raw[:-10])
    talk.say("s SELECT INBOX")
    assert talk.say("a FETCH 1:2 BODY.PEEK[]")[-1].startswith("a NO")
    assert talk.say("b FETCH 2 BODY.PEEK[HEADER]")[-1] == "b OK FETCH completed"
    path.unlink()
    assert talk.say("c FETCH 2 BODY.PEEK[HEADER]")[-1].startswith("c NO")


@pytest.mark.parametrize("items", ["BODY.PEEK[]", "(BODY.PEEK[] BODY.PEEK[TEXT])", "(BODY.PEEK[TEXT] RFC822.SIZE)"])
def test_a_file_that_is_too_short(talk: Conversation, house: House, inbox: Mailbox, items: str) -> None:
    """Before anything of it was said, NO says so. In the middle of a literal only the connection's end can."""
    house.append(inbox, raw=made("one"))
    small, large = (keep_in_file(house.store, made(name, body="x" * size)) for name, size in (("s", 900), ("l", 3**13)))
    for blob in (small, large):
        house.store.run(intake.append, blob, summarize(made("x")), [intake.Target(inbox.id, frozenset())], NOW, b"")
        with house.store.blobs.path(blob.id).open("r+b") as file:
            file.truncate(600 if blob is small else letter.PIECE * 3)
    talk.say("s SELECT INBOX")
    told = said(talk, f"a FETCH 1,2 {items}")
    assert b"\r\na NO " in b"\r\n" + told and b"* 2 FETCH" not in told
    assert said(talk, "b FETCH 1 (UID)") == b"* 1 FETCH (UID 1)\r\nb OK FETCH completed\r\n"
    with pytest.raises(BrokenOff):
        said(talk, f"c FETCH 3 {items}")
