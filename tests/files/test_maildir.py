"""Maildir: what is written comes back with flags, dates and folders; other programs' Maildirs are read."""

from __future__ import annotations

import mailbox
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthouse.errors import MailFileError
from posthouse.files import Item, MaildirWriter, disk, maildir, read_maildir

DATE = datetime(2009, 3, 16, 12, 30, 45, tzinfo=UTC)
OCTETS = b"Subject: s\r\n\r\nHello\r\n"


def write(path: Path, items: list[Item]) -> None:
    with MaildirWriter(path) as writer:
        for item in items:
            writer.add(item)


def test_letters_come_back(tmp_path: Path) -> None:
    items = [
        Item(b"Subject: a\r\n\r\nFrom here\r\n", frozenset(), DATE),
        Item(b"Subject: b\r\n\r\n", frozenset({"\\Seen", "\\Flagged", "\\Answered"}), DATE),
        Item(b"Subject: c\r\n\r\n", frozenset({"\\Draft", "\\Deleted", "$Forwarded", "later", "$Work"}), DATE),
        Item(b"Subject: d\r\n\r\n", frozenset({"later"}), DATE, "Archive"),
        Item(b"Subject: e\r\n\r\n", frozenset({"other"}), DATE, "Archive/v1.2/Entwürfe & Co/日本語"),
    ]
    write(tmp_path / "Mail", items)
    assert list(read_maildir(tmp_path / "Mail")) == items


def test_files_are_as_other_programs_expect_them(tmp_path: Path) -> None:
    write(
        tmp_path,
        [Item(OCTETS, frozenset({"\\Seen", "\\Flagged"}), DATE), Item(OCTETS, date=DATE), Item(OCTETS, folder="A.B/ü")],
    )
    (seen,) = (tmp_path / "cur").iterdir()
    assert seen.name.startswith("1237206645.M")
    assert seen.name.endswith(":2,FS")
    assert seen.read_bytes() == b"Subject: s\n\nHello\n"
    assert seen.stat().st_mtime == 1237206645
    (new,) = (tmp_path / "new").iterdir()
    assert ":" not in new.name
    assert (tmp_path / ".A&AC4-B.&APw-" / "maildirfolder").exists()
    assert not list((tmp_path / "tmp").iterdir())
    box = mailbox.Maildir(tmp_path)
    assert sorted(message.get_flags() for message in box) == ["", "FS"]


def test_a_maildir_is_added_to(tmp_path: Path) -> None:
    for keyword in ("one", "two", "one"):
        write(tmp_path, [Item(OCTETS, frozenset({keyword}), DATE)])
    assert (tmp_path / "dovecot-keywords").read_text() == "0 one\n1 two\n"
    assert sorted(str(*item.flags) for item in read_maildir(tmp_path)) == ["one", "one", "two"]


def test_only_26_keywords_fit(tmp_path: Path) -> None:
    write(tmp_path, [Item(OCTETS, frozenset({f"k{number:02d}" for number in range(30)}), DATE)])
    assert next(read_maildir(tmp_path)).flags == {f"k{number:02d}" for number in range(26)}


def make(path: Path, *names: str, octets: bytes = b"Subject: s\n\n") -> None:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True, exist_ok=True)
    for name in names:
        (path / name).write_bytes(octets)


def test_maildirs_of_other_programs(tmp_path: Path) -> None:
    make(
        tmp_path,
        "cur/1.host,S=10,W=12:2,SRFTDPab",
        "cur/2.host;2,S",
        "cur/3.host!2,F",
        "new/4.host",
        "tmp/5.host",
        "cur/.hidden",
    )
    make(tmp_path / ".Sent.Old&AOQ-", "cur/1.a:2,")
    make(tmp_path / ".Bad&name", "cur/1.b:2,")
    make(tmp_path / "Layout" / "FS", "cur/1.c:2,S")
    (tmp_path / "dovecot-keywords").write_text("0 $Junk\nnonsense\n1 two words\n99 far\n")
    (tmp_path / ".notes").mkdir()
    items = list(read_maildir(tmp_path))
    assert [(item.folder, item.flags) for item in items] == [
        ("", {"\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft", "$Forwarded", "$Junk"}),
        ("", {"\\Seen"}),
        ("", {"\\Flagged"}),
        ("", frozenset()),
        ("Bad&name", frozenset()),
        ("Sent/Oldä", frozenset()),
        ("Layout/FS", {"\\Seen"}),
    ]
    assert {item.octets for item in items} == {b"Subject: s\r\n\r\n"}


