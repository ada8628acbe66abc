"""`posthouse send`: a letter from the command line."""

from __future__ import annotations

import html as markup
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .remote import JsonOption, SmtpOption, password_for
from .report import FAILED, reported, say_error

if TYPE_CHECKING:
    from posthouse.client.message import Message
    from posthouse.client.smtp import SendResult
    from posthouse.message.compose import Attachment


@reported
def send(
    smtp: SmtpOption,
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="The text; - is standard input.", show_default=False)
    ] = "",
    to: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="A recipient; may be given again.", show_default=False)
    ] = None,
    cc: Annotated[
        list[str] | None, typer.Option(metavar="ADDRESS", help="Who gets a copy.", show_default=False)
    ] = None,
    bcc: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Who gets a copy without the others knowing.", show_default=False),
    ] = None,
    subject: Annotated[str, typer.Option(metavar="TEXT", help="What it is about.", show_default=False)] = "",
    attach: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A file that goes with the letter.", show_default=False)
    ] = None,
    inline: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A picture that is shown below the text.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The letter in HTML, which shows a.png as cid:a.png.", show_default=False),
    ] = None,
    from_: Annotated[
        str, typer.Option("--from", metavar="ADDRESS", help="The sender, if not the server's user.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Send a letter.

    Example: echo "At five?" | posthouse send --to bob@example.org --subject Tea \\
        --smtp smtp://ada@example.org@mail.example.org
    """
    from posthouse.client.message import Message
    from posthouse.client.sync import SmtpClient

    if not (to or cc or bcc):
        raise typer.BadParameter("the letter needs a recipient", param_hint="--to")
    sender = from_ or smtp.user
    if "@" not in sender:
        raise typer.BadParameter("say who the letter is from", param_hint="--from")
    # With a letter in HTML the text may be left out, and whoever waits at standard input is left alone.
    text = None if html and not file else read_text(file)
    pictures = enclosed(inline or [])
    letter = Message(
        from_=sender, to=to or (), cc=cc or (), bcc=bcc or (), subject=subject, text=text,
        html=with_pictures(text or "", read_text(str(html)) if html else "", pictures) or None,
        files=attach or (), inline=pictures,
    )  # fmt: skip
    octets = bytes(letter)
    password = password_for(smtp) if smtp.user else ""
    with SmtpClient.connect(smtp) as client:
        if password:
            client.login(smtp.user, password)
        result = client.send(sender, [one.spec for one in letter.recipients], octets)
    report(letter, result, as_json)


def read_text(file: str) -> str:
    """The text of a file; of standard input for ``-`` and for nothing."""
    from posthouse.message import charset

    if file and file != "-":
        return charset.guess(Path(file).read_bytes())
    if sys.stdin.isatty():
        typer.echo("Write the letter, and end it with Ctrl-D on a line of its own.", err=True)
    return charset.guess(sys.stdin.buffer.read())


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


def report(letter: Message, result: SendResult, as_json: bool) -> None:
    """Say what became of the letter; fail if anybody won't get it."""
    if as_json:
        refused = {address: str(reply) for address, reply in result.refused.items()}
        outcome = {"message_id": letter.message_id, "accepted": result.accepted, "refused": refused}
        typer.echo(json.dumps({**outcome, "reply": str(result.reply)}, ensure_ascii=False))
    else:
        typer.echo(f"Sent to {', '.join(result.accepted)}.")
    for address, reply in result.refused.items():
        say_error(f"{address} was refused: {reply}")
    if result.refused:
        raise typer.Exit(FAILED)
