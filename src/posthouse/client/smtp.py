"""SMTP, as a client speaks it: each operation a generator of wishes over `smtp.client`'s machine (RFC 5321 §3).

A letter takes one round trip where the server offers PIPELINING (RFC 2920): the commands of the next letter leave
together with the content of this one.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from posthouse.errors import (
    ConnectionFailed,
    LocalProtocolError,
    LoginRefused,
    RemoteProtocolError,
    SmtpRefused,
    TlsError,
)
from posthouse.message.address import Address
from posthouse.message.complete import split_header
from posthouse.smtp import client as words
from posthouse.smtp.client import SmtpClient, refusal
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.smtp.reply import Reply, read_reply, take_reply
from posthouse.wire.client_login import ClientLogin
from posthouse.wire.dot import DotWriter
from posthouse.wire.line_ends import LineEnds
from posthouse.wire.mechanism import Secret
from posthouse.wire.reader import EndOfInput
from posthouse.wire.steps import Read, Source, StartTls, Steps, receive

from .advice import by_words
from .greeting import PATIENCE, receive_greeting
from .login import LoggedIn, attempts, check_private, nothing_fits, refused
from .url import Protocol, Security, Server

# RFC 5321 §4.5.3.2: how long a client waits for MAIL and RCPT (and, here, whatever is not named there), …
COMMAND_TIMEOUT = 300.0
# … for the go-ahead after DATA, …
DATA_TIMEOUT = 120.0
# … and for the answer to a letter: the server may be scanning it, and who gives up too early sends it twice.
LETTER_TIMEOUT = 600.0
# A goodbye is courtesy.
QUIT_TIMEOUT = 5.0

# Octets of a letter that go out at a time.
CHUNK = 256 * 1024
# A content up to so many octets leaves together with the commands in front of it where the server takes BDAT: more
# would be lost on a letter that it then refuses.
AT_ONCE = 64 * 1024
# With BDAT there is nothing to wait for between recipients and content.
GO_AHEAD = Reply(354, "", "")

# Recipients whose commands leave before their answers are read. Both sides' buffers hold the answers to so many
# (RFC 2920 §3.1: a client must not wait to send while the server waits to answer).
MAX_FLIGHT = 200


@dataclass(frozen=True, slots=True)
class SendResult:
    """What the server said to a letter.

    ``accepted``: the recipients it will carry the letter to. ``refused``: the others, each with the reply that refused
    it (or the sender, or the whole letter). ``reply``: its last word. ``asked``: False where the server has announced
    that it can't take the letter, and wasn't asked: the replies are ours then, not its own.
    """

    accepted: tuple[str, ...]
    refused: Mapping[str, Reply]
    reply: Reply
    asked: bool = True

    def check(self) -> SendResult:
        """Itself; `SmtpRefused` if no recipient was accepted."""
        if self.accepted:
            return self
        others = " and others" if len(self.refused) > 3 else ""
        (_, reply), *_ = self.refused.items()
        raise _refused(
            reply,
            f"the letter to {', '.join(list(self.refused)[:3])}{others} was refused",
            "Try again later." if reply.temporary else "",
        )


class Conversation(SmtpClient):
    """A conversation with ``server``, on a connection that stays within this computer (``loopback``) or doesn't.

    ``name`` is what this host calls itself: its full name, or its address in brackets (RFC 5321 §4.1.4).
    """

    def __init__(self, server: Server, name: str, *, loopback: bool = False) -> None:
        super().__init__(lmtp=server.protocol is Protocol.LMTP)
        self.server = server
        self.name = name
        self.loopback = loopback
        self.logged_in = False
        # A transaction was begun and not ended: MAIL needs a RSET before it.
        self.unfinished = False
        # A letter has left and its answer hasn't come: nobody knows whether it was taken (RFC 5321 §4.5.4.1).
        self.in_doubt = False
        # The letter whose commands have left together with the content of the one before it.
        self.under_way: Envelope | None = None
        # Its content as it will go out, written while the server thought about the one before it; or nothing yet.
        self.written = b""

    @property
    def chunking(self) -> bool:
        """Whether letters go in pieces of a told size: no dots to double, nothing to wait for before the content."""
        return "CHUNKING" in self.capabilities and self.pipelining


# -- commands and their answers --------------------------------------------------------------------------------------


def _waiting(smtp: Conversation) -> Reply | None:
    """The reply that has come already, if it is a plain one: of a flight's answers all but the first have."""
    reply = take_reply(smtp.reader)
    return reply and _checked(smtp, reply)


