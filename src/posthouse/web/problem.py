"""What a page can't do, in words: one plain sentence, and what to do next."""

from __future__ import annotations

from posthouse.errors import NotFound, OverQuota, PosthouseError, StoreFull


class Problem(PosthouseError):
    """A request that isn't answered as it was meant. ``status`` is HTTP's (RFC 9110 §15)."""

    def __init__(self, status: int, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.status = status


def status_of(error: PosthouseError) -> int:
    """HTTP's status for an error of any layer."""
    if isinstance(error, Problem):
        return error.status
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, OverQuota | StoreFull):
        return 507
    return 409


def too_large(what: str, most: str) -> Problem:
    """More octets than a limit allows."""
    return Problem(413, f"{what} is larger than {most}", advice="Send less at a time.")
