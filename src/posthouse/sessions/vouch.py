"""Who is behind a name: VRFY and EXPN, for those who may know (RFC 5321 §3.5, §7.3)."""

from __future__ import annotations

from posthouse.delivery.recipient import lookup
from posthouse.errors import InvalidMessage
from posthouse.smtp import reply
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.smtp.reply import Reply
from posthouse.store import account, domain
from posthouse.store.engine import Tx

# Addresses that one reply tells.
MAX_TOLD = 100


def verify(tx: Tx, text: str, hostname: str) -> Reply:
    """The answer to VRFY: whether letters for a person would arrive."""
    candidates = _candidates(tx, text)
    found = [one for one in candidates if lookup(tx, one, hostname, 0)]
    if len(found) > 1:
        return Reply(553, "5.1.4", "Which of these is meant?", *(f"<{one}>" for one in found[:MAX_TOLD]))
    if found:
        return Reply(250, "2.1.5", f"<{found[0]}>")
    if candidates and not lookup(tx, candidates[0], hostname, 0).ours:
        return reply.NOT_VERIFIED
    return reply.NO_SUCH_MAILBOX


def expand(tx: Tx, text: str, hostname: str) -> Reply:
    """The answer to EXPN: the accounts, and the addresses elsewhere, that get what an address gets."""
    found = [lookup(tx, mailbox, hostname, 0) for mailbox in _candidates(tx, text)]
    addresses = [account.get(tx, one).typed for each in found for one in each.accounts]
    addresses += [target for each in found if not each.returns for target in each.targets]
    if not addresses:
        return reply.NO_SUCH_MAILBOX
    return Reply(250, "2.1.5", *(f"<{one}>" for one in list(dict.fromkeys(addresses))[:MAX_TOLD]))


def _candidates(tx: Tx, text: str) -> list[Mailbox]:
    """The addresses that may be meant: a name alone may be at any of our domains."""
    name = text.strip().removeprefix("<").removesuffix(">")
    try:
        return [parse_mailbox(one) for one in ([name] if "@" in name else _everywhere(tx, name))]
    except InvalidMessage:
        return []


def _everywhere(tx: Tx, name: str) -> list[str]:
    return [f"{name}@{home}" for home in domain.list_all(tx)]
