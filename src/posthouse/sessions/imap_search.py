"""SEARCH: the client's keys become the store's, and what was found is told. RFC 9051 §6.4.4."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

from posthouse.errors import StoreError
from posthouse.imap import command, response
from posthouse.imap import search as asked
from posthouse.imap.command import SearchOptions
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.store import mail, search, thread
from posthouse.store.engine import Tx

from .imap_answer import Done, Handler, No
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


class Found(NamedTuple):
    """UIDs, ascending; and their modseqs, if the search was about those (RFC 7162 §3.1.5)."""

    uids: list[int]
    modseqs: dict[int, int]


async def find(session: ImapSession, wish: command.Search) -> Done:
    """SEARCH and UID SEARCH, answered with the numbers or UIDs of messages that the client knows."""
    selected = session.selected_mailbox
    options = wish.options
    try:
        found = await session.house.store.read(look_for, selected, wish.key)
    except (No, StoreError):
        if options is not None and options.save:
            selected.saved = []  # §6.4.4.1: "$" is nothing after a search that failed
        raise
    numbers = selected.numbered(found.uids)
    shown = {uid: uid for uid in numbers.values()} if wish.uid else numbers
    if options is None and session.server.rev2:
        options = ALL  # §6.4.4: 4rev2 has no other answer than ESEARCH
    if options is None:
        modseq = max((found.modseqs[uid] for uid in shown.values()), default=None) if found.modseqs else None
        session.server.untagged(response.search(shown, modseq=modseq))
    else:
        tell(session, wish, options, shown, found.modseqs)
    return Done("SEARCH completed")


def tell(
    session: ImapSession, wish: command.Search, options: SearchOptions, shown: dict[int, int], modseqs: dict[int, int]
) -> None:
    """ESEARCH (RFC 9051 §7.3.4) and what "$" is from now on. ``shown``: what the client is told, and the UIDs."""
    numbers = list(shown)
    ends = [*(numbers[:1] if options.minimum else ()), *(numbers[-1:] if options.maximum else ())]
    everything = options.every or options.count or not (options.minimum or options.maximum)
    # RFC 5182 §2.4, RFC 7162 §3.1.10: with MIN and MAX alone, only they are saved, and their modseq counts.
    meant = [shown[number] for number in (numbers if everything else ends)]
    if options.save:
        session.selected_mailbox.saved = SAVED.resolve(0, ((uid, uid) for uid in meant))
    if not (options.minimum or options.maximum or options.every or options.count):
        return  # only SAVE: nothing is told (RFC 5182 §2.1)
    line = response.esearch(
        session.tag,
        uid=wish.uid,
        minimum=numbers[0] if options.minimum and numbers else None,
        maximum=numbers[-1] if options.maximum and numbers else None,
        every=SequenceSet.of(numbers) if options.every and numbers else None,
        count=len(numbers) if options.count else None,
        modseq=max((modseqs[uid] for uid in meant), default=None) if modseqs else None,
    )
    session.server.untagged(line)


def look_for(tx: Tx, selected: Selected, key: asked.Key) -> Found:
    """The messages for which the key is true."""
    mailbox_id = selected.mailbox.id
    uids = search.search(tx, mailbox_id, Translation(tx, selected).of(key))
    modseqs: dict[int, int] = {}
    if uids and any(isinstance(inner, asked.ModSeq) for inner in asked.walk(key)):
        ranges = SAVED.resolve(0, ((uid, uid) for uid in uids))
        modseqs = dict(mail.fetch(tx, mailbox_id, ranges, ("modseq",)))
    return Found(uids, modseqs)


class Translation:
    """A client's keys as the store understands them: numbers become UIDs, days and ages become spans of time."""

    def __init__(self, tx: Tx, selected: Selected) -> None:
        self._tx = tx
        self._selected = selected

    def of(self, key: asked.Key) -> search.Key:
        """The key, and the keys in it."""
        match key:
            case asked.Every() | asked.SaveDateSupported():
                return search.All()
            case asked.And(keys):
                return search.And(tuple(map(self.of, keys)))
            case asked.Or(keys):
                return search.Or(tuple(map(self.of, keys)))
            case asked.Not(inner):
                return search.Not(self.of(inner))
            case asked.HasFlag("\\Recent"):
                return search.Or(())  # no message is: see SELECT
            case asked.HasFlag(flag):
                return search.HasFlag(flag)
            case asked.Numbers(numbers):
                return search.Uids(tuple(self._selected.uid_ranges(numbers, by_uid=False)))
            case asked.Uids(uids):
                return search.Uids(tuple(self._selected.uid_ranges(uids, by_uid=True)))
            case asked.EmailId(id):
                return self._messages((number_of(id, "M"),))
            case asked.ThreadId(id):
                account_id = self._selected.mailbox.account_id
                return self._messages(frozenset(thread.messages(self._tx, account_id, number_of(id, "T"))))
            case asked.Dated():
                return dated(key)
            case asked.Younger(seconds):
                return search.Received(start=self._tx.now - seconds)
            case asked.Older(seconds):
                return search.Received(end=self._tx.now - seconds + 1)
        return text(key)

    def _messages(self, wanted: Container[int]) -> search.Key:
        """The places of these messages in the mailbox."""
        rows = mail.fetch(self._tx, self._selected.mailbox.id, mail.ALL, ("message_id",))
        return search.Uids(tuple((uid, uid) for uid, message_id in rows if message_id in wanted))


def text(key: asked.Key) -> search.Key:
    """The keys about what a message says, how large it is, and when it changed."""
    match key:
        case asked.InEnvelope(field, wanted):
            return search.Field(cast("Literal['subject', 'from', 'to', 'cc', 'bcc']", field.lower()), wanted)
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
