"""What submission and LMTP do differently: RFC 6409, RFC 2033."""

from __future__ import annotations

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.smtp import reply as replies
from posthouse.smtp.event import End, Event, Hello
from posthouse.smtp.reply import Reply
from posthouse.smtp.role import LMTP, MX, SUBMISSION
from posthouse.smtp.server import SmtpServer
from smtp_session import LHLO, answering, feed, opening, server
from transcript import converse


def test_lmtp_knows_lhlo_only() -> None:
    happened = converse(
        opening(LMTP),
        f"""
        C: EHLO x
        S: 500 5.5.1 Unknown command; HELP lists those known here
        C: HELO x
        S: 500 5.5.1 Unknown command; HELP lists those known here
        C: MAIL FROM:<>
        S: 503 5.5.1 MAIL can't come here. Send LHLO first
        {LHLO}
        C: HELP
        S: 214 2.0.0 Commands: LHLO STARTTLS ...
        """,
    )
    assert happened == [Hello("x", extended=True)]


def test_lmtp_answers_for_each_recipient() -> None:
    def per_recipient(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, End):
            assert machine.envelope is not None
            for recipient in machine.envelope.recipients:
                machine.reply(
                    replies.MAILBOX_FULL if recipient.mailbox.local == "c" else Reply(250, "2.0.0", f"{recipient}")
                )
            return True
        return False

    converse(
        answering(per_recipient, role=LMTP),
        LHLO
        + """
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<b@b.example>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<nobody@b.example>
        S: 550 5.1.1 ...
        C: RCPT TO:<c@b.example>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<d@b.example>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 354 ...
        C: .
        S: 250 2.0.0 b@b.example
        S: 452 4.2.2 ...
        S: 250 2.0.0 d@b.example
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send MAIL first
        """,
    )


def test_lmtp_without_a_good_recipient_takes_no_letter() -> None:
    """RFC 2033 §4.2: then DATA gets 503, for otherwise there would be no reply after the dot."""
    converse(
        opening(LMTP),
        LHLO
        + """
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<nobody@b.example>
        S: 550 5.1.1 ...
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send RCPT first: no recipient has been accepted
        """,
    )


@pytest.mark.parametrize(("answers", "right"), [(0, False), (1, False), (2, True), (3, False)])
def test_lmtp_wants_just_as_many_answers(answers: int, right: bool) -> None:
    machine, session = server(LMTP)
    feed(machine, session, b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nDATA\r\n")
    machine.receive_data(b".\r\n")

    def answer() -> None:
        for event in machine.events():
            for _ in range(answers if isinstance(event, End) else 0):
                machine.reply(replies.OK)

    if right:
        answer()
        assert machine.data_to_send() == b"250 2.0.0 OK\r\n" * 2
    else:
        with pytest.raises(LocalProtocolError):
            answer()


def test_submission_wants_a_login() -> None:
    converse(
        opening(SUBMISSION, tls=True),
        "C: HELO x\nS: 250 mx.example\nC: MAIL FROM:<>\nS: 530 5.7.0 Log in first, with the AUTH command",
    )


def test_an_mx_wants_none() -> None:
    converse(opening(MX), "C: HELO x\nS: 250 mx.example\nC: MAIL FROM:<>\nS: 250 2.1.0 Sender OK")


def test_lmtp_is_called_so_in_trace_lines() -> None:
    machine, session = server(LMTP)
    feed(machine, session, b"LHLO x\r\n")
    assert machine.protocol == "LMTP"
    feed(machine, session, b"MAIL FROM:<> SMTPUTF8\r\n")
    assert machine.protocol == "UTF8LMTP"
