"""Bans: networks and accounts that are shut out, why, and until when.

The server keeps those that hold in its memory, and reads them again after the hint that every change gives: a look at
them costs no query, a ban holds in every process, and after a restart. Who was banned before and comes again within
`REMEMBERED` is banned for twice as long.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from posthouse.errors import NotFound, StoreError

from .address import canonical
from .change import HOUSE

if TYPE_CHECKING:
    from .engine import Tx

# Seconds after the end of a ban in which the next one counts as a further one.
REMEMBERED = 86_400
# Seconds: no automatic ban is longer.
LONGEST = 86_400


@dataclass(frozen=True, slots=True)
class Ban:
    """`kind`: "network" or "account"; `scope`: "logins" (letters of other servers still come) or "connections";
    `until`: None for as long as nobody lifts it; `times`: how often in a row."""

    kind: str
    subject: str
    scope: str
    reason: str
    made: int
    until: int | None
    times: int


def subject(text: str) -> tuple[str, str]:
    """Kind and canonical form of what somebody wants to ban: an address, a network, an account. Errors: StoreError."""
    if "@" in text:
        return "account", canonical(text)
    try:
        return "network", str(ipaddress.ip_network(text.strip().strip("[]"), strict=False))
    except ValueError as error:
        raise StoreError(
            f'"{text}" is no address, no network and no account',
            advice="Write 192.0.2.7, 192.0.2.0/24, 2001:db8::/64 or ada@example.org.",
        ) from error


def add(tx: Tx, kind: str, subject: str, *, scope: str, reason: str, seconds: int | None) -> Ban:
    """Ban for so many seconds, or until it is lifted. What was banned already is banned anew."""
    until = None if seconds is None else tx.now + seconds
    return _write(tx, Ban(kind, subject, scope, reason, tx.now, until, 1))


def add_automatic(tx: Tx, kind: str, subject: str, *, reason: str, seconds: int) -> Ban:
    """Ban logins for `seconds` the first time, for twice as long each further time. A ban that holds stays."""
    before = find(tx, kind, subject)
    if before is not None and _holds(before, tx.now):
        return before
    times = 1 if before is None or before.until is None else before.times + 1
    lasting = min(seconds << min(times - 1, 30), max(LONGEST, seconds))
    return _write(tx, Ban(kind, subject, "logins", reason, tx.now, tx.now + lasting, times))


def _write(tx: Tx, ban: Ban) -> Ban:
    tx.run("DELETE FROM ban WHERE until <= :before", before=tx.now - REMEMBERED)
    tx.run(
        "INSERT INTO ban (kind, subject, scope, reason, made, until, times)"
        " VALUES (:kind, :subject, :scope, :reason, :made, :until, :times) ON CONFLICT (kind, subject) DO UPDATE SET"
        " scope = excluded.scope, reason = excluded.reason, made = excluded.made, until = excluded.until,"
        " times = excluded.times",
        kind=ban.kind,
        subject=ban.subject,
        scope=ban.scope,
        reason=ban.reason,
        made=ban.made,
        until=ban.until,
        times=ban.times,
    )
    tx.changed(HOUSE, tx.now)
    return ban


def lift(tx: Tx, kind: str, subject: str) -> list[Ban]:
    """Nothing that bans it, itself or as a part of a larger network, holds any more. What did. Errors: NotFound."""
    held = [ban for ban in list_all(tx) if ban.kind == kind and _covers(ban, subject)]
    if not held:
        raise NotFound(f"{subject} is not banned")
    tx.many(
        "DELETE FROM ban WHERE kind = :kind AND subject = :subject",
        [{"kind": kind, "subject": ban.subject} for ban in held],
    )
    tx.changed(HOUSE, tx.now)
    return held


def lift_all(tx: Tx) -> list[Ban]:
    """None holds any more. Which did."""
    held = list_all(tx)
    tx.run("DELETE FROM ban")
    tx.changed(HOUSE, tx.now)
    return held


def find(tx: Tx, kind: str, subject: str) -> Ban | None:
    """A ban that holds, or did until not long ago."""
    row = tx.one(
        "SELECT kind, subject, scope, reason, made, until, times FROM ban WHERE kind = :kind AND subject = :subject",
        kind=kind,
        subject=subject,
    )
    return None if row is None or (row[5] is not None and row[5] <= tx.now - REMEMBERED) else Ban(*row)


def list_all(tx: Tx) -> list[Ban]:
    """Those that hold, the newest last."""
    rows = tx.all(
        "SELECT kind, subject, scope, reason, made, until, times FROM ban WHERE until IS NULL OR until > :now"
        " ORDER BY made, kind, subject",
        now=tx.now,
    )
    return [Ban(*row) for row in rows]


def _holds(ban: Ban, now: int) -> bool:
    return ban.until is None or ban.until > now


def _covers(ban: Ban, subject: str) -> bool:
    if ban.kind == "account" or ban.subject == subject:
        return ban.subject == subject
    larger, smaller = ipaddress.ip_network(ban.subject), ipaddress.ip_network(subject)
    return larger.version == smaller.version and smaller.subnet_of(larger)  # type: ignore[arg-type]
