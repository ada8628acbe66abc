"""The full-text index: it finds what a reading of every message finds, and can be lost without harm."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import StoreError
from posthouse.store import account, blob, field_word, fresh, index, mail, octets, text, tidy, vocabulary
from posthouse.store.engine import Store, Tx
from posthouse.store.mailbox import Mailbox
from posthouse.store.search import And, Body, Field, HasFlag, Header, Key, Not, Or, Text, Uids, search
from store_helpers import Clock, House, letter, only_sqlite

WORDS = [
    *("the", "quick", "brown", "fox", "Über", "Straße", "привет", "мир", "東京都", "ÉCOLE", "école"),
    *("ab%", "x_y", '"quoted"', "NEAR(", "*", "^", "'it's'", "-minus"),
]


def rows(store: Store) -> int:
    """How many messages the index has."""
    count: int = store.look(lambda tx: tx.value("SELECT count(*) FROM search.text"))
    return count


def words(tx: Tx, kind: vocabulary.Kind) -> list[str]:
    """The words that the index has, by themselves and by their parts and by their messages."""
    found = [word for (word,) in tx.all(f"SELECT word FROM search.{kind}_word ORDER BY word")]
    listed = f"SELECT DISTINCT word_id >> {vocabulary.MARK_BITS[kind]} word_id FROM search.{kind}_list"
    postings = tx.all(f"SELECT w.word FROM ({listed}) t LEFT JOIN search.{kind}_word w ON w.id = t.word_id")
    assert sorted(word for (word,) in postings) == found
    parts = len(tx.all(f"SELECT DISTINCT rowid FROM search.{kind}_part WHERE {kind}_part MATCH 'two'"))
    assert parts == sum("two" in word for word in found)
    return found


@pytest.fixture(scope="module", autouse=True)
def listed() -> Iterator[None]:
    """The words of what is indexed are listed at once, where a test doesn't say otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "UNLISTED", 1)
        yield


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Mailbox, Mailbox]]:
    """The same letters in two accounts; those of the first are indexed."""
    store = Store.open(tmp_path_factory.mktemp("index"), readers=1, clock=Clock())
    house = House(store)
    boxes = [house.box(house.account(f"{name}@example.org")) for name in ("ada", "bob")]
    for box in boxes:
        for number in range(30):
            words = [WORDS[(number * 7 + step * step) % len(WORDS)] for step in range(number)]
            people = (
                f'"{WORDS[number % 13]} \\"{WORDS[number % 7]}\\"" <{number}.ada@example.org>, b{number}@example.net'
            )
            house.append(box, raw=letter(f"letter {number} {' '.join(words[:5])}", " ".join(words), people))
        if box is boxes[0]:
            store.index.advance(store)
    yield store, boxes[0], boxes[1]
    store.close()


def parts(word: str) -> st.SearchStrategy[str]:
    return st.integers(0, len(word)).flatmap(
        lambda start: st.integers(start, len(word)).map(lambda end: word[start:end])
    )


PEOPLE = [*WORDS, "ada@example.org", "12.ada@example", "b7@example.net", "x_y", "ab%"]
NEEDLES = st.one_of(
    st.sampled_from(PEOPLE).flatmap(parts),
    st.sampled_from(WORDS).flatmap(parts),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)).map(" ".join).flatmap(parts),
    st.text(max_size=5),
)


@settings(max_examples=300, deadline=None)
@given(needle=NEEDLES, kind=st.sampled_from([Body, Text, *(partial(Field, name) for name in field_word.MARKS)]))
def test_the_index_finds_what_reading_finds(
    both: tuple[Store, Mailbox, Mailbox], needle: str, kind: Callable[[str], Key]
) -> None:
    store, indexed, read = both
    assert store.look(search, indexed.id, kind(needle)) == store.look(search, read.id, kind(needle))


@given(name=st.text("a@.", min_size=1), data=st.data())
def test_a_part_of_a_name_stands_within_what_is_listed(name: str, data: st.DataObject) -> None:
    """Of the name as a whole, or of its halves: whichever the part is looked up in."""
    wanted = data.draw(parts(name) | st.text("a@.", max_size=3))
    listed = [name] * field_word._is_whole(name) if field_word._is_whole(wanted) else field_word._halves(name)
    assert any(wanted in one for one in listed) == (wanted in name)


