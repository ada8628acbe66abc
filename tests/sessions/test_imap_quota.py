"""QUOTA: RFC 9208."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store import quota
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_without_limits_there_is_no_root(talk: Conversation) -> None:
    talk.run("""
        1: a1 GETQUOTAROOT inbox
        1< * QUOTAROOT INBOX
        1< a1 OK GETQUOTAROOT completed
        1: a2 GETQUOTA ""
        1< a2 NO [NONEXISTENT]...
        1: a3 GETQUOTAROOT nowhere
        1< * QUOTAROOT nowhere
        1< a3 OK GETQUOTAROOT completed
        1: a4 GETQUOTAROOT a//b
        1< a4 NO...
        1: a5 GETQUOTAROOT "Other Users/nobody@example.org/INBOX"
        1< a5 NO [NONEXISTENT]...
    """)


def test_limits_are_told_and_kept(talk: Conversation, house: House, inbox: Mailbox) -> None:
    raw = letter(body="x" * 1500)
    house.append(inbox, raw=raw, flags=["\\Deleted"])
    house.store.run(quota.set_limits, talk.account.id, size=4096, messages=2)
    talk.run(f"""
        1: a1 GETQUOTAROOT Sent
        1< * QUOTAROOT Sent ""
        1< * QUOTA "" (STORAGE 2 4 MESSAGE 1 2)
        1< a1 OK GETQUOTAROOT completed
        1: a2 GETQUOTA ""
        1< * QUOTA "" (STORAGE 2 4 MESSAGE 1 2)
        1< a2 OK GETQUOTA completed
        1: a6 GETQUOTAROOT "not yet"
        1< * QUOTAROOT "not yet" ""
        1< * QUOTA "" (STORAGE 2 4 MESSAGE 1 2)
        1< a6 OK GETQUOTAROOT completed
        1: a7 SETQUOTA "" (STORAGE 512)
        1< a7 NO [NOPERM] Limits are set by the operator...
        1: a3 GETQUOTA other
        1< a3 NO [NONEXISTENT]...
        1: a4 STATUS INBOX (DELETED DELETED-STORAGE)
        1< * STATUS INBOX (DELETED 1 DELETED-STORAGE {len(raw)})
        1< a4 OK STATUS completed
        1: a5 STATUS Sent (DELETED-STORAGE)
        1< * STATUS Sent (DELETED-STORAGE 0)
        1< a5 OK STATUS completed
    """)
    octets = b"x" * 4096
    assert talk.say(b"a6 APPEND INBOX {%d+}\r\n%b\r\n" % (len(octets), octets))[-1].startswith("a6 NO [OVERQUOTA]")
