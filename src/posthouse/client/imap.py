"""IMAP, as a client speaks it: each operation a generator of wishes over `imap.client`'s machine (RFC 9051 §6)."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable

from posthouse.errors import (
    ConnectionFailed,
    ImapRefused,
    LimitError,
    LocalProtocolError,
    LoginRefused,
    RemoteProtocolError,
    TlsError,
)
from posthouse.imap.answer import (
    Capabilities,
    Condition,
    Continue,
    Fetched,
    Listed,
    Response,
    Tagged,
    Untagged,
)
from posthouse.imap.client import Argument, ClientState, ImapClient, Selected
from posthouse.imap.encode import Literal, client_astring, client_string
from posthouse.imap.fetch import Attribute, Item
from posthouse.imap.sequence import SequenceSet
from posthouse.wire import sasl
from posthouse.wire.client_login import ClientLogin
from posthouse.wire.line_ends import LineEnds
from posthouse.wire.mechanism import Secret
from posthouse.wire.reader import EndOfInput
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Receive, StartTls, Steps

from .advice import by_words
from .greeting import receive_greeting
from .login import LoggedIn, attempts, check_private, nothing_fits, refused
from .slowed import said_slowly
from .url import Security, Server

# Seconds without a single octet. A server that searches a large mailbox without an index may think for a minute.
ANSWER_TIMEOUT = 180.0
# A goodbye is courtesy.
LOGOUT_TIMEOUT = 5.0
# Responses to one command: a FETCH of a batch has as many as it has messages, a LIST as many as there are mailboxes.
MAX_RESPONSES = 100_000
# Octets in answer to one command: the largest message that is taken into memory, twice (imap.parse: MAX_LITERAL).
MAX_ANSWER = 1024 * 1024 * 1024
# Octets of a set of message numbers in one command line: servers are known to refuse lines of 8 KB and more
# (RFC 7162 §4 asks them for 8,192).
MAX_SET = 4000

ADVICE = {
    # RFC 5530 §3
    "UNAVAILABLE": "Try again in a few minutes.",
    "INUSE": "Another program is using the mailbox; try again in a few minutes.",
    "LIMIT": "The account is at a limit of the server; close other mail programs, or try again later.",
    "OVERQUOTA": "The mailbox is full: delete letters, or get more room.",
    "NONEXISTENT": "Check the name of the mailbox.",
    "TRYCREATE": "The mailbox does not exist; create it first.",
    "NOPERM": "This account may not do that.",
    "CONTACTADMIN": "Ask whoever runs the server.",
    "EXPIRED": "The password has expired: set a new one.",
    "PRIVACYREQUIRED": "The server wants an encrypted connection: use ?tls=starttls or ?tls=implicit.",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Ahead:
    """A FETCH that was sent before its answer is wanted: the server works while we read what it said before."""

    request: tuple[str, SequenceSet, tuple[Item, ...]]
    tag: str


class Conversation(ImapClient):
    """A conversation with ``server``, on a connection that stays within this computer (``loopback``) or doesn't."""

    def __init__(self, server: Server, *, loopback: bool = False) -> None:
        super().__init__()
        self.server = server
        self.loopback = loopback
        self.room = MAX_ANSWER  # octets that the server may still send to the present command
        self.ahead: Ahead | None = None


# -- commands and their answers --------------------------------------------------------------------------------------


def execute(imap: Conversation, name: str, *arguments: Argument) -> Steps[tuple[Tagged, list[Untagged]]]:
    """Send a command and gather its answers. `ImapRefused` for NO and BAD."""
    answered, responses = yield from attempt(imap, name, *arguments)
    if answered.condition != "OK":
        raise refusal(f"{name.lower()} refused", answered)
    return answered, responses


