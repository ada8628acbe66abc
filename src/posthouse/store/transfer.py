"""Mail from files into the store, and out of it. The files themselves are `posthouse.files`; here they are `Item`s.

An import may be cut off at any moment and started again: what is in the store already is passed over. Each message is
noted with a digest of its mailbox, its octets, and how often the same has come before in this import, in the same
transaction that appends it. (So two equal letters in one mailbox of the source stay two.) What was imported and has
been deleted since comes again.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from posthouse.errors import StoreError
from posthouse.files import Item, read
from posthouse.files.large import CHUNK, LARGE, Large
from posthouse.files.target import Format, new_target
from posthouse.message.summary import Summary, summarize

from . import flag, intake, mail, mailbox
from .change import next_modseq

if TYPE_CHECKING:
    from .blob import Blob, Blobs
    from .engine import Store, Tx

# Messages and octets of one transaction: what stands in memory, and how long other writers wait (some 20 ms).
BATCH = 100
BATCH_OCTETS = 8 * 1024 * 1024
ROWS = 500  # of an export, read at a time
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many messages have come in, and how many were there already."""

    new: int = 0
    known: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    """A message to be imported."""

    item: Item
    mailbox: str
    digest: bytes


def import_mail(store: Store, account_id: int, items: Iterable[Item], *, into: str = "") -> Iterator[Progress]:
    """Append all items; yields after each batch, when it is on disk. Blocks.

    Folders become mailboxes below `into`, made where they are missing; the root becomes `into` itself, or INBOX.
    Errors: NotFound, StoreFull, StoreError: the batches before are kept; those of the items' source.
    """
    progress = Progress()
    for batch in _batches(items, into):
        known = store.look(_known, account_id, [entry.digest for entry in batch])
        new = [entry for entry in batch if entry.digest not in known]
        count = _append_all(store, account_id, new) if new else 0
        progress = Progress(progress.new + count, progress.known + len(batch) - count)
        yield progress


def import_file(store: Store, account_id: int, path: Path, *, into: str = "") -> Iterator[Progress]:
    """`import_mail` of an mbox, .eml or .zip file. Errors: MailFileError too."""
    return import_mail(store, account_id, read(path), into=into)


def export_file(
    store: Store, account_id: int, path: Path, names: Sequence[str] = (), form: Format | None = None
) -> Iterator[int]:
    """`export_mail` into a new file or folder; how many messages are in it, one by one. Blocks.

    `form`: what it is; None: what its ending tells. Errors: NotFound, MailFileError, StoreError: then there is no file.
    """
    with new_target(path, form or Format.of(path), alone=len(names) == 1) as writer:
        for count, item in enumerate(export_mail(store, account_id, names), 1):
            writer.add(item)
            yield count


def _batches(items: Iterable[Item], into: str) -> Iterator[list[_Entry]]:
    seen: Counter[bytes] = Counter()
    batch: list[_Entry] = []
    size = 0
    for item in items:
        name = _mailbox_name(item.folder, into)
        octets = blake2b(digest_size=16, key=blake2b(name.encode()).digest())
        for chunk in item.chunks():
            octets.update(chunk)
            size += len(chunk)
        same = octets.digest()
        batch.append(_Entry(item, name, blake2b(same + seen[same].to_bytes(8, "big"), digest_size=16).digest()))
        seen[same] += 1
        if len(batch) == BATCH or size >= BATCH_OCTETS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _known(tx: Tx, account_id: int, digests: Sequence[bytes]) -> set[bytes]:
    """Those that were imported, and are still there."""
    return {
        digest
        for digest in digests
        if tx.one(
            "SELECT 1 FROM imported i JOIN message m ON m.id = i.message_id AND m.removed IS NULL"
            " WHERE i.account_id = :account_id AND i.digest = :digest",
            account_id=account_id,
            digest=digest,
        )
    }


def _append_all(store: Store, account_id: int, entries: list[_Entry]) -> int:
    """Append those that another import hasn't brought meanwhile; their number."""
    spools = [store.blobs.spool() for _ in entries]
    for spool, entry in zip(spools, entries, strict=True):
        for chunk in entry.item.chunks():
            spool.write(chunk)
    summaries = [summarize(spool.octets()) for spool in spools]
    blobs = store.blobs.keep_all_now(spools)
    superfluous = store.run(_append, account_id, entries, blobs, summaries)
    store.blobs.remove(superfluous)
    return len(entries) - len(superfluous)


