# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""The queue: letters on their way to other servers, and for each recipient what is known of it.

`outgoing` has a row for each letter, which counts as a use of its octets; `outgoing_recipient` one for each recipient
that isn't done. The last recipient takes the letter with it. How the relay takes what is due: `lease`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import fresh
from .blob import Blob
from .portion import in_portions

if TYPE_CHECKING:
    from .engine import Row, Tx


# The key of the queue's hints in the feed, where accounts have theirs: ids of accounts begin at 1.
FEED = 0
# Seconds until a letter is given up: RFC 5321 §4.5.4.1 asks for four to five days.
LIFETIME = 5 * 86_400
# Rows of a portion of the list.
LISTED = 1_000

# When a recipient's letter may go.
RELEASE = "(SELECT coalesce(release, 0) FROM outgoing WHERE outgoing.id = letter_id)"

# Not tried yet; tried, and to be tried again; under way; put aside by the operator.
State = Literal["waiting", "deferred", "sending", "held"]
STATE = (
    "CASE WHEN r.held = 1 THEN 'held' WHEN r.leased = 1 THEN 'sending' WHEN r.attempts > 0 THEN 'deferred'"
    " ELSE 'waiting' END"
)
# Recipients that one transaction forgets.
DROPPED = 5_000


@dataclass(frozen=True, slots=True)
class To:
    """A recipient to be queued. `domain` is canonical (address.py); `notify` and `orcpt` as RCPT gave them."""

    address: str
    domain: str
    notify: str = ""  # RFC 3461 §4.1: "DELAY,FAILURE"; empty: nothing was said
    orcpt: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the sender asked for with MAIL; the columns of `outgoing` of these names. Times are seconds since 1970.

    `ret`, `envid`: RFC 3461 §4.3, §4.4. `deliver_by`: when it should have arrived, and `by_mode` what happens then: "R"
    returned, "N" told; with "T", each relaying is told (RFC 2852). `hold`: what was asked, `release`: when it may go.
    """

    ret: str | None = None
    envid: str | None = None
    requiretls: bool = False
    priority: int = 0
    deliver_by: int | None = None
    by_mode: str = ""
    hold: str | None = None
    release: int | None = None


TERMS = tuple(one.name for one in fields(Terms))


@dataclass(frozen=True, slots=True)
class Onward:
    """What a letter needs to travel on: `prefix` goes before its octets; `sender` is empty for a report's <>.

    `lifetime`: seconds until it is given up. `account_id`: whoever handed it in; None: nobody who has an account.
    """

    prefix: bytes
    sender: str
    recipients: Sequence[To]
    terms: Terms = field(default_factory=Terms)
    lifetime: int = LIFETIME
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter in the queue. `size`: its octets, without the prefix; times are seconds since 1970."""

    id: int
    blob_id: str
    prefix: bytes
    size: int
    header_size: int
    sender: str
    queued: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Recipient:
    """One of its recipients. `attempts`: those before this one; `warned`: the sender was told of the delay."""

    id: int
    address: str
    notify: str
    orcpt: str | None
    attempts: int
    expires: int
    warned: bool


class Entry(NamedTuple):
    """A recipient, as the list shows it. `reply`: what was last said of it; empty before the first attempt."""

    letter_id: int
    sender: str
    recipient: str
    domain: str
    state: State
    attempts: int
    size: int
    queued: int
    due: int
    expires: int
    reply: str


@dataclass(frozen=True, slots=True)
class Which:
    """A choice of recipients; what isn't given leaves nothing out. Addresses and domains are compared in lower case."""

    letters: Collection[int] = ()
    sender: str = ""  # an address, or "example.net" or "@example.net" for all at a domain; "<>": reports
    recipient: str = ""  # the same
    state: State | None = None
    older: int = 0  # queued so many seconds ago, or earlier


