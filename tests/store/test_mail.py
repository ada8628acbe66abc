"""Messages: appended, fetched, flagged, copied, moved, expunged."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import NotFound, StoreError
from posthouse.message.summary import summarize
from posthouse.store import account, intake, mail, mailbox
from posthouse.store.coming import Coming, take_uids
from posthouse.store.mailbox import Mailbox
from store_helpers import NOW, Clock, House, keep, letter


def counters(house: House, box: Mailbox) -> tuple[int, int, int, int]:
    now = house.store.look(mailbox.get, box.id)
    return now.exists, now.unseen, now.deleted, now.size


def test_append_tells_where(house: House) -> None:
    inbox = house.box(house.account())
    (first,) = house.append(inbox, flags=["\\seen"])
    (second,) = house.append(inbox)
    assert (first.mailbox_id, first.uidvalidity, first.uid) == (inbox.id, inbox.uidvalidity, 1)
    assert second.uid == 2
    assert second.modseq > first.modseq > inbox.highestmodseq
    assert second.message_id > first.message_id
    now = house.store.look(mailbox.get, inbox.id)
    assert (now.uidnext, now.highestmodseq) == (3, second.modseq)
    assert counters(house, inbox) == (2, 1, 0, 2 * len(letter()))
    assert [*house.store.look(mail.uids, inbox.id)] == [1, 2]


def test_append_to_many_shares_octets(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    boxes = house.box(ada), house.box(ada, "Archive"), house.box(bob)
    appended = house.append(*boxes)
    assert [one.mailbox_id for one in appended] == [box.id for box in boxes]
    assert appended[0].message_id == appended[1].message_id != appended[2].message_id
    rows = [house.store.look(mail.fetch, box.id, mail.ALL, ["blob"]) for box in boxes]
    assert rows[0] == rows[1] == rows[2]
    assert house.store.look(lambda tx: tx.all("SELECT uses FROM blob")) == [(2,)]


def test_append_fails_whole(house: House) -> None:
    inbox = house.box(house.account())
    raw = letter()
    blob = keep(house.store, raw)
    for targets, error in (
        ([intake.Target(inbox.id), intake.Target(999)], NotFound),
        ([intake.Target(inbox.id), intake.Target(inbox.id, frozenset({"no flag"}))], StoreError),
    ):
        with pytest.raises(error):
            house.store.run(intake.append, blob, summarize(raw), targets, received=NOW)
    assert [*house.store.look(mail.uids, inbox.id)] == []
    assert counters(house, inbox) == (0, 0, 0, 0)
    assert house.store.look(lambda tx: tx.value("SELECT count(*) FROM blob")) == 0


def test_fetch_gives_columns_in_order(house: House, clock: Clock) -> None:
    inbox = house.box(house.account())
    blob = keep(house.store, letter("x"))
    summary = summarize(letter("x"))
    clock.now += 5
    (appended,) = house.store.run(
        intake.append,
        blob,
        summary,
        [intake.Target(inbox.id, frozenset({"\\Seen"}))],
        received=NOW - 9,
        prefix=b"Return-Path: <>\r\n",
    )
    size = 17 + blob.size
    columns = [
        "size",
        "flags",
        "received",
        "saved",
        "prefix",
        "blob",
        "envelope",
        "body",
        "bodystructure",
        "tree",
        "subject",
        "from",
        "modseq",
        "message_id",
        "attachment",
        "sent",
        "header_size",
    ]
    assert house.store.look(mail.fetch, inbox.id, [(1, 1)], columns) == [
        (
            1,
            size,
            b"\\Seen",
            NOW - 9,
            NOW + 5,
            b"Return-Path: <>\r\n",
            blob.id,
            summary.envelope,
            summary.body,
            summary.bodystructure,
            summary.tree,
            "x",
            "ada@example.org",
            appended.modseq,
            appended.message_id,
            0,
            NOW,
            summary.header_size,
        )
    ]
    assert counters(house, inbox)[3] == size
    for name in mail.COLUMNS:
        assert len(house.store.look(mail.fetch, inbox.id, mail.ALL, [name])[0]) == 2


def test_texts_that_no_database_takes(house: House) -> None:
    inbox = house.box(house.account())
    raw = letter()
    odd = summarize(raw)._replace(subject="NUL \0, half \udce4 a surrogate")
    house.store.run(intake.append, keep(house.store, raw), odd, [intake.Target(inbox.id)], received=NOW)
    assert house.store.look(mail.fetch, inbox.id, mail.ALL, ["subject"]) == [(1, "NUL \ufffd, half ? a surrogate")]


def test_fetch_since(house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 5)
    modseq = house.store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\Seen"])
    assert house.store.look(mail.fetch, inbox.id, mail.ALL, ["modseq"], since=modseq - 1) == [(2, modseq), (3, modseq)]
    assert house.store.look(mail.fetch, inbox.id, [(3, 9)], [], since=modseq - 1) == [(3,)]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 5)).map(lambda pair: (pair[0], pair[0] + pair[1]))))
def test_ordered_ranges_are_the_same_set(ranges: list[tuple[int, int]]) -> None:
    result = list(mail.ordered(ranges))
    members = {uid for low, high in ranges for uid in range(low, high + 1)}
    assert [uid for low, high in result for uid in range(low, high + 1)] == sorted(members)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(result))


def test_store_flags(house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 2, ["\\Seen", "Work"])
    house.fill(inbox, 2)
    added = house.store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\DELETED", "work"])
    assert house.flags(inbox) == {1: "\\Seen Work", 2: "\\Deleted \\Seen Work", 3: "\\Deleted work", 4: ""}
    assert counters(house, inbox)[:3] == (4, 2, 2)
    assert house.store.look(mailbox.get, inbox.id).highestmodseq == added
    house.store.run(mail.store_flags, inbox.id, [(1, 3)], "remove", ["\\Seen", "WORK"])
    assert house.flags(inbox) == {1: "", 2: "\\Deleted", 3: "\\Deleted", 4: ""}
    assert counters(house, inbox)[:3] == (4, 4, 2)
    house.store.run(mail.store_flags, inbox.id, mail.ALL, "replace", ["\\Seen", "$forwarded"])
    assert set(house.flags(inbox).values()) == {"\\Seen $Forwarded"}
    assert counters(house, inbox)[:3] == (4, 0, 0)


def test_store_changes_the_modseq_of_what_it_changes(house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 3)
    first = house.store.run(mail.store_flags, inbox.id, [(1, 2)], "add", ["\\Seen"])
    second = house.store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\Seen"])
    rows = house.store.look(mail.fetch, inbox.id, mail.ALL, ["modseq"])
    assert rows[:2] == [(1, first), (2, first)]
    assert rows[2] == (3, second)
    house.store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Seen"])
    assert house.store.look(mail.fetch, inbox.id, mail.ALL, ["modseq"]) == rows
    assert house.store.look(mailbox.get, inbox.id).highestmodseq == second


def test_store_flags_refuses(house: House) -> None:
    inbox = house.box(house.account())
    with pytest.raises(NotFound):
        house.store.run(mail.store_flags, 999, mail.ALL, "add", ["\\Seen"])
    with pytest.raises(StoreError):
        house.store.run(mail.store_flags, inbox.id, mail.ALL, "add", ["\\Nonsense"])


def test_expunge(house: House) -> None:
    inbox = house.box(house.account())
    house.fill(inbox, 6)
    house.store.run(mail.store_flags, inbox.id, [(2, 3), (5, 6)], "add", ["\\Deleted"])
    assert house.store.run(mail.expunge, inbox.id, [(3, 5)]) == [3, 5]
    assert [*house.store.look(mail.uids, inbox.id)] == [1, 2, 4, 6]
    assert house.store.run(mail.expunge, inbox.id) == [2, 6]
    assert house.store.run(mail.expunge, inbox.id) == []
    assert [*house.store.look(mail.uids, inbox.id)] == [1, 4]
    assert counters(house, inbox) == (2, 2, 0, 2 * len(letter()))
    assert house.append(inbox)[0].uid == 7
    with pytest.raises(NotFound):
        house.store.run(mail.expunge, 999)


def test_uids_with_and_without_gaps(house: House) -> None:
    inbox = house.box(house.account())
    assert [*house.store.look(mail.uids, inbox.id)] == []
    house.fill(inbox, 6)
    for gone, left in (([1, 2], [3, 4, 5, 6]), ([6], [3, 4, 5]), ([4], [3, 5]), ([3], [5]), ([5], [])):
        ranges = [(uid, uid) for uid in gone]
        house.store.run(mail.store_flags, inbox.id, ranges, "add", ["\\Deleted"])
        house.store.run(mail.expunge, inbox.id)
        assert [*house.store.look(mail.uids, inbox.id)] == left
    assert [*house.store.look(mail.uids, 999)] == []


def test_copy(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(archive, 3)
    house.fill(inbox, 2, ["\\Seen"])
    house.fill(inbox, 2, ["\\Deleted"])
    copied = house.store.run(mail.copy, inbox.id, [(4, 9), (1, 2)], archive.id)
    assert copied == (archive.uidvalidity, [1, 2, 4], [4, 5, 6])
    assert house.flags(archive) == {1: "", 2: "", 3: "", 4: "\\Seen", 5: "\\Seen", 6: "\\Deleted"}
    assert counters(house, archive) == (6, 4, 1, 6 * len(letter()))
    assert counters(house, inbox)[0] == 4
    inside = house.store.run(mail.copy, inbox.id, [(1, 1)], inbox.id)
    assert inside == (inbox.uidvalidity, [1], [5])
    messages = house.store.look(mail.fetch, inbox.id, [(1, 1), (5, 5)], ["message_id"])
    assert messages[0][1] == messages[1][1]


def test_copy_of_nothing(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    before = house.store.look(mailbox.get, archive.id)
    assert house.store.run(mail.copy, inbox.id, mail.ALL, archive.id) == (archive.uidvalidity, [], [])
    assert house.store.run(mail.move, inbox.id, [(1, 5)], archive.id) == (archive.uidvalidity, [], [])
    assert house.store.look(mailbox.get, archive.id) == before


def test_move(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.fill(inbox, 4, ["\\Deleted", "Work"])
    moved = house.store.run(mail.move, inbox.id, [(2, 3)], archive.id)
    assert moved == (archive.uidvalidity, [2, 3], [1, 2])
    assert [*house.store.look(mail.uids, inbox.id)] == [1, 4]
    assert house.flags(archive) == {1: "\\Deleted Work", 2: "\\Deleted Work"}
    assert counters(house, inbox) == (2, 2, 2, 2 * len(letter()))
    assert counters(house, archive) == (2, 2, 2, 2 * len(letter()))
    assert house.store.run(mail.move, inbox.id, mail.ALL, inbox.id) == (inbox.uidvalidity, [1, 4], [5, 6])
    assert [*house.store.look(mail.uids, inbox.id)] == [5, 6]
    assert counters(house, inbox) == (2, 2, 2, 2 * len(letter()))


def test_copy_and_move_refuse(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada))
    for function in (mail.copy, mail.move):
        with pytest.raises(StoreError, match="another account"):
            house.store.run(function, house.box(ada).id, mail.ALL, house.box(bob).id)
        for source, target in ((999, house.box(ada).id), (house.box(ada).id, 999)):
            with pytest.raises(NotFound):
                house.store.run(function, source, mail.ALL, target)
    assert [*house.store.look(mail.uids, house.box(ada).id)] == [1]


def test_a_message_without_a_place_is_marked(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.append(inbox, archive, flags=["\\Deleted"])
    removed = lambda tx: tx.value("SELECT removed FROM message")  # noqa: E731
    house.store.run(mail.expunge, inbox.id)
    assert house.store.look(removed) is None
    house.store.run(mail.expunge, archive.id)
    assert house.store.look(removed) == NOW
    house.store.run(account.remove, "ada@example.org")
    assert house.store.look(lambda tx: tx.all("SELECT uses FROM blob")) == [(0,)]


def test_a_mailbox_that_is_gone_takes_no_uids(house: House) -> None:
    inbox = house.box(house.account())
    with pytest.raises(NotFound):
        house.store.run(take_uids, [Coming(inbox.id, 7, 1, 1, 0, 10), Coming(999, 7, 1, 1, 0, 10)])
    assert house.store.look(mailbox.get, inbox.id).uidnext == 1
