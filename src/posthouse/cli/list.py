"""`posthouse list`, `search` and `mailboxes`: what there is, newest first."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .plain import plain_line
from .remote import AccountOption, ImapOption, JsonOption, Pop3Option, opened
from .report import reported

if TYPE_CHECKING:
    from posthouse.client.query import Q
    from posthouse.client.sync.box import Box
    from posthouse.client.sync.mail import Mail

# Columns of the terminal: ID, date and time, the writer; the subject takes the rest.
ID_WIDTH, DATE_WIDTH, SENDER_WIDTH = 6, 16, 28
MAILBOX_WIDTH = 32
LimitOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many.", show_default=False)]
# Mailboxes that hold none, or what nobody looks for.
UNSEARCHED = frozenset({"\\noselect", "\\nonexistent", "\\all", "\\flagged", "\\junk", "\\trash"})


@reported
def list_subjects(
    mailbox: Annotated[str, typer.Argument(metavar="MAILBOX", help="Which mailbox.")] = "INBOX",
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="QUERY", help="Only what fits: is:unread from:bob after:2026-01-31", show_default=False),
    ] = None,
    limit: LimitOption = None,
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """List the subjects of a mailbox, newest first: ID, date, writer and subject. Nothing is marked as read.

    A query has is:unread, is:flagged, from:, to:, subject:, body:, after:, before:, larger:5M …; words alone are looked
    for everywhere; OR, NOT and parentheses.

    On a terminal unread ones are bold; on a pipe tabs stand between the columns.

    Example: posthouse list --limit 20 --imap imap://bob@example.org@mail.example.org
    """
    wanted = parsed(query or [])
    with opened(account, imap, pop3) as box:
        mails = box[mailbox].search(wanted).newest(limit)
        show(((f"{mail.uid}", mailbox, mail) for mail in mails), as_json)


@reported
def search(
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="What to look for: from:bob invoice")],
    mailbox: Annotated[
        list[str] | None,
        typer.Option("--mailbox", "-m", metavar="NAME", help="Only there; may be repeated.", show_default=False),
    ] = None,
    limit: LimitOption = None,
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Search all mailboxes but trash and junk, or those that are named. The lines are those of `posthouse list`.

    A query has is:unread, is:flagged, from:, to:, subject:, body:, after:, before:, larger:5M …; words alone are looked
    for everywhere; OR, NOT and parentheses.

    Example: posthouse search from:bob after:2026-01-31 invoice
    """
    wanted = parsed(query)
    with opened(account, imap, pop3) as box:
        names = mailbox or [one.name for one in box.mailboxes() if not _attributes(one.attributes) & UNSEARCHED]
        show(found(box, names, wanted, limit), as_json)


def found(box: Box, names: list[str], wanted: Q, limit: int | None) -> Iterator[tuple[str, str, Mail]]:
    """What a search finds, mailbox by mailbox, at most ``limit`` in all."""
    for name in names:
        for mail in box[name].search(wanted).newest(limit):
            yield f"{name}:{mail.uid}", name, mail
            limit = None if limit is None else limit - 1
        if limit == 0:
            return


@reported
def mailboxes(
    account: AccountOption = "", imap: ImapOption = None, pop3: Pop3Option = None, as_json: JsonOption = False
) -> None:
    """List the mailboxes, with how many messages they have and how many of these are unread.

    Example: posthouse mailboxes --account ada@example.org
    """
    from posthouse.client import imap_mailbox
    from posthouse.client.sync.maildrop import Pop3Box

    terminal = sys.stdout.isatty() and not as_json
    with opened(account, imap, pop3) as box:
        if terminal:
            typer.secho(mailbox_line("Mailbox", "Messages", "Unread"), underline=True)
        for one in sorted(box.mailboxes(), key=lambda one: (one.name.upper() != "INBOX", one.name.casefold())):
            attributes = _attributes(one.attributes)
            if attributes & {"\\noselect", "\\nonexistent"}:
                continue
            if isinstance(box, Pop3Box):
                messages = unread = box.inbox.count()
            else:
                told = box.run(lambda talk: imap_mailbox.status(talk, one.name)).items  # noqa: B023  (called at once)
                messages, unread = told.get("MESSAGES", 0), told.get("UNSEEN", 0)
            if as_json:
                line = {"mailbox": one.name, "messages": messages, "unread": unread, "attributes": sorted(attributes)}
                typer.echo(json.dumps(line, ensure_ascii=False))
            elif terminal:
                typer.secho(mailbox_line(one.name, str(messages), str(unread or "")), bold=bool(unread) or None)
            else:
                typer.echo(f"{plain_line(one.name)}\t{messages}\t{unread}")


def mailbox_line(name: str, messages: str, unread: str) -> str:
    """A line of the table that a terminal shows, as wide as it looks, whatever the script."""
    from rich.cells import cell_len

    shown = plain_line(name)
    return f"{shown}{' ' * max(MAILBOX_WIDTH - cell_len(shown), 0)} {messages:>8} {unread:>8}".rstrip()


def _attributes(attributes: Iterable[str]) -> set[str]:
    return {attribute.lower() for attribute in attributes}


def parsed(query: list[str]) -> Q:
    """The words of a query as one; wrong usage for what is none."""
    from posthouse.client.query import Q

    try:
        return Q.parse(" ".join(query))
    except ConfigError as error:
        raise typer.BadParameter(f"{error}. {error.advice}", param_hint="QUERY") from error


def show(mails: Iterable[tuple[str, str, Mail]], as_json: bool) -> None:
    """Print the lines (ID, mailbox, message) as the messages come."""
    if as_json:
        for ident, mailbox, mail in mails:
            typer.echo(json.dumps({"id": ident, "mailbox": mailbox, **as_object(mail)}, ensure_ascii=False))
    elif sys.stdout.isatty():
        show_columns(mails)
    else:
        for ident, _, mail in mails:
            typer.echo("\t".join((ident, *columns(mail))))


def show_columns(mails: Iterable[tuple[str, str, Mail]]) -> None:
    """On a terminal: columns as wide as they look, whatever the script; each line fits."""
    import rich.console
    from rich.cells import set_cell_size

    width = rich.console.Console().width
    for ident, _, mail in mails:
        date, sender, subject = columns(mail)
        number = f"{ident:>{ID_WIDTH}}"
        room = max(width - len(number) - DATE_WIDTH - SENDER_WIDTH - 6, 20)
        cells = (set_cell_size(date, DATE_WIDTH), set_cell_size(sender, SENDER_WIDTH), set_cell_size(subject, room))
        typer.secho("  ".join((number, *cells)).rstrip(), bold=mail.unread)


def columns(mail: Mail) -> tuple[str, str, str]:
    """Date in this computer's zone, the writer's name or address, the subject."""
    try:
        date = mail.date.astimezone().strftime("%Y-%m-%d %H:%M") if mail.date else ""
    except (OverflowError, ValueError):  # the year 9999 has no zones left
        date = ""
    sender = mail.from_[0] if mail.from_ else None
    return date, plain_line(sender.name or sender.addr) if sender else "", plain_line(mail.subject)


def as_object(mail: Mail) -> dict[str, object]:
    """A line of --json."""
    return {
        "uid": mail.uid,
        "date": mail.date.isoformat() if mail.date else None,
        "from": mail.from_[0].display if mail.from_ else "",
        "to": [one.display for one in mail.to],
        "subject": mail.subject,
        "unread": mail.unread,
        "flags": sorted(mail.flags),
        "size": mail.size,
        "message_id": mail.message_id,
    }
