"""One letter's way, along the two lines of docs/ARCHITECTURE.md, over real sockets, looked at in every station."""

from __future__ import annotations

import imaplib
import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar, cast

from live import PASSWORDS, Live, live
from nameserver import name_server
from posthouse.store import account as accounts
from posthouse.store import mail, mailbox, queue
from posthouse.store.engine import Store, Tx

T = TypeVar("T")
ADA, BOB = "ada@example.org", "bob@example.org"
LETTER = (
    b"From: Eve <eve@elsewhere.example>\r\n"
    b"To: Bob <bob@example.org>\r\n"
    b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    b"Date: Mon, 23 Nov 2026 09:00:00 +0100\r\n"
    b"Message-ID: <1@elsewhere.example>\r\n"
    b"\r\n"
    b".a dot at the start\r\n"
    b"\xff\x00 octets that no charset has\r\n"
)


class Peer:
    """The other end of a line, by hand: what is said and what is answered."""

    def __init__(self, live: Live, door: str) -> None:
        self.socket = socket.create_connection((live.host, live.port(door)), timeout=20)
        self.file = self.socket.makefile("rb")

    def close(self) -> None:
        self.file.close()
        self.socket.close()

    def line(self) -> bytes:
        return self.file.readline()

    def say(self, octets: bytes) -> bytes:
        self.socket.sendall(octets)
        return self.line()


@contextmanager
def store_of(live: Live) -> Iterator[Store]:
    store = Store.open(live.config.data)
    try:
        yield store
    finally:
        store.close()


def rows(tx: Tx, address: str) -> list[tuple[object, ...]]:
    """What the store has in an inbox."""
    owner = accounts.find(tx, address)
    assert owner is not None
    inbox = mailbox.find(tx, owner.id, "INBOX")
    assert inbox is not None
    return mail.fetch(tx, inbox.id, mail.ALL, ("flags", "size", "prefix", "blob", "envelope", "subject"))


def waiting(live: Live) -> imaplib.IMAP4_SSL:
    """Bob's mail program, which has the inbox open and waits (IDLE)."""
    client = imaplib.IMAP4_SSL(live.host, live.port("imaps"), ssl_context=live.tls)
    client.login(BOB, PASSWORDS[BOB])
    assert client.select("INBOX") == ("OK", [b"0"])
    client.send(b"i1 IDLE\r\n")
    assert client.readline().startswith(b"+ ")
    return client


def test_an_incoming_letter(posthouse: Live) -> None:
    bob = waiting(posthouse)

    # 1. server/listener accepts; server/connection feeds smtp/server; sessions/smtp answers each command.
    peer = Peer(posthouse, "smtp")
    assert peer.line().startswith(b"220 mail.example.org ")
    assert peer.say(b"EHLO client.elsewhere.example\r\n").startswith(b"250-mail.example.org")
    while not peer.line().startswith(b"250 "):
        pass
    assert peer.say(b"MAIL FROM:<eve@elsewhere.example>\r\n").startswith(b"250 2.1.0 ")
    assert peer.say(b"RCPT TO:<nobody@example.org>\r\n").startswith(b"550 5.1.1 "), "checked when it is named"
    assert peer.say(b"RCPT TO:<Bob@EXAMPLE.org>\r\n").startswith(b"250 2.1.5 "), "case says nothing here"
    assert peer.say(b"DATA\r\n").startswith(b"354 ")
    wire = LETTER.replace(b"\r\n.", b"\r\n..")

    # 2. Until the letter is whole, nothing is in the mailbox.
    peer.socket.sendall(wire)
    with store_of(posthouse) as store:
        assert store.look(rows, BOB) == []

    # 3. 250 comes after the commit: octets and rows are there when it does.
    assert peer.say(b".\r\n").startswith(b"250 2.0.0 Delivered as ")
    (file,) = posthouse.letters()
    assert file.read_bytes() == LETTER, "byte for byte as it came"
    with store_of(posthouse) as store:
        ((uid, flags, size, prefix, blob, envelope, subject),) = store.look(rows, BOB)
    assert (uid, flags, subject) == (1, b"", "Grüße")
    assert isinstance(prefix, bytes) and isinstance(envelope, bytes)
    assert size == len(prefix) + len(LETTER)
    assert file.stem == blob
    assert prefix.startswith(b"Return-Path: <eve@elsewhere.example>\r\nReceived: from client.elsewhere.example ([127.")
    assert b"\tby mail.example.org (Posthouse) with ESMTP id " in prefix
    assert b"\tfor <Bob@EXAMPLE.org>;" in prefix
    assert envelope.startswith(b'("Mon, 23 Nov 2026 09:00:00 +0100" "=?utf-8?q?Gr=C3=BC=C3=9Fe?=" (("Eve" NIL "eve" ')

    # 4. The change feed wakes whoever waits; the reader gets our trace lines and the octets.
    assert bob.readline() == b"* 1 EXISTS\r\n"
    assert bob.readline() == b"* 1 RECENT\r\n"
    bob.send(b"DONE\r\n")
    assert bob.readline().startswith(b"i1 OK")
    _, data = bob.fetch("1", "(BODY.PEEK[])")
    assert data[0][1] == prefix + LETTER.replace(b"\0", b"\x80"), "but for what no literal may have"
    bob.logout()
    assert peer.say(b"QUIT\r\n").startswith(b"221 ")
    peer.close()


