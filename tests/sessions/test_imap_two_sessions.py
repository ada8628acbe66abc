"""What one session changes, and when another hears of it: RFC 9051 §5.2, §5.5, §7.5.1; RFC 2180."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation, check
from posthouse.sessions import fetched, selected
from posthouse.store import mail, tidy
from posthouse.store.mailbox import Mailbox
from store_helpers import Clock, House, letter

# What a client that shows three messages may say between two of its own; whether it counts messages, and so may not
# be told of an EXPUNGE; and what it is told itself.
ASKING = [
    ("NOOP", False, []),
    ("CHECK", False, []),
    ("FETCH 3 UID", True, ["* 3 FETCH (UID 3)"]),
    ("STORE 3 +FLAGS.SILENT (\\Answered)", True, []),
    ("SEARCH UID 3", True, ["* SEARCH 3"]),
    ("SORT (DATE) UTF-8 UID 3", True, ["* SORT 3"]),
    ("THREAD REFERENCES UTF-8 UID 3", True, ["* THREAD (3)"]),
    ("UID FETCH 3 UID", False, ["* 3 FETCH (UID 3)"]),
    ("UID STORE 3 +FLAGS.SILENT (\\Answered)", False, []),
    ("UID SEARCH UID 3", False, ["* SEARCH 3"]),
    ("UID SORT (DATE) UTF-8 UID 3", False, ["* SORT 3"]),
    ("UID THREAD REFERENCES UTF-8 UID 3", False, ["* THREAD (3)"]),
    ("COPY 3 Archive", False, []),
    ("UID COPY 3 Archive", False, []),
    ("EXPUNGE", False, []),
    ("UID EXPUNGE 3", False, []),
    ("STATUS Archive (MESSAGES)", False, ["* STATUS Archive (MESSAGES 0)"]),
    ("LIST \"\" INBOX", False, ["* LIST..."]),
    ("ENABLE IMAP4rev2", False, ["* ENABLED IMAP4rev2"]),
    ("SUBSCRIBE INBOX", False, []),
]  # fmt: skip


@pytest.fixture
def both(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """Three messages, which two clients see."""
    house.fill(inbox, 3)
    talk.say("s SELECT INBOX", "1")
    talk.say("s SELECT INBOX", "2")
    return talk


def ask(both: Conversation, line: str, own: list[str], news: list[str]) -> None:
    """The first client says something: it is told what it asked for, then the news, then the end."""
    check(both.say(f"a {line}"), [*own, *news, "a OK..."], line)


def flags_of_one(line: str, flags: str) -> str:
    """How the client is told of the first message's flags (RFC 9051 §6.4.9, §7.5.2)."""
    with_uid = (line.startswith("UID ") and "EXPUNGE" not in line) or "IMAP4rev2" in line
    return f"* 1 FETCH ({'UID 1 ' if with_uid else ''}FLAGS ({flags}))"


@pytest.mark.parametrize(("line", "by_number", "own"), ASKING, ids=[line for line, _, _ in ASKING])
class TestEveryCommandTells:
    def test_of_flags(self, both: Conversation, line: str, by_number: bool, own: list[str]) -> None:
        both.say("b STORE 1 +FLAGS ($Work \\Flagged)", "2")
        ask(both, line, own, [flags_of_one(line, "\\Flagged $Work")])

    def test_of_new_messages(
        self, both: Conversation, house: House, inbox: Mailbox, line: str, by_number: bool, own: list[str]
    ) -> None:
        house.append(inbox)
        ask(both, line, own, ["* 4 EXISTS"])

    def test_of_messages_that_are_gone(self, both: Conversation, line: str, by_number: bool, own: list[str]) -> None:
        both.say("b STORE 1:2 +FLAGS.SILENT (\\Deleted)", "2")
        both.say("n NOOP")
        both.say("b EXPUNGE", "2")
        if by_number:
            ask(both, line, own, [])
            both.run("""
                1: n NOOP
                1< * 2 EXPUNGE
                1< * 1 EXPUNGE
                1< ...
                1< n OK NOOP completed
            """)
        else:
            ask(both, line, own, ["* 2 EXPUNGE", "* 1 EXPUNGE"])

    def test_of_all_at_once(
        self, both: Conversation, house: House, inbox: Mailbox, line: str, by_number: bool, own: list[str]
    ) -> None:
        """Numbers are those after the EXPUNGE that stands before them."""
        house.append(inbox, flags=["\\Flagged"])
        both.say("b STORE 2 +FLAGS.SILENT (\\Deleted)", "2")
        both.say("b EXPUNGE", "2")
        both.say("b STORE 1 +FLAGS.SILENT (\\Seen)", "2")
        flags = flags_of_one(line, "\\Seen")
        ask(both, line, own, ["* 4 EXISTS", flags] if by_number else ["* 2 EXPUNGE", "* 3 EXISTS", flags])


