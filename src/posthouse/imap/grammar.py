"""How the commands of 4rev1 and 4rev2 are written: a parser each, from behind the command's name (RFC 9051 §9)."""

from __future__ import annotations

import binascii
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeVar

from .command import (
    Append,
    Authenticate,
    Copy,
    Create,
    Delete,
    Enable,
    Expunge,
    Fetch,
    Id,
    List,
    Login,
    Lsub,
    Move,
    QResync,
    Rename,
    Replaces,
    Search,
    SearchOptions,
    Select,
    Status,
    StatusItem,
    Store,
    StoreOperation,
    Subscribe,
    TextPart,
    Unsubscribe,
)
from .date import read_date_time
from .fetch import Attribute, Item, read_items, read_listed_items
from .search import read_program
from .sequence import STAR, SequenceSet, read_set
from .syntax import BASE64, MAX_NUMBER64, Cursor, Malformed, Unacceptable

C = TypeVar("C")

# RFC 2971 §3.3: no more than 30 pairs, names of 30 octets, values of 1024.
MAX_ID_PAIRS = 30
MAX_ID_NAME = 30
MAX_ID_VALUE = 1024
# Folders that one LIST may ask for; mail programs ask for one or two.
MAX_PATTERNS = 100

# -- before and beside the login -------------------------------------------------------------------------------------


def read_id(cursor: Cursor) -> Id:
    """id = "ID" SP id-params-list; id-params-list = "(" *(string SP nstring) ")" / nil (RFC 2971 §4)"""
    cursor.space()
    if cursor.keyword(b"NIL"):
        return Id({})
    pairs = dict(_spaced_pairs(cursor))
    if len(pairs) > MAX_ID_PAIRS or any(
        len(name) > MAX_ID_NAME or len(value or "") > MAX_ID_VALUE for name, value in pairs.items()
    ):
        raise Malformed(f"ID takes {MAX_ID_PAIRS} pairs, of {MAX_ID_NAME} and {MAX_ID_VALUE} octets (RFC 2971 §3.3)")
    return Id(pairs)


def _spaced_pairs(cursor: Cursor) -> list[tuple[str, str | None]]:
    def pair() -> tuple[str, str | None]:
        name = cursor.string("a name in quotes")
        cursor.space()
        value = cursor.nstring("a text in quotes")
        return name.decode("utf-8", "replace").lower(), None if value is None else value.decode("utf-8", "replace")

    return cursor.list_of(pair, "pairs of a name and a text")


def read_login(cursor: Cursor) -> Login:
    """login = "LOGIN" SP userid SP password"""
    cursor.space()
    user = cursor.utf8_astring("a user name")
    cursor.space()
    return Login(user, cursor.utf8_astring("a password"))


def read_authenticate(cursor: Cursor) -> Authenticate:
    """authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp]; initial-resp = base64 / "=" """
    cursor.space()
    mechanism = cursor.word("the name of a SASL mechanism")
    if not cursor.skip(b" "):
        return Authenticate(mechanism)
    if cursor.skip(b"="):  # RFC 4959 §3: an empty initial response
        return Authenticate(mechanism, b"")
    return Authenticate(mechanism, decode_base64(cursor.match(BASE64, "an initial response in base64")[0]))


def decode_base64(text: bytes) -> bytes:
    """The octets of a SASL response; `Malformed` for what isn't base64 to the letter (RFC 4648 §3.3)."""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else b""
    except binascii.Error as error:
        raise Malformed("that is not base64") from error


def read_enable(cursor: Cursor) -> Enable:
    """enable = "ENABLE" 1*(SP capability)"""
    names: list[str] = []
    while not cursor.at_end or not names:
        cursor.space()
        names.append(cursor.word("a capability"))
    return Enable(tuple(dict.fromkeys(names)))


# -- mailboxes -------------------------------------------------------------------------------------------------------


def read_select(cursor: Cursor) -> Select:
    """select = "SELECT" SP mailbox [select-params]; select-params = SP "(" select-param *(SP select-param) ")" """
    cursor.space()
    select = Select(cursor.mailbox())
    if not cursor.skip(b" "):
        return select
    parameters = dict(cursor.list_of(lambda: _select_parameter(cursor), "CONDSTORE or QRESYNC", least=1))
    # QRESYNC is CONDSTORE and more (RFC 7162 §3.2.5).
    return replace(select, condstore=True, qresync=parameters.get("QRESYNC"))


