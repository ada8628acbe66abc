"""QUOTA (RFC 9208): how it is asked and answered."""

from __future__ import annotations

from collections.abc import Iterable

from . import encode
from .command import GetQuota, GetQuotaRoot, SetQuota
from .syntax import MAX_NUMBER64, Cursor


def read_get_quota(cursor: Cursor) -> GetQuota:
    """getquota = "GETQUOTA" SP quota-root-name; quota-root-name = astring"""
    cursor.space()
    return GetQuota(cursor.utf8_astring("a quota root"))


def read_get_quota_root(cursor: Cursor) -> GetQuotaRoot:
    """getquotaroot = "GETQUOTAROOT" SP mailbox"""
    cursor.space()
    return GetQuotaRoot(cursor.mailbox())


def read_set_quota(cursor: Cursor) -> SetQuota:
    """setquota = "SETQUOTA" SP quota-root-name SP setquota-list

    setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"; setquota-resource = resource-name SP number64
    """

    def resource() -> tuple[str, int]:
        name = cursor.word("a resource, such as STORAGE")
        cursor.space()
        return name, cursor.number("a limit", most=MAX_NUMBER64)

    cursor.space()
    root = cursor.utf8_astring("a quota root")
    cursor.space()
    return SetQuota(root, dict(cursor.list_of(resource, "limits")))


def quota(root: str, resources: Iterable[tuple[str, int, int]]) -> bytes:
    """quota-response: each resource with its usage and limit, STORAGE in units of 1024 octets (§5)."""
    told = b" ".join(b"%b %d %d" % (name.encode("ascii"), usage, limit) for name, usage, limit in resources)
    return b"QUOTA %b (%b)" % (encode.astring(root.encode("utf-8")), told)


def quota_root(mailbox: str, roots: Iterable[str], *, utf8: bool) -> bytes:
    """quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)"""
    return b" ".join(
        [b"QUOTAROOT", encode.mailbox(mailbox, utf8=utf8), *(encode.astring(root.encode("utf-8")) for root in roots)]
    )
