"""APPEND: RFC 9051 §6.3.12; MULTIAPPEND: RFC 3502; literal8: RFC 3516 §4.4; UTF8: RFC 6855."""

from __future__ import annotations

import pytest

from imap_conversation import LIMIT, Conversation
from posthouse.sessions import imap_append
from posthouse.store import fresh, quota
from posthouse.store.blob import SPOOL_MEMORY, Spool
from posthouse.store.mailbox import Mailbox
from store_helpers import House

ONE = b"Subject: one\r\n\r\n1\r\n"
TWO = b"Subject: two\r\n\r\n2\r\n"


def append(tag: bytes, *messages: bytes, mailbox: bytes = b"INBOX") -> bytes:
    return tag + b" APPEND " + mailbox + b"".join(b" {%d+}\r\n%b" % (len(one), one) for one in messages) + b"\r\n"


def test_several_messages_come_together(talk: Conversation, inbox: Mailbox) -> None:
    talk.run("""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
    """)
    assert talk.say(append(b"a2", ONE, TWO)) == [
        "* 2 EXISTS",
        "* 2 RECENT",
        f"a2 OK [APPENDUID {inbox.uidvalidity} 1:2] APPEND completed",
    ]
    talk.run(r"""
        1: a3 FETCH 1:2 (UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])
        1< * 1 FETCH (UID 1 FLAGS (\Recent) BODY[HEADER.FIELDS (SUBJECT)] {16}
        1< Subject: one
        1<
        1< )
        1< * 2 FETCH (UID 2 FLAGS (\Recent) BODY[HEADER.FIELDS (SUBJECT)] {16}
        1< Subject: two
        1<
        1< )
        1< a3 OK...
    """)


