"""SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 §3)."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from posthouse.store.roster import Rosters
from store_helpers import NOW, House, letter

DAY = 86_400


def dated(subject: str, day: int, sender: str, extra: str = "", body: str = "Hello.") -> bytes:
    raw = letter(subject, body, sender).replace(b"14 Nov", f"{day:02} Nov".encode())
    return raw.replace(b"MIME-Version", f"{extra}MIME-Version".encode())


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Five messages, UIDs 2 to 6."""
    house.append(inbox, flags=["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    house.append(inbox, raw=dated("Re: banana", 3, "Zoe <amy@x.org>", "Cc: kim@x.org\r\n"), received=NOW)
    house.append(inbox, raw=dated("apple", 5, '"bob" <zed@x.org>', body="x" * 500), received=NOW - 4 * DAY)
    house.append(inbox, raw=dated("Banana", 1, "=?utf-8?q?=C3=84nne?= <max@x.org>"), received=NOW - 3 * DAY)
    house.append(inbox, raw=dated("cherry", 2, "amy@x.org", "Cc: al@x.org\r\n", body="y"), received=NOW + DAY)
    house.append(
        inbox, raw=dated("_", 9, "friends: bo@x.org;").replace(b"09 Nov", b"no day"), received=NOW - 12 * DAY - 60
    )
    talk.say("s SELECT INBOX")
    return talk


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        ("ARRIVAL", "5 2 3 1 4"),
        ("REVERSE ARRIVAL", "4 1 3 2 5"),
        ("CC", "2 3 5 4 1"),
        ("DATE", "3 5 4 1 2"),  # 5 has no date that can be read: when it came counts (§2.2)
        ("FROM", "1 4 5 3 2"),  # amy amy friends max zed
        ("SIZE", "5 4 3 1 2"),
        ("SUBJECT", "2 1 3 4 5"),  # apple, banana, banana, cherry; "_" is behind the capital letters
        ("SUBJECT REVERSE DATE", "2 1 3 4 5"),
        ("SUBJECT DATE", "2 3 1 4 5"),
        ("REVERSE SUBJECT", "5 4 1 3 2"),  # equals stay in the mailbox's order
        ("TO DATE", "3 5 4 1 2"),
        ("DISPLAYFROM", "4 3 2 5 1"),  # amy@…, Änne (A and a mark), bob, friends, Zoe
        ("REVERSE DISPLAYTO ARRIVAL", "5 2 3 1 4"),
    ],
)
def test_criteria(full: Conversation, criteria: str, told: str) -> None:
    assert full.say(f"a SORT ({criteria}) UTF-8 ALL") == [f"* SORT {told}", "a OK SORT completed"]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("UID SORT (DATE) UTF-8 ALL", "SORT 4 6 5 2 3"),
        ("SORT (DATE) US-ASCII SUBJECT banana", "SORT 3 1"),
        ("SORT (DATE) UTF-8 BODY hello", "SORT 3 5 1"),
        ('SORT (SUBJECT) US-ASCII TEXT "not in mailbox"', "SORT"),
        ("UID SORT RETURN () (REVERSE DATE) UTF-8 ALL", 'ESEARCH (TAG "a") UID ALL 3,2,5:6,4'),
        ("SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL", 'ESEARCH (TAG "a") MIN 3 MAX 2 COUNT 5'),
        ("SORT RETURN (COUNT) (DATE) UTF-8 SUBJECT nothing", 'ESEARCH (TAG "a") COUNT 0'),
        ("THREAD ORDEREDSUBJECT UTF-8 ALL", "THREAD (3 1)(5)(4)(2)"),
        ("UID THREAD REFERENCES UTF-8 2:*", "THREAD (4)(6)(5)(3)"),
        ('THREAD ORDEREDSUBJECT US-ASCII TEXT "gewp"', "THREAD"),
    ],
)
def test_what_is_told(full: Conversation, wish: str, told: str) -> None:
    assert full.say(f"a {wish}") == [f"* {told}", f"a OK {'THREAD' if 'THREAD' in wish else 'SORT'} completed"]


