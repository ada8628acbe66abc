"""What a client knows of its server, and the lines it sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LocalProtocolError, RemoteProtocolError, SmtpRefused
from posthouse.smtp.client import SmtpClient, line, parse_capabilities, refusal, response
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from smtp_session import feed, server
from wire_helpers import next_or_value

ADA = Mailbox("ada", "example.org")
JOERG = Mailbox("jörg", "bücher.example")


def client(*capabilities: str, lmtp: bool = False) -> SmtpClient:
    made = SmtpClient(lmtp=lmtp)
    made.greeted(Reply(220, "", "mx.example ready"))
    made.introduced(Reply(250, "", "mx.example", *capabilities))
    return made


def test_what_ehlo_announces() -> None:
    made = client("PIPELINING", "size 1000", "AUTH PLAIN", "AUTH=LOGIN PLAIN", "X-Odd  a  b ", "", "8BITMIME")
    assert made.capabilities == {
        "PIPELINING": "",
        "SIZE": "1000",
        "AUTH": "PLAIN LOGIN PLAIN",
        "X-ODD": "a b",
        "8BITMIME": "",
    }
    assert made.mechanisms == {"PLAIN", "LOGIN"}
    assert made.max_size == 1000
    assert made.pipelining
    assert made.extended


@pytest.mark.parametrize("announced", ["SIZE", "SIZE 0", "SIZE x", "SIZE " + "9" * 21, "SIZE ١", "HELP"])
def test_a_server_may_set_no_limit(announced: str) -> None:
    assert client(announced).max_size is None


def test_a_server_that_knows_only_helo() -> None:
    made = client("SIZE 10")
    made.introduced(Reply(250, "", "mx.example", "SIZE 5"), extended=False)
    assert not made.extended
    assert made.capabilities == {}


def test_a_server_that_takes_no_mail() -> None:
    made = SmtpClient()
    with pytest.raises(SmtpRefused, match=r"takes no mail.*554 5.3.2 Go away") as caught:
        made.greeted(Reply(554, "5.3.2", "Go away"))
    assert (caught.value.code, caught.value.enhanced, caught.value.temporary) == (554, "5.3.2", False)
    with pytest.raises(SmtpRefused) as caught:
        made.introduced(Reply(421, "4.3.2", "Busy"))
    assert caught.value.temporary


def test_how_a_client_introduces_itself() -> None:
    assert client().hello("[127.0.0.1]") == b"EHLO [127.0.0.1]\r\n"
    assert client().hello("x", extended=False) == b"HELO x\r\n"
    assert client(lmtp=True).hello("x") == b"LHLO x\r\n"


@pytest.mark.parametrize(
    ("capabilities", "envelope", "sent"),
    [
        ((), Envelope(ADA), b"MAIL FROM:<ada@example.org>\r\n"),
        ((), Envelope(None, size=5, body="8BITMIME"), b"MAIL FROM:<>\r\n"),
        (("SIZE",), Envelope(ADA, size=5), b"MAIL FROM:<ada@example.org> SIZE=5\r\n"),
        (("SIZE 5",), Envelope(ADA, size=5), b"MAIL FROM:<ada@example.org> SIZE=5\r\n"),
        (("8BITMIME",), Envelope(ADA), b"MAIL FROM:<ada@example.org>\r\n"),
        (("8BITMIME",), Envelope(ADA, body="8BITMIME"), b"MAIL FROM:<ada@example.org> BODY=8BITMIME\r\n"),
        (("SMTPUTF8",), Envelope(ADA), b"MAIL FROM:<ada@example.org>\r\n"),
        (("SMTPUTF8",), Envelope(ADA, smtputf8=True), b"MAIL FROM:<ada@example.org> SMTPUTF8\r\n"),
        (
            ("BINARYMIME", "CHUNKING"),
            Envelope(ADA, body="BINARYMIME"),
            b"MAIL FROM:<ada@example.org> BODY=BINARYMIME\r\n",
        ),
        (("REQUIRETLS",), Envelope(ADA, requiretls=True), b"MAIL FROM:<ada@example.org> REQUIRETLS\r\n"),
        (("DSN",), Envelope(None, ret="HDRS", envid="QQ+2B1"), b"MAIL FROM:<> RET=HDRS ENVID=QQ+2B1\r\n"),
        ((), Envelope(None, ret="HDRS", envid="QQ+2B1"), b"MAIL FROM:<>\r\n"),
        (("SMTPUTF8",), Envelope(JOERG), "MAIL FROM:<jörg@bücher.example> SMTPUTF8\r\n".encode()),
    ],
)
def test_mail(capabilities: tuple[str, ...], envelope: Envelope, sent: bytes) -> None:
    assert client(*capabilities).mail(envelope) == sent


@pytest.mark.parametrize(
    ("envelope", "enhanced"),
    [
        (Envelope(ADA, size=11), "5.3.4"),
        (Envelope(ADA, smtputf8=True), "5.6.7"),
        (Envelope(JOERG), "5.6.7"),
        (Envelope(ADA, body="BINARYMIME"), "5.6.1"),
        (Envelope(ADA, requiretls=True), "5.7.30"),
    ],
)
def test_what_the_server_said_it_can_not_take_is_not_sent(envelope: Envelope, enhanced: str) -> None:
    with pytest.raises(SmtpRefused) as caught:
        client("SIZE 10", "BINARYMIME").mail(envelope)
    assert caught.value.enhanced == enhanced
    assert not caught.value.temporary


def test_rcpt() -> None:
    assert client().rcpt(Recipient(ADA)) == b"RCPT TO:<ada@example.org>\r\n"
    assert client("SMTPUTF8").rcpt(Recipient(JOERG)) == "RCPT TO:<jörg@bücher.example>\r\n".encode()
    with pytest.raises(SmtpRefused, match="jörg"):
        client().rcpt(Recipient(JOERG))


def test_what_is_asked_about_reports() -> None:
    asked = Recipient(ADA, frozenset({"SUCCESS", "DELAY"}), "rfc822;Ada+40x")
    assert client("DSN").rcpt(asked) == b"RCPT TO:<ada@example.org> NOTIFY=DELAY,SUCCESS ORCPT=rfc822;Ada+40x\r\n"
    assert client().rcpt(asked) == b"RCPT TO:<ada@example.org>\r\n"
    umlaut = Recipient(ADA, orcpt="utf-8;jörg@x")
    assert client("DSN", "SMTPUTF8").rcpt(umlaut) == "RCPT TO:<ada@example.org> ORCPT=utf-8;jörg@x\r\n".encode()
    assert client("DSN").rcpt(umlaut) == b"RCPT TO:<ada@example.org> ORCPT=utf-8;j\\x{F6}rg@x\r\n"


def test_bdat() -> None:
    assert client().bdat(10, last=False) == b"BDAT 10\r\n"
    assert client().bdat(0, last=True) == b"BDAT 0 LAST\r\n"


def test_how_many_recipients_a_server_takes() -> None:
    assert client("LIMITS MAILMAX=5 rcptmax=100").max_recipients == 100
    assert client("LIMITS RCPTMAX").max_recipients is None
    assert client().max_recipients is None


def test_auth() -> None:
    assert client().auth("LOGIN", None) == (b"AUTH LOGIN\r\n", None)
    assert client().auth("PLAIN", b"\0a\0b") == (b"AUTH PLAIN AGEAYg==\r\n", None)
    assert client().auth("EXTERNAL", b"") == (b"AUTH EXTERNAL =\r\n", None)
    token = b"x" * 600
    assert client().auth("XOAUTH2", token) == (b"AUTH XOAUTH2\r\n", token)


def test_responses() -> None:
    assert (response(b"ada"), response(b"")) == (b"YWRh\r\n", b"\r\n")


@pytest.mark.parametrize("word", ["a\r\nRCPT TO:<x@y>", "a\nb", "a\rb", "a\0b", "a\x1b", "a\tb", "a\x85b", "a\udcffb"])
def test_nothing_is_injected_into_a_command(word: str) -> None:
    with pytest.raises(LocalProtocolError):
        line("EHLO", word)


def test_after_the_handshake_the_server_is_a_stranger() -> None:
    made = client("AUTH PLAIN", "SIZE 10")
    made.tls_started()
    assert (made.tls, made.extended, made.capabilities) == (True, False, {})


def test_answers_put_in_before_the_handshake_are_noticed() -> None:
    made = client("STARTTLS")
    made.reader.feed(b"250-evil.example\r\n250 AUTH PLAIN\r\n")
    with pytest.raises(RemoteProtocolError, match="handshake"):
        made.tls_started()


def test_a_refusal_tells_what_and_why() -> None:
    error = refusal(Reply(550, "5.1.1", "No such user"), "the recipient was refused")
    assert str(error) == "the recipient was refused: 550 5.1.1 No such user"


def test_the_client_understands_our_server() -> None:
    machine, session = server(tls=True)
    made = SmtpClient(tls=True)
    made.reader.feed(feed(machine, session, made.hello("client.example")))
    made.introduced(next_or_value(made.read_reply()))
    assert made.max_size == 1000
    assert made.mechanisms == {"PLAIN", "LOGIN"}
    envelope = Envelope(JOERG, [Recipient(ADA)], size=10, body="8BITMIME")
    sent = made.mail(envelope) + made.rcpt(envelope.recipients[0])
    made.reader.feed(feed(machine, session, sent))
    assert [next_or_value(made.read_reply()).code for _ in range(2)] == [250, 250]
    assert machine.envelope == Envelope(JOERG, [Recipient(ADA)], size=10, body="8BITMIME", smtputf8=True)


@given(st.lists(st.text(st.sampled_from("AUTH= plain\tü"), max_size=12), max_size=5))
def test_any_lines_are_capabilities(lines: list[str]) -> None:
    for keyword in parse_capabilities(Reply(250, "", "mx.example", *lines)):
        assert keyword == keyword.upper().strip()
