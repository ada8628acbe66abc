"""`posthouse ban`: what it says, and how it fails."""

from __future__ import annotations

import json

import pytest

from one_store import Run


def test_bans_are_added_listed_and_lifted(run: Run) -> None:
    assert run("ban", "list").stdout == ""
    added = json.loads(run("ban", "add", "192.0.2.77/24", "--for", "12h", "--reason", "Würmer", "--json").stdout)
    assert (added["subject"], added["kind"], added["scope"]) == ("192.0.2.0/24", "network", "connections")
    assert added["reason"] == "Würmer"
    assert run("ban", "add", "Ada@Example.org").stdout.startswith("ada@example.org\tlogins\t")
    assert run("ban", "add", "2001:db8::/64", "--logins-only").stdout.startswith("2001:db8::/64\tlogins\t")
    listed = run("ban", "list").stdout.splitlines()
    assert [line.split("\t")[0] for line in sorted(listed)] == ["192.0.2.0/24", "2001:db8::/64", "ada@example.org"]
    assert sum("until it is lifted" in line for line in listed) == 2
    assert run("ban", "lift", "192.0.2.1", "--json").stdout == '{"lifted": "192.0.2.0/24"}\n'
    assert run("ban", "lift", "--all").stdout.count("Lifted the ban of") == 2
    assert run("ban", "lift", "--all").stdout == "There was no ban to lift.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["lift", "192.0.2.1"], 1, "192.0.2.1/32 is not banned"),
        (["lift", "example.org"], 1, "is no address, no network and no account"),
        (["add", "a host"], 1, "is no address, no network and no account"),
        (["add", "192.0.2.1", "--for", "a while"], 2, "is no time as in 30m"),
        (["lift"], 2, "name one, or say --all"),
        (["lift", "192.0.2.1", "--all"], 2, "name one, or say --all"),
    ],
)
def test_what_is_wrong_is_said(run: Run, arguments: list[str], code: int, sentence: str) -> None:
    done = run("ban", *arguments)
    assert (done.exit_code, sentence in done.stderr) == (code, True), done.stderr
