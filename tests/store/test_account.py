"""Accounts, domains, and how addresses are compared."""

from __future__ import annotations

import pytest

from posthouse.errors import AlreadyExists, NotFound, StoreError
from posthouse.store import account, alias, app_password, domain, mailbox
from posthouse.store.address import canonical, is_sendable
from posthouse.store.engine import Store
from store_helpers import NOW, Clock, House


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Ada@Example.ORG", "ada@example.org"),
        (" ada@example.org ", "ada@example.org"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
        ("ada@bu\u0308cher.example", "ada@bücher.example"),
        ("J\u00d6RG@example.org", "jörg@example.org"),
        ("JO\u0308RG@example.org", "jörg@example.org"),
        ("ada@example.org.", "ada@example.org"),
        ("ada@[192.0.2.1]", "ada@[192.0.2.1]"),
        ("ada@my_host.lan", "ada@my_host.lan"),
        ('"a@b"@example.org', '"a@b"@example.org'),
        ('"a\\ \\b"@example.org', '"a b"@example.org'),
        ('"a\\"b"@example.org', '"a\\"b"@example.org'),
        ('"Ada"@example.org', "ada@example.org"),
        ('"\\Ada+shop"@example.org', "ada+shop@example.org"),
        ('""@example.org', '""@example.org'),
    ],
)
def test_canonical_addresses(typed: str, kept: str) -> None:
    assert canonical(typed) == kept
    assert canonical(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.org",
        "ada@",
        "ada@.",
        "ada@a..b",
        "a\nda@example.org",
        "x" * 65 + "@example.org",
        "a@" + "x." * 200,
        "\ud800@example.org",
        "a@\ud800",
    ],
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(StoreError):
        canonical(typed)


@pytest.mark.parametrize(
    ("address", "sendable"),
    [
        ("ada+shop@example.org", True),
        ('"a b"@example.org', True),
        ("jörg@example.org", True),
        ("a..b.@example.org", True),
        ("a b@example.org", False),
        ("a@b@example.org", False),
        ('"a"b"@example.org', False),
        ("<ada@example.org", False),
    ],
)
def test_what_needs_quotes(address: str, sendable: bool) -> None:
    assert is_sendable(address) is sendable


def test_a_new_account_has_its_mailboxes(store: Store) -> None:
    ada = store.run(account.add, "Ada@Example.org", "hash")
    assert (ada.address, ada.typed, ada.password, ada.created) == ("ada@example.org", "Ada@Example.org", "hash", NOW)
    boxes = store.look(mailbox.list_all, ada.id)
    assert [(box.name, box.special_use, box.subscribed) for box in boxes] == [
        ("INBOX", "", True),
        ("Archive", "\\Archive", True),
        ("Drafts", "\\Drafts", True),
        ("Junk", "\\Junk", True),
        ("Sent", "\\Sent", True),
        ("Trash", "\\Trash", True),
    ]
    assert all((box.uidnext, box.exists, box.unseen, box.size) == (1, 0, 0, 0) for box in boxes)
    assert len({box.uidvalidity for box in boxes}) == 6


def test_find_in_any_case(store: Store) -> None:
    ada = store.run(account.add, "ada@example.org", "hash")
    assert store.look(account.find, "ADA@EXAMPLE.ORG") == ada
    assert store.look(account.get, ada.id) == ada
    assert store.look(account.find, "bob@example.org") is None
    assert store.look(account.find, "nonsense") is None
    assert store.look(account.resolve, "Ada@example.org") == (ada.id,)
    assert store.look(account.resolve, "bob@example.org") == ()


def test_an_address_is_taken_once(store: Store) -> None:
    store.run(account.add, "ada@example.org", "hash")
    with pytest.raises(AlreadyExists):
        store.run(account.add, "ADA@example.org", "other")
    assert [one.address for one in store.look(account.list_all)] == ["ada@example.org"]


def test_set_password(store: Store) -> None:
    ada = store.run(account.add, "ada@example.org", "old")
    store.run(account.set_password, "Ada@example.org", "new")
    assert store.look(account.get, ada.id).password == "new"
    with pytest.raises(NotFound):
        store.run(account.set_password, "bob@example.org", "new")


def test_remove_takes_everything_but_shared_octets(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), house.box(bob))
    house.append(house.box(ada))
    house.store.run(account.remove, "ada@example.org")
    assert house.store.look(account.find, "ada@example.org") is None
    with pytest.raises(NotFound):
        house.store.run(account.remove, "ada@example.org")
    counts = {
        table: house.store.look(lambda tx, table=table: tx.value(f"SELECT count(*) FROM {table}"))
        for table in ("account", "mailbox", "message", "wire", "folded", "placement", "flagset")
    }
    assert counts == {"account": 1, "mailbox": 6, "message": 1, "wire": 1, "folded": 1, "placement": 1, "flagset": 1}
    assert house.store.look(lambda tx: tx.all("SELECT uses FROM blob ORDER BY uses")) == [(0,), (1,)]


