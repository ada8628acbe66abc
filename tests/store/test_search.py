"""Search: each key, and their combinations against a plain evaluation."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import NotFound, StoreError
from posthouse.message.summary import summarize
from posthouse.store import fresh, intake, text
from posthouse.store.blob import Blobs
from posthouse.store.engine import Store
from posthouse.store.fold import fold
from posthouse.store.search import (
    All,
    And,
    Body,
    Changed,
    Field,
    HasFlag,
    Header,
    Key,
    Larger,
    Not,
    Or,
    Received,
    Saved,
    Sent,
    Smaller,
    Text,
    Uids,
    search,
)  # fmt: skip
from processes import eventually
from store_helpers import NOW, Clock, House, keep, letter

DAY = 86_400
QUOTED = (
    b"From: =?utf-8?q?Bj=C3=B6rn?= <bjoern@example.org>\r\nTo: Ada <ada@example.org>\r\n"
    b"Subject: =?utf-8?b?" + base64.b64encode("Straße im Größenwahn".encode()) + b"?=\r\nX-Spam: no\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"Ein langes Wort wird umge=\r\nbrochen: =DCbergr=F6=DFe\r\n--b\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    + base64.encodebytes("Привет, мир".encode()).replace(b"\n", b"\r\n")
    + b"--b--\r\n"
)


@pytest.fixture(scope="module", params=["not indexed", "partly indexed", "indexed"])
def mailbox_id(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, int]]:
    """1 plain; 2 answered, seen, 100% and _; 3 encoded, no date; 4 flagged Work, old, big; 5 no date, with a prefix."""
    store = Store.open(tmp_path_factory.mktemp("search"), readers=1, clock=Clock())
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("Hello world", "First letter."))
    house.append(inbox, raw=letter("100% a_b !", "Second 50%!"), flags=["\\Answered", "\\Seen"])
    house.append(inbox, raw=QUOTED)
    if request.param != "not indexed":
        assert store.index.advance(store) == 3
    old = letter("HELLO again", "x" * 5000, sender="Carl <carl@example.net>")
    house.append(inbox, raw=old, flags=["\\Flagged", "Work"], received=NOW - 10 * DAY)
    last = letter("last")
    undated = summarize(last)._replace(date=None)
    blob = keep(store, last)
    store.run(
        intake.append,
        blob,
        undated,
        [intake.Target(inbox.id)],
        received=NOW + DAY,
        prefix=b"Return-Path: <r@example.com>\r\n",
    )
    if request.param == "indexed":
        assert store.index.advance(store) == 2
    yield store, inbox.id
    store.close()


CASES: list[tuple[Key, list[int]]] = [
    (All(), [1, 2, 3, 4, 5]),
    (And(()), [1, 2, 3, 4, 5]),
    (Or(()), []),
    (Not(All()), []),
    (HasFlag("\\seen"), [2]),
    (Not(HasFlag("\\Seen")), [1, 3, 4, 5]),
    (HasFlag("WORK"), [4]),
    (HasFlag("nothing"), []),
    (HasFlag("wor"), []),
    (Uids(((2, 3), (5, 4294967295))), [2, 3, 5]),
    (Uids(()), []),
    (Field("subject", "hello"), [1, 4]),
    (Field("subject", "%"), [2]),
    (Field("subject", "_"), [2]),
    (Field("subject", "!"), [2]),
    (Field("subject", "STRASSE"), [3]),
    (Field("subject", "größen"), [3]),
    (Field("subject", "GRO\u0308ßEN"), [3]),
    (Field("subject", ""), [1, 2, 3, 4, 5]),
    (Field("from", "björn"), [3]),
    (Field("from", "CARL@"), [4]),
    (Field("to", "ada@"), [3]),
    (Field("cc", "ada"), []),
    (Header("X-Spam", ""), [3]),
    (Header("x-spam", "NO"), [3]),
    (Header("x-spam", "yes"), []),
    (Header("Subject", "wahn"), [3]),
    (Header("Return-Path", "r@"), [5]),
    (Header("First", ""), []),
    (Body("first"), [1]),
    (Body("umgebrochen: übergrösse"), [3]),
    (Body("ПРИВЕТ"), [3]),
    (Body("50%"), [2]),
    (Body("lett"), [1]),
    (Body("t"), [1, 3]),
    (Body("xx"), [4]),
    (Body("Wort wird umgebrochen: Übergröße"), [3]),
    (Body('"'), []),
    (Body('first" OR "hello'), []),
    (Body(""), [1, 2, 3, 4, 5]),
    (Text("subject: hello"), [1, 4]),
    (Text("Björn"), [3]),
    (Text("\U000f0000"), []),
    (Body("hello"), [5]),
    (Text("hello"), [1, 4, 5]),
    (Text("return-path: <R@"), [5]),
    (Text("мир"), [3]),
    (Received(end=NOW), [4]),
    (Received(start=NOW), [1, 2, 3, 5]),
    (Received(start=NOW - 10 * DAY, end=NOW - 9 * DAY), [4]),
    (Sent(start=NOW), [1, 2, 4]),
    (Sent(end=NOW), []),
    (Not(Sent(end=NOW)), [1, 2, 3, 4, 5]),
    (Not(Sent(start=0)), [3, 5]),
    (Saved(start=NOW, end=NOW + 1), [1, 2, 3, 4, 5]),
    (Saved(end=NOW), []),
    (Larger(5000), [4]),
    (Smaller(5000), [1, 2, 3, 5]),
    (Changed(0), [1, 2, 3, 4, 5]),
    (Changed(10**6), []),
    (And((Field("subject", "hello"), Not(Body("first")))), [4]),
    (Or((Body("first"), HasFlag("Work"), Header("x-spam", ""))), [1, 3, 4]),
    (Not(And((Text("hello"), Body("first")))), [2, 3, 4, 5]),
    (And((Uids(tuple((uid, uid) for uid in range(1, 1001, 2))), All())), [1, 3, 5]),
    (Not(Uids(tuple((uid, uid) for uid in range(1, 1001, 2)))), [2, 4]),
]


@pytest.mark.parametrize(("key", "uids"), CASES, ids=[str(key)[:60] for key, _ in CASES])
def test_keys(mailbox_id: tuple[Store, int], key: Key, uids: list[int]) -> None:
    store, inbox = mailbox_id
    assert store.look(search, inbox, key) == uids


LEAVES = st.sampled_from([(key, set(uids)) for key, uids in CASES])
EVERY = {1, 2, 3, 4, 5}
Pairs = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda one: (Not(one[0]), EVERY - one[1])),
        st.lists(inner, max_size=4).map(
            lambda many: (And(tuple(key for key, _ in many)), EVERY.intersection(*(uids for _, uids in many)))
        ),
        st.lists(inner, max_size=4).map(
            lambda many: (Or(tuple(key for key, _ in many)), set().union(*(uids for _, uids in many)))
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(pair=Pairs)
def test_combinations(mailbox_id: tuple[Store, int], pair: tuple[Key, set[int]]) -> None:
    store, inbox = mailbox_id
    key, uids = pair
    assert store.look(search, inbox, key) == sorted(uids)


def test_no_such_mailbox(mailbox_id: tuple[Store, int]) -> None:
    with pytest.raises(NotFound):
        mailbox_id[0].look(search, 999, All())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("ÄRGER", "a\u0308rger"),
        ("ﬁn", "FIN"),
        ("Ⅷ", "viii"),
        ("ΣΑΣ", "σας"),
        ("İ", "i\u0307"),
        ("Å", "å"),
    ],
)
def test_folding(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_files_that_are_gone_are_told(tmp_path: Path) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox)
    fresh.settle(store)
    for path in (tmp_path / "messages").rglob("*.eml"):
        path.unlink()
    with pytest.raises(Exception, match="No such file"):
        store.look(search, inbox.id, Body("x"))
    store.close()


@pytest.fixture
def three(tmp_path: Path) -> Iterator[tuple[Store, int]]:
    """A store with one reader; three letters with something of their own in header and body."""
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    for number in range(1, 4):
        house.append(inbox, raw=letter(f"Number {number}", f"Letter {number}."))
    yield store, inbox.id
    store.close()


def watched(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object] = lambda: None) -> list[str]:
    """The letters whose body or header was folded, in that order; `then`: what is done at each body."""
    folded: list[str] = []
    of_body, of_header = text.folded_body, text.folded_header

    def folded_body(blobs: Blobs, blob_id: str, tree: bytes) -> str:
        folded.append(f"body of {blob_id}")
        then()
        return of_body(blobs, blob_id, tree)

    def folded_header(prefix: bytes, header: bytes) -> str:
        folded.append(f"header {header!r}")
        return of_header(prefix, header)

    monkeypatch.setattr(text, "folded_body", folded_body)
    monkeypatch.setattr(text, "folded_header", folded_header)
    return folded


def test_a_letter_is_folded_once_for_all_keys(three: tuple[Store, int], monkeypatch: pytest.MonkeyPatch) -> None:
    store, mailbox_id = three
    folded = watched(monkeypatch)
    nowhere = [Not(kind(f"z{number}")) for number in range(100) for kind in (Body, Text)]
    key = And((*nowhere, Or((Body("letter 1"), Text("number 3"))), Header("subject", "number")))
    assert store.look(search, mailbox_id, key) == [1, 3]
    assert len(folded) == len(set(folded)) == 6


def test_a_long_letter_is_folded_once_for_all_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than what the index keeps of it."""
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("long", "word after word\r\n" * 65_000 + "the end"))
    assert store.index.advance(store) == 1
    folded = watched(monkeypatch)
    nowhere = [Not(Body(f"z{number}")) for number in range(100)]
    assert store.look(search, inbox.id, And((*nowhere, Body("the end")))) == [1]
    assert len(folded) == 1
    store.close()


def test_a_search_that_nobody_waits_for_ends(three: tuple[Store, int], monkeypatch: pytest.MonkeyPatch) -> None:
    store, mailbox_id = three
    entered, leave = threading.Event(), threading.Event()
    folded = watched(monkeypatch, lambda: (entered.set(), leave.wait(10)))

    async def scenario() -> list[int]:
        gone = asyncio.create_task(store.read(search, mailbox_id, Body("nowhere")))
        await asyncio.to_thread(entered.wait)
        gone.cancel()
        await asyncio.wait([gone])
        leave.set()
        return list(await store.read(search, mailbox_id, All()))  # there is one reader

    assert asyncio.run(scenario()) == [1, 2, 3]
    assert len(folded) == 1


def test_the_end_of_the_store_ends_a_search(three: tuple[Store, int], monkeypatch: pytest.MonkeyPatch) -> None:
    store, mailbox_id = three
    closing = threading.Thread(target=store.close)

    def close() -> None:
        closing.start()
        eventually(lambda: store._closing, "it closes")

    folded = watched(monkeypatch, close)
    with pytest.raises(StoreError, match="the store is closed"):
        store.look(search, mailbox_id, Body("nowhere"))
    closing.join()
    assert len(folded) == 1
