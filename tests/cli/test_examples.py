"""What `--help` says of the mail commands: each has an example that works, and output for programs; and completion."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from live import PASSWORDS, Live
from posthouse import Account
from posthouse.cli.app import app

ADA, BOB = "ada@example.org", "bob@example.org"
COMMANDS: dict[str, click.Command] = get_command(app).commands  # type: ignore[attr-defined]
MAIL = [*sorted(name for name, one in COMMANDS.items() if getattr(one, "rich_help_panel", "") == "Mail"), "export"]


def examples(command: str) -> list[str]:
    """The command lines behind "Example:", joined where they go on."""
    text = (COMMANDS[command].help or "").replace("\\\n", " ")
    return [" ".join(part.split("\n\n")[0].split()) for part in text.split("Example: ")[1:]]


EXAMPLES = [line for command in MAIL for line in examples(command) if "oauth" not in line]  # those are in test_login.py


@pytest.fixture
def house(posthouse: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Live:
    """Ada is known on this computer, and has thirteen letters, the last two with a file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(posthouse.certificate))
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("POSTHOUSE_PASSWORD", PASSWORDS[ADA])
    monkeypatch.chdir(tmp_path)
    servers = [
        "--imap", f"imaps://localhost:{posthouse.port('imaps')}",
        "--smtp", f"submissions://localhost:{posthouse.port('submissions')}",
    ]  # fmt: skip
    assert CliRunner().invoke(app, ["login", ADA, *servers]).exit_code == 0
    with Account(ADA, password=PASSWORDS[ADA]) as me:
        for number in range(1, 14):
            files = [("report.pdf", b"%PDF")] if number > 11 else []
            me.send(ADA, f"Letter {number}", "At five?", files=files, copy=False)
    return posthouse


def test_every_mail_command_has_an_example_and_output_for_programs() -> None:
    for command in MAIL:
        assert examples(command), command
        assert "--json" in [option for one in COMMANDS[command].params for option in one.opts], command


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example(house: Live, line: str) -> None:
    """As it stands there, with this server in place of the one that it names, and people whom it knows."""
    said, _, command = line.rpartition(" | ")
    command = command.replace("eve@example.org", BOB).replace("ada@gmail.com", ADA)
    words = [
        word.replace("bob@example.org@mail.example.org", f"{ADA}@localhost:{house.port('imap')}")
        .replace("ada@example.org@mail.example.org", f"{ADA}@localhost:{house.port('submission')}")
        for word in shlex.split(command)
    ]  # fmt: skip
    assert words.pop(0) == "posthouse"
    words += {
        "watch": ["--quiet", "0"],
        "login": [
            "--imap", f"imaps://localhost:{house.port('imaps')}",
            "--smtp", f"submissions://localhost:{house.port('submissions')}",
        ],
    }.get(words[0], [])  # fmt: skip
    result = CliRunner().invoke(app, words, input=" ".join(shlex.split(said)[1:]))
    assert (result.exit_code, result.stderr) == (0, ""), result.output


@pytest.mark.parametrize(("typed", "offered"), [("posthouse se", {"search", "send", "sendmail", "serve"})])
def test_bash_completes(typed: str, offered: set[str]) -> None:
    """What `posthouse --install-completion` writes, in a real bash."""
    words = " ".join(map(shlex.quote, typed.split()))
    script = (
        'eval "$(_POSTHOUSE_COMPLETE=source_bash posthouse)"\n'
        f'COMP_WORDS=({words}) COMP_CWORD=1; _posthouse_completion posthouse; printf "%s\\n" "${{COMPREPLY[@]}}"'
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True, timeout=60
    )
    assert set(done.stdout.split()) == offered


def test_wrong_input_is_one_sentence(house: Live) -> None:
    """Whoever types nonsense is told so: no traceback, nothing sent."""
    for words, code, sentence in (
        (["send", "--to", "no address", "-"], 1, "no address"),
        (["send", "nothing.txt", "--to", BOB], 1, "nothing.txt: No such file or directory"),
        (["send", "-", "--to", BOB, "--attach", "nothing.pdf"], 1, "nothing.pdf"),
        (["send", "-", "--to", BOB, "--merge", "nobody.csv"], 1, "nobody.csv: No such file or directory"),
        (["send", "-", "--to", BOB, "--subject", "a\nBcc: eve@x.org"], 1, "line"),
        (["list", "Nowhere"], 1, "Nowhere"),
        (["list", "INBOX", "after:yesterweek"], 2, "yesterweek"),
        (["read", "99"], 1, "there is no message 99 in INBOX"),
        (["list", "--imap", "imap://localhost:1"], 2, "name the user"),
        (["list", "--imap", "http://x"], 2, "http"),
        (["search"], 2, "QUERY"),
    ):
        result = CliRunner().invoke(app, words, input="x\n")
        assert (result.exit_code, sentence in result.stderr) == (code, True), (words, result.output)
        assert "Traceback" not in result.output
    with Account(ADA, password=PASSWORDS[ADA]) as me, me.open() as box:
        assert box.inbox.count() == 13
        assert json.dumps([mail.subject for mail in box.inbox][:1]) == '["Letter 13"]'
