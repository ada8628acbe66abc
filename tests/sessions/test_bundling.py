"""Bundles: what is answered from them is what the rows answer, to the octet, whatever happened since."""

from __future__ import annotations

import random

from imap_conversation import Conversation
from posthouse.sessions.bundling import keep_some, make_some
from posthouse.store import bundle, mail
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from posthouse.store.roster import Rosters
from store_helpers import NOW, House, letter

WANTED = (
    "(UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "(FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)",
    "(ENVELOPE FLAGS UID)",
    "BODYSTRUCTURE",
    "BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)]",
    "(UID RFC822.SIZE FLAGS BODY.PEEK[HEADER.FIELDS (Subject)] BODY.PEEK[HEADER.FIELDS (Lines X-Label)] MODSEQ)",
    "(PREVIEW INTERNALDATE BODY EMAILID)",
    "(UID BODY.PEEK[HEADER.FIELDS (To Received)] ENVELOPE)",
    "(UID)",
)
# Header fields that are hard to keep apart.
LETTERS = (
    letter(),
    b"\r\nno header at all\r\n",
    b"Subject: one\r\nSUBJECT: two\r\nX-Other: ?\r\nsubject:\r\n three\r\n\r\nbody",
    b"Subject: nothing\0here\r\nTo: a@example.org\r\n\r\n",
    b"To: a@example.org\r\nSubject: \1\x02\xff?\r\n\t\1\r\nDate: never\r\n\r\n",
    b"Subject: ?\n\1Broken: line\nTo: b@example.org\n\nbare line ends",
    b"Subject: long\r\n" + b"".join(b"To: a%d@example.org\r\n" % n for n in range(1_000)) + b"\r\n",
    b"?\r\n\r\n?",
    "Subject: Grüße\r\nFrom: Zoë <z@example.org>\r\n\r\n".encode(),
    b'Subject: 50% off, %d %b %%\r\nContent-Type: text/plain; name="100%.txt"\r\n\r\n',
)


def filled(house: House, box: Mailbox, count: int) -> None:
    for number in range(count):
        house.append(box, raw=LETTERS[number % len(LETTERS)], flags=["\\Seen"] if number % 3 else [])


def make(store: Store) -> None:
    while (some := store.look(make_some)) is not None:
        store.run(keep_some, some)


def firsts(store: Store, box: Mailbox) -> list[int]:
    return [first for first, _ in store.look(bundle.read, box.id, 1, 10_000, ["size"])]


def answers(talk: Conversation, *commands: str) -> list[bytes]:
    return [talk.runner.run(talk.client("1").say(f"a {one}\r\n".encode())) for one in commands]


def test_the_answers_are_the_same(talk: Conversation, house: House, inbox: Mailbox) -> None:
    filled(house, inbox, 200)
    talk.say("s SELECT INBOX (CONDSTORE)")
    commands = [f"FETCH {messages} {items}" for messages in ("1:*", "30:170", "100:150,1:40") for items in WANTED]
    before = answers(talk, *commands)
    make(house.store)
    assert firsts(house.store, inbox) == [1, 65, 129], "the last range may get more messages"
    assert answers(talk, *commands) == before
    house.store.run(lambda tx: tx.run("UPDATE wire SET envelope = :nothing", nothing=b""))
    for items in ("ENVELOPE", WANTED[0]):
        assert answers(talk, f"FETCH 1:64 {items}")[0].count(b"ENVELOPE (") == 64, "it was read from a bundle"


