"""POP3, as a client speaks it: each operation a generator of wishes over `pop3.client`'s machine (RFC 1939 §3).

Messages are retrieved ahead where the server offers PIPELINING (RFC 2449 §6.6): the next commands leave while this
message comes, so that a letter costs no round trip.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from posthouse.errors import (
    ConnectionFailed,
    LocalProtocolError,
    LoginRefused,
    Pop3Refused,
    TlsError,
)
from posthouse.message.complete import split_header
from posthouse.pop3 import client as words
from posthouse.pop3.client import Pop3Client, refusal
from posthouse.pop3.reply import Reply
from posthouse.wire.client_login import ClientLogin
from posthouse.wire.mechanism import Secret
from posthouse.wire.reader import EndOfInput, Parse
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import StartTls, Steps, T, receive

from .advice import by_words
from .greeting import receive_greeting
from .login import LoggedIn, attempts, check_private, nothing_fits, refused
from .url import Security, Server

# Seconds without a single octet: a server may have to open a large mailbox, or fetch a message from far away.
ANSWER_TIMEOUT = 180.0
# QUIT is where a server deletes, so it is waited for as well.
QUIT_TIMEOUT = 60.0
# Commands that are sent ahead. They are some 12 octets each: the server's window always has room for them (RFC 2449
# §6.6: a client that blocks must not send more than it has).
MOST_AHEAD = 50

ADVICE = {
    # RFC 2449 §8.1, RFC 3206 §4 and §5
    "IN-USE": "Another program is fetching from this mailbox; try again in a few minutes.",
    "LOGIN-DELAY": "The server wants a pause between two logins; try again later.",
    "SYS/TEMP": "Try again in a few minutes.",
    "SYS/PERM": "Ask whoever runs the server.",
    "UTF8": "The message needs UTF8 before the login.",
}


class Conversation(Pop3Client):
    """A conversation with ``server``, on a connection that stays within this computer (``loopback``) or doesn't."""

    def __init__(self, server: Server, *, loopback: bool = False) -> None:
        super().__init__()
        self.server = server
        self.loopback = loopback
        self.ahead: deque[int] = deque()  # messages that were asked for and haven't come
        self.doomed: list[int] = []  # messages that were deleted meanwhile, and the server doesn't know yet


# -- commands and their answers --------------------------------------------------------------------------------------


def _received(pop3: Conversation, parse: Parse[T], timeout: float = ANSWER_TIMEOUT) -> Steps[T]:
    try:
        return (yield from receive(pop3.reader, parse, timeout))
    except EndOfInput as error:
        raise ConnectionFailed(f"{pop3.server.host} closed the connection", advice="Try again.") from error


def ask(pop3: Conversation, line: bytes, timeout: float = ANSWER_TIMEOUT) -> Steps[Reply]:
    """Send a command, and return the first line of the answer, whatever it is."""
    yield from _settle(pop3)
    yield line
    return (yield from _received(pop3, pop3.read_reply(), timeout))


def execute(pop3: Conversation, line: bytes, what: str) -> Steps[Reply]:
    """Send a command; `Pop3Refused` for -ERR. ``what`` was not done then, in plain words."""
    reply = yield from ask(pop3, line)
    _check(reply, what)
    return reply


def _check(reply: Reply, what: str) -> None:
    if not reply.positive:
        raise _refused(reply, what)


def _refused(reply: Reply, what: str) -> Pop3Refused:
    error = refusal(reply, what)
    error.advice = by_words(reply.text) or ADVICE.get(reply.code, "")
    return error


def _settle(pop3: Conversation) -> Steps[None]:
    """Nothing is under way before the next command."""
    if pop3.ahead:
        raise LocalProtocolError("messages that were asked for are under way on this connection")
    if pop3.doomed:
        yield from delete(pop3, ())


# -- the conversation begins and ends --------------------------------------------------------------------------------


def connect(pop3: Conversation) -> Steps[None]:
    """Greeting, CAPA and TLS (RFC 2595 §4). `TlsError` when the server has none and the address asks."""
    pop3.greeted((yield from receive_greeting(pop3.reader, pop3.read_reply(), pop3.server)))
    pop3.tls = pop3.server.tls is Security.IMPLICIT
    yield from capabilities(pop3)
    if pop3.server.tls is Security.STARTTLS:
        yield from start_tls(pop3)
        yield from capabilities(pop3)


