"""`posthouse queue`: what an operator sees and does, with a server's store and without its server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from live import prepare
from posthouse.cli.app import app
from posthouse.store import queue
from posthouse.store.engine import Store
from posthouse.store.queue import Onward, To
from store_helpers import keep, letter


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A server with two letters in its queue: 1 to Ann and Cat, 2 to Ann."""
    settings = prepare(tmp_path)
    ann, cat = To("ann@x.example", "x.example"), To("cat@y.example", "y.example")
    store = Store.open(settings.data)
    store.run(queue.add, keep(store, letter("One")), 9, Onward(b"", "ada@example.org", [ann, cat]))
    store.run(queue.add, keep(store, letter("Two")), 9, Onward(b"", "bob@example.org", [ann]))
    (work, *_), _ = store.run(queue.take_due, 1, way=lambda _, to, __: to, room=lambda _: (1, 1))
    (due,) = work.dues
    store.run(queue.defer, due.recipients[0].id, 4_000_000_000, "mx.x.example said: 450 Later", warned=False)
    store.close()
    return settings.path


def run(config: Path, *words: str) -> str:
    outcome = CliRunner().invoke(app, ["queue", *words, "--config", str(config)])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def listed(config: Path, *words: str) -> list[tuple[int, str, str]]:
    entries = map(json.loads, run(config, "list", "--json", *words).splitlines())
    return [(entry["letter_id"], entry["recipient"], entry["state"]) for entry in entries]


def test_list(config: Path) -> None:
    first, said, *others = run(config, "list").splitlines()
    assert first.startswith("1  <ada@example.org> to <ann@x.example>  ") and "due 20" in first
    assert said == "    tried 1×: mx.x.example said: 450 Later"
    assert [line.endswith("(not tried yet)") for line in others] == [True, True]


def test_choices(config: Path) -> None:
    assert [one[:2] for one in listed(config, "--to", "x.example")] == [(1, "ann@x.example"), (2, "ann@x.example")]
    assert [one[:2] for one in listed(config, "--from", "bob@example.org")] == [(2, "ann@x.example")]
    assert [one[:2] for one in listed(config, "1", "--to", "cat@y.example")] == [(1, "cat@y.example")]


def test_hold_release_drop_retry(config: Path) -> None:
    assert run(config, "hold", "1") == "2 recipients held.\n"
    assert listed(config, "--held") == [(1, "ann@x.example", "held"), (1, "cat@y.example", "held")]
    assert run(config, "retry") == "1 recipient to be tried now.\n"
    assert run(config, "release", "--to", "cat@y.example") == "1 recipient released.\n"
    assert run(config, "drop", "--all") == "3 recipients dropped.\n"
    assert listed(config) == []


@pytest.mark.parametrize("word", ["hold", "release", "drop"])
def test_nothing_is_changed_by_oversight(config: Path, word: str) -> None:
    outcome = CliRunner().invoke(app, ["queue", word, "--config", str(config)])
    assert outcome.exit_code == 1 and "which letters" in outcome.stderr
    assert len(listed(config)) == 3