def add(tx: Tx, blob: Blob, header_size: int, onward: Onward) -> int:
    """Queue a letter whose octets are kept; its id. Each recipient is due at once, or when the letter may go.

    The relay hears of it.
    """
    terms = onward.terms
    due = tx.now if terms.release is None else max(tx.now, terms.release)
    expires = due + onward.lifetime
    if terms.deliver_by is not None and terms.by_mode.startswith("R"):
        expires = min(expires, terms.deliver_by)
    fresh.use(tx, [blob])
    letter_id: int = tx.value(
        f"INSERT INTO outgoing (blob_id, prefix, size, header_size, sender, queued, account_id, {', '.join(TERMS)})"
        f" VALUES (:blob_id, :prefix, :size, :header_size, :sender, :now, :account_id, :{', :'.join(TERMS)})"
        " RETURNING id",
        blob_id=blob.id,
        prefix=onward.prefix,
        size=blob.size,
        header_size=header_size,
        sender=onward.sender,
        now=tx.now,
        account_id=onward.account_id,
        **asdict(terms) | {"requiretls": int(terms.requiretls)},
    )
    tx.many(
        "INSERT INTO outgoing_recipient (letter_id, address, domain, notify, orcpt, held, leased, attempts, due,"
        " expires, warned, reply, priority) VALUES (:letter_id, :address, :domain, :notify, :orcpt, 0, 0, 0, :due,"
        " :expires, 0, '', :priority)",
        [
            {
                "letter_id": letter_id,
                "address": to.address,
                "domain": to.domain,
                "notify": to.notify,
                "orcpt": to.orcpt,
                "due": due,
                "expires": expires,
                "priority": terms.priority,
            }
            for to in onward.recipients
        ],
    )
    tx.changed(FEED, tx.now)
    return letter_id


def count_unreleased(tx: Tx, account_id: int | None) -> int:
    """How many letters of an account wait for the time at which they may go; None: of all who have no account."""
    whose = "account_id IS NULL" if account_id is None else "account_id = :account_id"
    count: int = tx.value(
        f"SELECT count(*) FROM outgoing WHERE {whose} AND release IS NOT NULL AND release > :now",
        now=tx.now,
        **({} if account_id is None else {"account_id": account_id}),
    )
    return count


def done(tx: Tx, settled: Sequence[tuple[int, int]]) -> None:
    """Forget recipients that have the letter, or whose sender has been told that they don't get it.

    `settled`: the letter's and the recipient's id of each. The last recipient takes the letter with it.
    """
    for among, ids in in_portions([recipient_id for _, recipient_id in settled]):
        tx.run(f"DELETE FROM outgoing_recipient WHERE id IN ({among})", **ids)
    blobs: Counter[str] = Counter()
    for among, ids in in_portions(list(dict.fromkeys(letter_id for letter_id, _ in settled))):
        blobs.update(
            blob_id
            for (blob_id,) in tx.all(
                f"DELETE FROM outgoing WHERE id IN ({among}) AND NOT EXISTS"
                " (SELECT 1 FROM outgoing_recipient WHERE letter_id = outgoing.id) RETURNING blob_id",
                **ids,
            )
        )
    for letters in set(blobs.values()):  # as a rule each letter has octets of its own, and this is one statement
        for among, names in in_portions([blob_id for blob_id, count in blobs.items() if count == letters]):
            tx.run(
                "UPDATE blob SET uses = uses - :letters, released = CASE WHEN uses = :letters THEN :now ELSE released"
                f" END WHERE id IN ({among})",
                letters=letters,
                now=tx.now,
                **names,
            )


# -- for the operator ----------------------------------------------------------------------------------------------


def list_some(tx: Tx, which: Which, *, after: tuple[int, int] = (0, 0), limit: int = LISTED) -> list[Row]:
    """A portion of the chosen recipients: rows of (recipient's id, *`Entry`), by letter and recipient.

    `after`: the letter's and the recipient's id in the last row of the portion before.
    """
    where, params = _where(which, tx.now)
    return tx.all(
        f"SELECT r.id, r.letter_id, l.sender, r.address, r.domain, {STATE}, r.attempts, l.size, l.queued, r.due,"
        " r.expires, r.reply FROM outgoing_recipient r"
        f" JOIN outgoing l ON l.id = r.letter_id WHERE {where} AND r.letter_id >= :letter_id"
        " AND (r.letter_id > :letter_id OR r.id > :recipient_id) ORDER BY r.letter_id, r.id LIMIT :limit",
        letter_id=after[0],
        recipient_id=after[1],
        limit=limit,
        **params,
    )