def test_nothing_is_given_twice(house: House, clock: Clock) -> None:
    ada = house.account()
    before = {box.uidvalidity for box in house.store.look(mailbox.list_all, ada.id)}
    house.store.run(account.remove, "ada@example.org")
    clock.now -= 1_000_000  # the clock was wrong, and is set back
    again = house.account()
    after = {box.uidvalidity for box in house.store.look(mailbox.list_all, again.id)}
    assert min(after) > max(before)
    assert again.id > ada.id


def test_domains(store: Store) -> None:
    assert store.run(domain.add, "Example.ORG") == "example.org"
    assert store.run(domain.add, "xn--bcher-kva.example") == "bücher.example"
    assert store.look(domain.list_all) == ["bücher.example", "example.org"]
    assert store.look(domain.is_local, "BÜCHER.EXAMPLE")
    assert not store.look(domain.is_local, "example.com")
    assert not store.look(domain.is_local, "no domain")
    with pytest.raises(AlreadyExists):
        store.run(domain.add, "example.org.")
    with pytest.raises(StoreError):
        store.run(domain.add, "no domain")


def test_resolve(store: Store) -> None:
    ada, bob, carl = (store.run(account.add, f"{name}@example.org", "hash").id for name in ("ada", "bob", "carl"))
    for address, name in (
        ("team@example.org", "ada"),
        ("team@example.org", "bob"),
        ("bob@example.org", "ada"),
        ("fixed+tag@example.org", "bob"),
        ("@other.example", "carl"),
        ("x@other.example", "bob"),
    ):
        store.run(alias.add, address, f"{name}@example.org")
    expected = {
        "team@example.org": (ada, bob),
        "TEAM+news@Example.org": (ada, bob),
        "bob@example.org": (ada, bob),
        "carl+a+b@example.org": (carl,),
        "fixed+tag@example.org": (bob,),
        "fixed+other@example.org": (),
        "+tag@example.org": (),
        "any.body@other.example": (carl,),
        "x+y@other.example": (bob,),
        "nobody@example.org": (),
        "nonsense": (),
    }
    assert {address: store.look(account.resolve, address) for address in expected} == expected


def test_aliases(store: Store) -> None:
    store.run(account.add, "ada@example.org", "hash")
    assert store.run(alias.add, " Info@EXAMPLE.org", "ADA@example.org") == ("info@example.org", "ada@example.org")
    assert store.run(alias.add, "@BÜCHER.example", "ada@example.org").address == "@bücher.example"
    with pytest.raises(AlreadyExists):
        store.run(alias.add, "info@example.org", "ada@example.org")
    with pytest.raises(NotFound):
        store.run(alias.add, "info@example.org", "bob@example.org")
    with pytest.raises(StoreError):
        store.run(alias.add, "info", "ada@example.org")
    store.run(alias.remove, "INFO@example.org", "ada@example.org")
    with pytest.raises(NotFound):
        store.run(alias.remove, "info@example.org", "ada@example.org")
    assert store.look(alias.list_all) == [("@bücher.example", "ada@example.org")]
    store.run(account.remove, "ada@example.org")
    assert store.look(alias.list_all) == []


def test_app_passwords(store: Store, clock: Clock) -> None:
    ada = store.run(account.add, "ada@example.org", "hash")
    phone = store.run(app_password.add, ada.id, "phone", "hash1", ["smtp", "imap"])
    store.run(app_password.add, ada.id, "laptop", "hash2")
    with pytest.raises(AlreadyExists):
        store.run(app_password.add, ada.id, "phone", "hash3")
    clock.now += 60
    store.run(app_password.used, phone)
    laptop, mobile = store.look(app_password.list_all, ada.id)
    assert (laptop.name, laptop.password, laptop.protocols, laptop.used) == ("laptop", "hash2", frozenset(), None)
    assert (mobile.protocols, mobile.created, mobile.used) == ({"imap", "smtp"}, NOW, NOW + 60)
    store.run(app_password.remove, ada.id, "phone")
    with pytest.raises(NotFound):
        store.run(app_password.remove, ada.id, "phone")


def test_a_domain_goes_when_nobody_is_there(store: Store) -> None:
    for name in ("example.org", "example.net"):
        store.run(domain.add, name)
    store.run(account.add, "ada@example.org", "hash")
    store.run(alias.add, "@example.net", "ada@example.org")
    for name in ("example.org", "example.net"):
        with pytest.raises(StoreError, match=f"@{name} is an address at"):
            store.run(domain.remove, name)
    store.run(alias.remove, "@example.net", "ada@example.org")
    store.run(domain.remove, "EXAMPLE.net")
    assert store.look(domain.list_all) == ["example.org"]
    with pytest.raises(NotFound):
        store.run(domain.remove, "ample.org")
