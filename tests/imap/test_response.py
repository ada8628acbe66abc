"""What a server answers without a tag: written here, and read back by the client's parser."""

from __future__ import annotations

import pytest

from posthouse.imap import response
from posthouse.imap.answer import (
    Condition,
    ESearch,
    Exists,
    Expunge,
    Fetched,
    Flags,
    Found,
    Listed,
    MailboxStatus,
    Namespace,
    Namespaces,
    Recent,
    Response,
    ServerId,
    Vanished,
)  # fmt: skip
from posthouse.imap.command import StatusItem
from posthouse.imap.parse import ResponseLimits, read_response
from posthouse.imap.sequence import SequenceSet
from posthouse.wire.reader import Parse, Reader
from wire_helpers import read

UIDS = SequenceSet.parse(b"300:310,405")


def parse(reader: Reader) -> Parse[Response]:
    return (yield from read_response(reader, ResponseLimits()))


@pytest.mark.parametrize(
    ("octets", "written", "value"),
    [
        (response.ok("hi"), b"OK hi", Condition("OK", None, "hi")),
        (response.flags(["\\Seen", "$Junk"]), b"FLAGS (\\Seen $Junk)", Flags(frozenset({"\\Seen", "$Junk"}))),
        (response.exists(23), b"23 EXISTS", Exists(23)),
        (response.recent(0), b"0 RECENT", Recent(0)),
        (response.expunged([44]), b"44 EXPUNGE", Expunge(44)),
        (response.vanished(UIDS), b"VANISHED 300:310,405", Vanished(UIDS)),
        (response.vanished(UIDS, earlier=True), b"VANISHED (EARLIER) 300:310,405", Vanished(UIDS, True)),
        (response.listed(["\\Noselect"], "/", "", utf8=False), b'LIST (\\Noselect) "/" ""',
         Listed("", b"", "/", frozenset({"\\Noselect"}))),
        (response.listed([], "", "Entwürfe", utf8=False), b"LIST () NIL Entw&APw-rfe",
         Listed("Entwürfe", b"Entw&APw-rfe", "", frozenset())),
        (response.listed([], "\\", "a b", utf8=False), b'LIST () "\\\\" "a b"',
         Listed("a b", b"a b", "\\", frozenset())),
        (response.listed([], "/", "x", utf8=False, child_info=["SUBSCRIBED"], old_name="y z"),
         b'LIST () "/" x ("CHILDINFO" ("SUBSCRIBED") "OLDNAME" ("y z"))',
         Listed("x", b"x", "/", frozenset(), extended={"CHILDINFO": [b"SUBSCRIBED"], "OLDNAME": [b"y z"]})),
        (response.lsub([], "/", "nil", utf8=False), b'LSUB () "/" "nil"',
         Listed("nil", b"nil", "/", frozenset(), True)),
        (response.status("x", {StatusItem.MESSAGES: 1, StatusItem.MAILBOXID: "F1", StatusItem.APPENDLIMIT: None},
                         utf8=False),
         b"STATUS x (MESSAGES 1 MAILBOXID (F1) APPENDLIMIT NIL)", MailboxStatus("x", {"MESSAGES": 1}, "F1")),
        (response.namespaces([("", "/")], [], [("Shared/", "/")], utf8=False),
         b'NAMESPACE (("" "/")) NIL ((Shared/ "/"))',
         Namespaces((Namespace("", "/"),), (), (Namespace("Shared/", "/"),))),
        (response.search([]), b"SEARCH", Found(())),
        (response.search([2, 84], modseq=917162500), b"SEARCH 2 84 (MODSEQ 917162500)", Found((2, 84), 917162500)),
        (response.esearch("A282", uid=False, minimum=2, count=3), b'ESEARCH (TAG "A282") MIN 2 COUNT 3',
         ESearch("A282", minimum=2, count=3)),
        (response.esearch("a", uid=True, maximum=9, every=UIDS, modseq=5),
         b'ESEARCH (TAG "a") UID MAX 9 MODSEQ 5 ALL 300:310,405', ESearch("a", True, maximum=9, every=UIDS, modseq=5)),
        (response.esearch("a", uid=True, partial=((1, 9), UIDS)), b'ESEARCH (TAG "a") UID PARTIAL (1:9 300:310,405)',
         ESearch("a", True, others={"PARTIAL": ["1:9", "300:310,405"]})),
        (response.esearch("a", uid=True, partial=((1, 9), None)), b'ESEARCH (TAG "a") UID PARTIAL (1:9 NIL)',
         ESearch("a", True, others={"PARTIAL": ["1:9", None]})),
        (response.esearch("a", uid=True, count=1, mailbox=(b'"b c"', 9)),
         b'ESEARCH (TAG "a" MAILBOX "b c" UIDVALIDITY 9) UID COUNT 1',
         ESearch("a", True, count=1, mailbox="b c", uidvalidity=9)),
        (response.esearch("a", uid=True, added=[(1, UIDS), (0, UIDS)], removed=[(2, UIDS)]),
         b'ESEARCH (TAG "a") UID REMOVEFROM (2 300:310,405) ADDTO (1 300:310,405 0 300:310,405)',
         ESearch("a", True, others={"REMOVEFROM": ["2", "300:310,405"],
                                    "ADDTO": ["1", "300:310,405", "0", "300:310,405"]})),
        (response.fetch(12, [b"UID 7", b"RFC822.SIZE 42"]), b"12 FETCH (UID 7 RFC822.SIZE 42)",
         Fetched(12, 7, size=42)),
        (response.identification({"name": "Posthouse", "x": None}), b'ID ("name" "Posthouse" "x" NIL)',
         ServerId({"name": "Posthouse", "x": ""})),
        (response.identification({}), b"ID NIL", ServerId({})),
    ],
)  # fmt: skip
def test_responses(octets: bytes, written: bytes, value: Response) -> None:
    assert octets == written
    assert read(parse, b"* " + octets + b"\r\n") == (value, b"")


def test_names_in_utf8() -> None:
    assert response.listed([], "/", "Entwürfe", utf8=True) == 'LIST () "/" "Entwürfe"'.encode()
    assert response.status("A&B", {}, utf8=True) == b"STATUS A&B ()"


def test_fetch() -> None:
    assert response.fetch(2, [b"BODY[] {2}\r\nab", b"UID 8"]) == b"2 FETCH (BODY[] {2}\r\nab UID 8)"
    assert response.uid_fetch(8, [b"FLAGS ()"]) == b"8 UIDFETCH (FLAGS ())"
