"""Logging in: which mechanism is taken, what is tried when it is refused, and what a server has to prove."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme

from dialogue import converse
from faced import Faced
from live import PASSWORDS, Live, live
from posthouse.client import imap, login, pop3, smtp
from posthouse.client.login import LoggedIn
from posthouse.client.url import Protocol, Server
from posthouse.errors import ConfigError, LoginRefused, PosthouseError, RemoteProtocolError
from posthouse.imap.client import ClientState
from posthouse.wire.external import Certified
from posthouse.wire.mechanism import MECHANISMS, Needs, Secret, usable
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials, encode_base64
from posthouse.wire.scram import Channel
from posthouse.wire.steps import Steps

ADA = Credentials("ada@example.org", "secret")
TOKEN = Token("ada@example.org", "token")
PLAIN = "AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ="
NONCE = "c" * 24
FIRST = encode_base64(f"n,,n=ada@example.org,r={NONCE}".encode()).decode()
SALT = "s=W22ZaJ0SNY7soEsUEjb6gQ=="


@pytest.fixture(autouse=True)
def nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login.secrets, "token_urlsafe", lambda _: NONCE)


def at_smtp(mechanisms: str, secret: Secret = ADA, query: str = "") -> Callable[[], Steps[LoggedIn]]:
    talk = smtp.Conversation(Server.parse(f"smtps://mail.example.org{query}", Protocol.SMTP), "x")
    talk.tls, talk.capabilities = True, {"AUTH": mechanisms}
    return lambda: smtp.login(talk, secret)


def at_imap(mechanisms: str, secret: Secret = ADA) -> Callable[[], Steps[LoggedIn]]:
    def operation() -> Steps[LoggedIn]:
        talk = imap.Conversation(Server.parse("imaps://mail.example.org", Protocol.IMAP))
        talk.tls, talk.state = True, ClientState.NOT_AUTHENTICATED
        talk.capabilities = frozenset({f"AUTH={name}" for name in mechanisms.split()} | {"SASL-IR"})
        return imap.login(talk, secret)

    return operation


def at_pop3(mechanisms: str, secret: Secret = ADA) -> Callable[[], Steps[LoggedIn]]:
    talk = pop3.Conversation(Server.parse("pop3s://mail.example.org", Protocol.POP3))
    talk.tls, talk.capabilities = True, {"SASL": mechanisms, "USER": ""}
    return lambda: pop3.login(talk, secret)


def names(offered: str, secret: Secret, **bindings: bytes) -> list[str]:
    return [row.name for row in usable(offered.split(), secret, Channel("c" * 18, bindings))]


def test_what_is_tried_in_turn() -> None:
    everything = " ".join(MECHANISMS)
    assert names(everything, ADA) == ["SCRAM-SHA-256", "PLAIN"]
    assert names(everything, ADA, exporter=b"x") == ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"]
    assert names("LOGIN SCRAM-SHA-1 NTLM", ADA) == ["SCRAM-SHA-1", "LOGIN"]
    assert names(everything, TOKEN) == ["OAUTHBEARER"]
    assert names("PLAIN XOAUTH2", TOKEN) == ["XOAUTH2"]
    assert names(everything, Certified("")) == ["EXTERNAL"]
    assert names("NTLM", ADA) == names("PLAIN", TOKEN) == []


# -- transcripts -----------------------------------------------------------------------------------------------------


def challenge(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SERVER_FIRST = challenge(f"r={NONCE}server,{SALT},i=4096")


@pytest.mark.parametrize(
    ("operation", "talk"),
    [
        (at_smtp, f"C: AUTH SCRAM-SHA-256 {FIRST}\nS: 535 5.7.8 no\nC: AUTH PLAIN {PLAIN}\nS: 235 ok"),
        (at_imap, f"C: P1 AUTHENTICATE SCRAM-SHA-256 {FIRST}\nS: P1 NO no\nC: P2 AUTHENTICATE PLAIN {PLAIN}\nS: P2 OK"),
        (at_pop3, f"C: AUTH SCRAM-SHA-256 {FIRST}\nS: -ERR [AUTH] no\nC: AUTH PLAIN {PLAIN}\nS: +OK"),
        # RFC 5802 §7: it may say so within the dialogue
        (
            at_pop3,
            f"C: AUTH SCRAM-SHA-256 {FIRST}\nS: + {SERVER_FIRST}\nC: PROOF\nS: + {challenge('e=unknown-user')}\nC: *\n"
            f"S: -ERR [AUTH] no\nC: AUTH PLAIN {PLAIN}\nS: +OK",
        ),
    ],
)
def test_a_server_without_keys_for_scram(operation: Callable[[str], Callable[[], Steps[LoggedIn]]], talk: str) -> None:
    """It refuses the login without saying why; the password goes by PLAIN then, under TLS."""
    proof = encode_base64(final_message(f"r={NONCE}server,{SALT},i=4096")).decode()
    assert converse(operation("PLAIN SCRAM-SHA-256"), talk.replace("PROOF", proof)) == LoggedIn("PLAIN", second=True)


@pytest.mark.parametrize("operation", [at_smtp, at_imap, at_pop3])
@pytest.mark.parametrize("said", ["", "e=invalid-proof"])
def test_a_wrong_password_counts_as_one_login(
    operation: Callable[[str], Callable[[], Steps[LoggedIn]]], said: str
) -> None:
    """A server that named a salt and refuses the proof has keys: PLAIN would be a second failed login, which counts."""
    tag, go, no = {
        at_smtp: ("AUTH", "334", "535 5.7.8 no"),
        at_imap: ("P1 AUTHENTICATE", "+", "P1 NO no"),
        at_pop3: ("AUTH", "+", "-ERR [AUTH] no"),
    }[operation]
    proof = encode_base64(final_message(f"r={NONCE}server,{SALT},i=4096")).decode()
    why = f"S: {go} {challenge(said)}\nC: *\n" if said else ""
    talk = f"C: {tag} SCRAM-SHA-256 {FIRST}\nS: {go} {SERVER_FIRST}\nC: {proof}\n{why}S: {no}"
    with pytest.raises(LoginRefused, match=r"refused the login of ada@example\.org") as caught:
        converse(operation("PLAIN SCRAM-SHA-256"), talk)
    assert "?auth=plain" in caught.value.advice


def test_a_password_that_servers_prepare_in_different_ways_goes_by_plain_all_the_same() -> None:
    """RFC 4013: not every server has made its keys of the same letters."""
    ada = Credentials("ada@example.org", "geheimniß")
    salted = f"r={NONCE}server,{SALT},i=4096"
    proof = encode_base64(final_message(salted, ada)).decode()
    plain = encode_base64(b"\0ada@example.org\0" + "geheimniß".encode()).decode()
    talk = f"C: AUTH SCRAM-SHA-256 {FIRST}\nS: 334 {SERVER_FIRST}\nC: {proof}\nS: 535 no\n"
    talk += f"C: AUTH PLAIN {plain}\nS: 235 ok"
    assert converse(at_smtp("PLAIN SCRAM-SHA-256", ada), talk) == LoggedIn("PLAIN", second=True)


def final_message(server_first: str, secret: Credentials = ADA) -> bytes:
    from posthouse.wire import scram

    client = scram.client("sha256", secret, Channel(NONCE), plus=False)
    next(client)
    return client.send(server_first.encode()) or b""


@pytest.mark.parametrize(
    ("operation", "said", "error"),
    [
        (at_smtp, "S: 454 4.7.0 database is away", "database is away"),
        (at_imap, "S: P1 NO [UNAVAILABLE] backend is down", "backend is down"),
        (at_pop3, "S: -ERR [SYS/TEMP] later", "later"),
    ],
)
def test_what_is_not_the_passwords_fault_is_not_tried_again(
    operation: Callable[[str], Callable[[], Steps[LoggedIn]]], said: str, error: str
) -> None:
    command = "P1 AUTHENTICATE" if operation is at_imap else "AUTH"
    with pytest.raises(PosthouseError, match=error):
        converse(operation("PLAIN SCRAM-SHA-256"), f"C: {command} SCRAM-SHA-256 {FIRST}\n{said}")


@pytest.mark.parametrize("last", ["S: 235 welcome", f"S: 334 {challenge('v=AAAA')}\nC: *\nS: 501 cancelled"])
def test_a_server_that_proves_nothing_gets_no_password(last: str) -> None:
    """Neither one that lets everybody in, nor one with the wrong proof."""
    proof = encode_base64(final_message(f"r={NONCE}server,{SALT},i=4096")).decode()
    talk = f"C: AUTH SCRAM-SHA-256 {FIRST}\nS: 334 {SERVER_FIRST}\nC: {proof}\n{last}"
    with pytest.raises(RemoteProtocolError, match=r"could not prove that it knows the account") as caught:
        converse(at_smtp("PLAIN SCRAM-SHA-256"), talk)
    assert "Somebody may stand between" in caught.value.advice


def test_a_server_that_lets_in_at_once() -> None:
    for said in ("S: P1 OK welcome", f"S: + {SERVER_FIRST}\nC: {{proof}}\nS: P1 OK welcome"):
        proof = encode_base64(final_message(f"r={NONCE}server,{SALT},i=4096")).decode()
        talk = f"C: P1 AUTHENTICATE SCRAM-SHA-256 {FIRST}\n{said.format(proof=proof)}"
        with pytest.raises(RemoteProtocolError, match="could not prove"):
            converse(at_imap("PLAIN SCRAM-SHA-256"), talk)


def test_a_mechanism_that_is_named() -> None:
    talk = f"C: AUTH PLAIN {PLAIN}\nS: 235 ok"
    assert converse(at_smtp("SCRAM-SHA-256 PLAIN", query="?auth=plain"), talk) == LoggedIn("PLAIN")
    with pytest.raises(LoginRefused, match="takes no password here, only PLAIN") as caught:
        converse(at_smtp("PLAIN", query="?auth=scram-sha-1"), "")
    assert "?auth=" in caught.value.advice
    with pytest.raises(ConfigError, match="NTLM is no way to log in"):
        Server.parse("smtps://mail.example.org?auth=ntlm", Protocol.SMTP)
    named = Server.parse("imap://ada@mail.example.org?tls=implicit&auth=scram-sha-256", Protocol.IMAP)
    assert Server.parse(str(named), Protocol.IMAP) == named


BEARER = encode_base64(b"n,a=ada@example.org,\1auth=Bearer token\1\1").decode()
INVALID = base64.b64encode(b'{"status":"invalid_token"}').decode()
XOAUTH2 = encode_base64(b"user=ada@example.org\1auth=Bearer token\1\1").decode()


@pytest.mark.parametrize(
    ("operation", "talk", "words"),
    [
        # as Google's server answers
        (
            at_imap("XOAUTH2 PLAIN", TOKEN),
            f"C: P1 AUTHENTICATE XOAUTH2 {XOAUTH2}\n"
            "S: + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\n"
            "C:\nS: P1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
            "Invalid credentials (Failure) (400)",
        ),
        # as Microsoft's does
        (at_imap("XOAUTH2", TOKEN), f"C: P1 AUTHENTICATE XOAUTH2 {XOAUTH2}\nS: P1 NO AUTHENTICATE failed.", "failed."),
        (
            at_pop3("OAUTHBEARER XOAUTH2", TOKEN),
            f"C: AUTH OAUTHBEARER {BEARER}\nS: + {INVALID}\nC: AQ==\nS: -ERR [AUTH] no",
            "no (invalid_token)",
        ),
    ],
)
def test_a_token_is_refused(operation: Callable[[], Steps[LoggedIn]], talk: str, words: str) -> None:
    with pytest.raises(LoginRefused, match=r"refused the token of ada@example\.org: ") as caught:
        converse(operation, talk)
    assert str(caught.value).endswith(words)
    assert "posthouse login" in caught.value.advice


@pytest.mark.parametrize("token", ["", "a b", "a\1b", "tök"])
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(LoginRefused):
        Token("ada@example.org", token)


# -- over real sockets -----------------------------------------------------------------------------------------------

DOORS = ["smtp", "imap", "pop3"]
URLS = {"smtp": "submission", "imap": "imap", "pop3": "pop3"}
SHARED = [name for name, row in MECHANISMS.items() if row.secret is Credentials and row.needs is not Needs.BINDING]


def connect(face: Faced, house: Live, door: str, query: str = "", context: ssl.SSLContext | None = None) -> Any:
    url = f"{door}://localhost:{house.port(URLS[door])}{query}"
    return getattr(face, door)(url, context=context or house.tls)


@pytest.mark.parametrize("door", DOORS)
def test_every_mechanism_at_every_door(face: Faced, tmp_path: Path, door: str) -> None:
    with live(tmp_path, "[limits]\nfailed_login_delay = 0\n") as house:
        check_every_mechanism(face, house, door)


def check_every_mechanism(face: Faced, house: Live, door: str) -> None:
    user = "ada@example.org"
    for name in SHARED:
        with connect(face, house, door, f"?auth={name.lower()}") as client:
            with pytest.raises(LoginRefused, match=r"refused the login of ada@example\.org"):
                client.login_with(Credentials(user, "wrong"))
            assert client.login_with(Credentials(user, PASSWORDS[user])) == LoggedIn(name)
    with connect(face, house, door) as client:
        assert client.login_with(Credentials(user, PASSWORDS[user])) == LoggedIn("SCRAM-SHA-256")


def test_a_certificate_is_a_login(face: Faced, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "people.pem"))
    with live(tmp_path, 'client_ca = "people.pem"\n') as house:
        context = house.tls
        authority.issue_cert("ada@example.org").configure_cert(context)
        for door in DOORS:
            with connect(face, house, door, context=context) as client:
                assert client.login_with(Certified("")) == LoggedIn("EXTERNAL")
            with connect(face, house, door) as client, pytest.raises(LoginRefused, match="takes no certificate here"):
                client.login_with(Certified(""))
