"""ACL: RFC 4314; LIST-MYRIGHTS: RFC 8440. Ada (1) shares, Bob (2) looks."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation, listed
from posthouse.store import account, acl, quota
from posthouse.store.account import Account
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

ADA, BOB = "ada@example.org", "bob@example.org"
INBOX = f"Other Users/{ADA}/INBOX"


@pytest.fixture
def bob(house: House, talk: Conversation) -> Account:
    bob = house.account(BOB)
    talk.guests["2"] = talk.guests["3"] = bob
    return bob


def test_lists_are_kept_and_told(talk: Conversation, bob: Account) -> None:
    """The examples of §3, with the virtual rights of §2.1.1."""
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lrswida
        1< a1 OK SETACL completed
        1: a2 GETACL INBOX
        1< * ACL INBOX {ADA} lrswipkxteacd {BOB} lrswitead
        1< a2 OK GETACL completed
        1: a3 SETACL INBOX {BOB} -dw
        1< a3 OK SETACL completed
        1: a4 SETACL INBOX {BOB.upper()} +k
        1< a4 OK SETACL completed
        1: a5 SETACL INBOX anyone p
        1< a5 OK SETACL completed
        1: a6 SETACL INBOX -anyone s
        1< a6 OK SETACL completed
        1: a7 GETACL INBOX
        1< * ACL INBOX {ADA} lrswipkxteacd -anyone s anyone p {BOB} lrsikac
        1< a7 OK GETACL completed
        2: b1 MYRIGHTS "{INBOX}"
        2< * MYRIGHTS "{INBOX}" lripkac
        2< b1 OK MYRIGHTS completed
        2: b2 GETACL "{INBOX}"
        2< * ACL...
        2< b2 OK...
        1: a8 DELETEACL INBOX {BOB}
        1< a8 OK DELETEACL completed
        2: b3 MYRIGHTS "{INBOX}"
        2< b3 NO [NONEXISTENT]...
        1: a9 LISTRIGHTS INBOX {BOB}
        1< * LISTRIGHTS INBOX {BOB} "" l r s w i p k x t e a c d
        1< a9 OK LISTRIGHTS completed
        1: a10 LISTRIGHTS INBOX {ADA}
        1< * LISTRIGHTS INBOX {ADA} lrswipkxteacd
        1< a10 OK LISTRIGHTS completed
        1: a11 MYRIGHTS INBOX
        1< * MYRIGHTS INBOX lrswipkxteacd
        1< a11 OK MYRIGHTS completed
    """)


