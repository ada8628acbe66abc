"""The server's conversation, command by command (RFC 5321 §4.1)."""

from __future__ import annotations

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.smtp import event as events
from posthouse.smtp import reply as replies
from posthouse.smtp.command import COMMANDS
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.event import Chunk, Data, End, Event, Expand, Hello, MailFrom, Quit, RcptTo, Reset, Verify
from posthouse.smtp.path import Mailbox
from posthouse.smtp.reply import Reply
from posthouse.smtp.server import SmtpServer
from smtp_session import EHLO, answering, feed, opening, server
from transcript import converse

ADA = Mailbox("ada", "example.org")
BOB = Mailbox("bob", "example.net")


def test_a_letter_from_greeting_to_goodbye() -> None:
    happened = converse(
        opening(),
        EHLO
        + """
        C: MAIL FROM:<ada@example.org> SIZE=30 BODY=8BITMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<bob@example.net>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<nobody@example.net>
        S: 550 5.1.1 There is no such mailbox here; check the address
        C: DATA
        S: 354 Send the message; end it with <CR><LF>.<CR><LF>
        C: Subject: dots
        C:
        C: ..
        C: ..one
        C: .
        S: 250 2.0.0 Letter 1 kept
        C: QUIT
        S: 221 2.0.0 Goodbye
        S closes
        """,
    )
    envelope = Envelope(ADA, [Recipient(BOB)], size=30, body="8BITMIME")
    assert happened == [
        Hello("x", extended=True),
        MailFrom(envelope),
        RcptTo(Recipient(BOB)),
        RcptTo(Recipient(Mailbox("nobody", "example.net"))),
        Data(),
        Chunk(b"Subject: dots\r\n\r\n.\r\n.one\r\n"),
        End(26),
        Quit(),
    ]


