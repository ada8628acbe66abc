"""Fixtures for the mail program's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from posthouse.store.engine import Store
from store_helpers import Clock
from web_browser import Browser, Web


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    clock = Clock()
    store = Store.open(tmp_path / "data", readers=1, clock=clock)
    yield Web(store, clock)
    store.close()


@pytest.fixture
def ada(web: Web) -> Browser:
    """Ada's browser, logged in."""
    browser = web.browser()
    assert browser.log_in().status_code == 303
    return browser
