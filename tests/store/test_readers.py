"""Who reads next: the thread that was idle last; and nobody is forgotten at the end."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor

from posthouse.store.readers import Readers
from processes import eventually


def idle(readers: Readers[str]) -> int:
    return len(readers._idle)


def test_who_was_idle_last_is_asked_first() -> None:
    readers: Readers[str] = Readers()
    with ThreadPoolExecutor() as pool:
        taken = []
        for number in range(3):
            taken.append(pool.submit(readers.take, queue.SimpleQueue()))
            eventually(lambda number=number: idle(readers) == number + 1, "it is idle")
        for wish in ("one", "two", "three"):
            readers.put(wish)
        assert [one.result() for one in taken] == ["three", "two", "one"]


def test_what_waits_is_taken_in_its_order_also_after_the_end() -> None:
    readers: Readers[str] = Readers()
    for wish in ("one", "two", "three"):
        readers.put(wish)
    assert readers.take(queue.SimpleQueue()) == "one"
    readers.close()
    assert [readers.take(queue.SimpleQueue()) for _ in range(4)] == ["two", "three", None, None]


def test_the_end_wakes_all() -> None:
    readers: Readers[str] = Readers()
    with ThreadPoolExecutor() as pool:
        taken = [pool.submit(readers.take, queue.SimpleQueue()) for _ in range(3)]
        eventually(lambda: idle(readers) == 3, "they are idle")
        readers.close()
        assert [one.result() for one in taken] == [None] * 3


def test_each_wish_is_taken_once() -> None:
    readers: Readers[int] = Readers()
    taken: queue.SimpleQueue[int] = queue.SimpleQueue()

    def read() -> None:
        inbox: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        while (wish := readers.take(inbox)) is not None:
            taken.put(wish)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for wish in range(2_000):
        readers.put(wish)
    readers.close()
    for thread in threads:
        thread.join()
    assert sorted(taken.get() for _ in range(taken.qsize())) == list(range(2_000))
