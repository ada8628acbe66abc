"""`posthouse read` and `save`: one message, and the files that came with it."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import NotFound, NotSupported

from .plain import plain, plain_line
from .remote import AccountOption, IdArgument, ImapOption, JsonOption, MailboxOption, Pop3Option, mail_of, opened
from .report import reported

if TYPE_CHECKING:
    from posthouse.client.sync.mail import Attachment, Mail

# The fields that a reader wants to see, in this order.
SHOWN = ("From", "To", "Cc", "Date", "Subject")


@reported
def read(
    ident: IdArgument,
    headers: Annotated[bool, typer.Option("--headers", help="All header fields, and nothing else.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="The message as it came, octet for octet.")] = False,
    part: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The N-th attachment's content alone.", show_default=False),
    ] = None,
    html: Annotated[bool, typer.Option("--html", help="The HTML, as its sender wrote it.")] = False,
    keep_unread: Annotated[bool, typer.Option("--keep-unread", help="Don't mark it as read.")] = False,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Show a message: its header, its text (HTML as readable text), its attachments. It is marked as read.

    Example: posthouse read 12
    """
    with opened(account, imap, pop3) as box:
        mail = mail_of(box, ident, mailbox)
        if raw:
            _write(mail.raw)
        elif part is not None:
            _write(_attachment(mail, part).content)
        elif headers:
            typer.echo("\n".join(f"{name}: {value}" for name, value in mail.headers))
        elif html:
            typer.echo(mail.html or "", nl=False)
        elif as_json:
            typer.echo(json.dumps(_as_object(mail), ensure_ascii=False))
        else:
            _show(mail)
        if mail.unread and not keep_unread:
            with contextlib.suppress(NotSupported):  # POP3 doesn't know what has been read
                mail.mark(read=True)


@reported
def save(
    ident: IdArgument,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to; made if it is missing.")] = Path(),
    part: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only the N-th attachment.", show_default=False),
    ] = None,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
    as_json: JsonOption = False,
) -> None:
    """Save the attachments of a message. No file is overwritten: a second report.pdf becomes "report (2).pdf".

    Example: posthouse save 12 ~/Downloads
    """
    with opened(account, imap, pop3) as box:
        mail = mail_of(box, ident, mailbox)
        wanted = [_attachment(mail, part)] if part is not None else mail.attachments
        for one in wanted:
            path = one.save(folder)
            if as_json:
                typer.echo(json.dumps({"path": str(path), "type": one.type}, ensure_ascii=False))
            else:
                typer.echo(f"Saved {path}.")
        if not wanted:
            raise NotFound(f"message {ident} has no attachments")


def _attachment(mail: Mail, number: int) -> Attachment:
    attachments = mail.attachments
    if number > len(attachments):
        raise NotFound(f"message {mail.uid} has {len(attachments)} attachments", advice="Count from 1.")
    return attachments[number - 1]


def _write(octets: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(octets)
    sys.stdout.buffer.flush()


def _show(mail: Mail) -> None:
    fields = mail.headers
    for name in SHOWN:
        value = fields.get(name.lower())
        if value:
            typer.echo(f"{typer.style(f'{name}:', bold=True)} {plain_line(value)}")
    typer.echo()
    typer.echo(plain(mail.text).rstrip("\n"))
    for number, one in enumerate(mail.attachments, 1):
        if number == 1:
            typer.echo()
        typer.echo(f"[{number}] {plain_line(one.filename)}  {one.type}  {_size(one.size)}")


def _size(octets: int) -> str:
    if octets < 1024**2:
        return f"{octets} B" if octets < 1024 else f"{octets / 1024:.0f} KB"
    return f"{octets / 1024**2:.1f} MB"


def _as_object(mail: Mail) -> dict[str, object]:
    from .list import as_object

    return {
        **as_object(mail),
        "cc": [one.display for one in mail.cc],
        "text": mail.text,
        "html": mail.html,
        "headers": [[name, value] for name, value in mail.headers],
        "attachments": [
            {"filename": one.filename, "type": one.type, "size": one.size, "inline": one.inline}
            for one in mail.attachments
        ],
    }
