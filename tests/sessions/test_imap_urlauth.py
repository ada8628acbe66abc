"""URLAUTH: RFC 4467. Ada (1) signs, Bob (2) presents."""

from __future__ import annotations

import re

import pytest

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

BASE = "imap://ada%40example.org@mail.example.org/INBOX/;uid=1/;section=TEXT"


@pytest.fixture
def one(talk: Conversation, house: House, inbox: Mailbox) -> Mailbox:
    talk.guests["2"] = house.account("bob@example.org")
    house.append(inbox, raw=letter(body="Si vis pacem, para bellum."))
    return inbox


def sign(talk: Conversation, url: str) -> str:
    told = talk.say(f'a GENURLAUTH "{url}" INTERNAL')
    assert told[1:] == ["a OK GENURLAUTH completed"], told
    found = re.fullmatch(r'\* GENURLAUTH "(.*:internal:[0-9a-f]{66})"', told[0])
    assert found is not None and found[1].startswith(url)
    return found[1]


def fetch(talk: Conversation, url: str, name: str = "2") -> list[str]:
    told = talk.say(f'b URLFETCH "{url}"', name)
    assert told[-1] == "b OK URLFETCH completed"
    return [line.removeprefix(f'* URLFETCH "{url}" ') for line in told[:-1]]


OPENED = ["{28}", "Si vis pacem, para bellum.", ""]


def test_what_is_signed_can_be_read(talk: Conversation, one: Mailbox) -> None:
    """The examples of §7."""
    url = sign(talk, f"{BASE};urlauth=user+bob@example.org".replace("+bob@", "+bob%40"))
    assert fetch(talk, url) == OPENED
    assert fetch(talk, url, "1") == ["NIL"], "it is for Bob"
    assert fetch(talk, sign(talk, f"{BASE};urlauth=anonymous")) == OPENED
    assert fetch(talk, sign(talk, f"{BASE};urlauth=authuser")) == OPENED
    assert fetch(talk, sign(talk, f"{BASE};urlauth=submit+bob%40example.org")) == ["NIL"], "no submission server"
    assert fetch(talk, sign(talk, f"{BASE};EXPIRE=2999-01-01T00:00:00Z;urlauth=anonymous")) == OPENED
    assert fetch(talk, sign(talk, f"{BASE};EXPIRE=2001-01-01T00:00:00Z;urlauth=anonymous")) == ["NIL"]
    assert talk.say("c FETCH 1 FLAGS")[0].startswith("c BAD"), "nothing was selected"


def test_several_at_once(talk: Conversation, one: Mailbox) -> None:
    url = sign(talk, f"{BASE}/;partial=0.6;urlauth=anonymous")
    assert talk.say(f'b URLFETCH "{url}" "{BASE}" "imap://x/"', "2") == [
        f'* URLFETCH "{url}" {{6}}',
        f'Si vis "{BASE}" NIL "imap://x/" NIL',
        "b OK URLFETCH completed",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        lambda url: url.replace("TEXT", "HEADER"),
        lambda url: url.replace("uid=1", "uid=2"),
        lambda url: url.replace("INBOX", "inbox"),
        lambda url: url.replace("anonymous", "authuser"),
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("ada%40", "bob%40"),
        lambda url: url.replace("INBOX", "Sent"),
        lambda url: url.replace(":internal:", ":other:"),
        lambda url: url.split(":internal:")[0],
    ],
)
def test_what_is_changed_opens_nothing(talk: Conversation, one: Mailbox, changed: object) -> None:
    assert callable(changed)
    assert fetch(talk, changed(sign(talk, f"{BASE};urlauth=anonymous"))) == ["NIL"]


def test_keys_are_renewed(talk: Conversation, one: Mailbox) -> None:
    inbox = sign(talk, f"{BASE};urlauth=anonymous")
    assert sign(talk, f"{BASE};urlauth=anonymous") == inbox, "a key stays"
    assert talk.say("a RESETKEY INBOX INTERNAL") == ["a OK [URLMECH INTERNAL] RESETKEY completed"]
    assert fetch(talk, inbox) == ["NIL"]
    again = sign(talk, f"{BASE};urlauth=anonymous")
    assert fetch(talk, again) == OPENED
    assert talk.say("a RESETKEY") == ["a OK [URLMECH INTERNAL] RESETKEY completed"]
    assert fetch(talk, again) == ["NIL"]
    assert talk.say("a RESETKEY nowhere")[0].startswith("a NO [NONEXISTENT]")
    assert talk.say("a RESETKEY INBOX XSAMPLE")[0].startswith("a NO [CANNOT]")


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        (BASE, "missing access identifier in supplied URL"),
        ("imap://example.org/INBOX/;uid=1;urlauth=anonymous", "missing owner username in supplied URL"),
        (f"{BASE};urlauth=anonymous".replace("ada", "bob"), "only the owner"),
        (f"{BASE};urlauth=everybody", "that is no URL of a message"),
        ("imap://ada%40example.org@x/Nowhere/;uid=1;urlauth=anonymous", "There is no mailbox Nowhere"),
        ("imap://ada%40example.org@x/INBOX;urlauth=anonymous", "that is no URL of a message"),
    ],
)
def test_what_can_not_be_signed(talk: Conversation, one: Mailbox, url: str, answer: str) -> None:
    (told,) = talk.say(f'a GENURLAUTH "{url}" INTERNAL')
    assert told.startswith(f"a BAD {answer}")


def test_the_owner_reads_no_more_than_the_owner_may(talk: Conversation, one: Mailbox, house: House) -> None:
    """§7: the URL grants what its owner may see now."""
    talk.say("a SETACL INBOX bob@example.org lr")
    rump = "imap://bob%40example.org@x/Other%20Users/ada@example.org/INBOX/;uid=1/;section=TEXT;urlauth=anonymous"
    (told, _) = talk.say(f'a GENURLAUTH "{rump}" INTERNAL', "2")
    url = told.removeprefix('* GENURLAUTH "').removesuffix('"')
    assert fetch(talk, url, "1") == OPENED
    talk.say("a DELETEACL INBOX bob@example.org")
    assert fetch(talk, url, "1") == ["NIL"]
