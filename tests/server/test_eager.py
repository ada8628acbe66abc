"""Coroutines that begin where they are called."""

from __future__ import annotations

import asyncio

import pytest

from posthouse.server import eager


def test_what_waits_for_nothing_has_no_task() -> None:
    done = []

    async def work() -> None:
        done.append(await at_once())

    async def at_once() -> str:
        return "here"

    async def main() -> None:
        assert eager.begin(work()) is None
        assert done == ["here"]

    asyncio.run(main())


def test_what_waits_goes_on_in_a_task() -> None:
    async def main() -> None:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        seen: list[object] = []

        async def work() -> None:
            seen.append("begun")
            seen.append(await future)
            await asyncio.sleep(0)
            async with asyncio.timeout(10):  # from the first waiting on it is in a task
                seen.append(await asyncio.to_thread(lambda: "thread"))

        task = eager.begin(work())
        assert task is not None
        assert seen == ["begun"]
        future.set_result(7)
        await task
        assert seen == ["begun", 7, "thread"]

    asyncio.run(main())


def test_what_it_waits_for_may_fail() -> None:
    async def main() -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        caught: list[BaseException] = []

        async def work() -> None:
            try:
                await future
            except OSError as error:
                caught.append(error)
                raise LookupError("after that") from error

        task = eager.begin(work())
        assert task is not None
        future.set_exception(OSError("the disk"))
        with pytest.raises(LookupError, match="after that"):
            await task
        assert str(caught[0]) == "the disk"

    asyncio.run(main())


def test_it_hears_of_being_cancelled() -> None:
    async def main() -> None:
        ended: list[str] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append("ended")

        task = eager.begin(work())
        assert task is not None
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["ended"]

    asyncio.run(main())


def test_an_error_before_the_first_waiting_is_the_callers() -> None:
    async def work() -> None:
        raise LookupError("at once")

    async def main() -> None:
        with pytest.raises(LookupError):
            eager.begin(work())

    asyncio.run(main())


def test_several_wait_for_the_same() -> None:
    async def main() -> None:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        seen: list[int] = []

        async def work() -> None:
            seen.append(await future)

        tasks = [eager.begin(work()), eager.begin(work()), asyncio.create_task(work())]
        await asyncio.sleep(0)
        future.set_result(7)
        await asyncio.gather(*filter(None, tasks))
        assert seen == [7, 7, 7]

    asyncio.run(main())
