"""`posthouse import` and `export`: mail from the files of other programs into an account, and out of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import MailFileError
from posthouse.files.target import Format

from .account import Json, existing, store_of
from .progress import Bar, bar
from .remote import ImapOption, Pop3Option, opened
from .report import reported
from .setup import ConfigOption

if TYPE_CHECKING:
    from posthouse.files import Item

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="As in ada@example.org.", show_default=False)]


@reported
def import_mail(
    account: Account,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="An mbox, .eml or .zip file, a Maildir, or a folder of mbox and .eml files and Maildirs.",
        ),
    ],
    mailbox: Annotated[
        str, typer.Option(metavar="NAME", help="The mailbox that it goes into, made if missing.", show_default="INBOX")
    ] = "",
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """Take mail from files into an account, with its flags, dates and folders. Works beside a running server.

    Cut off, or done again: what came in before is passed over.

    Example: posthouse import ada@example.org ~/Maildir ~/old.mbox
    """
    for path in paths:
        if not path.exists():
            raise MailFileError(f"there is no file or folder {path}")
    with store_of(config) as store:
        from posthouse.store import transfer

        owner = existing(store, account)
        done = transfer.Progress()
        with bar("Importing", as_json=as_json) as shown:
            for done in transfer.import_mail(store, owner, _items(paths, shown), into=mailbox):
                shown.count(done.new + done.known)
    if as_json:
        typer.echo(json.dumps({"account": account, "new": done.new, "known": done.known}))
    else:
        known = f"; {_messages(done.known)} had come before" if done.known else ""
        typer.echo(f"Imported {_messages(done.new)} into {account}{known}.")


def _items(paths: Iterable[Path], shown: Bar) -> Iterator[Item]:
    from posthouse import files

    for path in paths:
        try:
            yield from files.read(path, progress=shown.source(str(path)))
        except OSError as error:
            if error.filename is None:  # reading failed, not opening
                error.filename = str(path)
            raise


@reported
def export_mail(
    source: Annotated[
        str,
        typer.Argument(
            metavar="ACCOUNT|MAILBOX",
            help="An account of this server; with --account or --imap a mailbox of that account, as in INBOX.",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path,
        typer.Argument(
            metavar="TARGET",
            help="The new file or folder. A mailbox is added to one that is there; else it may not exist yet.",
            show_default=False,
        ),
    ],
    form: Annotated[
        Format | None,
        typer.Option("--format", help="What to write.", show_default="by TARGET's ending; else maildir"),
    ] = None,
    mailbox: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this mailbox of the server's account; may be repeated."),
    ] = None,
    as_json: Json = False,
    config: ConfigOption = None,
    account: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Whose mailbox: an address that `posthouse login` knows."),
    ] = "",
    imap: ImapOption = None,
    pop3: Pop3Option = None,
) -> None:
    """Write mail to files that other programs, and `posthouse import`, read: an account of this server, which may be
    running; or, with --account or --imap, a mailbox at any provider.

    maildir and zip keep flags, dates and mailboxes. mbox keeps them too: one mailbox becomes a file, several become a
    folder with a file each. eml is a file for each letter, without flags. TARGET is there when all of it is; the same
    command again adds to it what a provider's mailbox has got since.

    Example: posthouse export ada@example.org ada.zip

    Example: posthouse export INBOX inbox.mbox --account ada@gmail.com
    """
    named = imap or pop3
    if account or named:
        if config is not None or mailbox:
            raise typer.BadParameter(
                "--config and --mailbox are for an account of this server, not with --account and --imap"
            )
        with bar("Exporting", as_json=as_json) as shown, opened(account, imap, pop3) as box:
            exists = target.exists()
            count = box[source].export(target, add=True, form=form, progress=shown.tell)
        of, word = f"{source} of {account or (named.user if named else '')}", "new message" if exists else "message"
    else:
        count = _export_account(source, target, form, mailbox or [], config, as_json=as_json)
        of, word = source, "message"
    if as_json:
        line = {"account": account or (imap.user if imap else ""), "mailbox": source} if account or imap else {}
        written = {"messages": count, "target": str(target), "format": (form or Format.of(target)).value}
        typer.echo(json.dumps({**(line or {"account": source}), **written}, ensure_ascii=False))
    else:
        plural = "" if count == 1 else "s"
        typer.echo(f"Exported {count} {word}{plural} of {of} to {target} ({(form or Format.of(target)).value}).")


def _export_account(
    account: str, target: Path, form: Format | None, names: list[str], config: Path | None, *, as_json: bool
) -> int:
    with store_of(config) as store:
        from posthouse.store import transfer

        owner = existing(store, account)
        count = 0
        with bar("Exporting", as_json=as_json) as shown:
            for count in transfer.export_file(store, owner, target, names, form):
                shown.count(count)
    return count


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"
