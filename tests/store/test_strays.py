"""Octets whose transaction doesn't happen: their files go at once, or with the sweep where that isn't certain."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from faulty_sqlite import EIO, FULL, faulty_sqlite
from posthouse.errors import NotFound, StoreError
from posthouse.message.summary import summarize
from posthouse.store import blob, intake, tidy
from posthouse.store.blob import Blob
from posthouse.store.engine import Store, Tx
from store_helpers import NOW, Clock, House, letter

LARGE = letter(body="x" * 70_000)


def files(store: Store) -> list[Path]:
    return list((store.data / "messages").rglob("*.eml"))


async def keep(store: Store, octets: bytes = LARGE) -> Blob:
    spool = store.blobs.spool()
    spool.write(octets)
    return await store.blobs.keep(spool)


def refuse(tx: Tx) -> None:
    raise NotFound("it isn't there")


def break_down(tx: Tx) -> None:
    raise RuntimeError


@pytest.mark.parametrize("fn", [refuse, break_down])
def test_what_is_refused_leaves_no_file(store: Store, fn: object) -> None:
    async def scenario() -> None:
        kept = [await keep(store), await keep(store, letter())]
        assert len(files(store)) == 1
        async with store.using(kept):
            await store.write(fn)  # type: ignore[arg-type]

    with pytest.raises((NotFound, RuntimeError)):
        asyncio.run(scenario())
    assert files(store) == []


def test_what_is_used_stays(house: House) -> None:
    """Also where something fails afterwards."""
    inbox = house.box(house.account())

    async def scenario() -> None:
        kept = await keep(house.store)
        async with house.store.using([kept]):
            await house.store.write(intake.append, kept, summarize(LARGE), [intake.Target(inbox.id)], NOW)
            await house.store.write(refuse)

    with pytest.raises(NotFound):
        asyncio.run(scenario())
    assert len(files(house.store)) == 1


def test_what_may_still_be_written_stays(store: Store) -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(tx: Tx) -> None:
        entered.set()
        assert leave.wait(10)

    async def use() -> None:
        async with store.using([await keep(store)]):
            await store.write(hold)

    async def scenario() -> None:
        using = asyncio.create_task(use())
        await asyncio.to_thread(entered.wait)
        using.cancel()
        await asyncio.gather(using, return_exceptions=True)
        leave.set()

    asyncio.run(scenario())
    assert len(files(store)) == 1


@pytest.mark.parametrize(
    ("step", "codes", "left"), [("write", FULL, 0), ("sync", EIO, 1)], ids=["no room", "a sync fails"]
)
def test_a_database_that_fails(tmp_path: Path, step: str, codes: dict[str, int], left: int) -> None:
    """After a sync that failed the rows may be in the log: read after a crash, they mustn't lack their file."""
    clock = Clock()
    with faulty_sqlite() as faults:
        house = House(Store.open(tmp_path / "data", readers=1, clock=clock))
        store, inbox = house.store, house.box(house.account())

        async def scenario() -> None:
            kept = await keep(store)
            faults.arm(step, 0, codes)
            async with store.using([kept]):
                await store.write(intake.append, kept, summarize(LARGE), [intake.Target(inbox.id)], NOW)

        with pytest.raises(StoreError) as failed:
            asyncio.run(scenario())
        faults.clear()
        assert failed.value.in_doubt == bool(left)
        assert len(files(store)) == left
        store.close()


def test_a_file_that_cannot_be_removed_is_left_to_the_sweep(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with store.using([await keep(store)]):
            await store.write(refuse)

    def fail(*_: object, **__: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(blob.Path, "unlink", fail)
        with pytest.raises(NotFound):
            asyncio.run(scenario())
    assert len(files(store)) == 1
    assert store.look(tidy.unknown, [files(store)[0].stem]) == [files(store)[0].stem]
