"""Senders whose address is too long to stand within one of ours, and the word that stands for each there: a report to
that address finds whom it is for (delivery/recipient.py).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Tx

# 16 letters and digits: addresses are compared without case.
WORD_OCTETS = 10


def keep(tx: Tx, sender: str, key: bytes, until: int) -> str:
    """The word for a sender, the same each time; it is good until that time, if not longer already.

    What nobody can ask for any more goes.
    """
    word = base64.b32encode(hmac.digest(key, sender.encode(), hashlib.sha256)[:WORD_OCTETS]).decode().lower()
    tx.run("DELETE FROM long_sender WHERE until < :now", now=tx.now)
    tx.run(
        "INSERT INTO long_sender (word, sender, until) VALUES (:word, :sender, :until) ON CONFLICT (word) DO UPDATE"
        " SET until = CASE WHEN long_sender.until < :until THEN :until ELSE long_sender.until END",
        word=word,
        sender=sender,
        until=until,
    )
    return word


def find(tx: Tx, word: str) -> str | None:
    """Whom a word stands for."""
    sender: str | None = tx.value("SELECT sender FROM long_sender WHERE word = :word", word=word.lower())
    return sender
