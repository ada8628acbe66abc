"""`posthouse send --merge`: a personal letter for each row of a table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from posthouse.errors import ConfigError, InvalidMessage

from .progress import bar
from .remote import account_for
from .report import FAILED, say_error

if TYPE_CHECKING:
    from posthouse.client.message import Message
    from posthouse.client.url import Server

# The columns that may hold the recipient, the first one that is there.
RECIPIENT = ("to", "email", "e-mail", "mail", "address")
# Letters that a dry run shows.
SHOWN = 3


def merge_and_send(
    letter: Message,
    table: Path,
    account: str,
    smtp: Server | None,
    rate: str,
    journal: Path | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Send the letter to everybody in the table, filled with their row; fail if somebody doesn't get it.

    All letters are made once before the first one goes out: a row that can't be one stops everything.
    """
    count = 0
    for made in filled(letter, table):
        if dry_run and count < SHOWN:
            shown = made if made.from_ else made.replace(from_="you@example.org")
            typer.echo(shown.as_bytes(bcc=True).decode("utf-8", "replace"))
        count += 1
    if dry_run:
        typer.echo(f"{count} letters would be sent; nothing was.")
        return
    failed = 0
    with account_for(account, smtp) as me, bar("Sending", as_json=as_json) as shown_bar:
        for done, outcome in enumerate(me.send_many(filled(letter, table), rate=rate or None, journal=journal), 1):
            failed += not outcome.accepted
            shown_bar.tell(done, count)
            if as_json:
                line = {"to": outcome.recipient, "accepted": outcome.accepted, "reply": outcome.reply}
                typer.echo(json.dumps({**line, "message_id": outcome.message_id}, ensure_ascii=False))
            elif not outcome.accepted:
                doubt = "; it may have been sent" if outcome.unsure else ""
                say_error(f"{outcome.recipient} did not get the letter: {outcome.reply}{doubt}")
    if not as_json:
        typer.echo(f"Sent {count - failed} of {count} letters.")
    if failed:
        raise typer.Exit(FAILED)


def filled(letter: Message, table: Path) -> Iterator[Message]:
    """The letter for each row. Errors name the row."""
    with table.open(encoding="utf-8-sig", newline="") as file:  # spreadsheets write a byte order mark
        rows = csv.DictReader(file)
        columns = [name.strip() for name in rows.fieldnames or ()]
        column = next((name for name in columns if name.lower() in RECIPIENT), None)
        if column is None and not letter.recipients:
            raise ConfigError(
                f"{table} has no column for the recipient", advice=f"Call one of its columns {RECIPIENT[0]} or email."
            )
        for row in rows:
            values = {(name or "").strip(): (value or "").strip() for name, value in row.items() if name}
            try:
                yield letter.fill(to=values[column] if column else None, **_fields(values))
            except InvalidMessage as error:
                raise InvalidMessage(f"{table}, line {rows.line_num}: {error}", advice=error.advice) from error


def _fields(values: dict[str, str]) -> dict[str, str]:
    """What `Message.fill` may be given: its own words are no fields."""
    return {name: value for name, value in values.items() if name not in ("to", "cc", "bcc", "files")}
