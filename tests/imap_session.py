"""IMAP transcripts: `transcript.py` with a session that answers every command as a friendly server would."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import groupby
from typing import Any

from posthouse.imap import command
from posthouse.imap.capability import CAPABILITIES, Offer
from posthouse.imap.event import (
    AppendAborted,
    AppendBegin,
    AppendChunk,
    AppendEnd,
    AppendUrl,
    AuthResponse,
    Command,
    Event,
    IdleDone,
)  # fmt: skip
from posthouse.imap.server import ImapServer
from posthouse.imap.table import State
from transcript import Run, joined, parse

Answer = Callable[[ImapServer, Any], None]


class Friendly:
    """Answers each event; ``answers`` replaces what is said to some."""

    def __init__(self, machine: ImapServer, answers: dict[type, Answer]) -> None:
        self.machine = machine
        self.answers = answers

    def __call__(self, event: Event) -> None:
        kind = type(event.command) if isinstance(event, Command) else type(event)
        answer = self.answers.get(kind) or ANSWERS.get(kind)
        if answer is not None:
            answer(self.machine, event)
        elif isinstance(event, Command):
            self.machine.ok("done")


def _login(machine: ImapServer, event: Command) -> None:
    machine.authenticated()
    machine.ok("logged in")


def _authenticate(machine: ImapServer, event: Command) -> None:
    assert isinstance(event.command, command.Authenticate)
    if event.command.initial is None:
        machine.challenge(b"go on")
    else:
        _login(machine, event)


def _auth_response(machine: ImapServer, event: AuthResponse) -> None:
    if event.data is None:
        machine.bad(event.reason)
    elif event.data == b"more":
        machine.challenge(b"and?")
    else:
        machine.authenticated()
        machine.ok("logged in")


def _select(machine: ImapServer, event: Command) -> None:
    assert isinstance(event.command, command.Select)
    machine.selected(read_only=event.command.read_only)
    machine.ok("selected", "READ-ONLY" if event.command.read_only else "READ-WRITE")


def _close(machine: ImapServer, event: Command) -> None:
    machine.unselected()
    machine.ok("done")


def _enable(machine: ImapServer, event: Command) -> None:
    assert isinstance(event.command, command.Enable)
    machine.enabled(event.command.capabilities)
    machine.ok("done")


def _logout(machine: ImapServer, event: Command) -> None:
    machine.bye("until next time")
    machine.ok("done")


ANSWERS: dict[type, Answer] = {
    command.Login: _login,
    command.Authenticate: _authenticate,
    AuthResponse: _auth_response,
    command.Select: _select,
    command.Close: _close,
    command.Unselect: _close,
    command.Enable: _enable,
    command.Logout: _logout,
    command.Idle: lambda machine, event: machine.idling(),
    IdleDone: lambda machine, event: machine.bad(event.reason) if event.reason else machine.ok("idled"),
    AppendBegin: lambda machine, event: machine.accept_literal(),
    AppendChunk: lambda machine, event: None,
    AppendUrl: lambda machine, event: None,
    AppendEnd: lambda machine, event: machine.ok("appended"),
    AppendAborted: lambda machine, event: None,
}


def machine_in(state: State, **options: Any) -> ImapServer:
    """A machine whose client has come so far."""
    machine = ImapServer(**{"tls_available": True, **options})
    if state is not State.NOT_AUTHENTICATED:
        machine.authenticated()
    if state is State.SELECTED:
        machine.selected(read_only=False)
    return machine


def converse(
    text: str, *, state: State = State.SELECTED, answers: dict[type, Answer] | None = None, **options: Any
) -> list[Event]:
    """Run a transcript in every way; return the events, the chunks of each message as one."""

    def opened() -> tuple[ImapServer, Friendly]:
        machine = machine_in(state, **options)
        return machine, Friendly(machine, answers or {})

    runs = [
        whole(Run(opened).go(blocks, octets))
        for blocks, octets in (
            (list(parse(text)), False),
            (list(parse(text)), True),
            (list(joined(parse(text))), False),
        )
    ]
    assert runs[0] == runs[1], "the events depend on how the octets arrive"
    assert runs[0] == runs[2], "the events depend on what comes behind"
    return runs[0]


def whole(events: list[Event]) -> list[Event]:
    """The events with neighbouring chunks made one: where they are cut is the network's affair."""
    result: list[Event] = []
    for chunks, group in groupby(events, key=lambda event: isinstance(event, AppendChunk)):
        if chunks:
            result.append(AppendChunk(b"".join(event.data for event in group if isinstance(event, AppendChunk))))
        else:
            result.extend(group)
    return result


EVERYTHING = (
    *CAPABILITIES,
    *map(Offer, (
        "CONDSTORE", "QRESYNC", "ESEARCH", "SEARCHRES", "WITHIN", "BINARY", "OBJECTID", "SAVEDATE", "PREVIEW", "SORT",
        "SORT=DISPLAY", "ESORT", "CONTEXT=SEARCH", "CONTEXT=SORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES",
        "THREAD=REFS", "LIST-EXTENDED", "LIST-STATUS", "LIST-MYRIGHTS", "SPECIAL-USE", "CREATE-SPECIAL-USE",
        "STATUS=SIZE", "STATUS=DELETED", "QUOTA", "QUOTA=RES-STORAGE", "METADATA", "ACL", "MULTIAPPEND",
        "REPLACE", "UTF8=ACCEPT", "NOTIFY", "MULTISEARCH", "URLAUTH", "COMPRESS=DEFLATE", "UNAUTHENTICATE",
        "CATENATE",
    )),
)  # fmt: skip


def said(line: str, *, state: State = State.SELECTED, **options: Any) -> command.Command:
    """What a client's one command means, which must be legal. Every extension is offered, unless said otherwise."""
    options.setdefault("offers", EVERYTHING)
    (event,) = converse(f"C: a1 {line}\nS: a1 OK...", state=state, **options)
    assert isinstance(event, Command)
    assert event.tag == "a1"
    return event.command


def refused(line: str, answer: str, *, state: State = State.SELECTED, **options: Any) -> None:
    """The client's one command is refused like this, and the next one is understood."""
    options.setdefault("offers", EVERYTHING)
    assert len(converse(f"C: a1 {line}\nS: a1 {answer}\nC: a2 NOOP\nS: a2 OK done", state=state, **options)) == 1


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
