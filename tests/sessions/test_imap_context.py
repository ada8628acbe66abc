"""CONTEXT=SEARCH and CONTEXT=SORT: RFC 5267 §4."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.imap.sequence import SequenceSet
from posthouse.sessions.imap_context import MAX_CONTEXTS
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

NAMES = ("delta", "alpha", "echo", "bravo", "charlie")


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """UIDs 1 to 5; in the order of their subjects 2, 4, 5, 1, 3."""
    for name in NAMES:
        house.append(inbox, raw=letter(name))
    talk.say("s SELECT INBOX")
    talk.say("s SELECT INBOX", "2")
    return talk


def test_partial_results(full: Conversation) -> None:
    """§4.4: a part, to the end, and beyond it."""
    full.run(r"""
        1: a1 UID SEARCH RETURN (PARTIAL 2:3 COUNT) ALL
        1< * ESEARCH (TAG "a1") UID COUNT 5 PARTIAL (2:3 2:3)
        1< a1 OK SEARCH completed
        1: a2 SEARCH RETURN (PARTIAL 9:4) ALL
        1< * ESEARCH (TAG "a2") PARTIAL (4:9 4:5)
        1< a2 OK SEARCH completed
        1: a3 UID SEARCH RETURN (PARTIAL 6:500) ALL
        1< * ESEARCH (TAG "a3") UID PARTIAL (6:500 NIL)
        1< a3 OK SEARCH completed
        1: a4 UID SORT RETURN (PARTIAL 2:4) (SUBJECT) UTF-8 ALL
        1< * ESEARCH (TAG "a4") UID PARTIAL (2:4 4:5,1)
        1< a4 OK SORT completed
        1: a5 SEARCH RETURN (PARTIAL 1:2 ALL) ALL
        1< a5 BAD...
        1: a6 SEARCH RETURN (PARTIAL 1:2 PARTIAL 3:4) ALL
        1< a6 BAD...
    """)


def test_paging_from_the_end(full: Conversation) -> None:
    """PARTIAL, RFC 9394 §3.1 to §3.3: -1 is the last; also in UID FETCH."""
    full.run(r"""
        1: a1 UID SEARCH RETURN (PARTIAL -1:-2) ALL
        1< * ESEARCH (TAG "a1") UID PARTIAL (-1:-2 4:5)
        1< a1 OK SEARCH completed
        1: a2 UID SEARCH RETURN (PARTIAL -9:-4) ALL
        1< * ESEARCH (TAG "a2") UID PARTIAL (-4:-9 1:2)
        1< a2 OK SEARCH completed
        1: a3 SEARCH RETURN (PARTIAL -6:-9) ALL
        1< * ESEARCH (TAG "a3") PARTIAL (-6:-9 NIL)
        1< a3 OK SEARCH completed
        1: a4 UID FETCH 2:99 (UID) (PARTIAL -1:-2)
        1< * 4 FETCH (UID 4)
        1< * 5 FETCH (UID 5)
        1< a4 OK FETCH completed
        1: a5 UID FETCH 2:99 UID (PARTIAL 1:1)
        1< * 2 FETCH (UID 2)
        1< a5 OK FETCH completed
        1: a6 UID FETCH 2:99 UID (PARTIAL 7:9)
        1< a6 OK FETCH completed
        1: a7 STORE 1:2,5 +FLAGS.SILENT (\Seen)
        1< a7 OK STORE completed
    """)
    modseq = int(full.say("x STATUS INBOX (HIGHESTMODSEQ)")[-2].split()[-1].rstrip(")"))
    for modifiers in (f"PARTIAL -1:-2 CHANGEDSINCE {modseq - 1}", f"CHANGEDSINCE {modseq - 1} PARTIAL -2:-1"):
        told = full.say(f"a UID FETCH 1:* (UID) ({modifiers})")
        assert [line.split()[1] for line in told[:-1]] == ["2", "5"]


@pytest.mark.parametrize(
    ("options", "saved"),
    [
        ("SAVE PARTIAL 2:3", "2 3"),
        ("SAVE PARTIAL 2:3 MIN", "1 2 3"),
        ("MAX SAVE PARTIAL -2:-3", "3 4 5"),
        ("SAVE PARTIAL 2:3 MIN MAX", "1 2 3 5"),
        ("SAVE PARTIAL 2:3 COUNT", "1 2 3 4 5"),
    ],
)
def test_what_is_saved_of_a_part(full: Conversation, options: str, saved: str) -> None:
    """RFC 9394 §3.2, table 1."""
    full.say(f"a SEARCH RETURN ({options}) ALL")
    assert full.say("b UID SEARCH $")[0] == f"* SEARCH {saved}"


@pytest.mark.parametrize(
    "line",
    [
        "SEARCH RETURN (PARTIAL -1:2) ALL",
        "SEARCH RETURN (PARTIAL 1:-2) ALL",
        "SEARCH RETURN (PARTIAL -0:-2) ALL",
        "SEARCH RETURN (PARTIAL 1:*) ALL",
        "SEARCH RETURN (PARTIAL) ALL",
        "FETCH 1:* UID (PARTIAL 1:2)",
        "UID FETCH 1:* UID (PARTIAL 1:2 PARTIAL 3:4)",
    ],
)
def test_what_is_no_part(full: Conversation, line: str) -> None:
    assert full.say(f"a {line}")[-1].startswith("a BAD")


def test_the_hint_changes_nothing(full: Conversation) -> None:
    """§4.2."""
    assert full.say("A01 SEARCH RETURN (CONTEXT COUNT) UNDELETED")[0] == '* ESEARCH (TAG "A01") COUNT 5'


def test_a_search_is_kept_up_to_date(full: Conversation, house: House, inbox: Mailbox) -> None:
    """§4.3, with its order: EXISTS before ADDTO, REMOVEFROM before EXPUNGE."""
    full.run(r"""
        1: B01 UID SEARCH RETURN (UPDATE COUNT) FLAGGED
        1< * ESEARCH (TAG "B01") UID COUNT 0
        1< B01 OK SEARCH completed, changes will be told
        1: N02 SEARCH RETURN (UPDATE) FLAGGED
        1< N02 OK SEARCH completed, changes will be told
        1: B01 SEARCH RETURN (UPDATE) SEEN
        1< B01 BAD...
        2: b1 STORE 2:3,5 +FLAGS (\Flagged)
        2< ...
        1: a1 NOOP
        1< * 2 FETCH (FLAGS (\Flagged))
        1< * 3 FETCH (FLAGS (\Flagged))
        1< * 5 FETCH (FLAGS (\Flagged))
        1< * ESEARCH (TAG "B01") UID ADDTO (0 2:3,5)
        1< * ESEARCH (TAG "N02") ADDTO (0 2:3,5)
        1< a1 OK NOOP completed
        1: a2 STORE 3 -FLAGS.SILENT (\Flagged)
        1< * ESEARCH (TAG "B01") UID REMOVEFROM (0 3)
        1< * ESEARCH (TAG "N02") REMOVEFROM (0 3)
        1< a2 OK STORE completed
        2: b2 STORE 1:2 +FLAGS.SILENT (\Deleted)
        2< ...
        2: b3 EXPUNGE
        2< ...
        1: a3 FETCH 4 UID
        1< * 4 FETCH (UID 4)
        1< a3 OK FETCH completed
        1: a4 IDLE
        1< + idling
        1< * ESEARCH (TAG "B01") UID REMOVEFROM (0 2)
        1< * ESEARCH (TAG "N02") REMOVEFROM (0 2)
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        2: b4 STORE 1 +FLAGS (\Flagged)
        2< ...
        1< * 1 FETCH (FLAGS (\Flagged))
        1< * ESEARCH (TAG "B01") UID ADDTO (0 3)
        1< * ESEARCH (TAG "N02") ADDTO (0 1)
        1: DONE
        1< a4 OK IDLE completed
    """)
    house.append(inbox, flags=["\\Flagged"])
    full.run("""
        1: a5 CANCELUPDATE "N02" "never"
        1< * 4 EXISTS
        1< * ESEARCH (TAG "B01") UID ADDTO (0 6)
        1< a5 OK CANCELUPDATE completed
        1: a6 SELECT INBOX
        1< ...
    """)
    full.say("b STORE 4 -FLAGS (\\Flagged)", "2")
    assert not any("ESEARCH" in line for line in full.say("a NOOP"))


def apply(results: list[int], told: list[str]) -> list[int]:
    """A client's list after what it was told."""
    for line in told:
        for word in ("REMOVEFROM", "ADDTO"):
            if f" {word} (" in line:
                items = line.split(f" {word} (")[1].split(")")[0].split()
                for position, numbers in zip(map(int, items[::2]), items[1::2], strict=True):
                    changed = list(SequenceSet.parse(numbers.encode()).numbers())
                    at = position - 1
                    if word == "ADDTO":
                        results[at:at] = changed
                    else:
                        assert results[at : at + len(changed)] == changed
                        del results[at : at + len(changed)]
    return results


