"""The POP3 server's machine in the AUTHORIZATION state: logins, TLS, capabilities, languages."""

from __future__ import annotations

import base64

import pytest

from pop3_session import LOGIN, feed, server, talk, talk_in
from posthouse.pop3.event import Authenticate, AuthResponse, Login, Update
from posthouse.pop3.server import Pop3Server

PLAIN = base64.b64encode(b"\0ada\0secret").decode()
CAPABILITIES = """
C: CAPA
S: +OK What this server can do
S: TOP
S: UIDL
S: USER
S: SASL PLAIN LOGIN
S: RESP-CODES
S: AUTH-RESP-CODE
S: PIPELINING
S: EXPIRE NEVER
S: LOGIN-DELAY 0
S: UTF8 USER
S: LANG
S: IMPLEMENTATION Posthouse
S: .
"""
IN_CLEAR_TEXT = CAPABILITIES.replace("S: USER\nS: SASL PLAIN LOGIN\n", "S: STLS\n")
PRIVATE = {"auth": "after tls", "tls_available": True}


def test_user_and_pass() -> None:
    assert talk(LOGIN) == [Login("ada", "secret")]
    assert talk("C: user ada\nS: +OK...\nC: pass secret\nS: +OK...") == [Login("ada", "secret")]


def test_a_password_keeps_its_spaces() -> None:
    machine, session = server()
    said = feed(machine, session, b"USER ada\r\nPASS  two words \r\n")  # a transcript's lines have no blanks at the end
    assert said.endswith(b"+OK Logged in; 2 messages (64 octets)\r\n")


def test_utf8_in_names_and_passwords() -> None:
    assert talk("C: USER jürgen\nS: +OK...\nC: PASS straße\nS: +OK...") == [Login("jürgen", "straße")]
    talk("C: USER j\\xfcrgen\nS: -ERR The command is not UTF-8 text")


def test_a_wrong_password_and_another_attempt() -> None:
    text = """
        C: USER ada
        S: +OK Send the password with PASS
        C: PASS wrong
        S: -ERR [AUTH] The user name or the password is wrong
        C: PASS secret
        S: -ERR Send USER first, and PASS right behind it
    """
    talk(text + LOGIN)


@pytest.mark.parametrize("between", ["CAPA", "LANG en", "NOOP", "RETR x", "nonsense"])
def test_pass_comes_right_behind_user(between: str) -> None:
    machine, session = server()
    said = feed(machine, session, f"USER ada\r\n{between}\r\nPASS secret\r\n".encode())
    assert said.endswith(b"-ERR Send USER first, and PASS right behind it\r\n")
    assert machine.maildrop is None


def test_who_exists_is_not_told() -> None:
    for name in ("ada", "nobody"):
        talk(
            f"C: USER {name}\nS: +OK Send the password with PASS\n"
            "C: PASS x\nS: -ERR [AUTH] The user name or the password is wrong"
        )


@pytest.mark.parametrize("command", ["STAT", "LIST", "RETR 1", "DELE 1", "NOOP", "RSET", "TOP 1 0", "UIDL"])
def test_commands_of_the_next_state(command: str) -> None:
    talk(f"C: {command}\nS: -ERR Log in first")


def test_quit_without_a_login() -> None:
    assert talk("C: QUIT\nS: +OK Goodbye\nS closes") == []
    assert talk_in("C: QUIT\nS: +OK Goodbye\nS closes") == [Update()]


def test_capabilities_are_the_same_before_and_after_the_login() -> None:
    talk(CAPABILITIES + LOGIN + CAPABILITIES)


def test_capabilities_in_clear_text_and_under_tls() -> None:
    talk(f"{IN_CLEAR_TEXT}\nC: STLS\nS: +OK Ready to start TLS\nTLS\n{CAPABILITIES}{LOGIN}{CAPABILITIES}", **PRIVATE)


def test_no_mechanism_no_sasl() -> None:
    talk(CAPABILITIES.replace("S: SASL PLAIN LOGIN\n", ""), mechanisms=())


@pytest.mark.parametrize("command", ["USER ada", f"AUTH PLAIN {PLAIN}", "AUTH NOTHING"])
def test_no_login_in_clear_text(command: str) -> None:
    talk(f"C: {command}\nS: -ERR Logging in requires encryption; send STLS first", **PRIVATE)
    talk(f"C: {command}\nS: -ERR Logging in is not possible here...", auth="after tls")