def test_threads_by_references(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """Where there are no References, the first id in In-Reply-To counts."""
    house.append(inbox, raw=dated("one", 1, "a@x.org").replace(b"Message-ID: <", b"Message-ID: <1."))
    first = dated("one", 1, "a@x.org").split(b"Message-ID: <")[1].split(b">")[0].decode()
    house.append(inbox, raw=dated("two", 2, "b@x.org", f"In-Reply-To: <1.{first}> (of <x@y>)\r\n"))
    house.append(inbox, raw=dated("three", 3, "c@x.org", f"References: <1.{first}>\r\n <gone@x.org>\r\n"))
    house.append(inbox, raw=dated("four", 4, "d@x.org", "References: none\r\nIn-Reply-To: <gone@x.org>\r\n"))
    house.append(inbox, raw=dated("Re: one", 5, "e@x.org"))
    house.append(inbox, raw=dated("five", 6, "f@x.org"))
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1: a1 THREAD REFERENCES UTF-8 ALL
        1< * THREAD (1 (2)(3)(4)(5))(6)
        1< a1 OK THREAD completed
        1: a2 THREAD REFS UTF-8 ALL
        1< * THREAD (1 (2)(3)(4))(5)(6)
        1< a2 OK THREAD completed
    """)


@pytest.mark.parametrize("line", ["SORT (DATE) ISO-8859-1 ALL", "THREAD REFERENCES KOI8-R ALL", "SEARCH CHARSET X ALL"])
def test_other_charsets(full: Conversation, line: str) -> None:
    (told,) = full.say(f"a {line}")
    assert told.startswith("a NO [BADCHARSET (US-ASCII UTF-8)]")


def test_numbers_do_not_shift(full: Conversation) -> None:
    """§3: no EXPUNGE during SORT and THREAD; but during UID SORT and UID THREAD."""
    full.run(r"""
        2: s SELECT INBOX
        2< ...
        2: a1 STORE 1:2 +FLAGS.SILENT (\Deleted)
        2< a1 OK STORE completed
        1: b1 SORT (DATE) UTF-8 ALL
        1< * SORT 3 5 4 1 2
        1< * 1 FETCH (FLAGS (\Deleted))
        1< * 2 FETCH (FLAGS (\Deleted))
        1< b1 OK SORT completed
        2: a2 EXPUNGE
        2< * 2 EXPUNGE
        2< * 1 EXPUNGE
        2< a2 OK EXPUNGE completed
        1: b2 SORT (DATE) UTF-8 ALL
        1< * SORT 3 5 4
        1< b2 OK SORT completed
        1: b3 THREAD REFERENCES UTF-8 ALL
        1< * THREAD (3)(5)(4)
        1< b3 OK THREAD completed
        1: b4 UID SORT (DATE) UTF-8 ALL
        1< * SORT 4 6 5
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        1< b4 OK SORT completed
        1: b5 THREAD REFERENCES UTF-8 ALL
        1< * THREAD (1)(3)(2)
        1< b5 OK THREAD completed
    """)


def test_mod_sequences(full: Conversation) -> None:
    """RFC 7162 §3.1.9, §3.1.10."""
    modseq = int(full.say("x STATUS INBOX (HIGHESTMODSEQ)")[-2].split()[-1].rstrip(")"))
    assert full.say(f"a SORT (REVERSE ARRIVAL) UTF-8 MODSEQ {modseq - 1}")[0] == f"* SORT 4 5 (MODSEQ {modseq})"
    assert full.say(f"b SORT RETURN (MIN) (ARRIVAL) UTF-8 MODSEQ {modseq - 1}")[0] == (
        f'* ESEARCH (TAG "b") MIN 5 MODSEQ {modseq}'
    )
    assert full.say("c SORT (DATE) UTF-8 MODSEQ 99999")[0] == "* SORT"


def test_saved(full: Conversation) -> None:
    full.run("""
        1: a1 SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL
        1< * ESEARCH (TAG "a1") MIN 3
        1< a1 OK SORT completed
        1: a2 FETCH $ UID
        1< * 3 FETCH (UID 4)
        1< a2 OK FETCH completed
    """)


def test_what_is_kept_of_an_order(full: Conversation, house: House, inbox: Mailbox) -> None:
    """An answer that was made before is the one that would be made now."""
    by_number = [f"{command} UTF-8 ALL" for command in ("SORT (SUBJECT)", "SORT (REVERSE DATE)", "THREAD REFERENCES")]
    by_uid = [f"UID {line}" for line in by_number]  # with which is told what was removed

    def answers(lines: list[str]) -> list[str]:
        return [full.say(f"a {line}")[0] for line in lines]

    def agree() -> None:
        for lines in (by_number, by_uid):
            answers(lines)
            kept = answers(lines)
            house.store.rosters = Rosters()
            assert answers(lines) == kept
            assert all(line.startswith(("* SORT ", "* THREAD ")) for line in kept)

    agree()
    house.store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Seen"])
    agree()
    house.append(inbox, raw=dated("aardvark", 1, "zed@x.org"))
    agree()
    house.store.run(mail.remove, inbox.id, [(3, 3)])
    agree()
    house.append(inbox, raw=dated("zebra", 1, "zed@x.org"))
    house.store.run(mail.remove, inbox.id, [(4, 4)])
    agree()
    assert full.say("a SORT (SUBJECT) UTF-8 ALL")[0] == "* SORT 4 1 2 5 3"
