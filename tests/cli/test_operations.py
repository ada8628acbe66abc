"""The commands that docs/operations.md shows do what it says, in its order."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from one_store import Run
from posthouse.files import Item, MaildirWriter, MboxWriter
from store_helpers import letter

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINES = [line for block in BLOCK.findall(PAGE.read_text("utf-8")) for line in block.splitlines()]


def test_every_command_of_the_page(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("account", "remove", "ada@example.org", "--yes")
    home = run.data.parent
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    with MaildirWriter(home / "Maildir") as writer:
        writer.add(Item(letter("one"), folder="Archive"))
    with MboxWriter(home / "old.mbox") as writer:
        writer.add(Item(letter("two")))
    assert len(LINES) > 20
    for line in LINES:
        before, _, command = line.rpartition(" | ")
        words = [str(Path(word).expanduser()) if word.startswith("~") else word for word in shlex.split(command)]
        if words[0] == "mv":
            shutil.move(words[1], words[2])
            continue
        assert words[0] == "posthouse", line
        done = run(*words[1:], stdin=before.removeprefix("echo ") + "\n" if before else "")
        assert done.exit_code == 0, f"{line}: {done.stderr}"
