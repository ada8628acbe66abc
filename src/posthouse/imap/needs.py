"""What parts of a command need an extension: so that none is understood by halves where it isn't offered.

Whole commands that belong to an extension say so in `table`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .command import (
    Append,
    Command,
    Copy,
    Create,
    Expunge,
    Fetch,
    List,
    Move,
    MultiSearch,
    Search,
    SearchOptions,
    Select,
    Sort,
    SortKey,
    Status,
    StatusItem,
    Store,
    Thread,
)
from .fetch import Attribute, BinarySection, BinarySize, Item, Preview
from .search import Dated, EmailId, Key, ModSeq, Numbers, Older, SaveDateSupported, ThreadId, Uids, Which, Younger, walk
from .sequence import SequenceSet
from .table import REV2

# What a client used, and the capabilities of which one must be offered for it.
Need = tuple[str, tuple[str, ...]]

CONDSTORE = ("CONDSTORE",)
QRESYNC = ("QRESYNC",)
ESEARCH = ("ESEARCH", REV2)
SEARCHRES = ("SEARCHRES", REV2)
BINARY = ("BINARY", REV2)
OBJECTID = ("OBJECTID",)
SAVEDATE = ("SAVEDATE",)
LIST_EXTENDED = ("LIST-EXTENDED", REV2)

STATUS_ITEMS: Mapping[StatusItem, tuple[str, ...]] = {
    StatusItem.DELETED: ("STATUS=DELETED", "QUOTA=RES-MESSAGE", REV2),
    StatusItem.DELETED_STORAGE: ("QUOTA=RES-STORAGE",),
    StatusItem.SIZE: ("STATUS=SIZE", REV2),
    StatusItem.HIGHESTMODSEQ: CONDSTORE,
    StatusItem.APPENDLIMIT: ("APPENDLIMIT",),
    StatusItem.MAILBOXID: OBJECTID,
}
LIST_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "SPECIAL-USE": ("SPECIAL-USE", REV2),
    "STATUS": ("LIST-STATUS", REV2),
    "MYRIGHTS": ("LIST-MYRIGHTS",),
}
ATTRIBUTES: Mapping[Item, tuple[str, ...]] = {
    Attribute.MODSEQ: CONDSTORE,
    Attribute.SAVEDATE: SAVEDATE,
    Attribute.EMAILID: OBJECTID,
    Attribute.THREADID: OBJECTID,
}
KEYS: Mapping[type, tuple[str, ...]] = {
    Younger: ("WITHIN",),
    Older: ("WITHIN",),
    ModSeq: CONDSTORE,
    EmailId: OBJECTID,
    ThreadId: OBJECTID,
    SaveDateSupported: SAVEDATE,
}


def needs(command: Command) -> Iterator[Need]:
    """What the command needs besides the base protocol."""
    return NEEDS[type(command)](command) if type(command) in NEEDS else iter(())


def _select(command: Select) -> Iterator[Need]:
    if command.qresync is not None:
        yield "QRESYNC", QRESYNC
    elif command.condstore:
        yield "CONDSTORE", CONDSTORE


def _create(command: Create) -> Iterator[Need]:
    if command.special_use:
        yield "USE", ("CREATE-SPECIAL-USE",)


def _list(command: List) -> Iterator[Need]:
    if command.extended:
        yield "extended LIST", LIST_EXTENDED
    for option in sorted(command.selection | command.returns):
        if option in LIST_OPTIONS:
            yield option, LIST_OPTIONS[option]
    yield from _status_items(command.status)


def _status(command: Status) -> Iterator[Need]:
    return _status_items(command.items)


def _status_items(items: tuple[StatusItem, ...]) -> Iterator[Need]:
    return ((item.value, STATUS_ITEMS[item]) for item in items if item in STATUS_ITEMS)


def _append(command: Append) -> Iterator[Need]:
    if command.catenate:
        yield "CATENATE", ("CATENATE",)
    if command.utf8:
        yield "UTF8", ("UTF8=ACCEPT",)
    elif command.binary:
        yield "a literal8", ("BINARY",)


def _search(command: Search) -> Iterator[Need]:
    if command.options is not None:
        yield "RETURN", ESEARCH
        yield from _options(command.options, "CONTEXT=SEARCH")
    yield from _key(command.key)


def _sort(command: Sort) -> Iterator[Need]:
    if command.options is not None:
        yield "RETURN", ("ESORT",)
        yield from _options(command.options, "CONTEXT=SORT")
    for criterion in command.criteria:
        if criterion.key in (SortKey.DISPLAYFROM, SortKey.DISPLAYTO):
            yield criterion.key.value, ("SORT=DISPLAY",)
    yield from _key(command.key)


def _thread(command: Thread) -> Iterator[Need]:
    yield command.algorithm.value, (f"THREAD={command.algorithm.value}",)
    yield from _key(command.key)


def _multi_search(command: MultiSearch) -> Iterator[Need]:
    yield from _options(command.options, "CONTEXT=SEARCH")
    yield from _key(command.key)


def _options(options: SearchOptions, context: str) -> Iterator[Need]:
    if options.save:
        yield "SAVE", SEARCHRES
    if options.update or options.context:
        yield "UPDATE or CONTEXT", (context,)
    if options.items:
        yield "UPDATE (…)", ("NOTIFY",)
    if options.partial is not None:
        yield "PARTIAL", ("PARTIAL",) if options.partial[0] < 0 else ("PARTIAL", context)


def _key(key: Key) -> Iterator[Need]:
    for inner in walk(key):
        if isinstance(inner, Numbers):
            yield from _set(inner.numbers)
        elif isinstance(inner, Uids):
            yield from _set(inner.uids)
        elif isinstance(inner, Dated) and inner.which is Which.SAVED:
            yield "a save date", SAVEDATE
        elif type(inner) in KEYS:
            yield type(inner).__name__.upper(), KEYS[type(inner)]


def _set(messages: SequenceSet) -> Iterator[Need]:
    if messages.saved:
        yield '"$"', SEARCHRES


def _fetch(command: Fetch) -> Iterator[Need]:
    yield from _set(command.messages)
    if command.changed_since is not None:
        yield "CHANGEDSINCE", CONDSTORE
    if command.vanished:
        yield "VANISHED", QRESYNC
    if command.partial is not None:
        yield "PARTIAL", ("PARTIAL",)
    for item in command.items:
        if isinstance(item, BinarySection | BinarySize):
            yield "BINARY", BINARY
        elif isinstance(item, Preview):
            yield "PREVIEW", ("PREVIEW",)
        elif item in ATTRIBUTES:
            yield item.label.decode("ascii"), ATTRIBUTES[item]


def _store(command: Store) -> Iterator[Need]:
    yield from _set(command.messages)
    if command.unchanged_since is not None:
        yield "UNCHANGEDSINCE", CONDSTORE


def _copy(command: Copy | Move) -> Iterator[Need]:
    return _set(command.messages)


def _expunge(command: Expunge) -> Iterator[Need]:
    return iter(()) if command.uids is None else _set(command.uids)


NEEDS: Mapping[type, Callable[[Any], Iterator[Need]]] = {
    Select: _select,
    Create: _create,
    List: _list,
    Status: _status,
    Append: _append,
    Search: _search,
    Sort: _sort,
    Thread: _thread,
    MultiSearch: _multi_search,
    Fetch: _fetch,
    Store: _store,
    Copy: _copy,
    Move: _copy,
    Expunge: _expunge,
}


def uses_numbers(command: Command) -> bool:
    """Whether messages are named by their numbers in what a command looks for, or in what its client knows (RFC 9586
    §3.5, §3.6); "$" isn't one."""
    if isinstance(command, Select):
        return command.qresync is not None and command.qresync.sequence_match is not None
    if isinstance(command, Search | Sort | Thread | MultiSearch):
        return any(isinstance(key, Numbers) and bool(key.numbers.ranges) for key in walk(command.key))
    return False
