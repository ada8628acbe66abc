"""The command line of sendmail, as programs have used it for forty years: what they mean, and what is nothing here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

# Options with a value, attached to the letter or in the next argument. The others have none.
VALUED = "BCFLNORVXbfhopqr"
# Their value is never the next argument: it is attached, or there is none.
ATTACHED = "obq"
# What says nothing to us: how to report errors, whether to wait, the kind of body, debugging, whose configuration.
IGNORED = frozenset("BLOXhpdvnmUGEAxsc")
NOTIFY = frozenset({"NEVER", "SUCCESS", "FAILURE", "DELAY"})


class WrongUsage(Exception):
    """The command line makes no sense; the words say why."""


class Mode(Enum):
    """What is to be done: -bm, -bp, -q, -bi."""

    SEND = "send"
    LIST = "list"
    RETRY = "retry"
    NOTHING = "nothing"


# -bi and newaliases make an aliases file anew: here there is none.
MODES = {"m": Mode.SEND, "p": Mode.LIST, "i": Mode.NOTHING}
NAMES = {"mailq": Mode.LIST, "newaliases": Mode.NOTHING}


@dataclass(slots=True)
class Options:
    """``sender``: None where nothing was said, empty for ``<>``; ``dot_ends``: a line with a dot alone ends the letter.

    ``notify``, ``ret``, ``envid``: what is asked about reports (RFC 3461), as -N, -R and -V gave it.
    """

    mode: Mode = Mode.SEND
    sender: str | None = None
    full_name: str = ""
    recipients: list[str] = field(default_factory=list)
    from_header: bool = False
    dot_ends: bool = True
    notify: frozenset[str] = frozenset()
    ret: str = ""
    envid: str = ""
    config: str = ""


def parse(arguments: Sequence[str], name: str = "sendmail") -> Options:
    """What the arguments mean; ``name``: that of the program. Errors: `WrongUsage`."""
    options = Options(mode=NAMES.get(name, Mode.SEND))
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            options.recipients += rest
        elif argument.startswith("--config"):
            _, equals, value = argument.partition("=")
            options.config = value if equals else next(rest, "")
        elif argument.startswith("-") and len(argument) > 1:
            for letter, value in _letters(argument[1:], rest):
                _apply(options, letter, value)
        else:
            options.recipients.append(argument)
    return options


def _letters(text: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """The options of one argument: "-ti" is two of them."""
    at = 0
    while at < len(text):
        letter = text[at]
        at += 1
        if letter in "dA":  # -d0-99.1, -Am: a value that is attached, if there is one
            return
        if letter not in VALUED:
            yield letter, ""
            continue
        value = text[at:]
        if not value and letter not in ATTACHED:
            following = next(rest, None)
            if following is None:
                raise WrongUsage(f"-{letter} needs a value")
            value = following
        yield letter, value
        return


def _apply(options: Options, letter: str, value: str) -> None:
    match letter:
        case "t":
            options.from_header = True
        case "i":
            options.dot_ends = False
        case "o":
            options.dot_ends = options.dot_ends and value != "i"
        case "f" | "r":
            options.sender = value.strip().removeprefix("<").removesuffix(">")
        case "F":
            options.full_name = value
        case "C":
            options.config = value
        case "b":
            if value not in MODES:
                raise WrongUsage(
                    f"-b{value} is not done here; letters are taken by SMTP at the ports of [listen] in posthouse.toml"
                )
            options.mode = MODES[value]
        case "q":
            options.mode = Mode.RETRY
        case "N":
            options.notify = frozenset(value.upper().split(","))
            if not options.notify <= NOTIFY or ("NEVER" in options.notify and len(options.notify) > 1):
                raise WrongUsage(f"-N {value}: write never, or some of success,failure,delay")
        case "R":
            options.ret = value.upper()
            if options.ret not in ("FULL", "HDRS"):
                raise WrongUsage(f"-R {value}: write full or hdrs")
        case "V":
            options.envid = value
        case _ if letter not in IGNORED:
            raise WrongUsage(f"-{letter} is no option of sendmail")
