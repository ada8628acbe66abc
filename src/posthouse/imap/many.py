"""Commands about many mailboxes at once, and results that are kept up to date: NOTIFY (RFC 5465), MULTISEARCH
(RFC 7377), CONTEXT (RFC 5267).
"""

from __future__ import annotations

from .command import (
    CancelUpdate,
    EventGroup,
    MailboxFilter,
    MailboxGroup,
    MultiSearch,
    Notify,
    NotifyEvent,
    SearchOptions,
)
from .fetch import Item, read_listed_items
from .grammar import read_search_options, saving
from .search import read_program
from .syntax import Cursor, Malformed, Unacceptable

# Groups in one NOTIFY, filters in one ESEARCH, names in one filter. A program names the folders it shows.
MAX_GROUPS = 100
MAX_NAMES = 1000
# Searches that one client keeps up to date.
MAX_TAGS = 100

GROUPS = {group.value: group for group in MailboxGroup}
SELECTED = (MailboxGroup.SELECTED, MailboxGroup.SELECTED_DELAYED)
WITH_NAMES = (MailboxGroup.SUBTREE, MailboxGroup.SUBTREE_ONE, MailboxGroup.MAILBOXES)

EVENTS = {event.value.upper(): event for event in NotifyEvent}
BAD_EVENT = f"BADEVENT ({' '.join(event.value for event in NotifyEvent)})"
MESSAGE_EVENTS = frozenset({NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE})


def read_notify(cursor: Cursor) -> Notify:
    """notify = "NOTIFY" SP (notify-set / notify-none)

    notify-set = "SET" [SP "STATUS"] SP event-group *(SP event-group)        notify-none = "NONE"
    """
    cursor.space()
    if cursor.keyword(b"NONE"):
        return Notify()
    if not cursor.keyword(b"SET"):
        raise cursor.expected("SET or NONE")
    cursor.space()
    status = cursor.keyword(b"STATUS")
    if status:
        cursor.space()
    groups = [_event_group(cursor)]
    while cursor.skip(b" "):
        groups.append(_event_group(cursor))
    if len(groups) > MAX_GROUPS:
        raise Malformed(f"NOTIFY takes at most {MAX_GROUPS} groups")
    if sum(group.mailboxes.group in SELECTED for group in groups) > 1:
        raise Malformed("only one group may speak of the selected mailbox (RFC 5465 §6)")
    return Notify(tuple(groups), status)


def _event_group(cursor: Cursor) -> EventGroup:
    """event-group = "(" filter-mailboxes SP events ")"; events = "(" event *(SP event) ")" / "NONE" """
    cursor.expect(b"(", '"(" and a group of events')
    mailboxes = read_filter(cursor)
    cursor.space()
    items: tuple[Item, ...] = ()

    def event() -> NotifyEvent:
        nonlocal items
        found = EVENTS.get(cursor.word("an event"))
        if found is None:
            # RFC 5465 §3.1: NO, with the events that could be asked for.
            raise Unacceptable("an event that is not known here", code=BAD_EVENT)
        if found is NotifyEvent.MESSAGE_NEW and cursor.skip(b" ("):
            cursor.at -= 1
            items = read_listed_items(cursor)
        return found

    events: frozenset[NotifyEvent] = frozenset()
    if not cursor.keyword(b"NONE"):
        events = frozenset(cursor.list_of(event, "events", least=1))
    cursor.expect(b")")
    group = EventGroup(mailboxes, events, items)
    _check(group)
    return group


def _check(group: EventGroup) -> None:
    """What may be asked for together: RFC 5465 §5, and the comments of §8."""
    selected = group.mailboxes.group in SELECTED
    both = {NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE}
    if group.events & MESSAGE_EVENTS and not both <= group.events:
        raise Malformed("MessageNew and MessageExpunge go together, and FlagChange goes with both (RFC 5465 §5)")
    if selected and group.events - MESSAGE_EVENTS:
        raise Malformed("of the selected mailbox only message events can be told (RFC 5465 §8)")
    if group.items and not selected:
        raise Malformed("new messages are fetched in the selected mailbox only (RFC 5465 §5.2)")


def read_filter(cursor: Cursor) -> MailboxFilter:
    """filter-mailboxes = "selected" / … / ("subtree" / "subtree-one" / "mailboxes") SP one-or-more-mailbox"""
    start = cursor.at
    group = GROUPS.get(cursor.word("mailboxes"))
    if group is None:
        cursor.at = start
        raise cursor.expected(f"which mailboxes ({', '.join(GROUPS)})")
    if group not in WITH_NAMES:
        return MailboxFilter(group)
    cursor.space()
    if cursor.at_any(b"("):
        names = cursor.list_of(cursor.mailbox, "mailbox names", least=1)
    else:
        names = [cursor.mailbox()]
    if len(names) > MAX_NAMES:
        raise Malformed(f"at most {MAX_NAMES} mailboxes in one group")
    return MailboxFilter(group, tuple(dict.fromkeys(names)))


def read_multi_search(cursor: Cursor) -> MultiSearch:
    """esearch = "ESEARCH" [SP esearch-source-opts] [SP search-return-opts] SP search-program

    esearch-source-opts = "IN" SP "(" source-mbox ")"; the scope options of RFC 7377 §4 are for extensions to come
    """
    cursor.space()
    mailboxes: tuple[MailboxFilter, ...] = ()
    if cursor.keyword(b"IN"):
        cursor.space()
        mailboxes = tuple(cursor.list_of(lambda: read_filter(cursor), "mailboxes", least=1))
        if len(mailboxes) > MAX_GROUPS:
            raise Malformed(f"ESEARCH takes at most {MAX_GROUPS} groups of mailboxes")
        if any(mailbox.group is MailboxGroup.SELECTED_DELAYED for mailbox in mailboxes):
            raise Malformed("SELECTED-DELAYED is for NOTIFY only (RFC 7377 §4)")
        cursor.space()
    options = read_search_options(cursor) or SearchOptions(every=True)
    with saving(options):
        return MultiSearch(mailboxes, read_program(cursor), options)


def read_cancel_update(cursor: Cursor) -> CancelUpdate:
    """ "CANCELUPDATE" 1*(SP quoted)"""
    tags: list[str] = []
    while not cursor.at_end or not tags:
        cursor.space()
        tags.append(cursor.string("a tag in quotes").decode("ascii", "replace"))
    if len(tags) > MAX_TAGS:
        raise Malformed(f"CANCELUPDATE takes at most {MAX_TAGS} tags")
    return CancelUpdate(tuple(tags))
