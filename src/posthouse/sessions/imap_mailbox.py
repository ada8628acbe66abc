"""Mailboxes: made, renamed, deleted, subscribed to. RFC 9051 §6.3.4 to §6.3.8, RFC 6154 §3."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.imap import command, response
from posthouse.store import mailbox
from posthouse.store.account import Account
from posthouse.store.engine import Tx
from posthouse.store.mailbox import SEPARATOR, SPECIAL_USES, Mailbox

from . import place
from .imap_answer import Done, Handler, No
from .object_id import mailbox_id

if TYPE_CHECKING:
    from .imap import ImapSession


async def create(session: ImapSession, wish: command.Create) -> Done:
    # §6.3.4: a trailing separator says that names below it will follow.
    name = wish.mailbox.removesuffix(SEPARATOR)
    box = await session.house.store.write(_create, session.owner, name, wish.special_use)
    tell_name(session, name)
    return Done("CREATE completed", f"MAILBOXID ({mailbox_id(box.id)})")  # RFC 8474 §4.1


def _create(tx: Tx, person: Account, name: str, special_use: tuple[str, ...]) -> Mailbox:
    place.canonical_name(name)
    owner, inner = place.parent(tx, person, name)
    if special_use and owner.id != person.id:
        raise No("What a mailbox is for says only who owns it", "USEATTR")
    if special_use and mailbox.find(tx, owner.id, inner) is None:
        check_use(inner, special_use)
        if any(box.special_use == special_use[0] for box in mailbox.list_all(tx, owner.id)):
            raise No(f"There is a mailbox for {special_use[0]} already", "USEATTR")
    return mailbox.create(tx, owner.id, inner, special_use="".join(special_use))


def check_use(name: str, special_use: tuple[str, ...]) -> None:
    """RFC 6154 §3: a use that the mailbox can't have is told with a code of its own."""
    if name == "INBOX":
        raise No("INBOX is what it is", "USEATTR")
    if len(special_use) != 1:
        raise No("A mailbox has one special use here", "USEATTR")
    if special_use[0] not in SPECIAL_USES:
        raise No(f"{special_use[0]} is no special use of a mailbox here", "USEATTR")


def tell_name(session: ImapSession, *asked: str, marks: tuple[str, ...] = ()) -> None:
    """LIST with OLDNAME, where a mailbox's name isn't kept as the client wrote it (§6.3.9.7).

    ``asked``: the names in the command. OLDNAME repeats the first, and the mailbox is called the last (§6.3.6).
    """
    names = tuple(map(place.canonical_name, asked))
    # RFC 5258 §3: extended data only for who has shown to know it; in IMAP4rev2 everybody does.
    if names != asked and (session.extended_list or session.server.rev2):
        line = response.listed(marks, SEPARATOR, names[-1], utf8=session.server.utf8, old_name=asked[0])
        session.server.untagged(line)


async def delete(session: ImapSession, wish: command.Delete) -> Done:
    """DELETE. Whoever has the mailbox selected sees its messages vanish, and then an empty mailbox."""
    await session.house.store.write(_delete, session.owner, wish.mailbox)
    tell_name(session, wish.mailbox, marks=("\\NonExistent",))  # §6.3.5
    return Done("DELETE completed")


def _delete(tx: Tx, person: Account, name: str) -> None:
    box = place.need(tx, person, name, "x").box
    if box.name != "INBOX" and mailbox.has_children(tx, box.account_id, box.name):
        raise No(f"{box.name} has mailboxes below it; delete them first", "HASCHILDREN")  # §6.3.5
    mailbox.delete(tx, box.account_id, box.name)


async def rename(session: ImapSession, wish: command.Rename) -> Done:
    """RENAME; of INBOX, the messages move (§6.3.6)."""
    await session.house.store.write(_rename, session.owner, wish.mailbox, wish.to)
    tell_name(session, wish.mailbox, wish.to)
    return Done("RENAME completed")


def _rename(tx: Tx, person: Account, name: str, to: str) -> None:
    box = place.need(tx, person, name, "x").box
    place.canonical_name(to)
    owner, inner = place.parent(tx, person, to)
    if owner.id != box.account_id:
        raise No("A mailbox can't be given to somebody else; create one there, and move the messages", "CANNOT")
    mailbox.rename(tx, owner.id, box.name, inner)


async def subscribe(session: ImapSession, wish: command.Subscribe) -> Done:
    """SUBSCRIBE, also to a name that no mailbox has (§6.3.7)."""
    there = await session.house.store.write(_subscribe, session.owner, wish.mailbox)
    tell_name(session, wish.mailbox, marks=("\\Subscribed",) if there else ("\\NonExistent", "\\Subscribed"))
    return Done("SUBSCRIBE completed")


def _subscribe(tx: Tx, person: Account, name: str) -> bool:
    """Whether there is such a mailbox."""
    mailbox.subscribe(tx, person.id, place.canonical_name(name))
    return place.find(tx, person, name) is not None


async def unsubscribe(session: ImapSession, wish: command.Unsubscribe) -> Done:
    await session.house.store.write(mailbox.unsubscribe, session.owner.id, place.known_as(wish.mailbox))
    return Done("UNSUBSCRIBE completed")


COMMANDS: dict[type, Handler] = {
    command.Create: create,
    command.Delete: delete,
    command.Rename: rename,
    command.Subscribe: subscribe,
    command.Unsubscribe: unsubscribe,
}
