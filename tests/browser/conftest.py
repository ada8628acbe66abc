"""A browser, and a server with a morning's mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from live import Live


@pytest.fixture(scope="module")  # its loop would be in the way of all tests behind
def browser() -> Iterator[Browser]:
    from chromium import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Live]:
    """Ada has mail."""
    from live import Live, prepare
    from morning_mail import fill
    from posthouse.server.app import serving

    settings = prepare(tmp_path)
    fill(settings.data)
    with serving(settings) as server:
        yield Live(settings, server)
