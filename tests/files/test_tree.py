"""Files and folders of mail are recognised by what is in them; single letters are written and read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthouse.errors import MailFileError
from posthouse.files import EmlWriter, Item, MaildirWriter, MboxWriter, read, read_eml

OCTETS = b"Subject: s\r\n\r\nHello\r\n"


def mbox(path: Path, *octets: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with MboxWriter(path) as writer:
        for one in octets:
            writer.add(Item(one))


def test_one_file(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(b"Subject: s\n\nHello\n")
    assert list(read(tmp_path / "letter.txt")) == [Item(OCTETS)]
    mbox(tmp_path / "box", OCTETS, OCTETS)
    assert list(read(tmp_path / "box")) == [Item(OCTETS)] * 2


def test_nothing_there(tmp_path: Path) -> None:
    for reader in (read, read_eml):
        with pytest.raises(MailFileError, match="no file"):
            list(reader(tmp_path / "missing"))


def test_a_folder_of_everything(tmp_path: Path) -> None:
    mbox(tmp_path / "Inbox", b"A: 1\r\n\r\n")
    mbox(tmp_path / "Inbox.sbd" / "Work", b"A: 2\r\n\r\n")
    (tmp_path / "Inbox.msf").write_bytes(b"// <!-- an index -->")
    mbox(tmp_path / "Old.mbox", b"A: 3\r\n\r\n")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "b.EML").write_bytes(b"A: 4\n\n")
    (tmp_path / "letters" / "notes.txt").write_bytes(b"no mail")
    (tmp_path / "letters" / "loop").symlink_to(tmp_path)
    with MaildirWriter(tmp_path / "md") as writer:
        writer.add(Item(b"A: 5\r\n\r\n"))
        writer.add(Item(b"A: 6\r\n\r\n", folder="Sent"))
    (tmp_path / "empty").touch()
    told: list[tuple[int, int]] = []
    items = list(read(tmp_path, progress=lambda done, total: told.append((done, total))))
    assert [(item.octets[3:4], item.folder) for item in items] == [
        (b"1", "Inbox"), (b"2", "Inbox/Work"), (b"3", "Old"), (b"4", "letters"), (b"5", "md"), (b"6", "md/Sent"),
    ]  # fmt: skip
    assert len(told) == 6
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] <= told[-1][1] == told[0][1]


def test_a_maildir_with_folders_only(tmp_path: Path) -> None:
    with MaildirWriter(tmp_path) as writer:
        writer.add(Item(OCTETS, folder="Sent"))
    for part in ("cur", "new", "tmp"):
        (tmp_path / part).rmdir()
    assert [item.folder for item in read(tmp_path)] == ["Sent"]


def test_letters_are_written_to_files_of_their_own(tmp_path: Path) -> None:
    date = datetime(2020, 1, 1, tzinfo=UTC)
    with EmlWriter(tmp_path) as writer:
        paths = [
            writer.add(Item(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=: ../../etc/passwd\r\n\r\nx\r\n", date=date)),
            writer.add(Item(b"\r\nno header\r\n", folder="../a/..")),
            writer.add(Item(b"Subject: " + b"long " * 100 + b"\r\n\r\n", folder="../a/..")),
        ]
    assert [path.relative_to(tmp_path).as_posix() for path in paths[:2]] == [
        "000001 Grüße_ .._.._etc_passwd.eml", "folder/a/folder/000002.eml",
    ]  # fmt: skip
    assert paths[2].name == "000003 " + "long " * 11 + "long.eml"
    assert sorted(item.octets for item in read(tmp_path))[0] == b"\r\nno header\r\n"
    assert read_eml(paths[0]).octets.endswith(b"x\r\n")
    with EmlWriter(tmp_path) as again, pytest.raises(MailFileError, match="exists already"):
        again.add(Item(b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=: ../../etc/passwd\r\n\r\n"))


@pytest.mark.parametrize("name", ["picture", "archive.zip", "letters.mbox"])
@pytest.mark.parametrize(
    "octets", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"", b"%PDF-1.7\n", b"Dear Bob,\r\n\r\nSubject: x\r\n"]
)
def test_what_is_no_mail_is_refused(tmp_path: Path, name: str, octets: bytes) -> None:
    (tmp_path / name).write_bytes(octets)
    with pytest.raises(MailFileError, match=r"no mail|no \.zip"):
        list(read(tmp_path / name))


@pytest.mark.parametrize(
    "octets", [b"Subject: x\r\n\r\n", b"\n\nSubject : x\n", b">From ann Fri\nReceived: y\n", b"X:"]
)
def test_a_letter_may_have_any_name(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "1700000000.M1P2").write_bytes(octets)
    assert len(list(read(tmp_path / "1700000000.M1P2"))) == 1
