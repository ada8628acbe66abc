"""Files and folders of mail are recognised by what is in them; single letters are written and read."""

from __future__ import annotations

import errno
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from posthouse.errors import MailFileError
from posthouse.files import EmlWriter, Item, MaildirWriter, MboxWriter, read, read_eml, read_maildir
from posthouse.files.target import Format, new_target

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
    "octets",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"",
        b"%PDF-1.7\n",
        b"Dear Bob,\r\n\r\nSubject: x\r\n",
        b"root:x:0:0:root:/root:/bin/bash\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n",
    ],
)
def test_what_is_no_mail_is_refused(tmp_path: Path, name: str, octets: bytes) -> None:
    (tmp_path / name).write_bytes(octets)
    with pytest.raises(MailFileError, match=r"no mail|no \.zip"):
        list(read(tmp_path / name))


@pytest.mark.parametrize("octets", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"", "Subject: x\n\n".encode("utf-16")])
def test_what_is_only_called_a_letter_is_none(tmp_path: Path, octets: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.eml").write_bytes(octets)
    with pytest.raises(MailFileError, match="is no mail"):
        list(read(tmp_path / "a.eml"))
    (tmp_path / "b.eml").write_bytes(octets)
    (tmp_path / "c.eml").write_bytes(b"Text alone.\n")
    assert [item.octets for item in read(tmp_path)] == [b"Text alone.\r\n"]
    why = "is no letter" if octets else "is empty"
    assert caplog.messages == [f"passed over {tmp_path / 'a.eml'} (and 1 more like it), which {why}"]


def test_an_mbox_that_begins_with_blank_lines(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(b"\n\r\nFrom ann@example.org Thu Jan  1 00:00:00 2026\nSubject: s\n\nHello\n")
    assert [item.octets for item in read(tmp_path / "box")] == [OCTETS]


def test_an_mbox_of_an_old_macintosh_is_refused(tmp_path: Path) -> None:
    """It would be one line, and its letters lost without a word."""
    (tmp_path / "box").write_bytes(b"From ann@example.org Thu Jan  1 00:00:00 2026\rSubject: s\r\rHello\r")
    with pytest.raises(MailFileError, match="CR alone"):
        list(read(tmp_path / "box"))


def test_links_that_lead_out_are_not_followed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever owns a folder could have an administrator read for them what only the administrator may see."""
    (tmp_path / "secret").write_bytes(b"Subject: secret\n\n")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.eml").write_bytes(b"Subject: a\n\n")
    (inside / "b.eml").symlink_to("a.eml")
    (inside / "c.eml").symlink_to("../secret")
    (inside / "d.eml").symlink_to(tmp_path / "nowhere")
    for place in (tmp_path / "others", inside / "md"):
        with MaildirWriter(place) as writer:
            writer.add(Item(f"Subject: {place.name}\r\n\r\n".encode()))
    (inside / "md" / "new" / "1.secret").symlink_to(tmp_path / "secret")
    (inside / "md" / ".others").symlink_to(tmp_path / "others")
    (tmp_path / "link").symlink_to("inside")
    for named in (inside, tmp_path / "link"):  # the link that somebody names is meant
        assert [item.octets[9:-4] for item in read(named)] == [b"a", b"a", b"md"]
    assert caplog.messages[0] == (
        f"passed over {inside / 'c.eml'} (and 3 more like it), which leads out of {inside}: import what it leads to by"
        " its own name"
    )
    assert [item.octets[9:-4] for item in read_maildir(inside / "md")] == [b"md"]


def test_a_pipe_is_told_and_never_waited_at(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.eml")
    with pytest.raises(MailFileError, match="is no file and no folder"):
        list(read(tmp_path / "pipe.eml"))
    with MaildirWriter(tmp_path / "md"):
        os.mkfifo(tmp_path / "md" / "cur" / "1.a:2,S")
    assert list(read(tmp_path)) == []


@pytest.mark.parametrize(
    "octets", [b"Subject: x\r\n\r\n", b"\n\nSubject : x\n", b">From ann Fri\nReceived: y\n", b"X-Y:"]
)
def test_a_letter_may_have_any_name(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "1700000000.M1P2").write_bytes(octets)
    assert len(list(read(tmp_path / "1700000000.M1P2"))) == 1


@pytest.mark.parametrize("form", list(Format))
def test_a_full_disk_is_named(tmp_path: Path, form: Format) -> None:
    with (
        pytest.raises(MailFileError, match=f"there is no room for {tmp_path / 'new'}$") as error,
        new_target(tmp_path / "new", form, alone=True) as writer,
    ):
        writer.add(Item(OCTETS))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert error.value.advice == "Free some there, or choose another place."
    assert list(tmp_path.iterdir()) == []