def test_what_each_session_gets() -> None:
    machine, session = server()
    feed(machine, session, b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\none\r\n.\r\n")
    feed(machine, session, b"MAIL FROM:<a@b.example>\r\nRCPT TO:<bob@b.example>\r\nDATA\r\n.\r\n")
    assert session.letters == [b"one\r\n", b""]
    assert machine.envelope is None


def test_helo_gets_no_extensions() -> None:
    assert converse(opening(), "C: HELO client\nS: 250 mx.example") == [Hello("client", extended=False)]


@pytest.mark.parametrize("name", ["[127.0.0.1]", "[IPv6:::1]", "localhost", "my_pc", "Büro 2", "-", "a" * 255])
def test_a_client_may_call_itself_anything(name: str) -> None:
    assert converse(opening(), f"C: HELO {name}\nS: 250 mx.example") == [Hello(name, extended=False)]


def test_verbs_and_words_are_of_any_case_and_spaces_do_no_harm() -> None:
    happened = converse(
        opening(),
        """
        C: helo  x
        S: 250 mx.example
        C: mAiL from: <ada@example.org>  size=5  Body=8bitmime
        S: 250 2.1.0 Sender OK
        C: rcpt To:  <bob@example.net>
        S: 250 2.1.5 Recipient OK
        C: rset
        S: 250 2.0.0 OK
        """,
    )
    assert happened[1:] == [
        MailFrom(Envelope(ADA, [Recipient(BOB)], size=5, body="8BITMIME")),
        RcptTo(Recipient(BOB)),
        Reset(),
    ]


def test_the_null_sender_and_source_routes() -> None:
    happened = converse(
        opening(),
        """
        C: HELO x
        S: 250 mx.example
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<@relay.example:bob@example.net>
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<Postmaster>
        S: 250 2.1.5 Recipient OK
        """,
    )
    assert happened[1:] == [
        MailFrom(Envelope(None, [Recipient(BOB), Recipient(Mailbox("Postmaster", ""))])),
        RcptTo(Recipient(BOB)),
        RcptTo(Recipient(Mailbox("Postmaster", ""))),
    ]


def test_addresses_beyond_ascii_need_smtputf8() -> None:
    happened = converse(
        opening(),
        EHLO
        + """
        C: MAIL FROM:<jörg@bücher.example>
        S: 550 5.6.7 An address with letters beyond ASCII needs MAIL's parameter SMTPUTF8
        C: MAIL FROM:<ada@example.org>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<jörg@bücher.example>
        S: 553 5.6.7 An address with letters beyond ASCII needs MAIL's parameter SMTPUTF8
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<jörg@bücher.example> SMTPUTF8
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<用户@例子.广告>
        S: 250 2.1.5 Recipient OK
        """,
    )
    assert happened[-1] == RcptTo(Recipient(Mailbox("用户", "例子.广告")))


def test_what_must_come_first_is_said() -> None:
    converse(
        opening(),
        """
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 MAIL can't come here. Send EHLO first
        C: STARTTLS
        S: 503 5.5.1 STARTTLS can't come here. Send EHLO first
        C: AUTH PLAIN
        S: 503 5.5.1 AUTH can't come here. Send EHLO first
        C: HELO x
        S: 250 mx.example
        C: RCPT TO:<b@b.example>
        S: 503 5.5.1 RCPT can't come here. Send MAIL first
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send MAIL first
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send RCPT first: no recipient has been accepted
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 MAIL can't come here. A mail transaction is in progress; end it with RSET, or finish it, first
        C: STARTTLS
        S: 503 5.5.1 STARTTLS can't come here. A mail transaction is in progress; end it with RSET, or finish it, first
        C: AUTH PLAIN
        S: 503 5.5.1 AUTH can't come here. A mail transaction is in progress; end it with RSET, or finish it, first
        C: RCPT TO:<nobody@b.example>
        S: 550 5.1.1 ...
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send RCPT first: no recipient has been accepted
        """,
    )


@pytest.mark.parametrize("reset", ["RSET\nS: 250 2.0.0 OK", "HELO y\nS: 250 mx.example"])
def test_a_transaction_is_forgotten(reset: str) -> None:
    converse(
        opening(),
        f"""
        C: HELO x
        S: 250 mx.example
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<b@b.example>
        S: 250 2.1.5 Recipient OK
        C: {reset}
        C: DATA
        S: 503 5.5.1 DATA can't come here. Send MAIL first
        """,
    )


def test_these_may_come_at_any_time() -> None:
    happened = converse(
        opening(),
        """
        C: NOOP
        S: 250 2.0.0 OK
        C: NOOP whatever
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: VRFY ada
        S: 252 2.5.0 Addresses are not verified here; send the message, and it will be tried
        C: EXPN list
        S: 502 5.5.1 Mailing lists are not expanded here
        C: HELP
        S: 214 2.0.0 Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT
        C: HELP mail
        S: 214 2.0.0 Syntax: MAIL FROM:<address> [<parameters>]
        C: HELP me
        S: 214 2.0.0 Commands: ...
        C: QUIT
        S: 221 2.0.0 Goodbye
        S closes
        """,
    )
    assert happened == [Reset(), Verify("ada"), Expand("list"), Quit()]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("", "500 5.5.1 Unknown command; HELP lists those known here"),
        ("MAILFROM:<a@b>", "500 5.5.1 Unknown command; HELP lists those known here"),
        ("LHLO x", "500 5.5.1 Unknown command; HELP lists those known here"),
        ("EHLO", "501 5.5.4 Syntax: EHLO <your host's name>"),
        ("HELO ", "501 5.5.4 Syntax: HELO <your host's name>"),
        (f"EHLO {'a' * 256}", "501 5.5.4 Syntax: EHLO <your host's name>"),
        ("EHLO a\u202eb", "501 5.5.4 Syntax: EHLO <your host's name>"),
        ("MAIL", "501 5.5.4 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL TO:<a@b.example>", "501 5.5.4 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL FROM:a@b.example", "501 5.1.7 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL FROM:<a@b.example>SIZE=1", "501 5.1.7 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL FROM:<a@b..example>", "501 5.1.7 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL FROM:<Postmaster>", "501 5.1.7 Syntax: MAIL FROM:<address> [<parameters>]"),
        ("MAIL FROM:<a@b.example> SIZE", "501 5.5.4 Syntax: SIZE=<octets>"),
        ("MAIL FROM:<a@b.example> SIZE=x", "501 5.5.4 Syntax: SIZE=<octets>"),
        ("MAIL FROM:<a@b.example> SIZE=123456789012345678901", "501 5.5.4 Syntax: SIZE=<octets>"),
        ("MAIL FROM:<a@b.example> SIZE=1 SIZE=1", "501 5.5.4 MAIL has the parameter SIZE twice"),
        ("MAIL FROM:<a@b.example> SIZE=1001", "552 5.3.4 The message has 1001 octets; this server accepts 1000"),
        ("MAIL FROM:<a@b.example> BODY=9BIT", "501 5.5.4 Syntax: BODY=7BIT|8BITMIME|BINARYMIME"),
        ("MAIL FROM:<a@b.example> BODY", "501 5.5.4 Syntax: BODY=7BIT|8BITMIME|BINARYMIME"),
        ("MAIL FROM:<a@b.example> SMTPUTF8=1", "501 5.5.4 Syntax: SMTPUTF8"),
        ("MAIL FROM:<a@b.example> AUTH", "501 5.5.4 Syntax: AUTH=<mailbox>"),
        ("MAIL FROM:<a@b.example> AUTH=a+zz", "501 5.5.4 Syntax: AUTH=<mailbox>"),
        ("MAIL FROM:<a@b.example> COLOUR=red", '555 5.5.4 MAIL takes no parameter "COLOUR" here'),
        ("MAIL FROM:<a@b.example> =", '501 5.5.4 "=" is no parameter; they look like SIZE=1000'),
        ("MAIL FROM:<nobody@b.example>", "553 5.7.1 nobody@b.example is not an address of yours"),
        ("STARTTLS now", "501 5.5.4 Syntax: STARTTLS"),
        ("RSET now", "501 5.5.4 Syntax: RSET"),
        ("QUIT now", "501 5.5.4 Syntax: QUIT"),
        ("VRFY", "501 5.5.4 Syntax: VRFY <address>"),
        ("NOOP \\x00", "500 5.5.2 The command has a control character in it; commands are printable text"),
        ("NOOP \\x0dQUIT", "500 5.5.2 The command has a control character in it; commands are printable text"),
        ("NOOP \\x09x", "500 5.5.2 The command has a control character in it; commands are printable text"),
        ("NOOP \\x7f", "500 5.5.2 The command has a control character in it; commands are printable text"),
        ("NOOP \\xc2\\x9b", "500 5.5.2 The command has a control character in it; commands are printable text"),
        ("NOOP \\xff", "500 5.5.2 The command is not UTF-8 text"),
        ("NOOP\\x0a", None),
    ],
)
def test_what_is_refused_and_why(command: str, answer: str | None) -> None:
    lines = [answer] if answer else ["500 5.5.2 A line ended with <LF> alone...", "500 5.5.1 Unknown command..."]
    converse(
        opening(),
        f"C: HELO x\nS: 250 mx.example\nC: {command}\n"
        + "".join(f"S: {line}\n" for line in lines)
        + "C: NOOP\nS: 250 2.0.0 OK",
    )


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("RCPT", "501 5.5.4 Syntax: RCPT TO:<address> [<parameters>]"),
        ("RCPT TO:", "501 5.1.3 Syntax: RCPT TO:<address> [<parameters>]"),
        ("RCPT TO:<>", "501 5.1.3 Syntax: RCPT TO:<address> [<parameters>]"),
        ("RCPT TO:<ada>", "501 5.1.3 Syntax: RCPT TO:<address> [<parameters>]"),
        ("RCPT TO:<ada@b.example> COLOUR=red", '555 5.5.4 RCPT takes no parameter "COLOUR" here'),
        ("RCPT TO:<full@b.example>", "452 4.2.2 The mailbox is full; please try again later"),
        ("DATA now", "501 5.5.4 Syntax: DATA"),
    ],
)
def test_what_is_refused_in_a_transaction(command: str, answer: str) -> None:
    converse(
        opening(), f"C: HELO x\nS: 250 mx.example\nC: MAIL FROM:<>\nS: 250 2.1.0 Sender OK\nC: {command}\nS: {answer}"
    )


