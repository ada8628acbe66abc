"""The client's side of a conversation: what it knows of the server, and commands cut where they have to wait.

It does no I/O and keeps no queue: an operation (client/imap.py) sends the pieces of a command, reads responses until
its tagged one, and finds here what they have changed.
"""

from __future__ import annotations

import contextlib
import enum
import itertools
from dataclasses import dataclass

from posthouse.errors import LocalProtocolError
from posthouse.wire.reader import Parse, Reader

from . import encode
from .answer import (
    Capabilities,
    Code,
    Condition,
    Enabled,
    Exists,
    Expunge,
    Fetched,
    Flags,
    Listed,
    Recent,
    Response,
    Tagged,
    Vanished,
)  # fmt: skip
from .encode import Literal, Piece
from .listed import read_listed
from .parse import ResponseLimits, read_response
from .sequence import SequenceSet

# RFC 7888 §5: LITERAL- allows no more in one literal without waiting.
MAX_LITERAL_MINUS = 4096
# Mailboxes whose names are remembered as the server wrote them.
MAX_ODD_NAMES = 10_000
# What makes mailbox names UTF-8 (RFC 6855 §3, RFC 9051 §5.1).
UTF8_MODES = frozenset({"UTF8=ACCEPT", "IMAP4REV2"})

# An argument of a command: a piece, or several with nothing between them.
Argument = Piece | tuple[Piece, ...]


class ClientState(enum.Enum):
    """How far a conversation has come (RFC 9051 §3)."""

    GREETING = "the server has not greeted yet"
    NOT_AUTHENTICATED = "not logged in"
    AUTHENTICATED = "logged in"
    SELECTED = "a mailbox is selected"
    LOGOUT = "the server has said BYE"


@dataclass(slots=True)
class Selected:
    """The selected mailbox, as the server has told of it so far. None: not told."""

    name: str
    exists: int = 0
    recent: int = 0
    flags: frozenset[str] = frozenset()
    permanent_flags: frozenset[str] | None = None
    uidvalidity: int | None = None
    uidnext: int | None = None
    highestmodseq: int | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """A command on its way: after each piece but the last, wait for the server's "+" (RFC 9051 §4.3)."""

    tag: str
    pieces: tuple[bytes, ...]


