"""What the processes of one server tell each other, so that a limit holds for all of them together.

With `workers = N` the parent makes them a ledger (`server/ledger`); a process that serves alone has no colleagues.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import NamedTuple, Protocol

# Octets of the key with which digests are made, and of a digest: by chance, two of a million subjects share one once in
# 37 million servers; and who doesn't know the key can make none on purpose.
KEY = 32
DIGEST = 8


class Failure(NamedTuple):
    """Something failed. ``subject`` and ``tried`` are digests; ``at``: by the clock that all processes share."""

    subject: bytes
    tried: bytes
    at: float


class Colleagues(Protocol):
    """The processes that serve beside this one."""

    key: bytes  # for digests that mean the same to all

    def enter(self, subject: str) -> int:
        """This process has one more of something. How many the others have: now and then too many, never too few."""
        ...

    def leave(self, subject: str) -> None:
        """It has one less."""
        ...

    def tell(self, failure: Failure) -> None:
        """The others will hear of it."""
        ...

    def news(self) -> Iterable[Failure]:
        """What was told since this was called last, the earliest first; of very much the latest. The first call tells
        also what a process said whose place this one has taken."""
        ...


class Alone:
    """There are none."""

    def __init__(self) -> None:
        self.key = secrets.token_bytes(KEY)

    def enter(self, subject: str) -> int:
        return 0

    def leave(self, subject: str) -> None:
        pass

    def tell(self, failure: Failure) -> None:
        pass

    def news(self) -> Iterable[Failure]:
        return ()
