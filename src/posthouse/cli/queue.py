"""`posthouse queue`: letters on their way to other servers. A running server hears at once of what is done here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from posthouse.errors import ConfigError

from .account import Json, store_of
from .report import reported
from .setup import ConfigOption

if TYPE_CHECKING:
    from posthouse.store.engine import Store, Tx
    from posthouse.store.queue import Crowd, Entry, Which

queue = typer.Typer(no_args_is_help=True, help="Show and steer the letters that wait to go to other servers.")

# What a database's integers can be.
LARGEST_ID = 2**63 - 1
# IDs that one statement is given.
AT_A_TIME = 1_000

Ids = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="[ID]...",
        min=1,
        max=LARGEST_ID,
        help="Letters, as `queue list` numbers them.",
        show_default=False,
    ),
]
Sender = Annotated[
    str, typer.Option("--from", metavar="ADDRESS", help="Only letters from this sender, or domain; <>: reports.")
]
Recipient = Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Only for this address, or domain.")]
# What Typer makes choices of, so that a wrong one is told with those that are right.
Choice = Literal["waiting", "deferred", "sending", "held"]
State = Annotated[
    Choice | None,
    typer.Option(
        "--state",
        help="Only those not tried yet, tried and to be tried again, under way, or put aside.",
        show_default=False,
    ),
]
Older = Annotated[str, typer.Option("--older-than", metavar="SPAN", help="Only what came so long ago: 30m, 4h, 2d.")]
All = Annotated[bool, typer.Option("--all", help="Every letter in the queue.")]


def chosen(
    store: Store,
    ids: list[int] | None,
    sender: str,
    recipient: str,
    state: Choice | None,
    older: str,
    every: bool = True,
) -> Iterator[Which]:
    """What a command is about, in portions. `ConfigError` for a command that changes something and was given nothing,
    and for letters that aren't there.
    """
    from posthouse.config import Span
    from posthouse.store import queue as queued

    if not (ids or sender or recipient or state or older or every):
        raise ConfigError(
            "it isn't said which letters are meant", advice="Give IDs, --from, --to, --state, --older-than, or --all."
        )
    seconds = Span.parse(older).seconds if older else 0
    portions = [tuple(ids[at : at + AT_A_TIME]) for at in range(0, len(ids), AT_A_TIME)] if ids else [()]
    gone = [str(one) for portion in portions if portion for one in store.look(queued.missing, portion)]
    if gone:
        numbers = ", ".join(gone[:10]) + (", …" if len(gone) > 10 else "")
        raise ConfigError(
            f"there is no letter {numbers} in the queue; nothing was done",
            advice="It may have arrived meanwhile: posthouse queue list shows what waits.",
        )
    return (queued.Which(portion, sender, recipient, state, seconds) for portion in portions)


@queue.command("list")
@reported
def list_queue(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    state: State = None,
    older: Older = "",
    held: Annotated[bool, typer.Option("--held", help="The same as --state held.")] = False,
    domains: Annotated[bool, typer.Option("--domains", help="A line for each domain, not each recipient.")] = False,
    as_json: Json = False,
    config: ConfigOption = None,
) -> None:
    """List what waits, a line for each recipient, with the reason and what the other side said last.

    Example: posthouse queue list --to example.net --older-than 4h

    Example: posthouse queue list --domains --json
    """
    with store_of(config) as store:
        for which in chosen(store, ids, sender, recipient, "held" if held else state, older):
            for lines in crowds(store, which, as_json) if domains else entries(store, which, as_json):
                typer.echo("\n".join(lines))


def entries(store: Store, which: Which, as_json: bool) -> Iterator[list[str]]:
    """The lines of the recipients, in portions: a large queue takes no memory."""
    from posthouse.store import queue as queued

    after = (0, 0)
    while rows := store.look(queued.list_some, which, after=after):
        found = [queued.Entry._make(columns) for _, *columns in rows]
        yield [as_object(one) if as_json else in_words(one) for one in found]
        after = (rows[-1][1], rows[-1][0])


def crowds(store: Store, which: Which, as_json: bool) -> Iterator[list[str]]:
    """The lines of the domains."""
    from posthouse.store import queue as queued

    after = ""
    while found := store.look(queued.list_domains, which, after=after):
        yield [json.dumps(one._asdict(), ensure_ascii=False) if as_json else of_domain(one) for one in found]
        after = found[-1].domain


def as_object(entry: Entry) -> str:
    """A recipient as JSON."""
    from posthouse.delivery import reason

    return json.dumps({**entry._asdict(), "reason": reason.in_words(entry.reply)}, ensure_ascii=False)


def in_words(entry: Entry) -> str:
    """A recipient on one line, and what was said of it on the next."""
    from posthouse.delivery import reason

    when = {"held": "held", "sending": "under way"}.get(entry.state, f"due {moment(entry.due)}")
    line = f"{entry.letter_id}  <{entry.sender}> to <{entry.recipient}>  {entry.size} octets  {when}"
    tries = "not tried yet" if not entry.attempts else f"tried {entry.attempts}×"
    if not entry.reply:
        return f"{line}  ({tries})"
    why = reason.in_words(entry.reply)
    return f"{line}\n    {tries}: {f'{why} ' if why else ''}{entry.reply}"


def of_domain(crowd: Crowd) -> str:
    """A domain on one line, and what was said of one of its recipients on the next."""
    held = f", {crowd.held} held" if crowd.held else ""
    line = f"{crowd.domain}  {recipients(crowd.recipients)}{held}, the oldest from {moment(crowd.oldest)}"
    return f"{line}\n    {crowd.reply}" if crowd.reply else line


def moment(seconds: int) -> str:
    """A time, as lists show it: UTC, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def change(store: Store, function: Callable[[Tx, Which], int], choice: Iterator[Which]) -> int:
    """Do something to the chosen recipients; their number."""
    return sum(store.run(function, which) for which in choice)


