"""What the mail commands share: where the server is, and the password for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Annotated, TypeAlias

import typer

from posthouse.client.url import Protocol, Server
from posthouse.errors import ConfigError

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


SmtpOption: TypeAlias = Annotated[
    Server,
    typer.Option(
        "--smtp",
        metavar="URL",
        parser=_server(Protocol.SMTP),
        help="The server that takes the letter: smtp://user@host:port?tls=starttls|implicit|none",
        show_default=False,
    ),
]
ImapOption: TypeAlias = Annotated[
    Server,
    typer.Option(
        "--imap",
        metavar="URL",
        parser=_server(Protocol.IMAP),
        help="The server that keeps the mail: imap://user@host:port?tls=starttls|implicit|none",
        show_default=False,
    ),
]
JsonOption: TypeAlias = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def password_for(server: Server) -> str:
    """The password of the server's user: from the environment, or asked for on a terminal."""
    password = os.environ.get(VARIABLE)
    if password:
        return password
    if not sys.stdin.isatty():
        raise ConfigError(
            f"there is no password for {server.user} at {server.host}, and no terminal to ask for it",
            advice=f"Put it into the environment variable {VARIABLE}.",
        )
    answer: str = typer.prompt(f"Password of {server.user} at {server.host}", hide_input=True, err=True)
    return answer
