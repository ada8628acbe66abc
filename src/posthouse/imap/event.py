"""What a client has said, as `ImapServer` yields it to a session. Each docstring says how it is answered."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import command as commands


@dataclass(frozen=True, slots=True)
class Command:
    """A legal command: answer with `ok`, `no` or `bad`; Authenticate also with `challenge`, Idle with `idling`."""

    tag: str
    command: commands.Command


@dataclass(frozen=True, slots=True)
class AuthResponse:
    """What the client says to a challenge: answer with `challenge`, `ok` or `no`.

    ``data`` is None when the client gave up or sent no base64: answer with `bad(reason)` (RFC 9051 §6.2.2).
    """

    data: bytes | None = field(repr=False)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class IdleDone:
    """The client ended IDLE: answer with `ok`; if by something else than DONE, with `bad(reason)`."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class SearchRefused:
    """A search whose result was to be saved can't be made, and has been answered with NO: from now on "$" is nothing
    (RFC 5182 §2.1)."""


@dataclass(frozen=True, slots=True)
class AppendBegin:
    """A message is about to come: answer with `accept_literal` (then its chunks follow) or `no` (then none do).

    A second one in the same command (MULTIAPPEND, RFC 3502) means that the message before it is complete.
    ``on_its_way``: the client sends its octets without waiting for the answer (RFC 7888).
    """

    tag: str
    append: commands.Append
    on_its_way: bool = False


@dataclass(frozen=True, slots=True)
class AppendChunk:
    """Octets of the message: `Append.size` in all, or a CATENATE's text.

    No answer; `no` ends it early (a full disk, for one).
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class AppendUrl:
    """CATENATE: what this URL stands for is next in the message (RFC 4469 §3). No answer but `no`, as for a chunk."""

    url: str


@dataclass(frozen=True, slots=True)
class AppendEnd:
    """All messages of the command have come: store all of them or none, then answer with `ok` or `no`."""


@dataclass(frozen=True, slots=True)
class AppendAborted:
    """The command turned out malformed, or was cancelled, and has been answered: forget its messages."""


Event = (
    Command | AuthResponse | IdleDone | SearchRefused | AppendBegin | AppendChunk | AppendUrl | AppendEnd
    | AppendAborted
)  # fmt: skip