def _reply(smtp: Conversation, timeout: float = COMMAND_TIMEOUT) -> Steps[Reply]:
    try:
        reply = take_reply(smtp.reader) or (
            yield from receive(smtp.reader, read_reply(smtp.reader), timeout, whole=True)
        )
    except EndOfInput as error:
        raise ConnectionFailed(f"{smtp.server.host} closed the connection", advice="Try again.") from error
    return _checked(smtp, reply)


def _checked(smtp: Conversation, reply: Reply) -> Reply:
    if reply.code == 421:  # RFC 5321 §3.8: the server closes the connection, whatever was asked
        raise _refused(reply, f"{smtp.server.host} closes the connection", "Try again in a few minutes.")
    return reply


def _refused(reply: Reply, what: str, advice: str) -> SmtpRefused:
    error = refusal(reply, what)
    error.advice = by_words(str(reply)) or advice
    return error


def command(smtp: Conversation, line: bytes, timeout: float = COMMAND_TIMEOUT) -> Steps[Reply]:
    """Send a command line, and return the answer, whatever it is."""
    yield line
    return (yield from _reply(smtp, timeout))


# -- the conversation begins and ends --------------------------------------------------------------------------------


def connect(smtp: Conversation, patience: float = PATIENCE) -> Steps[None]:
    """Greeting, EHLO and TLS (RFC 5321 §3.1, RFC 3207). `TlsError` when the server has none and the address asks.

    ``patience``: how long (seconds) the greeting is waited for.
    """
    smtp.greeted((yield from receive_greeting(smtp.reader, smtp.read_reply(), smtp.server, patience)))
    smtp.tls = smtp.server.tls is Security.IMPLICIT
    yield from hello(smtp)
    if smtp.server.tls is Security.STARTTLS:
        yield from start_tls(smtp)
        yield from hello(smtp)


def hello(smtp: Conversation) -> Steps[None]:
    """EHLO, and HELO for a server that doesn't know it (RFC 5321 §3.2)."""
    reply = yield from command(smtp, smtp.hello(smtp.name))
    if reply.code in (500, 501, 502, 504, 550) and not smtp.lmtp:
        reply = yield from command(smtp, smtp.hello(smtp.name, extended=False))
        smtp.introduced(reply, extended=False)
    else:
        smtp.introduced(reply)


def start_tls(smtp: Conversation) -> Steps[None]:
    """STARTTLS (RFC 3207 §4); `TlsError` if the server doesn't do it."""
    host = smtp.server.host
    if "STARTTLS" not in smtp.capabilities:
        raise TlsError(
            f"{host}:{smtp.server.port} offers no encryption",
            advice="Use another port (465 speaks TLS from the start); in clear text nothing is sent.",
        )
    reply = yield from command(smtp, words.STARTTLS)
    if reply.code != 220:
        raise TlsError(f"{host} offers encryption, but can't begin it: {reply}", advice="Try again later.")
    yield StartTls()
    smtp.tls_started()


def login(smtp: Conversation, secret: Secret) -> Steps[LoggedIn]:
    """Log in by the best mechanism that the server offers for the secret (RFC 4954); returns which it was.

    `TlsError` instead of a secret in clear text, `LoginRefused` when the server refuses it.
    """
    server = smtp.server
    check_private(server, secret, tls=smtp.tls, loopback=smtp.loopback)
    refusal: LoginRefused | None = None
    for attempt in attempts(server, smtp.mechanisms, secret):
        reply = yield from _authenticate(smtp, attempt)
        if reply.code == 235:
            attempt.let_in()
            smtp.logged_in = True
            return LoggedIn(attempt.mechanism.name, refusal is not None)
        attempt.refused()
        if reply.temporary:
            raise _refused(reply, "the login can't be checked at the moment", "Try again in a few minutes.")
        refusal = refused(server, secret, str(reply), attempt)
    if refusal is None:
        clear = not smtp.tls and "STARTTLS" in smtp.capabilities
        raise nothing_fits(server, smtp.mechanisms, secret, clear=clear)
    raise refusal


def _authenticate(smtp: Conversation, attempt: ClientLogin) -> Steps[Reply]:
    line, waiting = smtp.auth(attempt.mechanism.name, attempt.initial)
    if waiting is not None:
        attempt.hold_back()
    reply = yield from command(smtp, line)
    while reply.code == 334:
        answer = attempt.respond(reply.text.encode())
        reply = yield from command(smtp, words.CANCEL if answer is None else words.response(answer))
    return reply


