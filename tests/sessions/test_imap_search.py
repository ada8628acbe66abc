"""SEARCH: ESEARCH (RFC 4731), SEARCHRES (RFC 5182), WITHIN (RFC 5032), SAVEDATE (RFC 8514), OBJECTID (RFC 8474)."""

from __future__ import annotations

import asyncio
import threading

import pytest

from imap_conversation import Conversation
from posthouse.imap.sequence import SequenceSet
from posthouse.store import index, mail, text
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, Clock, House, letter, only_sqlite

DAY = 86_400


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """UIDs 2, 3, 5, 6: one to four days old; the second and the last are seen."""
    for uid in range(1, 7):
        flags = ["\\Deleted"] if uid in (1, 4) else ["\\Seen"] if uid in (3, 6) else []
        house.append(inbox, raw=letter(f"Number {uid}"), flags=flags, received=NOW - (7 - uid) * DAY)
    house.store.run(mail.expunge, inbox.id)
    talk.say("s SELECT INBOX")
    return talk


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ("SEARCH RETURN (MIN) ALL", 'ESEARCH (TAG "a") MIN 1'),
        ("SEARCH RETURN (MAX) UNSEEN", 'ESEARCH (TAG "a") MAX 3'),
        ("SEARCH RETURN () SEEN", 'ESEARCH (TAG "a") ALL 2,4'),
        ("UID SEARCH RETURN (ALL) ALL", 'ESEARCH (TAG "a") UID ALL 2:3,5:6'),
        ("UID SEARCH RETURN (MIN MAX COUNT) ALL", 'ESEARCH (TAG "a") UID MIN 2 MAX 6 COUNT 4'),
        ("SEARCH RETURN (MIN MAX ALL COUNT) SUBJECT nothing", 'ESEARCH (TAG "a") COUNT 0'),
        ("UID SEARCH RETURN (ALL) SUBJECT nothing", 'ESEARCH (TAG "a") UID'),
        ("SEARCH UID 1:4", "SEARCH 1 2"),
        ("UID SEARCH 3:*", "SEARCH 5 6"),
        ("SEARCH NOT 2:3", "SEARCH 1 4"),
    ],
)
def test_what_is_returned(full: Conversation, wanted: str, told: str) -> None:
    assert full.say(f"a {wanted}") == [f"* {told}", "a OK SEARCH completed"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (f"{'OR SEEN ' * 1998}SEEN", "2 4"),
        (f"{'OR SUBJECT 3 ' * 998}UID 6", "2 4"),
        (f"{'UNDELETED ' * 1999}SEEN", "2 4"),
        (f"UNSEEN NOT ({'SUBJECT Number ' * 998}SUBJECT 5)", "1"),
    ],
)
def test_as_many_keys_as_a_search_may_have(full: Conversation, wanted: str, told: str) -> None:
    """A database that sees a chain as a tree would refuse it for its depth."""
    assert full.say(f"a SEARCH {wanted}") == [f"* SEARCH {told}", "a OK SEARCH completed"]


def test_within(full: Conversation) -> None:
    """UID 5 is two days old to the second: both keys take what is exactly so old (RFC 5032 §3)."""
    assert full.say(f"a UID SEARCH YOUNGER {2 * DAY}")[0] == "* SEARCH 5 6"
    assert full.say(f"a UID SEARCH OLDER {2 * DAY}")[0] == "* SEARCH 2 3 5"
    assert full.say(f"a UID SEARCH OLDER {2**32 - 1}")[0] == "* SEARCH"


def test_save_dates(full: Conversation, house: House, inbox: Mailbox, clock: Clock) -> None:
    clock.now += 2 * DAY
    full.say("c UID COPY 2 Archive")
    full.run(r"""
        1: a1 SELECT Archive
        1< ...
        1: a2 FETCH 1 (SAVEDATE INTERNALDATE)
        1< * 1 FETCH (SAVEDATE "16-Nov-2023 22:13:20 +0000" INTERNALDATE " 9-Nov-2023 22:13:20 +0000")
        1< a2 OK FETCH completed
        1: a3 SEARCH SAVEDON 16-Nov-2023
        1< * SEARCH 1
        1< a3 OK SEARCH completed
        1: a4 SEARCH SAVEDBEFORE 16-Nov-2023
        1< * SEARCH
        1< a4 OK SEARCH completed
        1: a5 SEARCH SAVEDATESUPPORTED
        1< * SEARCH 1
        1< a5 OK SEARCH completed
    """)


