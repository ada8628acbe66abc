"""`posthouse queue`: letters on their way to other servers. A running server hears at once of what is done here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import ConfigError

from .account import Json, store_of
from .report import reported
from .setup import ConfigOption

if TYPE_CHECKING:
    from posthouse.store.queue import Entry, Which

queue = typer.Typer(no_args_is_help=True, help="Show and steer the letters that wait to go to other servers.")

Ids = Annotated[
    list[int] | None,
    typer.Argument(metavar="[ID]...", help="Letters, as `queue list` numbers them.", show_default=False),
]
Sender = Annotated[str, typer.Option("--from", metavar="ADDRESS", help="Only letters from this sender.")]
Recipient = Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Only for this address; or a domain.")]
All = Annotated[bool, typer.Option("--all", help="Every letter in the queue.")]


def chosen(ids: list[int] | None, sender: str, recipient: str, every: bool = True) -> Which:
    """What a command is about. `ConfigError` for a command that changes something and was given nothing."""
    from posthouse.store.queue import Which

    if not (ids or sender or recipient or every):
        raise ConfigError("it isn't said which letters are meant", advice="Give IDs, --from, --to, or --all.")
    return Which(tuple(ids or ()), sender, recipient)


@queue.command("list")
@reported
def list_queue(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    held: Annotated[bool, typer.Option("--held", help="Only those that are held.")] = False,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """List what waits, a line for each recipient, with what the other side said last.

    Example: posthouse queue list --to example.net --json
    """
    with store_of(config) as store:
        from dataclasses import replace

        from posthouse.store import queue as queued

        which = chosen(ids, sender, recipient)
        if held:
            which = replace(which, state="held")
        after = (0, 0)
        while rows := store.look(queued.list_some, which, after=after):
            for _, *columns in rows:
                entry = queued.Entry._make(columns)
                typer.echo(json.dumps(entry._asdict()) if as_json else in_words(entry))
            after = (rows[-1][1], rows[-1][0])


def in_words(entry: Entry) -> str:
    """A recipient on one line, and what was said of it on the next."""
    when = "held" if entry.state == "held" else f"due {moment(entry.due)}"
    line = f"{entry.letter_id}  <{entry.sender}> to <{entry.recipient}>  {entry.size} octets  {when}"
    tries = "not tried yet" if not entry.attempts else f"tried {entry.attempts}×"
    said = f"\n    {tries}: {entry.reply}" if entry.reply else f"  ({tries})"
    return line + said


def moment(seconds: int) -> str:
    """A time, as lists show it: UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


@queue.command("retry")
@reported
def retry(ids: Ids = None, sender: Sender = "", recipient: Recipient = "", config: ConfigOption = None) -> None:
    """Try again now, whatever their time; without a choice: all that wait.

    Example: posthouse queue retry --to example.net
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = store.run(queued.retry, chosen(ids, sender, recipient))
    typer.echo(f"{recipients(count)} to be tried now.")


@queue.command("hold")
@reported
def hold(
    ids: Ids = None, sender: Sender = "", recipient: Recipient = "", every: All = False, config: ConfigOption = None
) -> None:
    """Keep letters in the queue, untried, until they are released.

    Example: posthouse queue hold --from ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = store.run(queued.hold, chosen(ids, sender, recipient, every))
    typer.echo(f"{recipients(count)} held.")


@queue.command("release")
@reported
def release(
    ids: Ids = None, sender: Sender = "", recipient: Recipient = "", every: All = False, config: ConfigOption = None
) -> None:
    """Let held letters go; they are tried at once.

    Example: posthouse queue release 17 18
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = store.run(queued.release, chosen(ids, sender, recipient, every))
    typer.echo(f"{recipients(count)} released.")


@queue.command("drop")
@reported
def drop(
    ids: Ids = None, sender: Sender = "", recipient: Recipient = "", every: All = False, config: ConfigOption = None
) -> None:
    """Take letters out of the queue for good. Nobody is told of it.

    Example: posthouse queue drop 17 --to bob@example.net
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = store.run(queued.drop, chosen(ids, sender, recipient, every))
    typer.echo(f"{recipients(count)} dropped.")


def recipients(count: int) -> str:
    """A number of recipients, in words."""
    return "1 recipient" if count == 1 else f"{count} recipients"
