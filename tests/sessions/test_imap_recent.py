r"""``\Recent``, which the first session that is told of a message sees, and no other: RFC 3501 §2.3.2."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from imap_conversation import Conversation
from posthouse.errors import StoreFull
from posthouse.sessions import recent as sessions_recent
from posthouse.sessions.bundling import keep_some, make_some
from posthouse.store import bundle, mailbox, recent
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def talk(house: House) -> Iterator[Conversation]:
    conversation = Conversation(house.store, house.account(), recent=True)
    yield conversation
    conversation.close()


@pytest.fixture
def selected(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Client 1 was the first to be told of UIDs 2 and 3, and client 2 of none; both may change the mailbox."""
    house.append(inbox)
    talk.say("s SELECT INBOX", "0")
    talk.client("0").session.ended()
    house.fill(inbox, 2)
    talk.say("s SELECT INBOX")
    talk.say("s SELECT INBOX", "2")
    return talk


def recents(talk: Conversation, name: str = "1") -> str:
    r"""The UIDs that this client finds to be ``\Recent``; by SEARCH, and they have the flag."""
    found = talk.say("r UID SEARCH RECENT", name)[0].removeprefix("* SEARCH").strip()
    flagged = [line.split()[4] for line in talk.say("r UID FETCH 1:* (UID FLAGS)", name) if "\\Recent" in line]
    assert found.split() == flagged
    return found


def told(talk: Conversation, line: str, name: str = "1") -> str:
    """The number in RECENT; "-": there is none."""
    lines = [one.split()[1] for one in talk.say(line, name) if one.endswith(" RECENT")]
    assert len(lines) < 2
    return lines[0] if lines else "-"


