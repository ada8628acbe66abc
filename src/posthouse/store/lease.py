# ruff: noqa: S608  (SQL is put together from constants of this file; values are always parameters)
"""What the relay takes out of the queue, with a lease: what is due, by the way it goes; and how it is put off.

Who takes a recipient has a lease on it: its `due` lies LEASE ahead. A process that dies with a lease leaves a recipient
that is due again, so what was in flight is tried once more and nothing is lost. `recover` brings that forward when the
server starts.

Everything here is a few statements, however many letters it is about: each of them lets go of the interpreter's lock,
and then stands in line for it behind the connections.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from .portion import in_portions
from .queue import TERMS, Letter, Recipient, Terms

if TYPE_CHECKING:
    from .engine import Row, Tx

# Longer than the longest attempt (delivery/visit.py, ATTEMPT_SECONDS), so that nobody else takes what is in flight.
LEASE = 3_600
# RFC 5321 §4.5.3.1.8: so many recipients of a transaction every server takes.
RECIPIENTS_AT_A_TIME = 100
# Rows looked at in search of letters to take; a letter to many recipients has many of them.
LOOKED_AT = 1_000
LOOKED_AT_FOR_EACH = 20  # visit
# Letters that a visit takes at a time: at most, and where there are so many, at least.
PORTION = 50
LEAST_PORTION = 5
# Recipients that one transaction has wait together with one for whom nobody answered: some milliseconds' work.
DEFERRED = 1_000


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
    """What one visit takes: transactions that go the same way, HERE for our own people.

    `more`: whether further ones may be due that do; False where it is known that there are none.
    """

    key: str
    dues: tuple[Due, ...]
    more: bool = True


# The way to our own people, whose letters come through the queue where they had to wait.
HERE = ""
# Where a letter goes next: by its sender, the recipient's domain, and whether it may travel encrypted only.
Way: TypeAlias = Callable[[str, str, bool], str]


# Letters that go the same way, and of each the recipients that one transaction takes along.
_Letters: TypeAlias = dict[int, list[int]]


def recover(tx: Tx) -> int:
    """What was in flight when the last server ended is due; the number of recipients. For the start of a server."""
    return tx.run("UPDATE outgoing_recipient SET leased = 0, due = :now WHERE leased = 1", now=tx.now)


def take_due(tx: Tx, visits: int, *, way: Way, room: Callable[[str], tuple[int, int]]) -> tuple[list[Work], int | None]:
    """Take up to so many visits' work whose time has come, with a lease: by priority, then the oldest first.

    `way` says where a letter goes that isn't for our own people: what goes the same way may share a visit. `room`: how
    many visits may go a way now, and how many letters in all. Also returns when the next recipient will be due; None:
    there is none.
    """
    chosen: list[tuple[str, list[list[int]]]] = []
    seen: set[str] = set()

    def choose(key: str, letters: _Letters) -> None:
        if len(chosen) >= visits:
            return
        at_once, most = room(key)
        at_once -= sum(key == other for other, _ in chosen)
        if at_once <= 0 or most <= 0:
            return
        some = list(letters.values())[:most]
        # Spread over the visits that are allowed, but not thinner than a connection is worth.
        portion = min(max(-(-len(some) // at_once), LEAST_PORTION), PORTION)
        for start in range(0, len(some), portion):
            if at_once and len(chosen) < visits:
                at_once -= 1
                chosen.append((key, some[start : start + portion]))

    priorities = _priorities(tx)
    # As much as the visits are likely to take; and more, if most of it has no room.
    for most in sorted({min(visits * LOOKED_AT_FOR_EACH, LOOKED_AT), LOOKED_AT}):
        chosen.clear()
        cut = False
        for priority in priorities:
            rows = _due(tx, _of(priority), most)
            cut = cut or len(rows) == most
            seen.update(domain for _, _, domain, *_ in rows)
            for key, letters in _by_way(rows, way).items():
                choose(key, letters)
        if not cut or len(chosen) >= visits:
            break
    if cut and len(chosen) < visits:
        # What is due first is so much that nothing else was seen, and it has no room: a large, slow destination.
        for domain, ours in _due_domains(tx):
            if domain not in seen and len(chosen) < visits and room(HERE if ours else way("", domain, False))[0] > 0:
                rows = _due(tx, "domain = :domain", PORTION, domain=domain)
                for key, letters in _by_way(rows, way).items():
                    choose(key, letters)
    # What is due already waits for room, and whoever makes room looks again.
    next_due = tx.value("SELECT min(due) FROM outgoing_recipient WHERE held = 0 AND due > :now", now=tx.now)
    return _take(tx, chosen), next_due


def _due(tx: Tx, among: str, most: int, **params: str | None) -> list[Row]:
    """Recipients whose time has come, the oldest first: id, letter, domain, sender, REQUIRETLS, and whether the domain
    is ours.
    """
    return tx.all(
        "SELECT r.id, r.letter_id, r.domain, l.sender, l.requiretls, EXISTS (SELECT 1 FROM domain WHERE name ="
        " r.domain) FROM (SELECT id, letter_id, domain, due FROM outgoing_recipient WHERE held = 0 AND"
        f" {among} AND due <= :now ORDER BY due LIMIT :most) AS r JOIN outgoing l ON l.id = r.letter_id ORDER BY r.due",
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
        letters = _by_way(rows, way).get(key)
        if letters:
            return _take(tx, [(key, list(letters.values())[: min(most, PORTION)])])[0]
    return None


def _by_way(rows: Sequence[Row], way: Way) -> dict[str, _Letters]:
    """The letters that go each way, in the order of the rows, and their recipients."""
    ways: dict[tuple[str, str, int], str] = {}
    found: dict[str, _Letters] = {}
    for recipient_id, letter_id, domain, sender, requiretls, ours in rows:
        asked = sender, domain, requiretls
        if (key := ways.get(asked)) is None:
            key = ways[asked] = HERE if ours else way(sender, domain, bool(requiretls))
        recipients = found.setdefault(key, {}).setdefault(letter_id, [])
        if len(recipients) < RECIPIENTS_AT_A_TIME:
            recipients.append(recipient_id)
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


def _take(tx: Tx, chosen: Sequence[tuple[str, list[list[int]]]]) -> list[Work]:
    """The letters of each way, a list of recipients' ids for each letter, with a lease on all of them."""
    recipients: dict[int, Recipient] = {}
    places: dict[int, tuple[int, str]] = {}  # the letter and the domain of each
    every = [one for _, letters in chosen for ids in letters for one in ids]
    for among, ids in in_portions(every):
        for letter_id, domain, one, address, notify, orcpt, attempts, expires, warned in tx.all(
            f"UPDATE outgoing_recipient SET leased = 1, due = :until WHERE id IN ({among})"
            " RETURNING letter_id, domain, id, address, notify, orcpt, attempts, expires, warned",
            until=tx.now + LEASE,
            **ids,
        ):
            recipients[one] = Recipient(one, address, notify, orcpt, attempts, expires, bool(warned))
            places[one] = letter_id, domain
    found = _letters(tx, {letter_id for letter_id, _ in places.values()})
    domains = {domain for _, domain in places.values()}
    done = {key for key, _ in chosen if key in domains} - _still_due(tx, domains)
    return [
        Work(
            key,
            tuple(
                Due(found[places[ids[0]][0]], places[ids[0]][1], tuple([recipients[one] for one in sorted(ids)]))
                for ids in letters
            ),
            key not in done,
        )
        for key, letters in chosen
    ]


