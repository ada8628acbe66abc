"""The server's machine as its session sees it: what is offered, what is answered, and what answers change.

`ImapServer` is this and the part that reads.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from posthouse.errors import LocalProtocolError, RemoteProtocolError
from posthouse.wire.machine import Machine, Tls

from .capability import CAPABILITIES, Offer, When
from .compress import Deflate, Inflate, Trailer
from .event import Event
from .limits import Limits
from .syntax import CONTROL
from .table import LOGGED_IN, REV2, Kind, Row, State

CODE = re.compile(r"[^\x00-\x1f\x7f-\U0010ffff\]]+")
# What turns mailbox names into UTF-8 once enabled (RFC 6855 §3, RFC 9051 §5.1).
UTF8_MODES = frozenset({"UTF8=ACCEPT", REV2})

# Octets that are unpacked, or handed over as part of a message, in one go.
CHUNK = 64 * 1024
# Pieces of packed octets that are unpacked in one turn: 5 octets may be one, which takes 2 µs.
PIECES = 200


def in_ascii(text: str) -> bytes:
    """A text for people, as those read it who know no other characters."""
    return text.replace("§", "section ").encode("ascii", "backslashreplace")


class Answering(Machine[Event]):
    """Offers, answers, and the state that only they move."""

    def __init__(
        self,
        *,
        tls_available: bool,
        tls: bool = False,
        login_allowed: Literal["after tls", "always"] = "after tls",
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
        offers: tuple[Offer, ...] = CAPABILITIES,
        limits: Limits | None = None,
    ) -> None:
        """``tls``: encrypted from the beginning. ``mechanisms``: the SASL mechanisms that the session knows."""
        super().__init__(tls=tls)
        self.limits = limits or Limits()
        self.state = State.NOT_AUTHENTICATED
        self.read_only = False  # how the mailbox is selected
        self.enabled_capabilities: frozenset[str] = frozenset()  # by ENABLE, in upper case
        self._tls_available = tls_available
        self._login_allowed = login_allowed
        self.mechanisms = mechanisms  # the session gives others when TLS has begun
        self._offers = offers
        self._offered = frozenset(offer.name.upper() for offer in offers)
        self._tag: str | None = None  # of the command that waits for its answer
        self._name = ""
        self._row: Row | None = None
        self._bad_in_a_row = 0
        self._deflate: Deflate | None = None
        self._inflate: Inflate | None = None
        self._ready = (
            b""  # what goes out as it is: what was said before COMPRESS took hold, or was packed until its end
        )
        self._trailer: Trailer | None = None  # as long as nothing has come behind the end of compression
        self._has_ended = False  # the client has closed its side; what is packed is still to be read
        # What the session's answer to the event asks the parser to do next.
        self._challenged = self._accepted = self._idling = False

    # -- what is offered ---------------------------------------------------------------------------------------------

    @property
    def capability(self) -> str:
        """``CAPABILITY IMAP4rev1 …`` as it holds now: a response, and the response code of greeting and login."""
        names = [offer.name for offer in self._offers if self._holds(offer.when)]
        names += [f"AUTH={name}" for name in self.mechanisms if self._logins_open]
        return " ".join(["CAPABILITY", *names])

    def _holds(self, when: When) -> bool:
        before_login = self.state is State.NOT_AUTHENTICATED
        match when:
            case When.ALWAYS:
                return True
            case When.BEFORE_LOGIN:
                return before_login
            case When.LOGGED_IN:
                return not before_login
            case When.STARTTLS:
                return before_login and self._tls_available and self.tls is Tls.NONE
            case When.LOGIN_CLOSED:
                return before_login and not self._passwords_open

    @property
    def _passwords_open(self) -> bool:
        """Whether passwords may travel on this connection."""
        return self.tls is Tls.ACTIVE or self._login_allowed == "always"

    @property
    def _logins_open(self) -> bool:
        """Whether AUTHENTICATE would be followed. One rule for all mechanisms: what comes after it is as secret."""
        return self._passwords_open and self.state is State.NOT_AUTHENTICATED

    @property
    def utf8(self) -> bool:
        """Whether mailbox names and texts for people are UTF-8 on this connection."""
        return bool(self.enabled_capabilities & UTF8_MODES)

    @property
    def rev2(self) -> bool:
        """Whether the client enabled IMAP4rev2: then it is spared what is obsolete (RFC 9051 §6.3.1)."""
        return REV2 in self.enabled_capabilities

    @property
    def uid_only(self) -> bool:
        """Whether the client enabled UIDONLY: messages have no numbers (RFC 9586)."""
        return "UIDONLY" in self.enabled_capabilities

    @property
    def may_expunge(self) -> bool:
        """Whether EXPUNGE may be told now: a command runs, and none that counts messages (RFC 9051 §7.5.1)."""
        return self._tag is not None and self._row is not None and not self._row.by_number

    # -- the session's answers ---------------------------------------------------------------------------------------

    def greet(self, text: str) -> None:
        """Begin the conversation."""
        self.untagged(b"OK " + self._text(text, self.capability))

    def ok(self, text: str, code: str = "") -> None:
        """The present command is done."""
        self._finish("OK", text, code)
        self._bad_in_a_row = 0

    def no(self, text: str, code: str = "") -> None:
        """The present command failed; ``code`` says why to programs (RFC 9051 §7.1)."""
        self._finish("NO", text, code)

    def bad(self, text: str, code: str = "") -> None:
        """The present command makes no sense."""
        self._finish("BAD", text, code)
        self._count_bad()

    def untagged(self, data: bytes) -> None:
        """One response: ``* data``."""
        self._send(b"* %b\r\n" % data)

    def send(self, lines: bytes) -> None:
        """Whole lines as they stand: what FETCH answers, many of them joined."""
        self._send(lines)

    def bye(self, text: str, code: str = "") -> None:
        """The server ends the conversation; after LOGOUT, `ok` follows."""
        self.untagged(b"BYE " + self._text(text, code))
        self.state = State.LOGOUT
        self.closed = self._name != "LOGOUT" or self._tag is None

    def challenge(self, data: bytes) -> None:
        """Ask for the next step of an authentication; it comes as `AuthResponse`."""
        self._demand("AUTHENTICATE")
        self._send(b"+ %b\r\n" % binascii.b2a_base64(data, newline=False))
        self._challenged = True

    def accept_literal(self) -> None:
        """Take the message that `AppendBegin` announced."""
        if self._row is None or self._row.kind is not Kind.APPEND or self._tag is None:
            raise LocalProtocolError("no message was announced")
        self._accepted = True

    def idling(self) -> None:
        """Let the client idle; `untagged` and `send` tell what happens, until `IdleDone`."""
        self._demand("IDLE")
        self._send(b"+ idling\r\n")
        self._idling = True

    def enabled(self, names: Iterable[str]) -> None:
        """ENABLE's response: these are on from now on."""
        names = tuple(names)
        self.untagged(" ".join(["ENABLED", *names]).encode("ascii"))
        self.enabled_capabilities |= {name.upper() for name in names}

    def authenticated(self) -> None:
        """The login succeeded. Call before `ok`."""
        self._move(State.NOT_AUTHENTICATED, State.AUTHENTICATED)

    def selected(self, *, read_only: bool) -> None:
        """A mailbox is selected. Call before `ok`."""
        if self.state is not State.SELECTED:
            self._move(State.AUTHENTICATED, State.SELECTED)
        self.read_only = read_only

    def unselected(self) -> None:
        """No mailbox is selected any more: CLOSE, UNSELECT, a SELECT that failed."""
        if self.state is not State.AUTHENTICATED:
            self._move(State.SELECTED, State.AUTHENTICATED)

    def unauthenticated(self) -> None:
        """UNAUTHENTICATE: as if nobody had logged in; TLS stays (RFC 8437 §3, §4.1). Call before `ok`."""
        if self.state not in LOGGED_IN:
            raise LocalProtocolError("nobody is logged in")
        self.state = State.NOT_AUTHENTICATED
        self.enabled_capabilities = frozenset()

    def _move(self, begin: State, end: State) -> None:
        if self.state is not begin:
            raise LocalProtocolError(f"a client that is {self.state.value} can't become {end.value}")
        self.state = end

    def _demand(self, name: str) -> None:
        if self._tag is None or self._name != name:
            raise LocalProtocolError(f"no {name} waits for an answer")

    def _finish(self, condition: str, text: str, code: str) -> None:
        if self._tag is None:
            raise LocalProtocolError("no command waits for an answer")
        self._send(b"%b %b %b\r\n" % (self._tag.encode("ascii"), condition.encode("ascii"), self._text(text, code)))
        self._tag = None
        if self.state is State.LOGOUT:
            self.closed = True
        if self._name == "UNAUTHENTICATE" and condition == "OK":
            self._end_compression()

    def _text(self, text: str, code: str) -> bytes:
        """resp-text = ["[" resp-text-code "]" SP] text; ASCII, unless UTF-8 was enabled (RFC 9051 §9, text)."""
        if code and not CODE.fullmatch(code):
            raise LocalProtocolError(f"{code!r} is no response code")
        text = CONTROL.sub(" ", text) or "Done"
        octets = text.encode("utf-8", "replace") if self.utf8 else in_ascii(text)
        if code:
            return b"[%b] %b" % (code.encode("ascii"), octets)
        return octets if not octets.startswith(b"[") else b" " + octets  # not to be taken for a code

    def _count_bad(self) -> None:
        self._bad_in_a_row += 1
        before_login = self.state is State.NOT_AUTHENTICATED
        if self._bad_in_a_row >= (self.limits.bad_before_login if before_login else self.limits.bad):
            self.bye("Too many commands that make no sense")

    # -- what the pump calls, where COMPRESS changes it --------------------------------------------------------------

    def _begin_compression(self, received: bytes) -> None:
        """From here on everything is packed, both ways; ``received`` is what came behind COMPRESS."""
        self._ready += super().data_to_send()
        self._deflate, self._inflate = Deflate(), Inflate()
        self._inflate.feed(received)

    def _end_compression(self) -> None:
        """From here on nothing is packed any more: RFC 8437 §4.1, behind the CRLF of the answer and of the command."""
        if self._deflate is not None and self._inflate is not None:
            self._ready += self._deflate.finish(super().data_to_send())
            rest, self._trailer = self._inflate.end()
            self._deflate = self._inflate = None
            self.receive_data(rest)
            if self._has_ended:
                super().receive_eof()

    @property
    def unread(self) -> int:
        """The number of octets that came and aren't parsed yet."""
        return super().unread + (0 if self._inflate is None else len(self._inflate))

    def receive_data(self, data: bytes) -> None:
        """Octets came from the network."""
        if self._trailer is not None:
            data = self._trailer.strip(data)
            if self._trailer.is_over:
                self._trailer = None
        if self._inflate is None:
            super().receive_data(data)
        elif not self.closed:
            self._inflate.feed(data)

    def receive_eof(self) -> None:
        """The client closed its side."""
        self._has_ended = True
        if self._inflate is None or not self._inflate.waiting:
            super().receive_eof()

    def events(self) -> Iterator[Event]:
        """What they mean. Packed octets are unpacked as they are needed: they may stand for a thousand times more.

        And for nothing: after PIECES that gave no event others have a turn (`interrupted`).
        """
        self.interrupted = False
        pieces = 0
        while True:
            for event in super().events():
                pieces = 0
                yield event
            if self.closed or self._inflate is None or not self._inflate.waiting:
                return
            if pieces == PIECES:
                self.interrupted = True
                return
            pieces += 1
            self._unpack(self._inflate)  # the parser wants more than it has, however much that is

    def _unpack(self, inflate: Inflate) -> None:
        """Some octets more for the parser; behind the last ones the end, where that has come."""
        try:
            super().receive_data(inflate.unpack(CHUNK))
        except RemoteProtocolError as error:
            self._failed(error)
            self.closed = True
        if self._has_ended and not inflate.waiting:
            super().receive_eof()

    def data_to_send(self) -> bytes:
        """The octets that wait to be sent."""
        data = super().data_to_send()
        if data and self._deflate is not None:
            data = self._deflate.pack(data)
        ready, self._ready = self._ready, b""
        return ready + data
