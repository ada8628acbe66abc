"""`posthouse verify`, `backup`, `restore` and `reindex`, over a store that something has happened to."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from one_store import Run
from posthouse.cli.app import app
from posthouse.store import account, mail, tidy
from store_helpers import House, letter

ADA = "ada@example.org"


@pytest.fixture
def furnished(run: Run) -> Run:
    with run.store() as store:
        house = House(store)
        for number in range(3):
            house.append(house.box(store.look(account.existing, ADA)), raw=letter(f"letter {number}"))
    return run


def subjects(run: Run, box: str = "INBOX") -> list[str]:
    with run.store() as store:
        inbox = House(store).box(store.look(account.existing, ADA), box)
        return [subject for _, subject in store.look(mail.fetch, inbox.id, mail.ALL, ["subject"])]


def break_counters(run: Run) -> None:
    with contextlib.closing(sqlite3.connect(run.data / "posthouse.sqlite3", isolation_level=None)) as database:
        database.execute("UPDATE mailbox SET messages = messages + 1 WHERE name = 'INBOX'")


def test_a_sound_store(furnished: Run) -> None:
    sound = furnished("verify")
    assert (sound.exit_code, sound.stdout) == (0, "Everything agrees.\n")
    assert furnished("verify", "--json").stdout == ""


def test_counters_are_repaired(furnished: Run) -> None:
    break_counters(furnished)
    told = furnished("verify", "--json")
    assert told.exit_code == 1
    assert [json.loads(line)["repairable"] for line in told.stdout.splitlines()] == [True, True]
    assert "posthouse verify --repair" in told.stderr
    repaired = furnished("verify", "--repair")
    assert (repaired.exit_code, repaired.stdout.splitlines()[-1]) == (0, "Repaired: everything agrees now.")
    assert furnished("verify").exit_code == 0


def test_strays_are_adopted(furnished: Run) -> None:
    stray = furnished.data / "messages" / "ab" / "cd" / "abcd0123456789abcdef.eml"
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(letter("lost"))
    os.utime(stray, (stray.stat().st_mtime - tidy.GRACE - 60,) * 2)
    left = furnished("verify", "--repair")
    assert (left.exit_code, "--adopt ADDRESS" in left.stderr) == (1, True)
    assert stray.exists()
    assert furnished("verify", "--adopt", ADA).exit_code == 2
    assert furnished("verify", "--repair", "--adopt", ADA).exit_code == 0
    assert subjects(furnished, "Recovered") == ["lost"]


def test_a_lost_file_is_told(furnished: Run) -> None:
    next((furnished.data / "messages").rglob("*.eml")).unlink()
    told = furnished("verify", "--repair")
    assert (told.exit_code, "posthouse restore" in told.stderr) == (1, True)


def test_backup_and_restore(furnished: Run, tmp_path: Path) -> None:
    made = furnished("backup", tmp_path / "backups", "--json")
    assert made.exit_code == 0, made.stderr
    assert Path(json.loads(made.stdout)["backup"]).parent == tmp_path / "backups"
    taken = furnished("restore", tmp_path / "backups")
    assert (taken.exit_code, "Move it away first" in taken.stderr) == (1, True)

    shutil.rmtree(furnished.data)
    restored = furnished("restore", tmp_path / "backups")
    assert restored.exit_code == 0, restored.stderr
    assert subjects(furnished) == ["letter 0", "letter 1", "letter 2"]
    assert furnished("verify").exit_code == 0

    nothing = furnished("restore", tmp_path)
    assert (nothing.exit_code, "is no backup" in nothing.stderr) == (1, True)


def test_reindex(furnished: Run) -> None:
    assert furnished("reindex").stdout == "Indexed 3 messages.\n"
    with contextlib.closing(sqlite3.connect(furnished.data / "search.sqlite3", isolation_level=None)) as index:
        index.execute("DELETE FROM text")
    assert json.loads(furnished("reindex", "--json").stdout) == {"messages": 3}
    assert furnished("verify").exit_code == 0


@pytest.mark.parametrize("command", ["verify", "backup", "restore", "reindex"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: posthouse {command}" in CliRunner().invoke(app, [command, "--help"]).stdout


@pytest.mark.parametrize(
    "command",
    [
        ["verify"],
        ["backup", "backups"],
        ["reindex"],
        ["account", "list"],
        ["export", ADA, "out"],
        ["queue", "list"],
        ["ban", "list"],
    ],
)
def test_no_store_is_made_in_passing(run: Run, tmp_path: Path, command: list[str]) -> None:
    """An empty store, in which everything agrees, would also stand in the way of `restore`."""
    run.data.rename(tmp_path / "damaged")
    told = run(*command)
    assert told.exit_code == 1
    assert told.stderr.startswith(f"posthouse: there is no store in {run.data}\nIs it the right configuration?")
    assert not run.data.exists()
    assert not run.data.exists()
