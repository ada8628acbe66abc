"""SEARCH: the client's keys become the store's, and what was found is told. RFC 9051 §6.4.4."""

from __future__ import annotations

import calendar
import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Concatenate, Literal, NamedTuple, ParamSpec, cast

from posthouse.errors import StoreError
from posthouse.imap import command, response
from posthouse.imap import search as asked
from posthouse.imap.command import SearchOptions
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.imap.syntax import MAX_NUMBER
from posthouse.store import mail, search
from posthouse.store.engine import Tx
from posthouse.store.sort import Criterion

from .imap_answer import Done, Handler, No
from .imap_context import MAX_CONTEXTS, RECENT, Context
from .object_id import number_of

if TYPE_CHECKING:
    from .imap import ImapSession
    from .selected import Selected

DAY = 86_400
DATES: dict[asked.Which, Callable[[int | None, int | None], search.Key]] = {
    asked.Which.INTERNAL: search.Received,
    asked.Which.SENT: search.Sent,
    asked.Which.SAVED: search.Saved,
}
ALL = SearchOptions(every=True)
# Keys side by side in one condition of the store's.
GROUP = 20
P = ParamSpec("P")


class Found(NamedTuple):
    """UIDs, in the order in which they are told; and their modseqs, if it was about those (RFC 7162 §3.1.5)."""

    uids: Sequence[int]
    modseqs: dict[int, int]


async def find(session: ImapSession, wish: command.Search) -> Done:
    """SEARCH and UID SEARCH, answered with the numbers or UIDs of messages that the client knows."""
    selected = session.selected_mailbox
    options = wish.options
    if options is None and session.server.rev2:
        options = ALL  # §6.4.4: 4rev2 has no other answer than ESEARCH
    looked = await found(session, options, look_for, selected, wish.key)
    if options is None:
        numbers = selected.shown(looked.uids, uid=wish.uid)
        session.server.untagged(response.search(numbers, modseq=highest(looked)))
    else:
        answer(session, wish, options, looked)
    return await keep_up_to_date(session, wish, options, looked)


async def keep_up_to_date(
    session: ImapSession,
    wish: command.Search | command.Sort,
    options: SearchOptions | None,
    looked: Found,
    criteria: Sequence[Criterion] = (),
    mailbox: tuple[bytes, int] | None = None,
) -> Done:
    """How a search ends: from now on its results are kept up to date, if that is asked for (RFC 5267 §4.3).

    ``mailbox``: as `response.esearch` takes it.
    """
    selected = session.selected_mailbox
    name = type(wish).__name__.upper()
    if options is None or not options.update:
        return Done(f"{name} completed")
    if len(selected.contexts) >= MAX_CONTEXTS:  # §4.3.1
        code = f'NOUPDATE "{session.tag}"'
        session.server.untagged(response.condition("NO", "Too many searches are kept up to date", code))
        return Done(f"{name} completed, changes will not be told")
    key = await session.house.store.read(lasting_key, selected, wish.key)
    selected.contexts[session.tag] = Context(
        session.tag, key, criteria, looked.uids, by_uid=wish.uid, items=options.items, mailbox=mailbox
    )
    return Done(f"{name} completed, changes will be told")


def lasting_key(tx: Tx, selected: Selected, key: asked.Key) -> search.Key:
    """The key as it holds for messages to come, too."""
    return Translation(tx, selected, lasting=True).of(key)