def attempt(imap: Conversation, name: str, *arguments: Argument) -> Steps[tuple[Tagged, list[Untagged]]]:
    """Send a command and gather its answers, whatever they are."""
    yield from settle(imap)
    sending = imap.command(name, *arguments)
    imap.room = MAX_ANSWER
    responses: list[Untagged] = []
    for piece in sending.pieces:
        yield piece
        # RFC 9051 §4.3: the octets of a literal wait for "+"; the server may refuse the command instead.
        answer = yield from next_answer(imap, sending.tag, responses)
        if isinstance(answer, Tagged):
            return answer, responses
    raise RemoteProtocolError(f"the server wants more of {name} than there is")


def next_answer(imap: Conversation, tag: str, responses: list[Untagged]) -> Steps[Tagged | Continue]:
    """The next "+" or tagged response; what comes before it is added to ``responses``."""
    while True:
        response = imap.read_listed() or (yield from next_response(imap))
        if response is None:
            raise ConnectionFailed(
                f"{imap.server.host} did not answer for {ANSWER_TIMEOUT:g} seconds",
                advice="Try again in a few minutes.",
            )
        if isinstance(response, Tagged):
            if response.tag != tag:
                raise RemoteProtocolError(f"the server answered {response.tag}, which was not asked")
            return response
        if isinstance(response, Continue):
            return response
        if len(responses) == MAX_RESPONSES:
            raise LimitError(f"the server sent more than {MAX_RESPONSES} responses to one command")
        responses.append(response)


def settle(imap: Conversation) -> Steps[None]:
    """Read the answer to what was sent ahead, and forget it: what comes now may change what it says."""
    ahead, imap.ahead = imap.ahead, None
    if ahead is not None:
        imap.room = MAX_ANSWER
        yield from next_answer(imap, ahead.tag, [])


def next_response(imap: Conversation, timeout: float = ANSWER_TIMEOUT) -> Steps[Response | None]:
    """The next response, whatever it is; None when not an octet of one came for ``timeout`` seconds.

    `ConnectionFailed` when the server falls silent in the middle of one, or leaves.
    """
    waiting = len(imap.reader) == 0
    parse = imap.read()
    while True:
        try:
            next(parse)
        except StopIteration as stop:
            response: Response = stop.value
            break
        except EndOfInput as error:
            raise ConnectionFailed(f"{imap.server.host} closed the connection", advice="Try again.") from error
        data = yield Receive(timeout if waiting else ANSWER_TIMEOUT)
        if data is None:
            if waiting:
                return None
            raise ConnectionFailed(
                f"{imap.server.host} fell silent in the middle of an answer", advice="Try again in a few minutes."
            )
        waiting = False
        imap.room -= len(data)
        if imap.room < 0:
            raise LimitError(f"the server sent more than {MAX_ANSWER} octets in answer to one command")
        if data:
            imap.reader.feed(data)
        else:
            imap.reader.feed_eof()
    if imap.state is ClientState.LOGOUT and isinstance(response, Condition) and response.condition == "BYE":
        raise ConnectionFailed(
            f"{imap.server.host} closes the connection: {response.text}", advice="Try again in a few minutes."
        )
    return response


def refusal(sentence: str, answered: Tagged) -> ImapRefused:
    """NO or BAD as an error: ``sentence`` is what was refused."""
    code = answered.code.name if answered.code else ""
    return ImapRefused(
        f"{sentence} by the server: {answered.text or answered.condition}",
        condition=answered.condition, code=code, advice=ADVICE.get(code) or by_words(answered.text),
    )  # fmt: skip


# -- the conversation begins and ends --------------------------------------------------------------------------------


