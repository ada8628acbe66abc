"""CHUNKING and BINARYMIME: RFC 3030."""

from __future__ import annotations

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.smtp import reply as replies
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.event import Aborted, Chunk, Data, End, Event, Hello, MailFrom, RcptTo, Reset
from posthouse.smtp.limits import Limits
from posthouse.smtp.path import Mailbox
from posthouse.smtp.role import LMTP
from posthouse.smtp.server import SmtpServer
from smtp_session import LHLO, answering, feed, opening, server
from transcript import converse

BOB = Recipient(Mailbox("bob", "b.example"))
BEGIN = """
C: HELO x
S: 250 mx.example
C: MAIL FROM:<>
S: 250 2.1.0 Sender OK
C: RCPT TO:<bob@b.example>
S: 250 2.1.5 Recipient OK
"""


def test_a_letter_in_chunks_is_a_letter_like_any_other() -> None:
    happened = converse(
        opening(),
        BEGIN
        + r"""
        C: BDAT 8
        C| one\x0d\x0a.\x0d\x0a
        S: 250 2.0.0 8 octets received
        C: bdat 6
        C| \x00two\xff\x0d
        S: 250 2.0.0 6 octets received
        C: BDAT 0
        S: 250 2.0.0 0 octets received
        C: BDAT 3  last
        C| end
        S: 250 2.0.0 Letter 1 kept
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        """,
    )
    assert happened[3:-1] == [Data(counted=True), Chunk(b"one\r\n.\r\n\x00two\xff\rend"), End(17)]


def test_a_letter_in_one_chunk_and_one_with_an_empty_end() -> None:
    for chunks in (b"BDAT 6 LAST\r\nabcdef", b"BDAT 6\r\nabcdefBDAT 0 LAST\r\n"):
        machine, session = server()
        feed(machine, session, b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\n")
        assert feed(machine, session, chunks).endswith(b"250 2.0.0 Letter 1 kept\r\n")
        assert session.letters == [b"abcdef"]


def test_what_may_come_between_chunks() -> None:
    reason = "The letter has begun with BDAT; go on with BDAT, or begin anew with RSET"
    happened = converse(
        opening(),
        BEGIN
        + f"""
        C: BDAT 3
        C| one
        S: 250 2.0.0 3 octets received
        C: DATA
        S: 503 5.5.1 DATA can't come here. {reason}
        C: RCPT TO:<c@b.example>
        S: 503 5.5.1 RCPT can't come here. {reason}
        C: MAIL FROM:<>
        S: 503 5.5.1 MAIL can't come here. {reason}
        C: NOOP
        S: 250 2.0.0 OK
        C: RSET
        S: 250 2.0.0 OK
        C: BDAT 3 LAST
        C| two
        S: 503 5.5.1 BDAT can't come here. Send MAIL first
        """,
    )
    assert happened[-2:] == [Chunk(b"one"), Reset()]


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        ("C: NOOP\nS: 250 2.0.0 OK", "Send EHLO first"),
        ("C: HELO x\nS: 250 mx.example", "Send MAIL first"),
        ("C: HELO x\nS: 250 mx.example\nC: MAIL FROM:<>\nS: 250 2.1.0 ...", "Send RCPT first: no recipient..."),
    ],
)
def test_a_chunk_that_nobody_wants_is_read_all_the_same(before: str, answer: str) -> None:
    """Its octets are on their way when it is refused, and they are no commands."""
    happened = converse(
        opening(),
        f"{before}\nC: BDAT 8 LAST\nC: RSET x\nS: 503 5.5.1 BDAT can't come here. {answer}\nC: NOOP\nS: 250 2.0.0 OK",
    )
    assert all(isinstance(event, Hello | MailFrom) for event in happened)


