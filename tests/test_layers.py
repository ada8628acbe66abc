"""The layers of docs/ARCHITECTURE.md hold: imports point down, pure folders do no I/O, SQL stays in the store."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src" / "posthouse"

PROTOCOLS = {"smtp", "imap", "pop3", "managesieve", "policy"}
EVERYTHING_BELOW_CLI = {
    "message", "wire", "sieve", *PROTOCOLS, "files", "store", "net", "client", "delivery", "sync", "sessions", "jmap",
    "web", "config", "server",
}  # fmt: skip

# What a folder may import besides itself and `errors`: the table of docs/ARCHITECTURE.md.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config": set(),
    "message": set(),
    "wire": set(),
    "sieve": {"message"},
    "smtp": {"message", "wire"},
    "imap": {"message", "wire"},
    "pop3": {"message", "wire"},
    "managesieve": {"message", "wire"},
    "policy": {"message", "wire"},
    "files": {"message"},
    "store": {"message", "wire", "files"},
    "net": set(),
    "client": {"message", "files", "wire", *PROTOCOLS, "net"},
    "delivery": {"message", "wire", "smtp", "sieve", "policy", "store", "client", "net"},
    "sync": {"message", "imap", "client", "store"},
    "sessions": {"message", "wire", *PROTOCOLS, "sieve", "store", "delivery"},
    "jmap": {"message", "store", "delivery", "sync"},
    "web": {"message", "wire", "store", "delivery", "sync", "jmap"},
    "server": EVERYTHING_BELOW_CLI,
    "testing": EVERYTHING_BELOW_CLI,
    "pytest_plugin": {"testing"},
    "cli": EVERYTHING_BELOW_CLI,
    "__init__": {"message", "client"},  # what users of the library import: it must not pull in the server
    "aio": {"message", "client"},
    "__main__": {"cli"},
}

PURE = {"message", "wire", "smtp", "imap", "pop3", "sieve", "managesieve", "policy"}
IO_MODULES = {
    "asyncio", "socket", "ssl", "sqlite3", "psycopg", "threading", "select", "selectors", "subprocess", "uvloop",
    "concurrent", "multiprocessing", "tempfile", "shutil", "http", "urllib.request",
}  # fmt: skip
# Reading a clock, a file or the system's randomness: a pure folder is handed these by its caller.
IO_CALLS = re.compile(r"\btime\.(time|monotonic|sleep|perf_counter)\(|datetime\.(now|utcnow|today)\(|(?<![\w.])open\(")
SQL = re.compile(r"""["']{1,3}\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE)\s""")
ONLY_IN_STORE = {"sqlite3", "psycopg"}


def sources() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def layer(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Every module that a file imports, absolute names, wherever in the file the import stands."""
    package = ["posthouse", *path.relative_to(ROOT).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield node.lineno, module
            for alias in node.names:  # `from . import smtp` names a module, not a member
                yield node.lineno, f"{module}.{alias.name}"


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


def test_there_is_something_to_check() -> None:
    assert len(sources()) > 20
    assert {layer(path) for path in sources()} <= set(MAY_IMPORT), "a new folder needs its row in the table"


@pytest.mark.parametrize("path", named(sources()))
def test_imports_point_down(path: Path) -> None:
    here = layer(path)
    allowed = MAY_IMPORT[here] | {here, "errors"}
    for line, module in imports(path):
        parts = module.split(".")
        if (
            parts[0] == "posthouse"
            and len(parts) > 1
            and (ROOT / parts[1]).exists() | (ROOT / f"{parts[1]}.py").exists()
        ):
            assert parts[1] in allowed, f"{path}:{line}: {here}/ may not import {module}"


@pytest.mark.parametrize("path", named([path for path in sources() if layer(path) in PURE]))
def test_pure_folders_do_no_io(path: Path) -> None:
    for line, module in imports(path):
        for name in IO_MODULES:
            assert module != name and not module.startswith(f"{name}."), f"{path}:{line}: {module} does I/O"
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        assert not IO_CALLS.search(text.split("#")[0]), f"{path}:{number}: pure code is handed times and octets: {text}"


@pytest.mark.parametrize("path", named([path for path in sources() if layer(path) != "store"]))
def test_sql_stays_in_the_store(path: Path) -> None:
    for line, module in imports(path):
        assert module.split(".")[0] not in ONLY_IN_STORE, f"{path}:{line}: {module} belongs to store/"
    found = SQL.search(path.read_text("utf-8"))
    assert found is None, f"{path}: SQL outside store/: {found.group(0) if found else ''}"
