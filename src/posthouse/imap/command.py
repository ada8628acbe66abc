"""Commands as values, one class each: what a client asks, parsed and valid. RFC 9051 §6, RFC 3501 §6.

Mailbox names are characters (INBOX always so spelled), flags in the RFC's spelling, ``uid`` says that the command began
with "UID". How each is written stands in `grammar`, when it is legal in `table`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from .date import InternalDate
from .fetch import Item
from .search import Key
from .sequence import SequenceSet

# -- any state -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capability:
    """CAPABILITY (the machine answers it itself)."""


@dataclass(frozen=True, slots=True)
class Noop:
    """NOOP: tell what is new."""


@dataclass(frozen=True, slots=True)
class Logout:
    """LOGOUT: answer with `bye` and `ok`."""


@dataclass(frozen=True, slots=True)
class Id:
    """ID (RFC 2971): what the client tells of itself, names in lower case; None for NIL."""

    parameters: Mapping[str, str | None] = field(default_factory=dict)


# -- not authenticated -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartTls:
    """STARTTLS (the machine answers it itself)."""


@dataclass(frozen=True, slots=True)
class Login:
    """LOGIN."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authenticate:
    """AUTHENTICATE: ``mechanism`` in upper case; ``initial`` the initial response (RFC 4959), None if there is none."""

    mechanism: str
    initial: bytes | None = field(default=None, repr=False)


# -- authenticated ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enable:
    """ENABLE: capabilities, in upper case."""

    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QResync:
    """What a client knows of the mailbox it selects (RFC 7162 §3.2.5)."""

    uidvalidity: int
    modseq: int
    known_uids: SequenceSet | None = None
    sequence_match: tuple[SequenceSet, SequenceSet] | None = None  # sequence numbers, and the UIDs they had


@dataclass(frozen=True, slots=True)
class Select:
    """SELECT, or EXAMINE (``read_only``)."""

    mailbox: str
    read_only: bool = False
    condstore: bool = False
    qresync: QResync | None = None


@dataclass(frozen=True, slots=True)
class Create:
    """CREATE. ``special_use``: attributes such as ``\\Sent`` (RFC 6154 §3)."""

    mailbox: str
    special_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delete:
    """DELETE."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Rename:
    """RENAME."""

    mailbox: str
    to: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """SUBSCRIBE."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """UNSUBSCRIBE."""

    mailbox: str


class StatusItem(enum.Enum):
    """What STATUS can tell of a mailbox."""

    MESSAGES = "MESSAGES"
    RECENT = "RECENT"  # RFC 3501 only
    UIDNEXT = "UIDNEXT"
    UIDVALIDITY = "UIDVALIDITY"
    UNSEEN = "UNSEEN"
    DELETED = "DELETED"
    DELETED_STORAGE = "DELETED-STORAGE"  # RFC 9208 §5.1
    SIZE = "SIZE"
    HIGHESTMODSEQ = "HIGHESTMODSEQ"  # RFC 7162 §3.1.7
    APPENDLIMIT = "APPENDLIMIT"  # RFC 7889 §3.1
    MAILBOXID = "MAILBOXID"  # RFC 8474 §4.3


@dataclass(frozen=True, slots=True)
class List:
    """LIST (RFC 9051 §6.3.9, RFC 5258): options in upper case, ``status`` the items of RETURN (STATUS (…)).

    ``extended``: the client used a syntax newer than RFC 3501's; then a single "" is a pattern like any other, where it
    otherwise asks for the delimiter.
    """

    reference: str
    patterns: tuple[str, ...]
    selection: frozenset[str] = frozenset()
    returns: frozenset[str] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False


@dataclass(frozen=True, slots=True)
class Lsub:
    """LSUB (RFC 3501 §6.3.9)."""

    reference: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Namespace:
    """NAMESPACE."""


@dataclass(frozen=True, slots=True)
class Status:
    """STATUS."""

    mailbox: str
    items: tuple[StatusItem, ...]


@dataclass(frozen=True, slots=True)
class Replaces:
    """The message that a REPLACE takes away: its number, or UID, or `STAR` (RFC 8508 §3)."""

    uid: bool
    number: int


@dataclass(frozen=True, slots=True)
class Append:
    """One message of an APPEND or REPLACE, before its octets.

    ``binary``: they come as literal8; ``utf8``: RFC 6855 §4; ``replaces``: the message whose place it takes.
    ``catenate``: they come in parts, some of which are URLs (RFC 4469); nobody knows yet how many octets they are.
    """

    mailbox: str
    size: int
    flags: tuple[str, ...] = ()
    internal_date: InternalDate | None = None
    binary: bool = False
    utf8: bool = False
    replaces: Replaces | None = None
    catenate: bool = False


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a CATENATE that the client sends: how many octets, and whether as UTF8 (RFC 6855 §4)."""

    size: int
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """IDLE: answer with `idling`, and `ok` after `IdleDone`."""