@pytest.mark.parametrize("how", ["EXPUNGE", "UID EXPUNGE 1:2", "MOVE 1:2 Trash", "UID MOVE 1:2 Trash", "CLOSE"])
def test_every_way_of_removing_is_told(both: Conversation, how: str) -> None:
    both.say("b STORE 1:2 +FLAGS.SILENT (\\Deleted)", "2")
    both.say("n NOOP")
    assert both.say(f"b {how}", "2")[-1].startswith("b OK")
    ask(both, "NOOP", [], ["* 2 EXPUNGE", "* 1 EXPUNGE"])


def test_idle_tells_of_everything(both: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 2177; also of what came by APPEND, COPY and MOVE."""
    both.run(r"""
        1: a1 IDLE
        1< + idling
        2: b1 STORE 1 FLAGS (\Seen)
        2< ...
        1< * 1 FETCH (FLAGS (\Seen))
        2: b2 COPY 1 INBOX
        2< ...
        1< * 4 EXISTS
        2: b3 MOVE 1 Archive
        2< ...
        1< * 1 EXPUNGE
        1: DONE
        1< a1 OK IDLE completed
    """)


def test_nothing_is_said_between_commands(both: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 9051 §5.3, §7.5.1: without IDLE a client hears of it with its next command."""
    house.append(inbox)
    assert both.runner.run(both.client("1").heard()) == b""
    assert "* 4 EXISTS" in both.say("a NOOP")


def test_one_s_own_changes_are_told_once(both: Conversation) -> None:
    both.run(r"""
        1: a1 STORE 1 +FLAGS (\Seen)
        1< * 1 FETCH (FLAGS (\Seen))
        1< a1 OK STORE completed
        1: a2 STORE 1 +FLAGS.SILENT (\Flagged)
        1< a2 OK STORE completed
        1: a3 COPY 1 INBOX
        1< * 4 EXISTS
        1< a3 OK [COPYUID...
        1: a4 MOVE 1:2 INBOX
        1< * OK [COPYUID...
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        1< * 4 EXISTS
        1< a4 OK MOVE completed
        1: a5 NOOP
        1< a5 OK NOOP completed
    """)


class TestRemovedMessages:
    """RFC 2180 §4.1.1: they stay readable for who still sees them."""

    @pytest.fixture
    def gone(self, both: Conversation) -> Conversation:
        """The second client has removed the second message."""
        both.say("b STORE 2 +FLAGS.SILENT (\\Deleted \\Answered)", "2")
        both.say("n NOOP")
        both.say("b EXPUNGE", "2")
        return both

    @pytest.mark.parametrize("items", ["ALL", "FULL", "(UID MODSEQ SAVEDATE EMAILID THREADID PREVIEW BODYSTRUCTURE)"])
    def test_in_every_item(self, gone: Conversation, items: str) -> None:
        here, there, _ = gone.say(f"a FETCH 1:2 {items}")[-3:]
        assert here.startswith("* 1 FETCH") and there.startswith("* 2 FETCH")
        assert len(there) >= len(here) - 2

    def test_with_their_octets(self, gone: Conversation, house: House, clock: Clock) -> None:
        for _ in range(2):
            assert letter().decode().replace("\r\n", "") in "".join(gone.say("a FETCH 2 (FLAGS BODY.PEEK[])"))
            clock.now += tidy.GRACE - 1
            gone.runner.run(tidy.tidy_up(house.store))

    def test_for_as_long_as_somebody_sees_them(
        self, gone: Conversation, house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(selected, "HOLD_AGAIN", 0)
        for _ in range(4):
            told = gone.say("a FETCH 2 (FLAGS BODY.PEEK[])")
            assert told[0].startswith("* 2 FETCH (FLAGS (\\Answered \\Deleted)") and "Hello." in told
            clock.now += tidy.GRACE - 1
            gone.runner.run(tidy.tidy_up(house.store))
        assert gone.say("n NOOP")[0] == "* 2 EXPUNGE"
        clock.now += tidy.GRACE
        gone.runner.run(tidy.tidy_up(house.store))
        assert house.store.look(lambda tx: tx.value("SELECT count(*) FROM message")) == 2

    def test_not_by_uid(self, gone: Conversation) -> None:
        """A UID that isn't there is ignored, and the client is told why (RFC 9051 §6.4.9)."""
        assert gone.say("a UID FETCH 2 FLAGS") == ["* 2 EXPUNGE", "a OK FETCH completed"]

    def test_when_they_are_forgotten(self, gone: Conversation, house: House, clock: Clock) -> None:
        clock.now += tidy.GRACE
        gone.runner.run(tidy.tidy_up(house.store))
        gone.run("""
            1: a1 FETCH 1:2 (UID MODSEQ RFC822.SIZE)
            1< ...
            1< a1 NO [EXPUNGEISSUED]...
        """)

    def test_nothing_else_can_be_done_with_them(self, gone: Conversation) -> None:
        gone.run(r"""
            1: a1 STORE 2 +FLAGS (\Seen)
            1< a1 NO [EXPUNGEISSUED]...
            1: a2 STORE 2 +FLAGS.SILENT (\Seen)
            1< a2 OK STORE completed
            1: a3 SEARCH ALL
            1< * SEARCH 1 3
            1< a3 OK SEARCH completed
            1: a4 COPY 2:3 Archive
            1< * 2 EXPUNGE
            1< a4 NO [EXPUNGEISSUED]...
        """)

    def test_also_when_the_mailbox_is_deleted(self, both: Conversation, house: House) -> None:
        both.run(r"""
            2: b1 CREATE Work
            2< ...
            2: b2 COPY 1:2 Work
            2< ...
            1: a1 SELECT Work
            1< ...
            2: b3 DELETE Work
            2< b3 OK DELETE completed
            1: a2 FETCH 1:2 (UID FLAGS)
            1< * 1 FETCH (UID 1 FLAGS ())
            1< * 2 FETCH (UID 2 FLAGS ())
            1< a2 OK FETCH completed
            1: a3 NOOP
            1< * 2 EXPUNGE
            1< * 1 EXPUNGE
            1< a3 OK NOOP completed
        """)


def test_a_renamed_mailbox_stays_selected(both: Conversation, house: House) -> None:
    both.run("""
        2: b1 CREATE Work
        2< ...
        1: a1 SELECT Work
        1< ...
        2: b2 RENAME Work Play
        2< b2 OK RENAME completed
        2: b3 COPY 1 Play
        2< ...
        1: a2 NOOP
        1< * 1 EXISTS
        1< a2 OK NOOP completed
    """)


def test_removals_while_a_mailbox_streams(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """A FETCH of more than one portion: what vanishes meanwhile is still told."""
    house.fill(inbox, 3)
    talk.say("s SELECT INBOX")
    line = talk.client("1").line
    flush = line.flush
    removed: list[int] = []

    async def flush_and_remove() -> None:
        await flush()
        if not removed:
            removed.append(1)
            await house.store.write(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Deleted"])
            await house.store.write(mail.expunge, inbox.id)

    line.flush = flush_and_remove  # type: ignore[method-assign]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fetched, "ROWS", 1)
        told = talk.say("a FETCH 1:* (UID BODY.PEEK[TEXT])")
    assert [one for one in told if one.startswith("* ")] == [
        f"* {n} FETCH (UID {n} BODY[TEXT] {{8}}" for n in (1, 2, 3)
    ]
    assert told[-1] == "a OK FETCH completed"
    assert talk.say("n NOOP")[:3] == ["* 3 EXPUNGE", "* 2 EXPUNGE", "* 1 EXPUNGE"]


def test_what_others_do_beside_a_change_of_ones_own(both: Conversation, house: House, inbox: Mailbox) -> None:
    """What a client has changed itself is passed over when its news are read, and nothing else is."""
    house.append(inbox)
    house.store.run(mail.store_flags, inbox.id, [(2, 2)], "add", ["\\Answered"])
    both.run(r"""
        1: a1 UID STORE 1,3:4 +FLAGS.SILENT (\Deleted)
        1< * 4 EXISTS
        1< * 2 FETCH (UID 2 FLAGS (\Answered))
        1< a1 OK STORE completed
    """)
    house.append(inbox)
    house.store.run(mail.remove, inbox.id, [(2, 2)])
    both.run(r"""
        1: a2 EXPUNGE
        1< * 4 EXPUNGE
        1< * 3 EXPUNGE
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        1< * 1 EXISTS
        1< a2 OK EXPUNGE completed
        1: a3 FETCH 1 UID
        1< * 1 FETCH (UID 5)
        1< a3 OK FETCH completed
        2: b1 NOOP
        2< * 3 EXPUNGE
        2< * 2 EXPUNGE
        2< * 1 EXPUNGE
        2< * 1 EXISTS
        2< b1 OK NOOP completed
    """)
