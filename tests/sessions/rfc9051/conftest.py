"""A running server, for the commands before the login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from live import Live, live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("server")) as house:
        yield house