def test_only_the_first_session_sees_it(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.1, §6.3.2: SELECT takes it from those that come later, EXAMINE doesn't."""
    house.fill(inbox, 2)
    for name in ("1", "2"):
        assert told(talk, "e EXAMINE INBOX", name) == "2"
        assert recents(talk, name) == "1 2"
    assert told(talk, "s SELECT INBOX") == "2"
    assert told(talk, "s SELECT INBOX", "2") == told(talk, "e EXAMINE INBOX", "3") == "0"
    assert [recents(talk, name) for name in "123"] == ["1 2", "", ""]
    assert told(talk, "s SELECT INBOX") == "0"
    assert recents(talk) == ""


def test_a_select_with_nothing_new_writes_nothing(selected: Conversation, house: House, inbox: Mailbox) -> None:
    before = house.store.statistics().writes
    for line in ("s SELECT INBOX", "e EXAMINE INBOX", "s SELECT Archive"):
        assert told(selected, line, "2") == "0"
    assert house.store.statistics().writes == before


def test_news_are_recent_to_one(selected: Conversation, house: House, inbox: Mailbox) -> None:
    """§7.3.2: RECENT comes with EXISTS, to whom it is that hears first; to who only looks, each time."""
    selected.say("e EXAMINE INBOX", "3")
    house.fill(inbox, 2)
    selected.run(r"""
        2: a NOOP
        2< * 5 EXISTS
        2< * 2 RECENT
        2< a OK NOOP completed
        1: a NOOP
        1< * 5 EXISTS
        1< a OK NOOP completed
        3: a NOOP
        3< * 5 EXISTS
        3< * 2 RECENT
        3< a OK NOOP completed
    """)
    assert [recents(selected, name) for name in "123"] == ["2 3", "4 5", "4 5"]


def test_news_while_idling_take_one_write(selected: Conversation, house: House, inbox: Mailbox) -> None:
    """Of many that wait, one asks the store, and is told of the message as RECENT."""
    names = "abcdefgh"
    for name in names:
        selected.say("s SELECT INBOX", name)
        selected.say("i IDLE", name)
    before = house.store.statistics().writes
    house.append(inbox)
    heard = [selected.runner.run(selected.client(name).listen()) for name in names]
    assert sorted(heard) == sorted([b"* 4 EXISTS\r\n"] * 7 + [b"* 4 EXISTS\r\n* 1 RECENT\r\n"])
    assert house.store.statistics().writes == before + 2  # the delivery, and one more


def test_flags_that_change_are_told_with_it(selected: Conversation) -> None:
    """§7.4.2: FLAGS has it, whoever changed the others, and FLAGS replaces all others (§6.4.6)."""
    selected.run(r"""
        1: a STORE 1:2 FLAGS (\Seen)
        1< * 1 FETCH (FLAGS (\Seen))
        1< * 2 FETCH (FLAGS (\Recent \Seen))
        1< a OK STORE completed
        2: a NOOP
        2< * 1 FETCH (FLAGS (\Seen))
        2< * 2 FETCH (FLAGS (\Seen))
        2< a OK NOOP completed
        2: b STORE 2:3 FLAGS ()
        2< * 2 FETCH (FLAGS ())
        2< * 3 FETCH (FLAGS ())
        2< b OK STORE completed
        1: b NOOP
        1< * 2 FETCH (FLAGS (\Recent))
        1< b OK NOOP completed
        1: c FETCH 3 BODY[TEXT]
        1< * 3 FETCH (BODY[TEXT] {8}
        1< Hello.
        1<  FLAGS (\Recent \Seen))
        1< c OK FETCH completed
        1: d FETCH 2 (BODY[]<0.3> FLAGS)
        1< * 2 FETCH (FLAGS (\Recent \Seen) BODY[]<0> {3}
        1< Fro)
        1< d OK FETCH completed
        1: e STORE 2 +FLAGS (\Recent)
        1< e BAD...
        1: f STORE 2 -FLAGS.SILENT (\Recent)
        1< f BAD...
        1: g APPEND INBOX (\Recent) {3}
        1< g BAD...
    """)


def test_whole_letters_and_headers(selected: Conversation) -> None:
    for item in ("BODY.PEEK[]", "BODY.PEEK[HEADER]"):
        lines = [line for line in selected.say(f"a FETCH 1:3 ({item} FLAGS)") if " FETCH (" in line]
        assert ["\\Recent" in line for line in lines] == [False, True, True]
        (line,) = [line for line in selected.say(f"a FETCH 2 {item.replace('.PEEK', '')}") if " FETCH (" in line]
        assert "FLAGS" not in line


@pytest.mark.parametrize("bound", [False, True])
def test_lists(talk: Conversation, house: House, inbox: Mailbox, bound: bool) -> None:
    """A part of the messages, in rows and in finished lines (store/bundle)."""
    house.fill(inbox, 100, ["\\Seen"])
    talk.say("s SELECT INBOX", "0")
    house.fill(inbox, 100)
    talk.say("s SELECT INBOX")
    house.fill(inbox, 100)
    if bound:
        while (some := house.store.look(make_some)) is not None:
            house.store.run(keep_some, some)
        assert house.store.look(bundle.read, inbox.id, 1, 300, ["size"])
    talk.say("s NOOP", "2")
    talk.say("s SELECT INBOX", "2")
    lists = "UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE"
    for name, recently in (("1", range(101, 201)), ("2", range(201, 301))):
        for items in (lists, "UID FLAGS ENVELOPE", "FLAGS", "UID FLAGS MODSEQ"):
            lines = [line for line in talk.say(f"a FETCH 1:* ({items})", name) if line.endswith(")")]
            flagged = [int(line.split()[1]) for line in lines if "FLAGS (\\Recent)" in line]
            assert flagged == [uid for uid in recently if uid <= len(lines)], items
            assert "\\Recent \\Seen" not in "".join(lines)


def test_searches(selected: Conversation) -> None:
    """§6.4.4: NEW is RECENT UNSEEN, OLD is NOT RECENT."""
    selected.say("a STORE 2 +FLAGS.SILENT (\\Seen)")
    for key, found in (
        ("RECENT", "2 3"), ("NEW", "3"), ("OLD", "1"), ("NOT OLD", "2 3"), ("NOT NEW", "1 2"), ("RECENT SEEN", "2"),
        ("OR NEW SEEN", "2 3"),
    ):  # fmt: skip
        assert selected.say(f"a SEARCH {key}")[0] == f"* SEARCH {found}"
    for key, found in (("RECENT", ""), ("NEW", ""), ("OLD", " 1 2 3")):
        assert selected.say(f"a SEARCH {key}", "2")[0] == f"* SEARCH{found}"
    assert selected.say("a SORT (ARRIVAL) UTF-8 RECENT")[0] == "* SORT 2 3"
    assert selected.say("a THREAD REFERENCES UTF-8 NEW")[0] == "* THREAD (3)"


def test_status(selected: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.3.10: how many have it; of the selected mailbox for this client, and it takes nothing from others."""
    assert selected.say("a STATUS INBOX (RECENT)")[0] == "* STATUS INBOX (RECENT 2)"
    assert selected.say("a STATUS INBOX (RECENT)", "2")[0] == "* STATUS INBOX (RECENT 0)"
    house.append(house.box(selected.account, "Archive"))
    for _ in range(2):
        assert selected.say("a STATUS Archive (MESSAGES RECENT)")[0] == "* STATUS Archive (MESSAGES 1 RECENT 1)"
    said = selected.say('a LIST "" Archive RETURN (STATUS (RECENT))')
    assert said[1] == "* STATUS Archive (RECENT 1)"
    assert selected.say("a ESEARCH IN (mailboxes Archive) RECENT")[0].endswith(" UID ALL 1")
    assert told(selected, "s SELECT Archive") == "1"
    assert selected.say("a STATUS Archive (MESSAGES RECENT)", "2")[0] == "* STATUS Archive (MESSAGES 1 RECENT 0)"
    assert selected.say("a ESEARCH IN (mailboxes Archive) RECENT", "2") == ["a OK ESEARCH completed"]


def test_what_comes_by_append_copy_and_move(selected: Conversation) -> None:
    """It is no flag that a copy takes along: each is a new message where it is put, for whoever is told first."""
    selected.run(r"""
        2: a APPEND INBOX {3+}
        2: abc
        2< * 4 EXISTS
        2< * 1 RECENT
        2< a OK...
        1: a COPY 1:2 INBOX
        1< * 6 EXISTS
        1< * 4 RECENT
        1< a OK...
        1: b COPY 2 Archive
        1< b OK...
        1: c MOVE 3 Archive
        1< ...
        1< * 3 EXPUNGE
        1< * 3 RECENT
        1< c OK...
        2: c NOOP
        2< ...
        2< c OK...
    """)
    assert [recents(selected, name) for name in "12"] == ["2 5 6", "4"]
    assert told(selected, "s SELECT Archive", "2") == "2"


def test_append_takes_it_in_its_own_transaction(selected: Conversation, house: House) -> None:
    before = house.store.statistics().commits
    selected.say("a APPEND INBOX {3+}\r\nabc")
    assert house.store.statistics().commits == before + 1
    assert recents(selected) == "2 3 4"


def test_who_enabled_imap4rev2_neither_sees_nor_takes_it(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 has no such flag: its sessions leave it to those of RFC 3501."""
    house.append(inbox)
    talk.say("e ENABLE IMAP4rev2", "2")
    assert told(talk, "s SELECT INBOX", "2") == "-"
    house.append(inbox)
    talk.run(r"""
        2: a FETCH 1 FLAGS
        2< * 1 FETCH (FLAGS ())
        2< * 2 EXISTS
        2< a OK FETCH completed
        2: b APPEND INBOX {3+}
        2: abc
        2< * 3 EXISTS
        2< b OK...
        2: c UID SEARCH OLD
        2< * ESEARCH (TAG "c") UID ALL 1:3
        2< c OK...
        2: d STATUS INBOX (RECENT)
        2< * STATUS INBOX (RECENT 0)
        2< d OK...
        2: e ESEARCH IN (personal) RECENT
        2< e OK...
        2: f EXAMINE INBOX
        2< ...
        2< f OK...
        2: g FETCH 1:3 FLAGS
        2< * 1 FETCH (FLAGS ())
        2< * 2 FETCH (FLAGS ())
        2< * 3 FETCH (FLAGS ())
        2< g OK...
    """)
    assert told(talk, "s SELECT INBOX") == "3"
    assert recents(talk) == "1 2 3"
    talk.run(r"""
        1: a ENABLE IMAP4rev2
        1< * ENABLED IMAP4rev2
        1< a OK ENABLE completed
        1: b FETCH 1 FLAGS
        1< * 1 FETCH (FLAGS ())
        1< b OK FETCH completed
    """)


def test_with_qresync_and_uid_only(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 2)
    talk.say("e ENABLE QRESYNC")
    box = house.store.look(mailbox.get, inbox.id)
    lines = talk.say(f"s SELECT INBOX (QRESYNC ({box.uidvalidity} 1))")
    assert [line.partition(" MODSEQ")[0] for line in lines if " FETCH (" in line] == [
        f"* {number} FETCH (UID {number} FLAGS (\\Recent)" for number in (1, 2)
    ]
    talk.say("s SELECT INBOX", "2")
    talk.say("a STORE 1 +FLAGS.SILENT (\\Seen)", "2")
    (line, _) = talk.say("n NOOP")
    assert line.startswith("* 1 FETCH (UID 1 FLAGS (\\Recent \\Seen) MODSEQ (")
    (line, _) = talk.say(f"a UID FETCH 1:* (FLAGS) (CHANGEDSINCE {box.highestmodseq})")
    assert line.endswith("FLAGS (\\Recent \\Seen))")
    talk.say("e ENABLE UIDONLY", "3")
    house.append(inbox)
    talk.run(r"""
        3: s SELECT INBOX
        3< ...
        3< * 3 EXISTS
        3< * 1 RECENT
        3< ...
        3< s OK...
        3: a UID FETCH 1:* FLAGS
        3< * 1 UIDFETCH (FLAGS (\Seen))
        3< * 2 UIDFETCH (FLAGS ())
        3< * 3 UIDFETCH (FLAGS (\Recent))
        3< a OK...
        2: b UID STORE 3 +FLAGS.SILENT (\Deleted)
        2< * 3 EXISTS
        2< b OK...
        3: b NOOP
        3< * 3 UIDFETCH (FLAGS (\Recent \Deleted))
        3< b OK...
        2: c EXPUNGE
        2< * 3 EXPUNGE
        2< c OK...
        3: c NOOP
        3< * VANISHED 3
        3< * 0 RECENT
        3< c OK...
    """)


def test_with_notify(selected: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5465 §5.2: what is fetched of new messages has it, too."""
    selected.say("n NOTIFY SET (SELECTED (MessageNew (UID FLAGS) MessageExpunge FlagChange))")
    house.append(inbox, flags=["\\Flagged"])
    selected.run(r"""
        1< * 4 EXISTS
        1< * 3 RECENT
        1< * 4 FETCH (UID 4 FLAGS (\Recent \Flagged))
    """)


def test_a_search_for_it_is_kept_up_to_date(selected: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 5267 §4: of what comes only that which this client is the first to be told of."""
    selected.say("a UID SEARCH RETURN (UPDATE) OR (RECENT NOT FLAGGED) NOT OLD")
    selected.say("b UID SEARCH RETURN (UPDATE) NEW")
    selected.say("c UID SORT RETURN (UPDATE) (REVERSE SUBJECT) UTF-8 OR RECENT SEEN")
    house.append(inbox, raw=letter("zebra"))
    assert told(selected, "n NOOP", "2") == "1"
    assert selected.say("n NOOP") == ["* 4 EXISTS", "n OK NOOP completed"]
    house.append(inbox, raw=letter("zebra"))
    selected.run(r"""
        1: n NOOP
        1< * 5 EXISTS
        1< * 3 RECENT
        1< * ESEARCH (TAG "a") UID ADDTO (0 5)
        1< * ESEARCH (TAG "b") UID ADDTO (0 5)
        1< * ESEARCH (TAG "c") UID ADDTO (1 5)
        1< n OK NOOP completed
        1: s STORE 5 +FLAGS.SILENT (\Seen)
        1< * ESEARCH (TAG "b") UID REMOVEFROM (0 5)
        1< s OK STORE completed
    """)


class TestWhatCannotBeWritten:
    """§2.3.2: if it can't be found out whether somebody was told before, a message "SHOULD be considered recent"."""

    def test_reading_waits_for_no_writer(
        self, talk: Conversation, house: House, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process hangs, or changes very much: what the mailbox has is told all the same."""
        monkeypatch.setattr(sessions_recent, "PATIENCE", 0.01)
        house.fill(inbox, 2)
        free = threading.Event()
        writing = threading.Thread(target=house.store.run, args=(lambda tx: free.wait(20),))
        writing.start()
        try:
            assert told(talk, "s SELECT INBOX") == "2"
            assert recents(talk) == "1 2"
            assert told(talk, "s SELECT INBOX", "2") == "0"
            assert house.store.look(mailbox.get, inbox.id).recent_from == 1
        finally:
            free.set()
            writing.join()
        house.store.run(lambda tx: None)  # whatever waited before was written
        assert house.store.look(mailbox.get, inbox.id).recent_from == 3

    @pytest.fixture
    def full(self, talk: Conversation, house: House, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Conversation:
        def take(*_: object) -> None:
            raise StoreFull("The disk is full.")

        house.fill(inbox, 2)
        monkeypatch.setattr(recent, "take", take)
        return talk

    def test_select(self, full: Conversation) -> None:
        for name in ("1", "2"):
            assert told(full, "s SELECT INBOX", name) == "2"
            assert recents(full, name) == "1 2"

    def test_news(self, full: Conversation, house: House, inbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("1", "2"):
            full.say("s SELECT INBOX", name)
        house.append(inbox)
        assert [told(full, "n NOOP", name) for name in "12"] == ["3", "3"]
        monkeypatch.undo()
        house.append(inbox)
        assert [told(full, "n NOOP", name) for name in "12"] == ["4", "-"]
        assert house.store.look(mailbox.get, inbox.id).recent_from == 5


async def taken(recents: sessions_recent.Recents, store: Store, boxes: list[Mailbox]) -> list[list[tuple[int, int]]]:
    return [await recents.take(store, box.id, 1, 2) for box in boxes]


def test_a_process_remembers_only_so_many_mailboxes(
    talk: Conversation, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_recent, "MOST", 3)
    boxes = [house.box(talk.account, name) for name in ("INBOX", "Archive", "Drafts", "Sent", "Trash")]
    house.append(*boxes)
    recents = sessions_recent.Recents()
    assert talk.runner.run(taken(recents, house.store, boxes)) == [[(1, 1)]] * 5
    before = house.store.statistics().writes
    recents.taken(boxes[2].id, 1)  # late news
    assert talk.runner.run(taken(recents, house.store, boxes[2:])) == [[]] * 3
    assert house.store.statistics().writes == before
    assert talk.runner.run(taken(recents, house.store, boxes[:2])) == [[]] * 2  # the store knows
    assert house.store.statistics().writes == before + 2