def test_lists_that_can_not_be(talk: Conversation, bob: Account) -> None:
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lrq
        1< a1 BAD There is no right q...
        1: a2 SETACL INBOX nobody@example.org lr
        1< a2 NO [CANNOT] There is nobody...
        1: a3 SETACL INBOX {ADA} lr
        1< a3 NO [CANNOT] {ADA} owns the mailbox...
        1: a4 SETACL nowhere {BOB} lr
        1< a4 NO [NONEXISTENT]...
        2: b1 SETACL "{INBOX}" {BOB} lr
        2< b1 NO [NONEXISTENT]...
        1: a5 SETACL INBOX {BOB} l
        1< a5 OK...
        2: b2 SETACL "{INBOX}" {BOB} lr
        2< b2 NO [NOPERM]...
        2: b3 GETACL "{INBOX}"
        2< b3 NO [NOPERM]...
    """)


def test_shared_mailboxes_are_listed(talk: Conversation, bob: Account) -> None:
    talk.run(f"""
        1: a1 CREATE Team/Plans
        1< a1 OK...
        1: a2 SETACL Team/Plans {BOB} lr
        1< a2 OK...
        1: a3 SETACL Sent anyone r
        1< a3 OK...
        2: b1 NAMESPACE
        2< * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        2< b1 OK NAMESPACE completed
        2: b2 LIST "" "Other*"
        2< * LIST (\\HasNoChildren) "/" "Other Users/{ADA}/Team/Plans"
        2< b2 OK LIST completed
        2: b3 LIST "" (% "Other Users/%/T%") RETURN (MYRIGHTS STATUS (MESSAGES))
        2< ...
        2< * LIST (\\NonExistent \\HasChildren) "/" "Other Users"
        2< * LIST (\\NonExistent \\HasChildren) "/" "Other Users/{ADA}/Team"
        2< b3 OK LIST completed
        2: b4 LIST "" "Other Users/{ADA}/Team/%" RETURN (MYRIGHTS STATUS (MESSAGES))
        2< * LIST (\\HasNoChildren) "/" "Other Users/{ADA}/Team/Plans"
        2< * MYRIGHTS "Other Users/{ADA}/Team/Plans" lr
        2< * STATUS "Other Users/{ADA}/Team/Plans" (MESSAGES 0)
        2< b4 OK LIST completed
        2: b5 LIST "" Archive RETURN (MYRIGHTS)
        2< * LIST (\\HasNoChildren \\Archive) "/" Archive
        2< * MYRIGHTS Archive lrswipkxteacd
        2< b5 OK LIST completed
        2: b6 SUBSCRIBE "Other Users/{ADA}/Team/Plans"
        2< b6 OK SUBSCRIBE completed
        2: b7 LIST (SUBSCRIBED) "" "Other*"
        2< * LIST (\\HasNoChildren \\Subscribed) "/" "Other Users/{ADA}/Team/Plans"
        2< b7 OK LIST completed
    """)
    own = listed(talk.say('c1 LIST "" *', "1"))
    assert not any(name.startswith('"Other') for name in own)


def test_what_may_only_be_listed_can_not_be_selected(talk: Conversation, bob: Account) -> None:
    """RFC 5819 §2, and RFC 9051 §7.3.1: also where no STATUS was asked for."""
    talk.run(rf"""
        1: a1 SETACL INBOX {BOB} l
        1< a1 OK...
        2: b1 LIST "" Other* RETURN (STATUS (MESSAGES))
        2< * LIST (\Noselect \HasNoChildren) "/" "{INBOX}"
        2< b1 OK LIST completed
        2: b2 LIST "" Other*
        2< * LIST (\Noselect \HasNoChildren) "/" "{INBOX}"
        2< b2 OK LIST completed
        2: b3 SELECT "{INBOX}"
        2< b3 NO [NOPERM]...
        1: a2 SETACL INBOX {BOB} +r
        1< a2 OK...
        2: b4 LIST "" Other* RETURN (STATUS (MESSAGES))
        2< * LIST (\HasNoChildren) "/" "{INBOX}"
        2< * STATUS "{INBOX}" (MESSAGES 0)
        2< b4 OK LIST completed
    """)


def test_reading_alone(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    """Who may change nothing selects read-only, and sets no flag by reading."""
    house.append(inbox)
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lr
        1< a1 OK...
        2: b1 SELECT "{INBOX}"
        2< * FLAGS...
        2< * 1 EXISTS
        2< ...
        2< * OK [PERMANENTFLAGS ()]...
        2< ...
        2< b1 OK [READ-ONLY]...
        2: b2 FETCH 1 (BODY[TEXT]<0.3>)
        2< * 1 FETCH (BODY[TEXT]<0> {{3}}
        2< Hel)
        2< b2 OK FETCH completed
        2: b3 STORE 1 +FLAGS (\\Seen)
        2< b3 NO [READ-ONLY]...
        2: b4 COPY 1 "{INBOX}"
        2< b4 NO [NOPERM]...
        2: b5 MOVE 1 INBOX
        2< b5 NO [READ-ONLY]...
        2: b6 APPEND "{INBOX}" {{3}}
        2< b6 NO [NOPERM]...
        2: b7 STATUS "{INBOX}" (MESSAGES UNSEEN)
        2< * STATUS "{INBOX}" (MESSAGES 1 UNSEEN 1)
        2< b7 OK STATUS completed
        2: b8 DELETE "{INBOX}"
        2< b8 NO [NOPERM]...
        2: b9 CREATE "{INBOX}/below"
        2< b9 NO [NOPERM]...
        2: b10 GETQUOTAROOT "{INBOX}"
        2< * QUOTAROOT "{INBOX}"
        2< b10 OK...
    """)


