"""Every limit has an answer that explains it, and what is beyond a limit is not kept."""

from __future__ import annotations

from typing import Any

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.smtp.event import Aborted, Chunk, End
from posthouse.smtp.limits import Limits
from posthouse.smtp.role import LMTP
from posthouse.smtp.server import Auth
from smtp_session import LHLO, feed, opening, server
from transcript import converse

TRANSACTION = "C: MAIL FROM:<>\nS: 250 2.1.0 ...\nC: RCPT TO:<b@b.example>\nS: 250 2.1.5 ...\nC: DATA\nS: 354 ...\n"
HELO = "C: HELO x\nS: 250 mx.example\n"


def limited(*, auth: Auth = "after tls", **limits: int) -> Any:
    return opening(limits=Limits(**{"size": 20, **limits}), auth=auth)


def test_a_letter_of_just_the_size_is_taken() -> None:
    happened = converse(limited(), HELO + TRANSACTION + f"C: {'x' * 18}\nC: .\nS: 250 2.0.0 Letter 1 kept")
    assert happened[-2:] == [Chunk(b"x" * 18 + b"\r\n"), End(20)]


def test_a_letter_that_grows_too_big_is_read_thrown_away_and_refused() -> None:
    happened = converse(
        limited(),
        HELO
        + TRANSACTION
        + f"""
        C: {"x" * 10}
        C: {"x" * 10}
        C: {"x" * 50}
        C: .
        S: 552 5.3.4 The message is larger than this server accepts
        C: NOOP
        S: 250 2.0.0 OK
        """
        + TRANSACTION
        + "C: .\nS: 250 2.0.0 Letter 1 kept",
    )
    assert [event for event in happened if isinstance(event, Aborted | End)] == [Aborted(), End(0)]


def test_a_letter_that_is_too_big_is_an_error_like_any_other() -> None:
    letter = TRANSACTION + f"C: {'x' * 20}\nC: .\nS: 552 5.3.4 ...\n"
    converse(limited(errors=2), HELO + letter + letter + "S: 421 4.7.0 ...\nS closes")


@pytest.mark.parametrize("begin", [TRANSACTION, TRANSACTION.replace("C: DATA\nS: 354 ...", "C: BDAT 90")])
def test_a_letter_is_thrown_away_once(begin: str) -> None:
    happened = converse(limited(), HELO + begin + f"C| {'x' * 60}\nC eof\nS closes")
    assert happened.count(Aborted()) == 1


def test_in_lmtp_each_recipient_hears_that_the_letter_is_too_big() -> None:
    converse(
        opening(LMTP, limits=Limits(size=5)),
        LHLO.replace("SIZE 1000", "SIZE 5")
        + """
        C: MAIL FROM:<>
        C: RCPT TO:<b@b.example>
        C: RCPT TO:<c@b.example>
        C: DATA
        C: 1234
        C: .
        S: 250 2.1.0 ...
        S: 250 2.1.5 ...
        S: 250 2.1.5 ...
        S: 354 ...
        S: 552 5.3.4 ...
        S: 552 5.3.4 ...
        """,
    )


def test_a_letter_without_end_is_cut_off() -> None:
    converse(
        limited(excess=30),
        HELO
        + TRANSACTION
        + f"C: {'x' * 60}\nC: more\nS: 552 5.3.4 The message is larger than this server accepts\nS: 421 4.5.0 ...\n"
        + "S closes",
    )


def test_a_lie_about_the_size_changes_nothing() -> None:
    machine, session = server(limits=Limits(size=20))
    feed(machine, session, b"HELO x\r\nMAIL FROM:<> SIZE=1\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
    assert feed(machine, session, b"x" * 30 + b"\r\n.\r\n").startswith(b"552 5.3.4")
    assert session.letters == []


def test_recipients() -> None:
    converse(
        limited(recipients=1),
        HELO
        + """
        C: MAIL FROM:<>
        S: 250 2.1.0 ...
        C: RCPT TO:<nobody@b.example>
        S: 550 5.1.1 ...
        C: RCPT TO:<b@b.example>
        S: 250 2.1.5 ...
        C: RCPT TO:<c@b.example>
        S: 452 4.5.3 Too many recipients; send the message to the others in a further transaction
        C: DATA
        S: 354 ...
        C: .
        S: 250 2.0.0 Letter 1 kept
        """,
    )


@pytest.mark.parametrize(
    "mistake", ["BLA\nS: 500 5.5.1 ...", "DATA\nS: 503 5.5.1 ...", "MAIL FROM:<nobody@b.example>\nS: 553 5.7.1 ..."]
)
def test_errors(mistake: str) -> None:
    converse(
        limited(errors=2),
        f"""
        {HELO}
        C: {mistake}
        C: NOOP
        S: 250 2.0.0 OK
        C: {mistake}
        S: 421 4.7.0 Too many errors on this connection; closing it
        S closes
        C: NOOP
        S closes
        """,
    )


def test_who_has_logged_in_may_write_to_people_who_are_gone() -> None:
    converse(
        limited(errors=2, auth="always"),
        HELO
        + "C: AUTH PLAIN AGFkYQBzZWNyZXQ=\nS: 235 2.7.0 ...\nC: MAIL FROM:<>\nS: 250 2.1.0 ...\n"
        + "C: RCPT TO:<nobody@b.example>\nS: 550 5.1.1 ...\n" * 5
        + "C: BLA\nS: 500 5.5.1 ...\nC: BLA\nS: 500 5.5.1 ...\nS: 421 4.7.0 ...\nS closes",
    )


def test_a_letter_that_is_taken_forgives_errors_and_commands() -> None:
    letter = TRANSACTION + "C: .\nS: 250 2.0.0 ...\n"
    mistake = "C: BLA\nS: 500 5.5.1 ...\n"
    converse(limited(errors=2, commands=5), HELO + mistake + letter + mistake + letter)


def test_commands() -> None:
    converse(
        limited(commands=3),
        HELO
        + """
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: NOOP
        S: 421 4.7.0 Too many commands on this connection; connect again to go on
        S closes
        """,
    )


def test_a_long_line_is_passed_over_and_the_next_one_is_read() -> None:
    converse(
        limited(command_line=512),
        f"""
        C: NOOP {"x" * 505}
        S: 250 2.0.0 OK
        C: NOOP {"x" * 506}
        S: 500 5.5.2 The command line is too long
        C: {"x" * 3000}
        S: 500 5.5.2 The command line is too long
        C: NOOP
        S: 250 2.0.0 OK
        """,
    )


def test_a_line_without_end_is_cut_off() -> None:
    machine, session = server(limits=Limits(overlong_line=2000, command_line=1000))
    assert feed(machine, session, b"x" * 1500) == b""
    assert (
        feed(machine, session, b"x" * 1500) == b"421 4.7.0 a line of more than 2000 octets; closing the connection\r\n"
    )
    assert machine.closed
    assert len(machine.reader) <= 3000


def test_the_machine_keeps_no_part_of_a_letter() -> None:
    machine, session = server(limits=Limits(size=10_000_000))
    feed(machine, session, b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
    for _ in range(200):
        feed(machine, session, (b"x" * 70 + b"\r\n") * 100)
        assert len(machine.reader) < 10


@pytest.mark.parametrize("limits", [{"size": 0}, {"recipients": -1}, {"command_line": 100}])
def test_limits_can_not_be_wrong(limits: dict[str, int]) -> None:
    with pytest.raises(LocalProtocolError):
        Limits(**limits)
