"""What a server answers without a tag, as octets: RFC 9051 §7.

Each function returns one response without its ``* `` and CR LF, for `ImapServer.untagged`. Long
answers of FETCH are put together from ready pieces (sessions/lines), and sent with `ImapServer.send`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from . import encode
from .chosen import Chosen
from .command import StatusItem
from .sequence import SequenceSet


def condition(word: str, text: str, code: str = "") -> bytes:
    """OK, NO, BAD without a tag; ``text`` and ``code`` as in `ImapServer.ok`, but ASCII and checked by the caller."""
    return f"{word} [{code}] {text}".encode("ascii") if code else f"{word} {text}".encode("ascii")


def ok(text: str, code: str = "") -> bytes:
    """An untagged OK: most often for its code."""
    return condition("OK", text, code)


def in_progress(tag: str) -> bytes:
    """OK [INPROGRESS …]: a command goes on (RFC 9585 §4). How far it is isn't known: it is all or nothing."""
    named = "NIL" if "]" in tag else f'"{tag}"'
    return ok("Still at it", f"INPROGRESS ({named} NIL NIL)")


# -- the mailbox -----------------------------------------------------------------------------------------------------


def flags(names: Iterable[str]) -> bytes:
    """FLAGS: those in use in the mailbox."""
    return b"FLAGS (%b)" % " ".join(names).encode("ascii")


def exists(count: int) -> bytes:
    """EXISTS: how many messages there are."""
    return b"%d EXISTS" % count


def recent(count: int) -> bytes:
    """RECENT (RFC 3501 §7.3.2)."""
    return b"%d RECENT" % count


def expunged(numbers: Sequence[int]) -> bytes:
    """EXPUNGE for each of these sequence numbers, at least one: a line each, of which the first begins later."""
    return b"\r\n* ".join([b"%d EXPUNGE"] * len(numbers)) % tuple(numbers)


def vanished(uids: SequenceSet, *, earlier: bool = False) -> bytes:
    """VANISHED (RFC 7162 §3.2.10)."""
    return b"VANISHED (EARLIER) %b" % bytes(uids) if earlier else b"VANISHED %b" % bytes(uids)


# -- mailboxes -------------------------------------------------------------------------------------------------------


def listed(
    attributes: Iterable[str],
    delimiter: str,
    name: str,
    *,
    utf8: bool,
    child_info: Sequence[str] = (),
    old_name: str | None = None,
) -> bytes:
    r"""LIST. ``attributes``: ``\Noselect`` and others; ``delimiter``: "" for none.

    ``child_info``: the selection options that children met (RFC 9051 §6.3.9.6); ``old_name``: what the mailbox was
    called before (§6.3.9.7).
    """
    line = _mailbox_list(b"LIST", attributes, delimiter, name, utf8)
    extended: list[bytes] = []
    if child_info:
        extended.append(b'"CHILDINFO" (%b)' % b" ".join(encode.quoted(option.encode("ascii")) for option in child_info))
    if old_name is not None:
        extended.append(b'"OLDNAME" (%b)' % encode.mailbox(old_name, utf8=utf8))
    return b"%b (%b)" % (line, b" ".join(extended)) if extended else line


def lsub(attributes: Iterable[str], delimiter: str, name: str, *, utf8: bool) -> bytes:
    """LSUB (RFC 3501 §7.2.3)."""
    return _mailbox_list(b"LSUB", attributes, delimiter, name, utf8)


def _mailbox_list(word: bytes, attributes: Iterable[str], delimiter: str, name: str, utf8: bool) -> bytes:
    """mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox"""
    separator = encode.quoted(delimiter.encode("ascii")) if delimiter else encode.NIL
    return b"%b (%b) %b %b" % (
        word, " ".join(attributes).encode("ascii"), separator, encode.mailbox(name, utf8=utf8) if name else b'""',
    )  # fmt: skip


def status(name: str, items: Mapping[StatusItem, int | str | None], *, utf8: bool) -> bytes:
    """STATUS. MAILBOXID is text; APPENDLIMIT may be None, for no limit (RFC 7889 §3.1)."""
    told = b" ".join(item.value.encode("ascii") + b" " + _status_value(value) for item, value in items.items())
    return b"STATUS %b (%b)" % (encode.mailbox(name, utf8=utf8), told)


def _status_value(value: int | str | None) -> bytes:
    if value is None:
        return encode.NIL
    return b"(%b)" % value.encode("ascii") if isinstance(value, str) else b"%d" % value


