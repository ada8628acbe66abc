"""`posthouse login` and `logout`: accounts that the mail commands know."""

from __future__ import annotations

import json
import os
from typing import Annotated, TypeAlias

import typer

from posthouse.errors import NotFound

from .remote import VARIABLE, ImapOption, JsonOption, Pop3Option, SmtpOption, password_for
from .report import reported

# The secret of a registered program, which is no secret from its user: not on the command line all the same.
SECRET = "POSTHOUSE_OAUTH_CLIENT_SECRET"  # noqa: S105


AddressArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ADDRESS", help="Your mail address.", show_default=False)
]
ClientIdOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--oauth-client-id",
        metavar="ID",
        envvar="POSTHOUSE_OAUTH_CLIENT_ID",
        help="Log in by OAuth2, as the program that you have registered under this ID.",
        show_default=False,
    ),
]
IssuerOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--oauth-issuer",
        metavar="URL",
        envvar="POSTHOUSE_OAUTH_ISSUER",
        help="Who gives out the tokens; Google's and Microsoft's are known.",
        show_default=False,
    ),
]
DeviceOption: TypeAlias = Annotated[
    bool, typer.Option("--device", help="By a code for any device, instead of this computer's browser.")
]


@reported
def login(
    address: AddressArgument,
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    smtp: SmtpOption = None,
    client_id: ClientIdOption = "",
    issuer: IssuerOption = "",
    device: DeviceOption = False,
    as_json: JsonOption = False,
) -> None:
    """Find the servers of an address, check the login, and keep all of it for the other mail commands.

    The password is asked for, or taken from POSTHOUSE_PASSWORD. It goes into the system's keyring, or where there is
    none into a file that only you can read. Gmail and others want an app password here: the message says where to make
    one.

    With --oauth-client-id you log in on the provider's page, in the browser of this computer or (--device) on any
    other, and what is kept are tokens. Google and Microsoft want you to register a program of your own for that
    (docs/library.md tells where); its secret, if it has one, is taken from POSTHOUSE_OAUTH_CLIENT_SECRET.

    Example: posthouse login ada@example.org

    Example: posthouse login ada@example.org --oauth-client-id mail --oauth-issuer https://id.example.org
    """
    from posthouse.client.issuer import OAuth
    from posthouse.client.keeper import Keeper, Known
    from posthouse.client.sync import Account
    from posthouse.client.url import Protocol

    keeper = Keeper()
    oauth: OAuth | None
    if client_id:
        oauth = OAuth(client_id, os.environ.get(SECRET, ""), issuer)
    else:
        granted = None if os.environ.get(VARIABLE) else keeper.grant(Account(address).address.spec)
        oauth = granted.oauth if granted else None
    account = Account(address, smtp=smtp, imap=imap, pop3=pop3, oauth=oauth)
    reading = account.reading()
    servers = {protocol: account.server(protocol) for protocol in (reading, Protocol.SMTP)}
    password = "" if oauth else password_for(address)
    with Account(
        address,
        password=password,
        oauth=oauth,
        smtp=servers[Protocol.SMTP],
        imap=servers.get(Protocol.IMAP),
        pop3=servers.get(Protocol.POP3),
    ) as me:
        me.login(device=device, show=lambda sentence: typer.echo(sentence, err=True))
        urls = {protocol.value: str(me.server(protocol)) for protocol in (reading, Protocol.SMTP)}
    known = Known(account.address.spec, **urls)
    where = keeper.remember(known, password)
    if oauth and (grant := keeper.grant(known.address)):
        where = keeper.keep_grant(known.address, grant)
    if as_json:
        line = {"account": known.address, **urls}
        typer.echo(json.dumps(line | {"token" if oauth else "password": where}, ensure_ascii=False))
    else:
        kept = "The token is" if oauth else "The password is"
        typer.echo(f"Logged in as {known.address} at {servers[reading].host}. {kept} in {where}.")


@reported
def logout(address: AddressArgument, as_json: JsonOption = False) -> None:
    """Forget an account and its password on this computer.

    Example: posthouse logout ada@example.org
    """
    from posthouse.client.keeper import Keeper

    if not Keeper().forget(address):
        raise NotFound(f"{address} is not known here", advice="`posthouse login` makes it known.")
    typer.echo(json.dumps({"forgot": address}, ensure_ascii=False) if as_json else f"Forgot {address}.")
