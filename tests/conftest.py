"""Fixtures for the whole suite."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from live import Live


# The same examples in every run, however slow the machine is; `make fuzz` looks for others.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.register_profile("chance", deadline=None)
hypothesis.settings.load_profile("suite")

_homes = itertools.count(1)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what the person who runs it, or another test, has told `posthouse login`."""
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path_factory.getbasetemp() / f"home-{next(_homes)}"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")


@pytest.fixture
def posthouse(tmp_path: Path) -> Iterator[Live]:
    """A fresh server with the accounts ada@example.org and bob@example.org."""
    from live import live  # here: most tests need no server, and load in no time

    with live(tmp_path) as running:
        yield running
