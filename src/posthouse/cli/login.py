"""`posthouse login` and `logout`: accounts that the mail commands know."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from posthouse.errors import NotFound

from .remote import ImapOption, JsonOption, SmtpOption, password_for
from .report import reported


@reported
def login(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Your mail address.", show_default=False)],
    imap: ImapOption = None,
    smtp: SmtpOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the servers of an address, check the password, and keep both for the other mail commands.

    The password is asked for, or taken from POSTHOUSE_PASSWORD. It goes into the system's keyring, or where there is
    none into a file that only you can read. Gmail and others want an app password here: the message says where to make
    one.

    Example: posthouse login ada@example.org
    """
    from posthouse.client.keeper import Keeper, Known
    from posthouse.client.sync import Account
    from posthouse.client.url import Protocol

    account = Account(address, smtp=smtp, imap=imap)
    servers = {protocol: account.server(protocol) for protocol in (Protocol.IMAP, Protocol.SMTP)}
    password = password_for(address)
    with Account(address, password=password, smtp=servers[Protocol.SMTP], imap=servers[Protocol.IMAP]) as me:
        me.login()
    known = Known(account.address.spec, str(servers[Protocol.SMTP]), str(servers[Protocol.IMAP]))
    where = Keeper().remember(known, password)
    if as_json:
        line = {"account": known.address, "imap": known.imap, "smtp": known.smtp, "password": where}
        typer.echo(json.dumps(line, ensure_ascii=False))
    else:
        typer.echo(f"Logged in as {known.address} at {servers[Protocol.IMAP].host}. The password is in {where}.")


@reported
def logout(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Your mail address.", show_default=False)],
) -> None:
    """Forget an account and its password on this computer.

    Example: posthouse logout ada@example.org
    """
    from posthouse.client.keeper import Keeper

    if not Keeper().forget(address):
        raise NotFound(f"{address} is not known here", advice="`posthouse login` makes it known.")
    typer.echo(f"Forgot {address}.")
