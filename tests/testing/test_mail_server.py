"""The fixture for other people's tests: its page's examples, its faults, and what it costs those who don't use it."""

from __future__ import annotations

import imaplib
import re
import smtplib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from posthouse.errors import ConfigError
from posthouse.testing import MailServer
from posthouse.wire import scram
from posthouse.wire.sasl import Credentials

pytest_plugins = ["pytester"]
PAGE = Path(__file__).parents[2] / "docs" / "testing.md"
LETTER = "From: a@x.example\nSubject: {}\n\nx"


def send(server: MailServer, *to: str, subject: str = "Hi") -> None:
    with smtplib.SMTP(server.host, server.smtp_port, timeout=10) as client:
        client.sendmail("a@x.example", list(to), LETTER.format(subject))


def test_the_page_is_true(pytester: pytest.Pytester) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    pytester.makepyfile(**{f"test_{number}": example for number, example in enumerate(examples)})
    done = pytester.runpytest_subprocess("-q", "-p", "no:cacheprovider")
    done.assert_outcomes(passed="".join(examples).count("def test_"))


def test_everybody_has_an_inbox(mail_server: MailServer) -> None:
    send(mail_server, "b@customer.example", "Müller@other.example".encode().decode("ascii", "ignore"))
    send(mail_server, "B@Customer.example", subject="Again")
    inbox = mail_server.inbox("b@customer.example")
    assert [letter.subject for letter in inbox.wait(2)] == ["Hi", "Again"]
    assert [one.address for one in mail_server.inboxes] == ["b@customer.example", "mller@other.example"]


def test_who_has_an_account_may_log_in_by_scram(mail_server: MailServer) -> None:
    ada = mail_server.account("ada@example.org", password="secret")
    exchange = scram.client("sha256", Credentials(ada, "secret"), scram.Channel("a" * 18), plus=False)

    def answer(asked: bytes) -> bytes | None:
        try:
            return exchange.send(asked) if asked else next(exchange)
        except StopIteration:  # the server has proved that it knows the password
            return b""

    with imaplib.IMAP4(mail_server.host, mail_server.imap_port) as box:
        assert box.authenticate("SCRAM-SHA-256", answer)[0] == "OK"


def test_a_letter_that_does_not_come(mail_server: MailServer) -> None:
    with pytest.raises(AssertionError, match="No letter came for anybody"):
        mail_server.inbox("b@x.example").wait(1, timeout=0.01)
    send(mail_server, "c@x.example")
    with pytest.raises(
        AssertionError, match=r"(?s)b@x\.example has 0 of 1 letters .* c@x\.example: 'Hi' from a@x\.example"
    ) as no:
        mail_server.inbox("b@x.example").wait(1, timeout=0.01)
    assert "Traceback" not in str(no.value)


def test_faults_come_and_go(mail_server: MailServer) -> None:
    mail_server.fail("MAIL", reply="451 4.3.0 Not now", times=2)
    for _ in range(2):
        with pytest.raises(smtplib.SMTPSenderRefused, match="Not now"):
            send(mail_server, "b@x.example")
    send(mail_server, "b@x.example")
    mail_server.fail("LETTER", reply="554 5.6.0 No")
    with pytest.raises(smtplib.SMTPDataError, match="No"):
        send(mail_server, "b@x.example")
    mail_server.fail("EHLO", garbage=True)
    with pytest.raises(smtplib.SMTPException):
        send(mail_server, "b@x.example")
    mail_server.fail("DATA", delay=0.01, times=100)
    mail_server.fail("RCPT", drop=True)
    mail_server.heal()
    send(mail_server, "b@x.example")
    assert len(mail_server.inbox("b@x.example").wait(2)) == 2


def test_a_delay_is_longer_than_a_program_waits(mail_server: MailServer) -> None:
    mail_server.fail("MAIL", delay=4)
    with smtplib.SMTP(mail_server.host, mail_server.smtp_port, timeout=2) as client:
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            client.sendmail("a@x.example", "b@x.example", LETTER.format("Hi"))
        client.close()
    send(mail_server, "b@x.example")


@pytest.mark.parametrize("fault", [{"drop": True}, {"reply": "421 4.3.2 Going"}, {"garbage": True}])
@pytest.mark.parametrize("at", ["EHLO", "MAIL", "RCPT", "DATA", "LETTER"])
def test_each_fault_at_each_place(mail_server: MailServer, at: str, fault: dict[str, Any]) -> None:
    """The program gets an error and no letter is taken; the next time all is well."""
    mail_server.fail(at, **fault)
    with pytest.raises((smtplib.SMTPException, ConnectionError)):
        send(mail_server, "b@x.example")
    mail_server.heal()
    send(mail_server, "b@x.example")
    assert len(mail_server.inbox("b@x.example").wait()) == 1


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"at": "VRFY", "drop": True}, "nothing can fail at VRFY"),
        ({"at": "RCPT"}, "say what goes wrong"),
        ({"at": "RCPT", "reply": "250 fine"}, "refuses nothing"),
        ({"at": "RCPT", "reply": "no"}, "refuses nothing"),
    ],
)
def test_what_is_no_fault(mail_server: MailServer, options: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as no:
        mail_server.fail(**options)  # type: ignore[arg-type]
    assert no.value.advice


def test_who_does_not_use_it_does_not_load_it() -> None:
    code = "import sys, posthouse.pytest_plugin; print([m for m in sys.modules if m.startswith('posthouse.s')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