def test_a_refused_letter_is_read_and_its_transaction_is_over() -> None:
    def full(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, Data):
            machine.reply(replies.NO_SPACE)
        return isinstance(event, Data)

    happened = converse(
        answering(full),
        BEGIN
        + """
        C: BDAT 6
        C: QUIT
        S: 452 4.3.1 This server has no room for the message at the moment; please try again later
        C: BDAT 6
        C: QUIT
        S: 503 5.5.1 BDAT can't come here. A BDAT was refused; send RSET first
        C: BDAT 6 LAST
        C: QUIT
        S: 503 5.5.1 BDAT can't come here. A BDAT was refused; send RSET first
        C: MAIL FROM:<>
        S: 503 5.5.1 MAIL can't come here. A BDAT was refused; send RSET first
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<>
        S: 250 2.1.0 Sender OK
        """,
    )
    assert happened[3:] == [Data(counted=True), Reset(), MailFrom(Envelope(None))]


def test_a_letter_that_grows_too_big() -> None:
    small = opening(limits=Limits(size=5))
    for last in ("", " LAST"):
        happened = converse(
            small,
            BEGIN
            + f"""
            C: BDAT 3
            C| one
            S: 250 2.0.0 3 octets received
            C: BDAT 3{last}
            C| two
            S: 552 5.3.4 The message is larger than this server accepts
            C: RSET
            S: 250 2.0.0 OK
            """,
        )
        assert not any(isinstance(event, End) for event in happened)
        assert happened[-2:] == [Aborted(), Reset()]


def test_a_chunk_beyond_all_measure_is_not_read() -> None:
    limits = Limits(size=5, excess=5)
    for before, digits in [(BEGIN, "11"), (BEGIN, "99999999999999999999"), ("", "11")]:
        converse(
            opening(limits=limits),
            f"""
            {before}
            C: BDAT {digits}
            C| 12345678901
            S: 552 5.3.4 The message is larger than this server accepts
            S: 421 4.5.0 What follows can't be told from commands; closing the connection
            S closes
            """,
        )


@pytest.mark.parametrize("argument", ["", "x", "-1", "5 FIRST", "5 LAST LAST", "LAST", "123456789012345678901", "١"])
def test_what_can_not_be_counted_ends_the_connection(argument: str) -> None:
    converse(
        opening(),
        f"""
        C: BDAT {argument}
        S: 501 5.5.4 Syntax: BDAT <octets> [LAST]
        S: 421 4.5.0 What follows can't be told from commands; closing the connection
        S closes
        """,
    )


def test_a_connection_lost_in_a_chunk() -> None:
    happened = converse(opening(), BEGIN + "C: BDAT 8 LAST\nC| half\nC eof\nS closes")
    assert happened[3:] == [Data(counted=True), Aborted()]
    happened = converse(opening(), "C: BDAT 8 LAST\nC| half\nC eof\nS closes")
    assert happened == []


LMTP_BEGIN = (
    LHLO
    + """
    C: MAIL FROM:<>
    S: 250 2.1.0 ...
    C: RCPT TO:<b@b.example>
    S: 250 2.1.5 ...
    C: RCPT TO:<nobody@b.example>
    S: 550 5.1.1 ...
    C: RCPT TO:<c@b.example>
    S: 250 2.1.5 ...
    """
)


def test_lmtp_answers_the_last_chunk_for_each_recipient() -> None:
    converse(
        opening(LMTP),
        LMTP_BEGIN
        + """
        C: BDAT 1
        C| x
        S: 250 2.0.0 1 octets received
        C: BDAT 0 LAST
        S: 250 2.0.0 Letter 1 kept
        S: 250 2.0.0 Letter 1 kept
        """,
    )


LMTP_FAILED = "S: 503 5.5.1 BDAT can't come here. A BDAT was refused; send RSET first\n"


def test_lmtp_answers_the_last_chunk_for_each_recipient_when_an_earlier_one_was_refused() -> None:
    """RFC 2033 §4.3: who has sent everything already counts on so many answers."""
    small = opening(LMTP, limits=Limits(size=5))
    refused = "C: BDAT 3\nC| two\nS: 552 5.3.4 ...\nC: BDAT 1\nC| x\n" + LMTP_FAILED
    converse(
        small,
        LMTP_BEGIN.replace("SIZE 1000", "SIZE 5")
        + "C: BDAT 3\nC| one\nS: 250 2.0.0 ...\n"
        + refused
        + "C: BDAT 4 LAST\nC| last\n"
        + LMTP_FAILED * 2
        + "C: RSET\nS: 250 2.0.0 OK",
    )


