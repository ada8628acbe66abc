"""`posthouse account`: who has a mailbox here, and how much room. Works beside a running server."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .report import reported
from .server_extra import server_extra
from .setup import ConfigOption, load_config

if TYPE_CHECKING:
    from posthouse.store.engine import Store
    from posthouse.wire.scram import Keys

account = typer.Typer(no_args_is_help=True, help="Add, list and remove the accounts of this server.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="As in ada@example.org.", show_default=False)]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, one line.")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

# As typed: up to 15 digits, so that even T stays within the database's integers.
SIZE = re.compile(r"(\d{1,6}|\d{1,15}(?![KMGTkmgt]))([KMGTkmgt]?)")


@contextmanager
def store_of(config: ConfigOption, *, new: bool = False) -> Iterator[Store]:
    """The store of a server, which may be running. ``new``: where there is none, it is made."""
    with server_extra():
        import posthouse.store.password  # noqa: F401  (needs argon2: better said now than when the store is open)
        from posthouse.store.engine import Store
    data = load_config(config).data
    if not new and not Store.exists(data):
        raise ConfigError(
            f"there is no store in {data}",
            advice="Is it the right configuration? posthouse domain add makes a store, posthouse restore one from a"
            " backup.",
        )
    store = Store.open(data)
    try:
        yield store
    finally:
        store.close()


def new_password(from_stdin: bool, settled: tuple[bytes, int] | None = None) -> tuple[str, dict[str, Keys]]:
    """A new password, from standard input or asked for twice; as what is kept of it: its hash, its keys for SCRAM.

    ``settled``: salt and iteration count of the keys that the account has (store/scram_key.py).
    """
    from posthouse.store.password import hash_password, make_keys

    if from_stdin:
        secret = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        secret = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
    else:
        raise ConfigError("there is no terminal to ask for a password", advice="Give it with --password-stdin.")
    try:
        return hash_password(secret), make_keys(secret, settled)
    except ValueError as error:
        raise ConfigError(f"this password can't be used: {error}") from error


@account.command("add")
@reported
def add(address: Address, password_stdin: PasswordStdin = False, config: ConfigOption = None) -> None:
    """Add an account: its mailboxes and its password.

    Example: echo secret | posthouse account add ada@example.org --password-stdin
    """
    with store_of(config) as store:
        from posthouse.store import account as accounts

        of_this_server(store, address)
        if store.look(accounts.find, address):
            raise ConfigError(
                f"there is an account {address} already", advice=f"posthouse account password {address} changes it."
            )
        added = store.run(accounts.add, address, *new_password(password_stdin))
    typer.echo(f"Added {added.address}.")


@account.command("password")
@reported
def password(address: Address, password_stdin: PasswordStdin = False, config: ConfigOption = None) -> None:
    """Change an account's password. Sessions that are open stay open.

    Example: posthouse account password ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import account as accounts
        from posthouse.store import scram_key

        settled = store.look(scram_key.settled, existing(store, address))
        store.run(accounts.set_password, address, *new_password(password_stdin, settled))
    typer.echo(f"Changed the password of {address}.")


@account.command("forget-factor")
@reported
def forget_factor(address: Address, config: ConfigOption = None) -> None:
    """Switch an account's second factor off, for somebody whose phone and recovery codes are lost.

    The password alone logs in again, also in mail programs. Make sure that it is they who ask.

    Example: posthouse account forget-factor ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import second_factor

        owner = existing(store, address)
        had = store.look(second_factor.is_active, owner)
        store.run(second_factor.remove, owner)
    typer.echo(f"{address} logs in with the password alone{'' if had else ', as before'}.")


@account.command("list")
@reported
def list_accounts(as_json: Json = False, config: ConfigOption = None) -> None:
    """List the accounts.

    Example: posthouse account list --json
    """
    with store_of(config) as store:
        from posthouse.store import account as accounts

        for one in store.look(accounts.list_all):
            since = datetime.fromtimestamp(one.created, UTC).strftime("%Y-%m-%d")
            typer.echo(json.dumps({"address": one.address, "created": since}) if as_json else one.address)


@account.command("remove")
@reported
def remove(
    address: Address,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    config: ConfigOption = None,
) -> None:
    """Remove an account and all its letters.

    Example: posthouse account remove ada@example.org --yes
    """
    with store_of(config) as store:
        from posthouse.store import account as accounts

        existing(store, address)
        if not yes:
            if not sys.stdin.isatty():
                raise ConfigError(f"removing {address} deletes all its letters", advice="Say --yes if that is meant.")
            typer.confirm(f"Remove {address} and all its letters?", abort=True, err=True)
        store.run(accounts.remove, address)
    typer.echo(f"Removed {address}.")


@account.command("quota")
@reported
def quota(
    address: Address,
    size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE", help="At most so many octets, as in 500M or 2G; none: no limit.", show_default=False
        ),
    ] = None,
    messages: Annotated[
        str | None, typer.Option(metavar="N", help="At most so many messages; none: no limit.", show_default=False)
    ] = None,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Show what an account has and may have; --size and --messages set its limits.

    A letter that has no room is refused for now (SMTP 452), or for good if it is larger than all the room (552).

    Example: posthouse account quota ada@example.org --size 2G
    """
    wanted_size = limit(size, "--size")
    wanted_messages = limit(messages, "--messages")
    with store_of(config) as store:
        from posthouse.store import quota as quotas

        owner = existing(store, address)
        now = store.look(quotas.get, owner)
        if size is not None or messages is not None:
            store.run(
                quotas.set_limits,
                owner,
                size=now.size_limit if size is None else wanted_size,
                messages=now.message_limit if messages is None else wanted_messages,
            )
            now = store.look(quotas.get, owner)
    if as_json:
        typer.echo(json.dumps({"address": address, **asdict(now)}))
    else:
        typer.echo(
            f"{now.size} octets of {bounded(now.size_limit)}, {now.messages} messages of {bounded(now.message_limit)}"
        )


def limit(text: str | None, option: str) -> int | None:
    """A limit as typed: a number with K, M, G or T behind it, or "none"."""
    if text is None or text == "none":
        return None
    found = SIZE.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f'"{text}" is no number as in 500M, and not "none"', param_hint=option)
    return int(found[1]) << 10 * " KMGT".index(found[2].upper() or " ")


def bounded(limit: int | None) -> str:
    """A limit in words."""
    return "any number" if limit is None else str(limit)


def of_this_server(store: Store, address: str) -> None:
    """Refuse an address at a domain whose letters don't come here, and one to which nobody could send a letter."""
    from posthouse.store import domain as domains
    from posthouse.store.address import is_sendable

    local, _, home = address.strip().rpartition("@")
    if local and not is_sendable(address):
        raise ConfigError(
            f"{address} is no address: {local} has characters that need quotes",
            advice=f"Is it mistyped? With quotes it would be '\"{local}\"@{home}'.",
        )
    if not store.look(domains.is_local, home):
        raise ConfigError(
            f"{home or address} is no domain of this server, so letters to {address} would not come here",
            advice=f"Add it first: posthouse domain add {home}" if "@" in address else "Write name@domain.",
        )


def existing(store: Store, address: str) -> int:
    """The id of the account with this address; refuse an address that has none."""
    from posthouse.store import account as accounts

    found = store.look(accounts.find, address)
    if found is None:
        raise ConfigError(f"there is no account {address}", advice="posthouse account list shows them all.")
    return found.id