def noop(smtp: Conversation) -> Steps[None]:
    """Ask whether the server is still there (RFC 5321 §4.1.1.9)."""
    yield from command(smtp, words.NOOP)


def quit(smtp: Conversation) -> Steps[None]:
    """Say goodbye; whatever the server does then is fine (RFC 5321 §4.1.1.10)."""
    with contextlib.suppress(ConnectionFailed, RemoteProtocolError, SmtpRefused):
        yield from command(smtp, words.QUIT, QUIT_TIMEOUT)


# -- letters ---------------------------------------------------------------------------------------------------------


def envelope_for(sender: str, recipients: Iterable[str], octets: bytes) -> Envelope:
    """The envelope of a letter: what its octets need of a server is told from them.

    ``sender`` may be empty (RFC 5321 §4.5.5). Raises `InvalidMessage` for what is no address. A recipient that is named
    twice gets the letter once.
    """
    mailboxes = [_mailbox(recipient) for recipient in recipients]
    if len(mailboxes) > 1:
        mailboxes = list(dict.fromkeys(mailboxes))
    ascii_only = octets.isascii()
    return Envelope(
        _mailbox(sender) if sender else None,
        [Recipient(mailbox) for mailbox in mailboxes],
        size=len(octets),
        body="7BIT" if ascii_only else "8BITMIME",
        # RFC 6531 §3.2: UTF-8 in an address or in a header field.
        smtputf8=not all(mailbox.is_ascii for mailbox in mailboxes)
        or not (ascii_only or octets[: split_header(octets)].isascii()),
    )


def enveloped(letters: Iterable[tuple[str, Iterable[str], bytes]]) -> Iterator[tuple[Envelope, bytes]]:
    """Letters (sender, recipients, octets), each with its envelope."""
    for sender, recipients, octets in letters:
        yield envelope_for(sender, recipients, octets), octets


@functools.lru_cache(maxsize=1024)
def _mailbox(address: str) -> Mailbox:
    """An address as people write it, as the envelope carries it. The sender of many letters is parsed once."""
    return parse_mailbox(Address.parse(address).spec)


def send(
    smtp: Conversation,
    envelope: Envelope,
    octets: Source,
    *,
    following: tuple[Envelope, Source] | None = None,
    meanwhile: Callable[[], object] | None = None,
) -> Steps[SendResult]:
    """Hand over a letter (RFC 5321 §3.3); its line ends become CR LF. What isn't ``bytes`` is read as it goes out.

    ``following``: the letter that will be sent next, and its octets. Its commands leave together with this one's
    content where that saves a round trip, so the next `send` must be for that very envelope, and these octets; who
    can't, closes the connection.
    ``meanwhile``: work to be done when the letter has left, before its answer is waited for.

    What the server refuses is in the result. `SmtpRefused` only for 421, after which the connection is over.
    """
    if smtp.under_way is not None and smtp.under_way is not envelope:
        raise LocalProtocolError("another letter is under way on this connection")
    early = smtp.under_way is not None
    smtp.under_way = None
    written, smtp.written = smtp.written, b""
    begun = False  # with what leaves first, the content has left too
    if early:
        answers = yield from _answers(smtp, envelope)
    else:
        try:
            commands = _commands(smtp, envelope)
        except SmtpRefused as error:
            return replace(_refused_as_a_whole(envelope, Reply(error.code, error.enhanced, str(error))), asked=False)
        if _fits_flight(smtp, envelope):
            begun = smtp.chunking and len(octets) <= AT_ONCE
            if begun:
                commands.append(_whole_chunk(smtp, octets[:]))
                smtp.in_doubt = True
            yield b"".join(commands)
            if begun and meanwhile is not None:
                meanwhile()
            answers = yield from _answers(smtp, envelope)
        else:
            answers = yield from _one_by_one(smtp, envelope, commands)
    sender, refused, go_ahead = answers
    smtp.unfinished = go_ahead.code != 354 and not begun
    if begun and go_ahead.code != 354:
        smtp.in_doubt = False
        smtp.unfinished = not (yield from _is_over(smtp))
    if not sender.positive:
        return _refused_as_a_whole(envelope, sender)
    accepted = envelope.recipients
    if refused:
        accepted = [recipient for recipient in accepted if str(recipient) not in refused]
    if go_ahead.code != 354:
        return SendResult((), refused, go_ahead) if not accepted else _refused_as_a_whole(envelope, go_ahead)
    if not accepted:
        # RFC 2920 §3.1: the server said "go on" all the same. An empty letter to nobody gets us out.
        return SendResult((), refused, (yield from command(smtp, b".\r\n", LETTER_TIMEOUT)))
    if not begun:
        if written:
            last, failed = written, None
        else:
            last, failed = yield from (_chunks(smtp, octets) if smtp.chunking else _content(octets))
        if failed is not None:
            smtp.unfinished = True
            return _refused_as_a_whole(envelope, failed)
        smtp.in_doubt = True
        yield last + (_flight_behind(smtp, following[0]) if following else b"")
        if following:
            _write_early(smtp, following[1])
        if meanwhile is not None:
            meanwhile()
    result = yield from _last_words(smtp, envelope, accepted, refused)
    smtp.in_doubt = False
    return result