def test_lmtp_answers_the_last_chunk_for_each_recipient_when_it_is_not_let_in() -> None:
    def full(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, Data):
            machine.reply(replies.NO_SPACE)
        return isinstance(event, Data)

    for chunk, answers in ("C: BDAT 1 LAST\nC| x\n", 2), ("C: BDAT 1\nC| x\n", 1):
        converse(
            answering(full, role=LMTP),
            LMTP_BEGIN + chunk + "S: 452 4.3.1 ...\n" * answers + "C: RSET\nS: 250 2.0.0 OK",
        )


def test_lmtp_refuses_the_last_chunk_once_where_nobody_was_accepted() -> None:
    converse(
        opening(LMTP),
        LHLO + "C: MAIL FROM:<>\nS: 250 2.1.0 ...\nC: BDAT 1 LAST\nC| x\nS: 503 5.5.1 ...\nC: NOOP\nS: 250 2.0.0 OK",
    )


def test_chunks_do_not_count_as_commands() -> None:
    converse(
        opening(limits=Limits(commands=5)),
        BEGIN + "C: BDAT 1\nC| x\nS: 250 2.0.0 1 octets received\n" * 10 + "C: BDAT 0 LAST\nS: 250 2.0.0 Letter 1 kept",
    )
    converse(
        opening(limits=Limits(commands=5)),
        BEGIN
        + "C: BDAT 0\nS: 250 2.0.0 0 octets received\n" * 2
        + "C: BDAT 0\nS: 421 4.7.0 Too many commands...\nS closes",
    )


def test_a_large_chunk_is_handed_over_as_it_comes() -> None:
    machine, session = server(limits=Limits(size=10_000_000))
    feed(machine, session, b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nBDAT 1000000 LAST\r\n")
    for _ in range(1000):
        feed(machine, session, b"x" * 1000)
        assert len(machine.reader) == 0
    assert [len(letter) for letter in session.letters] == [1_000_000]


def test_a_letter_is_let_in_with_354_only() -> None:
    def wrong(machine: SmtpServer, event: Event) -> bool:
        if isinstance(event, Data):
            machine.reply(replies.OK)
        return isinstance(event, Data)

    machine, handle = answering(wrong)()
    machine.receive_data(b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nBDAT 0\r\n")
    with pytest.raises(LocalProtocolError):
        for event in machine.events():
            handle(event)


def test_binary_letters_come_in_chunks_where_they_are_taken() -> None:
    happened = converse(
        opening(extensions=frozenset({"BINARYMIME"})),
        """
        C: HELO x
        S: 250 mx.example
        C: MAIL FROM:<> BODY=BINARYMIME
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<bob@b.example>
        S: 250 2.1.5 Recipient OK
        C: DATA
        S: 503 5.5.1 A message that was announced with BODY=BINARYMIME comes with BDAT, not DATA
        C: BDAT 1 LAST
        C| \\x00
        S: 250 2.0.0 Letter 1 kept
        """,
    )
    assert happened[1:] == [
        MailFrom(Envelope(None, [BOB], body="BINARYMIME")),
        RcptTo(BOB),
        Data(counted=True),
        Chunk(b"\0"),
        End(1),
    ]


def test_binary_letters_where_they_are_not_taken() -> None:
    converse(
        opening(),
        """
        C: HELO x
        S: 250 mx.example
        C: MAIL FROM:<> BODY=BINARYMIME
        S: 555 5.5.4 MAIL takes no BODY=BINARYMIME here
        """,
    )
    for extensions in (frozenset[str](), frozenset({"BINARYMIME"})):
        machine, session = server(extensions=extensions)
        assert (b"250-BINARYMIME\r\n" in feed(machine, session, b"EHLO x\r\n")) == bool(extensions)


def test_an_end_inside_a_chunk_is_text() -> None:
    """Smuggling by mixing DATA's end with BDAT's count."""
    machine, session = server()
    feed(machine, session, b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\n")
    smuggled = b"Hello\r\n.\r\nMAIL FROM:<boss@b.example>\r\n"
    feed(machine, session, b"BDAT %d LAST\r\n%b" % (len(smuggled), smuggled))
    assert session.letters == [smuggled]
