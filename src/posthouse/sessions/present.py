"""How many conversations each account has: one program gone wild takes no more than its owner's share."""

from __future__ import annotations

from collections import Counter

# A mail program has some five open, and a person some five programs; Dovecot allows 10 from one address.
CONVERSATIONS = 100


class Present:
    """Counts the conversations in which an account is logged in."""

    def __init__(self, most: int = CONVERSATIONS) -> None:
        self.most = most
        self._count: Counter[int] = Counter()

    def enter(self, account_id: int) -> bool:
        """One more, if that isn't too many: then it is to `leave`."""
        if self._count[account_id] >= self.most:
            return False
        self._count[account_id] += 1
        return True

    def leave(self, account_id: int) -> None:
        """One less."""
        self._count[account_id] -= 1
        if not self._count[account_id]:
            del self._count[account_id]
