"""`posthouse list`: the subjects of a mailbox, newest first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .remote import ImapOption, JsonOption, password_for
from .report import reported

if TYPE_CHECKING:
    from posthouse.client.summary import Summary

# Columns of the terminal: date and time, the writer; the subject takes the rest.
DATE_WIDTH, SENDER_WIDTH = 16, 28


@reported
def list_subjects(
    imap: ImapOption,
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="Which mailbox.")] = "INBOX",
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Only what fits: is:unread from:bob after:2026-01-31", show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.", show_default=False)] = None,
    as_json: JsonOption = False,
) -> None:
    """List the subjects of a mailbox, newest first: date, writer and subject. Nothing is marked as read.

    A query has is:unread, is:flagged, from:, to:, subject:, body:, after:, before:, larger:5M …; words alone are looked
    for everywhere; OR, NOT and parentheses.

    On a terminal unread ones are bold; on a pipe tabs stand between the columns.

    Example: posthouse list --limit 20 --imap imap://bob@example.org@mail.example.org
    """
    from posthouse.client.query import Q
    from posthouse.client.summary import ITEMS, summary
    from posthouse.client.sync import ImapClient

    if not imap.user:
        raise typer.BadParameter("name the user: imap://user@host", param_hint="--imap")
    try:
        wanted = Q.parse(" ".join(query or []))
    except ConfigError as error:
        raise typer.BadParameter(f"{error}. {error.advice}", param_hint="QUERY") from error
    password = password_for(imap)
    with ImapClient.connect(imap) as client:
        client.login(imap.user, password)
        client.select(mailbox, read_only=True)
        show(map(summary, client.newest(ITEMS, wanted, limit=limit)), as_json)


def show(messages: Iterable[Summary], as_json: bool) -> None:
    """Print the lines as the messages come."""
    if as_json:
        for message in messages:
            typer.echo(json.dumps(as_object(message), ensure_ascii=False))
    elif sys.stdout.isatty():
        show_columns(messages)
    else:
        for message in messages:
            typer.echo("\t".join(columns(message)))


def show_columns(messages: Iterable[Summary]) -> None:
    """On a terminal: columns as wide as they look, whatever the script; each line fits."""
    import rich.console
    from rich.cells import set_cell_size

    room = max(rich.console.Console().width - DATE_WIDTH - SENDER_WIDTH - 4, 20)
    for message in messages:
        date, sender, subject = columns(message)
        cells = (set_cell_size(date, DATE_WIDTH), set_cell_size(sender, SENDER_WIDTH), set_cell_size(subject, room))
        typer.secho("  ".join(cells).rstrip(), bold=message.unread)


def columns(message: Summary) -> tuple[str, str, str]:
    """Date in this computer's zone, the writer's name or address, the subject."""
    try:
        date = message.date.astimezone().strftime("%Y-%m-%d %H:%M") if message.date else ""
    except (OverflowError, ValueError):  # the year 9999 has no zones left
        date = ""
    sender = (message.sender.name or message.sender.addr) if message.sender else ""
    return date, sender, message.subject


def as_object(message: Summary) -> dict[str, object]:
    """A line of --json."""
    return {
        "uid": message.uid,
        "date": message.date.isoformat() if message.date else None,
        "from": message.sender.display if message.sender else "",
        "subject": message.subject,
        "unread": message.unread,
        "flags": sorted(message.flags),
    }
