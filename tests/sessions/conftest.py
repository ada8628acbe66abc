"""A store with one account, and clients that talk to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imap_conversation import Conversation
from posthouse.store.engine import Store
from posthouse.store.mailbox import Mailbox
from store_helpers import Clock, House


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(tmp_path / "data", readers=1, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def house(store: Store) -> House:
    return House(store)


@pytest.fixture
def talk(house: House) -> Iterator[Conversation]:
    conversation = Conversation(house.store, house.account())
    yield conversation
    conversation.close()


@pytest.fixture
def inbox(house: House, talk: Conversation) -> Mailbox:
    return house.box(talk.account)
