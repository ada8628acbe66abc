"""The POP3 server's machine in the TRANSACTION state: RFC 1939 §5 to §7, command by command."""

from __future__ import annotations

import pytest

from pop3_session import LETTERS, MemorySession, feed, server, talk, talk_in
from posthouse.errors import LocalProtocolError
from posthouse.pop3 import reply as replies
from posthouse.pop3.event import Retrieve, Said, Update
from posthouse.pop3.reply import Reply, ok
from posthouse.pop3.server import SLICE


def test_stat_list_uidl() -> None:
    talk_in("""
        C: STAT
        S: +OK 2 64
        C: LIST
        S: +OK 2 messages (64 octets)
        S: 1 40
        S: 2 24
        S: .
        C: LIST 2
        S: +OK 2 24
        C: UIDL
        S: +OK 2 messages (64 octets)
        S: 1 7.11
        S: 2 7.12
        S: .
        C: uidl 1
        S: +OK 1 7.11
    """)


def test_an_empty_maildrop() -> None:
    text = """
        C: USER ada
        S: +OK...
        C: PASS secret
        S: +OK Logged in; 0 messages (0 octets)
        C: STAT
        S: +OK 0 0
        C: LIST
        S: +OK 0 messages (0 octets)
        S: .
        C: UIDL
        S: +OK 0 messages (0 octets)
        S: .
        C: RETR 1
        S: -ERR There is no message 1; the mailbox has 0
        C: QUIT
        S: +OK Goodbye
        S closes
    """
    assert talk(text, letters=())[1:] == [Update()]


def test_retr_stuffs_dots() -> None:
    events = talk_in("""
        C: RETR 1
        S: +OK 40 octets
        S: Subject: one
        S:
        S: first
        S: ..
        S: ...dots
        S: last
        S: .
        C: RETR 2
        S: +OK 24 octets
        S: Subject: two
        S:
        S: second
        S: .
    """)
    assert events == [Retrieve(0, None), Retrieve(1, None)] and events[0].number == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000])
def test_a_message_comes_in_pieces(piece: int) -> None:
    machine, session = server(piece=piece)
    feed(machine, session, b"USER ada\r\nPASS secret\r\n")
    assert feed(machine, session, b"RETR 1\r\n") == (
        b"+OK 40 octets\r\n" + LETTERS[0].replace(b"\r\n.", b"\r\n..") + b".\r\n"
    )
    top = b"Subject: one\r\n\r\nfirst\r\n..\r\n.\r\n"
    assert feed(machine, session, b"TOP 1 2\r\n").partition(b"\r\n")[2] == top


def test_top() -> None:
    events = talk_in("""
        C: TOP 1 0
        S: +OK The message's beginning
        S: Subject: one
        S:
        S: .
        C: TOP 1 2
        S: +OK The message's beginning
        S: Subject: one
        S:
        S: first
        S: ..
        S: .
        C: TOP 2 99999999
        S: +OK The message's beginning
        S: Subject: two
        S:
        S: second
        S: .
    """)
    assert events == [Retrieve(0, 0), Retrieve(0, 2), Retrieve(1, 99999999)]


