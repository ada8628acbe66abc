"""`posthouse send`: a letter from the command line."""

from __future__ import annotations

import html as markup
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from .compose import AttachOption, FileArgument, read_text
from .merge import merge_and_send
from .remote import AccountOption, ImapOption, JsonOption, SmtpOption, account_for
from .report import FAILED, reported, say_error

if TYPE_CHECKING:
    from posthouse.client.message import Message
    from posthouse.client.receipt import Receipt
    from posthouse.client.url import Server
    from posthouse.message.compose import Attachment


Addresses: TypeAlias = list[str] | None
ToOption: TypeAlias = Annotated[
    Addresses, typer.Option("--to", metavar="ADDRESS", help="A recipient; may be given again.", show_default=False)
]
CcOption: TypeAlias = Annotated[
    Addresses, typer.Option("--cc", metavar="ADDRESS", help="Who gets a copy.", show_default=False)
]
BccOption: TypeAlias = Annotated[
    Addresses,
    typer.Option("--bcc", metavar="ADDRESS", help="Who gets a copy without the others knowing.", show_default=False),
]
FromOption: TypeAlias = Annotated[
    str, typer.Option("--from", metavar="ADDRESS", help="The sender, if not the account.", show_default=False)
]
SubjectOption: TypeAlias = Annotated[
    str, typer.Option("--subject", metavar="TEXT", help="What it is about.", show_default=False)
]
InlineOption: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--inline", metavar="FILE", help="A picture that is shown below the text.", show_default=False),
]
HtmlOption: TypeAlias = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", help="The letter in HTML; it shows a.png as cid:a.png.", show_default=False),
]
MarkdownOption: TypeAlias = Annotated[
    bool, typer.Option("--markdown", help="The text is Markdown; it goes out as HTML, too.")
]
MergeOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--merge",
        metavar="CSV",
        help="A letter for each row: {name} becomes the column name; the column to or email is the recipient.",
        show_default=False,
    ),
]
RateOption: TypeAlias = Annotated[
    str, typer.Option("--rate", metavar="N/s", help="With --merge: at most so fast, 20/s or 500/h.", show_default=False)
]
JournalOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="FILE",
        help="With --merge: remember there what went out; again sends the rest.",
        show_default=False,
    ),
]
DryRunOption: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent, and send nothing.")]


@reported
def send(
    file: FileArgument = "",
    to: ToOption = None,
    cc: CcOption = None,
    bcc: BccOption = None,
    subject: SubjectOption = "",
    attach: AttachOption = None,
    inline: InlineOption = None,
    html: HtmlOption = None,
    markdown: MarkdownOption = False,
    from_: FromOption = "",
    merge: MergeOption = None,
    rate: RateOption = "",
    journal: JournalOption = None,
    dry_run: DryRunOption = False,
    account: AccountOption = "",
    smtp: SmtpOption = None,
    imap: ImapOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a letter, or with --merge one to each of many.

    Example: echo "At five?" | posthouse send --to bob@example.org --subject Tea \\
        --smtp smtp://ada@example.org@mail.example.org
    """
    from posthouse.client.message import Message

    if not (to or cc or bcc or merge):
        raise typer.BadParameter("the letter needs a recipient", param_hint="--to")
    if smtp is not None and not (smtp.user or account or from_):
        raise typer.BadParameter("say who the letter is from", param_hint="--from")
    # With a letter in HTML the text may be left out, and whoever waits at standard input is left alone.
    text = None if html and not file else read_text(file)
    pictures = enclosed(inline or [])
    shown = with_pictures(text or "", read_text(str(html)) if html else "", pictures) or None
    letter = Message(
        from_=from_, to=to or (), cc=cc or (), bcc=bcc or (), subject=subject, text=None if markdown else text,
        markdown=text if markdown else None, html=None if markdown else shown, files=attach or (), inline=pictures,
    )  # fmt: skip
    if merge is not None:
        merge_and_send(letter, merge, account, smtp, rate, journal, dry_run=dry_run, as_json=as_json)
    elif dry_run:
        typer.echo(letter.replace(from_=from_ or "you@example.org").as_bytes(bcc=True).decode("utf-8", "replace"))
    elif smtp is not None and not smtp.user:
        report(unauthenticated(letter, smtp), as_json)
    else:
        with account_for(account, smtp, imap) as me:
            # A server that was named says nothing of where the Sent mailbox is.
            report(me.send(letter, copy=smtp is None or imap is not None), as_json)


def unauthenticated(letter: Message, server: Server) -> Receipt:
    """Send by a server that wants no login: one's own, or one that takes the letter for its own people."""
    from posthouse.client.receipt import Receipt
    from posthouse.client.sync import SmtpClient

    octets = letter.as_bytes(smtputf8=letter.needs_smtputf8)
    with SmtpClient.connect(server) as client:
        result = client.send(letter.from_[0].spec, [one.spec for one in letter.recipients], octets)
    return Receipt(letter.message_id, result.accepted, result.refused, result.reply)


def enclosed(paths: list[Path]) -> list[Attachment]:
    """The pictures, each called after its file; two of one name get numbers."""
    from posthouse.client.attachment import enclose

    pictures: list[Attachment] = []
    for path in paths:
        picture = enclose(path, inline=True)
        taken = sum(one.filename == picture.filename for one in pictures)
        pictures.append(enclose(path, inline=True, cid=f"{taken + 1}-{picture.cid}") if taken else picture)
    return pictures


def with_pictures(text: str, html: str, pictures: list[Attachment]) -> str:
    """The letter in HTML, made from the text if there is none, with the pictures that it doesn't show below it.

    Without pictures a text stays a text.
    """
    missing = [picture for picture in pictures if f"cid:{picture.cid}" not in html]
    if not missing:
        return html
    if not html:
        html = f'<div style="white-space: pre-wrap">{markup.escape(text.strip())}</div>\n'
    shown = "".join(
        f'<p><img src="cid:{markup.escape(picture.cid)}" alt="{markup.escape(picture.filename)}"></p>\n'
        for picture in missing
    )
    end = html.lower().rfind("</body>")
    return html + shown if end < 0 else html[:end] + shown + html[end:]


def report(receipt: Receipt, as_json: bool) -> None:
    """Say what became of the letter; fail if anybody won't get it."""
    if as_json:
        refused = {address: str(reply) for address, reply in receipt.refused.items()}
        outcome: dict[str, object] = {
            "message_id": receipt.message_id,
            "accepted": receipt.accepted,
            "refused": refused,
        }
        outcome |= {"reply": str(receipt.reply), "copy": receipt.copy, "copy_made": receipt.copy_made}
        typer.echo(json.dumps(outcome, ensure_ascii=False))
    else:
        made = f" The copy is in {receipt.copy}, a mailbox that was made for it." if receipt.copy_made else ""
        typer.echo(f"Sent to {', '.join(receipt.accepted)}.{made}")
    for address, reply in receipt.refused.items():
        say_error(f"{address} was refused: {reply}")
    if receipt.copy_failed:
        say_error(f"no copy was kept: {receipt.copy_failed}")
    if receipt.refused:
        raise typer.Exit(FAILED)
