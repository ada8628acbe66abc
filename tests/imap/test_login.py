"""Before and beside the login: RFC 9051 §6.1, §6.2; ID, SASL-IR, LITERAL+, LOGINDISABLED."""

from __future__ import annotations

import pytest

from imap_session import b64, converse, machine_in, refused, said
from posthouse.errors import LocalProtocolError
from posthouse.imap.command import Authenticate, Enable, Id, Login, Logout, Noop
from posthouse.imap.event import AuthResponse, Command
from posthouse.imap.table import State

NEW = State.NOT_AUTHENTICATED
OFFER = "IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE"


def test_greeting() -> None:
    machine = machine_in(NEW)
    machine.greet("Posthouse is ready")
    assert machine.data_to_send() == (
        b"* OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR STARTTLS LOGINDISABLED ID ENABLE IDLE NAMESPACE "
        b"UNSELECT UIDPLUS MOVE] Posthouse is ready\r\n"
    )


def test_capabilities_change_with_tls_and_login() -> None:
    events = converse(
        """
        C: a CAPABILITY
        S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR STARTTLS LOGINDISABLED ID...
        S: a OK CAPABILITY completed
        C: b STARTTLS
        S: b OK Begin TLS negotiation now
        TLS
        C: c CAPABILITY
        S: * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE """
        """UNSELECT UIDPLUS MOVE AUTH=PLAIN AUTH=LOGIN
        S: c OK...
        C: d LOGIN bob secret
        S: d OK...
        C: e CAPABILITY
        S: * CAPABILITY """
        + OFFER
        + """...
        S: e OK...
        """,
        state=NEW,
    )
    assert events == [Command("d", Login("bob", "secret"))]


def test_what_is_sent_behind_starttls_is_never_read() -> None:
    machine = machine_in(NEW)
    machine.receive_data(b"a STARTTLS\r\nb LOGIN bob secret\r\n")
    assert list(machine.events()) == []
    machine.tls_started()
    assert list(machine.events()) == []
    assert machine.data_to_send() == b"a OK Begin TLS negotiation now\r\n"


def test_starttls_where_there_is_none() -> None:
    refused("STARTTLS", "BAD STARTTLS: there is no TLS...", state=NEW, tls_available=False)
    refused("STARTTLS", "BAD STARTTLS: TLS is active already", state=NEW, tls=True)


@pytest.mark.parametrize(
    "line",
    ["LOGIN bob secret", 'LOGIN "bob" "secret"', "login BOB secret", "Login bob {6+}\nC: secret",
     "LOGIN {3+}\nC| bob {6+}\\x0d\\x0a\nC: secret"],
)  # fmt: skip
def test_login(line: str) -> None:
    command = said(line, state=NEW, tls=True)
    assert isinstance(command, Login)
    assert (command.user.lower(), command.password) == ("bob", "secret")
    assert "secret" not in repr(command)


def test_login_by_literals_that_wait() -> None:
    """RFC 3501 §4.3, with its example's password."""
    events = []

    machine = machine_in(NEW, tls=True)
    for sent, answer in (
        (b"A001 LOGIN {11}\r\n", b"+ go on\r\n"), (b"FRED FOOBAR {7}\r\n", b"+ go on\r\n"), (b"fat man\r\n", b"")
    ):  # fmt: skip
        machine.receive_data(sent)
        for event in machine.events():
            events.append(event)
            machine.authenticated()
            machine.ok("LOGIN completed")
            answer = b"A001 OK LOGIN completed\r\n"
        assert machine.data_to_send() == answer
    assert events == [Command("A001", Login("FRED FOOBAR", "fat man"))]


def test_no_passwords_in_clear_text() -> None:
    """LOGINDISABLED: and the literal with the password isn't asked for."""
    refused("LOGIN bob secret", "NO [PRIVACYREQUIRED] LOGIN: no passwords in clear text...", state=NEW)
    refused("LOGIN bob {6}", "NO [PRIVACYREQUIRED]...", state=NEW)
    refused("LOGIN bob {6+}\nC: secret", "NO [PRIVACYREQUIRED]...", state=NEW)
    refused("AUTHENTICATE PLAIN", "NO [PRIVACYREQUIRED]...", state=NEW)
    assert said("LOGIN bob secret", state=NEW, login_allowed="always") == Login("bob", "secret")


@pytest.mark.parametrize("line", ["LOGIN", "LOGIN bob", "LOGIN bob secret more", "LOGIN  bob secret", "LOGIN bob\tx"])
def test_malformed_logins(line: str) -> None:
    refused(line, "BAD LOGIN: expected...", state=NEW, tls=True)


def test_a_user_name_is_utf8() -> None:
    assert said('LOGIN "jürgen" "pässword"', state=NEW, tls=True) == Login("jürgen", "pässword")
    refused('LOGIN "j\\xfcrgen" x', "BAD LOGIN: octets above 127 that are not UTF-8", state=NEW, tls=True)


def test_authenticate() -> None:
    events = converse(
        f"""
        C: a AUTHENTICATE plain
        S: + {b64("go on")}
        C: {b64("more")}
        S: + {b64("and?")}
        C: {b64("enough")}
        S: a OK logged in
        C: b NOOP
        S: b OK done
        """,
        state=NEW,
        tls=True,
    )
    assert events == [
        Command("a", Authenticate("PLAIN")), AuthResponse(b"more"), AuthResponse(b"enough"), Command("b", Noop()),
    ]  # fmt: skip
    assert "enough" not in repr(events[2])


