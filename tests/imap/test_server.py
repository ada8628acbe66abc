"""How a conversation is read: tags, literals, errors, and where the next command begins."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imap_session import Friendly, converse, machine_in
from posthouse.imap.command import Noop, Select
from posthouse.imap.event import AppendChunk, Command, Event
from posthouse.imap.server import ImapServer, Limits
from posthouse.imap.table import TABLE, State
from posthouse.wire.machine import Tls

NEXT = "\nC: z NOOP\nS: z OK done"


def test_pipelined_commands_are_answered_in_turn() -> None:
    events = converse("C: a NOOP\nC: b NOOP\nC: c SELECT x\nS: a OK done\nS: b OK done\nS: c OK [READ-WRITE] selected")
    assert events == [Command("a", Noop()), Command("b", Noop()), Command("c", Select("x"))]


@pytest.mark.parametrize("tag", ["a", "A0001", "1", ".", "a.b-c_d[]<>|", "x" * 100])
def test_tags(tag: str) -> None:
    converse(f"C: {tag} NOOP\nS: {tag} OK done")


@pytest.mark.parametrize(
    "line",
    ["", " ", " NOOP", "+ NOOP", "a+ NOOP", "* NOOP", '"a" NOOP', "(a) X", "a{b X", "ä NOOP", f"{'x' * 101} NOOP"],
)  # fmt: skip
def test_what_is_no_tag(line: str) -> None:
    converse(f"C: {line}\nS: * BAD expected a tag, a space and a command{NEXT}")


@pytest.mark.parametrize("line", ["a", "a  NOOP", "a (", 'a "NOOP"', "a \\x00", "a {3}", "a {3+}\nC: abc"])
def test_no_command(line: str) -> None:
    converse(f"C: {line}\nS: a BAD expected...{NEXT}")


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("a NOOP x", "a BAD NOOP: expected the end of the line at character 7"),
        ("a noop\\x09", "a BAD NOOP:..."),
        ("a NOOP\\x0d", "a BAD NOOP:..."),
        ("a FOO {3}", "a BAD there is no command FOO"),
        ("a FOO {3+}\nC: b NOOP {2+}\nC: cc", "a BAD there is no command FOO"),
        ("a NOOP {3+}\nC: b N", "a BAD NOOP:..."),
        ("a SELECT {3+}\nC: b N {3+}\nC: b N (", "a BAD SELECT:..."),
    ],
)
def test_after_an_error_the_next_command_is_read(line: str, answer: str) -> None:
    converse(f"C: {line}\nS: {answer}{NEXT}")


def test_a_literal_is_never_taken_for_syntax() -> None:
    name = "x {5+}\\x0d\\x0ab NOOP"
    events = converse(f"C: a SELECT {{14+}}\nC: {name}\nS: a NO [CANNOT] SELECT: that can't be...{NEXT}")
    assert events == [Command("z", Noop())]


def test_a_client_waits_for_each_literal() -> None:
    machine = machine_in(State.AUTHENTICATED)
    answers = []
    for sent in (b"a RENAME {3}\r\n", b"one {3}\r\n", b"two\r\n"):
        machine.receive_data(sent)
        for event in machine.events():
            Friendly(machine, {})(event)
        answers.append(machine.data_to_send())
    assert answers == [b"+ go on\r\n", b"+ go on\r\n", b"a OK done\r\n"]


# -- limits ----------------------------------------------------------------------------------------------------------

SMALL = Limits(command=1000, command_before_login=200, literals=3, skip=2000, bad=3, bad_before_login=2)


def test_a_line_too_long_ends_the_conversation() -> None:
    """It can't be read on: a literal might stand behind the line, whose octets would be taken for commands."""
    for state, size in ((State.AUTHENTICATED, 1000), (State.NOT_AUTHENTICATED, 200)):
        line = f"C: a NOOP {'x' * (size - 8)}"
        answer = f"S: a BAD a line of more than {size} octets\nS: * BYE [LIMIT] a line of more than {size} octets"
        converse(f"{line}\n{answer}\nS closes", state=state, limits=SMALL)
    converse(f"C| {'x' * 1000}\nS: * BYE [LIMIT]...\nS closes", limits=SMALL)


@pytest.mark.parametrize("line", ["a NOOP\\x0a", "\\x0a", "a SELECT {3+}\\x0d\\x0aabc\\x0a"])
def test_a_bare_line_feed_ends_the_conversation(line: str) -> None:
    """What stands behind it would else be a command: whoever smuggles one LF into a name could give commands."""
    text = f"C| {line}b DELETE x\\x0d\\x0a"
    tagged = "S: a BAD a line ended with LF alone...\n" if "SELECT" in line else ""
    machine_events = converse(f"{text}\n{tagged}S: * BYE a line ended with LF alone...\nS closes")
    assert machine_events == []


@pytest.mark.parametrize(
    "line",
    ["a SELECT {1000}", "a SELECT {1000+}\nC: " + "x" * 1000, "a SELECT {99999999999999999999}",
     "a SELECT {1+}\nC: x{1+}\nC: x{1+}\nC: x{1+}\nC: x", "a SELECT {500+}\nC: " + "x" * 500 + "{500}"],
)  # fmt: skip
def test_a_command_too_big_is_refused(line: str) -> None:
    converse(f"C: {line}\nS: a BAD SELECT: a command has at most 1000 octets and 3 literals{NEXT}", limits=SMALL)


