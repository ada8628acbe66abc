"""`posthouse alias`: further addresses of accounts. Works beside a running server, from the next letter on."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from .account import Json, existing, of_this_server, store_of
from .report import reported
from .setup import ConfigOption

alias = typer.Typer(no_args_is_help=True, help="Add, list and remove further addresses of accounts.")

Alias = Annotated[
    str,
    typer.Argument(
        metavar="ALIAS",
        help="info@example.org, or @example.org for whatever nobody else there has.",
        show_default=False,
    ),
]
Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Whose letters they become.", show_default=False)]


@alias.command("add")
@reported
def add(address: Alias, account: Account, config: ConfigOption = None) -> None:
    """Let letters for ALIAS come to ACCOUNT, who may also send as ALIAS. Added for several accounts, all get them.

    ada+anything@example.org comes to Ada without an alias.

    Example: posthouse alias add info@example.org ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases

        of_this_server(store, address)
        existing(store, account)
        added = store.run(aliases.add, address, account)
    typer.echo(f"Letters to {added.address} come to {added.account}.")


@alias.command("list")
@reported
def list_aliases(as_json: Json = False, config: ConfigOption = None) -> None:
    """List the aliases and their accounts.

    Example: posthouse alias list --json
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases

        for one in store.look(aliases.list_all):
            typer.echo(json.dumps(one._asdict()) if as_json else f"{one.address}\t{one.account}")


@alias.command("remove")
@reported
def remove(address: Alias, account: Account, config: ConfigOption = None) -> None:
    """Let letters for ALIAS come to ACCOUNT no more.

    Example: posthouse alias remove info@example.org ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases

        existing(store, account)
        store.run(aliases.remove, address, account)
    typer.echo(f"Letters to {address} come to {account} no more.")