class ImapClient:
    """What a client knows. ``tls``: whether the connection is encrypted from its beginning."""

    def __init__(self, *, limits: ResponseLimits | None = None, tls: bool = False) -> None:
        self.reader = Reader()
        self.limits = limits or ResponseLimits()
        self.tls = tls
        self.state = ClientState.GREETING
        self.capabilities: frozenset[str] = frozenset()  # in upper case; empty: not told, ask
        self.enabled: frozenset[str] = frozenset()
        self.mailbox: Selected | None = None
        self.odd_names: dict[str, bytes] = {}  # mailboxes that the server writes otherwise than we would
        self._numbers = itertools.count(1)

    # -- commands ----------------------------------------------------------------------------------------------------

    def command(self, name: str, *arguments: Argument) -> Sending:
        """A command with a new tag. Each argument goes behind one space."""
        tag = f"P{next(self._numbers)}"
        text: list[bytes] = [f"{tag} {name}".encode("ascii")]
        pieces: list[bytes] = []
        for argument in arguments:
            text.append(b" ")
            for piece in argument if isinstance(argument, tuple) else (argument,):
                if isinstance(piece, bytes):
                    text.append(piece)
                    continue
                waits = not self._at_once(len(piece.octets))
                text.append(_marker(piece, waits))
                if waits:
                    pieces.append(b"".join(text))
                    text.clear()
                text.append(piece.octets)
        text.append(b"\r\n")
        pieces.append(b"".join(text))
        return Sending(tag, tuple(pieces))

    def literal_marker(self, size: int) -> tuple[bytes, bool]:
        """What announces a literal of ``size`` octets that the caller sends itself, and whether it has to wait."""
        waits = not self._at_once(size)
        return b"{%d}\r\n" % size if waits else b"{%d+}\r\n" % size, waits

    def _at_once(self, size: int) -> bool:
        """Whether a literal may follow at once: LITERAL+, or LITERAL- (which is in IMAP4rev2) for small ones."""
        if "LITERAL+" in self.capabilities:
            return True
        return size <= MAX_LITERAL_MINUS and bool(self.capabilities & {"LITERAL-", "IMAP4REV2"})

    def mailbox_name(self, name: str) -> Piece:
        """A mailbox's name as it goes into a command; `LocalProtocolError` for what can't be one.

        One that the server has listed goes back as it came, even where that is no modified UTF-7.
        """
        odd = self.odd_names.get(name)
        if odd is not None:
            return encode.client_astring(odd)
        try:
            return encode.mailbox(name, utf8=self.utf8)
        except ValueError as error:
            raise LocalProtocolError(f"{name!r} can't be a mailbox name: {error}") from error

    @property
    def utf8(self) -> bool:
        """Whether mailbox names are UTF-8 on this connection."""
        return bool(self.enabled & UTF8_MODES)

    # -- responses ---------------------------------------------------------------------------------------------------

    def read(self) -> Parse[Response]:
        """Read one response and take note of it."""
        response = yield from read_response(self.reader, self.limits, utf8=self.utf8)
        self._note(response)
        return response

    def read_listed(self) -> Fetched | None:
        """A response to FETCH, if one that is easily read waits; else None: `read` it."""
        return read_listed(self.reader, self.limits.literal)

    def _note(self, response: Response) -> None:
        if isinstance(response, Condition | Tagged):
            self._note_condition(response)
        elif isinstance(response, Capabilities):
            self.capabilities = response.names
        elif isinstance(response, Listed):
            self._note_name(response)
        elif self.state in (ClientState.AUTHENTICATED, ClientState.SELECTED):
            # RFC 9051 §11.3: before the login nothing else may be believed.
            if isinstance(response, Enabled):
                self.enabled |= response.names
            elif self.mailbox is not None:
                self._note_mailbox(self.mailbox, response)

    def _note_name(self, listed: Listed) -> None:
        with contextlib.suppress(ValueError):
            if encode.mailbox(listed.name, utf8=self.utf8).strip(b'"') == encode.quoted(listed.raw).strip(b'"'):
                return
        if listed.name != "INBOX" and len(self.odd_names) < MAX_ODD_NAMES:
            self.odd_names[listed.name] = listed.raw

    def _note_condition(self, response: Condition | Tagged) -> None:
        code = response.code
        if self.state is ClientState.GREETING:
            self.state = GREETINGS.get(response.condition, ClientState.LOGOUT)
        elif response.condition == "BYE":
            self.state = ClientState.LOGOUT
        if code is None:
            return
        if code.name == "CAPABILITY":
            self.capabilities = frozenset(word.upper() for word in code.words)
        elif self.mailbox is not None and response.condition == "OK":
            _note_code(self.mailbox, code)

    @staticmethod
    def _note_mailbox(mailbox: Selected, response: Response) -> None:
        if isinstance(response, Exists):
            mailbox.exists = response.count
        elif isinstance(response, Recent):
            mailbox.recent = response.count
        elif isinstance(response, Expunge):
            mailbox.exists = max(mailbox.exists - 1, 0)
        elif isinstance(response, Vanished) and not response.earlier:
            mailbox.exists = max(mailbox.exists - _count(response.uids), 0)
        elif isinstance(response, Flags):
            mailbox.flags = response.flags

    # -- what an operation's success has changed ---------------------------------------------------------------------

    def tls_started(self) -> None:
        """TLS is on. What was said before it is forgotten, the capabilities too (RFC 9051 §6.2.1)."""
        self.tls = True
        self.reader.clear()
        self.capabilities = frozenset()

    def logged_in(self, response: Tagged) -> None:
        """LOGIN or AUTHENTICATE is done. Capabilities told before it no longer hold (RFC 9051 §6.2.2)."""
        self.state = ClientState.AUTHENTICATED
        if response.code is None or response.code.name != "CAPABILITY":
            self.capabilities = frozenset()

    def selecting(self, name: str) -> Selected:
        """SELECT or EXAMINE goes out: from now on responses tell of this mailbox."""
        self.mailbox = Selected(name)
        self.state = ClientState.AUTHENTICATED
        return self.mailbox

    def selected(self, response: Tagged) -> None:
        """SELECT or EXAMINE is answered; without OK no mailbox is selected (RFC 9051 §6.3.2)."""
        if response.condition == "OK":
            self.state = ClientState.SELECTED
        else:
            self.unselected()

    def unselected(self) -> None:
        """CLOSE or UNSELECT is done."""
        self.mailbox = None
        self.state = ClientState.AUTHENTICATED


GREETINGS = {"OK": ClientState.NOT_AUTHENTICATED, "PREAUTH": ClientState.AUTHENTICATED}


def _marker(literal: Literal, waits: bool) -> bytes:
    return b"%b{%d%b}\r\n" % (b"~" if literal.binary else b"", len(literal.octets), b"" if waits else b"+")


def _note_code(mailbox: Selected, code: Code) -> None:
    """The codes of SELECT's responses (RFC 9051 §6.3.2, RFC 7162 §3.1.2)."""
    if code.name == "UIDVALIDITY":
        mailbox.uidvalidity = code.number
    elif code.name == "UIDNEXT":
        mailbox.uidnext = code.number
    elif code.name == "HIGHESTMODSEQ":
        mailbox.highestmodseq = code.number
    elif code.name == "PERMANENTFLAGS":
        mailbox.permanent_flags = frozenset(code.words)
    elif code.name in ("READ-ONLY", "READ-WRITE"):
        mailbox.read_only = code.name == "READ-ONLY"


def _count(uids: SequenceSet) -> int:
    return sum(last - first + 1 for first, last in uids.ranges)
