"""How many conversations each account has: one program gone wild takes no more than its owner's share."""

from __future__ import annotations

from .colleagues import Colleagues
from .tally import Tally

# A mail program has some five open, and a person some five programs; Dovecot allows 10 from one address.
CONVERSATIONS = 100


class Present:
    """Counts the conversations in which an account is logged in."""

    def __init__(self, most: int = CONVERSATIONS, colleagues: Colleagues | None = None) -> None:
        self.most = most
        self._tally = Tally("conversations", colleagues)

    def enter(self, account_id: int) -> bool:
        """One more, if that isn't too many: then it is to `leave`. Of two at the same time, in different processes, for
        the last place both may be told that it is taken: never are there more than there may be."""
        if self._tally.enter(str(account_id)) <= self.most:
            return True
        self.leave(account_id)
        return False

    def leave(self, account_id: int) -> None:
        """One less."""
        self._tally.leave(str(account_id))
