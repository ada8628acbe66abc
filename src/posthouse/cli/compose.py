"""The words of a letter: from a file, standard input, or the person's editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from posthouse.errors import ConfigError

FileArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="FILE|-", help="The text; - is standard input.", show_default="$EDITOR, on a terminal")
]
AttachOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--attach", metavar="FILE", help="A file that goes with the letter.", show_default=False),
]


def read_text(file: str) -> str:
    """The text of a file; of standard input for ``-``; for nothing, of standard input or, on a terminal, the editor."""
    from posthouse.message import charset

    if file and file != "-":
        return charset.guess(Path(file).read_bytes())
    if not file and sys.stdin.isatty() and editor():
        return written()
    if sys.stdin.isatty():
        typer.echo("Write the letter, and end it with Ctrl-D on a line of its own.", err=True)
    return charset.guess(sys.stdin.buffer.read())


def editor() -> str:
    """The editor that the person has chosen; empty if none."""
    return os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""


def written() -> str:
    """What the person writes in the editor. `ConfigError` if that is nothing: then nothing is sent."""
    with tempfile.TemporaryDirectory(prefix="posthouse-") as folder:
        path = Path(folder) / "letter.md"
        path.touch()
        try:
            done = subprocess.run([*shlex.split(editor()), str(path)], check=False)  # noqa: S603  (their own choice)
        except OSError as error:
            raise ConfigError(
                f"the editor {editor()} can't be started: {error.strerror}", advice="Set EDITOR to one that is there."
            ) from error
        text = path.read_text("utf-8", "replace")
    if done.returncode or not text.strip():
        raise ConfigError("nothing was written, so nothing is sent")
    return text