@queue.command("retry")
@reported
def retry(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    older: Older = "",
    config: ConfigOption = None,
) -> None:
    """Try again now, whatever their time; without a choice: all that wait.

    What is held stays so, and what is to leave at a later time too.

    Example: posthouse queue retry --to example.net
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = change(store, queued.retry, chosen(store, ids, sender, recipient, None, older))
    typer.echo(f"{recipients(count)} to be tried now.")


@queue.command("hold")
@reported
def hold(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    state: State = None,
    older: Older = "",
    every: All = False,
    config: ConfigOption = None,
) -> None:
    """Keep letters in the queue, untried, until they are released.

    Example: posthouse queue hold --from ada@example.org
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = change(store, queued.hold, chosen(store, ids, sender, recipient, state, older, every))
    typer.echo(f"{recipients(count)} held.")


@queue.command("release")
@reported
def release(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    older: Older = "",
    every: All = False,
    config: ConfigOption = None,
) -> None:
    """Let held letters go; they are tried at once.

    Example: posthouse queue release 17 18
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = change(store, queued.release, chosen(store, ids, sender, recipient, None, older, every))
    typer.echo(f"{recipients(count)} released.")


@queue.command("drop")
@reported
def drop(
    ids: Ids = None,
    sender: Sender = "",
    recipient: Recipient = "",
    state: State = None,
    older: Older = "",
    every: All = False,
    config: ConfigOption = None,
) -> None:
    """Take letters out of the queue for good. Nobody is told of it.

    Example: posthouse queue drop 17 --to bob@example.net

    Example: posthouse queue drop --from "<>" --older-than 2d
    """
    with store_of(config) as store:
        from posthouse.store import queue as queued

        count = 0
        for which in chosen(store, ids, sender, recipient, state, older, every):
            while some := store.run(queued.drop, which):
                count += some
    typer.echo(f"{recipients(count)} dropped.")


def recipients(count: int) -> str:
    """A number of recipients, in words."""
    return "1 recipient" if count == 1 else f"{count} recipients"
