"""Who has an address here, and where its letters go on to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.errors import InvalidMessage, OverQuota
from posthouse.smtp import srs
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.store import account, domain, long_sender, quota, secret
from posthouse.store.address import MAX_LOCAL
from posthouse.store.engine import Tx

# The name in the store of the key that forwarded senders are proved with.
SRS_KEY = "srs"
DAY = 86_400
# The domain of a word that stands for a sender's whole address. RFC 2606 §2: nobody has it.
KEPT = "kept.invalid"


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of an address. ``ours``: we are responsible for it; ``accounts``: those that its letters come to;
    ``targets``: addresses elsewhere that they go on to.

    ``returns``: it is a forwarded sender's (smtp/srs.py), so that only reports go on.
    """

    ours: bool
    accounts: tuple[int, ...] = ()
    targets: tuple[str, ...] = ()
    returns: bool = False

    def __bool__(self) -> bool:
        """Whether its letters go anywhere."""
        return bool(self.accounts or self.targets)

    @property
    def goes_on(self) -> bool:
        """Whether its letters only change their address on the way, to one other (RFC 3461 §5.2.7.2)."""
        return not self.accounts and len(self.targets) == 1


def lookup(tx: Tx, mailbox: Mailbox, hostname: str, size: int) -> Found:
    """Where the letters for an address go.

    Postmaster is always somebody (RFC 5321 §4.5.1): where no account or alias has the name, whoever came first.

    Errors: OverQuota where nobody of them has room for so many octets: said now, it is no other recipient's trouble.
    """
    home = mailbox.domain or hostname
    accounts, targets = expand(tx, f"{mailbox.local}@{home}")
    is_known = bool(accounts or targets)
    ours = is_known or home.lower() == hostname.lower() or domain.is_local(tx, home)
    if ours and not is_known:
        if mailbox.unquoted.lower() == "postmaster":
            accounts = account.oldest(tx)
        elif (sender := forwarded_sender(tx, mailbox)) is not None:
            return Found(ours, targets=(str(sender),), returns=True)
    _check_room(tx, accounts, size)
    return Found(ours, accounts, targets)


def _check_room(tx: Tx, accounts: Sequence[int], size: int) -> None:
    """Whether one of these, if there are any, has room. Errors: OverQuota; for good, where that is so for all."""
    refusal: OverQuota | None = None
    for account_id in accounts:
        try:
            quota.check(tx, account_id, size)
        except OverQuota as error:
            if refusal is None or not error.never:
                refusal = error
        else:
            return
    if refusal is not None:
        raise refusal


def expand(tx: Tx, address: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The accounts that letters for an address come to, and the addresses elsewhere that they go on to.

    An address of ours that letters go on to is looked up in turn; each once, so that circles end.
    """
    accounts: dict[int, None] = {}
    elsewhere: dict[str, None] = {}
    waiting = [address]
    seen: set[str] = set()
    while waiting:
        one = waiting.pop(0)
        if one.lower() in seen:
            continue
        seen.add(one.lower())
        found = account.destinations(tx, one)
        accounts |= dict.fromkeys(found.accounts)
        for target in found.targets:
            if domain.is_local(tx, target.rpartition("@")[2]):
                waiting.append(target)
            else:
                elsewhere[target] = None
    return tuple(accounts), tuple(elsewhere)


def forwarded_sender(tx: Tx, mailbox: Mailbox) -> Mailbox | None:
    """Whom a report to one of our forwarded senders' addresses is for; None where it is none, or not any more."""
    if not srs.is_forwarded(mailbox.local):
        return None
    key = secret.find(tx, SRS_KEY)
    try:
        sender = None if key is None else srs.original(mailbox.local, key, tx.now // DAY)
        if sender is None or sender.domain.lower() != KEPT:
            return sender
        kept = long_sender.find(tx, sender.local)
        return None if kept is None else parse_mailbox(kept)
    except InvalidMessage:
        return None


def in_our_name(tx: Tx, sender: str, home: str) -> str:
    """The address under which a letter of ``sender`` goes on from the domain ``home``: its own, where it is of ours.

    RFC 5321 §4.5.3.1.1: a local part has 64 octets, and there are servers that refuse a longer one. Where the sender's
    address doesn't fit, another forwarder's too (SRS1), a word stands for it.
    """
    if not sender or domain.is_local(tx, sender.rpartition("@")[2]):
        return sender
    try:
        mailbox = parse_mailbox(sender).on_the_wire
        ours = Mailbox("postmaster", home).on_the_wire.domain
        key, day = secret.get(tx, SRS_KEY), tx.now // DAY
        try:
            there = srs.forwarded(mailbox, ours, key, day)
        except InvalidMessage:
            there = None
        if there is None or len(there.local.encode()) > MAX_LOCAL:
            word = long_sender.keep(tx, str(mailbox), key, tx.now + (srs.VALID_DAYS + 1) * DAY)
            there = srs.forwarded(Mailbox(word, KEPT), ours, key, day)
        return str(there)
    except InvalidMessage:
        return ""
