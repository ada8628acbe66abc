"""How many of something each of many has open, in all processes of a server."""

from __future__ import annotations

from collections import Counter

from .colleagues import Alone, Colleagues


class Tally:
    """Counts them. This process's own are counted exactly; what its colleagues have, they tell."""

    def __init__(self, what: str, colleagues: Colleagues | None = None) -> None:
        """``what`` is counted: tells this tally from others of the same colleagues."""
        self._what = what
        self._colleagues = colleagues or Alone()
        self._here: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many have any in this process."""
        return len(self._here)

    def here(self, who: str = "") -> int:
        """How many somebody has in this process."""
        return self._here[who]

    def enter(self, who: str = "") -> int:
        """One more, until it is to `leave`. How many there are with it, in all processes."""
        self._here[who] += 1
        return self._here[who] + self._colleagues.enter(f"{self._what} {who}")

    def leave(self, who: str = "") -> None:
        """One less."""
        self._here[who] -= 1
        if self._here[who] <= 0:
            del self._here[who]
        self._colleagues.leave(f"{self._what} {who}")
