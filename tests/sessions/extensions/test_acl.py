"""ACL: RFC 4314, example by example. Fred is Ada (1), who owns the mailboxes; David, Byron and Chris are Bob (2).

The owner has all rights in what is hers, always; identifiers are addresses of accounts, "anyone", and both with "-".
"""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store.account import Account
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

ADA, BOB = "ada@example.org", "bob@example.org"
ALL = "lrswipkxteacd"
TARGET = f"Other Users/{ADA}/TargetMailbox"


@pytest.fixture
def bob(house: House, talk: Conversation) -> Account:
    bob = house.account(BOB)
    talk.guests["2"] = bob
    talk.say("c CREATE INBOX/Drafts")
    return bob


def test_virtual_rights(talk: Conversation, bob: Account) -> None:
    """§2.1.1: "d" stands for "e" and "t", "c" for "k" and "x"; who has one of these is shown what stands for it."""
    talk.run(f"""
        1: A001 SeTacl INBOX/Drafts {BOB} lrswida
        1< A001 OK SETACL completed
        1: A002 getacl INBOX/Drafts
        1< * ACL INBOX/Drafts {ADA} {ALL} {BOB} lrswitead
        1< A002 OK GETACL completed
        1: A003 Setacl INBOX/Drafts {BOB} lrswikda
        1< A003 OK SETACL completed
        1: A004 getAcl INBOX/Drafts
        1< * ACL INBOX/Drafts {ADA} {ALL} {BOB} lrswikteacd
        1< A004 OK GETACL completed
    """)


def test_setacl(talk: Conversation, bob: Account) -> None:
    """§3.1: what is added; rights that there aren't."""
    talk.run(f"""
        1: A000 SETACL INBOX/Drafts {BOB} lrswi
        1< A000 OK SETACL completed
        1: A001 GETACL INBOX/Drafts
        1< * ACL INBOX/Drafts {ADA} {ALL} {BOB} lrswi
        1< A001 OK GETACL completed
        1: A002 SETACL INBOX/Drafts {BOB} +cda
        1< A002 OK SETACL completed
        1: A003 GETACL INBOX/Drafts
        1< * ACL INBOX/Drafts {ADA} {ALL} {BOB} lrswikxteacd
        1< A003 OK GETACL completed
        1: A035 SETACL INBOX/Drafts {BOB} lrQswicda
        1< A035 BAD...
        1: A036 SETACL INBOX/Drafts {BOB} lrqswicda
        1< A036 BAD There is no right q...
    """)


def test_deleteacl(talk: Conversation, bob: Account) -> None:
    """§3.2: an entry goes, and the one that takes rights away stays."""
    talk.run(f"""
        1: a SETACL INBOX {BOB} rwipsltea
        1< a OK...
        1: a SETACL INBOX -{BOB} wetd
        1< a OK...
        1: a SETACL INBOX anyone w
        1< a OK...
        1: B001 getacl INBOX
        1< * ACL INBOX {ADA} {ALL} -{BOB} wted anyone w {BOB} lrswiptead
        1< B001 OK GETACL completed
        2: m MYRIGHTS "Other Users/{ADA}/INBOX"
        2< * MYRIGHTS "Other Users/{ADA}/INBOX" lrsipa
        2< m OK...
        1: B002 DeleteAcl INBOX {BOB}
        1< B002 OK DELETEACL completed
        1: B003 GETACL INBOX
        1< * ACL INBOX {ADA} {ALL} -{BOB} wted anyone w
        1< B003 OK GETACL completed
    """)


def test_listrights(talk: Conversation, bob: Account) -> None:
    """§3.4: every right is given by itself, none comes with another."""
    talk.run(f"""
        1: a001 LISTRIGHTS INBOX/Drafts {BOB}
        1< * LISTRIGHTS INBOX/Drafts {BOB} "" l r s w i p k x t e a c d
        1< a001 OK LISTRIGHTS completed
        1: a005 listrights INBOX/Drafts anyone
        1< * LISTRIGHTS INBOX/Drafts anyone "" l r s w i p k x t e a c d
        1< a005 OK LISTRIGHTS completed
    """)


@pytest.mark.parametrize(
    ("rights", "flags"),
    [
        ("rwis", ("\\Draft", "\\Answered", "\\Seen $Forwarded")),
        ("rsti", ("\\Deleted", "", "\\Seen")),
    ],
)
def test_flags_lost_by_copy(talk: Conversation, house: House, bob: Account, rights: str, flags: tuple[str]) -> None:
    r"""§4, both examples: \Deleted needs "t", \Seen "s", all others "w" in the mailbox that is copied into."""
    mine = house.box(bob)
    for number, there in enumerate((["\\Draft", "\\Deleted"], ["\\Answered"], ["$Forwarded", "\\Seen"])):
        house.append(mine, raw=letter(f"letter {number}"), flags=there)
    ordered = "".join(right for right in ALL if right in rights)
    shown = ordered + ("d" if "t" in rights else "")
    talk.run(f"""
        1: c CREATE TargetMailbox
        1< c OK...
        1: s SETACL TargetMailbox {BOB} {rights}
        1< s OK...
        2: A003 MYRIGHTS "{TARGET}"
        2< * MYRIGHTS "{TARGET}" {shown}
        2< A003 OK MYRIGHTS completed
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: A005 COPY 1:3 "{TARGET}"
        2< A005 OK [COPYUID...
        2: A006 SELECT "{TARGET}"
        2< ...
        2< A006 OK...
        2: A007 FETCH 1:3 (FLAGS)
        2< * 1 FETCH (FLAGS ({flags[0]}))
        2< * 2 FETCH (FLAGS ({flags[1]}))
        2< * 3 FETCH (FLAGS ({flags[2]}))
        2< A007 OK FETCH completed
    """)


def test_rights_in_capability_and_select(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    r"""§2.2, §5.2: the new rights are offered; PERMANENTFLAGS is what may be stored: no \Deleted without "t"."""
    assert {"ACL", "RIGHTS=kxte"} <= set(talk.say("1 capability")[0].split())
    talk.say(f"a SETACL INBOX {BOB} lrwis")
    name = f'"Other Users/{ADA}/INBOX"'
    told = talk.say(f"A142 SELECT {name}\r\nA143 MYRIGHTS {name}\r\n".encode(), "2")
    (flags,) = [line for line in told if line.startswith("* OK [PERMANENTFLAGS ")]
    assert flags.startswith("* OK [PERMANENTFLAGS (") and "\\Deleted" not in flags
    assert all(flag in flags for flag in ("\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\*"))
    assert told[-3].startswith("A142 OK [READ-WRITE]")
    assert told[-2:] == [f"* MYRIGHTS {name} lrswi", "A143 OK MYRIGHTS completed"]