async def found(
    session: ImapSession,
    options: SearchOptions | None,
    look: Callable[Concatenate[Tx, Selected, P], Found],
    selected: Selected,
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> Found:
    """What ``look`` finds of what the client knows."""
    if options is not None and options.update and session.tag in selected.contexts:
        raise No("A search with this tag is kept up to date already", bad=True)  # RFC 5267 §4.3
    try:
        looked = await session.read(look, selected, *args, **kwargs)
    except (No, StoreError):
        if options is not None and options.save:
            selected.saved = []  # §6.4.4.1: "$" is nothing after a search that failed
        raise
    return looked._replace(uids=selected.known(looked.uids))


def highest(looked: Found) -> int | None:
    """The highest modseq of the messages found, where it is to be told."""
    return max((looked.modseqs[uid] for uid in looked.uids), default=None) if looked.modseqs else None


def answer(
    session: ImapSession,
    wish: command.Search | command.Sort,
    options: SearchOptions,
    looked: Found,
    mailbox: tuple[bytes, int] | None = None,
) -> None:
    """ESEARCH (RFC 9051 §7.3.4), in the order of what was found, and what "$" is from now on."""
    selected = session.selected_mailbox
    if options.save:
        selected.saved = SAVED.resolve(0, ((uid, uid) for uid in meant_by(options, looked.uids)))
    if tells(options):
        shown = functools.partial(selected.shown, uid=wish.uid)
        session.server.untagged(result(session.tag, options, looked, shown, uid=wish.uid, mailbox=mailbox))


def tells(options: SearchOptions) -> bool:
    """Whether anything is told: not for SAVE and UPDATE alone (RFC 5182 §2.1)."""
    return options.minimum or options.maximum or options.every or options.count or options.partial is not None


def meant_by(options: SearchOptions, uids: Sequence[int]) -> Sequence[int]:
    """What is saved, and whose modseq counts: only what is told (RFC 5182 §2.4, RFC 7162 §3.1.10)."""
    if options.every or options.count or not tells(options):
        return uids
    ends = [*(uids[:1] if options.minimum else ()), *(uids[-1:] if options.maximum else ())]
    window = () if options.partial is None else positions(uids, options.partial)
    return list(dict.fromkeys([*ends, *window]))


def result(
    tag: str,
    options: SearchOptions,
    looked: Found,
    shown: Callable[[Sequence[int]], Sequence[int]],
    *,
    uid: bool,
    mailbox: tuple[bytes, int] | None = None,
) -> bytes:
    """The ESEARCH response. ``shown``: how UIDs are told; ``mailbox``: as `response.esearch` takes it."""
    uids = looked.uids

    def told(some: Sequence[int]) -> SequenceSet | None:
        return SequenceSet.in_order(shown(some)) if some else None

    return response.esearch(
        tag,
        uid=uid,
        minimum=shown(uids[:1])[0] if options.minimum and uids else None,
        maximum=shown(uids[-1:])[0] if options.maximum and uids else None,
        every=told(uids) if options.every else None,
        count=len(uids) if options.count else None,
        modseq=max((looked.modseqs[uid] for uid in meant_by(options, uids)), default=None) if looked.modseqs else None,
        partial=None if options.partial is None else (options.partial, told(positions(uids, options.partial))),
        mailbox=mailbox,
    )


def positions(uids: Sequence[int], wanted: tuple[int, int]) -> Sequence[int]:
    """Those from one position to another, both included: the first is 1, the last -1 (RFC 5267 §4.4, RFC 9394)."""
    first, last = wanted
    if first > 0:
        return uids[first - 1 : last]
    return uids[max(len(uids) + last, 0) : max(len(uids) + first + 1, 0)]


def look_for(tx: Tx, selected: Selected, key: asked.Key) -> Found:
    """The messages for which the key is true."""
    uids = search.search(tx, selected.mailbox.id, Translation(tx, selected).of(key))
    return Found(uids, modseqs_of(tx, selected, key, uids))


def modseqs_of(tx: Tx, selected: Selected, key: asked.Key, uids: Sequence[int]) -> dict[int, int]:
    """The modseqs of these messages, if the search was about those."""
    if not uids or not any(isinstance(inner, asked.ModSeq) for inner in asked.walk(key)):
        return {}
    ranges = SAVED.resolve(0, ((uid, uid) for uid in uids))
    return dict(mail.fetch(tx, selected.mailbox.id, ranges, ("modseq",)))


def _grouped(kind: type[search.And | search.Or], keys: tuple[search.Key, ...]) -> search.Key:
    """Many keys as groups of groups: "a OR b OR …" is as deep as it is long to SQLite, which takes a depth of 1,000."""
    while len(keys) > GROUP:
        keys = tuple(kind(keys[start : start + GROUP]) for start in range(0, len(keys), GROUP))
    return kind(keys)


class Translation:
    """A client's keys as the store understands them: numbers become UIDs, days and ages become spans of time."""

    def __init__(self, tx: Tx, selected: Selected, *, lasting: bool = False) -> None:
        """``lasting``: for messages that will come, too."""
        self._tx = tx
        self._selected = selected
        self._lasting = lasting

    def of(self, key: asked.Key) -> search.Key:
        """The key, and the keys in it."""
        match key:
            case asked.Every() | asked.SaveDateSupported():
                return search.All()
            case asked.And(keys):
                return _grouped(search.And, tuple(map(self.of, keys)))
            case asked.Or(keys):
                return _grouped(search.Or, tuple(map(self.of, keys)))
            case asked.Not(inner):
                return search.Not(self.of(inner))
            case asked.HasFlag("\\Recent"):
                return RECENT if self._lasting else search.Uids(tuple(self._selected.recent))
            case asked.HasFlag(flag):
                return search.HasFlag(flag)
            case asked.Numbers(numbers):
                return search.Uids(tuple(self._selected.uid_ranges(numbers, by_uid=False)))
            case asked.Uids(uids):
                return self._uids(uids)
            case asked.EmailId(id):
                return search.Is(number_of(id, "M"))
            case asked.ThreadId(id):
                return search.InThread(number_of(id, "T"))
            case asked.Dated():
                return dated(key)
            case asked.Younger(seconds):
                return search.Received(start=self._tx.now - seconds)
            case asked.Older(seconds):
                return search.Received(end=self._tx.now - seconds + 1)
        return text(key)

    def _uids(self, uids: SequenceSet) -> search.Key:
        """UIDs; "*" is what it is now, and in a lasting key whatever comes behind."""
        ranges = self._selected.uid_ranges(uids, by_uid=True)
        if self._lasting and uids.last:
            start = ranges.pop()[0] if ranges else 1
            ranges.append((start, MAX_NUMBER))
        return search.Uids(tuple(ranges))


def text(key: asked.Key) -> search.Key:
    """The keys about what a message says, how large it is, and when it changed."""
    match key:
        case asked.InEnvelope(field, wanted):
            name = cast("Literal['subject', 'from', 'to', 'cc', 'bcc']", field.lower())
            shown = search.Field(name, wanted)
            # An address without a name is shown without the brackets that it may have in its field.
            return shown if name == "subject" or "<" not in wanted else search.Or((shown, search.Header(name, wanted)))
        case asked.InHeader(field, wanted):
            return search.Header(field, wanted)
        case asked.InBody(wanted):
            return search.Body(wanted)
        case asked.InText(wanted):
            return search.Text(wanted)
        case asked.Larger(octets):
            return search.Larger(octets)
        case asked.Smaller(octets):
            return search.Smaller(octets)
        case asked.ModSeq(least):
            return search.Changed(least)
    raise AssertionError(key)


def dated(key: asked.Dated) -> search.Key:
    """A day, as the span of time that it is in UTC: the standard ignores time and zone (RFC 9051 §6.4.4)."""
    start = calendar.timegm(key.day.timetuple())
    begin = None if key.when is asked.When.BEFORE else start
    end = start if key.when is asked.When.BEFORE else start + DAY if key.when is asked.When.ON else None
    return DATES[key.which](begin, end)


COMMANDS: dict[type, Handler] = {command.Search: find}
