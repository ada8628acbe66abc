"""What a client may ask of the POP3 server's machine, and what it is told beyond that."""

from __future__ import annotations

import pytest

from pop3_session import LOGIN, feed, server, talk, talk_in
from posthouse.errors import LocalProtocolError
from posthouse.pop3.limits import Limits
from posthouse.pop3.reply import ok


def test_lines() -> None:
    fits = "NOOP" + " " * 249
    talk_in(f"C: {fits}\nS: +OK Still here", limits=Limits(command_line=255))
    talk_in(
        f"C: {fits} \x20x\nS: -ERR The command line is too long\nC: NOOP\nS: +OK...", limits=Limits(command_line=255)
    )
    talk_in(
        f"C| {'x' * 3000}\nS: -ERR a line of more than 1000 octets; closing the connection\nS closes",
        limits=Limits(overlong_line=1000, command_line=255),
    )


def test_what_is_no_command() -> None:
    talk("C:\nS: -ERR Unknown command; CAPA lists what is known here")
    talk("C: APOP ada c4c9334bac560ecc979e58001b3e22fb\nS: -ERR Unknown command...")
    talk("C: X\\x00\nS: -ERR The command has a control character in it...")
    talk("C: RETR\\x091\nS: -ERR The command has a control character in it...")
    talk("C| CAPA\\x0a\nS: -ERR A line ended with <LF> alone...\n" + LOGIN)
    talk("C: GET / HTTP/1.1\nS: -ERR This is a mail server, not a web server; closing the connection\nS closes")


def test_errors_close_the_connection() -> None:
    text = "C: x\nS: -ERR Unknown...\nC: RETR 1\nS: -ERR Log in first\nC: x\nS: -ERR Unknown...\n"
    text += "S: -ERR [SYS/TEMP] Too many errors on this connection; closing it\nS closes"
    talk(text, limits=Limits(errors=3))


def test_failed_logins_are_errors() -> None:
    once = "C: USER ada\nS: +OK...\nC: PASS x\nS: -ERR [AUTH]...\n"
    talk(once * 3 + "S: -ERR [SYS/TEMP] Too many errors...\nS closes", limits=Limits(errors=3))


def test_commands_before_the_login() -> None:
    limits = Limits(commands_before_login=3)
    text = "C: LANG *\nS: +OK...\n"
    talk(text * 3 + "C: CAPA\nS: -ERR [SYS/TEMP] Too many commands before a login...\nS closes", limits=limits)
    talk(text + LOGIN + "C: NOOP\nS: +OK...\n" * 10, limits=limits)


def test_a_client_that_speaks_first_is_not_heard() -> None:
    machine, session = server()
    machine.receive_data(b"USER ada\r\n")
    machine.greet("again <x>")
    assert feed(machine, session, b"") == b"+OK again x\r\n", "no APOP in the greeting either"


def test_an_endless_response_to_a_challenge() -> None:
    machine, session = server(limits=Limits(command_line=255, overlong_line=1000))
    feed(machine, session, b"AUTH LOGIN\r\n")
    assert feed(machine, session, b"A" * 500 + b"\r\n") == b"-ERR The command line is too long\r\n"
    assert not machine.closed


@pytest.mark.parametrize("wrong", [{"errors": 0}, {"command_line": 100}, {"commands_before_login": -1}])
def test_limits_that_can_not_be(wrong: dict[str, int]) -> None:
    with pytest.raises(LocalProtocolError):
        Limits(**wrong)


def test_the_end_of_input() -> None:
    talk("C eof\nS closes")
    talk("C| USER\nC eof\nS closes")
    assert bytes(ok()) == b"+OK\r\n"
