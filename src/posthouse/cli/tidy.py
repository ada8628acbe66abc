"""`posthouse move`, `delete` and `flag`: messages put in order, on the server."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from posthouse.errors import NotFound

from .remote import (
    AccountOption,
    IdsArgument,
    ImapOption,
    JsonOption,
    MailboxOption,
    Pop3Option,
    opened,
    selections,
)
from .report import reported


@reported
def move(
    idents: IdsArgument,
    to: Annotated[str, typer.Option("--to", metavar="MAILBOX", help="Where to: a name, or archive, trash, junk.")],
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Move messages into another mailbox.

    Example: posthouse move 12 13 --to archive
    """
    with opened(account, imap, pop3) as box:
        special = {"archive": box.archive, "trash": box.trash, "junk": box.junk}
        names = [one.name for one in box.mailboxes()]
        if to not in names and to.lower() not in special:
            raise NotFound(f"there is no mailbox {to}", advice="`posthouse mailboxes` lists them.")
        target = to if to in names else special[to.lower()]
        for _, messages in selections(box, idents, mailbox):
            messages.move(target)
        moved = target.name() if as_json and not isinstance(target, str) else to
    _tell(f"Moved {_count(idents)} to {to}.", {"moved": idents, "to": moved}, as_json)


@reported
def delete(
    idents: IdsArgument,
    forever: Annotated[
        bool, typer.Option("--forever", help="Remove them, instead of moving them to the trash.")
    ] = False,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Move messages into the trash; those that are in it already, or with --forever, are removed.

    Example: posthouse delete 12
    """
    with opened(account, imap, pop3) as box:
        for _, messages in selections(box, idents, mailbox):
            messages.delete(forever=forever)
    _tell(f"Deleted {_count(idents)}.", {"deleted": idents, "forever": forever}, as_json)


@reported
def flag(
    idents: IdsArgument,
    read: Annotated[bool | None, typer.Option("--read/--unread", help="Read, or not.", show_default=False)] = None,
    flagged: Annotated[
        bool | None, typer.Option("--flagged/--unflagged", help="Marked for attention, or not.", show_default=False)
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(metavar="KEYWORD", help="A keyword to add.", show_default=False)
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="KEYWORD", help="A keyword to take away.", show_default=False)
    ] = None,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Mark messages as read, flagged, or with keywords.

    Example: posthouse flag 12 13 --read --add work
    """
    if read is None and flagged is None and not add and not remove:
        raise typer.BadParameter("say how to mark: --read, --unread, --flagged, --unflagged, --add, --remove")
    with opened(account, imap, pop3) as box:
        for _, messages in selections(box, idents, mailbox):
            messages.mark(read=read, flagged=flagged, add=add or (), remove=remove or ())
    marks = {"read": read, "flagged": flagged, "add": add or [], "remove": remove or []}
    _tell(f"Marked {_count(idents)}.", {"marked": idents, **marks}, as_json)


def _tell(sentence: str, line: dict[str, object], as_json: bool) -> None:
    typer.echo(json.dumps(line, ensure_ascii=False) if as_json else sentence)


def _count(idents: list[str]) -> str:
    return "1 message" if len(idents) == 1 else f"{len(idents)} messages"