@pytest.mark.parametrize("space", [" ", "\\x09", " \\x09 \\x09"])
def test_white_space_behind_a_command_is_passed_over(space: str) -> None:
    """RFC 5321 §4.1.1."""
    converse(
        opening(),
        f"""
        C: HELO x{space}
        S: 250 mx.example
        C: NOOP{space}
        S: 250 2.0.0 OK
        C: MAIL FROM:<a@b.example>{space}
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<b@b.example>{space}
        S: 250 2.1.5 Recipient OK
        C: BDAT 1{space}
        C| x
        S: 250 2.0.0 1 octets received
        C: RSET{space}
        S: 250 2.0.0 OK
        C: QUIT{space}
        S: 221 2.0.0 Goodbye
        S closes
        """,
    )


def test_data_takes_no_argument() -> None:
    converse(
        opening(),
        """
        C: HELO x
        C: MAIL FROM:<>
        C: RCPT TO:<b@b.example>
        C: DATA now
        S: 250 mx.example
        S: 250 2.1.0 Sender OK
        S: 250 2.1.5 Recipient OK
        S: 501 5.5.4 Syntax: DATA
        """,
    )


@pytest.mark.parametrize("request_line", ["GET / HTTP/1.1", "post /x HTTP/1.0", "Host: mx.example"])
def test_a_web_browser_is_sent_away(request_line: str) -> None:
    """A page that makes a browser speak SMTP must not get as far as the command in its body."""
    assert (
        converse(
            opening(),
            f"""
        C: {request_line}
        S: 421 4.7.0 This is a mail server, not a web server; closing the connection
        S closes
        C: MAIL FROM:<x@y.example>
        S closes
        """,
        )
        == []
    )


