"""`posthouse ban`: who is shut out, why, and the way back in. A running server hears of each change at once."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .account import Json, store_of
from .report import reported
from .setup import ConfigOption

if TYPE_CHECKING:
    from posthouse.store.ban import Ban

ban = typer.Typer(no_args_is_help=True, help="List, lift and add bans of networks and accounts.")

Subject = Annotated[
    str,
    typer.Argument(
        metavar="SUBJECT", help="An address (192.0.2.7), a network (2001:db8::/64), an account.", show_default=False
    ),
]
DURATION = re.compile(r"([1-9]\d{0,5})([mhd])")
SECONDS = {"m": 60, "h": 3_600, "d": 86_400}


@ban.command("list")
@reported
def list_bans(as_json: Json = False, config: ConfigOption = None) -> None:
    """List the bans that hold: whom, since when and until when, what they shut out, why.

    Example: posthouse ban list --json
    """
    with store_of(config) as store:
        from posthouse.store import ban as bans

        for one in store.look(bans.list_all):
            typer.echo(json.dumps(_object(one), ensure_ascii=False) if as_json else _line(one))


@ban.command("lift")
@reported
def lift(
    subject: Annotated[str, typer.Argument(metavar="[SUBJECT]", help="As in the list.", show_default=False)] = "",
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Lift a ban, or those that an address is under: logins and connections are taken again at once.

    Example: posthouse ban lift 192.0.2.7
    """
    if every == bool(subject):
        raise typer.BadParameter("name one, or say --all", param_hint="SUBJECT")
    with store_of(config) as store:
        from posthouse.errors import NotFound
        from posthouse.store import ban as bans

        if every:
            lifted = [one.subject for one in store.run(bans.lift_all)]
        else:
            try:
                lifted = [one.subject for one in store.run(bans.lift, *bans.subject(subject))]
            except NotFound as error:
                raise ConfigError(str(error), advice="posthouse ban list shows who is.") from error
    if as_json:
        for name in lifted:
            typer.echo(json.dumps({"lifted": name}))
    else:
        typer.echo("\n".join(f"Lifted the ban of {name}." for name in lifted) or "There was no ban to lift.")


@ban.command("add")
@reported
def add(
    subject: Subject,
    reason: Annotated[str, typer.Option("--reason", help="Why, for whoever reads the list.")] = "by the administrator",
    lasting: Annotated[
        str, typer.Option("--for", metavar="TIME", help="30m, 12h or 7d; else until it is lifted.", show_default=False)
    ] = "",
    logins_only: Annotated[
        bool, typer.Option("--logins-only", help="Letters of other servers still come from there.")
    ] = False,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Ban a network, or logins to an account from networks that it isn't used from. Open connections stay open.

    Networks of [login] never_banned, proxies and this machine are let in all the same.

    Example: posthouse ban add 192.0.2.0/24 --for 7d --reason "guesses passwords"
    """
    seconds = None if not lasting else _seconds(lasting)
    with store_of(config) as store:
        from posthouse.store import ban as bans

        kind, name = bans.subject(subject)
        scope = "logins" if logins_only or kind == "account" else "connections"
        made = store.run(bans.add, kind, name, scope=scope, reason=reason, seconds=seconds)
    typer.echo(json.dumps(_object(made), ensure_ascii=False) if as_json else _line(made))


def _seconds(text: str) -> int:
    found = DURATION.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f'"{text}" is no time as in 30m, 12h or 7d', param_hint="--for")
    return int(found[1]) * SECONDS[found[2]]


def _line(one: Ban) -> str:
    until = "until it is lifted" if one.until is None else f"until {_moment(one.until)}"
    return "\t".join([one.subject, one.scope, f"since {_moment(one.made)}", until, one.reason])


def _object(one: Ban) -> dict[str, str | None]:
    return {
        "subject": one.subject,
        "kind": one.kind,
        "scope": one.scope,
        "reason": one.reason,
        "made": _moment(one.made),
        "until": None if one.until is None else _moment(one.until),
    }


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%MZ")
