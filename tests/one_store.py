"""The command line over one store, without a process for each command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from typer.testing import CliRunner, Result

from posthouse.cli.app import app
from posthouse.store import account
from posthouse.store.engine import Store


class Run:
    """Call it with the words of a command. `POSTHOUSE_CONFIG` names the configuration."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """The store itself."""
        store = Store.open(self.data)
        try:
            yield store
        finally:
            store.close()

    def account_id(self, store: Store, address: str) -> int:
        return store.look(account.existing, address).id
