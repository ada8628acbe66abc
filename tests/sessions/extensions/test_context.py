"""CONTEXT=SEARCH, CONTEXT=SORT, ESORT and PARTIAL: RFC 5267 §3, §4."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def ten(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    r"""Ten messages; 2 and 3 are \Deleted."""
    for number in range(1, 11):
        house.append(inbox, raw=letter(f"letter {number}"), flags=["\\Deleted"] if number in (2, 3) else [])
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
    """)
    return talk


def test_context(ten: Conversation) -> None:
    """§4.2, example: CONTEXT is a hint, and changes no answer."""
    ten.run("""
        1: A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED
        1< * ESEARCH (TAG "A01") COUNT 8
        1< A01 OK SEARCH completed
    """)


def test_update(ten: Conversation) -> None:
    r"""§4.3, examples: a tag that is in use is BAD; what comes to match is added, what doesn't any more is removed;
    a message that is removed is told before EXPUNGE; CANCELUPDATE ends it."""
    ten.run(r"""
        1: B01 UID SEARCH RETURN (UPDATE COUNT) DELETED
        1< * ESEARCH (TAG "B01") UID COUNT 2
        1< B01 OK SEARCH completed, changes will be told
        1: B01 SORT RETURN (UPDATE) (DATE) UTF-8 FLAGGED
        1< B01 BAD...
        2: t STORE 9:10 +FLAGS.SILENT (\Deleted)
        2< t OK...
        1: n NOOP
        1< * 9 FETCH (FLAGS (\Deleted))
        1< * 10 FETCH (FLAGS (\Deleted))
        1< * ESEARCH (TAG "B01") UID ADDTO (0 9:10)
        1< n OK NOOP completed
        2: u STORE 9 -FLAGS.SILENT (\Deleted)
        2< u OK...
        2: v UID EXPUNGE 10
        2< * 10 EXPUNGE
        2< v OK...
        1: B03 NOOP
        1< * 9 FETCH (FLAGS ())
        1< * ESEARCH (TAG "B01") UID REMOVEFROM (0 9:10)
        1< * 10 EXPUNGE
        1< B03 OK NOOP completed
        1: B04 CANCELUPDATE "B01"
        1< B04 OK...
        2: w STORE 1 +FLAGS.SILENT (\Deleted)
        2< w OK...
        1: B05 NOOP
        1< * 1 FETCH (FLAGS (\Deleted))
        1< B05 OK NOOP completed
    """)


def test_partial(ten: Conversation) -> None:
    """§4.4, examples: a window of the answer, the next one, and one that lies behind its end."""
    ten.run("""
        1: A02 UID SEARCH RETURN (PARTIAL 3:5) UNDELETED
        1< * ESEARCH (TAG "A02") UID PARTIAL (3:5 5:7)
        1< A02 OK SEARCH completed
        1: A03 UID SEARCH RETURN (PARTIAL 1:2) UNDELETED
        1< * ESEARCH (TAG "A03") UID PARTIAL (1:2 1,4)
        1< A03 OK SEARCH completed
        1: A04 UID SEARCH RETURN (PARTIAL 24000:24500) UNDELETED
        1< * ESEARCH (TAG "A04") UID PARTIAL (24000:24500 NIL)
        1< A04 OK SEARCH completed
    """)


def test_new_messages_are_fetched(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5465 §7: EXISTS, then what was asked for of what came, then the ESEARCH; nothing for what only changed.
    §5.2: one FETCH response for a message, whoever wants it."""
    house.append(inbox, raw=letter("old", sender="boss@example.org"))
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: a00 SEARCH RETURN (COUNT UPDATE (UID BODY.PEEK[HEADER.FIELDS (TO FROM SUBJECT)])) UNSEEN FROM "boss"
        1< * ESEARCH (TAG "a00") COUNT 1
        1< a00 OK SEARCH completed, changes will be told
        1: a01 SORT RETURN (UPDATE(UID)) (REVERSE ARRIVAL) UTF-8 UNDELETED
        1< a01 OK SORT completed, changes will be told
    """)
    house.append(inbox, raw=letter("other", sender="a@example.org"))
    house.append(inbox, raw=letter("new", sender="boss@example.org"))
    assert talk.say("n NOOP") == [
        "* 3 EXISTS",
        "* 2 FETCH (UID 2)",
        "* 3 FETCH (UID 3 BODY[HEADER.FIELDS (TO FROM SUBJECT)] {61}",
        "From: boss@example.org",
        "To: bob@example.org",
        "Subject: new",
        "",
        ")",
        '* ESEARCH (TAG "a00") ADDTO (0 3)',
        '* ESEARCH (TAG "a01") ADDTO (2 2:3)',
        "n OK NOOP completed",
    ]
    house.store.run(mail.store_flags, inbox.id, [(1, 1)], "add", ["\\Seen"])
    talk.say("n NOOP")
    house.store.run(mail.store_flags, inbox.id, [(1, 1)], "remove", ["\\Seen"])
    told = talk.say("n NOOP")
    assert [line for line in told if "FETCH" in line] == ["* 1 FETCH (FLAGS ())"]
    assert '* ESEARCH (TAG "a00") ADDTO (0 1)' in told
