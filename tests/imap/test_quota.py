"""QUOTA: RFC 9208."""

from __future__ import annotations

import pytest

from imap_session import refused, said
from posthouse.imap import quota
from posthouse.imap.capability import Offer
from posthouse.imap.command import GetQuota, GetQuotaRoot, SetQuota, Status, StatusItem


def test_commands() -> None:
    assert said('GETQUOTA "!partition/sda4"') == GetQuota("!partition/sda4")
    assert said('GETQUOTA ""') == GetQuota("")
    assert said("GETQUOTAROOT inbox") == GetQuotaRoot("INBOX")
    assert said('SETQUOTA "" (storage 512 MESSAGE 9)') == SetQuota("", {"STORAGE": 512, "MESSAGE": 9})
    assert said('SETQUOTA "" ()') == SetQuota("", {})
    assert said("STATUS INBOX (DELETED DELETED-STORAGE)") == Status(
        "INBOX", (StatusItem.DELETED, StatusItem.DELETED_STORAGE)
    )


@pytest.mark.parametrize(
    "line", ["GETQUOTA", "GETQUOTAROOT", 'SETQUOTA ""', 'SETQUOTA "" (STORAGE)', 'SETQUOTA "" (A -1)']
)
def test_malformed(line: str) -> None:
    refused(line, f"BAD {line.split()[0]}: expected...")


def test_not_offered() -> None:
    refused('GETQUOTA ""', "BAD there is no command GETQUOTA", offers=(Offer("IMAP4rev1"),))


def test_answers() -> None:
    assert quota.quota("", [("STORAGE", 10, 512), ("MESSAGE", 1, 9)]) == b'QUOTA "" (STORAGE 10 512 MESSAGE 1 9)'
    assert quota.quota_root("Entwürfe", ["", "a b"], utf8=False) == b'QUOTAROOT Entw&APw-rfe "" "a b"'
    assert quota.quota_root("x", [], utf8=False) == b"QUOTAROOT x"
