"""`posthouse alias`, `domain remove`, `account quota` and `account app-password`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from one_store import Run
from posthouse.cli.app import app
from posthouse.store import account, app_password

ADA, BOB = "ada@example.org", "bob@example.org"


def test_aliases(run: Run) -> None:
    assert run("alias", "add", "Info@example.org", ADA).exit_code == 0
    assert run("alias", "add", "info@example.org", BOB).exit_code == 0
    assert run("alias", "add", "@example.org", BOB).exit_code == 0
    with run.store() as store:
        ada, bob = (run.account_id(store, address) for address in (ADA, BOB))
        assert store.look(account.resolve, "info@example.org") == (ada, bob)
        assert store.look(account.resolve, "whoever@example.org") == (bob,)
    listed = [json.loads(line) for line in run("alias", "list", "--json").stdout.splitlines()]
    assert {"address": "info@example.org", "account": ADA} in listed
    assert run("alias", "list").stdout.splitlines()[0] == f"@example.org\t{BOB}"

    again = run("alias", "add", "info@example.org", ADA)
    assert (again.exit_code, "already" in again.stderr) == (1, True)
    elsewhere = run("alias", "add", "info@example.net", ADA)
    assert (elsewhere.exit_code, "posthouse domain add example.net" in elsewhere.stderr) == (1, True)
    nobody = run("alias", "add", "info@example.org", "eve@example.org")
    assert (nobody.exit_code, "posthouse account list" in nobody.stderr) == (1, True)

    assert run("alias", "remove", "info@example.org", ADA).exit_code == 0
    assert run("alias", "remove", "info@example.org", ADA).exit_code == 1


def test_a_domain_goes_when_nobody_is_there(run: Run) -> None:
    run("domain", "add", "example.net")
    run("alias", "add", "@example.net", ADA)
    held = run("domain", "remove", "example.net")
    assert (held.exit_code, "@example.net is an address" in held.stderr) == (1, True)
    run("alias", "remove", "@example.net", ADA)
    assert run("domain", "remove", "Example.NET").exit_code == 0
    assert run("domain", "list").stdout.split() == ["example.org"]
    assert run("domain", "remove", "example.net").exit_code == 1
    assert "ada@example.org is an address" in run("domain", "remove", "example.org").stderr


def test_quota(run: Run) -> None:
    assert run("account", "quota", ADA).stdout == "0 octets of any number, 0 messages of any number\n"
    assert run("account", "quota", ADA, "--size", "2G").exit_code == 0
    both = run("account", "quota", ADA, "--messages", "100", "--json")
    assert json.loads(both.stdout) == {
        "address": ADA, "size": 0, "messages": 0, "size_limit": 2 * 1024**3, "message_limit": 100,
    }  # fmt: skip
    assert "any number, 0 messages of 100" in run("account", "quota", ADA, "--size", "none").stdout


@pytest.mark.parametrize("size", ["much", "-1", "1.5G", "", "1000000000T", "9" * 30])
def test_what_is_no_size(run: Run, size: str) -> None:
    assert run("account", "quota", ADA, "--size", size).exit_code == 2


def test_app_passwords(run: Run) -> None:
    made = run("account", "app-password", "add", ADA, "phone", "--only", "imap")
    assert made.exit_code == 0, made.stderr
    secret = made.stdout.strip()
    with run.store() as store:
        known = store.look(app_password.list_all, run.account_id(store, ADA))
        assert app_password.fitting(known, secret, "imap") is not None
        assert app_password.fitting(known, secret, "smtp") is None
    assert json.loads(run("account", "app-password", "add", ADA, "laptop", "--json").stdout)["only"] == []

    listed = run("account", "app-password", "list", ADA).stdout
    assert [line.split("\t")[:2] for line in listed.splitlines()] == [["laptop", "all"], ["phone", "imap"]]
    assert secret not in listed
    assert "never used" in listed

    assert run("account", "app-password", "add", ADA, "phone").exit_code == 1
    assert run("account", "app-password", "add", ADA, "x", "--only", "http").exit_code == 2
    assert run("account", "app-password", "add", ADA, " ").exit_code == 2
    assert run("account", "app-password", "remove", ADA, "phone").exit_code == 0
    gone = run("account", "app-password", "remove", ADA, "phone")
    assert (gone.exit_code, "shows them all" in gone.stderr) == (1, True)


@pytest.mark.parametrize(
    "command",
    [
        *(f"alias {one}" for one in ("add", "list", "remove")),
        *(f"account app-password {one}" for one in ("add", "list", "remove")),
        "account quota",
        "domain remove",
    ],
)
def test_help_has_an_example(command: str) -> None:
    assert f"Example: posthouse {command}" in CliRunner().invoke(app, [*command.split(), "--help"]).stdout


@pytest.mark.parametrize(("local", "quoted"), [("foo bar", '"foo bar"'), ("a@b", '"a@b"')])
def test_an_address_that_needs_quotes_is_refused_without(run: Run, local: str, quoted: str) -> None:
    """Nobody could send a letter there: in SMTP it has quotes."""
    for command in (
        ["account", "add", f"{local}@example.org"],
        ["alias", "add", f"{local}@example.org", "ada@example.org"],
    ):
        told = run(*command)
        assert told.exit_code == 1
        assert told.stderr == (
            f"posthouse: {local}@example.org is no address: {local} has characters that need quotes\n"
            f"Is it mistyped? With quotes it would be '{quoted}@example.org'.\n"
        )
    assert run("alias", "add", f"{quoted}@example.org", "ada@example.org").exit_code == 0
