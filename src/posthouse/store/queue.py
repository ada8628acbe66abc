# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""The queue: letters on their way to other servers, and for each recipient what is known of it.

`outgoing` has a row for each letter, which counts as a use of its octets; `outgoing_recipient` one for each recipient
that isn't done. The last recipient takes the letter with it.

Who takes a recipient has a lease on it: its `due` lies LEASE ahead. A process that dies with a lease leaves a recipient
that is due again, so what was in flight is tried once more and nothing is lost. `recover` brings that forward when the
server starts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from . import domain as domains
from . import fresh
from .blob import Blob

if TYPE_CHECKING:
    from .engine import Row, Tx

# The key of the queue's hints in the feed, where accounts have theirs: ids of accounts begin at 1.
FEED = 0
# Longer than the longest attempt (delivery/relay.py, ATTEMPT_SECONDS), so that nobody else takes what is in flight.
LEASE = 3_600
# Seconds until a letter is given up: RFC 5321 §4.5.4.1 asks for four to five days.
LIFETIME = 5 * 86_400
# RFC 5321 §4.5.3.1.8: so many recipients of a transaction every server takes.
RECIPIENTS_AT_A_TIME = 100
# Rows looked at in search of letters to take; a letter to many recipients has many of them.
LOOKED_AT = 1_000
# Letters that a visit takes at a time: at most, and where there are so many, at least.
PORTION = 50
LEAST_PORTION = 5
# Recipients that one transaction has wait together with one for whom nobody answered: some milliseconds' work.
DEFERRED = 1_000

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

    `lifetime`: seconds until it is given up.
    """

    prefix: bytes
    sender: str
    recipients: Sequence[To]
    terms: Terms = field(default_factory=Terms)
    lifetime: int = LIFETIME


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


@dataclass(frozen=True, slots=True)
class Due:
    """What one mail transaction carries: a letter, to recipients that are reached the same way.

    `domain`: of the first.
    """

    letter: Letter
    domain: str
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What one visit takes: transactions that go the same way, HERE for our own people."""

    key: str
    dues: tuple[Due, ...]


