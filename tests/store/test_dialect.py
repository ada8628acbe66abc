"""Only a few files know which database it is; everything else is written once."""

from __future__ import annotations

import re
from pathlib import Path

from posthouse import store

HERE = Path(store.__file__).parent
# The two dialects, the engine that chooses one, full text (the one query that is written twice), and its index.
KNOW = {
    "engine.py",
    "sqlite.py",
    "postgres.py",
    "search.py",
    "index.py",
    "vocabulary.py",
    "field_word.py",
    "header_word.py",
    "header_text.py",
    "posting.py",
}
DIALECT = re.compile(
    r"sqlite|postgres|psycopg|pragma|rowid|group_concat|string_agg|INSERT OR|NOCASE|ILIKE|::[a-z]",
    re.IGNORECASE,
)


def code(path: Path) -> str:
    """The file without comments and docstrings, which may explain."""
    text = re.sub(r'"""(?s:.*?)"""', "", path.read_text("utf-8"))
    return re.sub(r"(#|--)[^\n]*", "", text)


def test_the_dialect_stays_where_it_belongs() -> None:
    files = [path for path in HERE.rglob("*") if path.suffix in (".py", ".sql")]
    assert {path.name for path in files} > KNOW
    told = {path.name: DIALECT.findall(code(path)) for path in files}
    assert {name: words for name, words in told.items() if words and name not in KNOW} == {}


def test_placeholder_words_are_known_to_both() -> None:
    from posthouse.store.postgres import Postgres
    from posthouse.store.sqlite import Sqlite

    used = set(re.findall(r"\{(\w+)\}", (HERE / "schema.sql").read_text("utf-8")))
    assert used == Sqlite.words.keys() == Postgres.words.keys() == {"id", "int", "blob", "strict", "clustered"}
