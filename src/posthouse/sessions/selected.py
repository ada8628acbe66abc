"""What a session believes of the mailbox that it has selected: RFC 9051 §2.3.1.2, §5.5 and §7.

A client counts messages by their place (sequence numbers). So the session keeps the UIDs in the order that the client
knows, and changes that list only together with an untagged response that tells the client: new messages at its end
(EXISTS), removed ones with EXPUNGE, and those only when the standard allows it.
"""

from __future__ import annotations

import functools
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from posthouse.imap import response
from posthouse.imap.chosen import Chosen
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.store import change, mail, tidy
from posthouse.store.acl import EVERY_RIGHT
from posthouse.store.change import Changes, Own
from posthouse.store.engine import Store, Tx
from posthouse.store.hits import Hits
from posthouse.store.mailbox import Mailbox
from posthouse.store.uid_list import UidList

from .columns import FLAGS, recent
from .imap_context import Context

if TYPE_CHECKING:
    from .house import House

Ranges = list[tuple[int, int]]
# Looking one UID up costs about so many times what putting one of all into a table does; finding the one at a place,
# what writing so many into a list does.
FEW = 8
FEW_PLACES = 200
# Seconds between two times that the store is asked to keep what a client still sees: with tidy.GRACE an hour, and the
# half hour that a client may be silent, nothing goes too early.
HOLD_AGAIN = tidy.GRACE / 4


@dataclass(frozen=True, slots=True)
class Manner:
    r"""How a client is to be told what is new.

    ``expunges``: whether messages may vanish now (RFC 9051 §7.5.1: not in FETCH, STORE and SEARCH by number).
    ``flags``: whether changes of flags are told at all (NOTIFY). ``uid``, ``modseq``: whether FETCH names them;
    ``vanished``: VANISHED instead of EXPUNGE (RFC 7162 §3.2.10). ``uid_only``: UIDFETCH instead of FETCH (RFC 9586).
    ``recent``: whether it hears of ``\Recent``, which 4rev2 doesn't have.
    """

    expunges: bool
    uid: bool = False
    modseq: bool = False
    vanished: bool = False
    flags: bool = True
    uid_only: bool = False
    recent: bool = True