def test_a_letter_renamed_while_reading_is_not_lost(tmp_path: Path) -> None:
    make(tmp_path, "cur/1.a:2,", "cur/2.b:2,", "new/3.c")
    reading = read_maildir(tmp_path)
    next(reading)
    (tmp_path / "cur/2.b:2,").rename(tmp_path / "cur/2.b:2,S")
    (tmp_path / "new/3.c").rename(tmp_path / "cur/3.c:2,F")
    assert [item.flags for item in reading] == [{"\\Seen"}, {"\\Flagged"}]


def test_a_letter_moved_between_the_listings_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "cur/1.a:2,", "new/1.ab", "new/2.b")
    listed = maildir.sorted_names

    def listing(folder: Path, key: Callable[[str], str] | None = None) -> Iterator[str]:
        names = list(listed(folder, key))
        if folder.name == "new":
            (tmp_path / "new/2.b").rename(tmp_path / "cur/2.b:2,S")
            (tmp_path / "new/1.ab").rename(tmp_path / "cur/1.ab:2,F")
        yield from names

    monkeypatch.setattr(maildir, "sorted_names", listing)
    assert [item.flags for item in read_maildir(tmp_path)] == [frozenset(), {"\\Flagged"}, {"\\Seen"}]


def test_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(MailFileError, match="no Maildir"):
        list(read_maildir(tmp_path))


def test_folder_names_cannot_leave_the_maildir(tmp_path: Path) -> None:
    with MaildirWriter(tmp_path / "Mail") as writer:
        for name in ("/etc", "a//b", "a/", "a\0b"):
            with pytest.raises(MailFileError, match="can't be the name"):
                writer.add(Item(OCTETS, folder=name))
        writer.add(Item(OCTETS, folder="../../x"))
    assert [path.name for path in tmp_path.iterdir()] == ["Mail"]
    assert [item.folder for item in read_maildir(tmp_path / "Mail")] == ["../../x"]


def test_progress(tmp_path: Path) -> None:
    make(tmp_path, "cur/1.a:2,", "new/2.b", octets=b"x" * 10)
    told: list[tuple[int, int]] = []
    list(read_maildir(tmp_path, progress=lambda done, total: told.append((done, total))))
    assert told == [(10, 20), (20, 20)]


def test_order_is_that_of_delivery_also_beyond_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_RUN", 3)
    names = [f"{number:03d}" for number in range(20)] + ["0\n0", os.fsdecode(b"\xff")]
    for name in names:
        (tmp_path / name).touch()
    assert list(disk.sorted_names(tmp_path)) == sorted(names)
    assert list(disk.sorted_names(tmp_path / "missing")) == []


def test_symbolic_links_in_a_circle_end(tmp_path: Path) -> None:
    make(tmp_path / "a", "cur/1.a:2,")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    assert len(list(read_maildir(tmp_path / "a"))) == 1


def test_names_that_a_file_system_does_not_take(tmp_path: Path) -> None:
    """In Maildir++ all levels of a folder are one name, in which a Cyrillic letter takes some three octets."""
    deep = "/".join(["Проекты и договоры", "Общество «Ромашка»", "Переписка по договору", "cur", "2024 г."] * 2)
    long = "Письма " * 40
    items = [Item(OCTETS, frozenset(), DATE, name) for name in (deep, f"{long}1", f"{long}2", "tmp", "Проекты")]
    write(tmp_path / "Mail", items)
    read = {item.folder for item in read_maildir(tmp_path / "Mail")}
    assert {deep, "tmp", "Проекты"} < read
    shortened = read - {deep, "tmp", "Проекты"}
    assert len(shortened) == 2
    assert all(name.startswith("Письма Письма ") and "~" in name for name in shortened)