# The way to our own people, whose letters come through the queue where they had to wait.
HERE = ""
# Where a letter goes next: by its sender, the recipient's domain, and whether it may travel encrypted only.
Way: TypeAlias = Callable[[str, str, bool], str]


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
    fresh.use(tx, blob)
    letter_id: int = tx.value(
        f"INSERT INTO outgoing (blob_id, prefix, size, header_size, sender, queued, {', '.join(TERMS)})"
        f" VALUES (:blob_id, :prefix, :size, :header_size, :sender, :now, :{', :'.join(TERMS)}) RETURNING id",
        blob_id=blob.id,
        prefix=onward.prefix,
        size=blob.size,
        header_size=header_size,
        sender=onward.sender,
        now=tx.now,
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


def count_unreleased(tx: Tx, sender: str) -> int:
    """How many letters of a sender wait for the time at which they may go."""
    count: int = tx.value(
        "SELECT count(*) FROM outgoing WHERE sender = :sender AND release IS NOT NULL AND release > :now",
        sender=sender,
        now=tx.now,
    )
    return count


# -- for the relay -------------------------------------------------------------------------------------------------


def recover(tx: Tx) -> int:
    """What was in flight when the last server ended is due; the number of recipients. For the start of a server."""
    return tx.run("UPDATE outgoing_recipient SET leased = 0, due = :now WHERE leased = 1", now=tx.now)


def take_due(tx: Tx, visits: int, *, way: Way, room: Callable[[str], tuple[int, int]]) -> tuple[list[Work], int | None]:
    """Take up to so many visits' work whose time has come, with a lease: by priority, then the oldest first.

    `way` says where a letter goes that isn't for our own people: what goes the same way may share a visit. `room`: how
    many visits may go a way now, and how many letters in all. Also returns when the next recipient will be due; None:
    there is none.
    """
    found: list[Work] = []
    seen: set[str] = set()
    cut = False

    def take(key: str, letters: dict[int, list[str]]) -> None:
        at_once, most = room(key)
        if at_once <= 0 or most <= 0 or len(found) >= visits:
            return
        some = list(letters.items())[:most]
        # Spread over the visits that are allowed, but not thinner than a connection is worth.
        portion = min(max(-(-len(some) // at_once), LEAST_PORTION), PORTION)
        for start in range(0, len(some), portion):
            if at_once and len(found) < visits:
                at_once -= 1
                found.append(_take(tx, key, some[start : start + portion]))

    for priority in _priorities(tx):
        rows = _due(tx, _of(priority), LOOKED_AT)
        cut = cut or len(rows) == LOOKED_AT
        seen.update(domain for _, domain, _, _ in rows)
        for key, letters in _by_way(tx, rows, way).items():
            take(key, letters)
    if cut and len(found) < visits:
        # What is due first is so much that nothing else was seen, and it has no room: a large, slow destination.
        for domain, ours in _due_domains(tx):
            if domain not in seen and len(found) < visits and room(HERE if ours else way("", domain, False))[0] > 0:
                rows = _due(tx, "domain = :domain", PORTION, domain=domain)
                for key, letters in _by_way(tx, rows, way).items():
                    take(key, letters)
    # What is due already waits for room, and whoever makes room looks again.
    next_due = tx.value("SELECT min(due) FROM outgoing_recipient WHERE held = 0 AND due > :now", now=tx.now)
    return found, next_due


def _due(tx: Tx, among: str, most: int, **params: str | None) -> list[Row]:
    """Letter, domain, sender and REQUIRETLS of recipients whose time has come, the oldest first."""
    return tx.all(
        "SELECT r.letter_id, r.domain, l.sender, l.requiretls FROM (SELECT letter_id, domain, due FROM"
        f" outgoing_recipient WHERE held = 0 AND {among} AND due <= :now ORDER BY due LIMIT :most) AS r"
        " JOIN outgoing l ON l.id = r.letter_id ORDER BY r.due",
        now=tx.now,
        most=most,
        **params,
    )


def _due_domains(tx: Tx) -> list[Row]:
    """The domains for which something is due, and whether they are ours: the one that waits the longest first.

    From one domain to the next through the index: what it costs depends on how many domains there are, and not on how
    many letters wait for them.
    """
    return tx.all(
        "WITH RECURSIVE step (domain) AS (SELECT min(domain) FROM outgoing_recipient WHERE held = 0 UNION ALL"
        " SELECT (SELECT min(domain) FROM outgoing_recipient WHERE held = 0 AND domain > step.domain) FROM step"
        " WHERE step.domain IS NOT NULL) SELECT domain, EXISTS (SELECT 1 FROM domain WHERE name = first.domain) FROM"
        " (SELECT domain, (SELECT min(due) FROM outgoing_recipient WHERE held = 0 AND domain = step.domain) AS due"
        " FROM step WHERE domain IS NOT NULL) AS first WHERE due <= :now ORDER BY due",
        now=tx.now,
    )


def take_for(tx: Tx, key: str, most: int, *, way: Way, domain: str | None) -> Work | None:
    """Take more for a visit that stands; `domain`: the only one that goes this way, if it is so."""
    for priority in _priorities(tx):
        if domain is None:
            rows = _due(tx, _of(priority), LOOKED_AT)
        else:
            rows = _due(tx, f"domain = :domain AND {_of(priority)}", most * 2, domain=domain)
        letters = _by_way(tx, rows, way).get(key)
        if letters:
            return _take(tx, key, list(letters.items())[: min(most, PORTION)])
    return None


def _by_way(tx: Tx, rows: Sequence[Row], way: Way) -> dict[str, dict[int, list[str]]]:
    """The domains of each letter that go each way, in the order of the rows."""
    ours: dict[str, bool] = {}
    found: dict[str, dict[int, list[str]]] = {}
    for letter_id, domain, sender, requiretls in dict.fromkeys(rows):
        if domain not in ours:
            ours[domain] = domains.is_local(tx, domain)
        key = HERE if ours[domain] else way(sender, domain, bool(requiretls))
        found.setdefault(key, {}).setdefault(letter_id, []).append(domain)
    return found


def _priorities(tx: Tx) -> list[int]:
    """Those that recipients in the queue have, the highest first. 0 is always there: nearly all letters have it, and
    the index of the others is next to empty.
    """
    rows = tx.all("SELECT DISTINCT priority FROM outgoing_recipient WHERE held = 0 AND priority <> 0")
    return sorted({0, *(priority for (priority,) in rows)}, reverse=True)


def _of(priority: int) -> str:
    """The condition for one of them, in words from which the database sees that an index fits."""
    return f"priority = {priority:d}" + " AND priority <> 0" * (priority != 0)


def _take(tx: Tx, key: str, letters: Sequence[tuple[int, list[str]]]) -> Work:
    taken: list[Due] = []
    for letter_id, at in letters:
        rows: list[Row] = []
        for domain in at:
            if len(rows) < RECIPIENTS_AT_A_TIME:
                rows += _lease(tx, letter_id, domain, RECIPIENTS_AT_A_TIME - len(rows))
        letter = tx.one(
            f"SELECT id, blob_id, prefix, size, header_size, sender, queued, {', '.join(TERMS)} FROM outgoing"
            " WHERE id = :id",
            id=letter_id,
        )
        assert letter is not None
        ident, blob_id, prefix, size, header_size, sender, queued, *asked = letter
        terms = Terms(**dict(zip(TERMS, asked, strict=True)))
        found = Letter(ident, blob_id, prefix, size, header_size, sender, queued, terms)
        recipients = [
            Recipient(one, address, notify, orcpt, attempts, expires, bool(warned))
            for one, address, notify, orcpt, attempts, expires, warned in sorted(rows)
        ]
        taken.append(Due(found, at[0], tuple(recipients)))
    return Work(key, tuple(taken))


def _lease(tx: Tx, letter_id: int, domain: str, most: int) -> list[Row]:
    return tx.all(
        "UPDATE outgoing_recipient SET leased = 1, due = :until WHERE id IN (SELECT id FROM outgoing_recipient"
        " WHERE letter_id = :letter_id AND domain = :domain AND held = 0 AND due <= :now ORDER BY id LIMIT :most)"
        " RETURNING id, address, notify, orcpt, attempts, expires, warned",
        letter_id=letter_id,
        domain=domain,
        now=tx.now,
        until=tx.now + LEASE,
        most=most,
    )


def give_back(tx: Tx, recipient_ids: Sequence[int]) -> None:
    """What was taken and not tried is due as before."""
    tx.many(
        "UPDATE outgoing_recipient SET leased = 0, due = :now WHERE id = :id AND leased = 1",
        [{"id": one, "now": tx.now} for one in recipient_ids],
    )


def done(tx: Tx, settled: Sequence[tuple[int, int]]) -> None:
    """Forget recipients that have the letter, or whose sender has been told that they don't get it.

    `settled`: the letter's and the recipient's id of each. The last recipient takes the letter with it.
    """
    tx.many("DELETE FROM outgoing_recipient WHERE id = :id", [{"id": one} for _, one in settled])
    letters = [{"id": letter_id, "now": tx.now} for letter_id in dict.fromkeys(letter_id for letter_id, _ in settled)]
    tx.many(
        "UPDATE blob SET uses = uses - 1, released = CASE WHEN uses = 1 THEN :now ELSE released END WHERE id ="
        " (SELECT blob_id FROM outgoing WHERE id = :id"
        " AND NOT EXISTS (SELECT 1 FROM outgoing_recipient WHERE letter_id = :id))",
        letters,
    )
    tx.many(
        "DELETE FROM outgoing WHERE id = :id AND NOT EXISTS (SELECT 1 FROM outgoing_recipient WHERE letter_id = :id)",
        letters,
    )


def defer(tx: Tx, recipient_id: int, due: int, reply: str, *, warned: bool) -> None:
    """Try again at `due`, at the latest when the letter's time is over. `reply`: why not now."""
    tx.run(
        "UPDATE outgoing_recipient SET leased = 0, attempts = attempts + 1, reply = :reply, warned = :warned,"
        " due = CASE WHEN expires < :due AND expires > :now THEN expires ELSE :due END WHERE id = :id",
        id=recipient_id,
        due=due,
        now=tx.now,
        reply=reply,
        warned=int(warned),
    )


def defer_others(
    tx: Tx, key: str, due: int, reply: str, *, way: Way, domain: str | None, after: Row = ()
) -> Row | None:
    """Nobody answers on that way: whatever else is due for it waits too, as far as one transaction should go.

    Returns where to go on (`after`); None: that was all. Those whose time is over are left: each of them is tried for
    the last time. `domain`: as for `take_for`.
    """
    # In the order of an index, so that a portion is read and no more.
    among, order = ("domain = :domain", "due id") if domain is not None else ("1 = 1", "due domain letter_id id")
    columns = order.split()
    behind = f"({', '.join(columns)}) > (:{', :'.join(columns)})" if after else "1 = 1"
    sort = ", ".join(f"r.{one}" for one in columns)
    rows = tx.all(
        f"SELECT {sort}, r.id, l.sender, r.domain, l.requiretls FROM (SELECT id, letter_id, domain, due FROM"
        f" outgoing_recipient WHERE {among} AND held = 0 AND due <= :now AND {behind} AND leased = 0 AND expires > :now"
        f" ORDER BY {', '.join(columns)} LIMIT :most) AS r JOIN outgoing l ON l.id = r.letter_id ORDER BY {sort}",
        **{"domain": domain} | dict(zip(columns, after, strict=False)),
        now=tx.now,
        most=DEFERRED,
    )
    tx.many(
        "UPDATE outgoing_recipient SET reply = :reply, due = CASE WHEN expires < :due THEN expires ELSE :due END"
        " WHERE id = :id",
        [
            {"id": one, "due": due, "reply": reply}
            for *_, one, sender, to, requiretls in rows
            if domain is not None or way(sender, to, bool(requiretls)) == key
        ],
    )
    return rows[-1][: len(columns)] if len(rows) == DEFERRED else None


# -- for the operator ----------------------------------------------------------------------------------------------


def list_some(tx: Tx, which: Which, *, after: tuple[int, int] = (0, 0), limit: int = LOOKED_AT) -> list[Row]:
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


def list_domains(tx: Tx, which: Which, *, after: str = "", limit: int = LOOKED_AT) -> list[Crowd]:
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
    names = {f"letter{number}": one for number, one in enumerate(letters)}
    rows = tx.all(f"SELECT id FROM outgoing WHERE id IN ({', '.join(f':{name}' for name in names)})", **names)
    return sorted(set(letters) - {one for (one,) in rows})


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
