"""`posthouse watch`: what happens in a mailbox, as it happens."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Annotated

import typer

from .list import as_object, columns
from .remote import AccountOption, ImapOption, JsonOption, Pop3Option, opened
from .report import reported

if TYPE_CHECKING:
    from posthouse.client.changes import Event
    from posthouse.client.sync.mail import Mail


@reported
def watch(
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="Which mailbox.")] = "INBOX",
    execute: Annotated[
        str,
        typer.Option(
            "--exec",
            metavar="COMMAND",
            help="Run this for each new message; the message is its standard input.",
            show_default=False,
        ),
    ] = "",
    quiet: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="End after so long without news.", show_default=False)
    ] = None,
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what happens in a mailbox until Ctrl-C: new messages, changed flags, messages that are gone.

    A connection that breaks is made again, and what happened meanwhile is told then. The command of --exec also finds
    POSTHOUSE_ID, POSTHOUSE_FROM and POSTHOUSE_SUBJECT in its environment.

    Example: posthouse watch --exec 'notify-send "$POSTHOUSE_SUBJECT"'
    """
    with opened(account, imap, pop3) as box:
        for event in box[mailbox].watch(quiet=quiet):
            _tell(event, as_json)
            if execute and event.message is not None:
                _run(execute, event.message)


def _tell(event: Event[Mail], as_json: bool) -> None:
    if as_json:
        about = as_object(event.message) if event.message else {"uid": event.uid, "flags": sorted(event.flags)}
        typer.echo(json.dumps({"event": event.kind, **about}, ensure_ascii=False))
    elif event.message is not None:
        typer.echo("\t".join((event.kind, str(event.uid), *columns(event.message))))
    else:
        typer.echo("\t".join((event.kind, str(event.uid), " ".join(sorted(event.flags)))).rstrip("\t"))


def _run(command: str, mail: Mail) -> None:
    surroundings = {
        "POSTHOUSE_ID": str(mail.uid),
        "POSTHOUSE_FROM": mail.from_[0].display if mail.from_ else "",
        "POSTHOUSE_SUBJECT": mail.subject,
    }
    # The person's own command line; what a letter says reaches it as data only.
    done = subprocess.run(command, shell=True, input=mail.raw, env={**os.environ, **surroundings}, check=False)  # noqa: S602
    if done.returncode:
        typer.echo(f"posthouse: the command ended with {done.returncode} for message {mail.uid}", err=True)
