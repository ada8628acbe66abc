"""FETCH: RFC 9051 §6.4.5. What is answered is made in `fetched`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from posthouse.imap import command, response
from posthouse.imap.fetch import Attribute, BinarySection, BodySection, Item
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.imap.syntax import MAX_NUMBER
from posthouse.store import mail, search

from .fetched import Answer
from .imap_answer import Done, Handler, No
from .imap_condstore import among, since
from .imap_search import positions
from .selected import Ranges

if TYPE_CHECKING:
    from .imap import ImapSession

SEEN = frozenset({"\\Seen"})


async def fetch(session: ImapSession, wish: command.Fetch) -> Done:
    """FETCH and UID FETCH."""
    selected = session.selected_mailbox
    items = wish.items
    if wish.uid and not session.server.uid_only:
        items = tuple(dict.fromkeys((Attribute.UID, *items)))  # UID FETCH implies it (RFC 9051 §6.4.9)
    if wish.vanished and not session.qresync:
        raise No("VANISHED needs ENABLE QRESYNC", bad=True)  # RFC 7162 §3.2.6
    ranges = session.ranges(wish.messages, by_uid=wish.uid)
    if wish.changed_since is not None:
        # Above the last message there may have been others: "*" is all of them, where what is gone is asked for.
        gone = SAVED.resolve(0, (*ranges, *wish.messages.resolve(MAX_NUMBER))) if wish.vanished else []
        ranges = await changed_since(session, ranges, wish.changed_since, gone)
    if wish.partial is not None:
        uids = positions(selected.known_in(ranges), wish.partial)
        ranges = SAVED.resolve(0, ((uid, uid) for uid in uids))
    may_see = not selected.read_only and "s" in selected.rights  # RFC 4314 §4
    seen = await see(session, ranges) if may_see and any(map(sees, items)) else 0
    implied: list[Item] = []
    if seen:
        implied = changed_items(session)
    implied = [item for item in implied if item not in items]
    missing = await Answer(session, selected, items, implied, removed=not wish.uid).send(ranges)
    session.news.echoed = seen  # an answer that failed has told nothing
    if missing and not wish.uid:
        # RFC 2180 §4.1.2: other sessions removed them so long ago that their octets are gone, too.
        raise No("Some of the messages no longer exist", "EXPUNGEISSUED")
    return Done("FETCH completed")


def changed_items(session: ImapSession, flags: Sequence[Item] = (Attribute.FLAGS,)) -> list[Item]:
    """What is told of messages whose flags have changed: who knows of mod-sequences is told them, and UIDs (RFC 7162
    §3.1.3, §3.2.4); who has enabled UIDONLY sees these anyway."""
    if not session.condstore:
        return list(flags)
    return [*flags, Attribute.MODSEQ] if session.server.uid_only else [Attribute.UID, *flags, Attribute.MODSEQ]


def sees(item: Item) -> bool:
    r"""Whether fetching the item sets \Seen."""
    return isinstance(item, BodySection | BinarySection) and not item.peek


async def see(session: ImapSession, ranges: Ranges) -> int:
    r"""Set \Seen, as fetching a body implies (RFC 9051 §6.4.5). The modseq of that; 0 where it was set already."""
    store, mailbox_id = session.house.store, session.selected_mailbox.mailbox.id
    key = search.And((search.Uids(tuple(ranges)), search.Not(search.HasFlag("\\Seen"))))
    if not await store.read(search.search, mailbox_id, key):
        return 0
    return await store.write(mail.store_flags, mailbox_id, ranges, "add", SEEN)


async def changed_since(session: ImapSession, ranges: Ranges, modseq: int, gone: Ranges) -> Ranges:
    """The messages among these that changed after ``modseq``; tells which of ``gone`` have vanished (RFC 7162 §3.1.4,
    §3.2.6)."""
    selected = session.selected_mailbox
    missing, changed = await session.house.store.read(
        since, selected.mailbox.account_id, selected.mailbox.id, modseq, gone
    )
    # What the client still counts isn't gone "earlier": it is told of that as of any other removal (§3.2.10.1).
    counted = set(selected.known(missing))
    earlier = [uid for uid in missing if uid not in counted] if counted else missing
    if earlier:
        session.server.untagged(response.vanished(SequenceSet.of(earlier), earlier=True))
    return [(uid, uid) for uid in sorted(among((placed.uid for placed in changed), ranges))]


COMMANDS: dict[type, Handler] = {command.Fetch: fetch}