def _select_parameter(cursor: Cursor) -> tuple[str, QResync | None]:
    if cursor.keyword(b"CONDSTORE"):
        return "CONDSTORE", None
    if not cursor.keyword(b"QRESYNC"):
        raise cursor.expected("CONDSTORE or QRESYNC")
    cursor.space()
    return "QRESYNC", _qresync(cursor)


def _qresync(cursor: Cursor) -> QResync:
    """ "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")" (RFC 7162 §7)"""
    cursor.expect(b"(")
    uidvalidity = cursor.number("a UIDVALIDITY", least=1)
    cursor.space()
    known = QResync(uidvalidity, cursor.number("a mod-sequence", least=1, most=MAX_NUMBER64))
    if cursor.skip(b" ") and not cursor.at_any(b"("):
        known = replace(known, known_uids=_known_set(cursor))
        if not cursor.skip(b" "):
            cursor.expect(b")")
            return known
    if cursor.skip(b"("):
        numbers = _known_set(cursor)
        cursor.space()
        known = replace(known, sequence_match=(numbers, _known_set(cursor)))
        cursor.expect(b")")
    cursor.expect(b")")
    return known


def _known_set(cursor: Cursor) -> SequenceSet:
    """known-uids, known-sequence-set, known-uid-set: ";; * is not allowed" (RFC 7162 §7)"""
    start = cursor.at
    known = read_set(cursor)
    if known.last or known.saved:
        cursor.at = start
        raise cursor.expected('numbers that the client knows, without "*" and "$"')
    return known


def read_examine(cursor: Cursor) -> Select:
    """examine = "EXAMINE" SP mailbox [select-params]"""
    return replace(read_select(cursor), read_only=True)


def read_create(cursor: Cursor) -> Create:
    """create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"] (RFC 6154 §6)"""
    cursor.space()
    mailbox = cursor.mailbox()
    if not cursor.skip(b" ("):
        return Create(mailbox)
    if not cursor.keyword(b"USE"):
        raise cursor.expected("USE")
    cursor.space()
    attributes = cursor.list_of(lambda: _use_attribute(cursor), "attributes such as \\Sent")
    cursor.expect(b")")
    return Create(mailbox, tuple(dict.fromkeys(attributes)))


def _use_attribute(cursor: Cursor) -> str:
    cursor.expect(b"\\", "an attribute such as \\Sent")
    return "\\" + cursor.atom("an attribute").capitalize()


def _one_mailbox(command: Callable[[str], C]) -> Callable[[Cursor], C]:
    def read(cursor: Cursor) -> C:
        cursor.space()
        return command(cursor.mailbox())

    return read


read_delete = _one_mailbox(Delete)
read_subscribe = _one_mailbox(Subscribe)
read_unsubscribe = _one_mailbox(Unsubscribe)


def read_rename(cursor: Cursor) -> Rename:
    """rename = "RENAME" SP mailbox SP mailbox"""
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return Rename(mailbox, cursor.mailbox("the new name of the mailbox"))


# RFC 9051 §6.3.9.1, §6.3.9.2; SPECIAL-USE: RFC 6154 §2; MYRIGHTS: RFC 8440; METADATA: RFC 9590.
SELECTION_OPTIONS = frozenset({"SUBSCRIBED", "REMOTE", "RECURSIVEMATCH", "SPECIAL-USE"})
RETURN_OPTIONS = frozenset({"SUBSCRIBED", "CHILDREN", "SPECIAL-USE", "MYRIGHTS"})
# Options that select mailboxes by themselves, one of which RECURSIVEMATCH needs beside it.
BASE_OPTIONS = frozenset({"SUBSCRIBED", "SPECIAL-USE"})