def test_flags_need_their_rights(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    house.append(inbox, flags=["\\Flagged", "\\Deleted"])
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lrsi
        1< a1 OK...
        2: b1 SELECT "{INBOX}"
        2< ...
        2< * OK [PERMANENTFLAGS (\\Seen)]...
        2< ...
        2< b1 OK [READ-WRITE]...
        2: b2 STORE 1 +FLAGS (\\Deleted)
        2< b2 NO [NOPERM]...
        2: b3 STORE 1 +FLAGS (\\Seen \\Answered)
        2< * 1 FETCH (FLAGS (\\Deleted \\Flagged \\Seen))
        2< b3 OK STORE completed
        2: b4 STORE 1 FLAGS ()
        2< * 1 FETCH (FLAGS (\\Deleted \\Flagged))
        2< ...
        2< b4 OK STORE completed
        2: b5 EXPUNGE
        2< b5 NO [NOPERM]...
        2: b6 APPEND "{INBOX}" (\\Seen \\Draft \\Deleted $Forwarded) {{3+}}
        2: abc
        2< * 2 EXISTS
        2< * 1 RECENT
        2< b6 OK...
        2: b7 FETCH 2 FLAGS
        2< * 2 FETCH (FLAGS (\\Recent \\Seen))
        2< b7 OK...
        2: b8 CLOSE
        2< b8 OK CLOSE completed
        1: a2 STATUS INBOX (MESSAGES)
        1< * STATUS INBOX (MESSAGES 2)
        1< a2 OK...
    """)


def test_copies_go_both_ways(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    """The example of §4: flags without their right are lost. A copy counts against the quota of whose mailbox it is."""
    house.append(inbox, raw=letter("one"), flags=["\\Draft", "\\Deleted"])
    house.append(inbox, raw=letter("two"), flags=["\\Seen", "$Forwarded"])
    mine = house.box(bob)
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lrwis
        1< a1 OK...
        2: b1 SELECT "{INBOX}"
        2< ...
        2< b1 OK...
        2: b2 COPY 1:2 INBOX
        2< b2 OK [COPYUID {mine.uidvalidity} 1:2 1:2] COPY completed
        2: b3 COPY 1:2 "{INBOX}"
        2< * 4 EXISTS
        2< b3 OK [COPYUID {inbox.uidvalidity} 1:2 3:4] COPY completed
        2: b4 FETCH 3:4 FLAGS
        2< * 3 FETCH (FLAGS (\\Draft))
        2< * 4 FETCH (FLAGS (\\Seen $Forwarded))
        2< b4 OK...
        2: b5 MOVE 1 INBOX
        2< b5 NO [NOPERM]...
        2: b6 SELECT INBOX
        2< ...
        2< b6 OK...
        2: b7 FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])
        2< * 1 FETCH (FLAGS (\\Deleted \\Draft) BODY...
        2< Subject: one
        2<
        2< )
        2< * 2 FETCH (FLAGS (\\Seen $Forwarded) BODY...
        2< Subject: two
        2<
        2< )
        2< b7 OK...
        2: b8 MOVE 2 "{INBOX}"
        2< * OK [COPYUID {inbox.uidvalidity} 2 5] Moved
        2< * 2 EXPUNGE
        2< b8 OK MOVE completed
        2: b9 SEARCH SUBJECT one
        2< * SEARCH 1
        2< b9 OK...
    """)
    assert house.store.look(quota.get, bob.id).messages == 1
    assert house.store.look(quota.get, talk.account.id).messages == 3


