"""News for a page that is open."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from starlette.requests import Request

from posthouse.store import change, web_login
from posthouse.store.engine import Store
from posthouse.web import events, limits
from posthouse.web.visit import Visit
from store_helpers import letter
from web_browser import Web


def visit(web: Web) -> Visit:
    token = web.store.run(web_login.begin, web.ada.id, timezone="", agent="", address="")
    login = web.store.look(web_login.find, token, web.desk.settings.lifetime)
    assert login is not None
    scope = {"type": "http", "method": "GET", "path": "/events", "headers": [], "query_string": b""}
    return Visit(web.desk, Request(scope), login, web.ada, token, 0)


async def next_change(stream: AsyncIterator[str]) -> tuple[int, dict[str, object]]:
    async for text in stream:
        lines = dict(line.split(": ", 1) for line in text.strip().split("\n") if ": " in line)
        if lines.get("event") == "change":
            return int(lines["id"]), json.loads(lines["data"])
    raise AssertionError("the stream has ended")


def modseq(store: Store, account_id: int) -> int:
    return store.look(change.modseq_of, account_id)


def test_a_new_letter_is_told(web: Web) -> None:
    async def watch() -> None:
        stream = events._events(visit(web), None)
        assert "retry: " in await anext(stream)
        await asyncio.to_thread(web.put, letter("Tea", sender="Bob B. <bob@example.org>"))
        ident, facts = await asyncio.wait_for(next_change(stream), 10)
        await stream.aclose()
        assert ident == modseq(web.store, web.ada.id)
        assert facts["counts"][str(web.house.box(web.ada).id)] == 1  # type: ignore[index]
        assert facts["fresh"][0]["from"] == "Bob B."  # type: ignore[index]
        assert facts["fresh"][0]["subject"] == "Tea"  # type: ignore[index]

    asyncio.run(watch())


def test_who_was_cut_off_is_told_what_they_missed(web: Web) -> None:
    since = modseq(web.store, web.ada.id)
    web.put(letter("Missed"))

    async def watch() -> None:
        stream = events._events(visit(web), since)
        _, facts = await asyncio.wait_for(next_change(stream), 10)
        await stream.aclose()
        assert facts["fresh"][0]["subject"] == "Missed"  # type: ignore[index]

    asyncio.run(watch())


def test_it_ends_with_the_login(web: Web) -> None:
    async def watch() -> list[str]:
        seen = visit(web)
        stream = events._events(seen, None)
        await anext(stream)
        await seen.write(web_login.end, web.ada.id, seen.login.id)
        return [text async for text in stream]

    signs, limits.SIGN_OF_LIFE_SECONDS = limits.SIGN_OF_LIFE_SECONDS, 0
    try:
        assert asyncio.run(watch())[-1].startswith("event: end")
    finally:
        limits.SIGN_OF_LIFE_SECONDS = signs


def test_it_ends_with_the_server(web: Web) -> None:
    async def watch() -> list[str]:
        stream = events._events(visit(web), None)
        await anext(stream)
        web.desk.stop()
        return [text async for text in stream]

    assert asyncio.run(watch()) == []
