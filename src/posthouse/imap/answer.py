"""What a server says, as values: the responses of RFC 9051 §7, as a client sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .date import InternalDate
from .fetch import BinarySection, BinarySize, BodySection
from .sequence import SequenceSet
from .structure import BodyStructure, Envelope
from .syntax import Malformed
from .value import Value, as_text


@dataclass(frozen=True, slots=True)
class Code:
    """A response code (RFC 9051 §7.1): ``name`` in upper case, and what stands behind it, unparsed."""

    name: str
    arguments: bytes = b""

    @property
    def number(self) -> int | None:
        """The number of UIDNEXT, UIDVALIDITY, UNSEEN, HIGHESTMODSEQ and others."""
        text = self.arguments.strip()
        return int(text) if text.isdigit() and len(text) <= 19 else None

    @property
    def words(self) -> tuple[str, ...]:
        """The words of CAPABILITY, PERMANENTFLAGS and BADCHARSET, without parentheses."""
        return tuple(self.arguments.decode("utf-8", "replace").strip(" ()").split())

    @property
    def append_uid(self) -> tuple[int, SequenceSet] | None:
        """APPENDUID: UIDVALIDITY, and the UIDs of what was appended (RFC 4315 §3)."""
        return self._uids(2)

    @property
    def copy_uid(self) -> tuple[int, SequenceSet, SequenceSet] | None:
        """COPYUID: the destination's UIDVALIDITY, the UIDs copied, and theirs in the destination, in order."""
        found = self._uids(3)
        return None if found is None else (found[0], SequenceSet.parse(self.arguments.split()[1]), found[1])

    def _uids(self, count: int) -> tuple[int, SequenceSet] | None:
        """UIDVALIDITY and the last set of ``count`` words; None where a server wrote something else."""
        words = self.arguments.split()
        try:
            validity, *sets = SequenceSet.parse(words[0]).largest, *map(SequenceSet.parse, words[1:])
        except (IndexError, Malformed):
            return None
        return (validity, sets[-1]) if len(words) == count else None


@dataclass(frozen=True, slots=True)
class Condition:
    """OK, NO, BAD, BYE or PREAUTH without a tag (RFC 9051 §7.1)."""

    condition: str
    code: Code | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """OK, NO or BAD: a command's end."""

    tag: str
    condition: str
    code: Code | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Continue:
    """ "+": the server waits for the rest of a command, or asks for a step of an authentication."""

    text: bytes = b""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """CAPABILITY: in upper case."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Enabled:
    """ENABLED: in upper case (RFC 5161 §3.2)."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Flags:
    """FLAGS: those in use in the mailbox."""

    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Exists:
    """How many messages the mailbox has."""

    count: int


@dataclass(frozen=True, slots=True)
class Recent:
    """How many of them have \\Recent (RFC 3501 §7.3.2)."""

    count: int


@dataclass(frozen=True, slots=True)
class Expunge:
    """This message is gone, and those behind it have moved up by one."""

    number: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """The messages with these UIDs are gone (RFC 7162 §3.2.10); ``earlier``: it was so before, no numbers move."""

    uids: SequenceSet
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """FETCH: what was told of one message. None: not told.

    ``sections``: octets by label in upper case, see `section`. ``others``: items that this module has no field for.
    ``illegal``: the items that a server wrote so that nobody can read them; ask for headers instead.
    """

    number: int
    uid: int | None = None
    flags: frozenset[str] | None = None
    internal_date: InternalDate | None = None
    size: int | None = None
    envelope: Envelope | None = None
    structure: BodyStructure | None = None
    modseq: int | None = None
    email_id: str | None = None
    thread_id: str | None = None
    preview: bytes | None = None
    save_date: InternalDate | None = None
    labels: tuple[str, ...] | None = None
    sections: Mapping[bytes, bytes | None] = field(default_factory=dict)
    sizes: Mapping[bytes, int] = field(default_factory=dict)
    others: Mapping[str, Value] = field(default_factory=dict)
    illegal: tuple[str, ...] = ()

    @property
    def kept_flags(self) -> frozenset[str]:
        r"""The flags that the message has for everybody: without ``\Recent``, which is this connection's (RFC 3501
        §2.3.2). Empty where none were told."""
        return (self.flags or frozenset()) - {"\\Recent"}

    def section(self, item: BodySection | BinarySection) -> bytes | None:
        """The octets of an item that was asked for; None for NIL. `KeyError` when the server didn't send it."""
        return self.sections[item.label.upper()]

    def binary_size(self, item: BinarySize) -> int:
        """The size that was asked for; `KeyError` when the server didn't send it."""
        return self.sizes[item.label.upper()]


@dataclass(frozen=True, slots=True)
class Listed:
    r"""LIST or LSUB: a mailbox, its hierarchy delimiter ("" for none) and its attributes (``\Noselect``).

    ``raw`` is the name as the server wrote it: to be used in commands when ``name`` isn't valid modified UTF-7.
    """

    name: str
    raw: bytes
    delimiter: str
    attributes: frozenset[str]
    lsub: bool = False
    extended: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MailboxStatus:
    """STATUS: numbers by item (MESSAGES, UIDNEXT, …)."""

    mailbox: str
    items: Mapping[str, int]
    mailbox_id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """SEARCH or SORT: message numbers or UIDs, in the server's order."""

    numbers: tuple[int, ...]
    modseq: int | None = None


@dataclass(frozen=True, slots=True)
class ESearch:
    """ESEARCH (RFC 9051 §7.3.4): only what was asked for. ``tag``: of the command that asked, "" if not told.

    ``mailbox`` and ``uidvalidity`` are told where several mailboxes were searched (RFC 7377 §2.1).
    """

    tag: str = ""
    uid: bool = False
    minimum: int | None = None
    maximum: int | None = None
    count: int | None = None
    every: SequenceSet | None = None
    modseq: int | None = None
    mailbox: str = ""
    uidvalidity: int | None = None
    others: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Namespace:
    """One prefix under which mailboxes live, and its delimiter ("" for none)."""

    prefix: str
    delimiter: str


@dataclass(frozen=True, slots=True)
class Namespaces:
    """NAMESPACE: one's own, other users', shared (RFC 9051 §6.3.10)."""

    personal: tuple[Namespace, ...] = ()
    others: tuple[Namespace, ...] = ()
    shared: tuple[Namespace, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerId:
    """ID: what the server tells of itself (RFC 2971 §3.2)."""

    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unknown:
    """A response that this module has no name for, or can't read: its words as far as they can be read."""

    values: tuple[Value, ...]

    @property
    def name(self) -> str:
        """Its first word, in upper case; empty where that is none."""
        return as_text(self.values[0]).upper() if self.values else ""


Untagged = (
    Condition | Capabilities | Enabled | Flags | Exists | Recent | Expunge | Vanished | Fetched | Listed
    | MailboxStatus | Found | ESearch | Namespaces | ServerId | Unknown
)  # fmt: skip
Response = Untagged | Tagged | Continue
