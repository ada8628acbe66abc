"""Import and export of many messages by the command line: messages a second, and the largest memory it took."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from posthouse.files import Item, MboxFolderWriter

WORDS = (
    "meeting the quick brown fox jumps over lazy dogs while seven wizards budget invoice report please find attached "
    "thanks regards project deadline tomorrow Größe façade naïve zürich 会議 привет schedule review draft final version"
)
FIRST = datetime(2015, 1, 1, tzinfo=UTC)
SEED = 5321


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench transfer")
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--format", choices=("mbox", "maildir", "zip"), default="mbox", help="of the export")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: a temporary one")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        with MboxFolderWriter(folder / "source") as writer:
            for item in letters(options.messages):
                writer.add(item)
        size = sum(path.stat().st_size for path in (folder / "source").rglob("*.mbox"))
        print(f"{options.messages} messages, {size / 1e6:.0f} MB", flush=True)
        posthouse(folder, "init", "house", "--domain", "example.org", "--base-port", "20000")
        config = ("--config", "house/posthouse.toml")
        posthouse(folder, "account", "add", "ada@example.org", "--password-stdin", *config, stdin="secret\n")
        for what in (("import", "source"), ("import", "source"), ("export", "target", "--format", options.format)):
            command, *others = what
            took, memory = posthouse(folder, command, "ada@example.org", *others, *config)
            rate = options.messages / took
            print(
                f"{' '.join(what):30} {took:7.1f} s, {rate:7.0f} messages/s, at most {memory} MB of memory", flush=True
            )


def letters(count: int) -> Iterator[Item]:
    """Letters of 1 to 60 KB, most of them small, in three mailboxes; the same in every run."""
    chance = random.Random(SEED)
    vocabulary = [*WORDS.split(), *(f"word{number}" for number in range(20_000))]
    for number in range(count):
        words = chance.choices(vocabulary, k=min(60 + int(chance.expovariate(1 / 300)), 6_000))
        lines = [" ".join(words[start : start + 10]) for start in range(0, len(words), 10)]
        header = (
            f"Received: from mx{number % 9}.example.net by mail.example.org; Thu, 1 Jan 2015 00:00:00 +0000\r\n"
            f"From: Person {number % 500} <p{number % 500}@example.net>\r\nTo: Ada <ada@example.org>\r\n"
            f"Subject: {' '.join(words[:5])}\r\nMessage-ID: <{number}.{SEED}@example.net>\r\n"
            f"Date: {FIRST + timedelta(minutes=number):%a, %d %b %Y %H:%M:%S +0000}\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        )
        octets = (header + "\r\n".join(lines) + "\r\n").encode()
        flags = frozenset({"\\Seen"} if number % 5 else {"\\Flagged"})
        box = ("INBOX", "Archive/2015", "Work")[min(number * 3 // count, 2)]
        yield Item(octets, flags, FIRST + timedelta(minutes=number), box)


def posthouse(folder: Path, *arguments: str, stdin: str = "") -> tuple[float, int]:
    """Run a command; the seconds, and the megabytes that it had at most."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "posthouse", *arguments], cwd=folder, stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL, text=True)  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(stdin)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"posthouse {arguments[0]} failed")
    return time.perf_counter() - began, usage.ru_maxrss // (1024 if sys.platform == "linux" else 1024 * 1024)
