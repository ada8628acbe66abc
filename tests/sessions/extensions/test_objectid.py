"""OBJECTID: RFC 8474."""

from __future__ import annotations

import re

from imap_conversation import Conversation

DRAFT = "From: a@example.com\r\nSubject: {}\r\nMessage-ID: <{}@example.com>\r\n{}\r\nText\r\n"


def test_mailboxes(talk: Conversation) -> None:
    """§4, examples: CREATE tells the id, STATUS and SELECT know it, and it stays when the name goes."""
    (told,) = talk.say("3 CREATE foo")
    foo = re.fullmatch(r"3 OK \[MAILBOXID \((F\d+)\)\].*", told)
    (told,) = talk.say("4 CREATE bar")
    bar = re.fullmatch(r"4 OK \[MAILBOXID \((F\d+)\)\].*", told)
    assert foo and bar and foo[1] != bar[1]
    talk.run(f"""
        1: 5 CREATE foo
        1< 5 NO...
        1: 27 SELECT foo
        1< ...
        1< * OK [MAILBOXID ({foo[1]})] The mailbox's id
        1< 27 OK...
        1: 28 CLOSE
        1< 28 OK...
        1: 6 STATUS foo (MAILBOXID)
        1< * STATUS foo (MAILBOXID ({foo[1]}))
        1< 6 OK STATUS completed
        1: 8 RENAME foo renamed
        1< 8 OK...
        1: 9 STATUS renamed (MAILBOXID)
        1< * STATUS renamed (MAILBOXID ({foo[1]}))
        1< 9 OK STATUS completed
        1: 11 LIST "" (bar renamed) RETURN (STATUS (MAILBOXID))
        1< * LIST (\\HasNoChildren) "/" bar
        1< * STATUS bar (MAILBOXID ({bar[1]}))
        1< * LIST (\\HasNoChildren) "/" renamed
        1< * STATUS renamed (MAILBOXID ({foo[1]}))
        1< 11 OK LIST completed
    """)


def test_messages(talk: Conversation) -> None:
    """§5, examples: an answer is in the thread of its letter; a move changes neither id; both can be searched for."""
    answers = "References: <fake.1@example.com>\r\n"
    texts = [
        DRAFT.format("Message A", "fake.1", ""),
        DRAFT.format("Re: Message A", "fake.2", answers),
        DRAFT.format("Message C", "fake.3", ""),
    ]
    talk.say("c CREATE foo")
    for text in texts:
        raw = text.encode()
        assert talk.say(b"5 APPEND INBOX {%d+}\r\n%b\r\n" % (len(raw), raw))[-1].startswith("5 OK")
    talk.say("s SELECT INBOX")
    ids = [
        re.findall(r"(?:EMAILID|THREADID) \((\w+)\)", line) for line in talk.say("22 FETCH 1:* (EMAILID THREADID)")[:-1]
    ]
    (mail1, thread1), (mail2, thread2), (mail3, thread3) = ids
    assert thread1 == thread2 != thread3 and len({mail1, mail2, mail3}) == 3
    talk.run(f"""
        1: 27 SEARCH EMAILID {mail1}
        1< * SEARCH 1
        1< 27 OK SEARCH completed
        1: 28 SEARCH THREADID {thread1}
        1< * SEARCH 1 2
        1< 28 OK SEARCH completed
        1: 23 MOVE 2 foo
        1< * OK [COPYUID 1700000006 2 1]...
        1< * 2 EXPUNGE
        1< 23 OK MOVE completed
        1: 24 FETCH 1:* (EMAILID THREADID)
        1< * 1 FETCH (EMAILID ({mail1}) THREADID ({thread1}))
        1< * 2 FETCH (EMAILID ({mail3}) THREADID ({thread3}))
        1< 24 OK FETCH completed
        1: 25 SELECT foo
        1< ...
        1< 25 OK...
        1: 26 FETCH 1:* (EMAILID THREADID)
        1< * 1 FETCH (EMAILID ({mail2}) THREADID ({thread2}))
        1< 26 OK FETCH completed
    """)
