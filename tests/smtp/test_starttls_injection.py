"""STARTTLS: RFC 3207; and commands that somebody on the line puts behind it (CVE-2011-0411 and its kin)."""

from __future__ import annotations

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.smtp.event import Hello, StartTls
from posthouse.smtp.role import SUBMISSION
from posthouse.wire.machine import Tls
from posthouse.wire.sasl import encode_base64
from smtp_session import feed, opening, server
from transcript import converse

HELO = "C: HELO x\nS: 250 mx.example\n"
PLAIN = encode_base64(b"\0ada\0secret").decode()


def test_after_the_handshake_the_client_is_a_stranger() -> None:
    happened = converse(
        opening(),
        f"""
        {HELO}
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 MAIL can't come here. Send EHLO first
        C: EHLO x
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-CHUNKING
        S: 250-LIMITS RCPTMAX=1000
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH PLAIN LOGIN
        S: 250 HELP
        C: STARTTLS
        S: 503 5.5.1 TLS is active already
        """,
    )
    assert happened == [Hello("x", False), StartTls(), Hello("x", True)]


@pytest.mark.parametrize("arrival", ["with the command", "before the handshake is done", "octet by octet"])
def test_commands_behind_starttls_are_thrown_away(arrival: str) -> None:
    """They came in clear text, perhaps from somebody else: after the handshake they must not count as the client's."""
    injected = b"EHLO evil\r\nMAIL FROM:<evil@b.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nevil\r\n.\r\n"
    machine, session = server()
    sent = b"EHLO x\r\nSTARTTLS\r\n"
    if arrival == "with the command":
        said = feed(machine, session, sent + injected)
    else:
        said = feed(machine, session, sent)
        for i in range(len(injected)) if arrival == "octet by octet" else (0,):
            end = i + 1 if arrival == "octet by octet" else len(injected)
            said += feed(machine, session, injected[i:end])
    assert said.endswith(b"220 2.0.0 Ready to start TLS\r\n")
    assert machine.tls is Tls.WANTED
    machine.tls_started()
    assert feed(machine, session, b"") == b""
    assert feed(machine, session, b"NOOP\r\n") == b"250 2.0.0 OK\r\n"
    assert session.letters == []
    assert machine.hello is None


def test_half_a_command_before_the_handshake_does_not_begin_one_after_it() -> None:
    machine, session = server()
    feed(machine, session, b"EHLO x\r\nSTARTTLS\r\nMAIL FROM:<evil@b.example> ")
    machine.tls_started()
    assert feed(machine, session, b"NOOP\r\n") == b"250 2.0.0 OK\r\n"


def test_a_handshake_without_the_go_ahead_is_a_defect() -> None:
    machine, session = server()
    feed(machine, session, b"EHLO x\r\n")
    with pytest.raises(LocalProtocolError):
        machine.tls_started()


def test_starttls_where_there_is_none() -> None:
    converse(opening(tls_available=False), f"{HELO}C: STARTTLS\nS: 502 5.5.1 STARTTLS is not offered here")
    machine, session = server(tls_available=False)
    assert b"STARTTLS" not in feed(machine, session, b"EHLO x\r\n")


def test_a_login_is_not_carried_over_a_handshake() -> None:
    converse(
        opening(SUBMISSION, auth="always"),
        f"{HELO}C: AUTH PLAIN {PLAIN}\nS: 235 2.7.0 Logged in\nC: STARTTLS\nS: 502 5.5.1 STARTTLS is not offered here",
    )
