"""Generates the blocking face of the client library from the one written for asyncio.

    python tools/unasync.py            writes every generated file anew
    python tools/unasync.py --check    fails if one isn't what it would be; used by `make check`

The words that differ are substituted, nothing is parsed: what the two faces do differently lies below them, in the
loops of client/drive.py and the streams of net/stream.py.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# written -> generated
FOLDERS = {
    "src/posthouse/client/aio": "src/posthouse/client/sync",
}

HEADER = """\
# DO NOT CHANGE! Generated from {source} by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""

# Whole words, in this order.
SUBSTITUTIONS = {
    "async def": "def",
    "async with": "with",
    "async for": "for",
    "await ": "",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "AsyncIterator": "Iterator",
    "AsyncStream": "Stream",
    "Awaitable[ImapClient]": "ImapClient",
    "Awaitable[SmtpClient]": "SmtpClient",
    "Awaitable[Pop3Client]": "Pop3Client",
    "Awaitable[T]": "T",
    "Awaitable[C]": "C",
    "Awaitable, ": "",
    "asyncio.sleep": "time.sleep",
    "__aiter__": "__iter__",
    "adrive": "drive",
    "acall": "call",
    "afinish": "finish",
    "asyncio.Lock": "threading.Lock",
    "import asyncio": "import threading",
    "The face for asyncio": "The blocking face",
}


class Unused(Exception):
    """A substitution that substitutes nothing has lost its reason, or is misspelled."""


def substitute(text: str, used: set[str]) -> str:
    """The blocking version of ``text``; the substitutions that took place are added to ``used``."""
    for word, replacement in SUBSTITUTIONS.items():
        pattern = rf"(?<![\w.]){re.escape(word)}" + ("" if word.endswith(" ") else r"(?!\w)")
        text, count = re.subn(pattern, replacement, text)
        if count:
            used.add(word)
    return text


def formatted(text: str, path: Path) -> str:
    """``text`` as the project's formatter leaves it: shorter words make other line breaks and other sort orders."""
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--quiet", "--fix", "--select", "I,F401"], ["format", "--quiet"]):
        result = subprocess.run(
            [*ruff, *command, "--stdin-filename", str(path), "-"],
            input=text, capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        text = result.stdout
    return text


def generate() -> dict[Path, str]:
    """Every generated file, with the text it should have."""
    used: set[str] = set()
    generated = {}
    for written, target in FOLDERS.items():
        for source in sorted((ROOT / written).glob("*.py")):
            path = ROOT / target / source.name
            text = HEADER.format(source=source.relative_to(ROOT)) + substitute(source.read_text("utf-8"), used)
            generated[path] = formatted(text, path)
    if unused := SUBSTITUTIONS.keys() - used:
        raise Unused(f"nothing to substitute for: {', '.join(sorted(unused))}")
    return generated


def main(arguments: list[str]) -> int:
    """Write or check; the exit code."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    generated = generate()
    left_over = {path for target in FOLDERS.values() for path in (ROOT / target).glob("*.py")} - generated.keys()
    stale = {path for path, text in generated.items() if not path.exists() or path.read_text("utf-8") != text}
    for path in sorted(stale | left_over):
        if arguments:
            print(f"{path.relative_to(ROOT)} is stale: run `make format`", file=sys.stderr)
        elif path in left_over:
            path.unlink()
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(generated[path], "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return 1 if arguments and (stale or left_over) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
