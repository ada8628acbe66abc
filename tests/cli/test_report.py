"""How a command fails."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from posthouse.cli.report import reported
from posthouse.errors import ConnectionFailed

RUN = """
import sys, typer
from posthouse.cli.report import reported
@reported
def command():
    for n in range(100_000):
        print(n)
typer.run(command)
"""


def outcome(error: BaseException) -> tuple[int, str, str]:
    app = typer.Typer()

    @app.command()
    @reported
    def command() -> None:
        raise error

    result = CliRunner().invoke(app, [])
    return result.exit_code, result.stdout, result.stderr


def test_an_error_is_its_sentence_and_its_advice() -> None:
    error = ConnectionFailed("nothing listens at localhost:1", advice="Start it.")
    assert outcome(error) == (1, "", "posthouse: nothing listens at localhost:1\nStart it.\n")


def test_no_advice_no_line() -> None:
    assert outcome(ConnectionFailed("gone")) == (1, "", "posthouse: gone\n")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.txt"), "a.txt: No such file or directory"),
        (PermissionError(13, "Permission denied", b"a.txt"), "a.txt: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(error: OSError, sentence: str) -> None:
    assert outcome(error) == (1, "", f"posthouse: {sentence}\n")


def test_a_defect_is_not_hidden() -> None:
    app = typer.Typer()

    @app.command()
    @reported
    def command() -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(ZeroDivisionError):
        CliRunner().invoke(app, [], catch_exceptions=False)


def test_control_c_ends_quietly() -> None:
    assert outcome(KeyboardInterrupt()) == (130, "", "")


def test_arguments_pass_through_to_the_command() -> None:
    app = typer.Typer()

    @app.command()
    @reported
    def greet(name: str, *, loud: bool = False) -> None:
        """Say hello."""
        typer.echo(name.upper() if loud else name)

    assert CliRunner().invoke(app, ["ada", "--loud"]).stdout == "ADA\n"
    assert "Say hello." in CliRunner().invoke(app, ["--help"]).stdout


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reader, writer = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", RUN], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert os.read(reader, 1) == b"0"
    os.close(reader)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, b"")