def test_who_sees_what_was_removed(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """A list from finished lines, where a range of UIDs has holes, and where the client counts by UIDs alone."""
    filled(house, inbox, 210)
    house.store.run(mail.remove, inbox.id, [(3, 9), (60, 70), (200, 205)])
    talk.say("s SELECT INBOX")
    commands = [f"FETCH {messages} {WANTED[0]}" for messages in ("1:*", "2:120", "40:180", "1:60,100:192")]
    before = answers(talk, *commands)
    make(house.store)
    assert firsts(house.store, inbox) == [1, 65, 129]
    assert answers(talk, *commands) == before
    talk.say("f STORE 5 +FLAGS (\\Flagged $Read)")
    assert answers(talk, commands[0])[0] == before[0].replace(
        b"* 5 FETCH (UID 12 FLAGS (\\Seen)", b"* 5 FETCH (UID 12 FLAGS (\\Flagged \\Seen $Read)"
    )
    talk.say("e ENABLE UIDONLY")
    uids = answers(talk, f"UID FETCH 1:* {WANTED[0]}")[0]
    assert uids.count(b" UIDFETCH (UID ") == 186 and b" FETCH (" not in uids


def test_removed_messages_leave_nothing_in_a_bundle(talk: Conversation, house: House, inbox: Mailbox) -> None:
    filled(house, inbox, 200)
    make(house.store)
    talk.say("s SELECT INBOX (CONDSTORE)")
    commands = [f"FETCH 1:* {items}" for items in WANTED if "MODSEQ" not in items]  # which tells of the removal
    known = answers(talk, *commands)
    house.store.run(mail.remove, inbox.id, [(70, 72), (130, 130)])
    assert firsts(house.store, inbox) == [1]
    assert answers(talk, *commands) == known, "this client wasn't told yet"
    talk.say("n NOOP")
    told = answers(talk, *commands)
    make(house.store)
    assert firsts(house.store, inbox) == [1, 65, 129], "made again: the answers had to read rows"
    assert answers(talk, *commands) == told
    assert all(answer.count(b" FETCH (") == 196 for answer in told)


def test_what_is_removed_meanwhile_is_in_no_bundle(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """Between a bundle's making and its keeping, as a reader and a writer do it."""
    filled(house, inbox, 200)
    some = house.store.look(make_some)
    assert some is not None
    house.store.run(mail.remove, inbox.id, [(70, 72)])
    filled(house, inbox, 60)  # they fill another range
    house.store.run(keep_some, some)
    assert firsts(house.store, inbox) == [1, 129]
    make(house.store)
    assert firsts(house.store, inbox) == [1, 129, 193]
    house.store.run(keep_some, some)
    assert firsts(house.store, inbox) == [1, 129, 193], "another process has made them, too"
    talk.say("s SELECT INBOX")
    assert b"UID 70 " not in answers(talk, f"FETCH 1:* {WANTED[0]}")[0]
    make(house.store)
    assert firsts(house.store, inbox) == [1, 65, 129, 193]
    archive = house.box(talk.account, "Archive")
    filled(house, archive, 64)
    some = house.store.look(make_some)
    assert some is not None
    talk.say("x DELETE Archive")
    house.store.run(keep_some, some)
    assert firsts(house.store, archive) == []


def test_a_new_mailbox_is_bundled_when_it_was_listed(talk: Conversation, house: House, inbox: Mailbox) -> None:
    filled(house, inbox, 130)
    for line in ("s SELECT INBOX", "c CREATE Copies", "d COPY 1:* Copies", "s SELECT Copies"):
        talk.say(line)
    make(house.store)
    copies = house.box(talk.account, "Copies")
    assert firsts(house.store, copies) == []
    listed = answers(talk, f"FETCH 1:* {WANTED[0]}")
    make(house.store)
    assert firsts(house.store, copies) == [1, 65]
    assert answers(talk, f"FETCH 1:* {WANTED[0]}") == listed
    talk.say("u SELECT INBOX")
    talk.say("x DELETE Copies")
    assert firsts(house.store, copies) == []


COMPARED = (
    *[f"SORT ({key}) UTF-8 ALL" for key in ("ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYTO")],
    "UID SORT (REVERSE SUBJECT REVERSE DATE SIZE) UTF-8 ALL",
    *[f"UID THREAD {algorithm} UTF-8 ALL" for algorithm in ("REFERENCES", "ORDEREDSUBJECT", "REFS")],
)


def test_orders_and_threads_are_the_same(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """Row by row; from bundles, and rows behind them; and where messages of a bundle's range were removed before."""
    store, chance = house.store, random.Random(4)
    for number in range(1, 290):
        subject = chance.choice(("tea", "Re: tea", "Grüße", "", "milk"))
        named = "".join(f" <{chance.randrange(1, 300)}@x>" for _ in range(chance.randrange(3)))
        head = (
            f"From: p{number % 7}@example.org\r\nTo: w{number % 11} <q{number % 5}@example.org>\r\n"
            f"Cc: r{number % 3}@example.org\r\nSubject: {subject}\r\nMessage-ID: <{number}@x>\r\n"
            f"Date: {1 + chance.randrange(28)} Nov 2023 10:{number % 60:02}:00 +0000\r\nReferences:{named}\r\n\r\n"
        )
        house.append(inbox, raw=head.encode() + b"x" * chance.randrange(90), received=NOW + chance.randrange(10**6))
    store.run(mail.remove, inbox.id, [(1, 1), (70, 75), (130, 140)])
    with_nul = "UPDATE ordering SET subject = :subject WHERE message_id = 200"
    store.run(lambda tx: tx.run(with_nul, subject=b"x\0y"))
    talk.say("s SELECT INBOX")
    before = answers(talk, *COMPARED)
    assert len(set(before)) == len(COMPARED)
    make(store)
    rows = store.look(lambda tx: tx.all("SELECT first FROM bundled_order ORDER BY first"))
    assert rows == [(1,), (65,), (129,)], "one has a NUL in its subject, and the last range may get more messages"
    forget = "UPDATE ordering SET subject = from_, date = 0, own = 'x', ancestors = '' WHERE message_id <= 192"
    store.run(lambda tx: tx.run(forget))
    store.rosters = Rosters()
    assert answers(talk, *COMPARED) == before
    store.run(mail.remove, inbox.id, [(80, 80)])
    store.rosters = Rosters()
    talk.say("n NOOP")
    assert answers(talk, COMPARED[5]) != before[5], "its bundle has gone with it"
    assert store.look(lambda tx: tx.value("SELECT count(*) FROM bundled_order")) == 2


def test_what_no_string_of_imap_may_have_is_told_as_it_is(talk: Conversation, house: House, inbox: Mailbox) -> None:
    filled(house, inbox, 130)
    make(house.store)
    house.store.run(bundle.drop, inbox.id, range(1, 131))
    house.store.run(lambda tx: tx.run("UPDATE wire SET envelope = :odd WHERE message_id = 3", odd=b"(\0\0)"))
    house.store.run(bundle.want, inbox.id, 1)
    make(house.store)
    assert firsts(house.store, inbox) == [1, 65]
    talk.say("s SELECT INBOX (CONDSTORE)")
    assert b"* 3 FETCH (ENVELOPE (\0\0))\r\n" in answers(talk, "FETCH 1:* ENVELOPE")[0]