def _still_due(tx: Tx, domains: Iterable[str]) -> set[str]:
    """Those of the domains for which something is due."""
    found: set[str] = set()
    for _, names in in_portions(list(domains)):
        asked = ", ".join(f"(:{name})" for name in names)
        rows = tx.all(
            f"WITH asked (domain) AS (VALUES {asked}) SELECT domain FROM asked WHERE EXISTS"
            " (SELECT 1 FROM outgoing_recipient r WHERE r.held = 0 AND r.domain = asked.domain AND r.due <= :now)",
            now=tx.now,
            **names,
        )
        found.update(domain for (domain,) in rows)
    return found


def _letters(tx: Tx, letter_ids: Iterable[int]) -> dict[int, Letter]:
    found: dict[int, Letter] = {}
    for among, ids in in_portions(list(letter_ids)):
        for one, blob_id, prefix, size, header_size, sender, queued, *asked in tx.all(
            f"SELECT id, blob_id, prefix, size, header_size, sender, queued, {', '.join(TERMS)} FROM outgoing"
            f" WHERE id IN ({among})",
            **ids,
        ):
            terms = Terms(**dict(zip(TERMS, asked, strict=True)))
            found[one] = Letter(one, blob_id, prefix, size, header_size, sender, queued, terms)
    return found


def give_back(tx: Tx, recipient_ids: Sequence[int]) -> None:
    """What was taken and not tried is due as before."""
    for among, ids in in_portions(recipient_ids):
        tx.run(
            f"UPDATE outgoing_recipient SET leased = 0, due = :now WHERE leased = 1 AND id IN ({among})",
            now=tx.now,
            **ids,
        )


def defer(tx: Tx, recipient_ids: Sequence[int], due: int, reply: str, *, warned: bool) -> None:
    """Try again at `due`, at the latest when the letter's time is over. `reply`: why not now."""
    for among, ids in in_portions(recipient_ids):
        tx.run(
            "UPDATE outgoing_recipient SET leased = 0, attempts = attempts + 1, reply = :reply, warned = :warned,"
            " due = CASE WHEN expires < :due AND expires > :now THEN expires ELSE :due END"
            f" WHERE id IN ({among})",
            due=due,
            now=tx.now,
            reply=reply,
            warned=int(warned),
            **ids,
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
    waiting = [
        one
        for *_, one, sender, to, requiretls in rows
        if domain is not None or way(sender, to, bool(requiretls)) == key
    ]
    for among, ids in in_portions(waiting):
        tx.run(
            "UPDATE outgoing_recipient SET reply = :reply, due = CASE WHEN expires < :due THEN expires ELSE :due END"
            f" WHERE id IN ({among})",
            due=due,
            reply=reply,
            **ids,
        )
    return rows[-1][: len(columns)] if len(rows) == DEFERRED else None
