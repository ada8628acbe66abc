"""Letters in a .zip: what is written is read, and what no letter would do is refused."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from posthouse.errors import MailFileError
from posthouse.files import Item, MboxFolderWriter, ZipWriter, read, read_zip, zipped

WHEN = datetime(2024, 2, 29, 12, 30, 1, tzinfo=UTC)
ITEMS = [
    Item(b"Subject: a\r\n\r\nHello\r\n", frozenset({"\\Seen", "Work"}), WHEN),
    Item(b"Subject: a\r\n\r\nHello\r\n", frozenset(), None, "Work/Bills"),
    Item(b"", frozenset({"$Junk"}), datetime(1970, 1, 1, tzinfo=UTC), "Größe"),
    Item(b"Subject: ../../x\r\n\r\n", frozenset(), WHEN, "../etc"),
]


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, octets in members.items():
            file.writestr(name, octets)
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    with ZipWriter(tmp_path / "mail.zip") as writer:
        for item in ITEMS:
            writer.add(item)
    assert list(read(tmp_path / "mail.zip")) == [*ITEMS[:3], Item(ITEMS[3].octets, frozenset(), WHEN, "folder/etc")]
    with zipfile.ZipFile(tmp_path / "mail.zip") as file:
        assert file.testzip() is None
        assert file.namelist()[:2] == ["000001 a.eml", "Work/Bills/000002 a.eml"]
    with pytest.raises(MailFileError, match="exists already"):
        ZipWriter(tmp_path / "mail.zip")


def test_a_date_with_a_year_of_three_digits(tmp_path: Path) -> None:
    item = Item(b"x", frozenset({"\\Seen"}), datetime(987, 1, 1, tzinfo=UTC))
    with ZipWriter(tmp_path / "mail.zip") as writer:
        writer.add(item)
    assert list(read(tmp_path / "mail.zip")) == [item]


def test_a_cut_off_one_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ZipWriter(tmp_path / "mail.zip") as writer:
        writer.add(ITEMS[0])
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_other_programs_archives(tmp_path: Path) -> None:
    mbox = b"From a@b Thu Jan  1 00:00:00 1970\nA: %d\n\nx\n"
    path = archive(
        tmp_path / "x.zip",
        {
            "Inbox": mbox % 1,
            "Old/2020.mbox": mbox % 2,
            "a/b.EML": b"A: 3\n\nx\n",
            "../../etc/passwd.eml": b"A: 4\n\n",
            "/abs/./c.eml": b"A: 5\n\n",
            "notes.txt": b"no mail",
            "__MACOSX/a/b.eml": b"junk",
            "a/._b.eml": b"junk",
            "a/": b"",
        },
    )
    assert [(item.octets[3:4], item.folder) for item in read_zip(path)] == [
        (b"1", "Inbox"), (b"2", "Old/2020"), (b"3", "a"), (b"4", "etc"), (b"5", "abs"),
    ]  # fmt: skip
    assert not list(tmp_path.glob("*/")), "nothing is unpacked"


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "ALLOWANCE", 100_000)
    bomb = archive(tmp_path / "bomb.zip", {f"{number}.eml": b"\n" * 3_000_000 for number in range(3)})
    with pytest.raises(MailFileError, match="200 times"):
        list(read_zip(bomb))
    mbox = archive(tmp_path / "mbox.zip", {"m": b"From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\n" + b"\n" * 9_000_000})
    with pytest.raises(MailFileError, match="200 times"):
        list(read_zip(mbox))
    monkeypatch.setattr(zipped, "MEMBERS", 2)
    with pytest.raises(MailFileError, match="more than 2 members"):
        list(read_zip(bomb))


def test_no_letter_in_it(tmp_path: Path) -> None:
    with pytest.raises(MailFileError, match=r"no \.eml and no mbox"):
        list(read(archive(tmp_path / "x.zip", {"a.txt": b"x"})))
    with pytest.raises(MailFileError, match="there is no file"):
        list(read_zip(tmp_path / "missing.zip"))


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = archive(tmp_path / "x.zip", {f"{number}.eml": b"A: 1\n\n" * 50 for number in range(3)})
    assert len(list(read_zip(path, progress=lambda done, total: told.append((done, total))))) == 3
    assert len(told) == 3
    assert told[-1][0] == told[-1][1] > 0


def test_one_damaged_member_costs_no_other_letter(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as file:  # nothing is packed, so that the damage is in a letter's octets
        for name in ("1.eml", "2.eml", "3.eml", "4.eml"):
            file.writestr(name, f"A: {name}\n\nx\n")
    path.write_bytes(path.read_bytes().replace(b"A: 2.eml", b"A: #.eml").replace(b"A: 3.eml", b"A: ?.eml"))
    assert [item.octets[3:4] for item in read(path)] == [b"1", b"4"]
    (told,) = caplog.messages
    assert told.startswith(f"passed over {path / '2.eml'} (and 1 more like it), which is damaged")
    path.write_bytes(path.read_bytes().replace(b"A: 1.eml", b"A: #.eml").replace(b"A: 4.eml", b"A: #.eml"))
    with pytest.raises(MailFileError, match=r"x\.zip is damaged"):
        list(read(path))


def test_of_a_damaged_mbox_the_letters_before_the_damage_come(tmp_path: Path) -> None:
    chance = random.Random(1)
    letter = b"From a@b Thu Jan  1 00:00:00 1970\nA: %03d\n\n%b\n"
    letters = b"".join(letter % (number, chance.randbytes(3_000).hex().encode()) for number in range(500))
    path = archive(tmp_path / "x.zip", {"a": letters, "b": letter % (999, b"x")})
    octets = bytearray(path.read_bytes())
    middle = len(octets) // 2
    octets[middle : middle + 40] = bytes(40)
    path.write_bytes(octets)
    *numbers, last = [int(b"".join(item.chunks())[3:6]) for item in read(path)]
    assert numbers == [*range(len(numbers))] and 100 < len(numbers) < 400
    assert last == 999


BASE = io.BytesIO()
with zipfile.ZipFile(BASE, "w", zipfile.ZIP_DEFLATED) as _file:
    _file.writestr("a/b.eml", b"Subject: x\r\n\r\n" + bytes(range(256)))
    _file.writestr("c", b"From a@b Thu Jan  1 00:00:00 1970\nA: 1\n\nx\n")


@example([(BASE.getvalue().index(b"PK\x05\x06") + 16, 255)], False)  # members begin before the file does
@example([(BASE.getvalue().index(b"PK\x01\x02") + 46, 0)], False)  # a member without a name
@given(st.lists(st.tuples(st.integers(0, len(BASE.getvalue()) - 1), st.integers(0, 255)), max_size=4), st.booleans())
def test_damage_is_told(tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]], cut: bool) -> None:
    octets = bytearray(BASE.getvalue())
    for place, value in damage:
        octets[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(octets[: damage[0][0]] if cut and damage else octets)
    try:
        items = list(read_zip(path))
    except MailFileError:
        return
    assert items


def test_a_folder_of_mbox_files(tmp_path: Path) -> None:
    items = [
        Item(b"A: 1\r\n\r\n", frozenset({"\\Seen"}), WHEN),
        Item(b"A: 2\r\n\r\n", frozenset(), WHEN, "Work"),
        Item(b"A: 3\r\n\r\n", frozenset(), WHEN, "Work/Bills"),
        Item(b"A: 4\r\n\r\n", frozenset(), WHEN, "a:b"),
        Item(b"A: 5\r\n\r\n", frozenset(), WHEN, "a?b"),
    ]
    with MboxFolderWriter(tmp_path / "out") as writer:
        for item in items:
            writer.add(item)
    back = {item.octets: item for item in read(tmp_path / "out")}
    assert {item.folder for item in back.values()} == {"INBOX", "Work", "Work/Bills", "a_b", "a_b 2"}
    assert back[items[0].octets] == Item(items[0].octets, items[0].flags, WHEN, "INBOX")
    with pytest.raises(MailFileError, match="exists already"), MboxFolderWriter(tmp_path / "out") as writer:
        writer.add(items[0])
