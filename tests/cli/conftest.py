"""Fixtures for the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from one_store import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command line, over a store with the accounts ada@example.org and bob@example.org; no server runs."""
    from live import prepare
    from one_store import Run

    settings = prepare(tmp_path / "house")
    monkeypatch.setenv("POSTHOUSE_CONFIG", str(settings.path))
    yield Run(settings.data)
