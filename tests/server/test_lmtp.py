"""LMTP (RFC 2033), over real sockets: an answer for each recipient."""

from __future__ import annotations

import smtplib
import socket
import stat
from pathlib import Path

import pytest

from live import Live, live
from mailboxes import ADA, BOB, EVE, add_alias, inbox, limit, store_of
from posthouse.errors import ConfigError
from posthouse.store import queue

LETTER = b"Subject: x\r\n\r\n.one\r\n" + b"x" * 70 + b"\r\n"


class Lmtp(smtplib.LMTP):
    """The standard library's, with the answers to a letter."""

    def deliver(self, sender: str, recipients: list[str], letter: bytes) -> list[tuple[int, bytes]]:
        self.mail(sender)
        taken = [one for one in recipients if self.rcpt(one)[0] == 250]
        self.docmd("DATA")
        self.send(letter.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        return [self.getreply() for _ in taken]


@pytest.fixture
def lmtp(posthouse: Live) -> Lmtp:
    return Lmtp(posthouse.host, posthouse.port("lmtp"), local_hostname="relay.example.org")


def test_a_letter(posthouse: Live, lmtp: Lmtp) -> None:
    with lmtp:
        lmtp.ehlo()
        assert lmtp.has_extn("pipelining") and lmtp.has_extn("dsn") and not lmtp.has_extn("auth")
        assert not lmtp.has_extn("futurerelease"), "that is for the submission port"
        first, second = lmtp.deliver(EVE, [ADA, BOB], LETTER)
    assert first == second and first[0] == 250 and first[1].startswith(b"2.0.0 Delivered as ")
    (letter,) = inbox(posthouse, ADA)
    assert letter.endswith(LETTER) and inbox(posthouse, BOB) == [letter]
    assert letter.startswith(b"Return-Path: <eve@elsewhere.example>\r\nReceived: from relay.example.org ([127.0.0.1])")
    assert b"with LMTP id" in letter
    assert len(posthouse.letters()) == 1, "the octets are there once"


def test_who_has_no_room_is_no_others_trouble(posthouse: Live, lmtp: Lmtp) -> None:
    """§4.2: in SMTP the whole letter would have to come again, for Bob too."""
    limit(posthouse, ADA, size=100)
    with lmtp:
        lmtp.ehlo()
        ada, bob, again = lmtp.deliver(EVE, [ADA, BOB, "bob+tag@example.org"], LETTER)
    assert (ada[0], ada[1][:5]) == (552, b"5.2.2")
    assert bob[0] == again[0] == 250
    assert (len(inbox(posthouse, ADA)), len(inbox(posthouse, BOB))) == (0, 1), "one account gets it once"


def test_behind_one_address_each_has_room_or_not(posthouse: Live, lmtp: Lmtp) -> None:
    for one in (ADA, BOB):
        add_alias(posthouse, "team@example.org", one)
    limit(posthouse, ADA, size=500)
    with lmtp:
        lmtp.ehlo()
        answers = [
            lmtp.deliver(EVE, recipients, LETTER)
            for recipients in ([ADA], ["team@example.org"], ["team@example.org", ADA])
        ]
    assert [[code for code, _ in codes] for codes in answers] == [[250], [250], [250, 452]]
    assert (len(inbox(posthouse, ADA)), len(inbox(posthouse, BOB))) == (1, 2)
    entries = [queue.Entry._make(row[1:]) for row in store_of(posthouse).look(queue.list_some, queue.Which())]
    assert [one.recipient for one in entries] == [ADA], "the last one comes again, by who was told 452"


def test_nobody_is_told_to_log_in_where_nobody_can(lmtp: Lmtp) -> None:
    with lmtp:
        lmtp.ehlo()
        lmtp.mail(EVE)
        code, words = lmtp.rcpt("eve@elsewhere.example")
    assert (code, words) == (550, b"5.7.1 That domain is none of this server's; posthouse domain add makes it one")


def test_nobody_is_refused_when_named_and_gets_no_answer_later(lmtp: Lmtp) -> None:
    with lmtp:
        lmtp.ehlo()
        (only,) = lmtp.deliver(EVE, ["nobody@example.org", ADA, "ada@elsewhere.example"], LETTER)
        assert only[0] == 250
        assert lmtp.docmd("EHLO x")[0] == 500, "§4.1"


def test_a_loop_is_answered_for_each(posthouse: Live, lmtp: Lmtp) -> None:
    with lmtp:
        lmtp.ehlo()
        answers = lmtp.deliver(EVE, [ADA, BOB], b"Received: from a by b; now\r\n" * 51 + LETTER)
    assert [code for code, _ in answers] == [554, 554]


def test_success_is_reported_for_those_who_have_it(posthouse: Live, lmtp: Lmtp) -> None:
    limit(posthouse, BOB, size=100)
    with lmtp:
        lmtp.ehlo()
        lmtp.docmd(f"MAIL FROM:<{ADA}> ENVID=e1")
        for one in (ADA, BOB):
            assert lmtp.docmd(f"RCPT TO:<{one}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;first@example.org")[0] == 250
        lmtp.docmd("DATA")
        lmtp.send(LETTER + b".\r\n")
        assert [lmtp.getreply()[0], lmtp.getreply()[0]] == [250, 552]
    _, report = inbox(posthouse, ADA)
    assert report.count(b"Final-Recipient:") == 1
    assert b"Original-Recipient: rfc822;first@example.org\r\nFinal-Recipient: rfc822; ada@example.org\r\n" in report
    assert b"Action: delivered\r\nStatus: 2.1.5\r\n" in report and b"Original-Envelope-Id: e1\r\n" in report


def test_a_socket_in_the_file_system(tmp_path: Path) -> None:
    with live(tmp_path, lmtp=f"unix:{tmp_path}/lmtp") as house:
        path = tmp_path / "lmtp"
        assert stat.S_ISSOCK(path.stat().st_mode) and str(house.server.endpoints["lmtp"][0]) == f"unix:{path}"
        with Lmtp(str(path)) as client:
            client.ehlo()
            assert client.deliver(EVE, [ADA], LETTER)[0][0] == 250
        assert b"([127.0.0.1])" in inbox(house, ADA)[0], "a program on this machine"


def test_a_socket_that_cannot_be_made(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with pytest.raises(ConfigError, match="No such file or directory"), live(one, lmtp=f"unix:{one}/no/lmtp"):
        pass
    with pytest.raises(ConfigError, match="is no socket's name"), live(two, lmtp="unix:lmtp"):
        pass


def test_a_socket_that_was_left_behind(tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    with live(tmp_path / "one", lmtp=f"unix:{path}"), Lmtp(str(path)) as client:
        assert client.ehlo()[0] == 250
        with pytest.raises(ConfigError, match="another program listens"), live(tmp_path / "two", lmtp=f"unix:{path}"):
            pass
        assert client.noop()[0] == 250
