"""Fixtures of the client's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from faced import Faced


@pytest.fixture(params=["blocking", "asyncio"])
def face(request: pytest.FixtureRequest) -> Iterator[Faced]:
    if request.param == "blocking":
        yield Faced(None)
        return
    with asyncio.Runner() as runner:
        yield Faced(runner)