def read_list(cursor: Cursor) -> List:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]

    mbox-or-pat = list-mailbox / patterns        patterns = "(" list-mailbox *(SP list-mailbox) ")"
    """
    cursor.space()
    selection: frozenset[str] = frozenset()
    extended = cursor.at_any(b"(")
    if extended:
        selection = frozenset(
            cursor.list_of(lambda: _option(cursor, SELECTION_OPTIONS, "a selection option"), "selection options")
        )
        if "RECURSIVEMATCH" in selection and not selection & BASE_OPTIONS:
            raise Malformed("RECURSIVEMATCH needs another selection option beside it (RFC 9051 §6.3.9.1)")
        cursor.space()
    reference = cursor.mailbox("a reference name")
    cursor.space()
    if cursor.at_any(b"("):
        extended = True
        patterns = tuple(cursor.list_of(cursor.list_mailbox, "patterns", least=1))
        if len(patterns) > MAX_PATTERNS:
            raise Malformed(f"LIST takes at most {MAX_PATTERNS} patterns")
    else:
        patterns = (cursor.list_mailbox(),)
    command = List(reference, patterns, selection, extended=extended)
    return _list_returns(cursor, command) if cursor.skip(b" ") else command


def _list_returns(cursor: Cursor, command: List) -> List:
    """list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")" """
    if not cursor.keyword(b"RETURN"):
        raise cursor.expected("RETURN")
    cursor.space()
    status: tuple[StatusItem, ...] = ()

    def option() -> str:
        nonlocal status
        if not cursor.keyword(b"STATUS"):
            return _option(cursor, RETURN_OPTIONS, "a return option")
        cursor.space()  # RFC 5819 §3: STATUS (…)
        status = read_status_items(cursor)
        return "STATUS"

    returns = frozenset(cursor.list_of(option, "return options"))
    return replace(command, returns=returns, status=status, extended=True)


def _option(cursor: Cursor, known: frozenset[str], what: str) -> str:
    start = cursor.at
    option = cursor.word(what)
    if option not in known:
        cursor.at = start
        raise cursor.expected(f"{what} ({', '.join(sorted(known))})")
    return option


def read_lsub(cursor: Cursor) -> Lsub:
    """lsub = "LSUB" SP mailbox SP list-mailbox"""
    cursor.space()
    reference = cursor.mailbox("a reference name")
    cursor.space()
    return Lsub(reference, cursor.list_mailbox())


def read_status(cursor: Cursor) -> Status:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """
    cursor.space()
    mailbox = cursor.mailbox()
    cursor.space()
    return Status(mailbox, read_status_items(cursor))


STATUS_ITEMS = {item.value: item for item in StatusItem}


def read_status_items(cursor: Cursor) -> tuple[StatusItem, ...]:
    """``"(" status-att *(SP status-att) ")"``; each once."""

    def item() -> StatusItem:
        start = cursor.at
        found = STATUS_ITEMS.get(cursor.word("a status item"))
        if found is None:
            cursor.at = start
            raise cursor.expected(f"a status item ({', '.join(STATUS_ITEMS)})")
        return found

    return tuple(dict.fromkeys(cursor.list_of(item, "status items", least=1)))


# -- messages --------------------------------------------------------------------------------------------------------


def read_append(cursor: Cursor) -> Append:
    """append = "APPEND" SP mailbox 1*append-message (RFC 3502 §6.3.11), up to the octets of the first message"""
    cursor.space()
    return read_append_message(cursor, cursor.mailbox())


def replace_reader(uid: bool) -> Callable[[Cursor], Append]:
    """replace = "REPLACE" SP seq-number SP mailbox append-message (RFC 8508 §5), up to the octets of the message"""

    def read(cursor: Cursor) -> Append:
        cursor.space()
        number = STAR if cursor.skip(b"*") else cursor.number("a message's number", least=1)
        return replace(read_append(cursor), replaces=Replaces(uid, number))

    return read


def read_append_message(cursor: Cursor, mailbox: str) -> Append:
    """append-message = [SP flag-list] [SP date-time] SP literal, up to the octets of the literal.

    With RFC 3516 also literal8, with RFC 6855 §4 ``UTF8 (~{…}``, whose ")" is read by the caller; with RFC 4469
    ``CATENATE (``, whose parts are.
    """
    flags: tuple[str, ...] = ()
    internal_date = None
    cursor.space()
    if cursor.at_any(b"("):
        flags = cursor.flag_list()
        cursor.space()
    if cursor.at_any(b'"'):
        internal_date = read_date_time(cursor)
        cursor.space()
    if cursor.keyword(b"CATENATE"):
        cursor.expect(b" (")
        return Append(mailbox, 0, flags, internal_date, catenate=True)
    binary, size, utf8 = _message_literal(cursor, "flags in parentheses, a date and time, or the message as a literal")
    return Append(mailbox, size, flags, internal_date, binary, utf8)


def read_text_part(cursor: Cursor) -> TextPart:
    """text-literal = "TEXT" SP literal; with RFC 6855 §4 also ``UTF8 (~{…}``, whose ")" is read by the caller"""
    if not cursor.keyword(b"TEXT"):
        if not cursor.text[cursor.at : cursor.at + 4].upper() == b"UTF8":
            raise cursor.expected("URL, TEXT or UTF8")
        _, size, _ = _message_literal(cursor, "a literal8 in parentheses")
        return TextPart(size, utf8=True)
    cursor.space()
    return TextPart(_message_literal(cursor, "the text as a literal", utf8=False)[1])


