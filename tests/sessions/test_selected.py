"""The list of UIDs that a client knows: small where it can be, and the same in whatever form."""

from __future__ import annotations

from array import array

from hypothesis import given
from hypothesis import strategies as st

from imap_conversation import Conversation
from posthouse.sessions.selected import Selected, together
from posthouse.store.mailbox import Mailbox
from posthouse.store.roster import compact
from store_helpers import House

UIDS = st.sets(st.integers(1, 30)).map(sorted)


@given(UIDS, st.sets(st.integers(31, 60), min_size=1).map(sorted))
def test_both_forms_are_the_same_list(uids: list[int], new: list[int]) -> None:
    small = compact(uids)
    assert list(small) == uids
    assert isinstance(small, range) == bool(uids and uids[-1] - uids[0] + 1 == len(uids))
    assert list(together(small, new)) == uids + new


@given(UIDS, st.integers(0, 40), st.sets(st.integers(1, 30)))
def test_places(uids: list[int], uid: int, gone: set[int]) -> None:
    selected = Selected(Mailbox(*[0] * 12), compact(uids), read_only=False)  # type: ignore[arg-type]
    assert selected.place(uid) == sum(one < uid for one in uids)
    assert selected.number(uid) == (uids.index(uid) + 1 if uid in uids else 0)
    selected._forget(gone)
    assert list(selected.uids) == [one for one in uids if one not in gone]


def test_a_mailbox_without_gaps_takes_no_memory(talk: Conversation, house: House, inbox: Mailbox) -> None:
    house.fill(inbox, 30)
    talk.say("s SELECT INBOX")
    selected = talk.client("1").session.selected_mailbox
    house.fill(inbox, 5)
    talk.say("n NOOP")
    assert selected.uids == range(1, 36)
    talk.say("a STORE 7 +FLAGS (\\Deleted)")
    assert talk.say("b EXPUNGE") == ["* 7 EXPUNGE", "b OK EXPUNGE completed"]
    assert isinstance(selected.uids, array) and len(selected.uids) == 34
