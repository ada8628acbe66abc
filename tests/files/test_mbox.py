"""mbox: every dialect gives back what was written; files of other programs are read as they meant them."""

from __future__ import annotations

import io
import mailbox
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from file_promises import PIECES
from linear import assert_linear
from posthouse.errors import MailFileError
from posthouse.files import Dialect, Item, MboxWriter, read_mbox

DATE = datetime(2009, 3, 16, 12, 30, 45, tzinfo=UTC)
DIALECTS: list[Dialect] = ["mboxo", "mboxrd", "mboxcl", "mboxcl2"]
REVERSIBLE: list[Dialect] = ["mboxrd", "mboxcl", "mboxcl2"]
LETTER = (
    b"Subject: one\r\n\r\nFrom here to there\r\n>From quoted\r\n>>From twice\r\n\r\n"
    b"From a@x.org Mon Mar 16 12:00:00 2009\r\nSubject: no\r\n"
)


def write(path: Path, items: list[Item], dialect: Dialect = "mboxrd") -> bytes:
    with MboxWriter(path, dialect=dialect) as writer:
        for item in items:
            writer.add(item)
    return path.read_bytes()


@pytest.mark.parametrize("dialect", REVERSIBLE)
@pytest.mark.parametrize("told", [True, False])
def test_letters_come_back_octet_for_octet(tmp_path: Path, dialect: Dialect, told: bool) -> None:
    items = [
        Item(LETTER, frozenset({"\\Seen", "\\Flagged", "$Work", "later"}), DATE, "here"),
        Item(b"Subject: two\r\n\r\n", frozenset(), None, "here"),
        Item(b"Subject: no body\r\n", frozenset({"\\Draft"}), DATE, "here"),
        Item(b"\r\nonly text\r\n", frozenset({"\\Answered", "\\Deleted"}), DATE, "here"),
        Item(b"Status: RO\r\nSubject: not from the mailbox\r\n\r\n\r\n\r\n", frozenset(), DATE, "here"),
    ]
    write(tmp_path / "box", items, dialect)
    back = list(read_mbox(tmp_path / "box", dialect=dialect if told else None, folder="here"))
    if dialect == "mboxcl" and not told:
        # Content-Length and quoting together can't be told from Content-Length alone, but for this letter.
        assert back[1:] == items[1:]
    assert back == items


def test_mboxo_can_only_undo_what_it_did(tmp_path: Path) -> None:
    written = write(tmp_path / "box", [Item(LETTER)], "mboxo")
    assert b"\n>From here" in written
    assert b"\n>From quoted" in written
    octets = next(read_mbox(tmp_path / "box", dialect="mboxo")).octets
    assert octets == LETTER.replace(b">From quoted", b"From quoted")


LINES = st.sampled_from([
    b"From ", b">From x", b">>From ", b"", b"From a@x Mon Mar 16 12:00:00 2009", b"Subject: s", b"Content-Length: 4",
    b"Status: R", b"text", b" folded", b"\xff\x00", b"lone\rCR",
])  # fmt: skip


@given(letters=st.lists(st.lists(LINES, max_size=8), max_size=5), dialect=st.sampled_from(REVERSIBLE))
@settings(max_examples=100)
def test_any_letters_come_back(
    letters: list[list[bytes]], dialect: Dialect, tmp_path_factory: pytest.TempPathFactory
) -> None:
    items = [Item(b"".join(line + b"\r\n" for line in lines) or b"\r\n", date=DATE) for lines in letters]
    path = tmp_path_factory.mktemp("mbox") / "box"
    write(path, items, dialect)
    assert list(read_mbox(path, dialect=dialect)) == items


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_standard_library_reads_what_is_written(tmp_path: Path, dialect: Dialect) -> None:
    octets = b"Subject: s\r\n\r\nHello\r\n"
    write(tmp_path / "box", [Item(octets, frozenset({"\\Seen", "\\Answered"}), DATE), Item(octets)], dialect)
    box = mailbox.mbox(tmp_path / "box")
    assert [message["Subject"] for message in box] == ["s", "s"]
    assert [message.get_payload() for message in box] == ["Hello\n", "Hello\n"]
    assert box[0].get_flags() == "ROA"
    assert box[0].get_from() == "MAILER-DAEMON Mon Mar 16 12:30:45 2009"
    box.close()


def test_the_separator_names_the_return_path(tmp_path: Path) -> None:
    octets = b"Return-Path: <ann@x.org>\r\nSubject: s\r\n\r\n"
    assert write(tmp_path / "box", [Item(octets, date=DATE)]).startswith(b"From ann@x.org Mon Mar 16 12:30:45 2009\n")


def read(octets: bytes, dialect: Dialect | None = None) -> list[Item]:
    return list(read_mbox(io.BytesIO(octets), dialect=dialect))


