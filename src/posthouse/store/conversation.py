# ruff: noqa: S608  (SQL is put together from constants of this file and from integers; values are always parameters)
"""Conversations: the letters of a thread, across an account's mailboxes, as people read them.

A mailbox lists each thread that has a letter in it once, where its newest letter there stands. So a page is a walk down
the index by date: a letter is passed over when the mailbox has a newer one of its thread. Nothing is counted and no
offset is skipped; the next page begins behind the last row (`Place`), wherever that is among 100,000.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from posthouse.errors import NotFound

from . import flag

if TYPE_CHECKING:
    from .engine import Row, Tx

# Letters of one conversation that a row of a list looks at: its newest. Whoever opens it sees all of them.
LISTED = 50
PORTION = 1_000  # rows of the index that are looked at in one go
HIDDEN = ("\\Trash", "\\Junk")  # what lies there is part of a conversation only for who looks there


class Place(NamedTuple):
    """Where a row stands in a mailbox: the newest are the greatest."""

    received: int
    uid: int


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote a letter of a conversation, as `Summary.from_` has it; whether it is unread, or a draft."""

    text: str
    unread: bool
    draft: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """A row of a list, of a mailbox or of what a search has found in it.

    ``subject``, ``to`` and ``preview`` are of the newest letter here; the rest of all of them.

    ``count`` is of the letters that are shown when it is opened from here. ``senders`` has the oldest first.
    """

    place: Place
    mailbox_id: int
    thread_id: int
    message_id: int
    count: int
    senders: tuple[Sender, ...]
    to: str
    subject: str
    preview: str
    unread: bool
    flagged: bool
    answered: bool
    draft: bool
    attachment: bool
    keywords: frozenset[str]


