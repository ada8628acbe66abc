"""Stores as older programs wrote them: a new one, taken back version by version."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path

from posthouse.store import schema
from posthouse.store.sqlite import WORDS

MIGRATIONS = schema.current().migrations
# What undoes the migration to each version.
UNDO = {
    22: """
        DROP INDEX outgoing_held;
        ALTER TABLE outgoing DROP COLUMN account_id;
        CREATE INDEX outgoing_release ON outgoing (sender, release) WHERE release IS NOT NULL;
    """,
    21: "ALTER TABLE mailbox DROP COLUMN recent_from;",
    20: "ALTER TABLE message DROP COLUMN zone;",
    19: """
        CREATE TABLE thread (id {id}, account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE) {strict};
        CREATE INDEX thread_account ON thread (account_id);
        INSERT INTO thread (id, account_id) SELECT DISTINCT thread_id, account_id FROM message;
        ALTER TABLE thread_key RENAME TO newer;
        CREATE TABLE thread_key (
            account_id {int} NOT NULL REFERENCES account(id) ON DELETE CASCADE, key {int} NOT NULL,
            thread_id {int} NOT NULL REFERENCES thread(id) ON DELETE CASCADE, latest {int} NOT NULL,
            PRIMARY KEY (account_id, key)
        ) {strict} {clustered};
        INSERT INTO thread_key SELECT * FROM newer;
        DROP TABLE newer;
        CREATE INDEX thread_key_thread ON thread_key (thread_id);
        CREATE INDEX message_account ON message (account_id);
    """,
    18: """
        DROP TABLE bundle;
        DROP TABLE bundled_list;
        DROP TABLE unbundled;
    """
    + MIGRATIONS[10],
    17: "DROP TABLE long_sender;",
    16: "DROP TABLE bundled_order;",
    15: "DROP TABLE hole;",
}


def take_back(data: Path, version: int) -> None:
    """Make the closed store below `data` one of this schema version."""
    with contextlib.closing(sqlite3.connect(data / "posthouse.sqlite3", isolation_level=None)) as raw:
        for step in range(schema.VERSION, version, -1):
            raw.executescript(re.sub(r"\{(\w+)\}", lambda match: WORDS[match.group(1)], UNDO[step]))
        raw.execute("UPDATE store SET version = ?, oldest = ?", (version, min(version, 12)))
