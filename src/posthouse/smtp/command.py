"""The commands: which there are, how each is written, and in which states each is legal. A new one is a new row.

A row's parser makes the event that the machine deals with; it raises `Refusal` for what is malformed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from posthouse.errors import RemoteProtocolError
from posthouse.wire.sasl import decode_base64

from .envelope import Envelope, Recipient
from .event import Authenticate, Data, Event, Expand, Hello, MailFrom, Quit, RcptTo, Reset, StartTls, Verify
from .parameter import MAIL_PARAMETERS, RCPT_PARAMETERS, Extensions, apply_parameters
from .path import MAX_DOMAIN, Mailbox, parse_path
from .reply import Refusal, Reply

# RFC 3030 §2: bdat-cmd ::= "BDAT" SP chunk-size [ SP end-marker ];  chunk-size ::= 1*DIGIT;  end-marker ::= "LAST"
BDAT = re.compile(r"([0-9]{1,20})( +LAST)?", re.IGNORECASE | re.ASCII)


class State(enum.Enum):
    """Where a conversation stands (RFC 5321 §4.1.4)."""

    STRANGER = "the client has not introduced itself"
    READY = "between two transactions"
    SENDER = "MAIL was accepted, no recipient yet"
    RECIPIENTS = "at least one RCPT was accepted"
    CHUNKS = "the letter has begun with BDAT"
    FAILED = "a BDAT was refused: only RSET leads on"


ANY = tuple(State)
BETWEEN = (State.READY,)
TRANSACTION = (State.SENDER, State.RECIPIENTS)
ADDRESSED = (State.RECIPIENTS,)
CHUNKING = (State.RECIPIENTS, State.CHUNKS)


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP."""


@dataclass(frozen=True, slots=True)
class Help:
    """HELP, about one command or all."""

    topic: str


@dataclass(frozen=True, slots=True)
class Bdat:
    """BDAT: ``size`` octets of the letter follow; ``last``: then it is complete (RFC 3030 §2)."""

    size: int
    last: bool


# What a parser makes: an event for the session, or a command that concerns only the machine.
Parsed: TypeAlias = Event | Noop | Help | Bdat


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    verb: str
    syntax: str  # shown to whoever got it wrong
    parse: Callable[[str, Extensions], Parsed]  # of the argument, without the spaces around it
    states: tuple[State, ...]
    needs_login: bool = False  # where the role demands one


# -- the parsers -----------------------------------------------------------------------------------------------------


def _syntax(verb: str, enhanced: str = "5.5.4") -> Refusal:
    return Refusal(Reply(501, enhanced, f"Syntax: {COMMANDS[verb.encode()].syntax}"))


def _without_argument(verb: str, made: Parsed) -> Callable[[str, Extensions], Parsed]:
    def parse(argument: str, _: Extensions) -> Parsed:
        if argument:
            raise _syntax(verb)  # RFC 5321 §4.3.2
        return made

    return parse


def _hello(verb: str) -> Callable[[str, Extensions], Hello]:
    def parse(argument: str, _: Extensions) -> Hello:
        # Real clients send what their machine believes to be called: "localhost", "[127.0.0.1]", "my_pc", "Büro".
        if not argument or len(argument) > MAX_DOMAIN or not argument.isprintable():
            raise _syntax(verb)
        return Hello(argument, extended=verb != "HELO")

    return parse


def _path(verb: str, word: str, argument: str, enhanced: str) -> tuple[Mailbox | None, str]:
    """The path after ``FROM:`` or ``TO:``, and the parameters behind it."""
    if argument[: len(word)].upper() != word:
        raise _syntax(verb)
    # RFC 5321 §3.3 allows no space after the colon; too many programs write one to insist.
    parsed = parse_path(argument[len(word) :].lstrip(" "))
    if parsed is None or parsed[1][:1] not in ("", " "):
        raise _syntax(verb, enhanced)
    return parsed


def _mail(argument: str, extensions: Extensions) -> MailFrom:
    sender, parameters = _path("MAIL", "FROM:", argument, "5.1.7")
    if sender is not None and not sender.domain:
        raise _syntax("MAIL", "5.1.7")  # RFC 5321 §4.1.1.3: it is RCPT that takes Postmaster alone
    envelope = Envelope(sender)
    if parameters:
        apply_parameters("MAIL", MAIL_PARAMETERS, envelope, parameters, extensions)
    if envelope.body == "BINARYMIME" and "BINARYMIME" not in extensions:
        raise Refusal(Reply(555, "5.5.4", "MAIL takes no BODY=BINARYMIME here"))
    if sender is not None and not sender.is_ascii and not envelope.smtputf8:
        # RFC 6531 §3.5
        raise Refusal(Reply(550, "5.6.7", "An address with letters beyond ASCII needs MAIL's parameter SMTPUTF8"))
    return MailFrom(envelope)


