"""The commands: which there are, how each is written, and in which states each is legal. A new one is a new row."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from posthouse.errors import RemoteProtocolError
from posthouse.wire.sasl import decode_base64

from .event import Authenticate
from .reply import NOT_BASE64, Refusal, err

# RFC 1939 §4: message-numbers are decimal. More digits than any maildrop needs are refused before they become a number.
NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)


class State(enum.Enum):
    """Where a conversation stands (RFC 1939 §3). UPDATE, the third, is what QUIT does."""

    AUTHORIZATION = "the client has not logged in"
    TRANSACTION = "the maildrop is open"


AUTHORIZATION = (State.AUTHORIZATION,)
TRANSACTION = (State.TRANSACTION,)
ANY = tuple(State)


@dataclass(frozen=True, slots=True)
class User:
    name: str


@dataclass(frozen=True, slots=True)
class Pass:
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plain:
    """A command without arguments."""

    verb: str


@dataclass(frozen=True, slots=True)
class Listing:
    """LIST or UIDL, of one message or all."""

    verb: str
    number: int | None


@dataclass(frozen=True, slots=True)
class Retr:
    number: int


@dataclass(frozen=True, slots=True)
class Top:
    number: int
    lines: int


@dataclass(frozen=True, slots=True)
class Dele:
    number: int


@dataclass(frozen=True, slots=True)
class Lang:
    """LANG: a language range, or empty for the list."""

    range: str


# What a parser makes of a command's argument.
Parsed: TypeAlias = User | Pass | Authenticate | Plain | Listing | Retr | Top | Dele | Lang


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table."""

    verb: str
    syntax: str  # shown to whoever got it wrong
    parse: Callable[[str], Parsed]  # of what stands behind the verb and a space
    states: tuple[State, ...]


# -- the parsers -----------------------------------------------------------------------------------------------------


def _syntax(verb: str) -> Refusal:
    return Refusal(err(f"Syntax: {COMMANDS[verb].syntax}"))


def _plain(verb: str) -> Callable[[str], Plain]:
    def parse(argument: str) -> Plain:
        if argument.strip(" "):
            raise _syntax(verb)
        return Plain(verb)

    return parse


def _numbers(verb: str, argument: str, count: int) -> list[int]:
    words = argument.split()
    if len(words) != count or not all(map(NUMBER.fullmatch, words)):
        raise _syntax(verb)
    return [int(word) for word in words]


def _listing(verb: str) -> Callable[[str], Listing]:
    def parse(argument: str) -> Listing:
        return Listing(verb, _numbers(verb, argument, 1)[0] if argument.strip(" ") else None)

    return parse


def _of_one(verb: str, made: Callable[[int], Parsed]) -> Callable[[str], Parsed]:
    return lambda argument: made(_numbers(verb, argument, 1)[0])


def _top(argument: str) -> Top:
    number, lines = _numbers("TOP", argument, 2)
    return Top(number, lines)


def _user(argument: str) -> User:
    if not argument.strip(" "):
        raise _syntax("USER")
    return User(argument.strip(" "))


def _pass(argument: str) -> Pass:
    # RFC 1939 §7: PASS has one argument, so that spaces may be part of a password, also at its beginning and its end.
    if not argument:
        raise _syntax("PASS")
    return Pass(argument)


def _authenticate(argument: str) -> Authenticate:
    mechanism, *responses = argument.split()[:3] or [""]
    response = responses[0] if responses else ""
    if not mechanism or len(responses) > 1:
        raise _syntax("AUTH")
    try:
        # RFC 5034 §4: "=" stands for a response without octets.
        initial = b"" if response == "=" else decode_base64(response.encode()) if response else None
    except RemoteProtocolError as error:
        raise Refusal(NOT_BASE64) from error
    return Authenticate(mechanism.upper(), initial)


# -- the table -------------------------------------------------------------------------------------------------------

COMMANDS: dict[str, Command] = {
    row.verb: row
    for row in (
        # RFC 1939 §4 to §7
        Command("USER", "USER <name>", _user, AUTHORIZATION),
        Command("PASS", "PASS <password>", _pass, AUTHORIZATION),
        Command("STAT", "STAT", _plain("STAT"), TRANSACTION),
        Command("LIST", "LIST [<message>]", _listing("LIST"), TRANSACTION),
        Command("RETR", "RETR <message>", _of_one("RETR", Retr), TRANSACTION),
        Command("DELE", "DELE <message>", _of_one("DELE", Dele), TRANSACTION),
        Command("NOOP", "NOOP", _plain("NOOP"), TRANSACTION),
        Command("RSET", "RSET", _plain("RSET"), TRANSACTION),
        Command("TOP", "TOP <message> <lines>", _top, TRANSACTION),
        Command("UIDL", "UIDL [<message>]", _listing("UIDL"), TRANSACTION),
        Command("QUIT", "QUIT", _plain("QUIT"), ANY),
        # RFC 2449 §5, RFC 2595 §4, RFC 5034 §4
        Command("CAPA", "CAPA", _plain("CAPA"), ANY),
        Command("STLS", "STLS", _plain("STLS"), AUTHORIZATION),
        Command("AUTH", "AUTH <mechanism> [<initial response in base64>]", _authenticate, AUTHORIZATION),
        # RFC 6856 §2.1, §3.2
        Command("UTF8", "UTF8", _plain("UTF8"), AUTHORIZATION),
        Command("LANG", "LANG [<language>]", lambda argument: Lang(argument.strip(" ")), ANY),
    )
}

# What a web browser says when a page makes it talk to a mail server (Postfix: smtpd_forbidden_commands).
WEB = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "HOST:"})
