"""`posthouse verify`, `backup`, `restore` and `reindex`: looking after the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .account import Json, existing, store_of
from .progress import bar
from .report import FAILED, reported, say_error
from .server_extra import server_extra
from .setup import ConfigOption, load_config

if TYPE_CHECKING:
    from posthouse.store.engine import Store
    from posthouse.store.verify import Problem

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the backups are.", show_default=False)]


@reported
def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Set right what can be without losing anything.")] = False,
    adopt: Annotated[
        str,
        typer.Option(
            "--adopt",
            metavar="ADDRESS",
            help="With --repair: letters that no account has go into the mailbox Recovered of this one.",
            show_default=False,
        ),
    ] = "",
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Check that rows, counters, files and the search index agree; print what doesn't. Works beside a running server.

    Exit 0: all agrees, now. Exit 1: something doesn't, and is named.

    Example: posthouse verify --repair
    """
    if adopt and not repair:
        raise typer.BadParameter("it changes the store: say --repair too", param_hint="--adopt")
    with store_of(config) as store:
        from posthouse.store import verify as checks

        owner = existing(store, adopt) if adopt else None
        found = checks.verify(store)
        _print(found, as_json)
        if found and repair:
            checks.repair(store)
            if owner is not None:
                typer.echo(f"Adopted {checks.adopt(store, owner)} letters into Recovered of {adopt}.", err=True)
            left = checks.verify(store)
        else:
            left = found
    if not left:
        typer.echo("Repaired: everything agrees now." if found else "Everything agrees.", err=as_json)
        return
    say_error(_left(left, repair), _advice(left, repair))
    raise typer.Exit(FAILED)


def _print(found: list[Problem], as_json: bool) -> None:
    for problem in found:
        line = json.dumps({"problem": problem.text, "repairable": problem.repairable}) if as_json else problem.text
        typer.echo(line)


def _left(left: list[Problem], repaired: bool) -> str:
    count = "1 thing doesn't agree" if len(left) == 1 else f"{len(left)} things don't agree"
    return f"{count} after the repair" if repaired else count


def _advice(left: list[Problem], repaired: bool) -> str:
    if not any(problem.repairable for problem in left):
        return "A backup has what is lost here: posthouse restore."
    if repaired:
        return "Put letters that belong to no message into an account: posthouse verify --repair --adopt ADDRESS"
    return "posthouse verify --repair sets right what can be."


@reported
def backup(folder: Folder, as_json: Json = False, config: ConfigOption = None) -> None:
    """Make a backup of all mail and accounts below FOLDER, beside those that are there. Works beside a running server.

    Each is complete. On the same disk, or with an older backup there, letters take no room twice. The configuration
    and the keys are files: copy them too.

    Example: posthouse backup /var/backups/posthouse
    """
    with store_of(config) as store:
        from posthouse.store import backup as backups

        with bar("Backing up", as_json=as_json) as shown:
            made = backups.backup(store, folder, progress=shown.tell)
    typer.echo(json.dumps({"backup": str(made)}) if as_json else f"Made {made}.")


@reported
def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A backup, or the folder of which to take the newest.")
    ],
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Make the store anew from a backup. Not beside a running server: stop it, and move the old data folder away.

    Mail programs load all mailboxes again. Letters that waited to be sent are held back.

    Example: posthouse restore /var/backups/posthouse
    """
    with server_extra():
        from posthouse.store import backup as backups
        from posthouse.store.engine import Store
    source = folder if Store.exists(folder) else backups.latest(folder)
    if source is None:
        raise ConfigError(f"{folder} is no backup, and has none in it", advice="posthouse backup FOLDER makes one.")
    data = load_config(config).data
    with bar("Restoring", as_json=as_json) as shown:
        backups.restore(source, data, progress=shown.tell)
    typer.echo(json.dumps({"backup": str(source), "data": str(data)}) if as_json else f"Restored {data} from {source}.")


@reported
def reindex(as_json: Json = False, config: ConfigOption = None) -> None:
    """Make the search index anew. Works beside a running server: meanwhile it reads letters themselves, more slowly.

    Example: posthouse reindex
    """
    with store_of(config) as store:
        if store.index is None:
            raise ConfigError("this store keeps no index of its own", advice="Its database keeps one by itself.")
        total = _messages(store)
        with bar("Indexing", as_json=as_json) as shown:
            count = store.index.rebuild(store, lambda done: shown.tell(done, total))
    typer.echo(json.dumps({"messages": count}) if as_json else f"Indexed {count} messages.")


def _messages(store: Store) -> int:
    """How many messages there are, for the bar."""
    from posthouse.store import account, quota

    return sum(store.look(quota.get, one.id).messages for one in store.look(account.list_all))
