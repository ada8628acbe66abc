"""Which version the schema has, how a new store gets it, and how an older one grows up."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from posthouse.errors import StoreError, StoreVersionError

from . import ordering, thread, uid_list, zone
from .database import Connection, Database

VERSION = 22
# The oldest schema whose programs can work with this one (it only gained what they don't look at). Those of schema 1
# don't know that the queue uses octets: their repair would let go of them. Those of schema 2 don't know of keys for
# SCRAM: a password that they change would go on opening the door. Those of schema 4 don't make the places of new
# messages ready: SORT would lose these. Those of schema 5 would send in clear text what may travel encrypted only.
# Those of schema 8 place messages without the date by which the mail program lists them.
# Those of schema 11 look for octets in files alone. Those of schema 17 look for ENVELOPE where it isn't any more.
# Those of schema 18 give threads rows.
OLDEST = 19

FILLS: Mapping[int, Callable[[Connection], None]] = {
    5: ordering.fill,
    15: uid_list.fill,
    19: thread.fill,
    20: zone.fill,
}

WORD = re.compile(r"\{(\w+)\}")
COMMENT = re.compile(r"--[^\n]*")


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as a program knows it. `migrations`: the script that leads to each version, from the one before.

    `fills`: what SQL can't work out of what an older store knows, done after the script.
    """

    version: int
    oldest: int
    script: str
    migrations: Mapping[int, str]
    fills: Mapping[int, Callable[[Connection], None]]


def current() -> Schema:
    """This program's."""
    folder = resources.files(__package__)
    migrations = {
        int(path.name[:4]): path.read_text("utf-8")
        for path in folder.joinpath("migrations").iterdir()
        if path.name.endswith(".sql")
    }
    return Schema(VERSION, OLDEST, folder.joinpath("schema.sql").read_text("utf-8"), migrations, FILLS)


def statements(script: str, words: Mapping[str, str]) -> list[str]:
    """A script's statements, with the placeholder words replaced. No literal in a script has `;` or `--`."""
    filled = WORD.sub(lambda match: words[match.group(1)], COMMENT.sub("", script))
    return [statement.strip() for statement in filled.split(";") if statement.strip()]


def prepare(database: Database, connection: Connection, data: Path, schema: Schema) -> None:
    """Give a new store its schema, and an older one what it lacks, after a copy of it was put into `backups/`.

    Errors: StoreVersionError for a store of a newer program; StoreError where letters lie without their database; then
    nothing was changed.
    """
    copied = not database.can_copy
    while True:
        connection.begin()
        try:
            connection.lock_schema()
            if not connection.has_table("store"):
                _refuse_orphans(data / "messages")
                _create(database, connection, schema)
            row = connection.execute("SELECT version, oldest FROM store", {}).fetchone()
            assert row is not None
            version, oldest = row
            if oldest > schema.version:
                raise StoreVersionError(
                    f"the store was written by a newer program: its schema is {version}, this one knows"
                    f" {schema.version}",
                    advice="Start the newer Posthouse, or restore a backup from before the upgrade.",
                )
            if version >= schema.version or copied:
                _migrate(database, connection, schema, version)
                connection.commit()
                return
        finally:
            connection.rollback()
        folder = data / "backups" / f"before-schema-{schema.version}-{time.time_ns()}"
        folder.mkdir(mode=0o700, parents=True)
        database.copy_to(folder)
        copied = True


def _refuse_orphans(letters: Path) -> None:
    """A new store would take letters whose database was lost for strays, and delete them."""
    if next(letters.rglob("*.eml"), None) is not None:
        raise StoreError(
            f"there are letters in {letters}, but their database is gone or empty",
            advice="Move the data folder away and restore a backup: posthouse restore. Without a backup: move only the"
            " letters away, add an account, move them back, and say posthouse verify --repair --adopt ADDRESS.",
        )


def _create(database: Database, connection: Connection, schema: Schema) -> None:
    connection.script(statements(schema.script, database.words))
    connection.execute(
        "INSERT INTO store (one, version, oldest, uidvalidity, swept, held) VALUES (1, :version, :oldest, 0, 0, 0)",
        {"version": schema.version, "oldest": schema.oldest},
    )


def _migrate(database: Database, connection: Connection, schema: Schema, version: int) -> None:
    for step in range(version + 1, schema.version + 1):
        connection.script(statements(schema.migrations[step], database.words))
        if step in schema.fills:
            schema.fills[step](connection)
    if version < schema.version:
        connection.execute(
            "UPDATE store SET version = :version, oldest = :oldest",
            {"version": schema.version, "oldest": schema.oldest},
        )
