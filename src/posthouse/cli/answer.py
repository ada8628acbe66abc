"""`posthouse reply` and `forward`."""

from __future__ import annotations

from typing import Annotated

import typer

from .compose import AttachOption, FileArgument, read_text
from .remote import AccountOption, IdArgument, ImapOption, JsonOption, MailboxOption, SmtpOption, account_for, mail_of
from .report import reported
from .send import report


@reported
def reply(
    ident: IdArgument,
    file: FileArgument = "",
    all: Annotated[bool, typer.Option("--all", help="To everybody who got the letter.")] = False,
    attach: AttachOption = None,
    quote: Annotated[bool, typer.Option("--quote/--no-quote", help="Put the letter below the answer.")] = True,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    smtp: SmtpOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a letter; it is marked as answered.

    Example: echo "Thanks" | posthouse reply 12
    """
    with account_for(account, smtp, imap) as me, me.open() as box:
        mail = mail_of(box, ident, mailbox)
        letter = mail.reply(read_text(file), all=all, quote=quote, files=attach or ())
        receipt = me.send(letter)
        mail.mark(answered=True)
    report(receipt, as_json)


@reported
def forward(
    ident: IdArgument,
    to: Annotated[list[str], typer.Option("--to", metavar="ADDRESS", help="A recipient; may be given again.")],
    file: FileArgument = "",
    attached: Annotated[bool, typer.Option("--attached", help="The letter as a file, as it came.")] = False,
    attach: AttachOption = None,
    mailbox: MailboxOption = "INBOX",
    account: AccountOption = "",
    imap: ImapOption = None,
    smtp: SmtpOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand a letter on, with its files; it is marked as forwarded.

    Example: echo "See below" | posthouse forward 12 --to eve@example.org
    """
    with account_for(account, smtp, imap) as me, me.open() as box:
        mail = mail_of(box, ident, mailbox)
        letter = mail.forward(to, read_text(file), attached=attached, files=attach or ())
        receipt = me.send(letter)
        mail.mark(add=["$Forwarded"])  # RFC 5788 §3
    report(receipt, as_json)