class Crowd(NamedTuple):
    """What waits for one domain. `held`: how many of them are; `oldest`: when the first was queued; `due`: the next
    attempt; `reply`: what was last said of one of them.
    """

    domain: str
    recipients: int
    held: int
    oldest: int
    due: int
    reply: str


def list_domains(tx: Tx, which: Which, *, after: str = "", limit: int = LISTED) -> list[Crowd]:
    """The domains of the chosen recipients, by name, some at a time; `after`: the last of those before."""
    where, params = _where(which, tx.now)
    rows = tx.all(
        "SELECT r.domain, count(*), sum(r.held), min(l.queued), min(r.due), max(r.reply) FROM outgoing_recipient r"
        f" JOIN outgoing l ON l.id = r.letter_id WHERE {where} AND r.domain > :after GROUP BY r.domain"
        " ORDER BY r.domain LIMIT :limit",
        after=after,
        limit=limit,
        **params,
    )
    return [Crowd._make(row) for row in rows]


def missing(tx: Tx, letters: Collection[int]) -> list[int]:
    """Those of the letters that are not in the queue."""
    found: set[int] = set()
    for among, ids in in_portions(list(letters)):
        found.update(one for (one,) in tx.all(f"SELECT id FROM outgoing WHERE id IN ({among})", **ids))
    return sorted(set(letters) - found)


def retry(tx: Tx, which: Which) -> int:
    """Try the chosen ones now, but for those that are held, in flight, or wait for their release; their number."""
    count = _update(tx, which, "due = :now", f"held = 0 AND leased = 0 AND {RELEASE} <= :now")
    tx.changed(FEED, tx.now)
    return count


def hold(tx: Tx, which: Which) -> int:
    """Don't try the chosen ones until they are released; their number. What is in flight arrives all the same."""
    return _update(tx, which, "held = 1", "held = 0")


def release(tx: Tx, which: Which) -> int:
    """Held ones are tried again, now, or when their letter may go; their number. One in flight keeps its lease."""
    when = f"CASE WHEN leased = 1 THEN due WHEN {RELEASE} > :now THEN {RELEASE} ELSE :now END"
    count = _update(tx, which, f"held = 0, due = {when}", "held = 1")
    tx.changed(FEED, tx.now)
    return count


def drop(tx: Tx, which: Which, limit: int = DROPPED) -> int:
    """Forget the chosen ones, some at a time; nobody is told. Their number: 0 when all are gone."""
    where, params = _where(which, tx.now)
    rows = tx.all(
        "SELECT r.letter_id, r.id FROM outgoing_recipient r JOIN outgoing l ON l.id = r.letter_id"
        f" WHERE {where} LIMIT :limit",
        limit=limit,
        **params,
    )
    done(tx, rows)
    return len(rows)


def _update(tx: Tx, which: Which, change: str, condition: str) -> int:
    where, params = _where(which, tx.now)
    return tx.run(
        f"UPDATE outgoing_recipient SET {change} WHERE {condition} AND id IN (SELECT r.id FROM outgoing_recipient r"
        f" JOIN outgoing l ON l.id = r.letter_id WHERE {where})",
        now=tx.now,
        **params,
    )


def _where(which: Which, now: int) -> tuple[str, dict[str, int | str]]:
    params: dict[str, int | str] = {f"letter{number}": one for number, one in enumerate(which.letters)}
    terms = ["1 = 1"]
    if params:
        terms.append(f"r.letter_id IN ({', '.join(f':{name}' for name in params)})")
    name, _, home = which.sender.lower().rpartition("@")
    if which.sender == "<>":
        terms.append("l.sender = ''")
    elif which.sender:
        ending = "substr(lower(l.sender), length(l.sender) - :before) = :sender"
        terms.append("lower(l.sender) = :sender" if name else ending)
        params["sender"] = which.sender.lower() if name else f"@{home}"
        params |= {} if name else {"before": len(home)}
    local, _, domain = which.recipient.lower().rpartition("@")
    if which.recipient:
        terms.append("lower(r.address) = :recipient" if local else "r.domain = :recipient")
        params["recipient"] = which.recipient.lower() if local else domain
    if which.state is not None:
        terms.append(f"{STATE} = :state")
        params["state"] = which.state
    if which.older:
        terms.append("l.queued <= :queued")
        params["queued"] = now - which.older
    return " AND ".join(terms), params
