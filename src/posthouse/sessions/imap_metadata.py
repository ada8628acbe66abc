"""Annotations of mailboxes and of the account: GETMETADATA, SETMETADATA. RFC 5464.

What is set with the empty mailbox name is the account's own: ``/private/…`` entries. There ``/shared/…`` would be
everybody's; nobody sets any by IMAP.

What a mailbox is for is an annotation, too, of whose mailbox it is (RFC 6154 §4): read from the mailbox, and set there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from posthouse.imap import command, metadata
from posthouse.store import annotation, change, mailbox
from posthouse.store.account import Account
from posthouse.store.annotation import PRIVATE, TooLarge, TooMany
from posthouse.store.engine import Tx
from posthouse.store.mailbox import SPECIAL_USES, Mailbox

from . import place
from .imap_answer import Done, Handler, No
from .imap_mailbox import check_use

if TYPE_CHECKING:
    from .imap import ImapSession

SPECIAL_USE = "/private/specialuse"


class Beside(NamedTuple):
    """Where annotations are: whose the private ones are, whose the shared ones, and the mailbox (None: none)."""

    person_id: int
    owner_id: int
    box: Mailbox | None

    @property
    def mailbox_id(self) -> int | None:
        return None if self.box is None else self.box.id

    def owner_of(self, entry: str) -> int:
        """The account to which an entry belongs."""
        return self.person_id if entry.startswith(PRIVATE) else self.owner_id


async def get_metadata(session: ImapSession, wish: command.GetMetadata) -> Done:
    """GETMETADATA (§4.2); values above MAXSIZE are left out, and the largest of them is told."""
    values = await session.house.store.read(_get, session.owner, wish)
    most = wish.max_size
    fitting = {entry: value for entry, value in values.items() if most is None or len(value) <= most}
    if fitting:
        line = metadata.metadata(wish.mailbox, fitting, utf8=session.server.utf8)
        session.server.untagged(line)
    if len(fitting) < len(values):
        longest = max(map(len, values.values()))
        return Done("Some entries are longer", f"METADATA LONGENTRIES {longest}")
    return Done("GETMETADATA completed")


def _get(tx: Tx, person: Account, wish: command.GetMetadata) -> dict[str, bytes]:
    beside = _beside(tx, person, wish.mailbox, "lr")
    values: dict[str, bytes] = {}
    for entry in wish.entries:
        values |= annotation.find(tx, beside.owner_of(entry), beside.mailbox_id, entry, wish.depth)
        if entry == SPECIAL_USE and beside.box is not None:
            values.pop(SPECIAL_USE, None)
            if beside.box.special_use and beside.person_id == beside.owner_id:
                values[SPECIAL_USE] = beside.box.special_use.encode()
    return values


def _beside(tx: Tx, person: Account, name: str, rights: str) -> Beside:
    if not name:
        return Beside(person.id, person.id, None)
    where = place.need(tx, person, name, rights)
    return Beside(person.id, where.box.account_id, where.box)


async def set_metadata(session: ImapSession, wish: command.SetMetadata) -> Done:
    """SETMETADATA (§4.3): all entries, or none."""
    try:
        modseqs, freed = await session.house.store.write(_set, session.owner, wish)
    except TooLarge as error:
        raise No(str(error), f"METADATA MAXSIZE {annotation.MAX_VALUE}") from error
    except TooMany as error:
        raise No(str(error), "METADATA TOOMANY") from error
    if freed:
        session.server.untagged(metadata.metadata(freed, {SPECIAL_USE: None}, utf8=session.server.utf8))
    session.news.annotated(modseqs)
    return Done("SETMETADATA completed")


def _set(tx: Tx, person: Account, wish: command.SetMetadata) -> tuple[frozenset[int], str]:
    """The modseqs of the changes; and a mailbox that isn't any more what another one is for now."""
    shared = {entry: value for entry, value in wish.values.items() if not entry.startswith(PRIVATE)}
    private = {entry: value for entry, value in wish.values.items() if entry.startswith(PRIVATE)}
    if shared and not wish.mailbox:
        raise No("What everybody sees of the server is its operator's affair", "NOPERM")
    # §3.3: who reads a mailbox may note something for themselves, who writes to it also for others.
    beside = _beside(tx, person, wish.mailbox, "lrw" if shared else "lr")
    modseqs = set()
    freed = ""
    if beside.box is not None and SPECIAL_USE in private:
        freed = _set_use(tx, beside, beside.box, private.pop(SPECIAL_USE))
    if private:
        modseqs.add(annotation.put(tx, beside.person_id, beside.mailbox_id, private))
    if shared:
        modseqs.add(annotation.put(tx, beside.owner_id, beside.mailbox_id, shared))
    return frozenset(modseqs), freed


def _set_use(tx: Tx, beside: Beside, box: Mailbox, value: bytes | None) -> str:
    """What the mailbox is for from now on; the mailbox that was for that (RFC 6154 §5.4)."""
    if beside.person_id != beside.owner_id:
        raise No("What a mailbox is for says only who owns it", "USEATTR")
    written = (value or b"").decode("utf-8", "replace")
    use = next((one for one in SPECIAL_USES if one.lower() == written.lower()), written)
    freed = ""
    if use:
        check_use(box.name, tuple(use.split()))
        others = (one for one in mailbox.list_all(tx, box.account_id) if one.special_use == use and one.id != box.id)
        for other in others:
            mailbox.set_special_use(tx, other.id, "")
            freed = other.name
    mailbox.set_special_use(tx, box.id, use)
    return freed


class Annotations:
    """Annotations that change: which, not to what (§4.4). Of those that belong to this person's account."""

    def __init__(self, modseq: int) -> None:
        self._modseq = modseq

    async def changed(self, session: ImapSession, mine: frozenset[int]) -> dict[str, list[str]]:
        """Entries that changed since it was last asked, by mailbox ("": the server). ``mine``: the modseqs of the
        client's own changes, which it knows.
        """
        self._modseq, changed = await session.house.store.read(_changed, session.owner, self._modseq, mine)
        return changed


async def annotations_from_now(session: ImapSession) -> Annotations:
    """What changes from now on."""
    return Annotations(await session.house.store.read(change.modseq_of, session.owner.id))


def _changed(tx: Tx, person: Account, since: int, mine: frozenset[int]) -> tuple[int, dict[str, list[str]]]:
    modseq, changes = annotation.changes(tx, person.id, since)
    names: dict[str, list[str]] = {}
    for one in changes:
        if one.modseq not in mine:
            name = "" if one.mailbox_id is None else place.name_for(tx, person, mailbox.get(tx, one.mailbox_id))
            names.setdefault(name, []).append(one.entry)
    return modseq, names


COMMANDS: dict[type, Handler] = {command.GetMetadata: get_metadata, command.SetMetadata: set_metadata}
