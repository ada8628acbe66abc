"""Letters into mailboxes. Many at a time: each table takes the rows of all of them in a few statements.

A statement costs its own while, however little it does, and lets go of the interpreter's lock, for which the writer's
thread then stands in line behind a busy event loop. So what comes in one letter's name is written together with what
comes in the others': twenty statements for fifty letters, and not for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from posthouse.errors import NotFound, StoreError

from . import bundle, flag, fresh, ordering, quota, thread
from .blob import Blob
from .coming import Coming, take_uids
from .fold import clean, fold
from .portion import in_portions

if TYPE_CHECKING:
    from posthouse.message.summary import Summary

    from .engine import Row, Tx

MESSAGE = (
    "id", "account_id", "thread_id", "blob_id", "prefix", "size", "header_size", "received", "sent", "zone",
    "attachment",
)  # fmt: skip
WIRE = (
    "message_id", "envelope", "body", "bodystructure", "tree", "subject", "from_", "to_", "cc", "bcc", "reply_to",
    "message_id_", "in_reply_to", "reference_ids", "base_subject", "preview",
)  # fmt: skip
FOLDED = ("message_id", "subject", "from_", "to_", "cc", "bcc")
PLACEMENT = ("mailbox_id", "uid", "message_id", "flagset_id", "modseq", "created", "saved", "received")


@dataclass(frozen=True, slots=True)
class Target:
    """A mailbox that gets the message, and with which flags."""

    mailbox_id: int
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter whose octets are kept, or come along with it, and where it goes. `received`: its internal date;
    `prefix`: header lines of ours, shown in front of the octets."""

    blob: Blob
    summary: Summary
    targets: Sequence[Target]
    received: int
    prefix: bytes = b""

    @property
    def size(self) -> int:
        """What it counts for a quota: octets."""
        return len(self.prefix) + self.blob.size


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a message went."""

    mailbox_id: int
    uidvalidity: int
    uid: int
    message_id: int
    modseq: int


class _Placing(NamedTuple):
    """A letter of some letters, on its way into one mailbox."""

    letter: int  # its place among them
    account_id: int
    mailbox_id: int
    flags: frozenset[str]


class _Message(NamedTuple):
    """A letter of some letters, as one account gets it."""

    letter: int
    account_id: int


def append(
    tx: Tx, blob: Blob, summary: Summary, targets: Sequence[Target], received: int, prefix: bytes = b""
) -> list[Appended]:
    """Put a letter into mailboxes, of one account or of many: one message for each account, all sharing the octets.

    Errors: NotFound for a mailbox that is gone; OverQuota when a quota has no room for it; StoreError for what is no
    flag. Nothing was appended then.
    """
    return append_all(tx, [Letter(blob, summary, targets, received, prefix)])[0]


def append_all(tx: Tx, letters: Sequence[Letter]) -> list[list[Appended]]:
    """`append` of letters, one after the other. Errors: that of the first that has one; the transaction has to be
    undone then."""
    appended = []
    for outcome in append_each(tx, letters):
        if isinstance(outcome, StoreError):
            raise outcome
        appended.append(outcome)
    return appended


def append_each(
    tx: Tx, letters: Sequence[Letter], owners: Mapping[int, int] | None = None
) -> list[list[Appended] | StoreError]:
    """Put letters into mailboxes, one after the other; what `append` gives for each, or its error, with which nothing
    of that letter was appended. ``owners``: whose mailboxes these are, if that was read in this transaction."""
    if owners is None:
        owners = _owners(tx, letters)
    refused: dict[int, StoreError] = {}
    placings: list[_Placing] = []
    for number, letter in enumerate(letters):
        try:
            placings += [_placing(number, target, owners) for target in letter.targets]
        except StoreError as error:
            refused[number] = error
    placings = [one for one in placings if one.letter not in refused]
    before, full = _take_room(tx, letters, placings)
    refused |= full
    placings = [one for one in placings if one.letter not in full]
    messages = _insert(tx, letters, list(dict.fromkeys(_Message(one.letter, one.account_id) for one in placings)))
    outcomes: list[list[Appended] | StoreError] = [refused.get(number, []) for number in range(len(letters))]
    for one, appended in zip(placings, _place(tx, letters, placings, messages, before), strict=True):
        outcome = outcomes[one.letter]
        assert isinstance(outcome, list)
        outcome.append(appended)
    return outcomes


def _owners(tx: Tx, letters: Sequence[Letter]) -> dict[int, int]:
    """Whose mailboxes they are that letters go to."""
    owners: dict[int, int] = {}
    wanted = dict.fromkeys(target.mailbox_id for letter in letters for target in letter.targets)
    for among, ids in in_portions(list(wanted)):
        owners.update(tx.all(f"SELECT id, account_id FROM mailbox WHERE id IN ({among})", **ids))  # noqa: S608
    return owners


def _placing(number: int, target: Target, owners: Mapping[int, int]) -> _Placing:
    account_id = owners.get(target.mailbox_id)
    if account_id is None:
        raise NotFound("there is no such mailbox")
    return _Placing(number, account_id, target.mailbox_id, flag.canonical(target.flags))


def _take_room(
    tx: Tx, letters: Sequence[Letter], placings: Sequence[_Placing]
) -> tuple[dict[int, int], dict[int, StoreError]]:
    """Lock the accounts, take a modseq for each placing, and count the messages. The accounts' modseqs before that, and
    the letters that some account has no room for, with why.

    A statement for sixteen accounts, if there is room for all; where there isn't, the letters are gone through in their
    order, and what was taken for one that doesn't fit is given back.
    """
    wanted: dict[int, list[int]] = {}  # modseqs, messages and octets for each account
    accounts: dict[int, dict[int, None]] = {}  # of each letter
    for one in placings:
        demand = wanted.setdefault(one.account_id, [0, 0, 0])
        demand[0] += 1
        theirs = accounts.setdefault(one.letter, {})
        if one.account_id not in theirs:
            theirs[one.account_id] = None
            demand[1] += 1
            demand[2] += letters[one.letter].size
    demands = [quota.Demand(account_id, *demand) for account_id, demand in sorted(wanted.items())]
    before: dict[int, int] = {}
    room: dict[int, quota.Quota] = {}
    for account_id, (modseq, after) in quota.take(tx, demands).items():
        before[account_id] = modseq - wanted[account_id][0]
        room[account_id] = after
        tx.changed(account_id, modseq)
    if not any(after.is_exceeded for after in room.values()):
        return before, {}
    refused: dict[int, StoreError] = {}
    room = {account_id: after.without(*wanted[account_id][1:]) for account_id, after in room.items()}
    for number, theirs in accounts.items():
        size = letters[number].size
        full = next((room[account_id] for account_id in theirs if not room[account_id].has_room(size)), None)
        for account_id in theirs:
            if full is None:
                room[account_id] = room[account_id].without(-1, -size)
            else:
                quota.give_back(tx, account_id, 1, size)
        if full is not None:
            refused[number] = full.refusal(size)
    return before, refused


def _insert(tx: Tx, letters: Sequence[Letter], messages: list[_Message]) -> dict[_Message, int]:
    """The messages themselves, in no mailbox yet; their ids."""
    ids = tx.take_ids("message", len(messages))
    threads = thread.assign(
        tx,
        [thread.Arrival(one.account_id, letters[one.letter].summary, letters[one.letter].received) for one in messages],
        ids,
    )
    fresh.use(tx, [letters[one.letter].blob for one in messages])
    rows: list[Row] = []
    wire: list[Row] = []
    folded: list[Row] = []
    listed: list[Row] = []
    orders: list[Row] = []
    for one, message_id, thread_id in zip(messages, ids, threads, strict=True):
        letter = letters[one.letter]
        summary = letter.summary
        people = _people(summary)
        rows.append(
            (message_id, one.account_id, thread_id, letter.blob.id, letter.prefix, letter.size, summary.header_size,
             letter.received, summary.date, summary.zone, int(summary.has_attachment))
        )  # fmt: skip
        wire.append(
            (message_id, summary.envelope, summary.body, summary.bodystructure, summary.tree, *people,
             clean(summary.reply_to), clean(summary.message_id), clean(" ".join(summary.in_reply_to)),
             clean(" ".join(summary.references)), clean(summary.base_subject), clean(summary.preview))
        )  # fmt: skip
        folded.append((message_id, *map(fold, people)))
        if summary.listed is not None:
            listed.append((message_id, summary.listed))
        orders.append(ordering.row(message_id, summary, letter.received))
    tx.insert("message", MESSAGE, rows)
    tx.insert("wire", WIRE, wire)
    tx.insert("folded", FOLDED, folded)
    tx.insert("listed", ("message_id", "fields"), listed)
    tx.insert("ordering", ordering.COLUMNS, orders)
    return dict(zip(messages, ids, strict=True))


def _people(summary: Summary) -> tuple[str, str, str, str, str]:
    return clean(summary.subject), clean(summary.from_), clean(summary.to), clean(summary.cc), clean(summary.bcc)


def _place(
    tx: Tx,
    letters: Sequence[Letter],
    placings: Sequence[_Placing],
    messages: dict[_Message, int],
    before: dict[int, int],
) -> list[Appended]:
    """The messages into their mailboxes; where each went."""
    modseqs = dict(before)
    boxes: dict[int, list[tuple[int, _Placing, int]]] = {}
    for number, one in enumerate(placings):
        modseqs[one.account_id] += 1
        boxes.setdefault(one.mailbox_id, []).append((number, one, modseqs[one.account_id]))
    uids = take_uids(tx, [_coming(letters, mailbox_id, theirs) for mailbox_id, theirs in boxes.items()])
    flagsets = flag.intern_all(tx, {(one.account_id, one.flags) for one in placings})
    placed: dict[int, Appended] = {}
    rows: list[Row] = []
    for mailbox_id, theirs in boxes.items():
        uidvalidity, first = uids[mailbox_id]
        for uid, (number, one, modseq) in enumerate(theirs, first):
            message_id = messages[_Message(one.letter, one.account_id)]
            flagset_id = flagsets[one.account_id, one.flags]
            received = letters[one.letter].received
            rows.append((mailbox_id, uid, message_id, flagset_id, modseq, modseq, tx.now, received))
            placed[number] = Appended(mailbox_id, uidvalidity, uid, message_id, modseq)
        bundle.came(tx, mailbox_id, first, first + len(theirs) - 1)
    tx.insert("placement", PLACEMENT, rows)
    return [placed[number] for number in range(len(placings))]


def _coming(letters: Sequence[Letter], mailbox_id: int, placings: list[tuple[int, _Placing, int]]) -> Coming:
    return Coming(
        mailbox_id,
        modseq=placings[-1][2],
        messages=len(placings),
        unseen=sum("\\Seen" not in one.flags for _, one, _ in placings),
        deleted=sum("\\Deleted" in one.flags for _, one, _ in placings),
        size=sum(letters[one.letter].size for _, one, _ in placings),
    )
