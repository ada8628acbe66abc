"""What SORT and THREAD compare, made ready when a message comes: a narrow table, read row after row. RFC 5256."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posthouse.message import address
from posthouse.message.order import Order, order, place
from posthouse.message.thread import base_subject

from .fold import clean

if TYPE_CHECKING:
    from posthouse.message.summary import Summary

    from .database import Connection
    from .engine import Row

PORTION = 1_000  # messages of an older store that are put in order in one go


COLUMNS = (
    "message_id", "date", "subject", "is_reply", "from_", "to_", "cc", "display_from", "display_to", "own", "ancestors",
)  # fmt: skip


def row(message_id: int, summary: Summary, received: int) -> Row:
    """A new message's place: the row of COLUMNS."""
    ancestors = summary.references or summary.in_reply_to[:1]  # RFC 5256 §3, REFERENCES
    date = received if summary.date is None else summary.date  # §2.2
    return _row(message_id, date, summary.order, summary.message_id, " ".join(ancestors))


def _row(message_id: int, date: int, place: Order, own: str, ancestors: str) -> Row:
    return (
        message_id,
        date,
        place.subject,
        int(place.is_reply),
        place.from_,
        place.to,
        place.cc,
        place.display_from,
        place.display_to,
        clean(own),
        clean(ancestors),
    )


def fill(connection: Connection) -> None:
    """Make the places of all messages of an older store ready, from what it knows of them."""
    last = 0
    while rows := connection.execute(
        "SELECT m.id, coalesce(m.sent, m.received), w.subject, w.from_, w.to_, w.cc, w.message_id_, w.reference_ids,"
        " w.in_reply_to FROM message m JOIN wire w ON w.message_id = m.id WHERE m.id > :last ORDER BY m.id"
        " LIMIT :portion",
        {"last": last, "portion": PORTION},
    ).fetchall():
        places = []
        for message_id, date, subject, from_, to, cc, own, references, in_reply_to in rows:
            people = [place(address.read(field)) for field in (from_, to, cc)]
            theirs = order(*base_subject(subject), *people)
            places.append(_row(message_id, date, theirs, own, references or in_reply_to.partition(" ")[0]))
        connection.insert("ordering", COLUMNS, places)
        last = rows[-1][0]
