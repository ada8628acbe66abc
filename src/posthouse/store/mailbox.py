# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""Mailboxes: their names, which form a hierarchy, and their counters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posthouse.errors import AlreadyExists, NotFound, StoreError

from . import acl, mail
from .change import next_modseq
from .portion import in_portions

if TYPE_CHECKING:
    from .engine import Row, Tx

SEPARATOR = "/"
# What a name can't hold: control characters, and what UTF-8 can't carry (RFC 5198 §2, RFC 9051 §5.1).
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
MAX_NAME = 1_000  # octets; Dovecot's limit is 255 a level, and 4096 in all
MAX_LEVELS = 50
MAX_MAILBOXES = 10_000  # of one account
MAX_LEFT_SUBSCRIPTIONS = 1_000  # to names that no mailbox has
# RFC 6154 §2 and RFC 8457 §3. \All and \Flagged would be views, which a store of placements doesn't have.
SPECIAL_USES = frozenset({"\\Archive", "\\Drafts", "\\Important", "\\Junk", "\\Sent", "\\Trash"})
COLUMNS = (
    "id, account_id, name, uidvalidity, uidnext, messages, unseen, deleted, size, highestmodseq, special_use,"
    " recent_from, subscribed"
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    r"""A mailbox as it is in this transaction. `size` is in octets, `deleted` counts messages flagged ``\Deleted``.

    `recent_from`: the first UID that no session of IMAP4rev1 was told of (recent.py).
    """

    id: int
    account_id: int
    name: str
    uidvalidity: int
    uidnext: int
    exists: int
    unseen: int
    deleted: int
    size: int
    highestmodseq: int
    special_use: str
    recent_from: int
    subscribed: bool


def canonical_name(name: str) -> str:
    """The name as it is kept: NFC, INBOX in capitals wherever it begins a name. Errors: StoreError for no name."""
    levels = unicodedata.normalize("NFC", name).split(SEPARATOR)
    if levels[0].upper() == "INBOX":
        levels[0] = "INBOX"
    if not all(levels):
        raise StoreError("a mailbox name has a word on each side of a /")
    if UNFIT.search(name):
        raise StoreError("a mailbox name has no control characters")
    if len(levels) > MAX_LEVELS:
        raise StoreError(f"mailboxes are nested {MAX_LEVELS} levels deep at most")
    canonical = SEPARATOR.join(levels)
    if len(canonical.encode("utf-8")) > MAX_NAME:
        raise StoreError(f"a mailbox name is {MAX_NAME} octets at most")
    return canonical


def create(tx: Tx, account_id: int, name: str, *, special_use: str = "", subscribed: bool = False) -> Mailbox:
    """A new mailbox, with those above it that aren't there yet (RFC 9051 §6.3.4).

    Errors: AlreadyExists: the name, or the special use, is taken; NotFound for no such account; StoreError for what
    can't be a name, or one too many.
    """
    canonical = canonical_name(name)
    _check_special_use(tx, account_id, special_use)
    modseq = next_modseq(tx, account_id)
    _insert_above(tx, account_id, canonical, modseq)
    made = _insert(tx, account_id, canonical, modseq, special_use=special_use, subscribed=subscribed)
    if made is None:
        raise AlreadyExists(f"there is a mailbox {canonical} already")
    return made


def _insert_above(tx: Tx, account_id: int, name: str, modseq: int) -> None:
    """Make those above the name that aren't there yet."""
    levels = name.split(SEPARATOR)
    for count in range(1, len(levels)):
        _insert(tx, account_id, SEPARATOR.join(levels[:count]), modseq, special_use="", subscribed=False)


def _insert(tx: Tx, account_id: int, name: str, modseq: int, *, special_use: str, subscribed: bool) -> Mailbox | None:
    """A new mailbox, or None: the name is taken."""
    if find(tx, account_id, name) is not None:
        return None
    count: int = tx.value("SELECT count(*) FROM mailbox WHERE account_id = :id", id=account_id)
    if count >= MAX_MAILBOXES:
        raise StoreError(f"an account has {MAX_MAILBOXES} mailboxes at most")
    waited_for = _no_longer_waited_for(tx, account_id, name)
    row = tx.one(
        "INSERT INTO mailbox (account_id, name, uidvalidity, uidnext, messages, unseen, deleted, size, highestmodseq,"
        " modseq, special_use, subscribed) VALUES (:account_id, :name, :uidvalidity, 1, 0, 0, 0, 0, :modseq, :modseq,"
        f" :special_use, :subscribed) RETURNING {COLUMNS}",
        account_id=account_id,
        name=name,
        uidvalidity=next_uidvalidity(tx),
        modseq=modseq,
        special_use=special_use,
        subscribed=int(subscribed or waited_for),
    )
    assert row is not None
    above = find(tx, account_id, name.rpartition(SEPARATOR)[0])
    if above is not None:
        acl.inherit(tx, above.id, row[0])
    return _mailbox(row)


def rename(tx: Tx, account_id: int, name: str, new_name: str) -> None:
    """Give a mailbox, and all below it, another name; those above the new name are made (RFC 9051 §6.3.6).

    INBOX itself stays: its messages move to a new mailbox of that name, and what is below it keeps its name.
    Subscriptions are to names, and stay with them (there, and RFC 3501 §6.3.9).
    Errors: NotFound; AlreadyExists; StoreError for what can't be a name, or lies inside the mailbox itself.
    """
    old, new = canonical_name(name), canonical_name(new_name)
    box = existing(tx, account_id, old)
    if find(tx, account_id, new) is not None:
        raise AlreadyExists(f"there is a mailbox {new} already")
    if old == "INBOX":
        mail.move(tx, box.id, mail.ALL, create(tx, account_id, new).id)
        return
    if new.startswith(old + SEPARATOR):
        raise StoreError(f"the mailbox {old} can't be moved into itself")
    modseq = next_modseq(tx, account_id)
    _insert_above(tx, account_id, new, modseq)
    for one in [box, *below(tx, account_id, old)]:
        renamed = canonical_name(new + one.name[len(old) :])
        tx.run(
            "UPDATE mailbox SET name = :name, subscribed = :subscribed, modseq = :modseq WHERE id = :id",
            id=one.id,
            name=renamed,
            subscribed=int(_no_longer_waited_for(tx, account_id, renamed)),
            modseq=modseq,
        )
        if one.subscribed:
            subscribe(tx, account_id, one.name)


def below(tx: Tx, account_id: int, name: str) -> list[Mailbox]:
    """The mailboxes below the one of this canonical name."""
    rows = tx.all(
        f"SELECT {COLUMNS} FROM mailbox WHERE account_id = :account_id AND substr(name, 1, :length) = :start",
        account_id=account_id,
        start=name + SEPARATOR,
        length=len(name) + 1,
    )
    return list(map(_mailbox, rows))


def has_children(tx: Tx, account_id: int, name: str) -> bool:
    """Whether there are mailboxes below this one."""
    return bool(below(tx, account_id, canonical_name(name)))


def delete(tx: Tx, account_id: int, name: str) -> None:
    """Remove a mailbox and the messages in it. A subscription to its name stays (RFC 9051 §6.3.7).

    Errors: NotFound; StoreError for INBOX, and for a mailbox that has others below it (HASCHILDREN, RFC 5530).
    """
    box = existing(tx, account_id, name)
    if box.name == "INBOX":
        raise StoreError("INBOX can't be deleted")
    if has_children(tx, account_id, box.name):
        raise StoreError(f"{box.name} has mailboxes below it", advice="Delete them first.")
    modseq = next_modseq(tx, account_id)
    mail.remove_all(tx, box.id, modseq)
    tx.run("DELETE FROM mailbox WHERE id = :id", id=box.id)
    tx.run(
        "INSERT INTO mailbox_tombstone (account_id, modseq, mailbox_id, removed)"
        " VALUES (:account_id, :modseq, :id, :now)",
        account_id=account_id,
        modseq=modseq,
        id=box.id,
        now=tx.now,
    )
    if box.subscribed:
        subscribe(tx, account_id, box.name)


def subscribe(tx: Tx, account_id: int, name: str) -> None:
    """Subscribe to a name, whether a mailbox has it or not. Errors: StoreError for what can't be a name."""
    if not _set_subscribed(tx, account_id, canonical_name(name), subscribed=True):
        count: int = tx.value("SELECT count(*) FROM subscription WHERE account_id = :id", id=account_id)
        if count >= MAX_LEFT_SUBSCRIPTIONS:
            raise StoreError("there are too many subscriptions to mailboxes that don't exist")
        if tx.run(
            "INSERT INTO subscription (account_id, name) VALUES (:account_id, :name) ON CONFLICT DO NOTHING",
            account_id=account_id,
            name=canonical_name(name),
        ):
            next_modseq(tx, account_id)


def unsubscribe(tx: Tx, account_id: int, name: str) -> None:
    """No longer; harmless where nobody was subscribed. Errors: StoreError for what can't be a name."""
    canonical = canonical_name(name)
    if not _set_subscribed(tx, account_id, canonical, subscribed=False) and _no_longer_waited_for(
        tx, account_id, canonical
    ):
        next_modseq(tx, account_id)


def _no_longer_waited_for(tx: Tx, account_id: int, name: str) -> bool:
    """Whether it was: a subscription to a name that no mailbox had."""
    return bool(
        tx.run(
            "DELETE FROM subscription WHERE account_id = :account_id AND name = :name", account_id=account_id, name=name
        )
    )


def _set_subscribed(tx: Tx, account_id: int, name: str, *, subscribed: bool) -> bool:
    """Whether there is such a mailbox."""
    box = find(tx, account_id, name)
    if box is not None and box.subscribed != subscribed:
        tx.run(
            "UPDATE mailbox SET subscribed = :subscribed, modseq = :modseq WHERE id = :id",
            id=box.id,
            subscribed=int(subscribed),
            modseq=next_modseq(tx, account_id),
        )
    return box is not None


def subscriptions(tx: Tx, account_id: int) -> list[str]:
    """All names subscribed to, also those that no mailbox has now."""
    rows = tx.all(
        "SELECT name FROM mailbox WHERE account_id = :account_id AND subscribed = 1"
        " UNION SELECT name FROM subscription WHERE account_id = :account_id",
        account_id=account_id,
    )
    return sorted((name for (name,) in rows), key=_order)


def for_use(tx: Tx, account_id: int, special_use: str, name: str) -> Mailbox:
    """The account's mailbox for a purpose (RFC 6154); one of this name where none has been marked; else a new one."""
    boxes = list_all(tx, account_id)
    found = next((one for one in boxes if one.special_use == special_use), None)
    return (
        found
        or next((one for one in boxes if one.name == name and not one.special_use), None)
        or create(tx, account_id, name, special_use=special_use, subscribed=True)
    )


def set_special_use(tx: Tx, mailbox_id: int, special_use: str) -> None:
    r"""What the mailbox is for (RFC 6154): ``\Sent``; empty: nothing special.

    Errors: NotFound; AlreadyExists: another mailbox is; StoreError for no special use.
    """
    box = get(tx, mailbox_id)
    if box.special_use == special_use:
        return
    _check_special_use(tx, box.account_id, special_use)
    tx.run(
        "UPDATE mailbox SET special_use = :special_use, modseq = :modseq WHERE id = :id",
        id=mailbox_id,
        special_use=special_use,
        modseq=next_modseq(tx, box.account_id),
    )


def _check_special_use(tx: Tx, account_id: int, special_use: str) -> None:
    if not special_use:
        return
    if special_use not in SPECIAL_USES:
        raise StoreError(f"{special_use[:100]} is no special use of a mailbox")
    name = tx.value(
        "SELECT name FROM mailbox WHERE account_id = :account_id AND special_use = :special_use",
        account_id=account_id,
        special_use=special_use,
    )
    if name is not None:
        raise AlreadyExists(f"{name} is the mailbox for that already")


def next_uidvalidity(tx: Tx) -> int:
    """One that no mailbox had before, whatever was removed or restored meanwhile: the clock, or one more."""
    given: int = tx.value(
        "UPDATE store SET uidvalidity = CASE WHEN uidvalidity >= :now THEN uidvalidity + 1 ELSE :now END"
        " RETURNING uidvalidity",
        now=tx.now,
    )
    return given


def find(tx: Tx, account_id: int, name: str) -> Mailbox | None:
    """The mailbox of this name. What can't be a name is none."""
    try:
        canonical = canonical_name(name)
    except StoreError:
        return None
    row = tx.one(
        f"SELECT {COLUMNS} FROM mailbox WHERE account_id = :account_id AND name = :name",
        account_id=account_id,
        name=canonical,
    )
    return None if row is None else _mailbox(row)


def existing(tx: Tx, account_id: int, name: str) -> Mailbox:
    """The mailbox of this name. Errors: NotFound."""
    box = find(tx, account_id, name)
    if box is None:
        raise NotFound(f"there is no mailbox {name[:MAX_NAME]}")
    return box


def get(tx: Tx, mailbox_id: int) -> Mailbox:
    """The mailbox with this id. Errors: NotFound."""
    row = tx.one(f"SELECT {COLUMNS} FROM mailbox WHERE id = :id", id=mailbox_id)
    if row is None:
        raise NotFound("there is no such mailbox")
    return _mailbox(row)


def inboxes(tx: Tx, account_ids: Collection[int]) -> dict[int, int]:
    """The ids of these accounts' inboxes; of an account that is gone there is none."""
    found: dict[int, int] = {}
    for among, ids in in_portions(sorted(account_ids)):
        found.update(
            tx.all(f"SELECT account_id, id FROM mailbox WHERE account_id IN ({among}) AND name = 'INBOX'", **ids)
        )
    return found


def list_all(tx: Tx, account_id: int) -> list[Mailbox]:
    """All mailboxes of the account: INBOX first, then by name, each before those below it."""
    rows = tx.all(f"SELECT {COLUMNS} FROM mailbox WHERE account_id = :account_id", account_id=account_id)
    return sorted(map(_mailbox, rows), key=lambda box: _order(box.name))


def _order(name: str) -> tuple[bool, list[str]]:
    """INBOX first; each name before those below it, and those together."""
    levels = name.split(SEPARATOR)
    return levels[0] != "INBOX", levels


def _mailbox(row: Row) -> Mailbox:
    values: list[Any] = [*row[:-1], bool(row[-1])]
    return Mailbox(*values)
