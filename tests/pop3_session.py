"""A session for testing the POP3 server's machine: a maildrop in memory, and one user, ada, with the password
"secret"."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Generator, Sequence
from typing import Any

from posthouse.errors import LoginRefused, RemoteProtocolError
from posthouse.pop3 import event as events
from posthouse.pop3 import reply as replies
from posthouse.pop3.event import Event, Said
from posthouse.pop3.limits import Limits
from posthouse.pop3.maildrop import Maildrop
from posthouse.pop3.reply import err
from posthouse.pop3.server import Auth, Pop3Server
from posthouse.wire import sasl
from posthouse.wire.mechanism import MECHANISMS
from posthouse.wire.scram import Channel
from transcript import converse

PASSWORDS = {("ada", "secret"), ("ada", " two words "), ("jürgen", "straße")}
LETTERS = (
    b"Subject: one\r\n\r\nfirst\r\n.\r\n..dots\r\nlast\r\n",
    b"Subject: two\r\n\r\nsecond\r\n",
)
GREETING = "mail.example Posthouse is ready"
LOGIN = "C: USER ada\nS: +OK Send the password with PASS\nC: PASS secret\nS: +OK Logged in; 2 messages (64 octets)\n"


def maildrop(letters: Sequence[bytes] = LETTERS) -> Maildrop:
    return Maildrop(7, array("L", range(11, 11 + len(letters))), array("L", map(len, letters)))


class MemorySession:
    """Knows the letters; `gone` are those that can't be retrieved, `removed` the UIDs that an update removed."""

    def __init__(self, machine: Pop3Server, letters: Sequence[bytes] = LETTERS, *, piece: int = 1 << 20) -> None:
        self.machine = machine
        self.letters = letters
        self.piece = piece
        self.gone: set[int] = set()
        self.fails = False  # to update
        self.removed: list[tuple[int, int]] | None = None
        self._login: Generator[Any, Any, sasl.Identity] | None = None

    def handle(self, event: Event) -> None:
        match event:
            case events.Login(user, password):
                self._decide((user, password) in PASSWORDS)
            case events.Authenticate(mechanism, initial):
                self._login = MECHANISMS[mechanism].begin(initial, Channel("s" * 18))
                self._step(None)
            case events.AuthResponse(data):
                if data is not None:
                    self._step(data)
            case events.Retrieve(place, _):
                self._retrieve(place)
            case events.Update():
                assert self.machine.maildrop is not None
                if self.fails:
                    self.machine.refuse(replies.NOT_UPDATED)
                else:
                    self.removed = self.machine.maildrop.marked()
                    self.machine.updated()
            case Said():
                pass

    def _retrieve(self, place: int) -> None:
        if place in self.gone:
            self.machine.refuse(err("It is gone"))
            return
        letter = self.letters[place]
        self.machine.begin_text(len(letter), letter.find(b"\r\n\r\n") + 4)
        for start in range(0, len(letter), self.piece):
            if not self.machine.text(letter[start : start + self.piece]):
                break
        self.machine.end_text()

    def _decide(self, right: bool) -> None:
        if right:
            self.machine.authenticated(maildrop(self.letters))
        else:
            self.machine.refuse(replies.LOGIN_FAILED)

    def _step(self, response: bytes | None) -> None:
        assert self._login is not None
        try:
            step = next(self._login) if response is None else self._login.send(response)
            if isinstance(step, sasl.Credentials):
                self._login.send((step.authcid, step.password) in PASSWORDS)
            else:
                self.machine.challenge(step.data)
        except StopIteration:
            self._decide(True)
        except LoginRefused:
            self._decide(False)
        except RemoteProtocolError as error:
            self.machine.refuse(err(str(error)))


def server(
    *,
    letters: Sequence[bytes] = LETTERS,
    limits: Limits | None = None,
    tls_available: bool = False,
    tls: bool = False,
    auth: Auth = "always",
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
    piece: int = 1 << 20,
) -> tuple[Pop3Server, MemorySession]:
    """A machine, greeted and its greeting taken, and its session."""
    machine = Pop3Server(limits=limits, tls_available=tls_available, tls=tls, auth=auth, mechanisms=mechanisms)
    machine.greet(GREETING)
    assert machine.data_to_send() == f"+OK {GREETING}\r\n".encode()
    return machine, MemorySession(machine, letters, piece=piece)


def opening(**settings: Any) -> Callable[[], tuple[Pop3Server, Callable[[Event], None]]]:
    """What `transcript.converse` wants: fresh machines with their sessions."""

    def open_machine() -> tuple[Pop3Server, Callable[[Event], None]]:
        prepare = settings.get("prepare")
        machine, session = server(**{name: value for name, value in settings.items() if name != "prepare"})
        if prepare is not None:
            prepare(session)
        return machine, session.handle

    return open_machine


def talk(text: str, **settings: Any) -> list[Event]:
    """Run a transcript in every way; the events that a session hears of, without those that are only `Said`."""
    return [event for event in converse(opening(**settings), text) if not isinstance(event, Said)]


def talk_in(text: str, **settings: Any) -> list[Event]:
    """The same after a login, whose event is left out."""
    return talk(LOGIN + text, **settings)[1:]


def feed(machine: Pop3Server, session: MemorySession, data: bytes) -> bytes:
    """Give octets to a machine, have its events answered, return what it says."""
    machine.receive_data(data)
    for event in machine.events():
        session.handle(event)
    return machine.data_to_send()
