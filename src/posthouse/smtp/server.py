"""The server's side of SMTP, submission and LMTP: octets in, events and replies out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from posthouse.errors import LimitError, LocalProtocolError, RemoteProtocolError
from posthouse.wire.machine import Events, Machine, Tls
from posthouse.wire.reader import BareLineFeed, EndOfInput
from posthouse.wire.sasl import decode_base64, encode_base64

from . import reply as replies
from .command import COMMANDS, WEB, Bdat, Command, Help, Noop, State, out_of_sequence
from .envelope import Envelope
from .event import (
    Authenticate,
    AuthResponse,
    Data,
    End,
    Event,
    Expand,
    Hello,
    MailFrom,
    Quit,
    RcptTo,
    Reset,
    StartTls,
    Verify,
)
from .letter import Letter, Part, skip_chunk
from .limits import Limits
from .parameter import Extensions
from .reply import CONTROL, Refusal, Reply
from .role import MX, SUBMISSION, Role

# When a client may log in: never, when TLS is active, or whenever it likes.
Auth: TypeAlias = Literal["never", "after tls", "always"]

NOTHING: Extensions = MappingProxyType({})
CHALLENGE = Reply(334, "", "")


class SmtpServer(Machine[Event]):
    """One connection's conversation. The session answers events with `reply`, `challenge` and `authenticated`.

    `hello`, `envelope` and `logged_in` tell what the client has achieved so far.
    """

    def __init__(
        self,
        role: Role,
        hostname: str,
        *,
        limits: Limits,
        tls_available: bool,
        tls: bool = False,
        auth: Auth,
        mechanisms: tuple[str, ...],
        extensions: Extensions = NOTHING,
    ) -> None:
        """``hostname``: this server's name; ``tls``: the connection is encrypted from its beginning; ``mechanisms``:
        the SASL mechanisms that the session speaks; ``extensions``: those whose promises are kept by what stands behind
        this machine (the rows of EXTENSIONS that ask `promises`), with the parameters that EHLO announces."""
        super().__init__(tls=tls)
        self.role = role
        self.hostname = hostname
        self.limits = limits
        self.hello: Hello | None = None
        self.envelope: Envelope | None = None
        self.logged_in = False
        self._tls_available = tls_available
        self._auth = auth
        self.mechanisms = mechanisms  # the session gives others when TLS has begun
        # For as long as the connection lasts: a login at the MX's port doesn't make it the port for submission.
        self._extensions = {word: extensions[word] for word in extensions if word not in role.withholds}
        self._state = State.STRANGER
        self._errors = 0
        self._commands = 0  # since the last accepted letter
        self._wanted = 0  # answers that the session may still give to the present event
        self._answers: list[Reply] = []
        self._exchanging = False  # a SASL exchange is going on
        self._silent = False  # the present answer is not for the client's ears
        self._letter = Letter(self.reader, limits)

    # -- called by the session -----------------------------------------------------------------------------------

    def greet(self) -> None:
        """Send the greeting. A client has to wait for it: what came before it is thrown away."""
        self.reader.clear()
        self._send(bytes(Reply(220, "", f"{self.hostname} {self.role.protocol} Posthouse")))

    def reply(self, reply: Reply) -> None:
        """Answer the present event. 421 closes the connection (RFC 5321 §3.8)."""
        if reply.code == 334 or (reply.code == 235 and not self._exchanging):
            raise LocalProtocolError("334 is sent by challenge(), and 235 answers AUTH only")
        self._answer(reply, bytes(reply))

    def challenge(self, data: bytes) -> None:
        """Answer AUTH, or a client's response, with the mechanism's next challenge."""
        if not self._exchanging:
            raise LocalProtocolError("a challenge is an answer to AUTH only")
        # Not a Reply's own octets: a challenge is one line, however long (RFC 4954 §4).
        self._answer(CHALLENGE, b"334 %b\r\n" % encode_base64(data))

    def authenticated(self) -> None:
        """Answer AUTH: the client has logged in. On the SMTP port it submits letters from now on."""
        self.reply(replies.AUTHENTICATED)

    def farewell(self, reply: Reply) -> None:
        """Say why the server closes the connection, in the middle of whatever it is."""
        self._send(bytes(reply))
        self.closed = True

    @property
    def protocol(self) -> str:
        """What trace lines call this conversation: "ESMTPSA" (RFC 3848), "UTF8SMTPS" (RFC 6531 §4.3), …"""
        if self.hello is None or not self.hello.extended:
            return "SMTP"
        utf8 = self.envelope is not None and self.envelope.smtputf8
        name = f"UTF8{self.role.protocol.removeprefix('E')}" if utf8 else self.role.protocol
        return name + "S" * (self.tls is Tls.ACTIVE) + "A" * self.logged_in

    # -- what the server can do now ------------------------------------------------------------------------------

    @property
    def offers_tls(self) -> bool:
        """Whether STARTTLS would be followed."""
        return self._tls_available and self.tls is Tls.NONE and not self.logged_in

    @property
    def offered_mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms with which the client may log in now."""
        allowed = self._auth == "always" or (self._auth == "after tls" and self.tls is Tls.ACTIVE)
        return self.mechanisms if allowed and not self.logged_in else ()

    def promises(self, extension: str) -> str | None:
        """An extension's parameters, or "", where what stands behind this machine keeps to it."""
        return self._extensions.get(extension)

    # -- called by the pump --------------------------------------------------------------------------------------

    def tls_started(self) -> None:
        """RFC 3207 §4.2: the server forgets what it knows from the client."""
        super().tls_started()
        self.hello = None
        self.envelope = None
        self._state = State.STRANGER

    # -- the conversation ----------------------------------------------------------------------------------------

    def _converse(self) -> Events[Event]:
        while not self.closed:
            try:
                yield from self._command()
            except Refusal as refusal:
                self._refuse(refusal.reply)
                if refusal.closes:
                    self._close_behind(refusal.reply)
            if self._errors >= self.limits.errors and not self.closed:
                self.farewell(replies.TOO_MANY_ERRORS)

    def _close_behind(self, reply: Reply) -> None:
        """Close the connection after a refusal: 421 announces it (RFC 5321 §3.8).

        The refusal comes before it, because 421 alone would have the client offer the same letter for days. 521 is for
        hosts that take no mail at all (RFC 7504 §3).
        """
        if reply.code == 421:
            self.closed = True
        else:
            self.farewell(replies.LOST_COUNT)

    def _failed(self, error: RemoteProtocolError) -> None:
        if not isinstance(error, EndOfInput):
            self._send(bytes(Reply(421, "4.7.0", f"{error}; closing the connection")))

    def _command(self) -> Part[None]:
        """One command, from its line to its answer."""
        # RFC 5321 §4.1.1: white space before the line's end is tolerated.
        line = (yield from self._line(replies.LINE_TOO_LONG)).rstrip(b" \t")
        self._commands += 1
        if self._commands > self.limits.commands:
            self.farewell(replies.TOO_MANY_COMMANDS)
            return
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise Refusal(replies.NOT_UTF8) from error
        if CONTROL.search(text) or "\t" in text:
            raise Refusal(replies.CONTROL_CHARACTER)
        verb = line.partition(b" ")[0].upper()
        command = COMMANDS.get(verb)
        if command is None or verb in self.role.without:
            raise Refusal(replies.NO_WEB_SERVER, closes=True) if verb in WEB else Refusal(replies.UNKNOWN_COMMAND)
        event = command.parse(text[len(verb) :].strip(" "), self._extensions)
        try:
            self._check(command)
        except Refusal as refusal:
            if isinstance(event, Bdat):  # RFC 3030 §2: its octets are on their way already
                yield from skip_chunk(self.reader, event.size, self.limits)
                self._repeat(refusal.reply, self._answers_to(event) - 1)
            raise
        yield from _HANDLERS[type(event)](self, event)

    def _check(self, command: Command) -> None:
        """Refuse a command that can't come in this state."""
        if self._state not in command.states:
            raise Refusal(out_of_sequence(command, self._state, self.role.hello))
        if command.needs_login and self.role.login_required and not self.logged_in:
            raise Refusal(replies.MUST_AUTHENTICATE if self.offered_mechanisms else replies.MUST_STARTTLS)

    def _line(self, too_long: Reply) -> Part[bytes]:
        """The next line. A line that can't be one is passed over and refused."""
        try:
            return (yield from self.reader.read_line(self.limits.command_line))
        except BareLineFeed as error:
            raise Refusal(replies.BARE_LINE_FEED) from error
        except LimitError as error:
            yield from self.reader.skip_line(self.limits.overlong_line)
            raise Refusal(too_long) from error

    # -- answers -------------------------------------------------------------------------------------------------

    def _answer(self, reply: Reply, wire: bytes) -> None:
        if not self._wanted:
            raise LocalProtocolError(f"there is nothing to answer with {reply}")
        self._wanted -= 1
        self._answers.append(reply)
        if not self._silent:
            self._send(wire)
        if reply.permanent:
            # Who has logged in may write to people who are gone; a stranger may be asking who is there.
            self._errors += not self.logged_in
        elif reply.code == 235:
            self.logged_in = True
            if self.role is MX:
                self.role = SUBMISSION
        elif reply.code == 421:
            self.closed = True

    def _tell(self, event: Event, wanted: int = 1) -> Part[list[Reply]]:
        """Yield an event, and return the answers that the session gave: at most ``wanted``."""
        self._wanted = wanted
        self._answers = []
        yield event
        self._wanted = 0
        return self._answers

    def _ask(self, event: Event) -> Part[Reply]:
        """Yield an event that the session has to answer, and return the answer."""
        answers = yield from self._tell(event)
        if not answers:
            raise LocalProtocolError(f"{event} was not answered")
        return answers[0]

    def _repeat(self, reply: Reply, times: int) -> None:
        self._send(bytes(reply) * times)

    def _refuse(self, reply: Reply) -> None:
        self._errors += 1
        self._send(bytes(reply))

    # -- one method a kind of command: what the machine checks, whom it asks, what follows -----------------------

    def _hello(self, event: Hello) -> Part[None]:
        answers = yield from self._tell(event)
        if answers and not answers[0].positive:
            return
        # RFC 5321 §4.1.4: EHLO in the middle of a session resets, as RSET does.
        self._end_transaction()
        self.hello = event
        self._state = State.READY
        if not answers:
            self._send(bytes(_introduction(self.hostname, self._announced() if event.extended else ())))

    def _announced(self) -> tuple[str, ...]:
        """What EHLO announces (RFC 5321 §4.1.1.1)."""
        offered = [(keyword, parameters(self)) for keyword, parameters in EXTENSIONS]
        return tuple([f"{keyword} {text}" if text else keyword for keyword, text in offered if text is not None])

    def _starttls(self, event: StartTls) -> Part[None]:
        if self.tls is Tls.ACTIVE:
            raise Refusal(replies.TLS_ACTIVE)
        if not self.offers_tls:
            raise Refusal(replies.TLS_NOT_OFFERED)
        answers = yield from self._tell(event)
        if not answers:
            self._send(bytes(replies.READY_FOR_TLS))
        elif answers[0].code != 220:
            return
        self.tls = Tls.WANTED
        # Nothing more is read before the handshake.
        yield None

    def _authenticate(self, event: Authenticate) -> Part[None]:
        if self.logged_in:
            raise Refusal(replies.ALREADY_AUTHENTICATED)
        if self._auth == "never":
            raise Refusal(replies.LOGIN_NOT_OFFERED)
        mechanisms = self.offered_mechanisms
        if not mechanisms:
            raise Refusal(replies.ENCRYPTION_REQUIRED)
        if event.mechanism not in mechanisms:
            raise Refusal(Reply(504, "5.5.4", f"This mechanism is not offered; there are: {' '.join(mechanisms)}"))
        self._exchanging = True
        try:
            answer = yield from self._ask(event)
            while answer is CHALLENGE:
                answer = yield from self._ask(AuthResponse((yield from self._response())))
        finally:
            self._exchanging = False

    def _response(self) -> Part[bytes]:
        """The client's response to a challenge (RFC 4954 §4)."""
        try:
            line = yield from self._line(replies.RESPONSE_TOO_LONG)
            if line == b"*":
                raise Refusal(replies.LOGIN_CANCELLED)
            try:
                return decode_base64(line)
            except RemoteProtocolError as error:
                raise Refusal(replies.NOT_BASE64) from error
        except Refusal:
            yield AuthResponse(None)
            raise

    def _mail(self, event: MailFrom) -> Part[None]:
        declared = event.envelope.size
        if declared is not None and declared > self.limits.size:
            # RFC 1870 §6.1
            limit = self.limits.size
            raise Refusal(Reply(552, "5.3.4", f"The message has {declared} octets; this server accepts {limit}"))
        if event.envelope.requiretls and self.tls is not Tls.ACTIVE:
            raise Refusal(replies.MUST_STARTTLS)  # RFC 8689 §2
        if (yield from self._ask(event)).positive:
            self.envelope = event.envelope
            self._state = State.SENDER

    def _rcpt(self, event: RcptTo) -> Part[None]:
        recipients = self._transaction().recipients
        if len(recipients) >= self.limits.recipients:
            self._send(bytes(replies.TOO_MANY_RECIPIENTS))  # RFC 5321 §4.5.3.1.10
            return
        mailbox = event.recipient.mailbox
        if not mailbox.is_ascii and not self._transaction().smtputf8:
            # RFC 6531 §3.5
            raise Refusal(Reply(553, "5.6.7", "An address with letters beyond ASCII needs MAIL's parameter SMTPUTF8"))
        if (yield from self._ask(event)).positive:
            recipients.append(event.recipient)
            self._state = State.RECIPIENTS

    def _data(self, event: Data) -> Part[None]:
        if self._transaction().body == "BINARYMIME":
            raise Refusal(replies.BINARY_NEEDS_BDAT)
        answer = yield from self._ask(event)
        if not self._lets_in(answer):
            return
        self._letter = Letter(self.reader, self.limits)
        yield from self._letter.receive_stuffed()
        yield from self._end_of_letter()

    def _bdat(self, chunk: Bdat) -> Part[None]:
        # RFC 3030 §2: the octets come without being asked for; what is refused is read all the same.
        if self._state is not State.CHUNKS:
            self._silent = True
            answer = yield from self._ask(Data(counted=True))
            self._silent = False
            if not self._lets_in(answer):
                self._state = State.FAILED
                if not self.closed:
                    yield from skip_chunk(self.reader, chunk.size, self.limits)
                self._repeat(answer, 1 if self.closed else self._answers_to(chunk))
                return
            self._letter = Letter(self.reader, self.limits)
            self._state = State.CHUNKS
        if chunk.size:
            self._commands -= 1  # chunks are limited by the letter's size
        yield from self._letter.receive_counted(chunk.size)
        if chunk.last:
            yield from self._end_of_letter()
        elif self._letter.too_big:
            self._state = State.FAILED
            raise Refusal(replies.TOO_BIG)
        else:
            self._send(bytes(Reply(250, "2.0.0", f"{chunk.size} octets received")))

    def _answers_to(self, chunk: Bdat) -> int:
        """How many replies a chunk gets: RFC 2033 §4.3, also where an earlier one was refused."""
        return self._answers_to_end() if chunk.last else 1

    def _answers_to_end(self) -> int:
        """How many replies the end of the letter gets (RFC 2033 §4.2).

        BDAT LAST where there is no recipient gets one, and not none: it is out of sequence, and other servers say so.
        """
        recipients = self.envelope.recipients if self.envelope is not None else ()
        return len(recipients) or 1 if self.role.answers_each_recipient else 1

    @staticmethod
    def _lets_in(answer: Reply) -> bool:
        """Whether the session lets the letter come."""
        if answer.positive and answer.code != 354:
            raise LocalProtocolError(f"a letter is let in with 354 or refused, not answered with {answer}")
        return answer.code == 354

    def _end_of_letter(self) -> Part[None]:
        """The letter is complete: one answer, or one for each recipient."""
        wanted = self._answers_to_end()
        if self._letter.too_big:
            self._errors += 1
            self._repeat(replies.TOO_BIG, wanted)
        else:
            answers = yield from self._tell(End(self._letter.size), wanted)
            if len(answers) < wanted:
                raise LocalProtocolError(f"the letter's end wants {wanted} answers, and got {len(answers)}")
            if any(reply.positive for reply in answers):
                self._errors = self._commands = 0
        self._end_transaction()

    def _reset(self, event: Reset) -> Part[None]:
        yield event
        self._end_transaction()
        self._send(bytes(replies.OK))

    def _verify(self, event: Verify) -> Part[None]:
        if not (yield from self._tell(event)):
            self._send(bytes(replies.NOT_VERIFIED))

    def _expand(self, event: Expand) -> Part[None]:
        if not (yield from self._tell(event)):
            raise Refusal(replies.EXPANSION_DISABLED)

    def _quit(self, event: Quit) -> Part[None]:
        yield event
        self.farewell(replies.CLOSING)

    def _noop(self, command: Noop) -> Part[None]:
        self._send(bytes(replies.OK))
        yield from ()

    def _help(self, command: Help) -> Part[None]:
        known = {verb.decode(): row for verb, row in COMMANDS.items() if verb not in self.role.without}
        row = known.get(command.topic.upper())
        text = f"Syntax: {row.syntax}" if row else f"Commands: {' '.join(known)}"
        self._send(bytes(Reply(214, "2.0.0", text)))
        yield from ()

    def _transaction(self) -> Envelope:
        assert self.envelope is not None, "the table of commands lets RCPT and DATA come after MAIL only"
        return self.envelope

    def _end_transaction(self) -> None:
        self.envelope = None
        if self._state is not State.STRANGER:
            self._state = State.READY


