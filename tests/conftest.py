"""Fixtures for the whole suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from live import Live


@pytest.fixture
def posthouse(tmp_path: Path) -> Iterator[Live]:
    """A fresh server with the accounts ada@example.org and bob@example.org."""
    from live import live  # here: most tests need no server, and load in no time

    with live(tmp_path) as running:
        yield running