def namespaces(personal: Iterable[tuple[str, str]], others: Iterable[tuple[str, str]] = (),
               shared: Iterable[tuple[str, str]] = (), *, utf8: bool) -> bytes:  # fmt: skip
    """NAMESPACE: (prefix, delimiter) pairs of one's own, other users' and shared mailboxes (RFC 9051 §6.3.10)."""

    def group(pairs: Iterable[tuple[str, str]]) -> bytes:
        written = b"".join(
            b"(%b %b)" % (
                encode.mailbox(prefix, utf8=utf8) if prefix else b'""', encode.quoted(delimiter.encode("ascii")),
            )
            for prefix, delimiter in pairs
        )  # fmt: skip
        return b"(%b)" % written if written else encode.NIL

    return b"NAMESPACE %b %b %b" % (group(personal), group(others), group(shared))


# -- searching -------------------------------------------------------------------------------------------------------


def search(numbers: Iterable[int], *, modseq: int | None = None) -> bytes:
    """SEARCH (RFC 3501 §7.2.5); ``modseq`` the highest of the messages found (RFC 7162 §3.1.5)."""
    if isinstance(numbers, Chosen):
        line = b"SEARCH" + numbers.written()
    else:
        told = tuple(numbers)
        line = b"SEARCH" + b" %d" * len(told) % told  # half the time of joining strings
    return line if modseq is None else b"%b (MODSEQ %d)" % (line, modseq)


def esearch(
    tag: str,
    *,
    uid: bool,
    minimum: int | None = None,
    maximum: int | None = None,
    every: SequenceSet | None = None,
    count: int | None = None,
    modseq: int | None = None,
    partial: tuple[tuple[int, int], SequenceSet | None] | None = None,
    added: Sequence[tuple[int, SequenceSet]] = (),
    removed: Sequence[tuple[int, SequenceSet]] = (),
    mailbox: tuple[bytes, int] | None = None,
) -> bytes:
    """ESEARCH (RFC 9051 §7.3.4): what was asked for; without messages neither MIN, MAX nor ALL is told.

    ``partial``: the positions asked for, and what is there (RFC 5267 §4.4). ``added``, ``removed``: at which position
    (0 in a search without order) which messages came or went (§4.3). ``mailbox``: its name as `encode.mailbox` writes
    it, and its UIDVALIDITY, where several were searched (RFC 7377 §2.1).
    """
    correlator = [b"TAG %b" % encode.quoted(tag.encode("ascii"))]
    if mailbox is not None:
        correlator.append(b"MAILBOX %b UIDVALIDITY %d" % mailbox)
    line = [b"ESEARCH (%b)" % b" ".join(correlator)]
    if uid:
        line.append(b"UID")
    for name, number in ((b"MIN", minimum), (b"MAX", maximum), (b"COUNT", count), (b"MODSEQ", modseq)):
        if number is not None:
            line.append(b"%b %d" % (name, number))
    if every is not None:
        line.append(b"ALL %b" % bytes(every))
    if partial is not None:
        (first, last), found = partial
        line.append(b"PARTIAL (%d:%d %b)" % (first, last, encode.NIL if found is None else bytes(found)))
    for name, changes in ((b"REMOVEFROM", removed), (b"ADDTO", added)):
        if changes:
            line.append(b"%b (%b)" % (name, b" ".join(b"%d %b" % (at, bytes(numbers)) for at, numbers in changes)))
    return b" ".join(line)


# -- messages --------------------------------------------------------------------------------------------------------


def fetch(number: int, items: Iterable[bytes]) -> bytes:
    """FETCH; each item is its label, a space, and its value as it goes over the wire."""
    return b"%d FETCH (%b)" % (number, b" ".join(items))


def uid_fetch(uid: int, items: Iterable[bytes]) -> bytes:
    """UIDFETCH: the same for who has no message numbers (RFC 9586 §3.3)."""
    return b"%d UIDFETCH (%b)" % (uid, b" ".join(items))


# -- the server itself -----------------------------------------------------------------------------------------------


def identification(parameters: Mapping[str, str | None]) -> bytes:
    """ID (RFC 2971 §3.2)."""
    pairs = b" ".join(
        encode.string(name.encode("utf-8")) + b" " + encode.nstring(None if value is None else value.encode("utf-8"))
        for name, value in parameters.items()
    )
    return b"ID (%b)" % pairs if pairs else b"ID NIL"
