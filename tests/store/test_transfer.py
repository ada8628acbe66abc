"""Imports and exports: everything comes over, nothing twice."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from mail_files import WRITERS
from posthouse.errors import NotFound, StoreFull
from posthouse.files import Item, MaildirWriter, MboxWriter, read
from posthouse.files.large import CHUNK, Large
from posthouse.store import mail, mailbox, quota, transfer, verify
from posthouse.store.transfer import Progress
from store_helpers import NOW, House, letter, only_sqlite

WHEN = datetime(2020, 2, 29, 12, 30, 1, tzinfo=UTC)
ITEMS = [
    Item(letter("one"), frozenset({"\\Seen"}), WHEN),
    Item(letter("two"), frozenset({"\\Flagged", "Work"}), WHEN + timedelta(days=1)),
    Item(letter("two"), frozenset(), WHEN),
    Item(letter("three"), frozenset(), WHEN, "Work/Bills"),
    Item(letter("two"), frozenset(), WHEN, "Work/Bills"),
    Item(b"", frozenset(), WHEN, "Sent"),
]


def bring(house: House, account_id: int, items: object, **options: str) -> Progress:
    *_, last = transfer.import_mail(house.store, account_id, items, **options)  # type: ignore[arg-type]
    return last


def export(house: House, account_id: int, *names: str) -> list[Item]:
    return list(transfer.export_mail(house.store, account_id, names))


def by_folder(items: list[Item]) -> list[Item]:
    return sorted(items, key=lambda item: (item.folder, item.octets, item.date, sorted(item.flags)))


def test_what_comes_in_goes_out(house: House) -> None:
    ada = house.account()
    assert bring(house, ada.id, ITEMS) == Progress(6, 0)
    assert by_folder(export(house, ada.id)) == by_folder(ITEMS)
    assert export(house, ada.id, "inbox", "Work/Bills") == ITEMS[:5]
    assert house.box(ada, "Work/Bills").subscribed
    assert verify.verify(house.store) == []
    with pytest.raises(NotFound):
        export(house, ada.id, "nothing")


def test_again_brings_nothing_twice(house: House) -> None:
    ada = house.account()
    bring(house, ada.id, ITEMS)
    assert bring(house, ada.id, ITEMS) == Progress(0, 6)
    assert bring(house, ada.id, [*ITEMS, ITEMS[0]]) == Progress(1, 6)
    assert len(export(house, ada.id)) == 7
    bob = house.account("bob@example.org")
    assert bring(house, bob.id, ITEMS) == Progress(6, 0)
    assert bring(house, ada.id, ITEMS, into="Old") == Progress(6, 0), "into another mailbox is another import"
    assert bring(house, ada.id, ITEMS, into="Old") == Progress(0, 6)


def test_folders_that_no_mailbox_can_be_called_like(house: House) -> None:
    """They come in under the nearest name that one can have."""
    ada = house.account()
    deep, long = "/".join("abcdefgh" * 8), "Письма/" * 100
    assert bring(house, ada.id, [Item(letter(name), folder=name) for name in (deep, long, "a\0b")]) == Progress(3, 0)
    assert bring(house, ada.id, [Item(letter(name), folder=name) for name in (deep, long, "a\0b")]) == Progress(0, 3)
    names = [box.name for box in house.store.look(mailbox.list_all, ada.id) if box.exists]
    assert len(names) == 3
    levels = "abcdefgh" * 8
    assert {"a_b", "/".join(levels[:49]) + "/" + "_".join(levels[49:])} < set(names)
    (cut,) = [name for name in names if name.startswith("Письма/Письма/")]
    assert len(cut.encode()) in (mailbox.MAX_NAME, mailbox.MAX_NAME - 1)


def test_two_imports_of_the_same_at_once_bring_it_once(house: House) -> None:
    """The second one has looked at what is there, and has found nothing, when the first one brings it."""
    ada = house.account()
    items = [Item(letter(f"letter {number}")) for number in range(3)]
    append = transfer._append_all
    others: list[Progress] = []

    def after_another(*args: Any) -> int:
        if not others:
            others.append(Progress())
            others.append(bring(house, ada.id, items))
        return append(*args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transfer, "_append_all", after_another)
        assert bring(house, ada.id, items[:2]) == Progress(0, 2)
    assert others[1] == Progress(3, 0)
    assert [item.octets for item in export(house, ada.id)] == [item.octets for item in items]
    assert len(list(house.store.data.rglob("*.eml"))) == 3, "the octets that weren't needed are gone"
    assert verify.verify(house.store) == []


def test_a_cut_import_goes_on(house: House) -> None:
    ada = house.account()
    items = [Item(letter(f"letter {number}")) for number in range(2 * transfer.BATCH + 10)]

    def cut() -> Iterator[Item]:
        yield from items[: transfer.BATCH + 7]
        raise OSError("the line is cut")

    with pytest.raises(OSError, match="cut"):
        bring(house, ada.id, cut())
    assert bring(house, ada.id, items) == Progress(transfer.BATCH + 10, transfer.BATCH)
    assert [item.octets for item in export(house, ada.id)] == [item.octets for item in items]


def test_what_was_deleted_comes_again(house: House) -> None:
    ada = house.account()
    bring(house, ada.id, ITEMS)
    inbox = house.box(ada)
    house.store.run(mail.store_flags, inbox.id, [(1, 1)], "add", ["\\Deleted"])
    house.store.run(mail.expunge, inbox.id)
    assert bring(house, ada.id, ITEMS) == Progress(1, 5)
    assert bring(house, ada.id, ITEMS) == Progress(0, 6)


def test_into_a_mailbox(house: House) -> None:
    ada = house.account()
    bring(house, ada.id, ITEMS, into="Old")
    names = [box.name for box in house.store.look(mailbox.list_all, ada.id) if box.exists]
    assert names == ["Old", "Old/Sent", "Old/Work/Bills"]


def test_odd_sources(house: House) -> None:
    ada = house.account()
    odd = [
        Item(letter("dates"), date=datetime(1899, 12, 31, tzinfo=timezone(timedelta(hours=14)))),
        Item(letter("flags"), frozenset({"\\Nonsense", "a(b", "Fine", "\\Recent"})),
        Item(letter("name"), folder="a\nb//c/"),
        Item(b"Date: nonsense\r\n\r\n"),
    ]
    bring(house, ada.id, odd)
    dated, named, *_ = rows = export(house, ada.id)
    assert dated.date == odd[0].date
    assert named.flags == {"Fine"}
    assert named.date == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert rows[2].date == datetime.fromtimestamp(NOW, UTC)
    assert house.box(ada, "a_b/c").exists == 1


def test_a_full_mailbox_keeps_what_came_before(house: House) -> None:
    ada = house.account()
    house.store.run(quota.set_limits, ada.id, size=None, messages=transfer.BATCH + 5)
    items = [Item(letter(f"letter {number}")) for number in range(2 * transfer.BATCH)]
    with pytest.raises(StoreFull):
        bring(house, ada.id, items)
    assert house.box(ada).exists == transfer.BATCH
    house.store.run(quota.set_limits, ada.id, size=None, messages=None)
    assert bring(house, ada.id, items) == Progress(transfer.BATCH, transfer.BATCH)


@pytest.mark.parametrize("kind", ["mbox", "maildir"])
def test_through_real_files(house: House, tmp_path: Path, kind: str) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    bring(house, ada.id, ITEMS[:3])
    path = tmp_path / kind
    with MboxWriter(path) if kind == "mbox" else MaildirWriter(path) as writer:
        for item in export(house, ada.id):
            writer.add(item)
    bring(house, bob.id, read(path))
    assert by_folder(export(house, bob.id)) == by_folder(export(house, ada.id))


LINES = b"From here on\r\n>From there\r\nFrom a Fri Nov 21 15:55:06 1997\r\n" + (b"x" * 70 + b"\r\n") * 300


@only_sqlite
@pytest.mark.parametrize("form", WRITERS)
def test_a_large_message_stays_out_of_memory(house: House, tmp_path: Path, form: str) -> None:
    """Into the store and out of it, in each format."""
    block = LINES * (1024 * 1024 // len(LINES)) + b"y" * 1_500_000 + b"\r\n"
    count = 4
    header = b"Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n"

    def chunks() -> Iterator[bytes]:
        yield header
        for _ in range(count):
            yield from (block[start : start + CHUNK] for start in range(0, len(block), CHUNK))

    size = len(header) + count * len(block)
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    source = tmp_path / "source"
    tracemalloc.start()
    try:
        with WRITERS[form](source) as writer:
            writer.add(Item(Large(chunks), date=WHEN))
            writer.add(Item(b"Subject: small\r\n\r\nx\r\n", date=WHEN))
        *_, last = transfer.import_mail(house.store, ada.id, read(source))
        assert last.new == 2
        target = tmp_path / "target"
        with WRITERS[form](target) as writer:
            for one in transfer.export_mail(house.store, ada.id):
                writer.add(one)
        *_, last = transfer.import_mail(house.store, bob.id, read(target))
        assert last.new == 2
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < size // 2
    if form != "mboxo":  # it can't tell whose the ">" was
        for one in (ada, bob):
            (found,) = (each for each in transfer.export_mail(house.store, one.id) if isinstance(each.octets, Large))
            assert b"".join(found.chunks()) == b"".join(chunks())
