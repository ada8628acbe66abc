"""`posthouse alias`: further addresses of accounts, and addresses whose letters go on to others elsewhere.

Works beside a running server, from the next letter on.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError, InvalidMessage, NotFound

from .account import Json, existing, of_this_server, store_of
from .report import reported
from .setup import ConfigOption

if TYPE_CHECKING:
    from posthouse.store.engine import Store

alias = typer.Typer(no_args_is_help=True, help="Add, list and remove further addresses of accounts, and forwarding.")

Alias = Annotated[
    str,
    typer.Argument(
        metavar="ALIAS",
        help="info@example.org, or @example.org for whatever nobody else there has.",
        show_default=False,
    ),
]
To = Annotated[
    str,
    typer.Argument(metavar="TO", help="Where they go: an account here, or an address elsewhere.", show_default=False),
]


@alias.command("add")
@reported
def add(address: Alias, to: To, config: ConfigOption = None) -> None:
    """Let letters for ALIAS come to an account, who may also send as ALIAS; or go on to an address elsewhere.

    Added several times, all get them. An account that is to keep a copy may have its own address as ALIAS.
    ada+anything@example.org comes to Ada without an alias.

    Example: posthouse alias add info@example.org ada@example.org

    Example: posthouse alias add sales@example.org ann@gmail.com
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases
        from posthouse.store import forward

        of_this_server(store, address)
        if goes_elsewhere(store, to):
            sent_on = store.run(forward.add, address, to)
            typer.echo(f"Letters to {sent_on.address} go on to {sent_on.target}.")
            return
        existing(store, to)
        added = store.run(aliases.add, address, to)
    typer.echo(f"Letters to {added.address} come to {added.account}.")


def goes_elsewhere(store: Store, to: str) -> bool:
    """Whether an address is at a domain of others. `ConfigError` for what no letter can go to."""
    from posthouse.smtp.path import parse_mailbox
    from posthouse.store import account, domain

    if "@" not in to or store.look(domain.is_local, to.rpartition("@")[2]) or store.look(account.find, to):
        return False
    try:
        parse_mailbox(to.strip())
    except InvalidMessage as error:
        raise ConfigError(f'"{to}" is not a mail address', advice="Write it like ann@example.net.") from error
    return True


@alias.command("list")
@reported
def list_aliases(as_json: Json = False, config: ConfigOption = None) -> None:
    """List the aliases and where their letters go.

    Example: posthouse alias list --json
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases
        from posthouse.store import forward

        every: list[aliases.Alias | forward.Forward] = [*store.look(aliases.list_all), *store.look(forward.list_all)]
        for one in sorted(every):
            typer.echo(json.dumps(one._asdict()) if as_json else "\t".join(one))


@alias.command("remove")
@reported
def remove(address: Alias, to: To, config: ConfigOption = None) -> None:
    """Let letters for ALIAS go there no more.

    Example: posthouse alias remove info@example.org ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import alias as aliases
        from posthouse.store import forward

        if store.run(forward.remove, address, to):
            typer.echo(f"Letters to {address} go on to {to} no more.")
            return
        if goes_elsewhere(store, to):
            raise NotFound(f"{address} doesn't go to {to}", advice="posthouse alias list shows them all.")
        existing(store, to)
        store.run(aliases.remove, address, to)
    typer.echo(f"Letters to {address} come to {to} no more.")