class TestSaved:
    """``$``: RFC 5182."""

    def test_used_by_other_commands(self, full: Conversation) -> None:
        full.run(r"""
            1: a1 SEARCH RETURN (SAVE) SEEN
            1< a1 OK SEARCH completed
            1: a2 FETCH $ UID
            1< * 2 FETCH (UID 3)
            1< * 4 FETCH (UID 6)
            1< a2 OK FETCH completed
            1: a3 UID SEARCH NOT $
            1< * SEARCH 2 5
            1< a3 OK SEARCH completed
            1: a4 SEARCH 1,$
            1< * SEARCH 1 2 4
            1< a4 OK SEARCH completed
            1: a5 UID SEARCH UID 5,$
            1< * SEARCH 3 5 6
            1< a5 OK SEARCH completed
            1: a6 STORE $ +FLAGS.SILENT (\Deleted)
            1< a6 OK STORE completed
            1: a7 COPY $ Archive
            1< a7 OK [COPYUID...
            1: a8 UID EXPUNGE $
            1< * 4 EXPUNGE
            1< * 2 EXPUNGE
            1< a8 OK EXPUNGE completed
            1: a9 FETCH $ UID
            1< a9 OK FETCH completed
        """)

    @pytest.mark.parametrize(
        ("options", "saved"),
        [
            ("SAVE", "2 3 5 6"),
            ("SAVE MIN", "2"),
            ("SAVE MAX", "6"),
            ("MIN SAVE MAX", "2 6"),
            ("SAVE MIN COUNT", "2 3 5 6"),
            ("SAVE MIN ALL", "2 3 5 6"),
        ],
    )
    def test_what_is_saved(self, full: Conversation, options: str, saved: str) -> None:
        """§2.4."""
        full.say(f"a SEARCH RETURN ({options}) ALL")
        assert full.say("b UID SEARCH $")[0] == f"* SEARCH {saved}"

    def test_it_is_empty_at_first_and_in_the_next_mailbox(self, full: Conversation) -> None:
        assert full.say("b UID SEARCH $")[0] == "* SEARCH"
        full.say("a SEARCH RETURN (SAVE) ALL")
        full.say("s SELECT INBOX")
        assert full.say("b UID SEARCH $")[0] == "* SEARCH"


def test_object_ids(full: Conversation, house: House, inbox: Mailbox) -> None:
    answer = house.append(inbox, raw=letter("Re: Number 5").replace(b"MIME-V", b"In-Reply-To: <none@x>\r\nMIME-V"))
    full.say("n NOOP")
    emails = {}
    threads = {}
    for line in full.say("a FETCH 1:* (UID EMAILID THREADID)")[:-1]:
        words = line.replace("(", "").replace(")", "").split()
        emails[words[4]], threads[words[4]] = words[6], words[8]
    assert len(set(emails.values())) == 5
    assert full.say(f"b UID SEARCH EMAILID {emails['3']}")[0] == "* SEARCH 3"
    assert full.say(f"b UID SEARCH THREADID {threads['5']}")[0].startswith("* SEARCH 5")
    assert full.say("b UID SEARCH OR EMAILID X5 THREADID T99999999999999999999999")[0] == "* SEARCH"
    full.say("c UID COPY 3 Archive")
    full.say("s SELECT Archive")
    assert full.say("d FETCH 1 (EMAILID)")[0] == f"* 1 FETCH (EMAILID ({emails['3']}))"
    assert emails[str(answer[0].uid)] == f"M{answer[0].message_id}"


def test_the_mailbox_id_stays(talk: Conversation, house: House) -> None:
    made = talk.say("a1 CREATE foo")[0]
    ident = made[made.index("(") : made.index("]")]
    talk.say("a2 RENAME foo bar")
    assert talk.say("a3 STATUS bar (MAILBOXID)")[0] == f"* STATUS bar (MAILBOXID {ident})"
    assert f"* OK [MAILBOXID {ident}] The mailbox's id" in talk.say("a4 SELECT bar")