def test_a_letter_from_one_of_our_people(posthouse: Live) -> None:
    bob = waiting(posthouse)
    written = f"From: {ADA}\r\nTo: {BOB}\r\nBcc: {ADA}\r\nSubject: Tea\r\n\r\nAt five?\r\n"

    # sessions/submission -> delivery/submit -> delivery/deliver: our own domain needs no queue.
    with smtplib.SMTP(posthouse.host, posthouse.port("submission"), local_hostname="desk.example.org") as client:
        client.starttls(context=posthouse.tls)
        client.login(ADA, PASSWORDS[ADA])
        assert client.sendmail(ADA, [BOB, ADA], written) == {}

    # Completed, not rewritten: Date and Message-ID are there, Bcc is gone, the rest is as it was written.
    (file,) = posthouse.letters()
    octets = file.read_bytes()
    header, _, body = octets.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in header.split(b"\r\n")]
    assert names == [b"From", b"To", b"Subject", b"Date", b"Message-ID"]
    assert body == b"At five?\r\n"

    # One file, a message in each mailbox; several recipients are told of none (a Bcc would be).
    with store_of(posthouse) as store:
        ((*_, prefix, blob, _, _),) = store.look(rows, BOB)
        ((*_, other, _, _),) = store.look(rows, ADA)
    assert blob == other == file.stem
    assert isinstance(prefix, bytes)
    assert b"with ESMTPSA id " in prefix and b"TLSv1.3" in prefix and b"for <" not in prefix

    assert bob.readline() == b"* 1 EXISTS\r\n"
    assert bob.readline() == b"* 1 RECENT\r\n"
    bob.send(b"DONE\r\n")
    assert bob.readline().startswith(b"i1 OK")
    bob.logout()


def eventually(look: Callable[[], T], seconds: float = 20.0) -> T:
    """What `look` finds, as soon as it finds something: a letter takes a moment from one server to the other."""
    until = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < until, "it has not come"
        time.sleep(0.02)
    return found


def test_a_letter_to_another_server_and_a_report_that_comes_back(tmp_path: Path) -> None:
    zone = "example.net MX 10 mail.example.net.\nmail.example.net A 127.0.0.1\nexample.org MX 10 mail.example.org."
    with (
        name_server(zone) as dns,
        live(tmp_path / "there", home="example.net") as there,
        live(
            tmp_path / "here",
            f'[dns]\nservers = "127.0.0.1:{dns.port}"',
            relay_port=there.port("smtp"),
        ) as here,
    ):
        # 1. sessions/submission: one letter, to somebody here, to somebody elsewhere, and to nobody elsewhere.
        written = f"From: {ADA}\r\nTo: {BOB}\r\nSubject: Tea\r\nMessage-ID: <t@example.org>\r\n\r\nAt 5?\r\n"
        with smtplib.SMTP(here.host, here.port("submission"), local_hostname="desk.example.org") as client:
            client.starttls(context=here.tls)
            client.login(ADA, PASSWORDS[ADA])
            assert client.sendmail(ADA, [BOB, "bob@example.net", "nobody@example.net"], written) == {}

        # 2. Bob has it when 250 is said; for the others it is in the queue, with the same octets.
        with store_of(here) as store:
            ((*_, blob, _, _),) = store.look(rows, BOB)
            (taken,) = store.look(lambda tx: tx.all("SELECT id FROM blob WHERE id = :id", id=blob))
            assert taken

            # 4. What the other server refuses comes back to Ada, from nobody, with the reason.
            ((_, _, size, prefix, blob, _, subject),) = eventually(lambda: store.look(rows, ADA))
            assert subject == "Not delivered: Tea"
            assert prefix == b"Return-Path: <>\r\n"
            report = store.blobs.read(str(blob), 0, cast("int", size))
            assert b"There is no such mailbox" in report and b"Check the spelling of the address" in report
            assert b"\r\nFinal-Recipient: rfc822; nobody@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n" in report
            assert b"Remote-MTA: dns; mail.example.net\r\n" in report
            assert b"\r\nSubject: Tea\r\n" in report and b"At 5?" not in report, "the header, and no more"
            eventually(lambda: not store.look(queue.list_some, queue.Which()))

        # 3. delivery/relay finds the host by its MX record, begins TLS, hands the letter over: the Bob there has it.
        with store_of(there) as store:
            ((*_, size, prefix, blob, _, subject),) = eventually(lambda: store.look(rows, "bob@example.net"))
            assert isinstance(prefix, bytes)
            assert prefix.startswith(b"Return-Path: <ada@example.org>\r\nReceived: from mail.example.org ([127.0.0.1])")
            assert b"with ESMTPS id" in prefix and b"TLSv1.3" in prefix
            octets = store.blobs.read(str(blob), 0, cast("int", size))
            assert octets.startswith(b"Received: from desk.example.org ([127.0.0.1])")
            assert b"Return-Path" not in octets and octets.endswith(b"\r\n\r\nAt 5?\r\n")