def _message_literal(cursor: Cursor, what: str, *, utf8: bool = True) -> tuple[bool, int, bool]:
    """Up to the octets of a literal: whether it is a literal8, their number, and whether it stands in UTF8 (…)."""
    within = utf8 and cursor.keyword(b"UTF8")
    if within:
        cursor.expect(b" (")
    marker = cursor.at_literal()
    if marker is None or (within and not marker[1]):
        raise cursor.expected(what)
    cursor.at = marker.end()
    return bool(marker[1]), int(marker[2]) if len(marker[2]) <= 19 else MAX_NUMBER64, within


def read_uid_expunge(cursor: Cursor) -> Expunge:
    """uid-expunge = "EXPUNGE" SP sequence-set"""
    cursor.space()
    return Expunge(read_set(cursor))


def search_reader(uid: bool) -> Callable[[Cursor], Search]:
    """search = "SEARCH" [search-return-opts] SP search-program"""

    def read(cursor: Cursor) -> Search:
        cursor.space()
        options = read_search_options(cursor)
        with saving(options):
            return Search(uid, read_program(cursor), options)

    return read


def read_search_options(cursor: Cursor) -> SearchOptions | None:
    """search-return-opts = SP "RETURN" SP "(" [search-return-opt *(SP search-return-opt)] ")"; and a space behind"""
    if not cursor.keyword(b"RETURN"):
        return None
    cursor.space()
    options = SearchOptions()

    def option() -> str:
        nonlocal options
        word = _option(cursor, frozenset(SEARCH_OPTIONS), "a result option")
        options = SEARCH_OPTIONS[word](options, cursor)
        return word

    # RFC 9051 §6.4.4.1: no option at all means ALL.
    words = cursor.list_of(option, "result options")
    if not words:
        options = SearchOptions(every=True)
    if sum(word in ("ALL", "PARTIAL") for word in words) > 1:
        raise Malformed("either one PARTIAL, or one ALL (RFC 5267 §4.4)")
    cursor.space()
    return options


@contextlib.contextmanager
def saving(options: SearchOptions | None) -> Iterator[None]:
    """What is read here belongs to a search with these options."""
    try:
        yield
    except Unacceptable as error:
        error.saving = options is not None and options.save
        raise


def _partial(options: SearchOptions, cursor: Cursor) -> SearchOptions:
    """ "PARTIAL" SP partial-range (RFC 5267 §5, RFC 9394 §4)"""
    cursor.space()
    return replace(options, partial=read_positions(cursor))


def _update(options: SearchOptions, cursor: Cursor) -> SearchOptions:
    """modifier-update = "UPDATE" ["(" fetch-att *(SP fetch-att) ")"] (RFC 5465 §8; its example has a space there)"""
    items: tuple[Item, ...] = ()
    if cursor.skip(b" ("):
        cursor.at -= 1
        items = read_listed_items(cursor)
    elif cursor.at_any(b"("):
        items = read_listed_items(cursor)
    return replace(options, update=True, items=items)


def read_positions(cursor: Cursor) -> tuple[int, int]:
    """partial-range = nz-number ":" nz-number / "-" nz-number ":" "-" nz-number; the one nearer to its end first"""
    sign = -1 if cursor.skip(b"-") else 1
    first = cursor.number("a position", least=1)
    cursor.expect(b":-" if sign < 0 else b":")
    last = cursor.number("a position", least=1)
    return sign * min(first, last), sign * max(first, last)


SEARCH_OPTIONS: Mapping[str, Callable[[SearchOptions, Cursor], SearchOptions]] = {
    "MIN": lambda options, cursor: replace(options, minimum=True),
    "MAX": lambda options, cursor: replace(options, maximum=True),
    "ALL": lambda options, cursor: replace(options, every=True),
    "COUNT": lambda options, cursor: replace(options, count=True),
    "SAVE": lambda options, cursor: replace(options, save=True),  # RFC 5182
    "PARTIAL": _partial,
    "UPDATE": _update,
    "CONTEXT": lambda options, cursor: replace(options, context=True),  # RFC 5267 §4.2
}