def _is_over(smtp: Conversation) -> Steps[bool]:
    """Whether the server knows of no letter any more, which left as a chunk with its commands, and was for nobody.

    RFC 3030 §2: BDAT is refused where there are no recipients, and its octets are thrown away; in LMTP without a word
    (RFC 2033 §4.3). Others say 503 there, too: what RSET is answered tells them apart.
    """
    if not smtp.lmtp:
        return (yield from _reply(smtp, LETTER_TIMEOUT)).code == 250
    reply = yield from command(smtp, words.RSET, LETTER_TIMEOUT)
    if reply.code != 250:
        reply = yield from _reply(smtp, LETTER_TIMEOUT)
    return reply.code == 250


def rehearse(smtp: Conversation, envelope: Envelope) -> Steps[dict[str, Reply]]:
    """Ask for every recipient, and send nothing; those that are refused, or whom the sender's refusal stops."""
    sender = yield from command(smtp, smtp.mail(envelope))
    refused: dict[str, Reply] = {}
    for recipient in envelope.recipients:
        reply = (yield from command(smtp, smtp.rcpt(recipient))) if sender.positive else sender
        if not reply.positive:
            refused[str(recipient)] = reply
    yield from command(smtp, words.RSET)
    return refused


def _write_early(smtp: Conversation, octets: Source) -> None:
    """Write the content of the letter under way, if it is a small one, before anybody waits for it."""
    if smtp.under_way is not None and isinstance(octets, bytes) and len(octets) <= AT_ONCE:
        smtp.written = _whole_chunk(smtp, octets) if smtp.chunking else _whole_content(octets)


def _flight_behind(smtp: Conversation, following: Envelope) -> bytes:
    """The commands of the letter that comes next, if they may leave already."""
    if not _fits_flight(smtp, following):
        return b""
    try:
        commands = b"".join(_commands(smtp, following))
    except SmtpRefused:  # that is said when it is its turn
        return b""
    smtp.under_way = following
    return commands


def _last_words(
    smtp: Conversation, envelope: Envelope, accepted: Sequence[Recipient], refused: dict[str, Reply]
) -> Steps[SendResult]:
    """The answer to the content; one for each recipient where LMTP is spoken (RFC 2033 §4.2)."""
    reply = yield from _reply(smtp, LETTER_TIMEOUT)
    if not smtp.lmtp:
        if reply.code != 250:
            return _refused_as_a_whole(envelope, reply)
        return SendResult(tuple(map(str, accepted)), refused, reply)
    taken: list[str] = []
    for number, recipient in enumerate(accepted):
        reply = reply if number == 0 else (yield from _reply(smtp, LETTER_TIMEOUT))
        if reply.code == 250:
            taken.append(str(recipient))
        else:
            refused[str(recipient)] = reply
    return SendResult(tuple(taken), refused, reply)


def _refused_as_a_whole(envelope: Envelope, reply: Reply) -> SendResult:
    return SendResult((), {str(recipient): reply for recipient in envelope.recipients}, reply)


def _commands(smtp: Conversation, envelope: Envelope) -> list[bytes]:
    """All commands up to the content: RSET where one is needed, MAIL, RCPT for each recipient, DATA.

    `SmtpRefused` for a letter that this server can't take, as far as it has said.
    """
    if not envelope.recipients:
        raise LocalProtocolError("a letter goes to at least one recipient")
    if envelope.body == "8BITMIME" and "8BITMIME" not in smtp.capabilities:
        # RFC 6152 §3: such a content must not be sent to this server; 5.6.3 is its word for it.
        raise SmtpRefused("the server takes only letters in ASCII, and this one is not", code=554, enhanced="5.6.3")
    reset = [words.RSET] if smtp.unfinished else []
    data = [] if smtp.chunking else [words.DATA]
    return [*reset, smtp.mail(envelope), *map(smtp.rcpt, envelope.recipients), *data]