class Selected:
    """A selected mailbox, as its client knows it."""

    def __init__(
        self, mailbox: Mailbox, uids: Sequence[int], *, read_only: bool, rights: frozenset[str] = EVERY_RIGHT
    ) -> None:
        self.mailbox = mailbox
        self.rights = rights  # of this client's person, as they were when last looked at
        self.read_only = read_only
        self.modseq = mailbox.highestmodseq  # the client was told of all changes up to this one
        self.uids = UidList.of(uids)
        self.saved: Ranges = []  # the UIDs that "$" stands for (RFC 5182)
        self._gone: dict[int, int] = {}  # UIDs that are removed, and the client isn't told yet; with the modseq
        self.contexts: dict[str, Context] = {}  # searches that are kept up to date, by the tags of their commands
        self.recent: Ranges = []  # the messages that have \Recent here, ascending and apart
        self._recent_told = 0  # how many of them the client was told of
        self._held = time.monotonic()  # when the store was last asked to keep them

    def __len__(self) -> int:
        return len(self.uids)

    @property
    def last_uid(self) -> int:
        """The largest UID that the client can mean by "*"; 0 in an empty mailbox."""
        return self.uids[-1] if self.uids else 0

    def place(self, uid: int) -> int:
        """How many of the messages that the client knows have a smaller UID."""
        return self.uids.place(uid)

    def number(self, uid: int) -> int:
        """The sequence number of a message; 0 if the client doesn't know it."""
        return self.uids.place(uid) + 1 if uid in self.uids else 0

    def uid_ranges(self, wanted: SequenceSet, *, by_uid: bool) -> Ranges:
        """The messages that a command means, as ranges of UIDs, ascending and apart.

        Sequence numbers beyond the last message are the caller's to refuse; UIDs that aren't there are ignored.
        """
        if by_uid:
            return wanted.resolve(self.last_uid, self.saved)
        count = len(self.uids)
        numbers = [(first, min(last, count)) for first, last in wanted.resolve(count) if first <= count]
        uids = self.uids if len(numbers) * FEW_PLACES < count else list(self.uids)
        # Between two messages that the client knows lies none that it doesn't: a range of numbers is one of UIDs.
        named = ((uids[first - 1], uids[last - 1]) for first, last in numbers)
        return SAVED.resolve(0, chain(named, self.saved if wanted.saved else ()))

    def count(self, ranges: Ranges) -> int:
        """How many messages that the client knows are in these ranges of UIDs."""
        return sum(self.place(last + 1) - self.place(first) for first, last in ranges)

    def known_in(self, ranges: Ranges) -> list[int]:
        """The messages that the client knows in these ranges of UIDs."""
        return [uid for first, last in ranges for uid in self.uids[self.place(first) : self.place(last + 1)]]

    def known(self, uids: Sequence[int]) -> Sequence[int]:
        """Those of the UIDs that the client knows, in the same order."""
        if isinstance(uids, Hits) and uids.among == self.uids:
            return uids
        together = self.uids.together
        if together is not None and (not uids or (together.start <= min(uids) and max(uids) < together.stop)):
            return uids
        if len(uids) == len(self.uids) and self.uids == uids:
            return uids  # all of them: a search for ALL, or UNSEEN in a new mailbox
        there = self._numbers_by_uid(uids)
        return [uid for uid in uids if uid in there]

    def shown(self, uids: Sequence[int], *, uid: bool) -> Sequence[int]:
        """UIDs that the client knows as it is told them: as they are, or as sequence numbers."""
        together = self.uids.together
        if isinstance(uids, Hits) and uids.among == self.uids and (together is not None or not uid):
            return Chosen(together.start if uid and together is not None else 1, uids.bits)
        if uid:
            return uids
        if together is not None:
            before = together.start - 1
            return [one - before for one in uids] if before else uids
        if len(uids) == len(self.uids) and self.uids == uids:
            return list(range(1, len(uids) + 1))
        there = self._numbers_by_uid(uids)
        return [there[one] for one in uids]

    def _numbers_by_uid(self, uids: Sequence[int]) -> dict[int, int]:
        """The sequence numbers of those that the client knows: by whichever way is shorter."""
        if len(uids) * FEW < len(self.uids):
            return {uid: number for uid in uids if (number := self.number(uid))}
        return dict(zip(self.uids, range(1, len(self.uids) + 1), strict=True))

    @property
    def told(self) -> int:
        """The modseq up to which the client was told everything, also what is gone (RFC 7162 §3.2)."""
        return min(self.modseq, min(self._gone.values(), default=self.modseq + 1) - 1)

    def numbers(self, uids: Iterable[int]) -> Iterator[int]:
        """The sequence numbers of messages, without those that the client doesn't know."""
        return (number for uid in uids if (number := self.number(uid)))

    # -- RFC 3501's \Recent -----------------------------------------------------------------------------------------

    async def tell_first(self, house: House, start: int, stop: int) -> None:
        r"""The client is told of the messages from UID ``start`` on, below ``stop``: those of which nobody was told
        before are ``\Recent`` here, and nowhere else (RFC 3501 §2.3.2)."""
        if self.read_only:
            # §6.3.2: EXAMINE takes them from nobody. Who sees what comes while several look at it, §2.3.2 leaves open.
            self.add_recent([(start, stop - 1)])
        else:
            self.add_recent(await house.recents.take(house.store, self.mailbox.id, start, stop))

    def add_recent(self, ranges: Ranges) -> None:
        r"""These messages are ``\Recent`` here, too."""
        if ranges:
            self.recent = SAVED.resolve(0, chain(self.recent, ranges))

    def forget_recent(self) -> None:
        r"""The client has enabled IMAP4rev2, which has no ``\Recent``."""
        self.recent = []

    def count_recent(self) -> int:
        """How many the client knows of them, to tell it."""
        self._recent_told = self.count(self.recent)
        return self._recent_told

    def is_recent(self, uid: int) -> bool:
        """Whether this message is one of them."""
        at = bisect_left(self.recent, uid, key=itemgetter(1))
        return at < len(self.recent) and self.recent[at][0] <= uid

    def flags(self, uid: int, line: bytes) -> bytes:
        """FLAGS of a message, as its client sees them."""
        entry = FLAGS.entry(line)
        return recent(entry) if self.is_recent(uid) else entry

    def mark_recent(self, uids: Sequence[int], entries: list[bytes]) -> None:
        r"""Put ``\Recent`` to the FLAGS of those that have it; ``uids`` ascend, and have an entry each."""
        at = bisect_left(self.recent, uids[0], key=itemgetter(1)) if uids else len(self.recent)
        for first, last in islice(self.recent, at, None):
            if first > uids[-1]:
                break
            here = slice(bisect_left(uids, first), bisect_right(uids, last))
            entries[here] = map(recent, entries[here])

    # -- news ---------------------------------------------------------------------------------------------------------

    async def hold(self, store: Store) -> None:
        """Have what others remove kept, while this client sees it; asks the store from time to time."""
        if time.monotonic() >= self._held + HOLD_AGAIN:
            self._held = time.monotonic()
            await store.write(mail.keep_removed, self.mailbox.account_id, self.mailbox.id, self.told)

    def removed(self, uids: Iterable[int], modseq: int) -> None:
        """The client has removed these itself, and is going to be told with the news."""
        self._gone.update(dict.fromkeys(uids, modseq))

    async def news(self, house: House, manner: Manner, *, silent: int = 0, hinted: int = 0) -> list[bytes]:
        """What happened since the client was last told, as untagged responses; the client counts as told.

        ``silent``: the modseq of a change that the client made itself and wants no echo of; what it removed with that,
        `removed` has said. ``hinted``: what happened up to this modseq is enough; 0: until now.
        """
        store = house.store
        changes = None
        if not self.contexts:
            box, told = self.mailbox, self.modseq
            changes = house.heard.found(box, told, hinted) if hinted else None
            if changes is None and silent <= told:  # the end of most commands: nothing has happened
                changes = await store.glance(change.nothing, box.account_id, told, box.id)
        if changes is None:
            changes = await store.read(self._look, manner, silent)
        new = sorted(placed.uid for placed in changes.new if placed.uid > self.last_uid)
        if new and manner.recent:
            await self.tell_first(house, new[0], new[-1] + 1)
        if any(context.about_recent for context in self.contexts.values()):
            await store.read(self._look_again, manner, changes, max([self.last_uid, *new]))
        self.modseq = changes.modseq
        self._gone.update((vanished.uid, vanished.modseq) for vanished in changes.vanished)
        if self._gone and not manner.expunges:
            await self.hold(store)
        lines: list[bytes] = []
        removed = [line for context in self.contexts.values() if (line := context.removed(self._shown_in(context)))]
        if removed:
            # What leaves a search is told behind the flags for which it does (RFC 5465 §5.1), and before the numbers
            # shift (RFC 5267 §4.3.4).
            lines += [*self._changed(changes, manner, silent), *removed]
        if manner.expunges and self._gone:
            lines.extend(self._vanished() if manner.vanished else self._expunged())
            self._gone.clear()
        if new:
            self.uids = self.uids.extended(new)
            lines.append(response.exists(len(self.uids)))
        if manner.recent and self.count(self.recent) != self._recent_told:
            lines.append(response.recent(self.count_recent()))  # RFC 3501 §7.3.2
        if not removed:
            lines.extend(self._changed(changes, manner, silent))
        return lines

    def additions(self) -> list[bytes]:
        """What of the news comes into searches that are kept up to date: told last (RFC 5465 §7)."""
        return [line for context in self.contexts.values() if (line := context.added(self._shown_in(context)))]

    def _look(self, tx: Tx, manner: Manner, silent: int) -> Changes:
        """What changed, and what that means for searches that are kept up to date."""
        own = Own(silent, self.last_uid) if silent > self.modseq and not self.contexts else None
        changes = change.changes(tx, self.mailbox.account_id, self.modseq, self.mailbox.id, own=own)
        for context in self.contexts.values():
            context.note(changes)
            if not context.about_recent and self._may_look(manner, changes):
                context.look(tx, self.mailbox.id)
        return changes

    def _look_again(self, tx: Tx, manner: Manner, changes: Changes, last: int) -> None:
        r"""The same for those that ask for ``\Recent``, now that this is known; what has come since is for later."""
        for context in self.contexts.values():
            if context.about_recent and self._may_look(manner, changes):
                context.look(tx, self.mailbox.id, self.recent, last)

    def _may_look(self, manner: Manner, changes: Changes) -> bool:
        """Whether the client may be told what leaves a search: not of what is gone while that may not be told."""
        return manner.expunges or not (self._gone or changes.vanished)

    def _shown_in(self, context: Context) -> Callable[[Sequence[int]], Sequence[int]]:
        return functools.partial(self.shown, uid=context.by_uid)

    def _expunged(self) -> Iterator[bytes]:
        """Tell what is gone, the last one first, so that no number shifts before it was told."""
        known = self.known(sorted(self._gone, reverse=True))
        if known:
            yield response.expunged(self.shown(known, uid=False))
        self._forget(self._gone)

    def _vanished(self) -> Iterator[bytes]:
        """The same in one line."""
        known = self.known(list(self._gone))
        if known:
            self._forget(known)
            yield response.vanished(SequenceSet.of(known))

    def _forget(self, gone: Iterable[int]) -> None:
        """The client doesn't know these any more."""
        self.uids = self.uids.without(gone)

    def _changed(self, changes: Changes, manner: Manner, silent: int) -> list[bytes]:
        """Tell whose flags have changed."""
        changed = list(self._flags(changes, manner, silent)) if manner.flags else []
        if changed and self._gone and manner.vanished:
            # RFC 7162 §3.2: a client that reconnects must hear of what is gone though it saw later changes already.
            changed.insert(0, response.ok("More is to be told", f"HIGHESTMODSEQ {self.told}"))
        return changed

    def _flags(self, changes: Changes, manner: Manner, silent: int) -> Iterator[bytes]:
        for placed in changes.changed:
            number = self.number(placed.uid)
            if number and placed.modseq != silent:
                items = [self.flags(placed.uid, placed.flags)]
                if manner.modseq:
                    items.append(b"MODSEQ (%d)" % placed.modseq)
                if manner.uid_only:
                    yield response.uid_fetch(placed.uid, items)
                else:
                    yield response.fetch(number, [b"UID %d" % placed.uid, *items] if manner.uid else items)
