"""Changing messages: STORE, EXPUNGE, COPY, MOVE. RFC 9051 §6.4.3, §6.4.6 to §6.4.9."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound
from posthouse.imap import command, response
from posthouse.imap.command import StoreOperation
from posthouse.imap.fetch import Attribute
from posthouse.imap.sequence import SAVED, SequenceSet
from posthouse.store import across, flag, mail, mailbox
from posthouse.store.account import Account
from posthouse.store.engine import Tx
from posthouse.store.mail import Copied
from posthouse.store.mailbox import Mailbox

from . import place
from .fetched import Answer
from .imap_answer import Done, Handler, No
from .imap_fetch import changed_items
from .selected import Ranges, Selected

if TYPE_CHECKING:
    from .imap import ImapSession

GONE = "Some of the messages no longer exist"


class Stored(NamedTuple):
    """The modseq of a change of flags, the messages that it was for, the UIDs of those it was refused for; and how many
    weren't there any more when it was looked whether they had changed."""

    modseq: int
    ranges: Ranges
    refused: list[int]
    missing: int


async def store(session: ImapSession, wish: command.Store) -> Done:
    """STORE: flags set, added or taken away; answered for every message unless .SILENT (§6.4.6)."""
    selected = writable(session)
    ranges = session.ranges(wish.messages, by_uid=wish.uid)
    stored = await session.house.store.write(_store, session.owner, selected, ranges, wish)
    session.news.echoed = stored.modseq
    missing = stored.missing
    flags = [] if wish.silent else [Attribute.FLAGS]
    items = changed_items(session, flags)  # also with .SILENT
    if wish.uid and items and Attribute.UID not in items and not session.server.uid_only:
        items = [Attribute.UID, *items]
    if items:
        missing += await Answer(session, selected, items).send(stored.ranges)
    if not stored.refused:
        if missing and not wish.uid:
            raise No(GONE, "EXPUNGEISSUED")  # RFC 2180 §4.2
        return Done("STORE completed")
    refused = SAVED.resolve(0, ((uid, uid) for uid in stored.refused))
    await Answer(session, selected, changed_items(session)).send(refused)
    numbers = stored.refused if wish.uid else list(selected.numbers(stored.refused))
    if missing and not wish.uid:
        raise No(GONE, f"MODIFIED {SequenceSet.of(numbers)}")  # RFC 7162 §3.1.3, example 12
    return Done("Some of the messages have changed", f"MODIFIED {SequenceSet.of(numbers)}")


def _store(tx: Tx, person: Account, selected: Selected, ranges: Ranges, wish: command.Store) -> Stored:
    box = selected.mailbox
    mailbox_id = box.id
    refused: list[int] = []
    missing = 0
    if wish.unchanged_since is not None:
        rows = mail.fetch(tx, mailbox_id, ranges, ("modseq",))
        missing = max(selected.count(ranges) - len(rows), 0)
        refused = [uid for uid, modseq in rows if modseq > wish.unchanged_since]
        ranges = SAVED.resolve(0, ((uid, uid) for uid, modseq in rows if modseq <= wish.unchanged_since))
    rights = place.rights_in(tx, person, box)
    flags = place.allowed(wish.flags, rights)
    if not rights.intersection("swt") or (wish.flags and not flags):
        raise place.no_right(box.name, "".join(sorted({place.FLAG_RIGHTS.get(one.lower(), "w") for one in wish.flags})))
    operation = OPERATIONS[wish.operation]
    if operation == "replace" and not rights.issuperset("swt"):
        # What this person may not change stays as it is (RFC 4314 §4).
        others = place.settable(flag.in_use(tx, box.account_id), rights) - flags
        modseq = mail.store_flags(tx, mailbox_id, ranges, "remove", others)
        operation = "add"
    modseq = mail.store_flags(tx, mailbox_id, ranges, operation, flags)
    return Stored(modseq, ranges, refused, missing)


async def expunge(session: ImapSession, wish: command.Expunge) -> Done:
    """EXPUNGE, and UID EXPUNGE of a set (§6.4.3, §6.4.9). The client is told with the other news of the mailbox."""
    selected = writable(session)
    ranges = None if wish.uids is None else session.ranges(wish.uids, by_uid=True)
    expunged = await session.house.store.write(_expunge, session.owner, selected.mailbox, ranges)
    if not expunged.uids:
        return Done("EXPUNGE completed")
    selected.removed(expunged.uids, expunged.modseq)
    session.news.echoed = expunged.modseq
    return Done("EXPUNGE completed", f"HIGHESTMODSEQ {expunged.modseq}" if session.qresync else "")


