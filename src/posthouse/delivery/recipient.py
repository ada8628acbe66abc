"""Who has an address here."""

from __future__ import annotations

from posthouse.smtp.path import Mailbox
from posthouse.store import account, domain, quota
from posthouse.store.engine import Tx


def lookup(tx: Tx, mailbox: Mailbox, hostname: str, size: int) -> tuple[bool, tuple[int, ...]]:
    """Whether we are responsible for an address, and the accounts that its letters go to.

    Postmaster is always somebody (RFC 5321 §4.5.1): where no account or alias has the name, whoever came first.

    Errors: OverQuota where one of them has no room for so many octets: said now, it is no other recipient's trouble.
    """
    home = mailbox.domain or hostname
    ours = home.lower() == hostname.lower() or domain.is_local(tx, home)
    accounts = account.resolve(tx, f"{mailbox.local}@{home}")
    if not accounts and ours and mailbox.unquoted.lower() == "postmaster":
        accounts = account.oldest(tx)
    for account_id in accounts:
        quota.check(tx, account_id, size)
    return ours or bool(accounts), accounts