def test_initial_responses() -> None:
    """RFC 4959 §3: "=" is an empty one."""
    line = f"AUTHENTICATE PLAIN {b64('x')}"
    assert said(line, state=NEW, tls=True) == Authenticate("PLAIN", b"x")
    assert said("AUTHENTICATE PLAIN =", state=NEW, tls=True) == Authenticate("PLAIN", b"")
    refused("AUTHENTICATE PLAIN a", "BAD AUTHENTICATE: that is not base64", state=NEW, tls=True)
    refused("AUTHENTICATE PLAIN a*", "BAD AUTHENTICATE:...", state=NEW, tls=True)


@pytest.mark.parametrize(("line", "reason"), [("*", "Authentication cancelled"), ("x", "...")])
def test_an_authentication_that_is_given_up(line: str, reason: str) -> None:
    events = converse(
        f"C: a AUTHENTICATE LOGIN\nS: +...\nC: {line}\nS: a BAD {reason}\nC: b NOOP\nS: b OK done", state=NEW, tls=True
    )
    assert isinstance(events[1], AuthResponse)
    assert events[1].data is None


def test_unknown_mechanisms() -> None:
    refused("AUTHENTICATE FOO", "NO [CANNOT] AUTHENTICATE: there is no mechanism FOO, only PLAIN, LOGIN", state=NEW)


def test_an_authentication_line_is_limited() -> None:
    converse(
        f"C: a AUTHENTICATE PLAIN\nS: +...\nC| {'A' * 12290}\nS: a BAD...\nS: * BYE [LIMIT]...\nS closes",
        state=NEW,
        tls=True,
    )


def test_id() -> None:
    assert said('ID ("Name" "x" "version" NIL)') == Id({"name": "x", "version": None})
    assert said("ID NIL", state=NEW) == Id({})
    assert said("ID ()") == Id({})
    refused('ID ("name")', "BAD ID:...")
    refused("ID", "BAD ID:...")
    refused("ID (" + " ".join(f'"{n}" "x"' for n in range(31)) + ")", "BAD ID: ID takes 30 pairs...")
    refused(f'ID ("{"n" * 31}" "x")', "BAD ID: ID takes...")
    refused(f'ID ("n" "{"x" * 1025}")', "BAD ID: ID takes...")


def test_enable() -> None:
    (event,) = converse("C: a ENABLE condstore X-FOO CONDSTORE\nS: * ENABLED CONDSTORE X-FOO\nS: a OK done")
    assert event == Command("a", Enable(("CONDSTORE", "X-FOO")))
    refused("ENABLE", "BAD ENABLE:...")
    refused("ENABLE CONDSTORE  X", "BAD ENABLE:...")
    refused("ENABLE CONDSTORE", "BAD ENABLE: not possible now: you are not logged in", state=NEW)


def test_enabling_utf8_changes_mailbox_names_and_texts() -> None:
    machine = machine_in(State.AUTHENTICATED)
    assert not machine.utf8
    machine.receive_data(b"a ENABLE IMAP4rev2\r\n")
    for _ in machine.events():
        machine.enabled(["IMAP4rev2"])
        machine.ok("für dich")
    assert machine.data_to_send().decode() == "* ENABLED IMAP4rev2\r\na OK für dich\r\n"
    assert machine.utf8 and machine.rev2


def test_a_malformed_logout_ends_nothing() -> None:
    """Nobody is cut off without BYE (RFC 9051 §3.4)."""
    converse("C: a LOGOUT x\nS: a BAD LOGOUT: expected...\nC: b NOOP\nS: b OK done", state=NEW)


def test_logout() -> None:
    events = converse("C: a LOGOUT\nS: * BYE until next time\nS: a OK done\nS closes", state=NEW)
    assert events == [Command("a", Logout())]


def test_nothing_is_read_after_logout() -> None:
    machine = machine_in(NEW)
    machine.receive_data(b"a LOGOUT\r\nb NOOP\r\n")
    for event in machine.events():
        assert event == Command("a", Logout())
        machine.bye("so long")
        machine.ok("done")
    assert machine.closed


# -- what a session must not do --------------------------------------------------------------------------------------


def test_a_session_that_forgets_to_answer() -> None:
    machine = machine_in(NEW)
    machine.receive_data(b"a NOOP\r\nb NOOP\r\n")
    with pytest.raises(LocalProtocolError, match="NOOP was not answered"):
        list(machine.events())


def test_answers_that_nobody_waits_for() -> None:
    machine = machine_in(State.AUTHENTICATED)
    for answer in (machine.ok, machine.no, machine.bad):
        with pytest.raises(LocalProtocolError):
            answer("x")
    for wrong in (machine.idling, machine.accept_literal, lambda: machine.challenge(b""), machine.authenticated):
        with pytest.raises(LocalProtocolError):
            wrong()
    with pytest.raises(LocalProtocolError):
        machine_in(NEW).selected(read_only=True)


def test_texts_are_kept_to_one_line_of_ascii() -> None:
    machine = machine_in(NEW)
    machine.receive_data(b"a NOOP\r\nb NOOP\r\nc NOOP\r\nd NOOP\r\n")
    for text, _ in zip(("two\r\nlines", "für", "[ALERT] x", ""), machine.events(), strict=True):
        machine.no(text)
    assert machine.data_to_send().split(b"\r\n") == [
        b"a NO two  lines", b"b NO f\\xfcr", b"c NO  [ALERT] x", b"d NO Done", b"",
    ]  # fmt: skip
    machine.receive_data(b"e NOOP\r\n")
    for _ in machine.events():
        with pytest.raises(LocalProtocolError):
            machine.no("x", "FOO]\r\n")
        machine.ok("x")
