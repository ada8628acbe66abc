"""How many logins have failed of late, by whom they were tried or for whom: counted over all processes of a server.

Who is counted, and what was tried, are kept as digests with a key that dies with the server.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict

from .colleagues import DIGEST, Colleagues, Failure

# Seconds in which failures count together.
WINDOW = 3_600
# Networks and names of which failures are remembered; beyond, those that failed longest ago are forgotten.
COUNTED = 20_000
# In place of what was tried: the count begins anew.
ANEW = bytes(DIGEST)


class Failures:
    """Counts them. The same thing tried again counts once, in whichever process.

    Each process notes what any of them has told, in the order in which it happened, so that all come to the same count.
    Two that count in the same microseconds may miss each other's failure, or both find the limit reached.
    """

    def __init__(self, colleagues: Colleagues) -> None:
        self._colleagues = colleagues
        self._noted: OrderedDict[bytes, dict[bytes, float]] = OrderedDict()  # of each subject: what was tried, and when

    def __len__(self) -> int:
        return len(self._noted)

    def digest(self, text: str) -> bytes:
        """What stands for a subject, or for what was tried."""
        return hmac.digest(self._colleagues.key, text.encode("utf-8", "surrogatepass"), "sha256")[:DIGEST]

    def hear(self, now: float) -> None:
        """Note what the others have told."""
        for told in self._colleagues.news():
            if now - told.at <= WINDOW:
                self._note(told)

    def count(self, subject: str, tried: bytes, now: float) -> int:
        """One more. How many there are of the subject, with it."""
        self.hear(now)
        failure = Failure(self.digest(subject), tried, now)
        if self._note(failure):
            self._colleagues.tell(failure)
        return len(self._noted[failure.subject])

    def begin_anew(self, subject: str, now: float) -> None:
        """None counts any more, in any process."""
        failure = Failure(self.digest(subject), ANEW, now)
        self._note(failure)
        self._colleagues.tell(failure)

    def _note(self, failure: Failure) -> bool:
        """Whether it is new."""
        tried = self._noted.pop(failure.subject, None) or {}
        if failure.tried == ANEW:
            return False
        self._noted[failure.subject] = tried
        if len(self._noted) > COUNTED:
            self._noted.popitem(last=False)
        while tried and failure.at - tried[first := next(iter(tried))] > WINDOW:
            del tried[first]
        if failure.tried in tried:
            return False
        tried[failure.tried] = failure.at
        return True
