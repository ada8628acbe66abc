"""The server's side of POP3: octets in, events and replies out."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any, Literal, TypeAlias, TypeVar

from posthouse.errors import LimitError, LocalProtocolError, RemoteProtocolError
from posthouse.wire.dot import stuffed
from posthouse.wire.machine import Events, Machine, Tls
from posthouse.wire.reader import BareLineFeed, EndOfInput
from posthouse.wire.sasl import decode_base64, encode_base64

from . import reply as replies
from .command import COMMANDS, WEB, Dele, Lang, Listing, Pass, Plain, Retr, State, Top, User
from .event import Authenticate, AuthResponse, Event, Login, Retrieve, Said, Update
from .limits import Limits
from .maildrop import Maildrop
from .reply import CONTROL, Refusal, Reply, err, ok
from .text import TextWriter

T = TypeVar("T")
# A part of the conversation: like the whole of it, with a result.
Part = Generator[Event | None, None, T]
# When a client may log in: when TLS is active, or whenever it likes.
Auth: TypeAlias = Literal["after tls", "always"]

# Messages of a list that are told at a time: some 40 KB.
SLICE = 2000
# RFC 6856 §3.2: the languages of the replies, as LANG lists them. RFC 4647 §3.3.1: a range fits a tag that it equals.
LANGUAGES = {"en": "English"}

TEXT_FOLLOWS = bytes(replies.TEXT_FOLLOWS)


class Pop3Server(Machine[Event]):
    """One connection's conversation. `pop3.event` says how the session answers.

    ``maildrop`` is there when the client has logged in; ``utf8`` when it takes messages with UTF-8 in the header.
    """

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        tls_available: bool,
        tls: bool = False,
        auth: Auth,
        mechanisms: tuple[str, ...],
    ) -> None:
        """``tls``: the connection is encrypted from its beginning; ``mechanisms``: the SASL mechanisms that the session
        speaks."""
        super().__init__(tls=tls)
        self.limits = limits or Limits()
        self.maildrop: Maildrop | None = None
        self.utf8 = False
        self.mechanisms = mechanisms  # the session gives others when TLS has begun
        self._tls_available = tls_available
        self._auth = auth
        self._user: str | None = None  # of the USER that was the last command
        self._errors = 0
        self._commands = 0  # before the login
        self._answer: Reply | None = None  # what the session said to the present event
        self._waiting: Event | None = None  # the event that waits for its answer
        self._text: TextWriter | None = None  # the message that is being sent

    # -- called by the session -----------------------------------------------------------------------------------

    def greet(self, text: str) -> None:
        """Send the greeting. A client has to wait for it: what came before it is thrown away."""
        self.reader.clear()
        # RFC 1939 §7: a greeting with <…> in it would offer APOP.
        self._send(bytes(ok(text.replace("<", "").replace(">", ""))))

    def challenge(self, data: bytes) -> None:
        """Answer AUTH, or a client's response, with the mechanism's next challenge (RFC 5034 §4)."""
        self._answered(replies.CHALLENGE)
        self._send(b"+ %b\r\n" % encode_base64(data))

    def authenticated(self, maildrop: Maildrop) -> None:
        """Answer a login: it is right, and this is the maildrop."""
        self._answered(answer := ok(f"Logged in; {_contents(maildrop)}"))
        self.maildrop = maildrop
        self._send(bytes(answer))

    def refuse(self, reply: Reply) -> None:
        """Answer any event in the negative."""
        if reply.positive:
            raise LocalProtocolError(f"a refusal is negative, not {reply}")
        self._answered(reply)
        self._send(bytes(reply))

    def message(self, octets: bytes) -> None:
        """Answer `Retrieve` of all lines with the whole message, or of no line of the body with the header."""
        if not isinstance(wish := self._waiting, Retrieve) or wish.lines:
            raise LocalProtocolError("a whole message is an answer to RETR only, and a header to TOP")
        self._answered(replies.TEXT_FOLLOWS)
        # No Reply is made for each of a hundred thousand messages.
        first = b"+OK %d octets\r\n" % len(octets) if wish.lines is None else TEXT_FOLLOWS
        self._send(first)
        self._send(stuffed(octets))

    def begin_text(self, size: int, header_size: int) -> None:
        """Answer `Retrieve`: the message comes. ``header_size``: the octets of its header with the empty line."""
        if not isinstance(wish := self._waiting, Retrieve):
            raise LocalProtocolError("a message is an answer to RETR and TOP only")
        self._answered(replies.TEXT_FOLLOWS)
        self._text = TextWriter(header_size, wish.lines)
        self._send(b"+OK %d octets\r\n" % size if wish.lines is None else TEXT_FOLLOWS)

    def text(self, octets: bytes) -> bool:
        """The next octets of the message; whether more are wanted."""
        if self._text is None:
            raise LocalProtocolError("no message was begun")
        self._send(self._text.write(octets))
        return self._text.wants_more

    def end_text(self) -> None:
        """The message is complete, or complete enough for TOP."""
        if self._text is None:
            raise LocalProtocolError("no message was begun")
        self._send(self._text.end())
        self._text = None

    def updated(self) -> None:
        """Answer `Update`: what was marked is gone, durably."""
        self._answered(replies.GOODBYE)
        self._send(bytes(replies.GOODBYE))

    def farewell(self, reply: Reply) -> None:
        """Say why the server closes the connection. In the middle of a message nothing can be said: it would be taken
        for a part of it."""
        if self._text is None:
            self._send(bytes(reply))
        self.closed = True

    # -- what the server can do now ------------------------------------------------------------------------------

    @property
    def offers_tls(self) -> bool:
        """Whether STLS would be followed."""
        return self._tls_available and self.tls is Tls.NONE and self.maildrop is None

    @property
    def offers_login(self) -> bool:
        """Whether this line is private enough for passwords. CAPA tells it after the login too (RFC 2449 §5)."""
        return self._auth == "always" or self.tls is Tls.ACTIVE

    # -- called by the pump --------------------------------------------------------------------------------------

    def tls_started(self) -> None:
        """RFC 2595 §4: the server forgets what it knows from the client."""
        super().tls_started()
        self._user = None
        self.utf8 = False

    # -- the conversation ----------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return State.AUTHORIZATION if self.maildrop is None else State.TRANSACTION

    def _converse(self) -> Events[Event]:
        while not self.closed:
            try:
                yield from self._command()
            except Refusal as refusal:
                self._errors += 1
                self._user = None
                self._send(bytes(refusal.reply))
                self.closed |= refusal.closes
            if self._errors >= self.limits.errors and not self.closed:
                self.farewell(replies.TOO_MANY_ERRORS)

    def _failed(self, error: RemoteProtocolError) -> None:
        if not isinstance(error, EndOfInput):
            self._send(bytes(err(f"{error}; closing the connection")))

    def _command(self) -> Part[None]:
        """One command, from its line to its answer."""
        line = self.reader.take_line(self.limits.command_line)
        if line is None:
            line = yield from self._line()
        if self.maildrop is None:
            self._commands += 1
            if self._commands > self.limits.commands_before_login:
                self.farewell(replies.TOO_MANY_COMMANDS)
                return
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise Refusal(replies.NOT_UTF8) from error  # RFC 6856 §2.2
        if CONTROL.search(text):
            raise Refusal(replies.CONTROL_CHARACTER)
        word, _, argument = text.partition(" ")
        verb = word.upper()
        command = COMMANDS.get(verb)
        if command is None:
            raise Refusal(replies.NO_WEB_SERVER, closes=True) if verb in WEB else Refusal(replies.UNKNOWN_COMMAND)
        parsed = command.parse(argument)
        if self._state not in command.states:
            raise Refusal(replies.LOG_IN_FIRST if self.maildrop is None else replies.LOGGED_IN_ALREADY)
        yield from _HANDLERS[verb](self, parsed)
        if verb != "USER":
            self._user = None  # RFC 1939 §7: PASS may come only right behind the USER that was accepted

    def _line(self) -> Part[bytes]:
        """The next line. A line that can't be one is passed over and refused."""
        try:
            return (yield from self.reader.read_line(self.limits.command_line))
        except BareLineFeed as error:
            raise Refusal(replies.BARE_LINE_FEED) from error
        except LimitError as error:
            yield from self.reader.skip_line(self.limits.overlong_line)
            raise Refusal(replies.LINE_TOO_LONG) from error

    # -- answers -------------------------------------------------------------------------------------------------

    def _answered(self, reply: Reply) -> None:
        if self._waiting is None:
            raise LocalProtocolError(f"there is nothing to answer with {reply}")
        self._waiting = None
        self._answer = reply

    def _ask(self, event: Event) -> Part[Reply]:
        """Yield an event that the session has to answer, and return the answer."""
        self._waiting = event
        yield event
        return self._answer_to(event)

    def _answer_to(self, event: Event) -> Reply:
        if self._waiting is not None or self._answer is None or self._text is not None:
            raise LocalProtocolError(f"{event} was not answered")
        return self._answer

    def _say(self, reply: Reply, verb: str) -> Part[None]:
        self._send(bytes(reply))
        yield Said(verb)

    # -- one method a command, in the table's order --------------------------------------------------------------

    def _name_user(self, command: User) -> Part[None]:
        self._check_login()
        self._user = command.name
        yield from self._say(replies.SEND_PASSWORD, "USER")

    def _pass(self, command: Pass) -> Part[None]:
        if self._user is None:
            raise Refusal(replies.USER_FIRST)
        yield from self._log_in(Login(self._user, command.password))

    def _authenticate(self, event: Authenticate) -> Part[None]:
        self._check_login()
        if event.mechanism not in self.mechanisms:
            raise Refusal(err(f"This mechanism is not offered; there are: {' '.join(self.mechanisms)}"))
        answer = yield from self._log_in(event)
        while answer is replies.CHALLENGE:
            answer = yield from self._log_in(AuthResponse((yield from self._response())))

    def _log_in(self, event: Login | Authenticate | AuthResponse) -> Part[Reply]:
        answer = yield from self._ask(event)
        # A mailbox that can't be opened is no error of the client, nor is a pause.
        self._errors += not answer.positive and not answer.code.startswith("SYS/")
        return answer

    def _response(self) -> Part[bytes]:
        """The client's response to a challenge (RFC 5034 §4)."""
        try:
            line = yield from self._line()
            if line == b"*":
                raise Refusal(replies.LOGIN_CANCELLED)
            try:
                return decode_base64(line)
            except RemoteProtocolError as error:
                raise Refusal(replies.NOT_BASE64) from error
        except Refusal:
            yield AuthResponse(None)
            raise

    def _check_login(self) -> None:
        if not self.offers_login:
            raise Refusal(replies.ENCRYPTION_REQUIRED if self.offers_tls else replies.LOGIN_NOT_OFFERED)

    def _stat(self, _: Plain) -> Part[None]:
        drop = self._drop
        # RFC 1939 §5: nothing behind the two numbers.
        yield from self._say(ok(f"{drop.count} {drop.size}"), "STAT")

    def _list(self, command: Listing) -> Part[None]:
        drop = self._drop
        of_one, of_some = LISTINGS[command.verb]
        if command.number is not None:
            self._send(b"+OK %b\r\n" % of_one(drop, drop.place(command.number)))
            yield Said(command.verb)
            return
        self._send(bytes(ok(_contents(drop))))
        for start in range(0, len(drop), SLICE):
            self._send(of_some(drop, start, min(start + SLICE, len(drop))))
            yield Said(command.verb)
        self._send(b".\r\n")
        yield Said(command.verb)

    def _retr(self, command: Retr) -> Part[None]:
        yield from self._ask(Retrieve(self._drop.place(command.number), None))

    def _top(self, command: Top) -> Part[None]:
        yield from self._ask(Retrieve(self._drop.place(command.number), command.lines))

    def _dele(self, command: Dele) -> Part[None]:
        self._drop.mark(self._drop.place(command.number))
        yield from self._say(ok(f"Message {command.number} is deleted when QUIT comes"), "DELE")

    def _noop(self, _: Plain) -> Part[None]:
        yield from self._say(replies.NOTHING_DONE, "NOOP")

    def _rset(self, _: Plain) -> Part[None]:
        self._drop.reset()
        yield from self._say(ok(_contents(self._drop)), "RSET")

    def _quit(self, _: Plain) -> Part[None]:
        if self.maildrop is None:
            yield from self._say(replies.GOODBYE, "QUIT")
        else:
            yield from self._ask(Update())
        self.closed = True

    def _capa(self, _: Plain) -> Part[None]:
        self._send(bytes(ok("What this server can do")))
        offered = [(tag, arguments(self)) for tag, arguments in CAPABILITIES]
        self._send_lines(f"{tag} {text}" if text else tag for tag, text in offered if text is not None)
        yield Said("CAPA")

    def _stls(self, _: Plain) -> Part[None]:
        if self.tls is Tls.ACTIVE:
            raise Refusal(replies.TLS_ACTIVE)
        if not self.offers_tls:
            raise Refusal(replies.TLS_NOT_OFFERED)
        self._send(bytes(replies.READY_FOR_TLS))
        self.tls = Tls.WANTED
        # Nothing more is read before the handshake.
        yield Said("STLS")

    def _utf8(self, _: Plain) -> Part[None]:
        self.utf8 = True
        yield from self._say(replies.UTF8_ENABLED, "UTF8")

    def _lang(self, command: Lang) -> Part[None]:
        if not command.range:
            self._send(bytes(ok("The languages of this server")))
            self._send_lines(f"{tag} {name}" for tag, name in LANGUAGES.items())
        elif (tag := "en" if command.range == "*" else command.range.lower()) in LANGUAGES:
            self._send(bytes(ok(f"{tag} This is the language of the replies")))
        else:
            raise Refusal(err("Replies are not there in this language; LANG alone lists those that are"))
        yield Said("LANG")

    def _send_lines(self, lines: Iterable[str]) -> None:
        """The rest of a short multi-line response; none of its lines begins with a dot."""
        self._send(b"".join([line.encode() + b"\r\n" for line in lines]) + b".\r\n")

    @property
    def _drop(self) -> Maildrop:
        assert self.maildrop is not None, "the table of commands lets these come after a login only"
        return self.maildrop