def test_stls() -> None:
    talk(f"C: STLS\nS: +OK Ready to start TLS\nTLS\n{LOGIN}", **PRIVATE)
    talk("C: STLS\nS: -ERR STLS is not offered here")
    talk("C: STLS\nS: -ERR TLS is active already", tls=True, tls_available=True)
    talk("C: STLS now\nS: -ERR Syntax: STLS", **PRIVATE)


def test_starttls_injection_what_came_before_the_handshake_is_thrown_away() -> None:
    machine, session = server(auth="after tls", tls_available=True)
    said = feed(machine, session, b"UTF8\r\nSTLS\r\nUSER ada\r\nPASS secret\r\n")
    assert said == b"+OK UTF-8 from now on\r\n+OK Ready to start TLS\r\n"
    machine.tls_started()
    assert not machine.utf8
    assert feed(machine, session, b"PASS secret\r\n") == b"-ERR Send USER first, and PASS right behind it\r\n"


def test_a_user_named_before_tls_is_forgotten() -> None:
    machine, session = server(auth="always", tls_available=True)
    feed(machine, session, b"USER ada\r\nSTLS\r\n")
    machine.tls_started()
    assert feed(machine, session, b"PASS secret\r\n") == b"-ERR Send USER first, and PASS right behind it\r\n"


def test_auth_with_an_initial_response() -> None:
    text = f"C: AUTH PLAIN {PLAIN}\nS: +OK Logged in; 2 messages (64 octets)"
    assert talk(text) == [Authenticate("PLAIN", b"\0ada\0secret")]


def test_auth_with_challenges() -> None:
    events = talk("""
        C: AUTH LOGIN
        S: + VXNlcm5hbWU6
        C: YWRh
        S: + UGFzc3dvcmQ6
        C: c2VjcmV0
        S: +OK Logged in...
    """)
    assert events == [Authenticate("LOGIN", None), AuthResponse(b"ada"), AuthResponse(b"secret")]


def test_an_empty_challenge_is_a_plus_and_a_space() -> None:
    machine, session = server()
    assert feed(machine, session, b"AUTH plain\r\n") == b"+ \r\n"
    assert feed(machine, session, PLAIN.encode() + b"\r\n").startswith(b"+OK")


def test_an_empty_initial_response() -> None:
    events = talk("C: AUTH PLAIN =\nS: -ERR PLAIN takes three fields...")
    assert events == [Authenticate("PLAIN", b"")]


def test_auth_that_is_given_up_or_makes_no_sense() -> None:
    assert talk("C: AUTH LOGIN\nS: + ...\nC: *\nS: -ERR The login was cancelled\n" + LOGIN)[1] == AuthResponse(None)
    talk("C: AUTH LOGIN\nS: + ...\nC: =AAA\nS: -ERR The response is not base64\n" + LOGIN)
    talk("C: AUTH PLAIN AAA=BBB\nS: -ERR The response is not base64")
    talk("C: AUTH\nS: -ERR Syntax: AUTH <mechanism> [<initial response in base64>]")
    talk("C: AUTH PLAIN a b\nS: -ERR Syntax: AUTH...")
    talk("C: AUTH GSSAPI\nS: -ERR This mechanism is not offered; there are: PLAIN LOGIN")
    wrong = base64.b64encode(b"\0ada\0wrong").decode()
    talk(f"C: AUTH PLAIN {wrong}\nS: -ERR [AUTH] The user name or the password is wrong\n{LOGIN}")


def test_a_password_is_in_no_event_s_words() -> None:
    for event in (Login("ada", "secret"), Authenticate("PLAIN", b"secret"), AuthResponse(b"secret")):
        assert "secret" not in repr(event)


def test_languages() -> None:
    talk("""
        C: LANG
        S: +OK The languages of this server
        S: en English
        S: .
        C: LANG en
        S: +OK en This is the language of the replies
        C: LANG EN
        S: +OK en This is the language of the replies
        C: LANG *
        S: +OK en This is the language of the replies
        C: LANG uga
        S: -ERR Replies are not there in this language; LANG alone lists those that are
    """)
    talk_in("C: LANG en\nS: +OK en ...")


def test_utf8() -> None:
    machines: list[Pop3Server] = []
    talk("C: UTF8\nS: +OK UTF-8 from now on", prepare=lambda session: machines.append(session.machine))
    assert all(machine.utf8 for machine in machines)
