"""SPECIAL-USE and CREATE-SPECIAL-USE: RFC 6154 §5; in annotations: §4."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation, listed
from store_helpers import House


@pytest.fixture
def used(talk: Conversation) -> Conversation:
    for there in ("Sent", "Drafts"):  # each use is one mailbox's
        assert talk.say(f"d DELETE {there}")[-1].startswith("d OK"), there
    for name, use in (("ToDo", ""), ("Projects", ""), ("SentMail", "\\Sent"), ("MyDrafts", "\\Drafts")):
        told = talk.say(f"c CREATE {name} (USE ({use}))" if use else f"c CREATE {name}")
        assert told[-1].startswith("c OK"), told
    talk.say("c CREATE Projects/Foo")
    return talk


def test_list_examples(used: Conversation) -> None:
    r"""§5.1, §5.2: told by LIST without being asked, by RETURN, and selected by."""
    plain = listed(used.say('t1 LIST "" "%"'))
    assert "\\Sent" in plain["SentMail"] and "\\Drafts" in plain["MyDrafts"] and "\\" in plain["Projects"]
    assert not {"\\Sent", "\\Drafts"} & {*plain["ToDo"].split(), *plain["Projects"].split()}
    told = listed(used.say('t2 LIST "" "%" RETURN (SPECIAL-USE)'))
    uses = [told[name].split()[1:] for name in ("SentMail", "MyDrafts", "ToDo")]
    assert uses == [["\\Sent"], ["\\Drafts"], []]
    told = listed(used.say('t3 LIST (SPECIAL-USE) "" "*"'))
    assert {"SentMail", "MyDrafts"} <= set(told) and not {"ToDo", "Projects", "Projects/Foo"} & set(told)


def test_create_examples(talk: Conversation) -> None:
    """§5.3: what can't be a use is refused with USEATTR, and makes no mailbox."""
    talk.run(r"""
        1: t1 CREATE MySpecial (USE (\Drafts))
        1< t1 NO [USEATTR] There is a mailbox for \Drafts already
        1: d DELETE Drafts
        1< d OK...
        1: t2 CREATE MySpecial (USE (\Drafts))
        1< t2 OK...
        1: t3 CREATE Everything (USE (\All))
        1< t3 NO [USEATTR]...
        1: t4 STATUS Everything (MESSAGES)
        1< t4 NO...
    """)


def test_annotation_examples(used: Conversation) -> None:
    r"""§5.4: the use is an annotation, too: read, given to another mailbox, taken away."""
    used.run(r"""
        1: t2 GETMETADATA "MyDrafts" /private/specialuse
        1< * METADATA MyDrafts (/private/specialuse "\\Drafts")
        1< t2 OK GETMETADATA completed
        1: t3 SETMETADATA "ToDo" (/private/specialuse "\\Drafts")
        1< * METADATA MyDrafts (/private/specialuse NIL)
        1< t3 OK SETMETADATA completed
        1: t4 SETMETADATA "SentMail" (/private/specialuse NIL)
        1< t4 OK SETMETADATA completed
        1: t5 LIST "" (SentMail MyDrafts ToDo) RETURN (SPECIAL-USE)
        1< * LIST (\HasNoChildren) "/" MyDrafts
        1< * LIST (\HasNoChildren) "/" SentMail
        1< * LIST (\HasNoChildren \Drafts) "/" ToDo
        1< t5 OK LIST completed
        1: t6 GETMETADATA (DEPTH infinity) ToDo /private/specialuse
        1< * METADATA ToDo (/private/specialuse "\\Drafts")
        1< t6 OK GETMETADATA completed
        1: t7 GETMETADATA MyDrafts (/private/specialuse)
        1< t7 OK GETMETADATA completed
    """)


def test_annotations_that_are_no_use(used: Conversation) -> None:
    r"""§4: what is set is checked as for CREATE, and changes nothing where it isn't right."""
    used.run(r"""
        1: a1 SETMETADATA MyDrafts (/private/comment "x" /private/specialuse "\\All")
        1< a1 NO [USEATTR]...
        1: a2 SETMETADATA MyDrafts (/private/specialuse "\\Sent \\Trash")
        1< a2 NO [USEATTR]...
        1: a3 SETMETADATA INBOX (/private/specialuse "\\Sent")
        1< a3 NO [USEATTR]...
        1: a4 GETMETADATA (DEPTH infinity) MyDrafts /private/specialuse
        1< * METADATA MyDrafts (/private/specialuse "\\Drafts")
        1< a4 OK GETMETADATA completed
    """)


def test_somebody_elses(used: Conversation, house: House) -> None:
    r"""What a mailbox is for is its owner's affair, and nobody else is told."""
    used.guests["2"] = house.account("bob@example.org")
    used.run(r"""
        1: a SETACL MyDrafts bob@example.org lrw
        1< a OK...
        2: b GETMETADATA "Other Users/ada@example.org/MyDrafts" /private/specialuse
        2< b OK GETMETADATA completed
        2: c SETMETADATA "Other Users/ada@example.org/MyDrafts" (/private/specialuse "\\Sent")
        2< c NO [USEATTR]...
    """)
