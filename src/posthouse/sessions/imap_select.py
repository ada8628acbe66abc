"""One mailbox at a time: SELECT, EXAMINE, CLOSE, UNSELECT. RFC 9051 §6.3.2, §6.3.3, §6.4.1, §6.4.2."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from posthouse.errors import NotFound
from posthouse.imap import command, response
from posthouse.imap.sequence import SequenceSet
from posthouse.store import flag, mail, search
from posthouse.store.account import Account
from posthouse.store.change import Placed
from posthouse.store.engine import Tx
from posthouse.store.mailbox import SEPARATOR, Mailbox

from . import place
from .imap_answer import Done, Handler, No
from .imap_condstore import among, since
from .object_id import mailbox_id
from .selected import Selected

if TYPE_CHECKING:
    from .imap import ImapSession

UNSEEN = search.Not(search.HasFlag("\\Seen"))
# In a larger mailbox, looking for the first unseen message would make SELECT wait. RFC 3501 §6.3.1 lets the server
# leave it out, and a client that wants it then searches.
MAX_LOOKED_THROUGH = 20_000


@dataclass(frozen=True, slots=True)
class Look:
    """A mailbox with its UIDs, its first unseen message, and the flags that its owner uses: all from one moment.

    ``vanished``, ``changed``: what a client that was here before has missed (QRESYNC).
    """

    box: Mailbox
    rights: frozenset[str]
    uids: Sequence[int]
    flags: frozenset[str]
    first_unseen: int | None = None  # a UID
    vanished: tuple[int, ...] = ()
    changed: tuple[Placed, ...] = ()


def look_into(tx: Tx, person: Account, wish: command.Select) -> Look:
    """The mailbox that is to be selected. Errors: No."""
    where = place.need(tx, person, wish.mailbox, "r")
    box, account_id = where.named, where.box.account_id
    unseen = search.search(tx, box.id, UNSEEN) if box.unseen and box.exists <= MAX_LOOKED_THROUGH else []
    look = Look(box, where.rights, mail.uids(tx, box.id), flag.in_use(tx, account_id), unseen[0] if unseen else None)
    known = wish.qresync
    if known is None or known.uidvalidity != box.uidvalidity:
        return look  # RFC 7162 §3.2.5: the client finds out by the UIDVALIDITY that it is told
    # The numbers and UIDs that a client may add help a server that has forgotten removals; ours then compares UIDs.
    wanted = None if known.known_uids is None else known.known_uids.resolve(box.uidnext)
    vanished, changed = since(tx, account_id, box.id, known.modseq, wanted)
    mine = among([placed.uid for placed in changed], [(1, box.uidnext)] if wanted is None else wanted)
    return replace(look, vanished=tuple(vanished), changed=tuple(placed for placed in changed if placed.uid in mine))


async def select(session: ImapSession, wish: command.Select) -> Done:
    """SELECT and EXAMINE."""
    if wish.qresync is not None and not session.qresync:
        raise No("The QRESYNC parameter needs ENABLE QRESYNC", bad=True)  # RFC 7162 §3.2.5
    if session.selecting:
        session.server.untagged(response.ok("What follows is about another mailbox", "CLOSED"))  # RFC 9051 §7.1
    session.unselect()  # also where the new one can't be selected (RFC 9051 §6.3.2)
    look = await session.house.store.read(look_into, session.owner, wish)
    # RFC 4314 §5.2: who may change nothing has it read-only.
    read_only = wish.read_only or place.WRITE.isdisjoint(look.rights)
    selected = Selected(look.box, look.uids, read_only=read_only, rights=look.rights)
    if not session.server.rev2 and selected.last_uid >= look.box.recent_from:
        await selected.tell_first(session.house, look.box.recent_from, look.box.uidnext)
    tell_mailbox(session, selected, look, wish.mailbox)
    tell_missed(session, selected, look)
    session.select(selected)
    return Done(f"{look.box.name} selected", "READ-ONLY" if read_only else "READ-WRITE")


def tell_mailbox(session: ImapSession, selected: Selected, look: Look, asked: str) -> None:
    """What a client is told of the mailbox it selects."""
    machine = session.server
    known = in_order(look.flags)
    machine.untagged(response.flags(known))
    machine.untagged(response.exists(len(selected)))
    if machine.rev2:
        old_name = None if asked == look.box.name else asked
        line = response.listed([], SEPARATOR, look.box.name, utf8=machine.utf8, old_name=old_name)
        machine.untagged(line)  # §6.3.2
    else:
        machine.untagged(response.recent(selected.count_recent()))  # RFC 3501 §7.3.2
        if look.first_unseen is not None and not machine.uid_only:
            machine.untagged(response.ok("First unseen message", f"UNSEEN {selected.number(look.first_unseen)}"))
    machine.untagged(permanent_flags(known, selected))
    for code, text in (
        (f"UIDVALIDITY {look.box.uidvalidity}", "UIDs are valid"),
        (f"UIDNEXT {look.box.uidnext}", "Predicted next UID"),
        (f"HIGHESTMODSEQ {look.box.highestmodseq}", "Last change"),  # RFC 7162 §3.1.2.1
        ("URLMECH INTERNAL", "URLs can be signed"),  # RFC 4467 §8
        (f"MAILBOXID ({mailbox_id(look.box.id)})", "The mailbox's id"),  # RFC 8474 §4.2
    ):
        machine.untagged(response.ok(text, code))


def in_order(flags: frozenset[str]) -> list[str]:
    """The flags that a mailbox knows, as FLAGS names them."""
    return [*flag.SYSTEM, *sorted(flags - set(flag.SYSTEM))]


def permanent_flags(known: Sequence[str], selected: Selected) -> bytes:
    """PERMANENTFLAGS: those that this person may change (RFC 4314 §5.1.1)."""
    settable = place.settable(known, selected.rights)
    permanent = [name for name in known if name in settable] + ["\\*"] * ("w" in selected.rights)
    return response.ok("Flags that are kept", f"PERMANENTFLAGS ({' '.join([] if selected.read_only else permanent)})")


def tell_missed(session: ImapSession, selected: Selected, look: Look) -> None:
    """What happened since the client was here (RFC 7162 §3.2.5.1)."""
    if look.vanished:
        session.server.untagged(response.vanished(SequenceSet.of(look.vanished), earlier=True))
    for placed in look.changed:
        items = [selected.flags(placed.uid, placed.flags), b"MODSEQ (%d)" % placed.modseq]
        if session.server.uid_only:
            session.server.untagged(response.uid_fetch(placed.uid, items))
        else:
            session.server.untagged(response.fetch(selected.number(placed.uid), [b"UID %d" % placed.uid, *items]))


async def close(session: ImapSession, _: command.Close) -> Done:
    """CLOSE removes what is flagged as deleted, and tells nothing of it (§6.4.1)."""
    selected = session.selected_mailbox
    if not selected.read_only:
        with contextlib.suppress(NotFound):  # somebody deleted the mailbox
            await session.house.store.write(_expunge_if_allowed, session.owner, selected.mailbox)
    session.unselect()
    return Done("CLOSE completed")


def _expunge_if_allowed(tx: Tx, person: Account, box: Mailbox) -> None:
    if "e" in place.rights_in(tx, person, box):  # RFC 4314 §4: else CLOSE only closes
        mail.expunge(tx, box.id)


async def unselect(session: ImapSession, _: command.Unselect) -> Done:
    """UNSELECT removes nothing (§6.4.2)."""
    session.unselect()
    return Done("UNSELECT completed")


COMMANDS: dict[type, Handler] = {command.Select: select, command.Close: close, command.Unselect: unselect}