@only_sqlite
def test_many_names_of_one_domain_are_one_list(house: House) -> None:
    inbox = house.box(house.account())
    for number in range(20):
        house.append(inbox, raw=letter("x", sender=f"p{number}@example.net" * (number != 3)))
    house.store.index.advance(house.store)
    having = [uid for uid in range(1, 21) if uid != 4]
    for wanted in ("example.net", "@example.net", "e.n"):
        assert house.store.look(search, inbox.id, Field("from", wanted)) == having, wanted
    assert house.store.look(search, inbox.id, Field("from", "19@ex")) == [20]
    assert {word for word in house.store.look(words, "half") if "net" in word} == {"@example.net"}


@only_sqlite
def test_a_word_of_another_account_is_not_found(house: House) -> None:
    ada, bob = house.account("ada@example.org"), house.account("bob@example.org")
    house.append(house.box(ada), raw=letter("x", "secret"))
    house.append(house.box(bob), raw=letter("x", "nothing"))
    assert house.store.index.advance(house.store) == 2
    assert house.store.look(search, house.box(bob).id, Body("secret")) == []
    assert house.store.look(search, house.box(ada).id, Body("secret")) == [1]


LIMITS: dict[str, dict[str, object]] = {
    "as they are": {},
    "without grams": {"GRAMS": {}},
    "few lists": {"GRAMS": {}, "LISTS_A_MESSAGE": 0, "FEW_LISTS": 2},
    "hardly any": {"GRAMS": {}, "LISTS_A_MESSAGE": 0, "FEW_LISTS": 0, "WORDS_A_MESSAGE": 0},
    "short words": {"MAX_PIECES": 1, "MAX_TRIGRAMS": 1},
}


@pytest.mark.parametrize("limits", LIMITS.values(), ids=LIMITS)
def test_each_way_of_looking_up_finds_the_same(
    both: tuple[Store, Mailbox, Mailbox], monkeypatch: pytest.MonkeyPatch, limits: dict[str, object]
) -> None:
    store, indexed, read = both
    for name, limit in limits.items():
        monkeypatch.setattr(vocabulary, name, limit)
    needles = {word[start:end] for word in WORDS for start in range(len(word)) for end in range(start + 1, start + 6)}
    keys: list[Key] = [Text("letter 1"), Text("subject: letter 12"), Header("subject", "er 2"), Field("from", ".ada@")]
    keys += [Field("from", text) for text in ("a@", "@", "2.ada@example.org", "ada@example.org>, b1", "<1", "%")]
    for needle in sorted(needles)[::8]:
        keys += [
            Body(needle),
            Text(needle),
            Body(f"{needle} {needle}"),
            Field("subject", needle),
            Field("from", needle),
            Field("from", f"{needle}@"),
        ]
        keys += [
            And((Field("subject", needle), Not(Field("from", needle)))),
            And((Uids(((3, 9),)), Field("to", needle))),
        ]
    for key in [
        *keys,
        Body("quick brown"),
        Field("subject", "quick brown"),
        Field("subject", "letter 2"),
        Field("cc", ""),
    ]:
        for accents in (True, False):
            expected = store.look(search, read.id, key, accents=accents)
            assert store.look(search, indexed.id, key, accents=accents) == expected, key


@only_sqlite
def test_a_giant_word_is_found_by_its_parts(house: House) -> None:
    inbox = house.box(house.account())
    giant = "".join(map(str, range(9_000)))
    house.append(inbox, raw=letter("x", f"a {giant} z"))
    house.append(inbox, raw=letter("x", "nothing"))
    house.store.index.advance(house.store)
    last = len(giant)
    for start, end in (
        (0, 10),
        (7_995, 8_005),
        (3_998, 4_003),
        (last - 9, last),
        (100, 4_100),
        (0, last),
        (20_000, last),
    ):
        assert house.store.look(search, inbox.id, Body(giant[start:end])) == [1], (start, end)
    assert house.store.look(search, inbox.id, Body(giant[100:4_100] + "x")) == []
    assert house.store.look(search, inbox.id, Body(f"a {giant[:100]}")) == [1]
    assert house.store.look(search, inbox.id, Body(f"{giant[-100:]} z")) == [1]
    assert house.store.look(search, inbox.id, Body(f"{giant[-100:]} a")) == []