def test_mailboxes_below_a_shared_one(talk: Conversation, house: House, bob: Account) -> None:
    """§4, CREATE, RENAME, DELETE: a new one is shared like the one above."""
    team = f"Other Users/{ADA}/Team"
    talk.run(f"""
        1: a1 CREATE Team
        1< a1 OK...
        1: a2 SETACL Team {BOB} lrkx
        1< a2 OK...
        2: b1 CREATE "{team}/a/b"
        2< b1 OK...
        2: b2 MYRIGHTS "{team}/a/b"
        2< * MYRIGHTS "{team}/a/b" lrkxc
        2< b2 OK...
        2: b3 RENAME "{team}/a/b" "{team}/c"
        2< b3 OK RENAME completed
        2: b4 RENAME "{team}/c" mine
        2< b4 NO [CANNOT]...
        2: b5 DELETE "{team}/a"
        2< b5 OK DELETE completed
        2: b6 CREATE "Other Users/{ADA}/Else"
        2< b6 NO [NONEXISTENT]...
        2: b7 CREATE "Other Users/nobody@example.org/x"
        2< b7 NO [NONEXISTENT]...
        2: b8 CREATE "Other Users"
        2< b8 NO [CANNOT]...
        2: b9 CREATE "Other Users/x"
        2< b9 NO [CANNOT]...
        1: a3 LIST "" Team/*
        1< * LIST (\\HasNoChildren) "/" Team/c
        1< a3 OK...
    """)


def test_changes_are_told_to_all(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    """Owner and guests see what each other does, also while they idle; and when it is no longer shared."""
    talk.run(f"""
        1: a1 SETACL INBOX {BOB} lrsw
        1< a1 OK...
        1: a2 SELECT INBOX
        1< ...
        1< a2 OK...
        2: b1 SELECT "{INBOX}"
        2< ...
        2< b1 OK...
        3: c1 SELECT "{INBOX}"
        3< ...
        3< c1 OK...
        2: b2 IDLE
        2< + idling
        1: a3 APPEND INBOX {{3+}}
        1: abc
        1< * 1 EXISTS
        1< * 1 RECENT
        1< a3 OK...
        2< * 1 EXISTS
        3: c1 NOOP
        3< * 1 EXISTS
        3< c1 OK...
        3: c2 STORE 1 +FLAGS (\\Flagged)
        3< * 1 FETCH...
        3< c2 OK...
    """)
    talk.run(f"""
        2: DONE
        2< ...
        2< b2 OK IDLE completed
        1: a4 NOOP
        1< * 1 FETCH (FLAGS (\\Recent \\Flagged))
        1< a4 OK...
        1: a5 DELETEACL INBOX {BOB}
        1< a5 OK...
        3: c3 NOOP
        3< * BYE [NOPERM] {INBOX} is no longer shared with you
        3< c3 OK NOOP completed
    """)


def test_a_removed_account_leaves_no_rights(talk: Conversation, house: House, inbox: Mailbox, bob: Account) -> None:
    """Whoever gets the address next begins without any."""
    talk.say(f"a1 SETACL INBOX {BOB} lr")
    house.store.run(account.remove, BOB)
    assert house.store.look(acl.entries, inbox.id) == {}


def test_other_rights_are_told(talk: Conversation, inbox: Mailbox, bob: Account) -> None:
    """§5.1.1: "it SHOULD send FLAGS and PERMANENTFLAGS responses if they have changed"."""
    talk.run(rf"""
        1: a1 SETACL INBOX {BOB} lrswit
        1< a1 OK...
        2: b1 SELECT "{INBOX}"
        2< ...
        2< * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft \*)]...
        2< ...
        2< b1 OK [READ-WRITE]...
        1: a2 SETACL INBOX {BOB} lrs
        1< a2 OK...
        2: b2 NOOP
        2< * OK [PERMANENTFLAGS (\Seen)] Flags that are kept
        2< b2 OK NOOP completed
        1: a3 SETACL INBOX {BOB} lrsi
        1< a3 OK...
        2: b3 NOOP
        2< b3 OK NOOP completed
    """)
