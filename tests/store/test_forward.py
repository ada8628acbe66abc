"""Addresses whose letters go on to addresses elsewhere, beside accounts and aliases."""

from __future__ import annotations

import pytest

from posthouse.errors import AlreadyExists, StoreError
from posthouse.store import account, alias, domain, forward, secret
from posthouse.store.account import Destinations
from posthouse.store.engine import Store

ADA = "ada@example.org"


def test_where_letters_go(store: Store) -> None:
    ada = store.run(account.add, ADA, "hash").id
    store.run(forward.add, "Sales@example.org", "Ann@gmail.example")
    store.run(forward.add, "sales@example.org", "ben@gmail.example")
    store.run(forward.add, ADA, "ada@work.example")
    store.run(alias.add, "@example.org", ADA)
    find = store.look
    assert find(account.destinations, "SALES+x@example.org") == Destinations(
        (), ("Ann@gmail.example", "ben@gmail.example")
    )
    assert find(account.destinations, ADA) == Destinations((ada,), ("ada@work.example",))
    assert find(account.resolve, "sales@example.org") == (), "nobody here sends as that"
    assert find(account.destinations, "who@example.org") == Destinations((ada,))
    assert find(account.destinations, "who@example.org", left_over=False) == Destinations()
    assert len(find(forward.list_all)) == 3

    with pytest.raises(AlreadyExists):
        store.run(forward.add, "sales@example.org", "ANN@Gmail.example")
    for wrong in ("", "ann", "ann@", "@gmail.example"):
        with pytest.raises(StoreError):
            store.run(forward.add, "sales@example.org", wrong)
    assert store.run(forward.remove, "sales@example.org", "ann@GMAIL.example")
    assert not store.run(forward.remove, "sales@example.org", "ann@gmail.example")


def test_a_domain_with_forwarding_stays(store: Store) -> None:
    store.run(domain.add, "example.org")
    store.run(forward.add, "sales@example.org", "ann@gmail.example")
    with pytest.raises(StoreError, match="sales@example"):
        store.run(domain.remove, "example.org")


def test_a_secret_that_is_renewed(store: Store) -> None:
    assert store.look(secret.find, "token") is None
    for value in (b"one", b"two"):
        store.run(secret.keep, "token", value)
        assert store.look(secret.find, "token") == value
