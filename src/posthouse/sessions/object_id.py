"""Names that never change: of mailboxes, messages and threads (RFC 8474 §5).

    objectid = 1*255(ALPHA / DIGIT / "_" / "-")

They are the store's ids, which are never reused, each kind with a letter of its own so that no two are alike.
"""

from __future__ import annotations


def mailbox_id(number: int) -> str:
    """MAILBOXID (§4)."""
    return f"F{number}"


def email_id(number: int) -> str:
    """EMAILID (§5.1): of a message, the same in each mailbox that it is in."""
    return f"M{number}"


def thread_id(number: int) -> str:
    """THREADID (§5.2)."""
    return f"T{number}"


def number_of(object_id: str, kind: str) -> int:
    """The store's id, of which ``kind`` is the letter; 0, which none is, for what isn't one of ours."""
    digits = object_id[1:]
    # No id of the store has more digits; a longer one isn't worth the arithmetic.
    if object_id[:1] == kind and digits.isascii() and digits.isdigit() and len(digits) < 19:
        return int(digits)
    return 0
