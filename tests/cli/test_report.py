"""How a command fails."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios

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

MUCH = 60_000  # less than a pipe holds
# A command of the program: it passes on what comes in, in pieces as large as a read takes; then it has much to say.
PASS_ON = """
import sys, typer
from posthouse.cli import app, main
@app.app.command("pass-on")
def pass_on():
    print("begun", flush=True)
    while octets := sys.stdin.buffer.read1():
        sys.stdout.buffer.write(octets)
        sys.stdout.buffer.flush()
    for n in range(100_000):
        typer.echo("y")
main()
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


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed(closed: str) -> None:
    """As some programs start others."""
    done = subprocess.run(["/bin/sh", "-c", f'"$0" -m posthouse config --help {closed}', sys.executable], check=False)
    assert done.returncode == 0


def waiting(reader: int) -> int:
    """The octets in a pipe."""
    return struct.unpack("i", fcntl.ioctl(reader, termios.FIONREAD, bytes(4)))[0]


def test_pipes_that_do_not_block_lose_nothing() -> None:
    """pimalaya/himalaya#731, #732: EAGAIN on large boxes. Python would drop most of it, and say nothing."""
    come, written = os.pipe()
    reader, writer = os.pipe()
    os.set_blocking(come, False)
    os.set_blocking(writer, False)
    process = subprocess.Popen(
        [sys.executable, "-c", PASS_ON, "pass-on"], stdin=come, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(come)
    os.close(writer)
    with os.fdopen(reader, "rb") as output:
        assert output.readline() == b"begun\n"
        for _ in range(3):
            os.write(written, b"x" * MUCH)
            assert output.read(MUCH) == b"x" * MUCH
        os.write(written, b"lines")
        os.close(written)
        while waiting(reader) < MUCH:  # only now there is somebody who reads
            os.sched_yield()
        assert output.read() == b"lines" + b"y\n" * 100_000
    assert process.communicate(timeout=30) == (None, b"") and process.returncode == 0
