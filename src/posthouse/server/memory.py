"""What the C library does with memory that was given back to it, and the interpreter with what is in use."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# mallopt(3).
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# Answers stream in portions of some 600 KB, which are put together out of others of this size.
LARGE = 4 * 1024 * 1024
KEPT = 8 * 1024 * 1024
# New objects after which the collector looks through them: Python's own number is 700.
YOUNG = 10_000


def keep_freed() -> None:
    """Keep up to KEPT octets that were freed at hand, for each thread that had them, and all but what is LARGE.

    glibc gives back to the system what is larger than 128 KB, and at once. For an answer in portions that meant to ask
    for each of them again, page by page, which took twice the time of all the rest. Another library is left alone.
    """
    with contextlib.suppress(AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_MMAP_THRESHOLD, LARGE)
        set_option(M_TRIM_THRESHOLD, KEPT)


def keep_what_is_loaded() -> None:
    """Tell the collector of garbage that what is in memory now, modules for the most part, stays; it would look through
    all of it every few thousand letters. What comes from now on it looks at less often: nearly all of that goes without
    its help. Both together were a twelfth of what a letter costs.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
