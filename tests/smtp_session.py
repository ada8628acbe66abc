"""A session for testing the SMTP server's machine: it accepts what it can, and keeps what it got in memory."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from typing import Any

from posthouse.errors import LoginRefused, RemoteProtocolError
from posthouse.smtp import event as events
from posthouse.smtp import reply as replies
from posthouse.smtp.event import Event
from posthouse.smtp.limits import Limits
from posthouse.smtp.reply import Reply
from posthouse.smtp.role import MX, Role
from posthouse.smtp.server import Auth, SmtpServer
from posthouse.wire import sasl
from posthouse.wire.mechanism import MECHANISMS
from posthouse.wire.scram import Channel

# A transcript's beginning, with all that is announced in clear text to whom may log in after TLS.
EHLO = """
C: EHLO x
S: 250-mx.example
S: 250-PIPELINING
S: 250-SIZE 1000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-LIMITS RCPTMAX=1000
S: 250-ENHANCEDSTATUSCODES
S: 250-STARTTLS
S: 250 HELP
"""
LHLO = EHLO.replace("EHLO", "LHLO")
NOT_YOURS = Reply(553, "5.7.1", "nobody@b.example is not an address of yours")
PASSWORDS = {("ada", "secret")}


class MemorySession:
    """Accepts everybody but <nobody@...> and <full@...>; knows one user, ada, with the password "secret"."""

    def __init__(self, machine: SmtpServer) -> None:
        self.machine = machine
        self.letters: list[bytes] = []
        self._letter = bytearray()
        self._login: Generator[Any, Any, sasl.Identity] | None = None

    def handle(self, event: Event) -> None:
        match event:
            case events.MailFrom(envelope):
                refused = envelope.sender is not None and envelope.sender.local == "nobody"
                self.machine.reply(NOT_YOURS if refused else replies.SENDER_OK)
            case events.RcptTo(recipient):
                answers = {"nobody": replies.NO_SUCH_MAILBOX, "full": replies.MAILBOX_FULL}
                self.machine.reply(answers.get(recipient.mailbox.local, replies.RECIPIENT_OK))
            case events.Data():
                self._letter.clear()
                self.machine.reply(replies.START_INPUT)
            case events.Chunk(data):
                self._letter += data
            case events.End():
                self.letters.append(bytes(self._letter))
                envelope = self.machine.envelope
                assert envelope is not None
                count = len(envelope.recipients) if self.machine.role.answers_each_recipient else 1
                for _ in range(count):
                    self.machine.reply(Reply(250, "2.0.0", f"Letter {len(self.letters)} kept"))
            case events.Authenticate(mechanism, initial):
                self._login = MECHANISMS[mechanism].begin(initial, Channel("s" * 18))
                self._step(None)
            case events.AuthResponse(data):
                if data is not None:
                    self._step(data)
            case _:
                pass

    def _step(self, response: bytes | None) -> None:
        assert self._login is not None
        try:
            step = next(self._login) if response is None else self._login.send(response)
            if isinstance(step, sasl.Credentials):
                self._login.send((step.authcid, step.password) in PASSWORDS)
            else:
                self.machine.challenge(step.data)
        except StopIteration:
            self.machine.authenticated()
        except LoginRefused:
            self.machine.reply(replies.LOGIN_FAILED)
        except RemoteProtocolError as error:
            self.machine.reply(Reply(501, "5.5.2", str(error)))


def server(
    role: Role = MX,
    *,
    limits: Limits | None = None,
    tls_available: bool = True,
    tls: bool = False,
    auth: Auth = "after tls",
    greet: bool = True,
    extensions: Collection[str] = (),
) -> tuple[SmtpServer, MemorySession]:
    """A machine, greeted and its greeting taken, and its session."""
    machine = SmtpServer(
        role,
        "mx.example",
        limits=limits or Limits(size=1000),
        tls_available=tls_available,
        tls=tls,
        auth=auth,
        mechanisms=("PLAIN", "LOGIN"),
        extensions=extensions if isinstance(extensions, Mapping) else dict.fromkeys(extensions, ""),
    )
    if greet:
        machine.greet()
        assert machine.data_to_send() == f"220 mx.example {role.protocol} Posthouse\r\n".encode()
    return machine, MemorySession(machine)


def opening(role: Role = MX, **settings: Any) -> Callable[[], tuple[SmtpServer, Callable[[Event], None]]]:
    """What `transcript.converse` wants: fresh machines with their sessions."""

    def open_machine() -> tuple[SmtpServer, Callable[[Event], None]]:
        machine, session = server(role, **settings)
        return machine, session.handle

    return open_machine


def answering(answer: Callable[[SmtpServer, Event], bool], **settings: Any) -> Any:
    """Like `opening`; ``answer`` comes first, and says whether it has dealt with the event."""

    def open_machine() -> tuple[SmtpServer, Callable[[Event], None]]:
        machine, session = server(**settings)

        def handle(event: Event) -> None:
            if not answer(machine, event):
                session.handle(event)

        return machine, handle

    return open_machine


def feed(machine: SmtpServer, session: MemorySession, data: bytes) -> bytes:
    """Give octets to a machine, have its events answered, return what it says."""
    machine.receive_data(data)
    for event in machine.events():
        session.handle(event)
    return machine.data_to_send()