# -- selected --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Check:
    """CHECK (RFC 3501 §6.4.1): a checkpoint; NOOP by another name."""


@dataclass(frozen=True, slots=True)
class Close:
    """CLOSE: expunge silently, and select nothing."""


@dataclass(frozen=True, slots=True)
class Unselect:
    """UNSELECT: select nothing."""


@dataclass(frozen=True, slots=True)
class Expunge:
    """EXPUNGE, or UID EXPUNGE with ``uids``."""

    uids: SequenceSet | None = None


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """What SEARCH … RETURN (…) asks for (RFC 9051 §6.4.4.1); the answer is ESEARCH.

    ``partial``: the positions (first, last) in the result, from 1 (RFC 5267 §4.4); or from -1, the last (RFC 9394).
    ``items``: what is fetched of new messages that come into a result which is kept up to date (RFC 5465 §7).
    """

    minimum: bool = False
    maximum: bool = False
    every: bool = False
    count: bool = False
    save: bool = False
    partial: tuple[int, int] | None = None
    update: bool = False
    context: bool = False
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """SEARCH, UID SEARCH. ``options`` is None without RETURN: 4rev1's SEARCH response is the answer."""

    uid: bool
    key: Key
    options: SearchOptions | None = None


@dataclass(frozen=True, slots=True)
class Fetch:
    """FETCH, UID FETCH. ``items`` holds what the command implies: UID, or MODSEQ for CHANGEDSINCE.

    ``partial``: of the messages so far, only those at these positions (RFC 9394 §3.3).
    """

    uid: bool
    messages: SequenceSet
    items: tuple[Item, ...]
    changed_since: int | None = None
    vanished: bool = False
    partial: tuple[int, int] | None = None


class StoreOperation(enum.Enum):
    """What STORE does with the flags it names."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class Store:
    """STORE, UID STORE. ``silent``: without telling the new flags. ``unchanged_since``: RFC 7162 §3.1.3."""

    uid: bool
    messages: SequenceSet
    operation: StoreOperation
    flags: tuple[str, ...]
    silent: bool = False
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """COPY, UID COPY."""

    uid: bool
    messages: SequenceSet
    mailbox: str


@dataclass(frozen=True, slots=True)
class Move:
    """MOVE, UID MOVE."""

    uid: bool
    messages: SequenceSet
    mailbox: str


# -- SORT and THREAD: RFC 5256 ---------------------------------------------------------------------------------------


class SortKey(enum.Enum):
    """What SORT compares."""

    ARRIVAL = "ARRIVAL"
    CC = "CC"
    DATE = "DATE"
    FROM = "FROM"
    SIZE = "SIZE"
    SUBJECT = "SUBJECT"
    TO = "TO"
    DISPLAYFROM = "DISPLAYFROM"  # RFC 5957
    DISPLAYTO = "DISPLAYTO"


@dataclass(frozen=True, slots=True)
class SortCriterion:
    """One key, and whether its order is turned round."""

    key: SortKey
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Sort:
    """SORT, UID SORT; ``options`` as in `Search` (ESORT, RFC 5267 §3)."""

    uid: bool
    criteria: tuple[SortCriterion, ...]
    key: Key
    options: SearchOptions | None = None


class ThreadAlgorithm(enum.Enum):
    """How THREAD finds what belongs together."""

    ORDEREDSUBJECT = "ORDEREDSUBJECT"
    REFERENCES = "REFERENCES"
    REFS = "REFS"


@dataclass(frozen=True, slots=True)
class Thread:
    """THREAD, UID THREAD."""

    uid: bool
    algorithm: ThreadAlgorithm
    key: Key


# -- QUOTA: RFC 9208 -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetQuota:
    """GETQUOTA."""

    root: str


@dataclass(frozen=True, slots=True)
class GetQuotaRoot:
    """GETQUOTAROOT."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class SetQuota:
    """SETQUOTA: limits by resource, in upper case."""

    root: str
    limits: Mapping[str, int]


# -- METADATA: RFC 5464 ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class GetMetadata:
    """GETMETADATA: entries in lower case; ``mailbox`` is "" for the server. ``depth``: levels below, None for all."""

    mailbox: str
    entries: tuple[str, ...]
    max_size: int | None = None
    depth: int | None = 0


@dataclass(frozen=True, slots=True)
class SetMetadata:
    """SETMETADATA: values by entry, None to remove it."""

    mailbox: str
    values: Mapping[str, bytes | None]


