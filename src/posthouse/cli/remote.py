"""What the mail commands share: whose mail it is, where the servers are, and the password for them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from posthouse.client.url import Protocol, Server
from posthouse.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from posthouse.client.sync import Account
    from posthouse.client.sync.box import Box
    from posthouse.client.sync.mail import Mail
    from posthouse.client.sync.mailbox import Mailbox, Messages

# The only place for a password besides the terminal: command lines are seen by every user of a computer, in its list of
# processes and in the shell's history.
VARIABLE = "POSTHOUSE_PASSWORD"


def _server(protocol: Protocol) -> Callable[[str], Server]:
    def parse(text: str) -> Server:
        try:
            return Server.parse(text, protocol)
        except ConfigError as error:
            raise typer.BadParameter(f"{error}. {error.advice}") from error

    parse.__name__ = "URL"  # what click calls the type in its messages
    return parse


AccountOption: TypeAlias = Annotated[
    str,
    typer.Option(
        "--account",
        metavar="ADDRESS",
        envvar="POSTHOUSE_ACCOUNT",
        help="Whose mail: an address that `posthouse login` knows.",
        show_default="the only one that is known",
    ),
]
SmtpOption: TypeAlias = Annotated[
    Server | None,
    typer.Option(
        "--smtp",
        metavar="URL",
        parser=_server(Protocol.SMTP),
        help="The server that takes letters: smtp://user@host:port?tls=starttls|implicit|none",
        show_default=False,
    ),
]
ImapOption: TypeAlias = Annotated[
    Server | None,
    typer.Option(
        "--imap",
        metavar="URL",
        parser=_server(Protocol.IMAP),
        help="The server that keeps the mail: imap://user@host:port?tls=starttls|implicit|none",
        show_default=False,
    ),
]
Pop3Option: TypeAlias = Annotated[
    Server | None,
    typer.Option(
        "--pop3",
        metavar="URL",
        parser=_server(Protocol.POP3),
        help="Or, where there is no IMAP, the server to fetch the mail from: pop3://user@host:port",
        show_default=False,
    ),
]
MailboxOption: TypeAlias = Annotated[
    str, typer.Option("--mailbox", "-m", metavar="NAME", help="The mailbox that IDs without a name mean.")
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
# As `posthouse list` and `search` print them.
IdArgument: TypeAlias = Annotated[
    str, typer.Argument(metavar="ID", help="A message, as `posthouse list` names it: 12, or Archive:12.")
]
IdsArgument: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Messages, as `posthouse list` names them: 12, or Archive:12.")
]


def account_for(
    address: str, smtp: Server | None = None, imap: Server | None = None, pop3: Server | None = None
) -> Account:
    """The account that the options mean. `ConfigError` when they mean none, or several could be meant.

    A server that is named, with its user, is enough. Else it is what `posthouse login` has remembered.
    """
    from posthouse.client.keeper import Keeper
    from posthouse.client.sync import Account

    named = smtp or imap or pop3
    if not address and named is not None:
        if not named.user:
            scheme = named.protocol.value
            raise typer.BadParameter(f"name the user: {scheme}://user@host", param_hint=f"--{scheme}")
        address = named.user if "@" in named.user else f"{named.user}@{named.host}"
    keeper = Keeper()
    if not address:
        known = keeper.accounts()
        if len(known) != 1:
            raise ConfigError(
                f"there are {len(known)} accounts, and none is named" if known else "no account is known here",
                advice=f"Name one with --account: {', '.join(one.address for one in known)}."
                if known
                else "Begin with `posthouse login you@example.org`, or name the server with --imap, --pop3 or --smtp.",
            )
        address = known[0].address
    if not os.environ.get(VARIABLE) and keeper.grant(address) is not None:
        return Account(address, smtp=smtp, imap=imap, pop3=pop3)
    password = password_for(address, keeper.password(address))
    return Account(address, password=password, smtp=smtp, imap=imap, pop3=pop3)


def password_for(address: str, kept: str = "") -> str:
    """The password of an account: from the environment, as it was kept, or asked for on a terminal."""
    password = os.environ.get(VARIABLE) or kept
    if password:
        return password
    if not sys.stdin.isatty():
        raise ConfigError(
            f"there is no password for {address}, and no terminal to ask for it",
            advice=f"Put it into the environment variable {VARIABLE}, or keep it with `posthouse login`.",
        )
    answer: str = typer.prompt(f"Password of {address}", hide_input=True, err=True)
    return answer


@contextmanager
def opened(address: str, imap: Server | None, pop3: Server | None = None) -> Iterator[Box]:
    """The mailboxes of the account that the options mean."""
    with account_for(address, imap=imap, pop3=pop3).open() as box:
        yield box


def place_of(ident: str, mailbox: str) -> tuple[str, int]:
    """The mailbox and the UID of an ID: ``12`` is in ``mailbox``, ``Archive:12`` says where it is."""
    name, colon, number = ident.rpartition(":")
    if not number.isascii() or not number.isdigit() or (colon and not name):
        raise typer.BadParameter(f"{ident!r} names no message; `posthouse list` shows their numbers", param_hint="ID")
    return name or mailbox, int(number)


def mail_of(box: Box, ident: str, mailbox: str) -> Mail:
    """The message that an ID names."""
    name, uid = place_of(ident, mailbox)
    return box[name].get(uid)


def selections(box: Box, idents: list[str], mailbox: str) -> Iterator[tuple[Mailbox, Messages]]:
    """The messages that IDs name, by mailbox. `NotFound` if one isn't there: then nothing is done to any."""
    wanted: dict[str, list[int]] = {}
    for ident in idents:
        name, uid = place_of(ident, mailbox)
        wanted.setdefault(name, []).append(uid)
    for name, uids in wanted.items():
        for uid in uids:
            box[name].get(uid)
    for name, uids in wanted.items():
        yield box[name], box[name].messages(uids)
