"""`posthouse queue`: what an operator sees and does, with a server's store and without its server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from live import prepare
from posthouse.cli.app import app
from posthouse.delivery import reason
from posthouse.store import lease, queue
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
    (work, *_), _ = store.run(lease.take_due, 1, way=lambda _, to, __: to, room=lambda _: (1, 1))
    (due,) = work.dues
    store.run(lease.defer, [due.recipients[0].id], 4_000_000_000, "mx.x.example said: 450 Later", warned=False)
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
    assert said.startswith("    tried 1×: They want to see the letter again later")
    assert said.endswith("mx.x.example said: 450 Later")
    assert [line.endswith("(not tried yet)") for line in others] == [True, True]


def test_choices(config: Path) -> None:
    assert [one[:2] for one in listed(config, "--to", "x.example")] == [(1, "ann@x.example"), (2, "ann@x.example")]
    assert [one[:2] for one in listed(config, "--from", "bob@example.org")] == [(2, "ann@x.example")]
    assert [one[:2] for one in listed(config, "1", "--to", "cat@y.example")] == [(1, "cat@y.example")]


def test_more_choices(config: Path) -> None:
    assert [one[:2] for one in listed(config, "--from", "@Example.org")] == [
        (1, "ann@x.example"), (1, "cat@y.example"), (2, "ann@x.example"),
    ]  # fmt: skip
    assert listed(config, "--from", "ample.org") == listed(config, "--from", "<>") == []
    assert listed(config, "--state", "deferred") == [(1, "ann@x.example", "deferred")]
    assert [one[2] for one in listed(config, "--to", "ann@x.example")] == ["deferred", "waiting"]
    assert listed(config, "--older-than", "1h") == []
    assert len(listed(config, "--older-than", "0s")) == 3


def test_a_line_for_each_domain(config: Path) -> None:
    run(config, "hold", "2")
    first, second = map(json.loads, run(config, "list", "--domains", "--json").splitlines())
    assert (first["domain"], first["recipients"], first["held"]) == ("x.example", 2, 1)
    assert (first["reply"], second["recipients"]) == ("mx.x.example said: 450 Later", 1)
    assert run(config, "list", "--domains").startswith("x.example  2 recipients, 1 held, the oldest from 20")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["list", "3"], 1, "there is no letter 3 in the queue; nothing was done"),
        (["drop", "1", "7", "9"], 1, "there is no letter 7, 9 in the queue"),
        (["list", "0"], 2, "Error"),
        (["list", "9" * 30], 2, "Error"),
        (["list", "x"], 2, "Error"),
        (["list", "--state", "lost"], 2, "Error"),
        (["list", "--older-than", "soon"], 1, '"soon" is no length of time'),
    ],
)
def test_what_isn_t_there(config: Path, words: list[str], code: int, said: str) -> None:
    outcome = CliRunner().invoke(app, ["queue", *words, "--config", str(config)])
    assert outcome.exit_code == code and said in outcome.stderr and "Traceback" not in outcome.output
    assert len(listed(config)) == 3


def test_a_queue_that_takes_more_than_one_portion(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.cli.queue.AT_A_TIME", 1)
    assert len(listed(config, "1", "2")) == 3
    assert run(config, "hold", "1", "2") == "3 recipients held.\n"
    assert run(config, "drop", "1", "2") == "3 recipients dropped.\n"


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("mx said: 450 4.2.2 Over quota", "The mailbox is full."),
        (
            "mx said: 451 4.7.1 Later",
            "They want to see the letter again later (greylisting, or a rule of theirs).",
        ),
        ("mx said: 421 busy", "Their server takes no letters at the moment."),
        ("mx said: 450 4.99.99 Hm", ""),
        ("nothing listens at 127.0.0.3:25", ""),
        ("", ""),
    ],
)
def test_reasons(said: str, means: str) -> None:
    assert reason.in_words(said) == means


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
