"""The table of commands: how each is parsed, in which states it is legal, what it needs. An extension adds rows."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import acl, compress, grammar, many, metadata, quota, sort, urlauth
from .command import (
    Capability,
    Check,
    Close,
    Command,
    Expunge,
    Idle,
    Logout,
    Namespace,
    Noop,
    StartTls,
    Unauthenticate,
    Unselect,
)
from .syntax import Cursor


class State(enum.Enum):
    """How far a conversation has come (RFC 9051 §3), in the words in which a client is told."""

    NOT_AUTHENTICATED = "not logged in"
    AUTHENTICATED = "logged in, with no mailbox selected"
    SELECTED = "logged in, with a mailbox selected"
    LOGOUT = "logged out"


BEFORE_LOGIN = frozenset({State.NOT_AUTHENTICATED})
LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
SELECTED = frozenset({State.SELECTED})
ANY = frozenset({State.NOT_AUTHENTICATED, State.AUTHENTICATED, State.SELECTED})


class Kind(enum.Enum):
    """How a command is read."""

    PLAIN = "assembled, then parsed"
    APPEND = "parsed up to its first message; messages pass through as events"


@dataclass(frozen=True, slots=True)
class Row:
    """One command.

    ``by_number``: no EXPUNGE may be told while it runs, for client and server would disagree about whose sequence
    numbers are meant (RFC 9051 §7.5.1). ``numbers``: it means messages by their numbers, or tells them, and so isn't
    for who enabled UIDONLY (RFC 9586 §3). ``capability``: the command is unknown unless one of these is offered; empty:
    it always is known.
    """

    states: frozenset[State]
    parse: Callable[[Cursor], Command]
    by_number: bool = False
    numbers: bool = False
    capability: tuple[str, ...] = ()
    kind: Kind = Kind.PLAIN


def _bare(command: Command) -> Callable[[Cursor], Command]:
    """The parser of a command without arguments."""
    return lambda cursor: command


REV2 = "IMAP4REV2"
THREAD = ("THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS")
METADATA = ("METADATA", "METADATA-SERVER")

TABLE: Mapping[str, Row] = {
    # RFC 9051 §6.1, any state
    "CAPABILITY": Row(ANY, _bare(Capability())),
    "NOOP": Row(ANY, _bare(Noop())),
    "LOGOUT": Row(ANY, _bare(Logout())),
    "ID": Row(ANY, grammar.read_id, capability=("ID",)),
    # §6.2, not authenticated
    "STARTTLS": Row(BEFORE_LOGIN, _bare(StartTls())),
    "AUTHENTICATE": Row(BEFORE_LOGIN, grammar.read_authenticate),
    "LOGIN": Row(BEFORE_LOGIN, grammar.read_login),
    # §6.3, authenticated or selected
    "ENABLE": Row(LOGGED_IN, grammar.read_enable, capability=("ENABLE", REV2)),
    "SELECT": Row(LOGGED_IN, grammar.read_select),
    "EXAMINE": Row(LOGGED_IN, grammar.read_examine),
    "CREATE": Row(LOGGED_IN, grammar.read_create),
    "DELETE": Row(LOGGED_IN, grammar.read_delete),
    "RENAME": Row(LOGGED_IN, grammar.read_rename),
    "SUBSCRIBE": Row(LOGGED_IN, grammar.read_subscribe),
    "UNSUBSCRIBE": Row(LOGGED_IN, grammar.read_unsubscribe),
    "LIST": Row(LOGGED_IN, grammar.read_list),
    "LSUB": Row(LOGGED_IN, grammar.read_lsub),
    "NAMESPACE": Row(LOGGED_IN, _bare(Namespace()), capability=("NAMESPACE", REV2)),
    "STATUS": Row(LOGGED_IN, grammar.read_status),
    "APPEND": Row(LOGGED_IN, grammar.read_append, kind=Kind.APPEND),
    "IDLE": Row(LOGGED_IN, _bare(Idle()), capability=("IDLE", REV2)),
    # §6.4, selected
    "CHECK": Row(SELECTED, _bare(Check())),
    "CLOSE": Row(SELECTED, _bare(Close())),
    "UNSELECT": Row(SELECTED, _bare(Unselect()), capability=("UNSELECT", REV2)),
    "EXPUNGE": Row(SELECTED, _bare(Expunge())),
    "SEARCH": Row(SELECTED, grammar.search_reader(False), by_number=True, numbers=True),
    "FETCH": Row(SELECTED, grammar.fetch_reader(False), by_number=True, numbers=True),
    "STORE": Row(SELECTED, grammar.store_reader(False), by_number=True, numbers=True),
    "COPY": Row(SELECTED, grammar.copy_reader(False), numbers=True),
    "MOVE": Row(SELECTED, grammar.move_reader(False), numbers=True, capability=("MOVE", REV2)),
    "UID EXPUNGE": Row(SELECTED, grammar.read_uid_expunge, capability=("UIDPLUS", REV2)),
    "UID SEARCH": Row(SELECTED, grammar.search_reader(True)),
    "UID FETCH": Row(SELECTED, grammar.fetch_reader(True)),
    "UID STORE": Row(SELECTED, grammar.store_reader(True)),
    "UID COPY": Row(SELECTED, grammar.copy_reader(True)),
    "UID MOVE": Row(SELECTED, grammar.move_reader(True), capability=("MOVE", REV2)),
    # RFC 5256, RFC 5957
    "SORT": Row(SELECTED, sort.sort_reader(False), by_number=True, numbers=True, capability=("SORT",)),
    "UID SORT": Row(SELECTED, sort.sort_reader(True), capability=("SORT",)),
    "THREAD": Row(SELECTED, sort.thread_reader(False), by_number=True, numbers=True, capability=THREAD),
    "UID THREAD": Row(SELECTED, sort.thread_reader(True), capability=THREAD),
    # RFC 8508
    "REPLACE": Row(SELECTED, grammar.replace_reader(False), numbers=True, capability=("REPLACE",), kind=Kind.APPEND),
    "UID REPLACE": Row(SELECTED, grammar.replace_reader(True), capability=("REPLACE",), kind=Kind.APPEND),
    # RFC 9208
    "GETQUOTA": Row(LOGGED_IN, quota.read_get_quota, capability=("QUOTA",)),
    "GETQUOTAROOT": Row(LOGGED_IN, quota.read_get_quota_root, capability=("QUOTA",)),
    "SETQUOTA": Row(LOGGED_IN, quota.read_set_quota, capability=("QUOTA",)),
    # RFC 5464
    "GETMETADATA": Row(LOGGED_IN, metadata.read_get_metadata, capability=METADATA),
    "SETMETADATA": Row(LOGGED_IN, metadata.read_set_metadata, capability=METADATA),
    # RFC 4314
    "SETACL": Row(LOGGED_IN, acl.read_set_acl, capability=("ACL",)),
    "DELETEACL": Row(LOGGED_IN, acl.read_delete_acl, capability=("ACL",)),
    "GETACL": Row(LOGGED_IN, acl.read_get_acl, capability=("ACL",)),
    "LISTRIGHTS": Row(LOGGED_IN, acl.read_list_rights, capability=("ACL",)),
    "MYRIGHTS": Row(LOGGED_IN, acl.read_my_rights, capability=("ACL",)),
    # RFC 5465, RFC 7377, RFC 5267
    "NOTIFY": Row(LOGGED_IN, many.read_notify, capability=("NOTIFY",)),
    "ESEARCH": Row(LOGGED_IN, many.read_multi_search, capability=("MULTISEARCH",)),
    "CANCELUPDATE": Row(SELECTED, many.read_cancel_update, capability=("CONTEXT=SEARCH", "CONTEXT=SORT")),
    # RFC 4467
    "RESETKEY": Row(LOGGED_IN, urlauth.read_reset_key, capability=("URLAUTH",)),
    "GENURLAUTH": Row(LOGGED_IN, urlauth.read_generate, capability=("URLAUTH",)),
    "URLFETCH": Row(LOGGED_IN, urlauth.read_fetch, capability=("URLAUTH",)),
    # RFC 4978, RFC 8437
    "COMPRESS": Row(LOGGED_IN, compress.read_compress, capability=("COMPRESS=DEFLATE",)),
    "UNAUTHENTICATE": Row(LOGGED_IN, _bare(Unauthenticate()), capability=("UNAUTHENTICATE",)),
}
