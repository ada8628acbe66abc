"""`posthouse account app-password`: a password for one program, to be taken back alone. Beside a running server too."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from posthouse.errors import ConfigError

from .account import Address, Json, existing, store_of
from .report import reported
from .setup import ConfigOption

app_password = typer.Typer(
    no_args_is_help=True, help="Passwords for one program each: limited to some doors, taken back one by one."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for, as in phone.", show_default=False)]
LONGEST_NAME = 100  # characters; it has to fit into a list


@app_password.command("add")
@reported
def add(
    address: Address,
    name: Name,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", metavar="imap|pop3|smtp", help="Opens this door only; may be repeated.", show_default=False
        ),
    ] = None,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Make a password for one program, and show it, this once.

    Example: posthouse account app-password add ada@example.org phone --only imap
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise typer.BadParameter(f"a name has 1 to {LONGEST_NAME} characters that can be seen", param_hint="NAME")
    with store_of(config) as store:
        from posthouse.store import app_password as app_passwords
        from posthouse.store import scram_key
        from posthouse.store.password import make_keys

        doors = only or []
        if unknown := set(doors) - set(app_passwords.PROTOCOLS):
            raise typer.BadParameter(
                f"{min(unknown)} is none of {', '.join(app_passwords.PROTOCOLS)}", param_hint="--only"
            )
        owner = existing(store, address)
        secret = app_passwords.generate()
        keys = make_keys(secret, store.look(scram_key.settled, owner))
        store.run(app_passwords.add, owner, name, app_passwords.digest(secret), doors, keys)
    typer.echo(json.dumps({"name": name, "only": sorted(set(doors)), "password": secret}) if as_json else secret)


@app_password.command("list")
@reported
def list_app_passwords(address: Address, as_json: Json = False, config: ConfigOption = None) -> None:
    """List an account's app passwords: name, doors, when made, the hour of the last use.

    Example: posthouse account app-password list ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import app_password as app_passwords

        for one in store.look(app_passwords.list_all, existing(store, address)):
            made, used = _day(one.created), _day(one.used)
            if as_json:
                shown = {"name": one.name, "only": sorted(one.protocols), "created": made, "used": used}
                typer.echo(json.dumps(shown, ensure_ascii=False))
            else:
                doors = " ".join(sorted(one.protocols)) or "all"
                typer.echo("\t".join([one.name, doors, f"made {made}", f"used {used}" if used else "never used"]))


@app_password.command("remove")
@reported
def remove(address: Address, name: Name, config: ConfigOption = None) -> None:
    """Take an app password back. It opens no door any more; sessions that are open stay open.

    Example: posthouse account app-password remove ada@example.org phone
    """
    with store_of(config) as store:
        from posthouse.errors import NotFound
        from posthouse.store import app_password as app_passwords

        owner = existing(store, address)
        try:
            store.run(app_passwords.remove, owner, name)
        except NotFound as error:
            raise ConfigError(
                f"{address} has no app password {name}",
                advice=f"posthouse account app-password list {address} shows them all.",
            ) from error
    typer.echo(f"Removed {name} of {address}.")


def _day(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")
