"""LIST and its extensions, NAMESPACE and STATUS: RFC 9051 §6.3.9 to §6.3.11, RFC 5258, RFC 5819, RFC 6154."""

from __future__ import annotations

import pytest

from imap_conversation import LIMIT, Conversation, listed
from posthouse.store import mailbox
from posthouse.store.mailbox import Mailbox
from store_helpers import House


@pytest.fixture
def fruit(talk: Conversation) -> Conversation:
    """The mailboxes of RFC 5258 §5, as far as they exist here."""
    for name in ("Fruit/Apple", "Fruit/Banana", "Tofu", "Vegetable/Broccoli", "Vegetable/Corn"):
        talk.say(f"c CREATE {name}")
    for name in ("Fruit/Banana", "Vegetable", "Vegetable/Broccoli", "Fruit/Peach"):
        talk.say(f"s SUBSCRIBE {name}")
    for name in ("Drafts", "Sent", "Archive", "Junk", "Trash"):
        talk.say(f"d DELETE {name}")
        talk.say(f"d UNSUBSCRIBE {name}")
    return talk


def test_the_separator(talk: Conversation) -> None:
    talk.run(r"""
        1: a1 LIST "" ""
        1< * LIST (\Noselect) "/" ""
        1< a1 OK LIST completed
        1: a2 NAMESPACE
        1< * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        1< a2 OK NAMESPACE completed
    """)


def test_patterns(fruit: Conversation) -> None:
    assert set(listed(fruit.say('a LIST "" %'))) == {"INBOX", "Fruit", "Tofu", "Vegetable"}
    assert set(listed(fruit.say('a LIST "" inbox'))) == {"INBOX"}
    assert set(listed(fruit.say('a LIST "Fruit/" *'))) == {"Fruit/Apple", "Fruit/Banana"}
    assert set(listed(fruit.say('a LIST "" (Tofu "*/B%")'))) == {"Tofu", "Fruit/Banana", "Vegetable/Broccoli"}
    assert listed(fruit.say('a LIST (SUBSCRIBED) "" ""')) == {}


def test_children(fruit: Conversation) -> None:
    assert listed(fruit.say('a LIST "" % RETURN (CHILDREN)')) == {
        "INBOX": "\\HasNoChildren",
        "Fruit": "\\HasChildren",
        "Tofu": "\\HasNoChildren",
        "Vegetable": "\\HasChildren",
    }


def test_what_is_subscribed(fruit: Conversation) -> None:
    assert listed(fruit.say('a LIST (SUBSCRIBED) "" *')) == {
        "INBOX": "\\HasNoChildren \\Subscribed",
        "Fruit/Banana": "\\HasNoChildren \\Subscribed",
        "Vegetable": "\\HasChildren \\Subscribed",
        "Vegetable/Broccoli": "\\HasNoChildren \\Subscribed",
        "Fruit/Peach": "\\NonExistent \\HasNoChildren \\Subscribed",
    }
    assert listed(fruit.say('a LIST "" % RETURN (SUBSCRIBED)')) == {
        "INBOX": "\\HasNoChildren \\Subscribed",
        "Fruit": "\\HasChildren",
        "Tofu": "\\HasNoChildren",
        "Vegetable": "\\HasChildren \\Subscribed",
    }


def test_recursive_match(fruit: Conversation) -> None:
    assert listed(fruit.say('a LIST (SUBSCRIBED RECURSIVEMATCH) "" %')) == {
        "INBOX": "\\HasNoChildren \\Subscribed",
        'Fruit ("CHILDINFO" ("SUBSCRIBED"))': "\\HasChildren",
        'Vegetable ("CHILDINFO" ("SUBSCRIBED"))': "\\HasChildren \\Subscribed",
    }
    fruit.say("b SUBSCRIBE no/such/place")
    assert listed(fruit.say('a LIST (RECURSIVEMATCH SUBSCRIBED) "" n%')) == {
        'no ("CHILDINFO" ("SUBSCRIBED"))': "\\NonExistent \\HasNoChildren",
    }


def test_remote_changes_nothing(fruit: Conversation) -> None:
    assert listed(fruit.say('a LIST (REMOTE) "" *')) == listed(fruit.say('a LIST "" *'))


def test_special_uses(talk: Conversation) -> None:
    assert set(listed(talk.say('a LIST (SPECIAL-USE) "" *'))) == {"Drafts", "Sent", "Archive", "Junk", "Trash"}
    assert listed(talk.say('a LIST "" Sent RETURN (SPECIAL-USE)')) == {"Sent": "\\HasNoChildren \\Sent"}


