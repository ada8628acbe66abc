"""APPEND of several messages, of which one can't be kept: none is there, and none leaves a file."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from faulty_disk import FaultyDisk
from imap_conversation import Conversation
from posthouse.store import blob
from posthouse.store.engine import Store
from store_helpers import Clock

SIZES = {"middling": blob.SMALL + 1_000, "large": blob.SPOOL_MEMORY + 1_000}


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture
def store(tmp_path: Path, clock: Clock, disk: FaultyDisk) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", readers=1, clock=clock, disk=disk)
    yield opened
    opened.close()


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=["full", "broken"])
@pytest.mark.parametrize("step", ["create", "write", "sync", "rename", "sync_directory"])
def test_a_message_of_several_that_fails(
    talk: Conversation, store: Store, disk: FaultyDisk, step: str, error: int, size: int
) -> None:
    message = b"Subject: x\r\n\r\n".ljust(size, b"x")
    command = b"a1 APPEND INBOX" + (b" {%d+}\r\n%b" % (len(message), message)) * 3 + b"\r\n"
    failed = 0
    for after in range(50):
        disk.fails, disk.error, disk.after, disk.times = step, error, after, 1
        answer = talk.say(command)[-1]
        if answer.startswith("a1 OK"):
            break
        failed += 1
        assert answer.startswith("a1 NO")
        assert [path for path in (store.data / "messages").rglob("*") if path.is_file()] == []
    assert failed >= (1 if step == "sync_directory" else 3), "each in its turn"
    assert len(list((store.data / "messages").rglob("*.eml"))) == 3
