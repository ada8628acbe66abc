"""`posthouse import` and `export`: what goes out comes in again, once."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from one_store import Run
from posthouse.cli.app import app
from posthouse.files import Item, MaildirWriter, read
from posthouse.store import transfer
from store_helpers import letter

ADA, BOB = "ada@example.org", "bob@example.org"


def items(run: Run, address: str) -> list[Item]:
    with run.store() as store:
        return list(transfer.export_mail(store, run.account_id(store, address)))


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    with MaildirWriter(tmp_path / "Maildir") as writer:
        writer.add(Item(letter("one"), frozenset({"\\Seen", "Work"})))
        writer.add(Item(letter("two")))
        writer.add(Item(letter("three"), frozenset({"\\Flagged"}), folder="Work/Bills"))
    return tmp_path / "Maildir"


def key(item: Item) -> tuple[str, bytes]:
    return item.folder, item.octets


def test_import_takes_everything_once(run: Run, maildir: Path) -> None:
    first = run("import", ADA, maildir)
    assert (first.exit_code, first.stdout) == (0, f"Imported 3 messages into {ADA}.\n"), first.stderr
    again = run("import", ADA, maildir)
    assert again.stdout == f"Imported 0 messages into {ADA}; 3 messages had come before.\n"
    assert sorted(map(key, items(run, ADA))) == sorted(map(key, read(maildir)))
    other = run("import", ADA, maildir, "--mailbox", "Old", "--json")
    assert json.loads(other.stdout) == {"account": ADA, "new": 3, "known": 0}
    assert {item.folder for item in items(run, ADA)} == {"", "Work/Bills", "Old", "Old/Work/Bills"}


@pytest.mark.parametrize("target", ["ada.zip", "ada.mbox", "ada"])
def test_what_goes_out_comes_in(run: Run, maildir: Path, tmp_path: Path, target: str) -> None:
    run("import", ADA, maildir)
    out = run("export", ADA, tmp_path / target, "--json")
    assert json.loads(out.stdout)["messages"] == 3, out.stderr
    back = run("import", BOB, tmp_path / target)
    assert back.exit_code == 0, back.stderr
    assert sorted(items(run, BOB), key=key) == sorted(items(run, ADA), key=key), "octets, flags, dates, mailboxes"
    assert not list(tmp_path.glob(".*")), "nothing half done is left"

    again = run("export", ADA, tmp_path / target)
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)


def test_some_mailboxes_and_formats(run: Run, maildir: Path, tmp_path: Path) -> None:
    run("import", ADA, maildir)
    assert run("export", ADA, tmp_path / "bills.mbox", "--mailbox", "Work/Bills").exit_code == 0
    assert [item.octets for item in read(tmp_path / "bills.mbox")] == [letter("three")]
    assert run("export", ADA, tmp_path / "letters", "--format", "eml").exit_code == 0
    assert {path.name[7:] for path in (tmp_path / "letters").rglob("*.eml")} == {"one.eml", "two.eml", "three.eml"}


def test_a_cut_off_export_leaves_nothing_but_itself(run: Run, maildir: Path, tmp_path: Path) -> None:
    run("import", ADA, maildir)
    (tmp_path / ".ada.partial" / "cur").mkdir(parents=True)
    (tmp_path / ".ada.partial" / "cur" / "1.x:2,S").write_bytes(letter("half"))
    assert run("export", ADA, tmp_path / "ada").exit_code == 0
    assert len(list(read(tmp_path / "ada"))) == 3
    failed = run("export", ADA, tmp_path / "more", "--mailbox", "Nowhere")
    assert (failed.exit_code, "Nowhere" in failed.stderr) == (1, True)
    assert not list(tmp_path.glob("*more*"))


def test_what_cannot_be_imported(run: Run, tmp_path: Path) -> None:
    missing = run("import", ADA, tmp_path / "nothing")
    assert (missing.exit_code, "there is no file or folder" in missing.stderr) == (1, True)
    (tmp_path / "x.eml").write_bytes(letter())
    nobody = run("import", "eve@example.org", tmp_path / "x.eml")
    assert (nobody.exit_code, "posthouse account list" in nobody.stderr) == (1, True)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        file.writestr("a.txt", b"x")
    empty = run("import", ADA, tmp_path / "x.zip")
    assert (empty.exit_code, "no .eml and no mbox" in empty.stderr) == (1, True)
    assert run("import", ADA).exit_code == 2


@pytest.mark.parametrize("command", ["import", "export"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: posthouse {command} ada@example.org" in CliRunner().invoke(app, [command, "--help"]).stdout


def test_a_file_that_cannot_be_read_is_named(run: Run) -> None:
    """It can be opened, and its first octet can't be read."""
    failed = run("import", ADA, "/proc/self/mem")
    assert (failed.exit_code, failed.stderr) == (1, "posthouse: /proc/self/mem: Input/output error\n")


def test_a_device_is_no_missing_file(run: Run) -> None:
    failed = run("import", ADA, "/dev/null")
    assert (failed.exit_code, "/dev/null is no file and no folder" in failed.stderr) == (1, True)
