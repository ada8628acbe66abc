"""The pump: octets between sockets and sessions, whatever the peer does."""

from __future__ import annotations

import contextlib
import gc
import imaplib
import socket
import ssl
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live
from posthouse.store import text
from posthouse.store.engine import Store
from processes import eventually

BOB = "bob@example.org"


def connect(posthouse: Live, door: str) -> socket.socket:
    return socket.create_connection((posthouse.host, posthouse.port(door)), timeout=20)


def everything(peer: socket.socket) -> bytes:
    """All that comes until the server closes."""
    octets = b""
    while piece := peer.recv(65536):
        octets += piece
    return octets


def test_pipelined_commands_are_answered_in_order(posthouse: Live) -> None:
    with connect(posthouse, "smtp") as peer:
        assert peer.recv(1000).startswith(b"220 ")
        peer.sendall(
            b"EHLO x\r\nMAIL FROM:<e@x.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: p\r\n\r\n.\r\nQUIT\r\n"
        )
        codes = [line[:3] for line in everything(peer).splitlines() if line[3:4] == b" "]
    assert codes == [b"250", b"250", b"250", b"354", b"250", b"221"]
    assert posthouse.letters()[0].read_bytes() == b"Subject: p\r\n\r\n"


def test_a_long_line_behind_a_command_that_takes_its_time(posthouse: Live) -> None:
    """More than is read ahead while the server is busy: its rest is read all the same."""
    with posthouse.tls.wrap_socket(connect(posthouse, "imaps"), server_hostname="localhost") as peer:
        peer.sendall(f'a LOGIN {BOB} "{PASSWORDS[BOB]}"\r\nb SELECT INBOX\r\n'.encode())
        peer.sendall(b"c FETCH " + b",".join(b"%d" % number for number in range(1, 50_000)) + b" UID\r\nd LOGOUT\r\n")
        answers = everything(peer)
    assert b"\r\nc BAD " in answers and b"\r\nd OK " in answers


def test_octet_by_octet(posthouse: Live) -> None:
    with connect(posthouse, "smtp") as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert peer.recv(1000).startswith(b"220 ")
        for octet in b"EHLO x\r\nMAIL FROM:<e@x.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n\r\n.\r\nQUIT\r\n":
            peer.sendall(bytes([octet]))
        codes = [line[:3] for line in everything(peer).splitlines() if line[3:4] == b" "]
    assert codes == [b"250", b"250", b"250", b"354", b"250", b"221"]


def test_a_peer_that_has_said_all_still_hears_the_answers(posthouse: Live) -> None:
    with connect(posthouse, "smtp") as peer:
        peer.recv(1000)
        peer.sendall(b"EHLO x\r\nNOOP\r\n")
        peer.shutdown(socket.SHUT_WR)
        said = everything(peer)
    assert said.rstrip().splitlines()[-1].startswith(b"250 2.0.0")


def test_starttls_injection(posthouse: Live) -> None:
    """CVE-2011-0411: a command behind STARTTLS, in the same packet, must not be taken for one sent under TLS."""
    for door, start, go, injected in (
        ("submission", b"EHLO x\r\n", b"STARTTLS\r\n", b"RSET\r\nNOOP\r\n"),
        ("imap", b"", b"a STARTTLS\r\n", b"b NOOP\r\n"),
    ):
        with connect(posthouse, door) as peer:
            peer.recv(1000)
            if start:
                peer.sendall(start)
                peer.recv(1000)
            peer.sendall(go + injected)
            answer = peer.recv(1000)
            assert answer.count(b"\r\n") == 1, answer
            context = posthouse.tls
            with context.wrap_socket(peer, server_hostname="localhost") as tls:
                tls.sendall(b"QUIT\r\n" if door == "submission" else b"c LOGOUT\r\n")
                said = everything(tls)
        assert said.startswith((b"221 ", b"* BYE")), said


def test_clear_text_where_tls_is_expected_and_the_other_way_round(posthouse: Live) -> None:
    with connect(posthouse, "imaps") as peer:
        peer.sendall(b"a NOOP\r\n")
        assert b"a " not in everything(peer)
    with connect(posthouse, "imap") as peer, pytest.raises(ssl.SSLError):
        posthouse.tls.wrap_socket(peer, server_hostname="localhost")