@dataclass(frozen=True, slots=True)
class Placed:
    """One placement of a letter."""

    mailbox_id: int
    uid: int
    modseq: int
    flags: frozenset[str]
    special_use: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter of a conversation, with what its mailboxes say of it. The texts are as `Summary` has them."""

    message_id: int
    thread_id: int
    received: int
    sent: int | None
    size: int
    attachment: bool
    from_: str
    to: str
    cc: str
    bcc: str
    reply_to: str
    subject: str
    preview: str
    message_id_field: str
    blob_id: str
    prefix: bytes
    header_size: int
    tree: bytes
    placed: tuple[Placed, ...]

    @property
    def flags(self) -> frozenset[str]:
        """The flags of any of its placements."""
        return frozenset().union(*(one.flags for one in self.placed))

    @property
    def draft(self) -> bool:
        """Whether it is still being written."""
        return any("\\Draft" in one.flags for one in self.placed)

    @property
    def unread(self) -> bool:
        """Whether it is unread wherever it is."""
        return not any("\\Seen" in one.flags for one in self.placed)


def page(tx: Tx, mailbox_id: int, before: Place | None, limit: int, until: Place | None = None) -> list[Conversation]:
    """The conversations of a mailbox behind a place (None: from the newest on), the newest first; not beyond the place
    ``until``, which counts."""
    heads = tx.all(
        "SELECT p.received, p.uid, m.thread_id, m.id FROM placement p JOIN message m ON m.id = p.message_id"
        " WHERE p.mailbox_id = :mailbox_id"
        + (" AND (p.received, p.uid) < (:received, :uid)" if before else "")
        + (" AND (p.received, p.uid) >= (:until_received, :until_uid)" if until else "")
        # CROSS JOIN: SQLite takes the few letters of the thread first, not all that is newer in the mailbox.
        + " AND NOT EXISTS (SELECT 1 FROM message o CROSS JOIN placement q WHERE o.thread_id = m.thread_id"
        " AND q.message_id = o.id AND q.mailbox_id = :mailbox_id"
        " AND (q.received, q.uid) > (p.received, p.uid))"
        " ORDER BY p.received DESC, p.uid DESC LIMIT :limit",
        mailbox_id=mailbox_id,
        received=before.received if before else 0,
        uid=before.uid if before else 0,
        until_received=until.received if until else 0,
        until_uid=until.uid if until else 0,
        limit=limit,
    )
    return rows(tx, [(mailbox_id, Place(received, uid), *ids) for received, uid, *ids in heads])


def rows(tx: Tx, heads: Sequence[tuple[int, Place, int, int]]) -> list[Conversation]:
    """The rows of a list whose letters are known: mailbox, place in the list, thread and message of each."""
    members: dict[int, list[Row]] = {}
    if heads:
        for thread_id, *rest in tx.all(
            "SELECT m.thread_id, m.id, m.attachment, w.from_, f.line, p.mailbox_id, b.special_use"
            " FROM message m JOIN placement p ON p.message_id = m.id JOIN mailbox b ON b.id = p.mailbox_id"
            " JOIN flagset f ON f.id = p.flagset_id JOIN wire w ON w.message_id = m.id"
            f" WHERE m.thread_id IN ({_numbers(row[2] for row in heads)}) ORDER BY m.received, m.id",
        ):
            members.setdefault(thread_id, []).append(tuple(rest))
        shown = {
            row[0]: row[1:]
            for row in tx.all(
                "SELECT message_id, to_, subject, preview FROM wire"
                f" WHERE message_id IN ({_numbers(row[3] for row in heads)})"
            )
        }
    return [
        _conversation(mailbox_id, place, thread_id, members.get(thread_id, []), message_id, shown[message_id])
        for mailbox_id, place, thread_id, message_id in heads
    ]


def _conversation(
    mailbox_id: int, place: Place, thread_id: int, members: list[Row], message_id: int, shown: Row
) -> Conversation:
    here = any(box == mailbox_id and special in HIDDEN for _, _, _, _, box, special in members)
    letters: dict[int, tuple[str, bool, set[str]]] = {}
    for ident, attachment, from_, line, box, special in members:
        if box != mailbox_id and special in HIDDEN and not here:
            continue
        if here and box != mailbox_id:
            continue
        flags = set(flag.parse(line))
        if ident in letters:
            flags |= letters[ident][2]
        letters[ident] = from_, bool(attachment), flags
    newest = list(letters.values())[-LISTED:]
    to, subject, preview = shown
    every = set().union(*(flags for _, _, flags in letters.values())) if letters else set()
    return Conversation(
        place=place,
        mailbox_id=mailbox_id,
        thread_id=thread_id,
        message_id=message_id,
        count=len(letters),
        senders=tuple(Sender(from_, "\\Seen" not in flags, "\\Draft" in flags) for from_, _, flags in newest),
        to=to,
        subject=subject,
        preview=preview,
        unread=any("\\Seen" not in flags for _, _, flags in letters.values()),
        flagged="\\Flagged" in every,
        answered="\\Answered" in every,
        draft="\\Draft" in every,
        attachment=any(attachment for _, attachment, _ in letters.values()),
        keywords=frozenset(one for one in every if not one.startswith("\\")),
    )


def newest(tx: Tx, mailbox_id: int, uids: Sequence[int], limit: int) -> list[tuple[int, Place, int, int]]:
    """Of these messages of a mailbox the ones that came last, as `rows` takes them; ``Place.uid`` is the message's id,
    because they are listed together with those of other mailboxes."""
    if len(uids) <= limit:
        rows = [
            row
            for start in range(0, len(uids), PORTION)
            for row in tx.all(
                "SELECT p.received, m.id, m.thread_id FROM placement p JOIN message m ON m.id = p.message_id"
                f" WHERE p.mailbox_id = :mailbox_id AND p.uid IN ({_numbers(uids[start : start + PORTION])})",
                mailbox_id=mailbox_id,
            )
        ]
        rows.sort(reverse=True)
        return [(mailbox_id, Place(received, ident), thread_id, ident) for received, ident, thread_id in rows]
    wanted = set(uids)
    found: list[tuple[int, Place, int, int]] = []
    received, uid = 2**62, 0
    while len(found) < limit:
        portion = tx.all(
            "SELECT p.received, p.uid, m.thread_id, m.id FROM placement p JOIN message m ON m.id = p.message_id"
            " WHERE p.mailbox_id = :mailbox_id AND (p.received, p.uid) < (:received, :uid)"
            " ORDER BY p.received DESC, p.uid DESC LIMIT :limit",
            mailbox_id=mailbox_id,
            received=received,
            uid=uid,
            limit=PORTION,
        )
        if not portion:
            break
        found += [
            (mailbox_id, Place(received, ident), thread_id, ident)
            for received, uid, thread_id, ident in portion
            if uid in wanted
        ]
        received, uid = portion[-1][:2]
    return found[:limit]


def written_to(tx: Tx, account_id: int, limit: int) -> list[str]:
    """The fields To and Cc of the newest so many letters in Sent, as `Summary` has them, the newest first."""
    rows = tx.all(
        "SELECT w.to_, w.cc FROM placement p JOIN wire w ON w.message_id = p.message_id WHERE p.mailbox_id ="
        " (SELECT id FROM mailbox WHERE account_id = :account_id AND special_use = '\\Sent' ORDER BY id LIMIT 1)"
        " ORDER BY p.received DESC, p.uid DESC LIMIT :limit",
        account_id=account_id,
        limit=limit,
    )
    return [text for row in rows for text in row if text]


LETTER = (
    "SELECT m.id, m.thread_id, m.received, m.sent, m.size, m.attachment, w.from_, w.to_, w.cc, w.bcc, w.reply_to,"
    " w.subject, w.preview, w.message_id_, m.blob_id, m.prefix, m.header_size, w.tree, p.mailbox_id, p.uid, p.modseq,"
    " f.line, b.special_use FROM message m JOIN wire w ON w.message_id = m.id JOIN placement p ON p.message_id = m.id"
    " JOIN flagset f ON f.id = p.flagset_id JOIN mailbox b ON b.id = p.mailbox_id"
)


def letters(tx: Tx, account_id: int, thread_id: int, mailbox_id: int | None = None) -> list[Letter]:
    """The letters of a conversation, the oldest first, as seen from a mailbox: from Trash or Junk only what lies there,
    from elsewhere nothing that lies in these.

    Errors: NotFound for no such conversation, of this account, to be seen from there.
    """
    rows = tx.all(
        f"{LETTER} WHERE m.thread_id = :thread_id AND m.account_id = :account_id"
        " ORDER BY m.received, m.id, p.mailbox_id",
        thread_id=thread_id,
        account_id=account_id,
    )
    found = _letters(rows)
    hidden = any(row[18] == mailbox_id and row[22] in HIDDEN for row in rows)
    if hidden:
        found = [one for one in found if any(placed.mailbox_id == mailbox_id for placed in one.placed)]
    else:
        seen = [one for one in found if any(placed.special_use not in HIDDEN for placed in one.placed)]
        found = seen or found  # all of it was thrown away: an old link still shows it
    if not found:
        raise NotFound("there is no such conversation", advice="It was deleted, perhaps by another program of yours.")
    return found


def placements(tx: Tx, account_id: int, thread_id: int, mailbox_id: int) -> list[Placed]:
    """Where the letters of a conversation lie, as seen from a mailbox: from Trash or Junk only those there, from
    elsewhere none of these. Empty: there is no such conversation."""
    rows = tx.all(
        "SELECT p.mailbox_id, p.uid, p.modseq, f.line, b.special_use FROM message m"
        " JOIN placement p ON p.message_id = m.id JOIN flagset f ON f.id = p.flagset_id"
        " JOIN mailbox b ON b.id = p.mailbox_id WHERE m.thread_id = :thread_id AND m.account_id = :account_id"
        " ORDER BY m.received, m.id",
        thread_id=thread_id,
        account_id=account_id,
    )
    found = [Placed(box, uid, modseq, flag.parse(line), special) for box, uid, modseq, line, special in rows]
    if any(one.mailbox_id == mailbox_id and one.special_use in HIDDEN for one in found):
        return [one for one in found if one.mailbox_id == mailbox_id]
    return [one for one in found if one.special_use not in HIDDEN]


def letter(tx: Tx, account_id: int, message_id: int) -> Letter:
    """One letter of the account. Errors: NotFound: it has none with this id, or has thrown it away."""
    rows = tx.all(
        f"{LETTER} WHERE m.id = :message_id AND m.account_id = :account_id ORDER BY p.mailbox_id",
        message_id=message_id,
        account_id=account_id,
    )
    if not rows:
        raise NotFound("there is no such letter", advice="It was deleted, perhaps by another program of yours.")
    return _letters(rows)[0]


def _letters(rows: Iterable[Row]) -> list[Letter]:
    """Placements of letters as letters, in the same order."""
    placed: dict[int, list[Placed]] = {}
    whole: dict[int, Row] = {}
    for row in rows:
        mailbox_id, uid, modseq, line, special_use = row[18:]
        whole.setdefault(row[0], row)
        placed.setdefault(row[0], []).append(Placed(mailbox_id, uid, modseq, flag.parse(line), special_use))
    made = []
    for ident, row in whole.items():
        values: list[Any] = [
            *row[:5],
            bool(row[5]),
            *row[6:15],
            bytes(row[15]),
            row[16],
            bytes(row[17]),
            tuple(placed[ident]),
        ]
        made.append(Letter(*values))
    return made


def _numbers(numbers: Iterable[int]) -> str:
    """Integers as a list in SQL."""
    return ", ".join(str(int(number)) for number in numbers)