def connect(imap: Conversation) -> Steps[None]:
    """Greeting and TLS (RFC 9051 §6.2.1). `TlsError` when there is no TLS and the address asks for it."""
    server = imap.server
    greeting = yield from receive_greeting(imap.reader, imap.read(), server)
    if not isinstance(greeting, Condition):  # "+OK" of POP3 among them, which is a continuation here
        raise ConnectionFailed(
            f"{server.host}:{server.port} does not speak IMAP", advice="Check the port of the server's address."
        )
    if imap.state is ClientState.LOGOUT:
        raise ConnectionFailed(
            f"{server.host} wants no connection now: {greeting.text}", advice="Try again in a few minutes."
        )
    if server.tls is Security.IMPLICIT:
        imap.tls = True
    elif server.tls is Security.STARTTLS:
        yield from start_tls(imap)


def start_tls(imap: Conversation) -> Steps[None]:
    """STARTTLS (RFC 9051 §6.2.1); `TlsError` if the server doesn't do it."""
    server = imap.server
    # RFC 9051 §11.3: after PREAUTH there can be no STARTTLS; whoever meddles with the line would like that.
    if imap.state is not ClientState.NOT_AUTHENTICATED or "STARTTLS" not in (yield from capability(imap)):
        raise TlsError(
            f"{server.host}:{server.port} offers no encryption",
            advice="Use another port (993 speaks TLS from the start); in clear text nothing is sent.",
        )
    answered, _ = yield from attempt(imap, "STARTTLS")
    if answered.condition != "OK":
        raise TlsError(
            f"{server.host} offers encryption, but can't begin it: {answered.text}", advice="Try again later."
        )
    yield StartTls()
    imap.tls_started()


def capability(imap: Conversation) -> Steps[frozenset[str]]:
    """What the server can do, in upper case: asked for only if it hasn't said (RFC 9051 §6.1.1)."""
    if not imap.capabilities:
        _, responses = yield from execute(imap, "CAPABILITY")
        if not any(isinstance(response, Capabilities) for response in responses):
            raise RemoteProtocolError("the server does not say what it can do")
    return imap.capabilities


def login(imap: Conversation, secret: Secret) -> Steps[LoggedIn]:
    """Log in by the best way that the server offers for the secret (RFC 9051 §6.2.2, §6.2.3); returns which it was.

    `TlsError` instead of a secret in clear text, `LoginRefused` when the server refuses it.
    """
    server = imap.server
    check_private(server, secret, tls=imap.tls, loopback=imap.loopback)
    if imap.state is ClientState.AUTHENTICATED:
        raise LocalProtocolError("logged in already")
    capabilities = yield from capability(imap)
    offered = {name.removeprefix("AUTH=") for name in capabilities if name.startswith("AUTH=")}
    refusal: LoginRefused | None = None
    for one in attempts(server, offered, secret):
        answered = yield from _authenticate(imap, one)
        if answered.condition == "OK":
            one.let_in()
            imap.logged_in(answered)
            return LoggedIn(one.mechanism.name, refusal is not None)
        one.refused()
        refusal = _login_refused(server, secret, answered, one)
    if refusal is not None:
        raise refusal
    if not isinstance(secret, Credentials) or "LOGINDISABLED" in capabilities or server.auth:
        raise nothing_fits(server, offered, secret, clear=not imap.tls)
    name, password = secret.authcid.encode(), secret.password.encode()
    answered, _ = yield from attempt(imap, "LOGIN", client_astring(name), client_string(password))
    if answered.condition != "OK":
        raise _login_refused(server, secret, answered)
    imap.logged_in(answered)
    return LoggedIn("LOGIN")


def _authenticate(imap: Conversation, login: ClientLogin) -> Steps[Tagged]:
    """AUTHENTICATE, its first response along with it where the server takes that (SASL-IR, RFC 4959)."""
    arguments = [login.mechanism.name.encode("ascii")]
    if login.initial is not None and "SASL-IR" in imap.capabilities:
        arguments.append(sasl.encode_base64(login.initial) or b"=")
    elif login.initial is not None:
        login.hold_back()
    sending = imap.command("AUTHENTICATE", *arguments)
    yield sending.pieces[0]
    ignored: list[Untagged] = []
    while isinstance(answer := (yield from next_answer(imap, sending.tag, ignored)), Continue):
        response = login.respond(answer.text)
        yield b"*\r\n" if response is None else sasl.encode_base64(response) + b"\r\n"
    return answer


