"""The list of UIDs that a client knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imap_conversation import Conversation
from posthouse.imap.sequence import SequenceSet
from posthouse.sessions import selected as module
from posthouse.sessions.selected import Selected
from posthouse.store.mailbox import Mailbox
from store_helpers import House

BOX = Mailbox(
    id=1,
    account_id=1,
    name="INBOX",
    uidvalidity=1,
    uidnext=100,
    exists=0,
    unseen=0,
    deleted=0,
    size=0,
    highestmodseq=1,
    special_use="",
    recent_from=1,
    subscribed=True,
)
UIDS = st.sets(st.integers(1, 30)).map(sorted)


@given(UIDS, st.integers(0, 40), st.sets(st.integers(1, 30)))
def test_places(uids: list[int], uid: int, gone: set[int]) -> None:
    selected = Selected(BOX, uids, read_only=False)
    assert selected.place(uid) == sum(one < uid for one in uids)
    assert selected.number(uid) == (uids.index(uid) + 1 if uid in uids else 0)
    selected._forget(gone)
    assert list(selected.uids) == [one for one in uids if one not in gone]


@pytest.mark.parametrize("few", [1, 1_000], ids=["looked up", "listed"])
def test_numbers_mean_the_messages_at_their_places(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW_PLACES", few)
    uids = [uid for uid in range(1, 60) if uid % 7]
    selected = Selected(BOX, uids, read_only=False)
    wanted = SequenceSet(((2, 4), (7, 7), (10, 12), (50, 70)))
    assert selected.known_in(selected.uid_ranges(wanted, by_uid=False)) == [
        *uids[1:4],
        uids[6],
        *uids[9:12],
        *uids[49:],
    ]


def test_a_client_counts_what_it_was_told(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 30)
    talk.say("s SELECT INBOX")
    selected = talk.client("1").session.selected_mailbox
    house.fill(inbox, 5)
    talk.say("n NOOP")
    assert selected.uids == range(1, 36)
    talk.say("a STORE 7 +FLAGS (\\Deleted)")
    assert talk.say("b EXPUNGE") == ["* 7 EXPUNGE", "b OK EXPUNGE completed"]
    assert selected.uids == [*range(1, 7), *range(8, 36)]