def _contents(drop: Maildrop) -> str:
    return f"{drop.count} message{'s' * (drop.count != 1)} ({drop.size} octets)"


# How a line of LIST and UIDL is made, for one message and for those of a slice.
LISTINGS: dict[str, tuple[Callable[[Maildrop, int], bytes], Callable[[Maildrop, int, int], bytes]]] = {
    "LIST": (Maildrop.scan_listing, Maildrop.scan_listings),
    "UIDL": (Maildrop.unique_listing, Maildrop.unique_listings),
}

# Which method deals with which command.
_HANDLERS: dict[str, Callable[[Pop3Server, Any], Part[None]]] = {
    "USER": Pop3Server._name_user,
    "PASS": Pop3Server._pass,
    "STAT": Pop3Server._stat,
    "LIST": Pop3Server._list,
    "RETR": Pop3Server._retr,
    "DELE": Pop3Server._dele,
    "NOOP": Pop3Server._noop,
    "RSET": Pop3Server._rset,
    "TOP": Pop3Server._top,
    "UIDL": Pop3Server._list,
    "QUIT": Pop3Server._quit,
    "CAPA": Pop3Server._capa,
    "STLS": Pop3Server._stls,
    "AUTH": Pop3Server._authenticate,
    "UTF8": Pop3Server._utf8,
    "LANG": Pop3Server._lang,
}

