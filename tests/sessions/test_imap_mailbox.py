"""CREATE, DELETE, RENAME, SUBSCRIBE: RFC 9051 §6.3.4 to §6.3.8, and RFC 6154 §3."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation, listed
from posthouse.store.mailbox import Mailbox
from store_helpers import House


def names(talk: Conversation) -> set[str]:
    return set(listed(talk.say('l LIST "" *')))


def test_create_makes_those_above_too(talk: Conversation) -> None:
    talk.run("""
        1: a1 CREATE owatagusiam/
        1< a1 OK [MAILBOXID (F...
        1: a2 CREATE owatagusiam/blurdybloop
        1< a2 OK [MAILBOXID (F...
        1: a3 CREATE owatagusiam
        1< a3 NO [ALREADYEXISTS]...
        1: a4 CREATE inbox
        1< a4 NO [ALREADYEXISTS]...
        1: a5 CREATE a//b
        1< a5 NO [CANNOT]...
    """)
    assert {"owatagusiam", "owatagusiam/blurdybloop"} <= names(talk)


def test_names_that_are_not_kept_as_they_are_written(talk: Conversation) -> None:
    """§6.3.4 to §6.3.6, §6.3.9.7; RFC 5258 §3: to who has used an extended LIST."""
    talk.run(r"""
        1: a0 CREATE inbox/before
        1< a0 OK...
        1: a1 LIST () "" nothing
        1< a1 OK LIST completed
        1: a2 CREATE inbox/below/
        1< * LIST () "/" INBOX/below ("OLDNAME" (inbox/below))
        1< a2 OK...
        1: a3 RENAME inbox/below e&AwE-1
        1< * LIST () "/" &AOk-1 ("OLDNAME" (inbox/below))
        1< a3 OK RENAME completed
        1: a4 RENAME e&AwE-1 plain1
        1< * LIST () "/" plain1 ("OLDNAME" (e&AwE-1))
        1< a4 OK RENAME completed
        1: a5 RENAME plain1 e&AwE-x
        1< * LIST () "/" &AOk-x ("OLDNAME" (plain1))
        1< a5 OK RENAME completed
        1: a6 DELETE e&AwE-x
        1< * LIST (\NonExistent) "/" &AOk-x ("OLDNAME" (e&AwE-x))
        1< a6 OK DELETE completed
        1: a7 DELETE e&AwE-x
        1< a7 NO [NONEXISTENT]...
        1: a8 RENAME inbox Other
        1< a8 OK RENAME completed
        1: a9 DELETE Other
        1< a9 OK DELETE completed
        1: c1 SUBSCRIBE e&AwE-x
        1< * LIST (\NonExistent \Subscribed) "/" &AOk-x ("OLDNAME" (e&AwE-x))
        1< c1 OK SUBSCRIBE completed
        1: c2 SUBSCRIBE inbox/before
        1< * LIST (\Subscribed) "/" INBOX/before ("OLDNAME" (inbox/before))
        1< c2 OK SUBSCRIBE completed
        2: b1 ENABLE IMAP4rev2
        2< ...
        2: b2 DELETE inbox/before
        2< * LIST (\NonExistent) "/" INBOX/before ("OLDNAME" (inbox/before))
        2< b2 OK DELETE completed
    """)


def test_create_with_a_special_use(talk: Conversation) -> None:
    talk.run(r"""
        1: a1 DELETE Sent
        1< a1 OK DELETE completed
        1: a2 CREATE Gone (USE (\Sent))
        1< a2 OK...
        1: a3 CREATE More (USE (\Sent))
        1< a3 NO [USEATTR]...
        1: a4 CREATE More (USE (\All))
        1< a4 NO [USEATTR]...
        1: a5 CREATE More (USE (\Junk \Trash))
        1< a5 NO [USEATTR]...
        1: a6 CREATE Gone (USE (\Sent))
        1< a6 NO [ALREADYEXISTS]...
        1: a7 CREATE Plain (USE ())
        1< a7 OK...
        1: a8 LIST "" Gone
        1< * LIST (\HasNoChildren \Sent) "/" Gone
        1< a8 OK LIST completed
    """)


def test_delete(talk: Conversation) -> None:
    talk.run("""
        1: a1 CREATE foo/bar
        1< a1 OK...
        1: a2 DELETE foo
        1< a2 NO [HASCHILDREN]...
        1: a3 DELETE foo/bar
        1< a3 OK DELETE completed
        1: a4 DELETE foo
        1< a4 OK DELETE completed
        1: a5 DELETE foo
        1< a5 NO [NONEXISTENT]...
        1: a6 DELETE Inbox
        1< a6 NO [CANNOT]...
    """)
    assert not {"foo", "foo/bar"} & names(talk)


def test_who_has_it_selected_sees_an_empty_mailbox(talk: Conversation, house: House) -> None:
    talk.say("a0 CREATE foo")
    house.fill(house.box(talk.account, "foo"), 2)
    talk.run("""
        1: a1 SELECT foo
        1< * FLAGS...
        1< * 2 EXISTS
        1< ...
        2: b1 DELETE foo
        2< b1 OK DELETE completed
        1: a2 NOOP
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        1< a2 OK NOOP completed
        1: a3 UID STORE 1 FLAGS ()
        1< a3 NO [NONEXISTENT]...
        1: a4 CLOSE
        1< a4 OK CLOSE completed
    """)


@pytest.mark.parametrize("to", ["INBOX", "foo", "foo/inside", "Sent"])
def test_rename_to_what_cannot_be(talk: Conversation, to: str) -> None:
    talk.say("a0 CREATE foo")
    assert talk.say(f"a1 RENAME foo {to}")[-1].startswith("a1 NO")


def test_rename_takes_along_what_is_below(talk: Conversation) -> None:
    talk.run("""
        1: a1 CREATE blurdybloop
        1< a1 OK...
        1: a2 CREATE foo/bar
        1< a2 OK...
        1: a3 RENAME blurdybloop sarasoop
        1< a3 OK RENAME completed
        1: a4 RENAME foo zowie/deep
        1< a4 OK RENAME completed
        1: a5 RENAME nowhere x
        1< a5 NO [NONEXISTENT]...
    """)
    assert {"sarasoop", "zowie", "zowie/deep", "zowie/deep/bar"} <= names(talk)
    assert not {"blurdybloop", "foo", "foo/bar"} & names(talk)


def test_rename_of_inbox_moves_its_messages(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 2)
    talk.run("""
        2: b1 SELECT INBOX
        2< ...
        1: a1 CREATE INBOX/bar
        1< a1 OK...
        1: a2 RENAME INBOX old-mail
        1< a2 OK RENAME completed
        1: a3 STATUS old-mail (MESSAGES)
        1< * STATUS old-mail (MESSAGES 2)
        1< a3 OK STATUS completed
        1: a4 STATUS INBOX (MESSAGES)
        1< * STATUS INBOX (MESSAGES 0)
        1< a4 OK STATUS completed
        2: b2 NOOP
        2< * 2 EXPUNGE
        2< * 1 EXPUNGE
        2< b2 OK NOOP completed
    """)
    assert "INBOX/bar" in names(talk)


def test_a_renamed_mailbox_stays_selected(talk: Conversation, house: House) -> None:
    talk.say("a0 CREATE foo")
    talk.run("""
        1: a1 SELECT foo
        1< ...
        2: b1 RENAME foo bar
        2< b1 OK RENAME completed
    """)
    house.fill(house.box(talk.account, "bar"), 1)
    talk.run("""
        1: a3 NOOP
        1< * 1 EXISTS
        1< a3 OK NOOP completed
    """)


def test_subscriptions(talk: Conversation) -> None:
    talk.run(r"""
        1: a1 CREATE foo
        1< a1 OK...
        1: a2 SUBSCRIBE foo
        1< a2 OK SUBSCRIBE completed
        1: a3 SUBSCRIBE not/there
        1< a3 OK SUBSCRIBE completed
        1: a4 LSUB "" foo
        1< * LSUB () "/" foo
        1< a4 OK LSUB completed
        1: a4 LSUB "not" "/*"
        1< * LSUB (\Noselect) "/" not/there
        1< a4 OK LSUB completed
        1: a5 DELETE foo
        1< a5 OK DELETE completed
        1: a6 LSUB "" foo
        1< * LSUB (\Noselect) "/" foo
        1< a6 OK LSUB completed
        1: a7 UNSUBSCRIBE foo
        1< a7 OK UNSUBSCRIBE completed
        1: a8 UNSUBSCRIBE foo
        1< a8 OK UNSUBSCRIBE completed
        1: a9 LSUB "" foo
        1< a9 OK LSUB completed
        1: b1 LSUB "" n%
        1< * LSUB (\Noselect) "/" not
        1< b1 OK LSUB completed
    """)


def test_unsubscribe_takes_each_form_of_a_name(talk: Conversation, house: House) -> None:
    """RFC 9051 §5.1."""
    talk.guests["2"] = house.account("bob@example.org")
    talk.run(r"""
        1: a1 SETACL INBOX bob@example.org lr
        1< a1 OK...
        2: b1 SUBSCRIBE "Other Users/ada@example.org/inbox"
        2< b1 OK SUBSCRIBE completed
        2: b2 LSUB "" Other*
        2< * LSUB () "/" "Other Users/ada@example.org/INBOX"
        2< b2 OK LSUB completed
        2: b3 UNSUBSCRIBE "Other Users/ada@example.org/inbox"
        2< b3 OK UNSUBSCRIBE completed
        2: b4 LSUB "" Other*
        2< b4 OK LSUB completed
        2: b5 UNSUBSCRIBE "Other Users"
        2< b5 OK UNSUBSCRIBE completed
    """)


def test_a_subscription_stays_with_its_name(talk: Conversation) -> None:
    """RFC 9051 §6.3.6; RFC 3501 §6.3.9: no name goes from the list by itself."""
    talk.run(r"""
        1: a1 SUBSCRIBE sY1
        1< a1 OK SUBSCRIBE completed
        1: a2 CREATE sX1
        1< a2 OK...
        1: a3 RENAME sX1 sY1
        1< a3 OK RENAME completed
        1: a4 LSUB "" s%1
        1< * LSUB () "/" sY1
        1< a4 OK LSUB completed
        1: b1 CREATE sbx/below
        1< b1 OK...
        1: b2 SUBSCRIBE sbx
        1< b2 OK SUBSCRIBE completed
        1: b3 SUBSCRIBE sbx/below
        1< b3 OK SUBSCRIBE completed
        1: b4 RENAME sbx sby
        1< b4 OK RENAME completed
        1: b5 LSUB "" sb*
        1< * LSUB (\Noselect) "/" sbx
        1< * LSUB (\Noselect) "/" sbx/below
        1< b5 OK LSUB completed
        1: b6 CREATE sbx
        1< b6 OK...
        1: b7 LSUB "" sb%
        1< * LSUB () "/" sbx
        1< b7 OK LSUB completed
        1: c1 RENAME INBOX kept
        1< c1 OK RENAME completed
        1: c3 LIST (SUBSCRIBED) "" (INBOX kept)
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< c3 OK LIST completed
    """)


def test_names_are_told_as_they_are(talk: Conversation) -> None:
    """A sentence begins with a capital letter; the name in it doesn't change."""
    talk.say("c CREATE plans")
    assert talk.say("a RENAME plans plans/old") == ["a NO [CANNOT] The mailbox plans can't be moved into itself"]
    talk.say("s SELECT INBOX")
    talk.say("b APPEND INBOX {1+}\r\nx")
    assert talk.say(f"d STORE 1 +FLAGS ({'k' * 300})")[-1].startswith("d NO [CANNOT] This is not a flag: kkk")