def _login_refused(
    server: Server, secret: Secret, answered: Tagged, attempt: ClientLogin | None = None
) -> LoginRefused:
    code = answered.code.name if answered.code else ""
    # RFC 5530 §3: these don't speak about the password; nor does Gmail's [ALERT] that there are too many connections.
    if code in ("UNAVAILABLE", "LIMIT", "INUSE", "CONTACTADMIN", "PRIVACYREQUIRED") or said_slowly(answered.text):
        raise refusal("the login was refused", answered)
    error = refused(server, secret, answered.text or answered.condition, attempt)
    error.advice = ADVICE.get(code) or error.advice
    return error


def noop(imap: Conversation) -> Steps[None]:
    """Hear what is new (RFC 9051 §6.1.2)."""
    yield from execute(imap, "NOOP")


def logout(imap: Conversation) -> Steps[None]:
    """Say goodbye; whatever the server does then is fine (RFC 9051 §6.1.3)."""
    with contextlib.suppress(ConnectionFailed, RemoteProtocolError):
        yield imap.command("LOGOUT").pieces[0]
        while isinstance((yield from next_response(imap, LOGOUT_TIMEOUT)), Untagged):
            pass
    imap.state = ClientState.LOGOUT


# -- mailboxes -------------------------------------------------------------------------------------------------------


def list_mailboxes(imap: Conversation, pattern: str = "*") -> Steps[list[Listed]]:
    """The mailboxes whose names fit ``pattern`` (``*``: anything, ``%``: one level) (RFC 9051 §6.3.9)."""
    _, responses = yield from execute(imap, "LIST", b'""', imap.mailbox_name(pattern))
    return [response for response in responses if isinstance(response, Listed) and not response.lsub]


def select(imap: Conversation, mailbox: str, *, read_only: bool = False) -> Steps[Selected]:
    """Open a mailbox (RFC 9051 §6.3.2, §6.3.3). `ImapRefused` if there is none of that name."""
    command = "EXAMINE" if read_only else "SELECT"
    selected = imap.selecting(mailbox)
    answered, _ = yield from attempt(imap, command, imap.mailbox_name(mailbox))
    if answered.condition != "OK" and ("&" in mailbox or not mailbox.isascii()) and mailbox not in imap.odd_names:
        # The server may write this name otherwise than we do: then its list says how.
        yield from list_mailboxes(imap)
        if mailbox in imap.odd_names:
            answered, _ = yield from attempt(imap, command, imap.mailbox_name(mailbox))
    imap.selected(answered)
    if answered.condition != "OK":
        raise refusal(f"opening the mailbox {mailbox} was refused", answered)
    return selected


def append(imap: Conversation, mailbox: str, octets: bytes, flags: Iterable[str] = ()) -> Steps[int | None]:
    """Put a message into a mailbox (RFC 9051 §6.3.12); its UID, where the server tells it (UIDPLUS).

    Bare line ends become CR LF, without which most servers take no message.
    """
    ends = LineEnds()
    literal = Literal(ends.write(octets) + ends.end())
    words = b"(%b)" % b" ".join(flag.encode("ascii") for flag in flags)
    answered, _ = yield from attempt(imap, "APPEND", imap.mailbox_name(mailbox), words, literal)
    if answered.condition != "OK":
        raise refusal(f"keeping a message in {mailbox} was refused", answered)
    appended = answered.code.append_uid if answered.code and answered.code.name == "APPENDUID" else None
    return appended[1].largest if appended else None


# -- messages --------------------------------------------------------------------------------------------------------


