"""Sections of a message inside a message inside a message, octet by octet: RFC 9051 §6.4.5.1, RFC 3516 §4."""

from __future__ import annotations

import base64
import re

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House

PICTURE = bytes(range(256)) * 3

# Each piece once, by its section; what is fetched must be exactly these octets.
TEXT = b"The outer text\r\n"
TEXT_MIME = b"Content-Type: text/plain\r\nX-Odd:   kept   as it is\r\n\r\n"
INNERMOST_HEADER = (
    b"From: innermost@example.org\r\nSubject: innermost\r\n  on two lines\r\nReceived: one\r\nReceived: two\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n"
)
INNERMOST_TEXT = b"caf=C3=A9 =\r\nau lait"
INNERMOST = INNERMOST_HEADER + INNERMOST_TEXT
INNERMOST_MIME = b"Content-Type: message/rfc822\r\nContent-Description: a letter\r\n\r\n"
PLAIN = b"au=63une=20chose"
PLAIN_MIME = b"Content-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
PNG = base64.encodebytes(PICTURE).replace(b"\n", b"\r\n").rstrip()
PNG_MIME = b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
INNER_MULTIPART = (
    b"prologue\r\n--inner\r\n" + PLAIN_MIME + PLAIN + b"\r\n--inner\r\n" + INNERMOST_MIME + INNERMOST
    + b"\r\n--inner\r\n" + PNG_MIME + PNG + b"\r\n--inner--\r\nepilogue"
)  # fmt: skip
INNER_HEADER = (
    b"From: inner@example.org\r\nTo: you@example.org\r\nSubject: inner\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n"
)
INNER = INNER_HEADER + INNER_MULTIPART
INNER_MIME = b"Content-Type: message/rfc822\r\n\r\n"
EMPTY_MIME = b"Content-Type: text/html\r\n\r\n"
HEADER = (
    b"From: outer@example.org\r\nSubject: outer\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
)
BODY = (
    b"--outer\r\n" + TEXT_MIME + TEXT + b"\r\n--outer\r\n" + INNER_MIME + INNER
    + b"\r\n--outer\r\n" + EMPTY_MIME + b"\r\n--outer--\r\n"
)  # fmt: skip
RAW = HEADER + BODY


@pytest.fixture
def nested(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    house.append(inbox, raw=RAW)
    talk.say("s SELECT INBOX")
    return talk


def fetched(talk: Conversation, item: str) -> bytes | None:
    """The octets of the one item that is asked for; None for NIL."""
    answer = talk.runner.run(talk.client("1").say(f"a FETCH 1 {item}\r\n".encode()))
    assert answer.endswith(b")\r\na OK FETCH completed\r\n"), answer
    name = item.replace(".PEEK", "")
    if partial := re.search(r"<(\d+)\.\d+>$", name):
        name = f"{name[: partial.start()]}<{partial[1]}>"
    head = f"* 1 FETCH ({name} ".encode()
    assert answer.startswith(head), (answer[:200], head)
    value = answer[len(head) : -len(b")\r\na OK FETCH completed\r\n")]
    if value == b"NIL":
        return None
    if value.startswith(b'"'):
        return value[1:-1]
    literal = re.match(rb"~?\{(\d+)\}\r\n", value)
    assert literal is not None, value[:80]
    octets = value[literal.end() :]
    assert len(octets) == int(literal[1])
    return octets


SECTIONS = {
    "": RAW,
    "HEADER": HEADER,
    "TEXT": BODY,
    "1": TEXT,
    "1.MIME": TEXT_MIME,
    "2": INNER,
    "2.MIME": INNER_MIME,
    "2.HEADER": INNER_HEADER,
    "2.TEXT": INNER_MULTIPART,
    "2.HEADER.FIELDS (Subject FROM)": b"From: inner@example.org\r\nSubject: inner\r\n\r\n",
    "2.HEADER.FIELDS.NOT (From To MIME-Version Content-Type)": b"Subject: inner\r\n\r\n",
    "2.HEADER.FIELDS (X-None)": b"\r\n",
    "2.1": PLAIN,
    "2.1.MIME": PLAIN_MIME,
    "2.2": INNERMOST,
    "2.2.MIME": INNERMOST_MIME,
    "2.2.HEADER": INNERMOST_HEADER,
    "2.2.TEXT": INNERMOST_TEXT,
    "2.2.HEADER.FIELDS (Received Subject)": (
        b"Subject: innermost\r\n  on two lines\r\nReceived: one\r\nReceived: two\r\n\r\n"
    ),
    "2.2.HEADER.FIELDS.NOT (Received MIME-Version Content-Type Content-Transfer-Encoding)": (
        b"From: innermost@example.org\r\nSubject: innermost\r\n  on two lines\r\n\r\n"
    ),
    # A message whose body is no multipart has one part (§6.4.5.1), and its MIME header is the message's own.
    "2.2.1": INNERMOST_TEXT,
    "2.3": PNG,
    "2.3.MIME": PNG_MIME,
    "3": b"",
    "3.MIME": EMPTY_MIME,
}  # fmt: skip


def test_sections(nested: Conversation) -> None:
    for section, octets in SECTIONS.items():
        assert fetched(nested, f"BODY.PEEK[{section}]") == octets, section


def test_partials(nested: Conversation) -> None:
    """Across the end: what is there; beyond the end: nothing, as an empty string (RFC 9051 §6.4.5)."""
    for section, octets in SECTIONS.items():
        size = len(octets)
        for start, count in ((0, 1), (0, size + 1), (1, 7), (max(size - 3, 0), 50), (size, 5), (2**32 - 1, 1)):
            got = fetched(nested, f"BODY.PEEK[{section}]<{start}.{count}>")
            assert got == octets[start : start + count], (section, start, count)


NOT_THERE = [
    "4", "1.1", "1.2", "2.4", "2.1.1", "2.2.2", "2.2.1.1", "3.1", "9.9.9.9", "4.MIME", "2.2.2.MIME",
    "1.HEADER", "1.TEXT", "2.1.HEADER", "2.1.TEXT", "2.1.HEADER.FIELDS.NOT (From)", "2.3.HEADER.FIELDS (From)",
]  # fmt: skip


def test_sections_that_are_not_there(nested: Conversation) -> None:
    """A part that isn't there, or HEADER and TEXT of a part that is no message: NIL (the grammar's nstring)."""
    for section in NOT_THERE:
        assert fetched(nested, f"BODY.PEEK[{section}]") is None, section
        assert fetched(nested, f"BODY.PEEK[{section}]<0.5>") is None, section


DECODED = {
    "1": TEXT,
    "2.1": b"aucune chose",
    "2.2.1": "café au lait".encode(),
    "2.3": PICTURE,
    "3": b"",
    "2.2": INNERMOST,
    "2": INNER,
}


def test_binary(nested: Conversation) -> None:
    for section, octets in DECODED.items():
        assert fetched(nested, f"BINARY.PEEK[{section}]") == octets, section
        size = f"BINARY.SIZE[{section}] {len(octets)}"
        assert nested.say(f"a FETCH 1 BINARY.SIZE[{section}]")[0] == f"* 1 FETCH ({size})"
        for start, count in ((0, 3), (2, 300), (len(octets), 4), (len(octets) + 9, 4)):
            assert fetched(nested, f"BINARY.PEEK[{section}]<{start}.{count}>") == octets[start : start + count], section
