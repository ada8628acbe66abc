"""SORT and THREAD: RFC 5256, RFC 5957; ESORT: RFC 5267 §3."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from posthouse.imap import command, sort, thread
from posthouse.imap.command import SortKey
from posthouse.imap.search import Key
from posthouse.store import search
from posthouse.store import sort as ordered
from posthouse.store.engine import Tx
from posthouse.store.sort import Criterion, Name

from .imap_answer import Done, Handler
from .imap_search import Found, Translation, answer, found, highest, keep_up_to_date, modseqs_of

if TYPE_CHECKING:
    from .imap import ImapSession
    from .selected import Selected

NAMES: dict[SortKey, Name] = {
    SortKey.ARRIVAL: "arrival",
    SortKey.CC: "cc",
    SortKey.DATE: "date",
    SortKey.FROM: "from",
    SortKey.SIZE: "size",
    SortKey.SUBJECT: "subject",
    SortKey.TO: "to",
    SortKey.DISPLAYFROM: "display from",
    SortKey.DISPLAYTO: "display to",
}


async def find_sorted(session: ImapSession, wish: command.Sort) -> Done:
    """SORT and UID SORT."""
    if wish.options is None:
        session.server.untagged(await session.read(look_for_order, session.selected_mailbox, wish))
        return Done("SORT completed")
    looked = await found(session, wish.options, look_for, session.selected_mailbox, wish)
    answer(session, wish, wish.options, looked)
    return await keep_up_to_date(session, wish, wish.options, looked, criteria_of(wish))


def look_for(tx: Tx, selected: Selected, wish: command.Sort) -> Found:
    """The messages for which the key is true, in the order wanted."""
    uids = ordered.sort(tx, selected.mailbox.id, Translation(tx, selected).of(wish.key), criteria_of(wish))
    return Found(uids, modseqs_of(tx, selected, wish.key, uids))


def look_for_order(tx: Tx, selected: Selected, wish: command.Sort) -> bytes:
    """The answer in the simple form. It is put together here, off the event loop."""

    def make() -> bytes:
        looked = look_for(tx, selected, wish)
        looked = looked._replace(uids=selected.known(looked.uids))
        return sort.sorted_response(selected.shown(looked.uids, uid=wish.uid), modseq=highest(looked))

    return of_all(tx, selected, wish.key, (wish.criteria, wish.uid), make)


def of_all(tx: Tx, selected: Selected, key: Key, what: Hashable, make: Callable[[], bytes]) -> bytes:
    """What `make` gives; kept for who asks it again of all messages, while they are the same."""
    if Translation(tx, selected).of(key) == search.All():
        assert tx.rosters is not None
        roster = tx.rosters.of(tx, selected.mailbox.id, len(selected))
        if roster is not None and roster.uids == selected.uids:
            return roster.derive(what, make)
    return make()


def criteria_of(wish: command.Sort) -> list[Criterion]:
    """What is compared, in the store's words."""
    return [Criterion(NAMES[one.key], one.reverse) for one in wish.criteria]


async def find_threads(session: ImapSession, wish: command.Thread) -> Done:
    """THREAD and UID THREAD."""
    line = await session.read(look_for_threads, session.selected_mailbox, wish)
    session.server.untagged(line)
    return Done("THREAD completed")


def look_for_threads(tx: Tx, selected: Selected, wish: command.Thread) -> bytes:
    """The answer for the messages for which the key is true. It is put together here, off the event loop."""

    def make() -> bytes:
        columns: list[Any]
        uids, *columns = ordered.relations(tx, selected.mailbox.id, Translation(tx, selected).of(wish.key))
        known = selected.known(list(uids))
        if len(known) < len(uids):
            wanted = set(known)
            columns = [[value for uid, value in zip(uids, column, strict=True) if uid in wanted] for column in columns]
        messages = thread.Messages(selected.shown(known, uid=wish.uid), *columns)
        return sort.thread_response(thread.threads(wish.algorithm, messages))

    return of_all(tx, selected, wish.key, (wish.algorithm, wish.uid), make)


COMMANDS: dict[type, Handler] = {command.Sort: find_sorted, command.Thread: find_threads}