def fetch(
    imap: Conversation, numbers: SequenceSet, items: Iterable[Item], *, following: SequenceSet | None = None
) -> Steps[list[Fetched]]:
    """FETCH by message numbers (RFC 9051 §6.4.5): what was told of the messages that are still there.

    ``following``: what will be asked for next, with the same items. It is sent along, and answered while this answer is
    read; it does no harm when something else is asked in between.
    """
    return (yield from _fetch(imap, "FETCH", numbers, tuple(items), following))


def uid_fetch(
    imap: Conversation, uids: SequenceSet, items: Iterable[Item], *, following: SequenceSet | None = None
) -> Steps[list[Fetched]]:
    """The same by UIDs (RFC 9051 §6.4.9)."""
    return (yield from _fetch(imap, "UID FETCH", uids, tuple(items), following))


def _fetch(
    imap: Conversation, name: str, numbers: SequenceSet, items: tuple[Item, ...], following: SequenceSet | None
) -> Steps[list[Fetched]]:
    told: dict[int, Fetched] = {}
    parts = list(numbers.split(MAX_SET))
    for part, after in itertools.zip_longest(parts, parts[1:], fillvalue=following):
        assert part is not None
        if imap.ahead is None or imap.ahead.request != (name, part, items):
            yield from settle(imap)
            yield from _send_ahead(imap, name, part, items)
        assert imap.ahead is not None
        tag, imap.ahead = imap.ahead.tag, None
        if after is not None:
            yield from _send_ahead(imap, name, next(after.split(MAX_SET)), items)
        answered = yield from _read_fetched(imap, name, tag, told)
        if answered.condition != "OK":
            raise refusal("fetching messages was refused", answered)
    return _asked_for(told, items)


def fetch_some(
    imap: Conversation, name: str, numbers: SequenceSet, items: tuple[Item, ...]
) -> Steps[tuple[Tagged, list[Fetched]]]:
    """The same in one command, whatever the answer is: what a server told before it refused the rest holds."""
    yield from settle(imap)
    yield from _send_ahead(imap, name, numbers, items)
    assert imap.ahead is not None
    tag, imap.ahead = imap.ahead.tag, None
    told: dict[int, Fetched] = {}
    answered = yield from _read_fetched(imap, name, tag, told)
    return answered, _asked_for(told, items)


def _read_fetched(imap: Conversation, name: str, tag: str, told: dict[int, Fetched]) -> Steps[Tagged]:
    """The answer to a FETCH; what it says of messages is added to ``told``."""
    imap.room = MAX_ANSWER
    responses: list[Untagged] = []
    answered = yield from next_answer(imap, tag, responses)
    if isinstance(answered, Continue):
        raise RemoteProtocolError(f"the server wants more of {name} than there is")
    for response in responses:
        if isinstance(response, Fetched):
            known = told.get(response.number)
            told[response.number] = response if known is None else merged(known, response)
    return answered


def _asked_for(told: dict[int, Fetched], items: tuple[Item, ...]) -> list[Fetched]:
    """Without what nobody asked for: servers tell of changed flags at any time."""
    return [one for one in told.values() if one.uid is not None or Attribute.UID not in items]


def _send_ahead(imap: Conversation, name: str, numbers: SequenceSet, items: tuple[Item, ...]) -> Steps[None]:
    wanted = b"(%b)" % b" ".join(item.written for item in items)
    sending = imap.command(name, bytes(numbers), wanted)
    imap.ahead = Ahead((name, numbers, items), sending.tag)
    yield sending.pieces[0]


def merged(first: Fetched, second: Fetched) -> Fetched:
    """What two responses tell of one message: servers may split an answer, or add to it."""
    news = {field.name: getattr(second, field.name) for field in dataclasses.fields(second)}
    for name in ("sections", "sizes", "others"):
        news[name] = {**getattr(first, name), **news[name]}
    news["illegal"] = first.illegal + second.illegal
    return dataclasses.replace(first, **{name: value for name, value in news.items() if value is not None})