def test_letters_of_other_programs() -> None:
    items = read(
        b"From ann@x.org  Mon Mar  6 01:02:03 2009 +0200\n"
        b"Subject: mutt\nStatus: RO\nContent-Length: 16\nLines: 2\n\nFrom here\nthere\n\n"
        b"From - Tue Mar 17 09:09:09 2009\r\n"
        b"X-Mozilla-Status: 1005\r\nX-Mozilla-Status2: 00000000\r\nSubject: bird\r\n\r\nHi\r\n\r\n"
        b"From 1234@xxx Wed Mar 18 10:00:00 +0000 2009\n"
        b"Subject: takeout\nX-Keywords: $Junk a\\b\n\n>From quoted\n"
    )
    assert [item.octets for item in items] == [
        b"Subject: mutt\r\nStatus: RO\r\nContent-Length: 16\r\nLines: 2\r\n\r\nFrom here\r\nthere\r\n",
        b"X-Mozilla-Status: 1005\r\nX-Mozilla-Status2: 00000000\r\nSubject: bird\r\n\r\nHi\r\n",
        b"Subject: takeout\r\nX-Keywords: $Junk a\\b\r\n\r\nFrom quoted\r\n",
    ]
    assert [item.flags for item in items] == [
        {"\\Seen"}, {"\\Seen", "\\Flagged", "$Forwarded"}, {"$Junk", "a\\b"},
    ]  # fmt: skip
    assert [item.date for item in items] == [
        datetime(2009, 3, 6, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
        datetime(2009, 3, 17, 9, 9, 9, tzinfo=UTC),
        datetime(2009, 3, 18, 10, 0, tzinfo=UTC),
    ]


def test_a_line_that_only_looks_like_a_separator_is_text() -> None:
    text = b"Subject: s\n\nDear all,\n\nFrom my point of view\nall is well.\nFrom: nobody\n"
    items = read(
        b"From a@x Mon Mar 16 12:00:00 2009\n" + text + b"\nFrom a@x Mon Mar 16 12:00:00 2009\nSubject: t\n\n\n"
    )
    assert [item.octets for item in items] == [text.replace(b"\n", b"\r\n"), b"Subject: t\r\n\r\n"]


def test_a_separator_without_blank_line_or_date_is_recognised() -> None:
    items = read(
        b"From a@x Mon Mar 16 12:00:00 2009\nA: 1\n\nx\nFrom b@x Mon Mar 16 12:00:00 2009\nB: 2\n\ny\n\nFrom c\nC: 3\n"
    )
    assert [item.octets for item in items] == [b"A: 1\r\n\r\nx\r\n", b"B: 2\r\n\r\ny\r\n", b"C: 3\r\n"]


@pytest.mark.parametrize(
    "date", [b"Jan  1 00:00:00 +1400 0001", b"Dec 31 23:59:59 -1200 9999", b"Feb 31 12:00:00 2009"]
)
def test_dates_that_no_letter_has(date: bytes) -> None:
    assert read(b"From a@x Mon " + date + b"\nA: 1\n\nx\n")[0].date is None


@pytest.mark.parametrize("length", [b"0", b"3", b"5", b"999", b"99999999999999999"])
def test_a_wrong_content_length_is_not_believed(length: bytes) -> None:
    letter = b"Content-Length: " + length + b"\n\nabc\n"
    items = read(b"From a@x Mon Mar 16 12:00:00 2009\n" + letter + b"\nFrom b Mon Mar 16 12:00:00 2009\nB: 2\n\n")
    assert len(items) == 2
    assert items[0].octets.startswith(letter.replace(b"\n", b"\r\n"))


def test_no_mbox_at_all() -> None:
    assert read(b"") == []
    assert read(b"\n\n") == []
    with pytest.raises(MailFileError, match="no mbox"):
        read(b"Subject: eml\n\n")


def test_blank_lines_between_letters_are_nobodys() -> None:
    letter = b"From a@x Mon Mar 16 12:00:00 2009\nContent-Length: 4\n\nabc\n"
    assert len(read(b"\r\n" * 3 + letter + b"\n" * 3_000_000 + letter + b"\n" * 3)) == 2


def test_impossible_dates_are_no_dates() -> None:
    for date in (b"Mon Feb 31 12:00:00 2009", b"Mon Mar 16 25:00:00 2009", b"Mon Mar 16 12:00:00 +9900 2009", b"once"):
        assert read(b"From a@x " + date + b"\nA: 1\n\n")[0].date is None


def test_nothing_is_overwritten_and_no_half_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "box"
    path.write_bytes(b"precious")
    with pytest.raises(MailFileError, match="exists already"):
        MboxWriter(path)
    assert path.read_bytes() == b"precious"
    with pytest.raises(KeyError), MboxWriter(tmp_path / "new") as writer:
        writer.add(Item(LETTER))
        raise KeyError
    assert not (tmp_path / "new").exists()


def test_progress_is_told_to_the_end(tmp_path: Path) -> None:
    size = len(write(tmp_path / "box", [Item(LETTER)] * 3))
    told: list[tuple[int, int]] = []
    list(read_mbox(tmp_path / "box", progress=lambda done, total: told.append((done, total))))
    assert [total for _, total in told] == [size] * 3
    assert told[0][0] < told[1][0] < told[2][0] == size


def test_a_message_beyond_the_limit_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.files.item.MESSAGE_LIMIT", 1 << 20)
    with pytest.raises(MailFileError, match="more than 1 MB"):
        read(b"From a\nA: 1\n\n" + b"x" * (5 << 20))
    with pytest.raises(MailFileError, match="has no end"):
        read(b"From a" + b"x" * (5 << 20))


class Endless(io.RawIOBase):
    """An mbox of many letters that is made while it is read."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.letter = b"From a@x Mon Mar 16 12:00:00 2009\nSubject: s\n\n" + b"text\n" * 2000 + b"\n"

    def read(self, size: int = -1) -> bytes:
        count = min(self.left, max(1, size // len(self.letter)))
        self.left -= count
        return self.letter * count


def test_memory_stays_flat_however_many_letters() -> None:
    import tracemalloc

    tracemalloc.start()
    try:
        for item in read_mbox(Endless(3000)):  # type: ignore[arg-type]  # 30 MB
            assert len(item.octets) > 10_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize("piece", [*PIECES, b"From here on\n"])
@pytest.mark.parametrize("header", [b"", b"A: 1\n\n"])
def test_time_is_linear(header: bytes, piece: bytes) -> None:
    def run(size: int) -> None:
        octets = b"From ann@x.org Mon Mar 16 12:00:00 2009\n" + header + piece * (size // len(piece))
        for _ in read_mbox(io.BytesIO(octets)):
            pass

    assert_linear(run)