def test_a_line_behind_a_literal_counts_too() -> None:
    converse(
        "C: a SELECT {900+}\nC: " + "x" * 990 + "\nS: a BAD a line of more than...\nS: * BYE [LIMIT]...\nS closes",
        limits=SMALL,
    )


def test_too_much_to_throw_away_ends_the_conversation() -> None:
    converse("C: a FOO {2001+}\nS: a BAD there...\nS: * BYE [LIMIT]...\nS closes", limits=SMALL)
    converse("C: a FOO {1001+}\nC: " + "x" * 1001 + "{1000+}\nS: a BAD...\nS: * BYE [LIMIT]...\nS closes", limits=SMALL)
    converse(
        "C: a FOO {201+}\nS: a BAD there...\nS: * BYE [LIMIT]...\nS closes", limits=SMALL, state=State.NOT_AUTHENTICATED
    )


def test_too_many_bad_commands_in_a_row() -> None:
    bye = "S: * BYE Too many commands that make no sense\nS closes"
    converse(
        "C: a FOO\nS: a BAD...\nC: b NOOP\nS: b OK done\nC: c FOO\nS: c BAD...\nC: d FOO\nS: d BAD...", limits=SMALL
    )
    converse(f"C: a FOO\nS: a BAD...\nC: +\nS: * BAD...\nC: c FOO x\nS: c BAD...\n{bye}", limits=SMALL)
    converse(f"C: a FOO\nS: a BAD...\nC: c\nS: c BAD...\n{bye}", limits=SMALL, state=State.NOT_AUTHENTICATED)


def test_nothing_is_read_after_bye() -> None:
    machine = machine_in(State.AUTHENTICATED, limits=SMALL)
    machine.receive_data(b"a FOO\r\nb FOO\r\nc FOO\r\nd NOOP\r\n")
    assert list(machine.events()) == []
    assert machine.closed
    assert machine.data_to_send().endswith(b"* BYE Too many commands that make no sense\r\n")


def test_the_server_may_end_the_conversation_at_any_time() -> None:
    machine = machine_in(State.AUTHENTICATED)
    machine.receive_data(b"a NOOP\r\nb NOOP\r\n")
    for _ in machine.events():
        machine.bye("shutting down")
    assert machine.closed
    assert machine.data_to_send() == b"* BYE shutting down\r\n"


def test_a_connection_closed_in_a_command() -> None:
    assert converse("C| a NOO\nC eof\nS closes") == []
    assert converse("C: a SELECT {3}\nS: + go on\nC| ab\nC eof\nS closes") == []
    assert converse("C eof\nS closes") == []


# -- anything at all -------------------------------------------------------------------------------------------------

WORDS = [
    b"a ", b"UID ", b" ", b"\r\n", b"(", b")", b'"', b"\\", b"\\Seen", b"1:*", b"1,2", b"*", b"$", b"x", b"INBOX",
    b"{3+}\r\nabc", b"{3}\r\n", b"~{2+}\r\n\x00\x01", b"{0+}\r\n", b"NOT ", b"OR ", b"BODY[", b"]", b"<0.1>", b"\xff",
    b"HEADER.FIELDS ", b"RETURN ", b"UTF8 ", b"&", b"\t", b"\x00", b"DONE\r\n", b"=", b"Zm9v\r\n", b"1-Feb-1994", b"+",
    b'"17-Jul-1996 02:44:25 -0700" ', b"FLAGS ", b"9" * 25, b"CHARSET ", b"STATUS ", b"a APPEND x {3+}\r\nabc\r\n",
    *(name.encode() + b" " for name in TABLE),
]  # fmt: skip


def survive(data: bytes, machine: ImapServer, size: int) -> list[Event]:
    answer = Friendly(machine, {})
    events = []
    for at in range(0, len(data), size):
        machine.receive_data(data[at : at + size])
        for event in machine.events():
            events.append(event)
            answer(event)
        if machine.tls is Tls.WANTED:
            machine.tls_started()
    machine.receive_eof()
    for event in machine.events():
        events.append(event)
        answer(event)
    assert machine.closed
    return events


@settings(max_examples=400)
@given(
    st.lists(st.sampled_from(WORDS), max_size=25).map(b"".join) | st.binary(max_size=200),
    st.sampled_from([State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED]),
)
def test_any_octets_give_answers_and_never_an_exception(data: bytes, state: State) -> None:
    whole = machine_in(state, tls=True)
    events = survive(data + b"\r\n", whole, 10_000)
    single = machine_in(state, tls=True)
    assert [e for e in survive(data + b"\r\n", single, 1) if not isinstance(e, AppendChunk)] == [
        e for e in events if not isinstance(e, AppendChunk)
    ]
    assert whole.data_to_send() == single.data_to_send()


def test_every_command_is_in_the_table_under_its_name() -> None:
    for name, row in TABLE.items():
        assert name == name.upper()
        assert row.states and State.LOGOUT not in row.states
