"""How a command fails: one plain sentence and the next step on standard error, an exit code, no traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from posthouse.errors import PosthouseError

P = ParamSpec("P")
T = TypeVar("T")

FAILED = 1
# What shells give a program that Ctrl-C ended: 128 + SIGINT.
INTERRUPTED = 130


def reported(command: Callable[P, T]) -> Callable[P, T]:
    """Make a command out of a function that raises what went wrong."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except PosthouseError as error:
            say_error(str(error), error.advice)
            raise typer.Exit(FAILED) from error
        except BrokenPipeError as error:
            # The reader of our output (head, less) has what it wanted. Nothing may be written when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error
        except OSError as error:
            name = error.filename if isinstance(error.filename, str) else os.fsdecode(error.filename or "")
            say_error(f"{name}: {error.strerror}" if name and error.strerror else error.strerror or str(error))
            raise typer.Exit(FAILED) from error
        except KeyboardInterrupt as error:
            raise typer.Exit(INTERRUPTED) from error

    return run


def wait_for_streams() -> None:
    """Wait until standard output takes what is written, and until standard input ends.

    The program that runs this one may have left its ends of the pipes, or the terminal, non-blocking (Node.js does).
    Python then drops what there is no room for, without an error, and takes a pause for the end. Streams that it closed
    are opened, for nothing: else a socket or a database would take their numbers.
    """
    for name, descriptor, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
        else:
            os.set_blocking(descriptor, True)


def say_error(sentence: str, advice: str = "") -> None:
    """Say on standard error what went wrong, and what to do next."""
    typer.echo(f"posthouse: {sentence}", err=True)
    if advice:
        typer.echo(advice, err=True)
