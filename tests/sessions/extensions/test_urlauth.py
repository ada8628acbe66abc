"""URLAUTH: RFC 4467 §7, §8, example by example. Joe is Ada (1); Fred is Bob (2)."""

from __future__ import annotations

import re

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House

TWO = (
    b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary="y"\r\n\r\n'
    b"--y\r\n\r\nfirst\r\n--y\r\n\r\nSi vis pacem, para bellum.\r\n\r\n--y--\r\n--x--\r\n"
)
JOE = "imap://ada%40example.org@mail.example.org/INBOX/;uid=1/;section=1.2"


@pytest.fixture
def talking(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    talk.guests["2"] = house.account("bob@example.org")
    house.append(inbox, raw=TWO)
    return talk


def test_what_is_offered(talking: Conversation) -> None:
    """§6."""
    assert "URLAUTH" in talking.say("c CAPABILITY")[0].split()


def test_resetkey(talking: Conversation) -> None:
    """§7, RESETKEY: all keys, a mailbox's, and a mechanism that isn't known."""
    talking.run("""
        1: a31 RESETKEY
        1< a31 OK [URLMECH INTERNAL]...
        1: a32 RESETKEY INBOX
        1< a32 OK [URLMECH INTERNAL]...
        1: a33 RESETKEY INBOX XSAMPLE
        1< a33 NO...
    """)


def test_genurlauth(talking: Conversation) -> None:
    """§7, GENURLAUTH: without access identifier, without owner, and as it should be."""
    talking.run(f"""
        1: a775 GENURLAUTH "{JOE}" INTERNAL
        1< a775 BAD missing access identifier in supplied URL
        1: a776 GENURLAUTH "imap://example.com/Shared/;uid=20/;section=1.2;urlauth=submit+fred" INTERNAL
        1< a776 BAD missing owner username in supplied URL
    """)
    told = talking.say(f'a777 GENURLAUTH "{JOE};urlauth=submit+fred" INTERNAL')
    assert re.fullmatch(rf'\* GENURLAUTH "{re.escape(JOE)};urlauth=submit\+fred:internal:[0-9a-f]{{32,}}"', told[0])
    assert told[1:] == ["a777 OK GENURLAUTH completed"]


def test_urlfetch(talking: Conversation) -> None:
    """§7, URLFETCH: the part for whom it was signed. Nobody is a submission server here, so nobody gets that one."""
    for access, gets in (("user+bob%40example.org", True), ("authuser", True), ("submit+fred", False)):
        (line, _) = talking.say(f'a777 GENURLAUTH "{JOE};urlauth={access}" INTERNAL')
        url = line.removeprefix('* GENURLAUTH "').removesuffix('"')
        told = talking.say(f'a002 URLFETCH "{url}"', "2")
        if gets:
            assert told == [
                f'* URLFETCH "{url}" {{28}}', "Si vis pacem, para bellum.", "", "a002 OK URLFETCH completed",
            ]  # fmt: skip
        else:
            assert told == [f'* URLFETCH "{url}" NIL', "a002 OK URLFETCH completed"]
