"""Mailboxes as one person sees them: by name, and with what that person may do there."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.store import mailbox
from posthouse.store.account import Account
from posthouse.store.engine import Tx
from posthouse.store.mailbox import Mailbox

from .imap_answer import No

# Everything that RFC 4314 §2.1 knows; what an owner may do.
EVERY_RIGHT = frozenset("lrswipkxtea")


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox under the name that this person gives it. ``rights``: letters of RFC 4314 §2.1."""

    box: Mailbox
    name: str
    rights: frozenset[str]


def find(tx: Tx, person: Account, name: str) -> Place | None:
    """The mailbox of this name, if there is one that this person may know of."""
    box = mailbox.find(tx, person.id, name)
    return None if box is None else Place(box, box.name, EVERY_RIGHT)


def need(tx: Tx, person: Account, name: str, rights: str = "", *, absent: str = "NONEXISTENT") -> Place:
    """The mailbox of this name, for who has all these rights. Errors: No, with the code ``absent`` or NOPERM."""
    place = find(tx, person, name)
    if place is None:
        raise No(f"There is no mailbox {name}", absent)
    if not place.rights.issuperset(rights):
        raise No(f"You may not do that in {place.name}; MYRIGHTS tells what you may", "NOPERM")
    return place