def test_an_order_is_kept_up_to_date(full: Conversation, house: House, inbox: Mailbox) -> None:
    """Whatever happens, the client's list is what a new SORT would tell."""
    told = full.say("c UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNFLAGGED")
    results = list(SequenceSet.parse(told[0].split()[-1].encode()).numbers())
    assert results == [2, 4, 5, 1, 3]
    steps = [
        lambda: full.say("b STORE 1,4 +FLAGS (\\Flagged)", "2"),
        lambda: full.say("b STORE 1 -FLAGS (\\Flagged)", "2"),
        lambda: [house.append(inbox, raw=letter(name)) for name in ("aa", "zulu", "bz", "by", "bx")],
        lambda: full.say("b STORE 1:* -FLAGS (\\Flagged)", "2"),
        lambda: [full.say("b STORE 2:3,5 +FLAGS (\\Deleted)", "2"), full.say("b EXPUNGE", "2")],
        lambda: house.store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Flagged"]),
        lambda: house.store.run(mail.store_flags, inbox.id, mail.ALL, "remove", ["\\Flagged"]),
    ]
    for step in steps:
        step()
        results = apply(results, full.say("n NOOP"))
        wanted = full.say("u UID SORT (SUBJECT) UTF-8 UNFLAGGED")[0].split()[2:]
        assert results == [int(uid) for uid in wanted]


