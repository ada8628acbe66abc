"""`posthouse domain`: whose letters this server takes. Works beside a running server."""

from __future__ import annotations

from typing import Annotated

import typer

from .account import store_of
from .report import reported
from .setup import ConfigOption

domain = typer.Typer(no_args_is_help=True, help="Add, list and remove the domains whose letters this server takes.")

Name = Annotated[str, typer.Argument(metavar="DOMAIN", help="As in example.org.", show_default=False)]


@domain.command("add")
@reported
def add(name: Name, config: ConfigOption = None) -> None:
    """Take letters for a further domain.

    Example: posthouse domain add example.net
    """
    with store_of(config, new=True) as store:
        from posthouse.server.setup import host_name
        from posthouse.store import domain as domains

        store.run(domains.add, host_name(name, "domain"))
    typer.echo(f"Added {name}. Its MX record must point to this server.")


@domain.command("list")
@reported
def list_domains(config: ConfigOption = None) -> None:
    """List the domains.

    Example: posthouse domain list
    """
    with store_of(config) as store:
        from posthouse.store import domain as domains

        for name in store.look(domains.list_all):
            typer.echo(name)


@domain.command("remove")
@reported
def remove(name: Name, config: ConfigOption = None) -> None:
    """Take no more letters for a domain. Its accounts and aliases have to go first.

    Example: posthouse domain remove example.net
    """
    with store_of(config) as store:
        from posthouse.store import domain as domains

        store.run(domains.remove, name)
    typer.echo(f"Removed {name}. Its MX record should no longer point to this server.")