def test_all_of_them_or_none(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """RFC 3502 §6.3.11: a failure leaves the mailbox as it was."""
    house.store.run(quota.set_limits, talk.account.id, size=None, messages=1)
    assert talk.say(append(b"a1", ONE, TWO))[-1].startswith("a1 NO [OVERQUOTA]")
    assert talk.say(b"a2 APPEND INBOX {%d+}\r\n%b {0+}\r\n\r\n" % (len(ONE), ONE))[-1].startswith("a2 NO [CANNOT]")
    assert talk.say(b"a3 APPEND INBOX {%d+}\r\n%b {9+\r\n" % (len(ONE), ONE))[-1].startswith("a3 BAD")
    assert talk.say("a4 STATUS INBOX (MESSAGES UIDNEXT)")[0] == "* STATUS INBOX (MESSAGES 0 UIDNEXT 1)"
    assert talk.say(append(b"a5", ONE))[-1].startswith("a5 OK")


def test_no_mailbox(talk: Conversation) -> None:
    """Told before the octets come, or when they have, where the client doesn't wait for a word."""
    no = "NO [TRYCREATE] There is no mailbox nowhere"
    assert talk.say("a1 APPEND nowhere {5}") == [f"a1 {no}"]
    assert talk.say(append(b"a2", ONE).replace(b"INBOX", b"nowhere")) == [f"a2 {no}"]
    assert talk.say(append(b"a3", ONE, TWO).replace(b"INBOX", b"nowhere")) == [f"a3 {no}"]
    assert talk.say("a4 NOOP") == ["a4 OK NOOP completed"]


def test_a_limit_is_told_and_kept(talk: Conversation) -> None:
    """RFC 7889."""
    talk.run(f"""
        1: a1 STATUS INBOX (APPENDLIMIT)
        1< * STATUS INBOX (APPENDLIMIT {LIMIT})
        1< a1 OK STATUS completed
        1: a2 APPEND INBOX {{{LIMIT + 1}}}
        1< a2 NO [TOOBIG]...
    """)


def test_octets_with_nul(talk: Conversation) -> None:
    r"""RFC 3516: a literal8 comes back as it was."""
    octets = b"Content-Type: image/x-any\r\nContent-Transfer-Encoding: binary\r\n\r\n\x00\x01\xff\x00"
    talk.run("""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
    """)
    assert talk.say(b"a2 APPEND INBOX {%d+}\r\n%b\r\n" % (len(octets), octets))[-1].startswith("a2 OK"), "8-bit"
    assert talk.say(b"a3 APPEND INBOX ~{%d+}\r\n%b\r\n" % (len(octets), octets))[-1].startswith("a3 OK")
    assert talk.say("a4 FETCH 2 (BINARY.SIZE[1] BINARY.PEEK[1])") == [
        "* 2 FETCH (BINARY.SIZE[1] 4 BINARY[1] ~{4}", "\0\x01\\xff\0)", "a4 OK FETCH completed",
    ]  # fmt: skip


def test_names_in_utf8(talk: Conversation, inbox: Mailbox) -> None:
    """RFC 6855 §3: modified UTF-7 before ENABLE, UTF-8 after it; the same mailbox."""
    talk.run("""
        1: a1 CREATE Entw&APw-rfe
        1< a1 OK...
        1: a2 ENABLE UTF8=ACCEPT
        1< * ENABLED UTF8=ACCEPT
        1< a2 OK ENABLE completed
        1: a3 STATUS "Entwürfe" (MESSAGES)
        1< * STATUS "Entwürfe" (MESSAGES 0)
        1< a3 OK STATUS completed
        1: a4 LIST "" "Entw*"
        1< * LIST (\\HasNoChildren) "/" "Entwürfe"
        1< a4 OK LIST completed
        1: a4 SELECT INBOX
        1< ...
        1< a4 OK...
        1: a4 SEARCH RETURN (ALL) CHARSET UTF-8 SUBJECT "für"
        1< a4 BAD SEARCH: no CHARSET...
        1: a4 UID SEARCH CHARSET UTF-8 SUBJECT "für"
        1< a4 BAD UID SEARCH: no CHARSET...
        1: a4 SEARCH SUBJECT "CHARSET für"
        1< * SEARCH
        1< a4 OK...
        1: a5 STATUS Entw&APw-rfe (MESSAGES)
        1< a5 NO [NONEXISTENT]...
    """)
    header = "Subject: Grüße\r\n\r\nhallo\r\n".encode()
    assert talk.say(b"a6 APPEND INBOX UTF8 (~{%d+}\r\n%b)\r\n" % (len(header), header)) == [
        "* 1 EXISTS",
        "* 1 RECENT",
        f"a6 OK [APPENDUID {inbox.uidvalidity} 1] APPEND completed",
    ]


def test_a_name_that_is_not_kept_as_it_is_written(talk: Conversation) -> None:
    """RFC 9051 §6.3.12: OLDNAME, for who has enabled IMAP4rev2 (or used an extended LIST)."""
    talk.say("a1 CREATE INBOX/s1")
    assert talk.say(append(b"a2", ONE, mailbox=b"inbox/s1"))[0].startswith("a2 OK")
    talk.say("a3 ENABLE IMAP4rev2")
    appended = talk.say(append(b"a4", ONE, mailbox=b"inbox/s1"))
    assert appended[0] == '* LIST () "/" INBOX/s1 ("OLDNAME" (inbox/s1))'
    assert appended[1].startswith("a4 OK")
    assert talk.say(append(b"a5", ONE, mailbox=b"INBOX/s1"))[0].startswith("a5 OK")
    assert talk.say(append(b"a6", ONE, mailbox=b"Inbox"))[0].startswith("a6 OK"), "one name, in any case"


def test_messages_that_come_together_hold_little_memory(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    """With COMPRESS a few hundred kilobytes become hundreds of megabytes."""
    monkeypatch.setattr(imap_append, "MEMORY", 250_000)
    spools: list[Spool] = []
    made = talk.house.store.blobs.spool

    def spool(memory: int = SPOOL_MEMORY) -> Spool:
        assert sum(one.in_memory for one in spools) <= 250_000
        spools.append(made(memory))
        assert memory >= 0
        return spools[-1]

    monkeypatch.setattr(talk.house.store.blobs, "spool", spool)
    sizes = [60_000, 300_000, 20_000, 60_000, 60_000, 60_000, 60_000, 100, 1]
    messages = [b"Subject: x\r\n\r\n".ljust(size, b"%d" % number)[:size] for number, size in enumerate(sizes)]
    command = append(b"a1", *messages)
    in_files = 0
    for at in range(0, len(command), 9_999):
        answer = talk.say(command[at : at + 9_999])
        assert sum(one.in_memory for one in spools) <= 250_000
        in_files = sum(one.is_in_file for one in spools) or in_files
    assert answer[-1].startswith("a1 OK")
    assert len(spools) == len(messages)
    assert in_files > 1
    store = talk.house.store
    fresh.settle(store)
    ids = store.look(lambda tx: tx.all("SELECT blob_id FROM message ORDER BY id"))
    assert [store.blobs.path(blob_id).read_bytes() for (blob_id,) in ids] == messages
    assert list((store.data / "messages" / "tmp").iterdir()) == []


def test_messages_that_come_together_have_a_limit(talk: Conversation) -> None:
    """Announced or not: what a URL brings is only known when it comes."""
    large = ONE.ljust(LIMIT, b"x")
    no = f"NO [LIMIT] The messages of one command have at most {4 * LIMIT} octets together"
    no += "; send them in several commands"
    assert talk.say(append(b"a1", *[large] * 4, b"x"))[-1] == f"a1 {no}"
    assert talk.say("a2 STATUS INBOX (MESSAGES)")[0] == "* STATUS INBOX (MESSAGES 0)"
    assert talk.say(append(b"a3", *[large] * 4))[-1].startswith("a3 OK")
    assert talk.say("a4 SELECT INBOX")[-1].startswith("a4 OK")
    catenate = b' CATENATE (URL "/INBOX/;UID=1/;SECTION=HEADER")\r\n'
    assert talk.say(append(b"a5", *[large[1:]] * 4)[:-2] + catenate)[-1] == f"a5 {no}"
    files = (talk.house.store.data / "messages").rglob("*.eml")
    assert len(list(files)) == 4