def fetch_reader(uid: bool) -> Callable[[Cursor], Fetch]:
    """fetch = "FETCH" SP sequence-set SP (…) [SP "(" fetch-modifier *(SP fetch-modifier) ")"] (RFC 4466 §2.4)"""

    def read(cursor: Cursor) -> Fetch:
        cursor.space()
        messages = read_set(cursor)
        cursor.space()
        items = read_items(cursor)
        modifiers = _fetch_modifiers(cursor) if cursor.skip(b" ") else FetchModifiers()
        if modifiers.vanished and (not uid or modifiers.changed_since is None):
            raise Malformed("VANISHED goes with UID FETCH and CHANGEDSINCE only (RFC 7162 §3.2.6)")
        if modifiers.partial is not None and not uid:
            raise Malformed("PARTIAL goes with UID FETCH only (RFC 9394 §3.3)")
        # RFC 7162 §3.1.4.1: CHANGEDSINCE implies MODSEQ.
        implied: tuple[Item, ...] = () if modifiers.changed_since is None else (Attribute.MODSEQ,)
        return Fetch(uid, messages, tuple(dict.fromkeys((*implied, *items))), *modifiers)

    return read


class FetchModifiers(NamedTuple):
    """What FETCH may be asked for beside its items: in the order of `Fetch`."""

    changed_since: int | None = None
    vanished: bool = False
    partial: tuple[int, int] | None = None


def _fetch_modifiers(cursor: Cursor) -> FetchModifiers:
    """ "(" fetch-modifier *(SP fetch-modifier) ")": CHANGEDSINCE and VANISHED (RFC 7162 §7), PARTIAL (RFC 9394 §4)"""
    found = FetchModifiers()

    def modifier() -> None:
        nonlocal found
        if cursor.keyword(b"VANISHED"):
            found = found._replace(vanished=True)
        elif cursor.keyword(b"CHANGEDSINCE"):
            cursor.space()
            found = found._replace(changed_since=cursor.number("a mod-sequence", least=1, most=MAX_NUMBER64))
        elif cursor.keyword(b"PARTIAL") and found.partial is None:
            cursor.space()
            found = found._replace(partial=read_positions(cursor))
        else:
            raise cursor.expected("CHANGEDSINCE, VANISHED or PARTIAL")

    cursor.list_of(modifier, "CHANGEDSINCE or PARTIAL", least=1)
    return found


def store_reader(uid: bool) -> Callable[[Cursor], Store]:
    """store = "STORE" SP sequence-set [store-modifiers] SP store-att-flags

    store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
    store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")" (RFC 7162 §7)
    """

    def read(cursor: Cursor) -> Store:
        cursor.space()
        messages = read_set(cursor)
        cursor.space()
        unchanged_since: int | None = None
        if cursor.skip(b"("):
            if not cursor.keyword(b"UNCHANGEDSINCE"):
                raise cursor.expected("UNCHANGEDSINCE")
            cursor.space()
            unchanged_since = cursor.number("a mod-sequence", most=MAX_NUMBER64)
            cursor.expect(b")")
            cursor.space()
        sign = "+" if cursor.skip(b"+") else "-" if cursor.skip(b"-") else ""
        silent = cursor.keyword(b"FLAGS.SILENT")
        if not silent and not cursor.keyword(b"FLAGS"):
            raise cursor.expected("FLAGS, +FLAGS, -FLAGS, or one of them with .SILENT")
        cursor.space()
        return Store(uid, messages, StoreOperation(sign), _store_flags(cursor), silent, unchanged_since)

    return read


def _store_flags(cursor: Cursor) -> tuple[str, ...]:
    if cursor.at_any(b"("):
        return cursor.flag_list()
    flags = [cursor.flag()]
    while cursor.skip(b" "):
        flags.append(cursor.flag())
    return tuple(dict.fromkeys(flags))


def copy_reader(uid: bool) -> Callable[[Cursor], Copy]:
    """copy = "COPY" SP sequence-set SP mailbox"""

    def read(cursor: Cursor) -> Copy:
        cursor.space()
        messages = read_set(cursor)
        cursor.space()
        return Copy(uid, messages, cursor.mailbox())

    return read


def move_reader(uid: bool) -> Callable[[Cursor], Move]:
    """move = "MOVE" SP sequence-set SP mailbox"""

    def read(cursor: Cursor) -> Move:
        cursor.space()
        messages = read_set(cursor)
        cursor.space()
        return Move(uid, messages, cursor.mailbox())

    return read
