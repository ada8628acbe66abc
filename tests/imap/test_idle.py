"""IDLE: RFC 9051 §6.3.13."""

from __future__ import annotations

from imap_session import converse, machine_in
from posthouse.imap import command, response
from posthouse.imap.event import Command, IdleDone
from posthouse.imap.table import State


def test_the_example() -> None:
    machine = machine_in(State.SELECTED)

    def heard(data: bytes) -> list[object]:
        machine.receive_data(data)
        events: list[object] = []
        for event in machine.events():
            events.append(event)
            if isinstance(event, Command):
                machine.idling()
            else:
                machine.ok("IDLE terminated")
        return events

    assert heard(b"A002 IDLE\r\n") == [Command("A002", command.Idle())]
    assert machine.data_to_send() == b"+ idling\r\n"
    assert machine.may_expunge
    machine.untagged(response.expunged([3]))
    machine.untagged(response.exists(3))
    assert machine.data_to_send() == b"* 3 EXPUNGE\r\n* 3 EXISTS\r\n"
    assert heard(b"DONE\r\n") == [IdleDone()]
    assert machine.data_to_send() == b"A002 OK IDLE terminated\r\n"
    assert not machine.may_expunge


def test_done_in_any_case_and_what_follows() -> None:
    events = converse("C: a IDLE\nS: + idling\nC: done\nS: a OK idled\nC: b NOOP\nS: b OK done")
    assert events == [Command("a", command.Idle()), IdleDone(), Command("b", command.Noop())]


def test_a_session_may_refuse() -> None:
    converse(
        "C: a IDLE\nS: a NO not now\nC: b NOOP\nS: b OK done",
        answers={command.Idle: lambda machine, event: machine.no("not now")},
    )


def test_something_else_than_done_ends_it_too() -> None:
    events = converse("C: a IDLE\nS: + idling\nC: b NOOP\nS: a BAD expected DONE...\nC: c NOOP\nS: c OK done")
    assert events[1] == IdleDone("expected DONE, which ends IDLE; it has ended")


def test_a_connection_lost_while_idle() -> None:
    assert converse("C: a IDLE\nS: + idling\nC eof\nS closes") == [Command("a", command.Idle())]


def test_when_messages_may_vanish() -> None:
    """RFC 9051 §7.5.1: not between commands, and not while one counts messages."""
    machine = machine_in(State.SELECTED)
    assert not machine.may_expunge
    machine.receive_data(b"a FETCH 1 FLAGS\r\nb STORE 1 FLAGS ()\r\nc SEARCH ALL\r\nd UID FETCH 1 FLAGS\r\ne NOOP\r\n")
    allowed = []
    for _ in machine.events():
        allowed.append(machine.may_expunge)
        machine.ok("done")
    assert allowed == [False, False, False, True, True]