def capabilities(pop3: Conversation) -> Steps[dict[str, str]]:
    """CAPA (RFC 2449 §5). A server that doesn't know it has no capabilities."""
    reply = yield from ask(pop3, words.CAPA)
    pop3.told((yield from _received(pop3, pop3.read_lines())) if reply.positive else [])
    return pop3.capabilities


def start_tls(pop3: Conversation) -> Steps[None]:
    """STLS; `TlsError` if the server doesn't do it."""
    host = pop3.server.host
    if "STLS" not in pop3.capabilities:
        raise TlsError(
            f"{host}:{pop3.server.port} offers no encryption",
            advice="Use another port (995 speaks TLS from the start); in clear text nothing is fetched.",
        )
    reply = yield from ask(pop3, words.STLS)
    if not reply.positive:
        raise TlsError(f"{host} offers encryption, but can't begin it: {reply}", advice="Try again later.")
    yield StartTls()
    pop3.tls_started()


def login(pop3: Conversation, secret: Secret) -> Steps[LoggedIn]:
    """Log in by the best mechanism that the server offers for the secret (RFC 5034), or with USER and PASS; returns
    which it was.

    `TlsError` instead of a secret in clear text, `LoginRefused` when the server refuses it, `Pop3Refused` when it is
    right and the mailbox can't be opened now (IN-USE, LOGIN-DELAY, SYS/TEMP).
    """
    server = pop3.server
    check_private(server, secret, tls=pop3.tls, loopback=pop3.loopback)
    refusal: LoginRefused | None = None
    for attempt in attempts(server, pop3.mechanisms, secret):
        reply = yield from _authenticate(pop3, attempt)
        if reply.positive:
            attempt.let_in()
            return LoggedIn(attempt.mechanism.name, refusal is not None)
        attempt.refused()
        _check_opened(pop3, reply)
        refusal = refused(server, secret, reply.text, attempt)
    if refusal is not None:
        raise refusal
    by_name = "USER" in pop3.capabilities or not pop3.capabilities
    if not by_name or not isinstance(secret, Credentials) or server.auth:
        raise nothing_fits(server, pop3.mechanisms, secret, clear=not pop3.tls)
    reply = yield from ask(pop3, words.line("USER", secret.authcid))
    if reply.positive:
        reply = yield from ask(pop3, words.line("PASS", secret.password))
    if not reply.positive:
        _check_opened(pop3, reply)
        raise refused(server, secret, reply.text)
    return LoggedIn("USER")


def _check_opened(pop3: Conversation, reply: Reply) -> None:
    if reply.code in ADVICE:
        _check(reply, f"{pop3.server.host} opened no mailbox")


def _authenticate(pop3: Conversation, attempt: ClientLogin) -> Steps[Reply]:
    line, waiting = pop3.auth(attempt.mechanism.name, attempt.initial)
    if waiting is not None:
        attempt.hold_back()
    yield line
    while True:
        said = yield from _received(pop3, pop3.read_challenge())
        if isinstance(said, Reply):
            return said
        answer = attempt.respond(said)
        yield words.CANCEL if answer is None else words.response(answer)


def noop(pop3: Conversation) -> Steps[None]:
    """Ask whether the server is still there."""
    yield from execute(pop3, words.NOOP, "the server did nothing, and badly")


def quit(pop3: Conversation) -> Steps[None]:
    """Have what was deleted removed, and say goodbye (RFC 1939 §6). `Pop3Refused` if it was not removed."""
    reply = yield from ask(pop3, words.QUIT, QUIT_TIMEOUT)
    _check(reply, "the deleted messages were not removed")


# -- the maildrop ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retrieved:
    """A message that was asked for: its octets, or why the server didn't give it."""

    number: int
    octets: bytes = b""
    refused: Pop3Refused | None = None

    def check(self) -> bytes:
        """The octets; raises `Pop3Refused`."""
        if self.refused is not None:
            raise self.refused
        return self.octets


def stat(pop3: Conversation) -> Steps[tuple[int, int]]:
    """How many messages there are, and their octets."""
    return words.parse_stat((yield from execute(pop3, words.STAT, "the server tells nothing of the mailbox")))