def test_what_comes_before_the_greeting_is_thrown_away() -> None:
    machine, session = server(greet=False)
    machine.receive_data(b"EHLO eager\r\n")
    machine.greet()
    assert feed(machine, session, b"NOOP\r\n") == b"220 mx.example ESMTP Posthouse\r\n250 2.0.0 OK\r\n"


def test_a_session_may_refuse_what_the_machine_would_grant() -> None:
    def unfriendly(machine: SmtpServer, event: Event) -> bool:
        match event:
            case Hello("bad", _):
                machine.reply(Reply(550, "5.7.1", "Not you"))
            case Hello("good", _):
                machine.reply(Reply(250, "", "mx.example", "knows you"))
            case Verify():
                machine.reply(Reply(550, "5.1.1", "Unknown"))
            case events.StartTls():
                machine.reply(Reply(454, "4.7.0", "The certificate is being renewed"))
            case Data():
                machine.reply(replies.NO_SPACE)
            case _:
                return False
        return True

    converse(
        answering(unfriendly),
        """
        C: EHLO bad
        S: 550 5.7.1 Not you
        C: MAIL FROM:<a@b.example>
        S: 503 5.5.1 MAIL can't come here. Send EHLO first
        C: EHLO good
        S: 250-mx.example
        S: 250 knows you
        C: VRFY ada
        S: 550 5.1.1 Unknown
        C: STARTTLS
        S: 454 4.7.0 The certificate is being renewed
        C: MAIL FROM:<a@b.example>
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<b@b.example>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 452 4.3.1 This server has no room for the message at the moment; please try again later
        C: QUIT
        S: 221 2.0.0 Goodbye
        S closes
        """,
    )


def test_a_421_of_the_session_closes() -> None:
    def busy(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, MailFrom):
            machine.reply(replies.SHUTTING_DOWN)
            return True
        return False

    converse(
        answering(busy),
        """
        C: HELO x
        S: 250 mx.example
        C: MAIL FROM:<a@b.example>
        S: 421 4.3.2 ...
        S closes
        """,
    )


def test_the_pump_may_say_goodbye_at_any_time() -> None:
    machine, session = server()
    feed(machine, session, b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nhalf a ")
    machine.farewell(replies.TIMED_OUT)
    assert machine.closed
    assert machine.data_to_send() == bytes(replies.TIMED_OUT)
    assert feed(machine, session, b"letter\r\n.\r\n") == b""


def test_a_session_that_forgets_to_answer_is_a_defect() -> None:
    for command in (b"MAIL FROM:<>\r\n", b"RCPT TO:<b@b.example>\r\n", b"DATA\r\n", b".\r\n"):
        machine, session = server()
        commands = b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n.\r\n"
        feed(machine, session, commands[: commands.index(command)])
        machine.receive_data(command)
        with pytest.raises(LocalProtocolError):
            for _ in machine.events():
                pass


def test_a_session_can_not_answer_what_is_not_asked() -> None:
    machine, _ = server()
    with pytest.raises(LocalProtocolError):
        machine.reply(replies.OK)
    machine.receive_data(b"HELO x\r\nMAIL FROM:<>\r\n")
    answered = machine.events()
    next(answered)
    for answer in (lambda: machine.challenge(b""), machine.authenticated, lambda: machine.reply(Reply(334, "", "x"))):
        with pytest.raises(LocalProtocolError):
            answer()
    next(answered)
    machine.reply(replies.SENDER_OK)
    with pytest.raises(LocalProtocolError):
        machine.reply(replies.SENDER_OK)


def test_data_is_let_in_with_354_only() -> None:
    def wrong(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, Data):
            machine.reply(replies.OK)
        return isinstance(event, Data)

    machine, handle = answering(wrong)()
    machine.receive_data(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n")
    with pytest.raises(LocalProtocolError):
        for event in machine.events():
            handle(event)


@pytest.mark.parametrize(
    ("commands", "tls", "protocol"),
    [
        (b"HELO x\r\n", True, "SMTP"),
        (b"EHLO x\r\n", False, "ESMTP"),
        (b"EHLO x\r\n", True, "ESMTPS"),
        (b"EHLO x\r\nAUTH PLAIN AGFkYQBzZWNyZXQ=\r\n", True, "ESMTPSA"),
        (b"EHLO x\r\nMAIL FROM:<> SMTPUTF8\r\n", True, "UTF8SMTPS"),
        (b"", True, "SMTP"),
    ],
)
def test_what_a_trace_line_calls_the_conversation(commands: bytes, tls: bool, protocol: str) -> None:
    machine, session = server(tls=tls)
    feed(machine, session, commands)
    assert machine.protocol == protocol


def test_each_row_of_the_table_is_spelled_as_it_is_found() -> None:
    for verb, row in COMMANDS.items():
        assert row.verb.encode() == verb
        assert row.syntax.startswith(row.verb)