class Expunged(NamedTuple):
    """The messages that were removed, and with which modseq."""

    uids: list[int]
    modseq: int


def _expunge(tx: Tx, person: Account, box: Mailbox, ranges: Ranges | None) -> Expunged:
    demand(tx, person, box, "e")
    uids = mail.expunge(tx, box.id, ranges)
    return Expunged(uids, mailbox.get(tx, box.id).highestmodseq if uids else 0)


def demand(tx: Tx, person: Account, box: Mailbox, rights: str) -> None:
    """Errors: No, where the person has not all of these rights in the mailbox now."""
    if not place.rights_in(tx, person, box).issuperset(rights):
        raise place.no_right(box.name, rights)


async def copy(session: ImapSession, wish: command.Copy) -> Done:
    copied = await transfer(session, wish, move=False)
    return Done("COPY completed", copy_uid(copied))


async def move(session: ImapSession, wish: command.Move) -> Done:
    """MOVE tells the new UIDs before the messages vanish (§6.4.8)."""
    writable(session)
    copied = await transfer(session, wish, move=True)
    if copied.source:
        session.server.untagged(response.ok("Moved", copy_uid(copied)))
    if not copied.source or not session.qresync:
        return Done("MOVE completed")
    box = await session.house.store.read(mailbox.get, session.selected_mailbox.mailbox.id)
    return Done("MOVE completed", f"HIGHESTMODSEQ {box.highestmodseq}")  # RFC 6851 §4.4


async def transfer(session: ImapSession, wish: command.Copy | command.Move, *, move: bool) -> Copied:
    """Copy or move messages into another mailbox: all that the client means, or none."""
    selected = session.selected_mailbox
    ranges = session.ranges(wish.messages, by_uid=wish.uid)
    least = 0 if wish.uid else selected.count(ranges)
    try:
        return await session.house.store.write(
            _transfer, session.owner, selected.mailbox, ranges, wish.mailbox, move, least
        )
    except NotFound as error:
        # §6.4.7: the client may create the mailbox and try again.
        raise No(f"There is no mailbox {wish.mailbox}", "TRYCREATE") from error


def _transfer(tx: Tx, person: Account, source: Mailbox, ranges: Ranges, name: str, move: bool, least: int) -> Copied:
    if move:
        demand(tx, person, source, "te")
    target = place.need(tx, person, name, "i", absent="TRYCREATE")
    copy, take = (mail.copy, mail.move) if target.box.account_id == source.account_id else (across.copy, across.move)
    copied = (take if move else copy)(tx, source.id, ranges, target.box.id)
    if len(copied.source) < least:
        raise No(GONE, "EXPUNGEISSUED")  # RFC 2180 §4.4; nothing is copied
    if copied.target and not target.rights.issuperset("swt"):
        # RFC 4314 §4: flags that this person may not set there don't come along.
        there = [(copied.target[0], copied.target[-1])]
        flags = flag.in_use(tx, target.box.account_id)
        mail.store_flags(tx, target.box.id, there, "remove", flags - place.settable(flags, target.rights))
    return copied


def copy_uid(copied: Copied) -> str:
    """COPYUID (RFC 4315 §3); nothing where nothing was copied."""
    if not copied.source:
        return ""
    return f"COPYUID {copied.uidvalidity} {SequenceSet.of(copied.source)} {SequenceSet.of(copied.target)}"


def writable(session: ImapSession) -> Selected:
    """The selected mailbox, if it may be changed."""
    selected = session.selected_mailbox
    if selected.read_only:
        raise No("The mailbox is selected read-only", "READ-ONLY")
    return selected


OPERATIONS: dict[StoreOperation, mail.Operation] = {
    StoreOperation.ADD: "add",
    StoreOperation.REMOVE: "remove",
    StoreOperation.REPLACE: "replace",
}
COMMANDS: dict[type, Handler] = {command.Store: store, command.Expunge: expunge, command.Copy: copy, command.Move: move}
