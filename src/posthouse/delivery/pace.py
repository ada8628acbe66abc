"""How many letters a way may take in a minute (`[relay] letters_per_minute`)."""

from __future__ import annotations

from dataclasses import dataclass, field

# Ways that are remembered: after so many, those that have all their allowance again are forgotten.
MANY = 10_000


@dataclass(slots=True)
class Pace:
    """Allowances that grow with time, up to a minute's worth. ``per_minute``: 0 for no limit."""

    per_minute: int
    _spent: dict[str, tuple[float, float]] = field(default_factory=dict)  # way -> allowance, and when it was that

    def allowed(self, key: str, now: float) -> int | None:
        """How many letters may go now; None: as many as there are."""
        return int(self._allowance(key, now)) if self.per_minute else None

    def spend(self, key: str, letters: int, now: float) -> None:
        """So many go."""
        if not self.per_minute:
            return
        if len(self._spent) > MANY:
            self._spent = {one: spent for one, spent in self._spent.items() if now - spent[1] < 60}
        self._spent[key] = (self._allowance(key, now) - letters, now)

    def full(self, now: float) -> dict[str, float]:
        """The ways that may take nothing now, and for how many seconds."""
        waits = {key: (1 - self._allowance(key, now)) * 60 / self.per_minute for key in self._spent}
        return {key: seconds for key, seconds in waits.items() if seconds > 0}

    def _allowance(self, key: str, now: float) -> float:
        allowance, when = self._spent.get(key, (float(self.per_minute), now))
        return min(allowance + max(now - when, 0) * self.per_minute / 60, self.per_minute)