@functools.lru_cache(maxsize=64)  # a server gives two or three of them, to everybody
def _introduction(hostname: str, extensions: tuple[str, ...]) -> Reply:
    """The answer to EHLO and HELO."""
    return Reply(250, "", hostname, *extensions)


# Which method deals with which command.
_HANDLERS: dict[type, Callable[[SmtpServer, Any], Part[None]]] = {
    Hello: SmtpServer._hello,
    StartTls: SmtpServer._starttls,
    Authenticate: SmtpServer._authenticate,
    MailFrom: SmtpServer._mail,
    RcptTo: SmtpServer._rcpt,
    Data: SmtpServer._data,
    Bdat: SmtpServer._bdat,
    Reset: SmtpServer._reset,
    Verify: SmtpServer._verify,
    Expand: SmtpServer._expand,
    Quit: SmtpServer._quit,
    Noop: SmtpServer._noop,
    Help: SmtpServer._help,
}


# What EHLO announces: the keyword, and its parameters; None where it isn't offered.
EXTENSIONS: tuple[tuple[str, Callable[[SmtpServer], str | None]], ...] = (
    ("PIPELINING", lambda _: ""),  # RFC 2920
    ("SIZE", lambda machine: str(machine.limits.size)),  # RFC 1870
    ("8BITMIME", lambda _: ""),  # RFC 6152
    ("SMTPUTF8", lambda _: ""),  # RFC 6531
    ("CHUNKING", lambda _: ""),  # RFC 3030
    ("BINARYMIME", lambda machine: machine.promises("BINARYMIME")),  # RFC 3030
    ("DSN", lambda machine: machine.promises("DSN")),  # RFC 3461
    ("REQUIRETLS", lambda machine: machine.promises("REQUIRETLS") if machine.tls is Tls.ACTIVE else None),  # RFC 8689
    ("DELIVERBY", lambda machine: machine.promises("DELIVERBY")),  # RFC 2852
    ("FUTURERELEASE", lambda machine: machine.promises("FUTURERELEASE")),  # RFC 4865
    ("MT-PRIORITY", lambda machine: machine.promises("MT-PRIORITY")),  # RFC 6710
    ("LIMITS", lambda machine: f"RCPTMAX={machine.limits.recipients}"),  # RFC 9422
    ("ENHANCEDSTATUSCODES", lambda _: ""),  # RFC 2034
    ("STARTTLS", lambda machine: "" if machine.offers_tls else None),  # RFC 3207
    ("AUTH", lambda machine: " ".join(machine.offered_mechanisms) or None),  # RFC 4954
    # RFC 5321 §4.1.1.1; §7.3: for whom one would tell who is here.
    ("EXPN", lambda machine: machine.promises("EXPN") if machine.logged_in else None),
    ("HELP", lambda _: ""),
)
