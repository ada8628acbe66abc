"""Mailboxes as one person sees them: one's own, and those that others share, with what the person may do in each.

A mailbox of somebody else's is called ``Other Users/bob@example.org/INBOX``: their name for it stands behind their
address. Whoever has no right in a mailbox is told that there is none (RFC 4314 §6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from posthouse.errors import StoreError
from posthouse.store import account, acl, flag, mailbox
from posthouse.store.account import Account
from posthouse.store.acl import EVERY_RIGHT
from posthouse.store.engine import Tx
from posthouse.store.mailbox import SEPARATOR, Mailbox

from .imap_answer import No, no_such

OTHERS = "Other Users"
# RFC 4314 §4: which right it takes to change a flag; "w" for all others.
FLAG_RIGHTS = {"\\seen": "s", "\\deleted": "t"}
TO_FLAG = frozenset({*FLAG_RIGHTS.values(), "w"})
# Any of these lets a person know that the mailbox is there (RFC 4314 §4, "Any").
ANY = frozenset("lrikxa")
# Any of these makes a mailbox one that can be written to (§5.2).
WRITE = frozenset("ieswt")


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox under the name that this person gives it. ``rights``: letters of RFC 4314 §2.1."""

    box: Mailbox
    name: str
    rights: frozenset[str]

    @property
    def named(self) -> Mailbox:
        """The mailbox, with this person's name for it; what it is for is only its owner's affair (RFC 6154)."""
        if self.box.name == self.name:
            return self.box
        return replace(self.box, name=self.name, special_use="")


def split(name: str) -> tuple[str, str]:
    """Whose mailbox a name means, and what they call it; one's own: no address, and the name."""
    levels = name.split(SEPARATOR)
    if levels[0] != OTHERS:
        return "", name
    # A local part may hold the separator: the address ends with the level that has its "@".
    end = next((place for place, level in enumerate(levels) if "@" in level), len(levels)) + 1
    return SEPARATOR.join(levels[1:end]) or OTHERS, SEPARATOR.join(levels[end:])


def whose(tx: Tx, person: Account, name: str) -> tuple[Account, str]:
    """The account that a name leads to, and the name there. Errors: No, where it leads to nobody."""
    address, inner = split(name)
    if not address:
        return person, name
    owner = account.find(tx, address) if inner else None
    if owner is None:
        raise no_such(name)
    return owner, inner


def rights_in(tx: Tx, person: Account, box: Mailbox) -> frozenset[str]:
    """What this person may do in a mailbox, now."""
    return EVERY_RIGHT if box.account_id == person.id else acl.rights_of(tx, box.id, person.address)


def find(tx: Tx, person: Account, name: str) -> Place | None:
    """The mailbox of this name, if there is one that this person may know of."""
    try:
        owner, inner = whose(tx, person, name)
    except No:
        return None
    box = mailbox.find(tx, owner.id, inner)
    if box is None:
        return None
    rights = rights_in(tx, person, box)
    if ANY.isdisjoint(rights):
        return None
    return Place(box, name_for(tx, person, box), rights)


def need(tx: Tx, person: Account, name: str, rights: str = "", *, absent: str = "NONEXISTENT") -> Place:
    """The mailbox of this name, for who has all these rights. Errors: No, with the code ``absent`` or NOPERM."""
    place = find(tx, person, name)
    if place is None:
        raise No(f"There is no mailbox {name}", absent)
    check(place, rights)
    return place


def check(place: Place, rights: str) -> None:
    """Errors: No, with the code NOPERM (RFC 5530), where one of the rights is missing."""
    if not place.rights.issuperset(rights):
        raise no_right(place.name, rights)


def no_right(name: str, rights: str) -> No:
    """The answer to who may not do something."""
    return No(f'That takes the right "{rights}" in {name}; its owner can grant it', "NOPERM")


def parent(tx: Tx, person: Account, name: str) -> tuple[Account, str]:
    """Where a new mailbox of this name will be, for who may make it: the account, and the name there.

    RFC 4314 §4, CREATE: it takes "k" in the nearest mailbox above that there is. Errors: No.
    """
    owner, inner = whose(tx, person, name)
    if owner.id == person.id:
        return owner, inner
    above = inner
    while SEPARATOR in above:
        above = above.rpartition(SEPARATOR)[0]
        found = find(tx, person, name_of(owner.address, above))
        if found is not None:
            check(found, "k")
            return owner, inner
        if mailbox.find(tx, owner.id, above) is not None:
            break
    raise no_such(name)


def name_of(owner: str, name: str) -> str:
    """What others call a mailbox of this owner."""
    return SEPARATOR.join((OTHERS, owner, name))


def name_for(tx: Tx, person: Account, box: Mailbox) -> str:
    """What this person calls a mailbox."""
    return box.name if box.account_id == person.id else name_of(account.get(tx, box.account_id).address, box.name)


def shared(tx: Tx, person: Account) -> list[Place]:
    """The mailboxes of others that this person may look at in a list."""
    places = []
    for one in acl.shared_with(tx, person.id, person.address):
        if "l" in one.rights:
            box = mailbox.get(tx, one.mailbox_id)
            places.append(Place(box, name_of(one.owner, box.name), one.rights))
    return sorted(places, key=lambda place: place.name.split(SEPARATOR))


def allowed(flags: Iterable[str], rights: frozenset[str]) -> frozenset[str]:
    """Those of the flags that these rights let a person set, as they are kept. Errors: StoreError for no flag."""
    return settable(flag.canonical(flags), rights)


def settable(flags: Iterable[str], rights: frozenset[str]) -> frozenset[str]:
    """Those of the flags that these rights let a person set (RFC 4314 §4)."""
    return frozenset(one for one in flags if FLAG_RIGHTS.get(one.lower(), "w") in rights)


def canonical_name(name: str) -> str:
    """A name as it is kept, also one of somebody else's mailbox. Errors: StoreError."""
    address, inner = split(name)
    if not address:
        return mailbox.canonical_name(name)
    if "@" not in address or not inner:
        raise StoreError(f"{OTHERS} holds the mailboxes that other people share; no name can be given there")
    return name_of(address, mailbox.canonical_name(inner))


def known_as(name: str) -> str:
    """A name as it is kept; what can't be one stays as it is: nothing is called so."""
    try:
        return canonical_name(name)
    except StoreError:
        return name
