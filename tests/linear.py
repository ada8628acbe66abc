"""A promise that hostile input can break, and its test: time grows with the length of the input, and no faster."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

# Time of the processor, not of the clock: other programs on the machine don't count. An input that takes more of it
# than SUSPICIOUS (seconds) has to show that a sixteenth of it takes about a sixteenth of the time; with quadratic time
# that would be a 256th. What stands between the two is wide enough for whatever a processor does beside.
SIZE = 64_000
SUSPICIOUS, SMALLER, GROWTH = 0.04, 16, 80


def assert_linear(run: Callable[[int], object]) -> None:
    """``run`` is called with a size."""
    taken = timed(run, SIZE)
    if taken > SUSPICIOUS:
        taken = min(taken, timed(run, SIZE), timed(run, SIZE))
        smaller = min(timed(run, SIZE // SMALLER) for _ in range(3))
        assert taken < GROWTH * smaller, f"{taken:.3f} s, but {smaller:.5f} s for a sixteenth"


def timed(run: Callable[[int], object], size: int) -> float:
    gc.disable()  # it would look through all that the other tests left behind
    try:
        begin = time.process_time()
        run(size)
        return time.process_time() - begin
    finally:
        gc.enable()