def sizes(pop3: Conversation) -> Steps[dict[int, int]]:
    """The octets of each message, by its number."""
    return words.parse_sizes((yield from _list(pop3, words.LIST, "the server lists no messages")))


def unique_ids(pop3: Conversation) -> Steps[dict[int, str]]:
    """The name of each message, by its number: the same in every session, and never another message's."""
    return words.parse_listing((yield from _list(pop3, words.UIDL, "the server gives its messages no names")))


def _list(pop3: Conversation, line: bytes, what: str) -> Steps[list[bytes]]:
    yield from execute(pop3, line, what)
    return (yield from _received(pop3, pop3.read_lines()))


def top(pop3: Conversation, number: int, lines: int) -> Steps[bytes]:
    """A message's header, and so many lines of its body."""
    yield from execute(pop3, words.numbered("TOP", number, lines), f"the server shows nothing of message {number}")
    return (yield from _received(pop3, pop3.read_text()))


def tops(pop3: Conversation, numbers: Sequence[int], lines: int = 0) -> Steps[dict[int, bytes]]:
    """The headers of messages, and so many lines of each body; those that are refused are left out.

    With a server that allows it they are asked for many at a time. One that doesn't know TOP, which a server needn't
    (RFC 1939 §7), is asked for the whole messages.
    """
    yield from _settle(pop3)
    told: dict[int, bytes] = {}
    knows = "TOP" in pop3.capabilities or not pop3.capabilities
    at_a_time = MOST_AHEAD if pop3.pipelining else 1
    for start in range(0, len(numbers), at_a_time):
        some = numbers[start : start + at_a_time]
        yield b"".join([words.numbered("TOP", one, lines) if knows else words.numbered("RETR", one) for one in some])
        for one in some:
            if (yield from _received(pop3, pop3.read_reply())).positive:
                most = words.MAX_HEADER if knows and not lines else None
                octets = yield from _received(pop3, pop3.read_text(most))
                told[one] = octets if knows else octets[: split_header(octets)]
    return told


def retrieve(pop3: Conversation, number: int, following: Sequence[int] = ()) -> Steps[Retrieved]:
    """A message. What is refused is a result like any other.

    ``following``: what will be retrieved next, in this order. With a server that allows it they are asked for now, so
    nothing else can be until they have come; who won't take them, closes the connection.
    """
    if pop3.ahead and pop3.ahead[0] != number:
        raise LocalProtocolError("another message is under way on this connection")
    wanted = (number, *following[: MOST_AHEAD - 1]) if pop3.pipelining else (number,)
    if len(pop3.ahead) <= MOST_AHEAD // 2:
        missing = wanted[len(pop3.ahead) :]
        pop3.ahead.extend(missing)
        if missing:
            yield b"".join([words.numbered("RETR", one) for one in missing])
    reply = yield from _received(pop3, pop3.read_reply())
    octets = (yield from _received(pop3, pop3.read_text())) if reply.positive else b""
    pop3.ahead.popleft()
    return Retrieved(number, octets, None if reply.positive else _refused(reply, f"message {number} can't be had"))


def delete(pop3: Conversation, numbers: Sequence[int]) -> Steps[None]:
    """Mark messages: QUIT removes them. `Pop3Refused` for the first that can't be; the others are marked.

    While messages are under way this waits until they have come, and takes place before the next command.
    """
    pop3.doomed.extend(numbers)
    if pop3.ahead:
        return
    doomed, pop3.doomed = pop3.doomed, []
    refused: Pop3Refused | None = None
    at_a_time = MOST_AHEAD if pop3.pipelining else 1
    for start in range(0, len(doomed), at_a_time):
        some = doomed[start : start + at_a_time]
        yield b"".join([words.numbered("DELE", number) for number in some])
        for number in some:
            reply = yield from _received(pop3, pop3.read_reply())
            if not reply.positive:
                refused = refused or _refused(reply, f"message {number} can't be deleted")
    if refused is not None:
        raise refused


def reset(pop3: Conversation) -> Steps[None]:
    """Take back all marks."""
    pop3.doomed.clear()
    yield from execute(pop3, words.RSET, "the messages stay marked")