# What CAPA announces: the tag, and its arguments; None where it isn't offered. What may come before the login is told
# after it too, so that a client needs to ask once (RFC 2449 §5), but for STLS (RFC 2595 §9).
CAPABILITIES: tuple[tuple[str, Callable[[Pop3Server], str | None]], ...] = (
    ("TOP", lambda _: ""),
    ("UIDL", lambda _: ""),
    ("USER", lambda machine: "" if machine.offers_login else None),
    ("SASL", lambda machine: " ".join(machine.mechanisms) or None if machine.offers_login else None),  # RFC 5034
    ("STLS", lambda machine: "" if machine.offers_tls else None),  # RFC 2595
    ("RESP-CODES", lambda _: ""),  # RFC 2449 §6.4
    ("AUTH-RESP-CODE", lambda _: ""),  # RFC 3206
    ("PIPELINING", lambda _: ""),  # RFC 2449 §6.6
    ("EXPIRE", lambda _: "NEVER"),  # RFC 2449 §6.7: this server deletes nothing by itself
    ("LOGIN-DELAY", lambda _: "0"),  # RFC 2449 §6.5: one may come back at once
    ("UTF8", lambda _: "USER"),  # RFC 6856 §2: names and passwords may be UTF-8, too
    ("LANG", lambda _: ""),  # RFC 6856 §3
    ("IMPLEMENTATION", lambda _: "Posthouse"),
)