@only_sqlite
@pytest.mark.parametrize("longest", [8, 9, 10])
def test_a_giant_word_in_a_field_is_found_by_its_parts(
    house: House, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr(vocabulary, "LONGEST_WORD", longest)
    monkeypatch.setattr(vocabulary, "LONGEST_PART", longest // 2)
    inbox = house.box(house.account())
    giant = "".join(map(str, range(30)))
    house.append(inbox, raw=letter(giant, "x"))
    house.append(inbox, raw=letter("other", giant, sender=f"{giant}@example.org"))
    house.store.index.advance(house.store)
    for start in range(len(giant)):
        for end in range(start + 1, len(giant) + 1):
            assert house.store.look(search, inbox.id, Field("subject", giant[start:end])) == [1], (start, end)


@only_sqlite
def test_a_field_is_asked_of_the_index_and_of_what_came_since(house: House) -> None:
    """Where the index says nothing of a message, nobody finds it: so it was asked."""
    inbox = house.box(house.account())
    for subject in ("first letter", "second letter"):
        house.append(inbox, raw=letter(subject))
    house.store.index.advance(house.store)
    house.append(inbox, raw=letter("third letter"))
    assert house.store.look(search, inbox.id, Field("subject", "lett")) == [1, 2, 3]
    with contextlib.closing(sqlite3.connect(house.store.index.path)) as raw:
        raw.execute("DELETE FROM field_list")
        raw.commit()
    assert house.store.look(search, inbox.id, Field("subject", "etter")) == [3]


@only_sqlite
def test_an_answer_that_was_kept_is_told_as_long_as_the_messages_are_the_same(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, inbox = house.store, house.box(house.account())
    house.fill(inbox, 20)
    store.index.advance(store)
    store.look(lambda tx: store.rosters.of(tx, inbox.id, 20))
    key = Field("subject", "est")
    assert store.look(search, inbox.id, key) == [*range(1, 21)]
    with monkeypatch.context() as nothing_is_looked_up:
        nothing_is_looked_up.setattr(field_word, "find", None)
        store.run(mail.store_flags, inbox.id, [(2, 3)], "add", ["\\Seen"])
        assert store.look(search, inbox.id, key) == [*range(1, 21)]
    house.append(inbox)
    house.append(inbox, raw=letter("other"))
    assert store.look(search, inbox.id, key) == [*range(1, 22)]
    store.run(mail.remove, inbox.id, [(1, 5)])
    for _ in range(2):
        assert store.look(search, inbox.id, key) == [*range(6, 22)]
        assert store.look(search, inbox.id, And((key, Not(HasFlag("\\Seen"))))) == [*range(6, 22)]


@only_sqlite
def test_a_long_text_is_not_kept_with_its_answer(house: House) -> None:
    store, inbox = house.store, house.box(house.account())
    house.fill(inbox, 20)
    store.index.advance(store)
    roster = store.look(lambda tx: store.rosters.of(tx, inbox.id, 20))
    assert roster is not None
    assert store.look(search, inbox.id, Field("subject", "est")) == [*range(1, 21)]
    kept = set(roster.derived)
    assert store.look(search, inbox.id, Field("subject", "nowhere" * 10_000)) == []
    assert set(roster.derived) == kept


@only_sqlite
def test_no_file_is_read_for_what_is_indexed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = house.box(house.account())
    for number in range(5):
        house.append(inbox, raw=letter(f"letter {number}", f"word{number}"))
    house.store.index.advance(house.store)

    def refuse(*args: object) -> None:
        raise AssertionError("a file was read")

    monkeypatch.setattr(blob.Blobs, "read", refuse)
    monkeypatch.setattr(blob.Blobs, "open", refuse)
    keys = (
        Body("ord3"),
        Text("letter 3"),
        Header("subject", "3"),
        Not(Or(tuple(Body(f"word{n}") for n in (0, 1, 2, 4)))),
    )
    for key in keys:
        assert house.store.look(search, inbox.id, key) == [4]


@only_sqlite
def test_a_line_break_in_an_encoded_word_makes_no_field(house: House) -> None:
    inbox = house.box(house.account())
    house.append(inbox, raw=b"Subject: =?utf-8?q?a=0AList-Id:_b?=\r\n\r\nx\r\n")
    for _ in range(2):
        assert house.store.look(search, inbox.id, Header("list-id", "")) == []
        assert house.store.look(search, inbox.id, Header("subject", "list-id: b")) == [1]
        house.store.index.advance(house.store)


@only_sqlite
def test_moved_messages_stay_indexed(house: House) -> None:
    ada = house.account()
    inbox, archive = house.box(ada), house.box(ada, "Archive")
    house.append(inbox, raw=letter("x", "findme"))
    house.store.index.advance(house.store)
    house.store.run(mail.move, inbox.id, mail.ALL, archive.id)
    assert house.store.look(search, archive.id, Body("indme")) == [1]
    assert house.store.look(search, inbox.id, Body("indme")) == []


@only_sqlite
@pytest.mark.parametrize("text", ["word " * (index.MAX_BODY // 5), "鴎外 " * 200_000])
def test_a_very_long_text_is_read_to_its_end(house: House, text: str) -> None:
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", f"{text}\r\nneedle"))
    house.store.index.advance(house.store)
    with sqlite3.connect(house.store.index.path) as raw:
        assert raw.execute("SELECT whole, length(body) <= ? FROM text", (len(text),)).fetchall() == [(0, 1)]
    raw.close()
    assert house.store.look(search, inbox.id, Body("needle")) == [1]
    assert house.store.look(search, inbox.id, Body("needles")) == []


@only_sqlite
def test_what_is_gone_is_forgotten(house: House, clock: Clock) -> None:
    store = house.store
    inbox = house.box(house.account())
    for subject in ("one", "two", "three"):
        house.append(inbox, raw=letter(subject, "common"))
    store.index.advance(store)
    store.run(mail.store_flags, inbox.id, [(2, 2)], "add", ["\\Deleted"])
    store.run(mail.expunge, inbox.id)
    assert store.index.forget(store) == 0
    clock.now += tidy.GRACE
    asyncio.run(tidy.tidy_up(store))
    assert rows(store) == 2
    assert store.look(search, inbox.id, Text("common")) == [1, 3]
    assert "one" in store.look(words, "header")
    assert "two" not in store.look(words, "header")
    field_words = store.look(words, "field")
    assert ("one" in field_words, "two" in field_words, "three" in field_words) == (True, False, True)
    store.run(account.remove, "ada@example.org")
    assert store.index.forget(store) == 2
    for kind in vocabulary.MARK_BITS:
        assert store.look(words, kind) == []


@only_sqlite
def test_it_can_be_made_anew(house: House) -> None:
    store = house.store
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", "findme"))
    store.index.advance(store)
    house.append(inbox, raw=letter("y", "findme too"))
    told: list[int] = []
    assert store.index.rebuild(store, told.append) == 2
    assert (rows(store), told) == (2, [2])
    assert store.index.advance(store) == 0
    assert store.look(search, inbox.id, Body("findme")) == [1, 2]


@pytest.mark.parametrize("damage", [b"", b"this is no database" * 500])
def test_a_lost_index_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    store = Store.open(tmp_path, readers=1)
    house = House(store)
    inbox = house.box(house.account())
    house.append(inbox, raw=letter("x", "findme"))
    store.index.advance(store)
    store.close()
    (tmp_path / "search.sqlite3").write_bytes(damage)
    store = Store.open(tmp_path, readers=1)
    assert store.look(search, inbox.id, Body("findme")) == [1]
    assert store.index.advance(store) == 1
    assert store.look(search, inbox.id, Body("findme")) == [1]
    store.close()


@only_sqlite
def test_one_process_indexes(house: House) -> None:
    store = house.store
    house.append(house.box(house.account()))
    other = Store.open(store.data, readers=1)
    counts: list[int] = []

    class Meanwhile(Store):
        """A store that lets another process try, while it is asked for messages."""

        def look(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            if not counts:
                counts.append(other.index.advance(other))
            return super().look(*args, **kwargs)

    watched = Meanwhile.open(store.data, readers=1)
    assert watched.index.advance(watched) == 1
    assert counts == [0]
    watched.close()
    other.close()


FIELDS = (
    "Subject: one\r\nList-Id: <dev.lists.example>\r\nX-Odd_Name%: a\r\n\r\ntext: list-id: <dev>\r\n",
    "Subject: list-id: <dev\r\nX-Odd: b\r\n\r\n\r\n",
    "subject: two\r\nLIST-ID:\r\n =?utf-8?q?Entwicklung_f=C3=BCr?= <ops.lists.example>\r\n\r\n\r\n",
    "Subject: three\r\nX-Empty:\r\n\r\n\r\n",
)


@only_sqlite
@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("list-id", "", [1, 3]),
        ("List-ID", "lists", [1, 3]),
        ("list-id", "<dev", [1]),
        ("list-id", "FÜR <OPS", [3]),
        ("list-id", ".", [1, 3]),
        ("list", "", []),
        ("x-odd_name%", "", [1]),
        ("x-odd%", "", []),
        ("x_odd", "", []),
        ("x-empty", "", [4]),
        ("subject", "e", [1, 2, 4]),
        ("nowhere", "", []),
    ],
)
def test_a_field_is_found_with_the_index_and_without(house: House, name: str, wanted: str, found: list[int]) -> None:
    inbox = house.box(house.account())
    for raw in FIELDS:
        house.append(inbox, raw=raw.encode())
    assert house.store.look(search, inbox.id, Header(name, wanted)) == found
    house.store.index.advance(house.store)
    assert house.store.look(search, inbox.id, Header(name, wanted)) == found
    assert house.store.look(search, inbox.id, Not(Header(name, wanted))) == sorted({1, 2, 3, 4} - set(found))


def big(attachment: int) -> bytes:
    """A letter with a file of so many octets between its text and a last one."""
    line = b"QUJD" * 19 + b"\r\n"
    return (
        b"Subject: big\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\n\r\nthe first words\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        + line * (attachment // len(line))
        + b"--b\r\n\r\nthe last words\r\n--b--\r\n"
    )


def test_of_a_large_letter_only_the_text_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Counted(octets.Octets):
        def __getitem__(self, where: slice) -> bytes:
            found = super().__getitem__(where)
            read.append(len(found))
            return found

    monkeypatch.setattr(blob, "Octets", Counted)
    inbox = house.box(house.account())
    house.append(inbox, raw=big(5_000_000))
    for key in (Body("first words"), Body("last words"), Body("plan.pdf"), Text("subject: big")):
        assert house.store.look(search, inbox.id, key) == [1]
    if house.store.index is not None:
        house.store.index.advance(house.store)
        assert house.store.look(search, inbox.id, Body("last words")) == [1]
    assert 0 < sum(read) < 10_000


def test_of_a_giant_text_the_beginning_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MAX_TEXT", 100)
    inbox = house.box(house.account())
    house.append(inbox, raw=letter(body="early " + "x" * 100 + " late"))
    fresh.settle(house.store)
    assert house.store.look(search, inbox.id, Body("early")) == [1]
    assert house.store.look(search, inbox.id, Body("late")) == []


ACCENTED = (("la façade du café", "l'Île"), ("Ёжик в тумане", "Ἀθῆναι"), ("facade", "cafe"), ("ガラス", "か"))


@pytest.mark.parametrize("indexed", [False, True], ids=["read", "indexed"])
@pytest.mark.parametrize(
    ("wanted", "without", "exactly"),
    [
        ("facade", [1, 3], [3]),
        ("FAÇADE", [1, 3], [1]),
        ("acade du c", [1], []),
        ("cafe", [1, 3], [1, 3]),
        ("café", [1, 3], [1]),
        ("ile", [1], []),
        ("ежик", [2], []),
        ("αθηναι", [2], []),
        ("カ", [4], [4]),
        ("カラ", [], []),
        ("ガラ", [4], [4]),
        ("ç", [1, 3], [1]),
    ],
)
def test_accents_may_be_left_out(
    house: House, wanted: str, without: list[int], exactly: list[int], indexed: bool
) -> None:
    inbox = house.box(house.account())
    for body, subject in ACCENTED:
        house.append(inbox, raw=letter(subject, body))
    if indexed and house.store.index is not None:
        house.store.index.advance(house.store)
    any_of = Or((Body(wanted), Field("subject", wanted)))
    assert house.store.look(search, inbox.id, any_of, accents=False) == without
    assert house.store.look(search, inbox.id, any_of) == exactly
    fields = Or((Body(wanted), Header("subject", wanted)))
    assert house.store.look(search, inbox.id, fields, accents=False) == without


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (sqlite3.SQLITE_FULL, "The disk has no room for it."),
        (sqlite3.SQLITE_IOERR_WRITE, "The disk reported an error."),
        (sqlite3.SQLITE_BUSY, "Another program holds the store's database."),
    ],
)
def test_an_index_that_is_only_out_of_reach_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    """A command on a full disk deleted the index that a running server was using, and ended with a traceback."""
    Store.open(tmp_path).close()
    before = (tmp_path / "search.sqlite3").stat()

    class InTheWay(sqlite3.OperationalError):
        sqlite_errorcode = code

    def fail(_: index.Index) -> sqlite3.Connection:
        raise InTheWay

    with monkeypatch.context() as patched:
        patched.setattr(index.Index, "_open", fail)
        with pytest.raises(StoreError, match=words):
            Store.open(tmp_path)
    assert (tmp_path / "search.sqlite3").stat() == before
    Store.open(tmp_path).close()


@only_sqlite
def test_an_index_of_another_version_is_made_anew(tmp_path: Path, store: Store) -> None:
    other = Store.open(tmp_path / "other", readers=1)
    house = House(other)
    house.append(house.box(house.account()))
    other.index.advance(other)
    assert rows(other) == 1
    other.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "other" / "search.sqlite3")) as raw:
        raw.execute("PRAGMA user_version = 1")
    other = Store.open(tmp_path / "other", readers=1)
    assert rows(other) == 0
    other.index.advance(other)
    assert rows(other) == 1
    other.close()


@only_sqlite
def test_words_are_listed_for_many_messages_at_a_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then texts are compared; what is removed of either is removed."""
    monkeypatch.setattr(index, "UNLISTED", 4)
    store, inbox = house.store, house.box(house.account())

    def listed() -> int:
        number: int = store.look(lambda tx: tx.value("SELECT listed FROM search.state"))
        return number

    for number in range(1, 11):
        house.append(inbox, raw=letter(f"letter {number}", f"word{number} Straße" + " 会議" * (number % 2)))
        store.index.advance(store)
        assert listed() == number // 4 * 4
        expected = [*range(1, number + 1)]
        for wanted in ("ord", "wo", "o", "strasse"):
            assert store.look(search, inbox.id, Body(wanted)) == expected, wanted
        for wanted in ("word1", "rd1", "letter 1"):
            assert store.look(search, inbox.id, Text(wanted)) == [one for one in expected if one in (1, 10)], wanted
        assert store.look(search, inbox.id, Body("rd1 straß")) == [1]
        assert store.look(search, inbox.id, Body("会")) == [one for one in expected if one % 2]
        assert store.look(search, inbox.id, Header("subject", "letter 1")) == [
            one for one in expected if one in (1, 10)
        ]
    store.run(account.remove, "ada@example.org")
    assert store.index.forget(store) == 10
    for kind in vocabulary.MARK_BITS:
        assert store.look(words, kind) == []
    for kind in vocabulary.MARK_BITS:
        assert store.look(lambda tx, kind=kind: tx.all(f"SELECT * FROM search.{kind}_gram")) == []


@only_sqlite
def test_what_comes_while_it_indexes_waits_for_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would have no end while letters come without a pause, and a transaction for each few of them."""
    store, inbox = house.store, house.box(house.account())
    house.append(inbox)
    real = index._portions

    def portions(store: Store, messages: list[index._Message]) -> Iterator[list[index._Row]]:
        house.append(inbox, raw=letter("meanwhile"))
        return real(store, messages)

    with monkeypatch.context() as patch:
        patch.setattr(index, "_portions", portions)
        assert store.index.advance(store) == 1
    assert store.index.advance(store) == 1


@only_sqlite
def test_words_of_other_messages_leave_none_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a part that too many words have the first ones are read: here those of messages that came long before."""
    monkeypatch.setattr(vocabulary, "LISTS_A_MESSAGE", 0)
    monkeypatch.setattr(vocabulary, "FEW_LISTS", 3)
    store, inbox = house.store, house.box(house.account())
    for number in range(1, 8):
        house.append(inbox, raw=letter("x", f"word{number}"))
    store.index.advance(store)
    with contextlib.closing(sqlite3.connect(store.index.path)) as raw:
        raw.execute("UPDATE body_word SET only = 7 WHERE word LIKE 'word%' AND word <= 'word5'")
        raw.commit()
    assert store.look(search, inbox.id, Body("word")) == [1, 2, 3, 4, 5, 6, 7]