def test_the_longest_text(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """Its pattern isn't too much for the database, whatever becomes of its characters."""
    house.append(inbox)
    talk.say("s SELECT INBOX")
    for character in ("\ufdfa", "%", "\N{LATIN SMALL LETTER SHARP S}"):
        octets = (character * 4000).encode()[:3996]
        told = talk.say(b"a SEARCH CHARSET UTF-8 OR TEXT {%d+}\r\n%b SUBJECT {%d+}\r\n%b\r\n" % ((3996, octets) * 2))
        assert told == ["* SEARCH", "a OK SEARCH completed"]


@only_sqlite
def test_many_are_told(talk: Conversation, house: House, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers and UIDs are the same while there is no hole, and then not; others may have removed what this client
    still counts."""
    monkeypatch.setattr(index, "UNLISTED", 1)
    for number in range(24):
        raw = letter(f"{'odd' if number % 2 else 'even'} {number}")
        for _ in range(100):
            house.append(inbox, raw=raw)
    store = house.store
    assert store.index is not None
    store.index.advance(store)
    uids = list(range(1, 2_401))

    def odd(uid: int) -> bool:
        return (uid - 1) // 100 % 2 == 1

    def check(ways: tuple[str, ...] = ("", "UID ")) -> None:
        """What is answered to a client that counts `uids`, of which those that are `gone` aren't found."""
        there = [(number, uid) for number, uid in enumerate(uids, 1) if uid not in gone]
        for key, found in (("SUBJECT odd", [one for one in there if odd(one[1])]), ("FROM example", there)):
            numbers, named = [number for number, _ in found], [uid for _, uid in found]
            for way, wanted in zip(ways, (numbers, named), strict=False):
                line = talk.say(f"a {way}SEARCH {key}")[0]
                assert line == f"* SEARCH {' '.join(map(str, wanted))}"
                line = talk.say(f"a {way}SEARCH RETURN (MIN MAX COUNT ALL) {key}")[0]
                every = f"MIN {wanted[0]} MAX {wanted[-1]} COUNT {len(wanted)} ALL {SequenceSet.of(wanted)}"
                assert line == f'* ESEARCH (TAG "a") {way}{every}'
            talk.say(f"a SEARCH RETURN (SAVE) {key}")
            assert talk.say("a SEARCH RETURN (COUNT) $")[0] == f'* ESEARCH (TAG "a") COUNT {len(named)}'

    gone: set[int] = set()
    talk.say("s SELECT INBOX")
    check()
    gone = {1, 150, 1_500}
    store.run(mail.remove, inbox.id, [(uid, uid) for uid in gone])
    check(ways=("",))  # after a UID command it is told what is gone
    talk.say("n NOOP")
    uids, gone = [uid for uid in uids if uid not in gone], set()
    check()


def test_the_day_that_was_written(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 §6.4.4: SENTON and its like look at the day in the Date field, "disregarding time and timezone"."""
    for written in ("Mon, 7 Feb 1994 23:52:25 -0800", "Tue, 8 Feb 1994 01:52:25 +0200", "9 Feb 1994 00:30 +0100"):
        house.append(inbox, raw=f"Date: {written}\r\n\r\nHello.\r\n".encode())
    talk.run("""
        1: s SELECT INBOX
        1< ...
        1: a1 SEARCH SENTON 7-Feb-1994
        1< * SEARCH 1
        1< a1 OK SEARCH completed
        1: a2 SEARCH SENTBEFORE 9-Feb-1994
        1< * SEARCH 1 2
        1< a2 OK SEARCH completed
        1: a3 SEARCH SENTSINCE 9-Feb-1994
        1< * SEARCH 3
        1< a3 OK SEARCH completed
        1: a4 COPY 1:3 Archive
        1< a4 OK...
        1: a5 SEARCH NOT SENTSINCE 9-Feb-1994
        1< * SEARCH 1 2
        1< a5 OK SEARCH completed
    """)


def test_brackets_of_an_address(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 §6.4.4: the string stands in the field, whether people see it there or not."""
    for sender in ("<Ada@example.org>", "Ada <ada@example.org>", "ada@example.org", "<zada@example.org>"):
        house.append(inbox, raw=letter("x", sender=sender))
    talk.run("""
        1: a1 SELECT INBOX
        1< ...
        1: a2 SEARCH FROM "<ada@example.org>"
        1< * SEARCH 1 2
        1< a2 OK SEARCH completed
        1: a3 SEARCH FROM "ada <ada@"
        1< * SEARCH 2
        1< a3 OK SEARCH completed
        1: a4 SEARCH FROM "ada@example.org"
        1< * SEARCH 1 2 3 4
        1< a4 OK SEARCH completed
    """)


@pytest.mark.parametrize("wanted", ["SEARCH BODY x", "SORT (DATE) UTF-8 BODY x", "THREAD REFERENCES UTF-8 BODY x"])
def test_who_has_gone_is_not_searched_for(full: Conversation, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    entered, leave = threading.Event(), threading.Event()
    read = []

    def folded_body(*_: object) -> str:
        read.append(1)
        entered.set()
        assert leave.wait(10)
        return ""

    monkeypatch.setattr(text, "folded_body", folded_body)
    client = full.client("1")

    async def scenario() -> None:
        searching = asyncio.create_task(client.say(f"a {wanted}\r\n".encode()))
        await asyncio.to_thread(entered.wait)
        client.session.left()
        with pytest.raises(ConnectionResetError):
            await searching
        with pytest.raises(ConnectionResetError):  # nor is anything that a command asks then
            await client.session.read(mail.fetch, 1, mail.ALL, ["flags"])
        leave.set()
        await full.house.store.read(mail.fetch, 1, mail.ALL, ["flags"])  # by the one reader there is

    full.runner.run(scenario())
    assert len(read) == 1
