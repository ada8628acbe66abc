"""What goes wrong with real providers, in their own words, and the next step that a person is told."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable

import pytest

from dialogue import converse
from faced import Faced
from posthouse.client import imap, login, pop3, smtp
from posthouse.client.login import LoggedIn
from posthouse.client.url import Protocol, Server
from posthouse.errors import ConnectionFailed, ImapRefused, LoginRefused, PosthouseError, Refused, SmtpRefused, TlsError
from posthouse.imap.client import ClientState
from posthouse.net import stream
from posthouse.wire.mechanism import Secret
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps
from scripted import ScriptedServer

ADA = Credentials("ada", "secret")
PLAIN = "AGFkYQBzZWNyZXQ="
XOAUTH2 = "dXNlcj1hZGEBYXV0aD1CZWFyZXIgdG9rZW4BAQ=="
TOKEN = Token("ada", "token")


@pytest.fixture(autouse=True)
def nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(login.secrets, "token_urlsafe", lambda _: "c" * 24)


def at(host: str, *, mechanism: str = "PLAIN", secret: Secret = ADA) -> Callable[[], Steps[LoggedIn]]:
    """A login at a host, over the protocol that its name begins with."""

    def operation() -> Steps[LoggedIn]:
        if host.startswith("smtp"):
            sending = smtp.Conversation(Server.parse(f"smtps://{host}", Protocol.SMTP), "x")
            sending.tls, sending.capabilities = True, {"AUTH": mechanism}
            return smtp.login(sending, secret)
        if host.startswith("pop"):
            fetching = pop3.Conversation(Server.parse(f"pop3s://{host}", Protocol.POP3))
            fetching.tls, fetching.capabilities = True, {"SASL": mechanism}
            return pop3.login(fetching, secret)
        reading = imap.Conversation(Server.parse(f"imaps://{host}", Protocol.IMAP))
        reading.tls, reading.state = True, ClientState.NOT_AUTHENTICATED
        reading.capabilities = frozenset({f"AUTH={mechanism}", "SASL-IR"})
        return imap.login(reading, secret)

    return operation


SMTP, IMAP, POP3 = f"C: AUTH PLAIN {PLAIN}", f"C: P1 AUTHENTICATE PLAIN {PLAIN}", f"C: AUTH PLAIN {PLAIN}"
GMAIL = "https://myaccount.google.com/apppasswords"
OAUTH = "--oauth-client-id"

# host; what the client says and the server answers; what the person is told to do
REFUSALS: list[tuple[str, str, str]] = [
    (
        "smtp.gmail.com",
        f"{SMTP}\nS: 535-5.7.8 Username and Password not accepted. For more information, go to\n"
        "S: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-45b - gsmtp",
        GMAIL,
    ),
    (
        "smtp.gmail.com",
        f"{SMTP}\nS: 534-5.7.9 Application-specific password required. For more information, go to\n"
        "S: 534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor d9443c01a7336 - gsmtp",
        GMAIL,
    ),
    (
        "smtp.gmail.com",
        f"{SMTP}\nS: 534-5.7.14 <https://accounts.google.com/signin/continue?sarp=1> Please log\n"
        "S: 534-5.7.14 in via your web browser and then try again.\n"
        "S: 534 5.7.14  https://support.google.com/mail/answer/78754 b7 - gsmtp",
        "https://mail.google.com",
    ),
    ("imap.gmail.com", f"{IMAP}\nS: P1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", GMAIL),
    (
        "imap.gmail.com",
        f"{IMAP}\nS: P1 NO [ALERT] Application-specific password required: "
        "https://support.google.com/accounts/answer/185833 (Failure)",
        GMAIL,
    ),
    (
        "imap.gmail.com",
        f"{IMAP}\nS: * NO [WEBALERT https://accounts.google.com/signin/continue] Web login required.\n"
        "S: P1 NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754",
        "in a browser first",
    ),
    (
        "imap.gmail.com",
        f"{IMAP}\nS: P1 NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and"
        " enable your account for IMAP access. (Failure)",
        "Switch IMAP (or POP3) on",
    ),
    ("pop.gmail.com", f"{POP3}\nS: -ERR [AUTH] Username and password not accepted.", GMAIL),
    (
        "pop.gmail.com",
        f"{POP3}\nS: -ERR [SYS/PERM] Your account is not enabled for POP access. Please visit your Gmail settings page"
        " and enable your account for POP access.",
        "Switch IMAP (or POP3) on",
    ),
    (
        "smtp.office365.com",
        f"{SMTP}\nS: 535 5.7.139 Authentication unsuccessful, basic authentication is disabled."
        " [FR4P281CA0042.DEUP281.PROD.OUTLOOK.COM 2026-01-05T10:00:00.000Z 08DE4B1E]",
        OAUTH,
    ),
    (
        "smtp.office365.com",
        f"{SMTP}\nS: 550 5.7.30 Basic authentication is not supported for Client Submission.",
        OAUTH,
    ),
    (
        "smtp.office365.com",
        f"{SMTP}\nS: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."
        " Visit https://aka.ms/smtp_auth_disabled for more information.",
        "https://aka.ms/smtp_auth_disabled",
    ),
    ("smtp-mail.outlook.com", f"{SMTP}\nS: 535 5.7.3 Authentication unsuccessful [AM0PR02CA0105]", OAUTH),
    ("outlook.office365.com", f"{IMAP}\nS: P1 NO AUTHENTICATE failed.", OAUTH),
    ("smtp.mail.yahoo.com", f"{SMTP}\nS: 535 5.7.0 (#AUTH005) Too many bad auth attempts.", "wait some minutes"),
    (
        "imap.mail.yahoo.com",
        f"{IMAP}\nS: P1 NO [AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials",
        "https://login.yahoo.com/account/security",
    ),
    ("imap.mail.me.com", f"{IMAP}\nS: P1 NO [AUTHENTICATIONFAILED] Authentication Failed", "https://account.apple.com"),
    ("imap.qq.com", f"{IMAP}\nS: P1 NO Login fail. Account is abnormal", "authorization codes"),
    ("mail.example.org", f"{IMAP}\nS: P1 NO [AUTHENTICATIONFAILED] Authentication failed.", "the whole mail address"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "talk", "advice"), REFUSALS)
def test_what_providers_say_to_a_password(host: str, talk: str, advice: str) -> None:
    with pytest.raises(Refused) as caught:
        converse(at(host), talk)
    assert advice in caught.value.advice
    assert "\n" not in str(caught.value) and "secret" not in str(caught.value)


def test_gmail_counts_logins() -> None:
    talk = f"{SMTP}\nS: 454 4.7.0 Too many login attempts, please try again later. d9443c01a7336 - gsmtp"
    with pytest.raises(SmtpRefused, match="Too many login attempts") as caught:
        converse(at("smtp.gmail.com"), talk)
    assert caught.value.temporary and "wait some minutes" in caught.value.advice


def test_microsoft_says_yes_and_means_no() -> None:
    """The token was for another mailbox than the user name is of: the next command is BAD."""

    def select() -> Steps[object]:
        talk = imap.Conversation(Server.parse("imaps://outlook.office365.com", Protocol.IMAP))
        talk.tls, talk.state, talk.capabilities = True, ClientState.AUTHENTICATED, frozenset({"IMAP4REV1"})
        return imap.select(talk, "INBOX")

    with pytest.raises(ImapRefused, match="User is authenticated but not connected") as caught:
        converse(select, "C: P1 SELECT INBOX\nS: P1 BAD User is authenticated but not connected.")
    assert "no mailbox for it" in caught.value.advice


@pytest.mark.parametrize(
    ("host", "talk", "advice"),
    [
        (
            "outlook.office365.com",
            f"C: P1 AUTHENTICATE XOAUTH2 {XOAUTH2}\nS: P1 NO AUTHENTICATE failed.",
            "IMAP.AccessAsUser.All",
        ),
        (
            "smtp.office365.com",
            f"C: AUTH XOAUTH2 {XOAUTH2}\nS: 535 5.7.3 Authentication unsuccessful [FR0P281CA0146]",
            "SMTP.Send",
        ),
        (
            "imap.mail.yahoo.com",
            f"C: P1 AUTHENTICATE XOAUTH2 {XOAUTH2}\n"
            "S: + eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\nC:\n"
            "S: P1 NO [AUTHENTICATIONFAILED] (#MBR1212) Incorrect username or password.",
            "`posthouse login`",
        ),
    ],
)
def test_what_providers_say_to_a_token(host: str, talk: str, advice: str) -> None:
    with pytest.raises(LoginRefused, match=r"refused the token of ada: ") as caught:
        converse(at(host, mechanism="XOAUTH2", secret=TOKEN), talk)
    assert advice in caught.value.advice


# -- before anything is said -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("port", "advice"),
    [
        (25, "use 465 (TLS from the start) or 587"),
        (465, "try 587 (STARTTLS)"),
        (587, "try 465 (TLS from the start)"),
        (993, "some servers have only 143 (STARTTLS)"),
        (143, "many providers have only 993 (TLS from the start)"),
        (995, "some servers have only 110 (STARTTLS)"),
        (110, "many providers have only 995 (TLS from the start)"),
        (1234, "whether the server is running"),
    ],
)
@pytest.mark.parametrize("error", [TimeoutError(), ConnectionRefusedError()])
def test_a_port_that_does_not_answer_is_told_what_it_is_for(error: OSError, port: int, advice: str) -> None:
    assert advice in stream.explain_connect(error, "mail.example.org", port, 30).advice


def test_a_name_that_nobody_has(face: Faced) -> None:
    """RFC 6761 §6.4: nobody ever will."""
    with pytest.raises(ConnectionFailed, match=r"mail\.nobody\.invalid") as caught:
        face.imap("imaps://mail.nobody.invalid")
    assert "name" in caught.value.advice or "network" in caught.value.advice


def test_another_host_behind_the_name(face: Faced) -> None:
    with ScriptedServer("TLS", names=("shared.hoster.example",)) as server:
        server.failure = None
        with pytest.raises(TlsError, match="the certificate that the server shows is not for localhost") as caught:
            face.imap(f"imaps://localhost:{server.port}")
        server._thread.join(10)
        server.failure = None  # what it thinks of a client that leaves
    assert "Use the name that the provider gives" in caught.value.advice


@pytest.mark.parametrize("scheme", ["imaps", "smtps", "pop3s"])
def test_a_certificate_of_ones_own(face: Faced, scheme: str) -> None:
    connect = getattr(face, scheme[:-1])
    with ScriptedServer("TLS") as server:
        with pytest.raises(TlsError, match="is not trusted: ") as caught:
            connect(f"{scheme}://localhost:{server.port}", context=ssl.create_default_context())
        server._thread.join(10)
        server.failure = None
    assert "SSL_CERT_FILE=" in caught.value.advice


@pytest.mark.parametrize(
    ("connect", "url", "talk", "match"),
    [
        ("imap", "imap://localhost", "S: 220 smtp.example.org ESMTP\nWAIT", "does not speak IMAP"),
        ("smtp", "smtp://localhost", "S: * OK [CAPABILITY IMAP4rev1] hi\nWAIT", "does not speak SMTP"),
        ("imap", "imap://localhost", "S: +OK POP3 ready\nWAIT", "does not speak IMAP"),
        ("pop3", "pop3://localhost", "S: 220 smtp.example.org ESMTP\nWAIT", "does not speak POP3"),
        ("imap", "imaps://localhost", "S: * OK hi\nWAIT", "does not begin with TLS: it speaks clear text first"),
    ],
)
def test_the_wrong_port(face: Faced, connect: str, url: str, talk: str, match: str) -> None:
    with ScriptedServer(talk) as server:
        with pytest.raises(PosthouseError, match=match) as caught:
            getattr(face, connect)(url.replace("localhost", f"localhost:{server.port}"))
        assert "port" in caught.value.advice
        server._thread.join(10)
        server.failure = None


def test_a_network_that_is_away(monkeypatch: pytest.MonkeyPatch, face: Faced) -> None:
    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(ConnectionFailed, match="can't be looked up at the moment") as caught:
        face.imap("imaps://mail.example.org")
    assert caught.value.advice == "Check the network connection."