# -- ACL: RFC 4314 ---------------------------------------------------------------------------------------------------


class RightsOperation(enum.Enum):
    """What SETACL does with the rights it names."""

    REPLACE = ""
    ADD = "+"
    REMOVE = "-"


@dataclass(frozen=True, slots=True)
class SetAcl:
    """SETACL. An identifier that begins with "-" takes rights away (§2)."""

    mailbox: str
    identifier: str
    operation: RightsOperation
    rights: str


@dataclass(frozen=True, slots=True)
class DeleteAcl:
    """DELETEACL."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class GetAcl:
    """GETACL."""

    mailbox: str


@dataclass(frozen=True, slots=True)
class ListRights:
    """LISTRIGHTS."""

    mailbox: str
    identifier: str


@dataclass(frozen=True, slots=True)
class MyRights:
    """MYRIGHTS."""

    mailbox: str


# -- many mailboxes: NOTIFY (RFC 5465), MULTISEARCH (RFC 7377) ------------------------------------------------------


class MailboxGroup(enum.Enum):
    """Which mailboxes a filter means (RFC 5465 §6)."""

    SELECTED = "SELECTED"
    SELECTED_DELAYED = "SELECTED-DELAYED"
    INBOXES = "INBOXES"
    PERSONAL = "PERSONAL"
    SUBSCRIBED = "SUBSCRIBED"
    SUBTREE = "SUBTREE"
    SUBTREE_ONE = "SUBTREE-ONE"  # RFC 7377 §2.2: the mailboxes named, and those right below
    MAILBOXES = "MAILBOXES"


@dataclass(frozen=True, slots=True)
class MailboxFilter:
    """Mailboxes; names go with SUBTREE, SUBTREE-ONE and MAILBOXES."""

    group: MailboxGroup
    names: tuple[str, ...] = ()


class NotifyEvent(enum.Enum):
    """What a client may want to be told of (RFC 5465 §5)."""

    MESSAGE_NEW = "MessageNew"
    MESSAGE_EXPUNGE = "MessageExpunge"
    FLAG_CHANGE = "FlagChange"
    MAILBOX_NAME = "MailboxName"
    SUBSCRIPTION_CHANGE = "SubscriptionChange"
    MAILBOX_METADATA_CHANGE = "MailboxMetadataChange"
    SERVER_METADATA_CHANGE = "ServerMetadataChange"


@dataclass(frozen=True, slots=True)
class EventGroup:
    """Events wanted of some mailboxes; none for NONE. ``items``: what to fetch of new messages."""

    mailboxes: MailboxFilter
    events: frozenset[NotifyEvent]
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify:
    """NOTIFY SET, or NOTIFY NONE without groups. ``status``: tell the STATUS of each mailbox at once."""

    groups: tuple[EventGroup, ...] = ()
    status: bool = False


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """ESEARCH (RFC 7377): a search in several mailboxes; without ``mailboxes`` in the selected one, by UID."""

    mailboxes: tuple[MailboxFilter, ...]
    key: Key
    options: SearchOptions


@dataclass(frozen=True, slots=True)
class CancelUpdate:
    """CANCELUPDATE (RFC 5267 §4.3.3): the tags of searches that need no more updates."""

    tags: tuple[str, ...]


# -- URLAUTH: RFC 4467 -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResetKey:
    """RESETKEY: of one mailbox, or of all (None)."""

    mailbox: str | None = None
    mechanisms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GenUrlAuth:
    """GENURLAUTH: pairs of a URL without its signature, and the mechanism, in upper case, to sign it with."""

    urls: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class UrlFetch:
    """URLFETCH."""

    urls: tuple[str, ...]


# -- the connection --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compress:
    """COMPRESS DEFLATE (RFC 4978; the machine answers it itself)."""


@dataclass(frozen=True, slots=True)
class Unauthenticate:
    """UNAUTHENTICATE (RFC 8437): forget the account; call `ImapServer.unauthenticated`."""


Command = (
    Capability | Noop | Logout | Id | StartTls | Login | Authenticate | Enable | Select | Create | Delete | Rename
    | Subscribe | Unsubscribe | List | Lsub | Namespace | Status | Append | Idle | Check | Close | Unselect | Expunge
    | Search | Fetch | Store | Copy | Move | Sort | Thread | GetQuota | GetQuotaRoot | SetQuota | GetMetadata
    | SetMetadata | SetAcl | DeleteAcl | GetAcl | ListRights | MyRights | Notify | MultiSearch | CancelUpdate
    | ResetKey | GenUrlAuth | UrlFetch | Compress | Unauthenticate
)  # fmt: skip
