r"""Flags: what an account says about a message. ``\Seen``, ``\Deleted``, …, and keywords such as ``$Forwarded``.

Each combination of flags that an account uses is one row of `flagset`, and a placement points at one. So flags are
without a limit worth mentioning, their line for the wire is ready, and changing them for a million messages is one
UPDATE for each combination among them.

Flags are compared without case (RFC 9051 §2.3.2). Known ones are kept in their usual spelling, others as first written.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from posthouse.errors import StoreError

from .portion import unions

if TYPE_CHECKING:
    from .engine import Tx

SYSTEM = ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")
# The IANA registry of IMAP keywords, and two that were in use before it.
KNOWN = (
    "$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing", "$Important", "$SubmitPending", "$Submitted", "$memo",
    "$hasmemo", "$hasattachment", "$hasnoattachment", "$autosent", "$unsubscribed", "$canunsubscribe", "$imported",
    "$istrusted", "$maskedemail", "$new", "$followed", "$muted", "$MailFlagBit0", "$MailFlagBit1", "$MailFlagBit2",
    "Junk", "NonJunk",
)  # fmt: skip
SPELLING = {flag.lower(): flag for flag in (*SYSTEM, *KNOWN)}
# flag-keyword = "$MDNSent" / … / atom                                  (RFC 9051 §9)
# ATOM-CHAR = <any CHAR except atom-specials: ( ) { SP CTL % * " \ ]>
KEYWORD = re.compile(r"[^\x00-\x20\x7f-\U0010ffff(){%*\"\\\]]+")
# Dovecot allows 50 octets a keyword, Cyrus 128 keywords a mailbox; ours only keep one client from filling the disk.
MAX_KEYWORD_SIZE = 200
MAX_FLAGS = 200
# Combinations that an account can have at a time; a search looks at all of them.
MAX_COMBINATIONS = 20_000
NONE: frozenset[str] = frozenset()


def canonical(flags: Iterable[str]) -> frozenset[str]:
    r"""The flags in the spelling in which they are kept. Errors: StoreError for what is no flag, or too many.

    ``\Recent`` is no flag of a message (recent.py), and can't be kept: it is dropped.
    """
    if not flags:
        return NONE
    unique: dict[str, str] = {}
    for flag in flags:
        folded = flag.lower()
        if folded == "\\recent":
            continue
        spelled = SPELLING.get(folded)
        if spelled is None:
            if len(flag) > MAX_KEYWORD_SIZE or not KEYWORD.fullmatch(flag):
                raise StoreError(f"this is not a flag: {flag[:MAX_KEYWORD_SIZE]}")
            spelled = flag
        unique.setdefault(folded, spelled)
    if len(unique) > MAX_FLAGS:
        raise StoreError(f"a message can have {MAX_FLAGS} flags, not more")
    return frozenset(unique.values())


def line(flags: frozenset[str]) -> bytes:
    """The flags as they stand in a flag list, sorted, without its parentheses."""
    return " ".join(sorted(flags, key=lambda flag: (not flag.startswith("\\"), flag.lower()))).encode("ascii")


def parse(text: bytes) -> frozenset[str]:
    """What `line` made."""
    return frozenset(text.decode("ascii").split())


def add(flags: frozenset[str], more: frozenset[str]) -> frozenset[str]:
    """Both; where only the case differs, the one that is there already."""
    here = {flag.lower() for flag in flags}
    return flags | {flag for flag in more if flag.lower() not in here}


def remove(flags: frozenset[str], less: frozenset[str]) -> frozenset[str]:
    """The flags without those, in whatever case."""
    gone = {flag.lower() for flag in less}
    return frozenset(flag for flag in flags if flag.lower() not in gone)


def lines(tx: Tx, ids: Iterable[int]) -> dict[int, bytes]:
    """The lines of these combinations of flags."""
    return {
        flagset_id: tx.value("SELECT line FROM flagset WHERE id = :flagset_id", flagset_id=flagset_id)
        for flagset_id in ids
    }


def intern(tx: Tx, account_id: int, flags: frozenset[str]) -> int:
    """The id of this combination of flags in the account. `flags` are canonical. Errors: StoreError: one too many."""
    text = line(flags)
    found: int | None = tx.value(
        "SELECT id FROM flagset WHERE account_id = :account_id AND line = :line", account_id=account_id, line=text
    )
    if found is None:
        if count(tx, account_id) >= MAX_COMBINATIONS:
            raise StoreError("there are too many different combinations of flags", advice="Remove some keywords.")
        found = tx.value(
            "INSERT INTO flagset (account_id, line, seen, deleted)"
            " VALUES (:account_id, :line, :seen, :deleted) RETURNING id",
            account_id=account_id,
            line=text,
            seen=int("\\Seen" in flags),
            deleted=int("\\Deleted" in flags),
        )
    assert found is not None
    return found


def intern_all(tx: Tx, combinations: Collection[tuple[int, frozenset[str]]]) -> dict[tuple[int, frozenset[str]], int]:
    """`intern` for accounts and flags: the id of each combination."""
    lines = {(account_id, line(flags)): (account_id, flags) for account_id, flags in combinations}
    found = {}
    wanted = "SELECT id, account_id, line FROM flagset WHERE account_id = {0} AND line = {1}"
    for sql, params in unions(wanted, list(lines)):
        for flagset_id, account_id, text in tx.all(sql, **params):
            found[lines[account_id, bytes(text)]] = flagset_id
    return {one: found[one] if one in found else intern(tx, *one) for one in combinations}


def count(tx: Tx, account_id: int) -> int:
    """How many combinations the account has, also such that no message has any more."""
    number: int = tx.value("SELECT count(*) FROM flagset WHERE account_id = :account_id", account_id=account_id)
    return number


def in_use(tx: Tx, account_id: int) -> frozenset[str]:
    """Every flag that a message of the account has, or had not long ago."""
    flags: frozenset[str] = frozenset()
    for (text,) in tx.all("SELECT line FROM flagset WHERE account_id = :account_id ORDER BY id", account_id=account_id):
        flags = add(flags, parse(text))
    return flags