def _fits_flight(smtp: Conversation, envelope: Envelope) -> bool:
    """Whether all commands may leave at once. DATA may be the last of them, and is (RFC 2920 §3.1)."""
    return smtp.pipelining and len(envelope.recipients) <= MAX_FLIGHT


# What MAIL was answered, the recipients that were refused, and what DATA was answered.
Answers: TypeAlias = tuple[Reply, dict[str, Reply], Reply]


def _answers(smtp: Conversation, envelope: Envelope) -> Steps[Answers]:
    """The answers to a flight."""
    if smtp.unfinished:
        yield from _reply(smtp)
    sender = _waiting(smtp) or (yield from _reply(smtp))
    refused = {}
    for recipient in envelope.recipients:
        reply = _waiting(smtp) or (yield from _reply(smtp))
        if not reply.positive:
            refused[str(recipient)] = reply
    if smtp.chunking:
        if not sender.positive:
            return sender, refused, sender
        return sender, refused, reply if len(refused) == len(envelope.recipients) else GO_AHEAD
    go_ahead = _waiting(smtp) or (yield from _reply(smtp, DATA_TIMEOUT))
    if go_ahead.code == 354 and not sender.positive:
        raise RemoteProtocolError("the server refused the sender, and wants the letter all the same")
    return sender, refused, go_ahead


def _one_by_one(smtp: Conversation, envelope: Envelope, commands: list[bytes]) -> Steps[Answers]:
    """The same for a server without PIPELINING, or for more recipients than fit into a flight."""
    reset = [words.RSET] if smtp.unfinished else []
    for line in reset:
        yield from command(smtp, line)
    sender = yield from command(smtp, commands[len(reset)])
    refused: dict[str, Reply] = {}
    if not sender.positive:
        return sender, refused, sender
    at_a_time = MAX_FLIGHT if smtp.pipelining else 1
    for start in range(0, len(envelope.recipients), at_a_time):
        recipients = envelope.recipients[start : start + at_a_time]
        first = len(reset) + 1 + start
        yield b"".join(commands[first : first + len(recipients)])
        for recipient in recipients:
            reply = yield from _reply(smtp)
            if not reply.positive:
                refused[str(recipient)] = reply
    if len(refused) == len(envelope.recipients):
        return sender, refused, reply
    if smtp.chunking:
        return sender, refused, GO_AHEAD
    return sender, refused, (yield from command(smtp, words.DATA, DATA_TIMEOUT))


def _slice(octets: Source, start: int, end: int) -> Steps[bytes]:
    """Some of the content, read where that may block."""
    if isinstance(octets, bytes):
        return octets[start:end]
    piece = yield Read(octets, start, end)
    assert piece is not None
    return piece


def _content(octets: Source) -> Steps[tuple[bytes, Reply | None]]:
    """Send the content, all but its last piece, which is returned: more may leave along with it."""
    writer = DotWriter()
    start = 0
    while len(octets) - start > CHUNK:
        yield writer.write((yield from _slice(octets, start, start + CHUNK)))
        start += CHUNK
    return writer.write((yield from _slice(octets, start, len(octets)))) + writer.end(), None


def _whole_content(octets: bytes) -> bytes:
    writer = DotWriter()
    return writer.write(octets) + writer.end()


def _chunks(smtp: Conversation, octets: Source) -> Steps[tuple[bytes, Reply | None]]:
    """The same with BDAT (RFC 3030 §2); or the reply to a piece that was refused, after which nothing more is sent.

    The answer to a piece is waited for when the next one has left, so that the line is never idle.
    """
    ends = LineEnds()
    start, unanswered = 0, 0
    while len(octets) - start > CHUNK:
        piece = ends.write((yield from _slice(octets, start, start + CHUNK)))
        yield smtp.bdat(len(piece), last=False) + piece
        start += CHUNK
        unanswered += 1
        if unanswered > 1:
            unanswered -= 1
            if not (reply := (yield from _reply(smtp, LETTER_TIMEOUT))).positive:
                yield from _reply(smtp, LETTER_TIMEOUT)
                return b"", reply
    if unanswered and not (reply := (yield from _reply(smtp, LETTER_TIMEOUT))).positive:
        return b"", reply
    piece = ends.write((yield from _slice(octets, start, len(octets)))) + ends.end()
    return smtp.bdat(len(piece), last=True) + piece, None


def _whole_chunk(smtp: Conversation, octets: bytes) -> bytes:
    ends = LineEnds()
    piece = ends.write(octets) + ends.end()
    return smtp.bdat(len(piece), last=True) + piece