def test_list_status(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.append(inbox)
    talk.say("s SUBSCRIBE gone")
    talk.run(r"""
        1: a1 LIST (SUBSCRIBED) "" (INBOX gone) RETURN (STATUS (MESSAGES UNSEEN))
        1< * LIST (\HasNoChildren \Subscribed) "/" INBOX
        1< * STATUS INBOX (MESSAGES 1 UNSEEN 1)
        1< * LIST (\NonExistent \HasNoChildren \Subscribed) "/" gone
        1< a1 OK LIST completed
    """)


def test_a_parent_told_for_the_sake_of_its_children_has_no_status(talk: Conversation) -> None:
    """RFC 5819 §2 and §3, RFC 9051 §6.3.9.8, RFC 8440 §4."""
    talk.say("c CREATE Top/Sub")
    talk.say("s SUBSCRIBE Top/Sub")
    wanted = 'LIST (SUBSCRIBED RECURSIVEMATCH) "" To% RETURN (MYRIGHTS STATUS (MESSAGES))'
    talk.run(rf"""
        1: a1 {wanted}
        1< * LIST (\HasChildren) "/" Top ("CHILDINFO" ("SUBSCRIBED"))
        1< a1 OK LIST completed
        1: a2 SUBSCRIBE Top
        1< a2 OK SUBSCRIBE completed
        1: a3 {wanted}
        1< * LIST (\HasChildren \Subscribed) "/" Top ("CHILDINFO" ("SUBSCRIBED"))
        1< * MYRIGHTS Top lrswipkxteacd
        1< * STATUS Top (MESSAGES 0)
        1< a3 OK LIST completed
    """)


def test_status(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.append(inbox, flags=["\\Deleted", "\\Seen"])
    house.append(inbox)
    box = house.store.look(mailbox.get, inbox.id)
    talk.run(f"""
        1: a1 STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN DELETED SIZE)
        1< * STATUS INBOX (MESSAGES 2 RECENT 2 UIDNEXT 3 UIDVALIDITY {box.uidvalidity} UNSEEN 1 DELETED 1 SIZE {box.size})
        1< a1 OK STATUS completed
        1: a2 STATUS INBOX (APPENDLIMIT)
        1< * STATUS INBOX (APPENDLIMIT {LIMIT})
        1< a2 OK STATUS completed
        1: a3 STATUS nowhere (MESSAGES)
        1< a3 NO [NONEXISTENT]...
    """)  # noqa: E501


def test_names_in_other_scripts(talk: Conversation) -> None:
    talk.run(r"""
        1: a1 CREATE &ZeVnLIqe-
        1< a1 OK...
        1: a2 LIST "" &ZeVnLIqe-
        1< * LIST (\HasNoChildren) "/" &ZeVnLIqe-
        1< a2 OK LIST completed
    """)


def test_patterns_are_understood_as_names_are(talk: Conversation, house: House) -> None:
    """RFC 9051 §5.1: whatever CREATE and STATUS take for a name; INBOX in any case, and NFC."""
    talk.run(r"""
        1: a1 CREATE inbox/s1
        1< ...
        1< a1 OK...
        1: a2 CREATE e&AwE-x
        1< ...
        1< a2 OK...
        1: a3 SUBSCRIBE INBOX/s1
        1< a3 OK...
        1: a4 LIST "" inbox/s1
        1< * LIST (\HasNoChildren) "/" INBOX/s1
        1< a4 OK LIST completed
        1: a5 LIST "inbox/" %
        1< * LIST (\HasNoChildren) "/" INBOX/s1
        1< a5 OK LIST completed
        1: a6 LSUB "" Inbox/*
        1< * LSUB () "/" INBOX/s1
        1< a6 OK LSUB completed
        1: a7 LIST "" e&AwE-x
        1< * LIST (\HasNoChildren) "/" &AOk-x
        1< a7 OK LIST completed
        1: a8 LIST "" INBOX/S1
        1< a8 OK LIST completed
    """)
    talk.guests["2"] = house.account("bob@example.org")
    talk.run(r"""
        1: b1 SETACL INBOX/s1 bob@example.org lr
        1< b1 OK...
        2: b2 LIST "" "Other Users/ada@example.org/inbox/%"
        2< * LIST (\HasNoChildren) "/" "Other Users/ada@example.org/INBOX/s1"
        2< b2 OK LIST completed
    """)