@pytest.mark.parametrize(
    ("letter", "sent"),
    [
        # A reader that takes LF for a line end would see the end of the answer in the middle of the letter.
        (b"A: b\r\n\r\nx\n.\n+OK 9 octets\r\n", b"A: b\r\n\r\nx\r\n..\r\n+OK 9 octets\r\n.\r\n"),
        (b"A: b\r\n\r\nx\r.\ry\r\n", b"A: b\r\n\r\nx\r\n..\r\ny\r\n.\r\n"),
        (b"A: b\r\n\r\nno end", b"A: b\r\n\r\nno end\r\n.\r\n"),
        (b"A: b\r\n\r\nend\r", b"A: b\r\n\r\nend\r\n.\r\n"),
        (b".A: b\r\n\r\n.", b"..A: b\r\n\r\n..\r\n.\r\n"),
        (b"", b".\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
    ],
)
@pytest.mark.parametrize("command", [b"RETR 1", b"TOP 1 1000"])
def test_smuggled_ends_and_missing_ones(letter: bytes, sent: bytes, command: bytes) -> None:
    for piece in (1, 2, 1000):
        machine, session = server(letters=(letter,), piece=piece)
        feed(machine, session, b"USER ada\r\nPASS secret\r\n")
        assert feed(machine, session, command + b"\r\n").partition(b"\r\n")[2] == sent


def test_a_bare_line_feed_counts_as_a_line_for_top() -> None:
    machine, session = server(letters=(b"A: b\r\n\r\n1\n2\n3\r\n4\r\n",))
    feed(machine, session, b"USER ada\r\nPASS secret\r\n")
    assert feed(machine, session, b"TOP 1 2\r\n").partition(b"\r\n")[2] == b"A: b\r\n\r\n1\r\n2\r\n.\r\n"


def test_dele_rset_and_quit() -> None:
    sessions: list[MemorySession] = []
    events = talk_in(
        """
        C: DELE 1
        S: +OK Message 1 is deleted when QUIT comes
        C: STAT
        S: +OK 1 24
        C: LIST
        S: +OK 1 message (24 octets)
        S: 2 24
        S: .
        C: UIDL
        S: +OK 1 message (24 octets)
        S: 2 7.12
        S: .
        C: DELE 1
        S: -ERR Message 1 is deleted already; RSET brings it back
        C: LIST 1
        S: -ERR Message 1 is deleted already...
        C: UIDL 1
        S: -ERR Message 1 is deleted already...
        C: RETR 1
        S: -ERR Message 1 is deleted already...
        C: TOP 1 0
        S: -ERR Message 1 is deleted already...
        C: RSET
        S: +OK 2 messages (64 octets)
        C: DELE 2
        S: +OK...
        C: QUIT
        S: +OK Goodbye
        S closes
        """,
        prepare=sessions.append,
    )
    assert events == [Update()]
    assert [session.removed for session in sessions] == [[(12, 12)]] * 3


def test_quit_that_fails_says_so_and_closes() -> None:
    def fail(session: MemorySession) -> None:
        session.fails = True

    talk_in(
        """
        C: DELE 1
        S: +OK...
        C: QUIT
        S: -ERR [SYS/TEMP] The messages could not be deleted; all of them are still there. Please try again later
        S closes
        """,
        prepare=fail,
    )


def test_a_connection_that_ends_without_quit_updates_nothing() -> None:
    assert talk_in("C: DELE 1\nS: +OK...\nC eof\nS closes") == []
    assert talk_in("C: DELE 1\nS: +OK...\nC| QUI\nC eof\nS closes") == []


def test_a_message_that_is_gone() -> None:
    def lose(session: MemorySession) -> None:
        session.gone.add(0)

    text = "C: RETR 1\nS: -ERR It is gone\nC: TOP 1 0\nS: -ERR It is gone\nC: NOOP\nS: +OK Still here"
    talk_in(text, prepare=lose)


@pytest.mark.parametrize("command", ["RETR", "DELE", "LIST", "UIDL", "TOP"])
@pytest.mark.parametrize("number", ["0", "3", "9999999999"])
def test_numbers_that_are_none(command: str, number: str) -> None:
    lines = " 0" if command == "TOP" else ""
    talk_in(f"C: {command} {number}{lines}\nS: -ERR There is no message {int(number)}; the mailbox has 2")


@pytest.mark.parametrize(
    ("command", "syntax"),
    [
        ("RETR", "RETR <message>"),
        ("RETR x", "RETR <message>"),
        ("RETR -1", "RETR <message>"),
        ("RETR 1 2", "RETR <message>"),
        ("RETR ١", "RETR <message>"),
        ("RETR 12345678901", "RETR <message>"),
        ("DELE", "DELE <message>"),
        ("LIST x", "LIST [<message>]"),
        ("LIST 1 2", "LIST [<message>]"),
        ("UIDL 1.5", "UIDL [<message>]"),
        ("TOP 1", "TOP <message> <lines>"),
        ("TOP 1 -1", "TOP <message> <lines>"),
        ("TOP 1 2 3", "TOP <message> <lines>"),
        ("STAT 1", "STAT"),
        ("NOOP now", "NOOP"),
        ("RSET all", "RSET"),
        ("QUIT now", "QUIT"),
        ("CAPA x", "CAPA"),
    ],
)
def test_syntax_is_explained(command: str, syntax: str) -> None:
    talk_in(f"C: {command}\nS: -ERR Syntax: {syntax}\nC: NOOP\nS: +OK Still here")


@pytest.mark.parametrize("command", ["USER ada", "PASS secret", "AUTH PLAIN", "STLS", "UTF8"])
def test_commands_of_the_state_before(command: str) -> None:
    talk_in(f"C: {command}\nS: -ERR This can't come after the login")


def test_pipelined_commands_are_answered_in_order() -> None:
    machine, session = server()
    said = feed(machine, session, b"USER ada\r\nPASS secret\r\nRETR 2\r\nDELE 2\r\nSTAT\r\nQUIT\r\nSTAT\r\n")
    assert said.splitlines() == [
        b"+OK Send the password with PASS",
        b"+OK Logged in; 2 messages (64 octets)",
        b"+OK 24 octets",
        *LETTERS[1].splitlines(),
        b".",
        b"+OK Message 2 is deleted when QUIT comes",
        b"+OK 1 40",
        b"+OK Goodbye",
    ]
    assert machine.closed and session.removed == [(12, 12)]


def test_a_long_list_comes_in_slices() -> None:
    machine, session = server(letters=(b"x",) * (2 * SLICE + 1))
    feed(machine, session, b"USER ada\r\nPASS secret\r\n")
    machine.receive_data(b"UIDL\r\n")
    said, largest = b"", 0
    for event in machine.events():
        assert event == Said("UIDL")
        largest = max(largest, machine.output_size)
        said += machine.data_to_send()
    lines = said.split(b"\r\n")
    assert lines[1] == b"1 7.11" and lines[-2:] == [b".", b""] and len(lines) == 2 * SLICE + 4
    assert largest < 64 * 1024


def test_what_the_session_may_not_do() -> None:
    machine, _ = server()
    with pytest.raises(LocalProtocolError, match="nothing to answer"):
        machine.updated()
    with pytest.raises(LocalProtocolError, match="RETR and TOP only"):
        machine.begin_text(1, 1)
    with pytest.raises(LocalProtocolError, match="no message was begun"):
        machine.text(b"x")
    with pytest.raises(LocalProtocolError, match="no message was begun"):
        machine.end_text()
    with pytest.raises(LocalProtocolError, match="negative"):
        machine.refuse(ok("fine"))
    machine.receive_data(b"USER ada\r\nPASS secret\r\n")
    with pytest.raises(LocalProtocolError, match="was not answered"):
        list(machine.events())


def test_farewell_says_nothing_in_the_middle_of_a_message() -> None:
    for begun in (False, True):
        machine, session = server()
        feed(machine, session, b"USER ada\r\nPASS secret\r\n")
        machine.receive_data(b"RETR 1\r\n")
        next(machine.events())
        if begun:
            machine.begin_text(40, 20)
            machine.text(b"Subject: one\r\n")
        machine.farewell(replies.UNREADABLE)
        assert machine.closed
        assert machine.data_to_send().endswith(b"Subject: one\r\n" if begun else bytes(replies.UNREADABLE))


def test_replies_that_can_not_be() -> None:
    for text, code in (("two\r\nlines", ""), ("[code] without one", ""), ("x", "bad code"), ("x", "A]")):
        with pytest.raises(LocalProtocolError):
            Reply(False, text, code)
    assert bytes(ok("Grüße")) == b"+OK Gr\\xfc\\xdfe\r\n"
    assert len(bytes(ok("x" * 1000))) == 512  # RFC 2449 §4