def _rcpt(argument: str, extensions: Extensions) -> RcptTo:
    mailbox, parameters = _path("RCPT", "TO:", argument, "5.1.3")
    if mailbox is None:
        raise _syntax("RCPT", "5.1.3")
    recipient = Recipient(mailbox)
    if parameters:
        apply_parameters("RCPT", RCPT_PARAMETERS, recipient, parameters, extensions)
    return RcptTo(recipient)


def _authenticate(argument: str, _: Extensions) -> Authenticate:
    mechanism, *responses = argument.split(" ")
    response = responses[0] if responses else ""
    if not mechanism or len(responses) > 1:
        raise _syntax("AUTH")
    try:
        # RFC 4954 §4: "=" stands for a response without octets.
        initial = b"" if response == "=" else decode_base64(response.encode()) if response else None
    except RemoteProtocolError as error:
        raise Refusal(Reply(501, "5.5.2", str(error))) from error
    return Authenticate(mechanism.upper(), initial)


def _name(verb: str, argument: str) -> str:
    """What VRFY or EXPN is about."""
    # RFC 6531 §3.7.4.2: the client takes UTF-8 in the answer. It gets ASCII all the same, with escapes.
    name = argument[:-9].rstrip(" ") if argument[-9:].upper() == " SMTPUTF8" else argument
    if not name:
        raise _syntax(verb)
    return name


def _verify(argument: str, _: Extensions) -> Verify:
    return Verify(_name("VRFY", argument))


def _expand(argument: str, _: Extensions) -> Expand:
    return Expand(_name("EXPN", argument))


def _bdat(argument: str, _: Extensions) -> Bdat:
    match = BDAT.fullmatch(argument)
    if match is None:
        # How many octets follow is not known: whatever comes next, it is no command.
        raise Refusal(Reply(501, "5.5.4", f"Syntax: {COMMANDS[b'BDAT'].syntax}"), closes=True)
    return Bdat(int(match[1]), last=match[2] is not None)


# -- the table -------------------------------------------------------------------------------------------------------

COMMANDS: dict[bytes, Command] = {
    row.verb.encode(): row
    for row in (
        Command("EHLO", "EHLO <your host's name>", _hello("EHLO"), ANY),
        Command("HELO", "HELO <your host's name>", _hello("HELO"), ANY),
        Command("LHLO", "LHLO <your host's name>", _hello("LHLO"), ANY),
        Command("STARTTLS", "STARTTLS", _without_argument("STARTTLS", StartTls()), BETWEEN),
        Command("AUTH", "AUTH <mechanism> [<initial response in base64>]", _authenticate, BETWEEN),
        Command("MAIL", "MAIL FROM:<address> [<parameters>]", _mail, BETWEEN, needs_login=True),
        Command("RCPT", "RCPT TO:<address> [<parameters>]", _rcpt, TRANSACTION),
        Command("DATA", "DATA", _without_argument("DATA", Data()), ADDRESSED),
        Command("BDAT", "BDAT <octets> [LAST]", _bdat, CHUNKING),
        Command("RSET", "RSET", _without_argument("RSET", Reset()), ANY),
        Command("NOOP", "NOOP", lambda _, __: Noop(), ANY),
        Command("VRFY", "VRFY <address>", _verify, ANY),
        Command("EXPN", "EXPN <list>", _expand, ANY),
        Command("HELP", "HELP [<command>]", lambda topic, _: Help(topic), ANY),
        Command("QUIT", "QUIT", _without_argument("QUIT", Quit()), ANY),
    )
}

# What a web browser says when a page makes it talk to a mail server (Postfix: smtpd_forbidden_commands).
WEB = frozenset({b"GET", b"POST", b"PUT", b"HEAD", b"OPTIONS", b"CONNECT", b"HOST:"})


def out_of_sequence(command: Command, state: State, hello: str) -> Reply:
    """What to say to a command that is legal, but not in this state; ``hello`` is the verb to begin with."""
    if state is State.STRANGER:
        first = f"Send {hello} first"
    elif state is State.READY:
        first = "Send MAIL first"
    elif state is State.SENDER and State.RECIPIENTS in command.states:
        first = "Send RCPT first: no recipient has been accepted"
    elif state is State.CHUNKS:
        first = "The letter has begun with BDAT; go on with BDAT, or begin anew with RSET"
    elif state is State.FAILED:
        first = "A BDAT was refused; send RSET first"
    else:
        first = "A mail transaction is in progress; end it with RSET, or finish it, first"
    return Reply(503, "5.5.1", f"{command.verb} can't come here. {first}")
