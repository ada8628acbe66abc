"""AUTH: RFC 4954, on every port that offers it."""

from __future__ import annotations

import pytest

from posthouse.smtp.event import Authenticate, AuthResponse, Event, Hello, Quit
from posthouse.smtp.role import MX, SUBMISSION
from posthouse.smtp.server import Auth, SmtpServer
from posthouse.wire.sasl import encode_base64
from smtp_session import answering, feed, opening, server
from transcript import converse

PLAIN = encode_base64(b"\0ada\0secret").decode()
WRONG = encode_base64(b"\0ada\0guess").decode()
HELO = "C: HELO x\nS: 250 mx.example\n"
private = opening(SUBMISSION, tls=True)


def test_auth_is_offered_where_it_is_allowed() -> None:
    cases: list[tuple[bool, Auth, bool]] = [
        (False, "after tls", False),
        (True, "after tls", True),
        (False, "always", True),
        (True, "always", True),
        (True, "never", False),
    ]
    for role in (MX, SUBMISSION):
        for tls, auth, offered in cases:
            machine, session = server(role, tls=tls, auth=auth)
            assert (b"250-AUTH PLAIN LOGIN\r\n" in feed(machine, session, b"EHLO x\r\n")) == offered


def test_plain_with_an_initial_response() -> None:
    happened = converse(
        private,
        f"{HELO}C: AUTH PLAIN {PLAIN}\nS: 235 2.7.0 Logged in\nC: MAIL FROM:<a@b.example>\nS: 250 2.1.0 Sender OK",
    )
    assert happened[1] == Authenticate("PLAIN", b"\0ada\0secret")


def test_plain_without_an_initial_response() -> None:
    happened = converse(
        private, f"{HELO}C: auth plain\nS: 334 \nC: {PLAIN}\nS: 235 2.7.0 Logged in".replace("334 ", "334 ...")
    )
    assert happened[1:] == [Authenticate("PLAIN", None), AuthResponse(b"\0ada\0secret")]


def test_the_empty_challenge_has_its_space() -> None:
    machine, session = server(SUBMISSION, tls=True)
    assert feed(machine, session, b"EHLO x\r\nAUTH PLAIN\r\n").endswith(b"HELP\r\n334 \r\n")


def test_login() -> None:
    converse(
        private,
        f"""
        {HELO}
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YWRh
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        S: 235 2.7.0 Logged in
        """,
    )
    converse(private, f"{HELO}C: AUTH LOGIN YWRh\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 2.7.0 Logged in")


def test_a_wrong_password_may_be_followed_by_the_right_one() -> None:
    converse(
        private,
        f"""
        {HELO}
        C: AUTH PLAIN {WRONG}
        S: 535 5.7.8 The user name or the password is wrong
        C: MAIL FROM:<a@b.example>
        S: 530 5.7.0 Log in first, with the AUTH command
        C: AUTH PLAIN {PLAIN}
        S: 235 2.7.0 Logged in
        """,
    )


def test_guessing_ends_the_connection() -> None:
    machine, session = server(SUBMISSION, tls=True)
    feed(machine, session, b"HELO x\r\n")
    said = feed(machine, session, f"AUTH PLAIN {WRONG}\r\n".encode() * 30)
    assert said.count(b"535 5.7.8") == 20
    assert said.endswith(b"421 4.7.0 Too many errors on this connection; closing it\r\n")


def test_in_clear_text_the_next_step_is_said() -> None:
    for role in (MX, SUBMISSION):
        converse(
            opening(role),
            f"""
            {HELO}
            C: AUTH PLAIN {PLAIN}
            S: 538 5.7.11 Logging in requires encryption; issue a STARTTLS command first
            """,
        )
    converse(
        opening(SUBMISSION),
        f"""
        {HELO}
        C: MAIL FROM:<a@b.example>
        S: 530 5.7.0 This server requires encryption here; issue a STARTTLS command first
        """,
    )
    converse(opening(MX, auth="never"), f"{HELO}C: AUTH PLAIN\nS: 502 5.5.1 Logging in is not offered here")


def test_in_clear_text_a_login_is_possible_where_the_configuration_says_so() -> None:
    converse(opening(SUBMISSION, auth="always"), f"{HELO}C: AUTH PLAIN {PLAIN}\nS: 235 2.7.0 Logged in")


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("AUTH", "501 5.5.4 Syntax: AUTH <mechanism> [<initial response in base64>]"),
        ("AUTH PLAIN a b", "501 5.5.4 Syntax: AUTH <mechanism> [<initial response in base64>]"),
        ("AUTH PLAIN =AAA", "501 5.5.2 this is not base64"),
        ("AUTH PLAIN Zm9v*", "501 5.5.2 this is not base64"),
        ("AUTH CRAM-MD5", "504 5.5.4 This mechanism is not offered; there are: PLAIN LOGIN"),
        ("AUTH PLAIN =", "501 5.5.2 PLAIN takes three fields: whom to act as, user name, password"),
        (f"AUTH PLAIN {encode_base64(b'ada').decode()}", "501 5.5.2 PLAIN takes three fields..."),
        ("AUTH PLAIN\nS: 334...\nC: *", "501 5.7.0 The login was cancelled"),
        ("AUTH PLAIN\nS: 334...\nC: =", "501 5.5.2 The response is not base64"),
        ("AUTH PLAIN\nS: 334...\nC: not base64", "501 5.5.2 The response is not base64"),
        ("AUTH PLAIN\nS: 334...\nC: \\xff", "501 5.5.2 The response is not base64"),
        (f"AUTH PLAIN\nS: 334...\nC: {'A' * 12288}", "500 5.5.6 The response is too long"),
        ("AUTH PLAIN\nS: 334...\nC| AAAA\\x0a\nC: NOOP\nS: 500 5.5.2 A line ended...", "250 2.0.0 OK"),
        (f"AUTH PLAIN {PLAIN}\nS: 235 2.7.0 Logged in\nC: AUTH PLAIN", "503 5.5.1 You have logged in already"),
    ],
)
def test_what_is_refused_and_why(command: str, answer: str) -> None:
    happened = converse(private, f"{HELO}C: {command}\nS: {answer}\nC: QUIT\nS: 221 ...\nS closes")
    assert isinstance(happened[-1], Quit)


def test_the_session_hears_that_an_exchange_is_over() -> None:
    happened = converse(
        private, f"{HELO}C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 501 5.7.0 The login was cancelled"
    )
    assert happened == [Hello("x", False), Authenticate("LOGIN", None), AuthResponse(None)]


def test_on_the_smtp_port_who_logs_in_submits() -> None:
    machine, session = server(MX, tls=True)
    feed(machine, session, f"EHLO x\r\nAUTH PLAIN {PLAIN}\r\n".encode())
    assert machine.role is SUBMISSION
    assert machine.logged_in
    assert b"AUTH" not in feed(machine, session, b"EHLO x\r\n")


def test_a_long_challenge_is_one_line() -> None:
    """Mechanisms with certificates or tokens send more than the 512 octets of a reply line (RFC 4954 §4)."""

    def talkative(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, Authenticate):
            machine.challenge(b"x" * 3000)
        return isinstance(event, Authenticate)

    converse(answering(talkative, tls=True), f"{HELO}C: AUTH PLAIN\nS: 334 {'eHh4' * 1000}")


def test_a_lost_connection_ends_an_exchange() -> None:
    converse(private, f"{HELO}C: AUTH PLAIN\nS: 334...\nC| AGFk\nC eof\nS closes")
