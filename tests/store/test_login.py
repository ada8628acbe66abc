"""What the store keeps for logins: keys for SCRAM, bans, familiar networks, secrets."""

from __future__ import annotations

import pytest

from posthouse.errors import NotFound
from posthouse.store import account, app_password, ban, familiar, password, scram_key, secret
from posthouse.store.engine import Store
from store_helpers import Clock

ADA, BOB = "ada@example.org", "bob@example.org"


def test_keys_of_an_account_go_together(store: Store) -> None:
    first = password.make_keys("first")
    ada = store.run(account.add, ADA, "hash", first).id
    store.run(account.add, BOB, "hash")
    assert store.look(scram_key.accounts_without) == [BOB]
    settled = store.look(scram_key.settled, ada)
    assert settled == (first["sha256"].salt, first["sha256"].iterations)
    with_keys = store.run(app_password.add, ada, "phone", "h1", [], password.make_keys("phone", settled))
    assert store.look(scram_key.owners, ada) == {None, with_keys}
    assert set(store.look(scram_key.of, ada, "sha1")) == {None, with_keys}

    # Another salt doesn't go with the phone's: the old keys are gone all the same.
    store.run(account.set_password, ADA, "hash2", password.make_keys("second"))
    assert store.look(scram_key.owners, ada) == {with_keys}
    assert store.look(scram_key.accounts_without) == [ADA, BOB]
    second = password.make_keys("second", settled)
    store.run(account.set_password, ADA, "hash2", second)
    assert store.look(scram_key.of, ada, "sha256")[None] == second["sha256"]

    store.run(app_password.remove, ada, "phone")
    assert store.look(scram_key.owners, ada) == {None}
    store.run(account.remove, ADA)
    assert store.look(scram_key.owners, ada) == set()


def test_what_scram_cannot_carry_has_keys_that_nothing_fits() -> None:
    keys = password.make_keys("tab\there")
    assert keys["sha256"] != password.make_keys("tab\there", (keys["sha256"].salt, keys["sha256"].iterations))["sha256"]


def test_bans_come_and_go(store: Store, clock: Clock) -> None:
    for kind, name, seconds in (
        ("network", "192.0.2.0/24", 60),
        ("account", ADA, None),
        ("network", "2001:db8::/64", 9),
    ):
        store.run(ban.add, kind, name, scope="logins", reason="x", seconds=seconds)
    assert len(store.look(ban.list_all)) == 3
    assert store.run(ban.add_automatic, "network", "192.0.2.0/24", reason="y", seconds=60).reason == "x", "it holds"
    clock.now += 10
    assert {one.subject for one in store.look(ban.list_all)} == {"192.0.2.0/24", ADA}
    assert [one.subject for one in store.run(ban.lift, "network", "192.0.2.7/32")] == ["192.0.2.0/24"]
    with pytest.raises(NotFound):
        store.run(ban.lift, "network", "192.0.2.7/32")
    assert [one.subject for one in store.run(ban.lift_all)] == [ADA]
    assert store.look(ban.list_all) == []


def test_where_people_log_in_from_is_forgotten_in_time(store: Store, clock: Clock) -> None:
    ada = store.run(account.add, ADA, "hash").id
    store.run(familiar.note, ada, "192.0.2.7/32")
    store.run(familiar.note, ada + 100, "192.0.2.7/32")  # it has just been removed
    assert store.look(familiar.knows, "ADA@example.org", "192.0.2.7/32")
    assert not store.look(familiar.knows, ADA, "192.0.2.8/32")
    assert not store.look(familiar.knows, "no address", "192.0.2.7/32")
    clock.now += familiar.REMEMBERED
    assert not store.look(familiar.knows, ADA, "192.0.2.7/32")


def test_a_secret_stays(store: Store) -> None:
    assert store.run(secret.get, "a") == store.run(secret.get, "a") != store.run(secret.get, "b")