def _append(
    tx: Tx, account_id: int, entries: list[_Entry], blobs: Sequence[Blob], summaries: list[Summary]
) -> list[str]:
    """The ids of the blobs that aren't needed: another import of the same, at the same time, was quicker."""
    next_modseq(tx, account_id)  # locks the account, so that what is known doesn't change any more
    known = _known(tx, account_id, [entry.digest for entry in entries])
    superfluous = [blob.id for entry, blob in zip(entries, blobs, strict=True) if entry.digest in known]
    boxes: dict[str, int] = {}
    letters = []
    new = []
    for entry, blob, summary in zip(entries, blobs, summaries, strict=True):
        if entry.digest in known:
            continue
        new.append(entry)
        item = entry.item
        if entry.mailbox not in boxes:
            boxes[entry.mailbox] = _mailbox(tx, account_id, entry.mailbox)
        target = intake.Target(boxes[entry.mailbox], _usable_flags(item.flags))
        letters.append(intake.Letter(blob, summary, [target], _received(item, summary, tx.now)))
    tx.insert(
        "imported",
        ("account_id", "digest", "message_id"),
        [
            (account_id, entry.digest, made.message_id)
            for entry, (made,) in zip(new, intake.append_all(tx, letters), strict=True)
        ],
        "ON CONFLICT (account_id, digest) DO UPDATE SET message_id = excluded.message_id",
    )
    return superfluous


def _mailbox_name(folder: str, into: str) -> str:
    """The mailbox for a folder. What can't stand in a name becomes an underline; levels below the deepest that a
    mailbox has become one, and what is too long is cut: a folder's name is no reason to leave its letters behind."""
    levels = [mailbox.UNFIT.sub("_", level) for level in f"{into}/{folder}".split("/") if level]
    levels[mailbox.MAX_LEVELS - 1 :] = filter(None, ["_".join(levels[mailbox.MAX_LEVELS - 1 :])])
    name = unicodedata.normalize("NFC", "/".join(levels)).encode()[: mailbox.MAX_NAME].decode(errors="ignore")
    return name.rstrip("/") or "INBOX"


def _mailbox(tx: Tx, account_id: int, name: str) -> int:
    """The mailbox of this name, made if it is missing."""
    found = mailbox.find(tx, account_id, name) or mailbox.create(tx, account_id, name, subscribed=True)
    return found.id


def _usable_flags(flags: Iterable[str]) -> frozenset[str]:
    """Those that can be kept: a flag of another program is not worth losing a letter."""
    usable: set[str] = set()
    for name in flags:
        try:
            usable |= flag.canonical([name])
        except StoreError:
            continue
    return frozenset(sorted(usable)[: flag.MAX_FLAGS])


def _received(item: Item, summary: Summary, now: int) -> int:
    if item.date is not None:
        return (item.date - EPOCH) // timedelta(seconds=1)
    return now if summary.date is None else summary.date


def export_mail(store: Store, account_id: int, names: Sequence[str] = ()) -> Iterator[Item]:
    """All messages of these mailboxes, or of all of them, as IMAP shows them: our own header lines, then the octets.

    INBOX becomes the root. A mailbox is read portion by portion: what comes meanwhile may be among it. Blocks.
    Errors: NotFound for no such mailbox.
    """
    if names:
        boxes = [store.look(mailbox.existing, account_id, name) for name in names]
    else:
        boxes = store.look(mailbox.list_all, account_id)
    for box in boxes:
        uids = store.look(mail.uids, box.id)
        for start in range(0, len(uids), ROWS):
            some = uids[start : start + ROWS]
            columns = ("prefix", "blob", "size", "flags", "received")
            for _, prefix, blob_id, size, line, received in store.look(
                mail.fetch, box.id, [(some[0], some[-1])], columns
            ):
                octets = octets_of(store.blobs, blob_id, prefix, size)
                folder = "" if box.name == "INBOX" else box.name
                yield Item(octets, flag.parse(line), EPOCH + timedelta(seconds=received), folder)


def octets_of(blobs: Blobs, blob_id: str, prefix: bytes, size: int) -> bytes | Large:
    """A kept letter, for an `Item`: our own header lines and the octets, together so many. Errors: StoreError."""
    if size <= LARGE:
        return prefix + blobs.read(blob_id, 0, size - len(prefix))

    def chunks() -> Iterator[bytes]:
        yield prefix
        with blobs.open(blob_id, longest=CHUNK) as octets:
            for start in range(0, size - len(prefix), CHUNK):
                yield octets[start : start + CHUNK]

    return Large(chunks)
