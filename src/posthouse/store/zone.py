"""By which clock the letters of an older store are dated: that is written in their ENVELOPE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from posthouse.message.date import parse_date
from posthouse.message.summary import zone_of

if TYPE_CHECKING:
    from .database import Connection

PORTION = 1_000  # messages that are looked at in one go
# What ENVELOPE begins with: the Date field, unless it has what doesn't stand in quotes.
DATE = re.compile(rb'\("((?:[^"\\]|\\.)*)"')


def fill(connection: Connection) -> None:
    """Note the zones of all messages."""
    last = 0
    while rows := connection.execute(
        "SELECT m.id, w.envelope FROM message m JOIN wire w ON w.message_id = m.id"
        " WHERE m.id > :last AND m.sent IS NOT NULL ORDER BY m.id LIMIT :portion",
        {"last": last, "portion": PORTION},
    ).fetchall():
        for message_id, envelope in rows:
            written = DATE.match(bytes(envelope))
            zone = zone_of(parse_date(written[1])) if written is not None else 0
            if zone:
                connection.execute("UPDATE message SET zone = :zone WHERE id = :id", {"zone": zone, "id": message_id})
        last = rows[-1][0]