def test_a_reader_that_does_not_read_holds_up_nobody(posthouse: Live) -> None:
    letter = b"Subject: big\r\n\r\n" + b"x" * 76 * 100_000
    bob = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
    bob.login(BOB, PASSWORDS[BOB])
    bob.append("INBOX", "", "", letter)
    bob.select("INBOX")
    bob.send(b"x FETCH 1 BODY.PEEK[]\r\n" * 20)  # 150 MB of answers, and nobody reads them
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as other:
        other.login(BOB, PASSWORDS[BOB])
        assert other.select("INBOX") == ("OK", [b"1"])
        assert other.append("INBOX", "", "", b"Subject: small\r\n\r\n")[0] == "OK"
    bob.shutdown()


def test_a_search_whose_client_has_left_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leave = threading.Event(), threading.Event()
    read = []

    def folded_body(*_: object) -> str:
        read.append(1)
        entered.set()
        assert leave.wait(10)
        return ""

    with live(tmp_path, open_store=partial(Store.open, readers=1)) as posthouse:
        bob = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
        bob.login(BOB, PASSWORDS[BOB])
        for number in range(3):
            bob.append("INBOX", "", "", b"Subject: %d\r\n\r\ntext\r\n" % number)
        bob.select("INBOX")
        with monkeypatch.context() as patched:
            patched.setattr(text, "folded_body", folded_body)
            bob.send(b"x SEARCH BODY nowhere\r\n")
            assert entered.wait(10)
            bob.shutdown()
            eventually(lambda: not posthouse.server.statistics()["connections"], "it is seen that bob has left")
            leave.set()
            with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as other:
                other.login(BOB, PASSWORDS[BOB])
                other.select("INBOX")
            assert len(read) == 1


def test_connections_are_counted(tmp_path: Path) -> None:
    with (
        live(tmp_path, "[limits]\nconnections = 2") as small,
        connect(small, "smtp") as first,
        connect(small, "imap") as second,
    ):
        assert first.recv(1000).startswith(b"220 ") and second.recv(1000).startswith(b"* OK")
        for door, farewell in (("smtp", b"421 4.3.2 "), ("imap", b"* BYE ")):
            with connect(small, door) as refused:
                said = everything(refused)
                assert said.startswith(farewell + b"Too many connections"), said
        first.sendall(b"QUIT\r\n")
        everything(first)
        with connect(small, "smtp") as another:
            assert another.recv(1000).startswith(b"220 ")


@pytest.mark.parametrize("ending", ["close", "garbage", "reset"])
def test_whoever_leaves_during_a_handshake_is_counted_out(posthouse: Live, ending: str) -> None:
    with connect(posthouse, "submission") as peer:
        peer.recv(1000)
        peer.sendall(b"EHLO x\r\nSTARTTLS\r\n")
        while b"220 2.0.0" not in peer.recv(1000):
            pass
        assert posthouse.server.statistics() == {"connections": 1, "addresses": 1}
        if ending == "garbage":
            peer.sendall(b"this is no handshake\r\n" * 10)
            everything(peer)
        elif ending == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with connect(posthouse, "smtp") as after:
        assert after.recv(1000).startswith(b"220 ")
    deadline = time.monotonic() + 10
    while posthouse.server.statistics()["connections"] and time.monotonic() < deadline:
        pass
    assert posthouse.server.statistics() == {"connections": 0, "addresses": 0}


@pytest.mark.parametrize("door", ["imap", "imaps", "https"])
def test_a_handshake_that_never_ends_holds_up_no_stop(tmp_path: Path, door: str) -> None:
    with live(tmp_path) as house:
        waiting = connect(house, door)
        if door == "imap":
            waiting.recv(1000)
            waiting.sendall(b"a STARTTLS\r\n")
            waiting.recv(1000)
        else:
            waiting.sendall(b"\x16\x03\x01")
            with connect(house, "smtp") as another:  # so it was accepted
                another.recv(1000)
        begin = time.monotonic()
    with waiting:
        assert time.monotonic() - begin < house.config.limits.stop_seconds
        with contextlib.suppress(ConnectionResetError):
            assert everything(waiting) == b""
    gc.collect()  # what is left open would warn