def test_an_order_in_the_standard_s_words(full: Conversation) -> None:
    """§4.3.3: one run is one pair, and each position is counted behind what came before it."""
    full.run(r"""
        1: C01 UID SORT RETURN (UPDATE) (SUBJECT) UTF-8 UNFLAGGED
        1< C01 OK SORT completed, changes will be told
        1: a1 STORE 1:3,5 +FLAGS.SILENT (\Flagged)
        1< * ESEARCH (TAG "C01") UID REMOVEFROM (3 5,1,3 1 2)
        1< a1 OK STORE completed
        1: a2 STORE 1:3,5 -FLAGS.SILENT (\Flagged)
        1< * ESEARCH (TAG "C01") UID ADDTO (1 2 3 5,1,3)
        1< a2 OK STORE completed
    """)


def test_numbers_mean_what_they_meant(full: Conversation, house: House, inbox: Mailbox) -> None:
    """§4.3: sequence numbers are looked at when the command comes; UIDs up to "*" are for messages to come, too."""
    full.say("D01 SEARCH RETURN (UPDATE) 1:*")
    full.say("D02 SEARCH RETURN (UPDATE) UID 9:*")
    house.append(inbox)
    assert full.say("n NOOP")[:-1] == ["* 6 EXISTS", '* ESEARCH (TAG "D02") ADDTO (0 6)']


def test_there_is_a_limit(full: Conversation) -> None:
    """§4.3.1."""
    for number in range(MAX_CONTEXTS):
        assert full.say(f"t{number} SEARCH RETURN (UPDATE) ALL")[-1].endswith("will be told")
    full.run("""
        1: B02 UID SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL
        1< * ESEARCH (TAG "B02") UID COUNT 5
        1< * NO [NOUPDATE "B02"] Too many searches are kept up to date
        1< B02 OK SORT completed, changes will not be told
        1: B03 CANCELUPDATE "t0"
        1< B03 OK CANCELUPDATE completed
        1: B04 SEARCH RETURN (UPDATE) ALL
        1< B04 OK SEARCH completed, changes will be told
    """)


def test_in_a_mailbox_that_is_deleted(full: Conversation) -> None:
    full.run(r"""
        2: b1 CREATE Work
        2< ...
        2: b2 COPY 1:2 Work
        2< ...
        1: a1 SELECT Work
        1< ...
        1: a2 SEARCH RETURN (UPDATE) ALL
        1< a2 OK...
        2: b3 DELETE Work
        2< b3 OK...
        1: a3 NOOP
        1< * ESEARCH (TAG "a2") REMOVEFROM (0 1:2)
        1< * 2 EXPUNGE
        1< * 1 EXPUNGE
        1< a3 OK NOOP completed
    """)
