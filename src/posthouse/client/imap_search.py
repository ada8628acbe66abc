"""SEARCH as a client asks it (RFC 9051 §6.4.4), also of servers that know no letters but those of US-ASCII.

Such a server (`NO [BADCHARSET]`, Exchange) is asked for the ASCII pieces of a text, which finds too much; what it found
is read, and what doesn't have the whole text is left out here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from posthouse.errors import ImapRefused, LimitError, RemoteProtocolError
from posthouse.imap.answer import ESearch, Found, Unknown
from posthouse.imap.fetch import Attribute, BodySection, Section, Text
from posthouse.imap.search import (
    And,
    Every,
    InBody,
    InEnvelope,
    InHeader,
    InText,
    Key,
    Not,
    Or,
    all_of,
    needs_charset,
    write,
)
from posthouse.imap.sequence import SequenceSet
from posthouse.message.header import Headers
from posthouse.wire.steps import Steps

from .imap import Conversation, execute, noop, uid_fetch
from .message import Message

# UIDs that a search may find: no mailbox has more, and a server may not make us count to four thousand million.
MAX_FOUND = 50_000_000
# Messages whose fields, or whole texts, are read to find what the server can't look for; and how many at a time.
MAX_FIELDS_READ, FIELDS_AT_A_TIME = 20_000, 1000
MAX_TEXTS_READ, TEXTS_AT_A_TIME = 500, 20

PIECE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# Of a text's ASCII pieces, the longest ones are asked for.
MAX_PIECES = 3

# A key whose text isn't ASCII.
Worded = InEnvelope | InHeader | InBody | InText


def uid_search(imap: Conversation, key: Key, *, fresh: bool = False) -> Steps[list[int]]:
    """The UIDs of the messages that fit, ascending.

    ``fresh``: among all that are there now. A session sees a mailbox as it was at its last command, so NOOP goes first.
    They don't leave together: Dovecot then searches before it looks for what is new.
    """
    try:
        if fresh:
            yield from noop(imap)
        found = yield from _ask(imap, key)
    except ImapRefused as error:
        # RFC 9051 §6.4.4: NO with BADCHARSET. Courier and others say it in words, or with BAD.
        if not needs_charset(key) or not (error.code == "BADCHARSET" or "charset" in str(error).lower()):
            raise
        everything = yield from _ask(imap, Every())
        found = yield from _within(imap, key, everything)
    return sorted(found)


def _ask(imap: Conversation, key: Key) -> Steps[set[int]]:
    keys = key.keys if isinstance(key, And) else (key,)  # parentheses around all of it trouble old servers
    # CHARSET is said only where it is needed: Exchange refuses even US-ASCII.
    charset = [b"CHARSET UTF-8"] if needs_charset(key) and not imap.utf8 else []
    _, responses = yield from execute(imap, "UID SEARCH", *charset, *[write(one) for one in keys])
    uids: set[int] = set()
    for response in responses:
        if isinstance(response, Found):
            uids.update(response.numbers)
        elif isinstance(response, ESearch) and response.every:
            if sum(last - first + 1 for first, last in response.every.ranges) > MAX_FOUND:
                raise LimitError(f"the server found more than {MAX_FOUND} messages")
            uids.update(response.every.numbers())
        elif isinstance(response, Unknown) and response.name in ("SEARCH", "ESEARCH"):
            # "Nothing found" would be a lie.
            raise RemoteProtocolError("the server's answer to the search can't be read")
    return uids


def _within(imap: Conversation, key: Key, scope: set[int]) -> Steps[set[int]]:
    """Those of ``scope`` that fit, for a server that can be asked for ASCII only."""
    if not scope:
        return scope
    if not needs_charset(key):
        return scope & (yield from _ask(imap, key))
    if isinstance(key, And):
        easy = [one for one in key.keys if not needs_charset(one)]
        if easy:
            scope = yield from _within(imap, all_of(easy), scope)
        for one in key.keys:
            if needs_charset(one):
                scope = yield from _within(imap, one, scope)
        return scope
    if isinstance(key, Or):
        found: set[int] = set()
        for one in key.keys:
            found |= yield from _within(imap, one, scope - found)
        return found
    if isinstance(key, Not):
        return scope - (yield from _within(imap, key.key, scope))
    assert isinstance(key, Worded)
    pieces = sorted(set(PIECE.findall(key.text)), key=len, reverse=True)[:MAX_PIECES]
    if pieces:
        scope = yield from _within(imap, all_of([_with_text(key, piece) for piece in pieces]), scope)
    return (yield from _reading(imap, key, scope))


def _with_text(key: Worded, text: str) -> Key:
    if isinstance(key, InEnvelope | InHeader):
        return type(key)(key.field, text)
    return type(key)(text)


def _reading(imap: Conversation, key: Worded, scope: set[int]) -> Steps[set[int]]:
    """Those of ``scope`` that have the text, by reading them."""
    wanted = _plain(key.text)
    if isinstance(key, InEnvelope | InHeader):
        item = BodySection(Section(text=Text.FIELDS, fields=(key.field.upper(),)), peek=True)
        most, at_a_time = MAX_FIELDS_READ, FIELDS_AT_A_TIME
    else:
        item = BodySection(peek=True)
        most, at_a_time = MAX_TEXTS_READ, TEXTS_AT_A_TIME
    if len(scope) > most:
        raise ImapRefused(
            f"the server can look for plain ASCII only, and {len(scope)} messages would have to be read for the rest",
            code="BADCHARSET",
            advice="Narrow the search, for example with after:2026-01-31 or from:bob.",
        )
    label = item.label.upper()
    uids = sorted(scope)
    found = set()
    for start in range(0, len(uids), at_a_time):
        some = SequenceSet.of(uids[start : start + at_a_time])
        for one in (yield from uid_fetch(imap, some, (Attribute.UID, item))):
            if one.uid in scope and wanted in _plain(" ".join(_texts(key, one.sections.get(label) or b""))):
                found.add(one.uid)
    return found


def _texts(key: Worded, octets: bytes) -> Iterable[str]:
    if isinstance(key, InEnvelope | InHeader):
        return [value for _, value in Headers(octets)]
    message = Message.from_bytes(octets)
    fields = [value for _, value in message.headers] if isinstance(key, InText) else []
    return [*fields, message.text]


def _plain(text: str) -> str:
    """As texts are compared: in one form of Unicode, whatever the case and the blanks."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())
