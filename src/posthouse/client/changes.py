"""What happened in a mailbox since one last looked, with whatever means the server has.

A `State` is what has to be remembered for the question: with QRESYNC (RFC 7162) two numbers; with CONDSTORE the UIDs as
well, because such a server doesn't tell what vanished; without either the flags of every message, to be compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from posthouse.errors import ConfigError
from posthouse.imap.client import Selected
from posthouse.imap.fetch import Attribute
from posthouse.imap.search import Every, Uids
from posthouse.imap.sequence import STAR, SequenceSet
from posthouse.imap.syntax import Malformed
from posthouse.wire.steps import Steps

from . import imap, imap_mailbox, imap_search

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class State:
    """How far a mailbox is known. ``str(state)`` is one line of text, and `State.parse` reads it.

    ``modseq`` is None where the server keeps none. ``uids`` and ``flags`` (UIDs by flags) are kept for servers that
    couldn't tell otherwise; ``names`` are the messages of a POP3 mailbox, which has nothing else.
    """

    uidvalidity: int
    uidnext: int
    modseq: int | None = None
    uids: SequenceSet | None = None
    flags: Mapping[str, SequenceSet] = field(default_factory=dict)
    names: frozenset[int] = frozenset()

    def __str__(self) -> str:
        kept = {name: str(uids) for name, uids in self.flags.items()}
        uids = str(self.uids) if self.uids else ""
        known = [self.uidvalidity, self.uidnext, self.modseq, uids, kept]
        return json.dumps([*known, sorted(self.names)] if self.names else known, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> State:
        """What ``str`` made. `ConfigError` for anything else."""
        try:
            uidvalidity, uidnext, modseq, uids, kept, *more = json.loads(text)
            names = [name for one in more for name in one]
            numbers = [uidvalidity, uidnext, *names, *([] if modseq is None else [modseq])]
            if not all(type(number) is int for number in numbers):
                raise ValueError("numbers are missing")
            flags = {name: SequenceSet.parse(value.encode("ascii")) for name, value in kept.items()}
            known = SequenceSet.parse(uids.encode("ascii")) if uids else None
            return cls(uidvalidity, uidnext, modseq, known, flags, frozenset(names))
        except (ValueError, TypeError, AttributeError, Malformed) as error:
            raise ConfigError(f"{text[:80]!r} is no state of a mailbox", advice="Begin without one.") from error


@dataclass(frozen=True, slots=True)
class Delta(Generic[M]):
    """What happened: the ``new`` messages, ``changed`` flags by UID, UIDs that ``vanished``; ``state`` for next time.

    ``reset``: the server made the mailbox anew, so that all UIDs mean other messages; all it has are ``new``.
    """

    new: M
    changed: Mapping[int, frozenset[str]]
    vanished: Sequence[int]
    state: State
    reset: bool = False


@dataclass(frozen=True, slots=True)
class Event(Generic[M]):
    """One thing that happened: a message is "new", its flags have "changed", or it is "gone".

    ``message`` is there for a new one. ``state`` is where to begin next time (``watch(since=…)``), so that nothing is
    missed; of several things that happened at once, only the last one's is beyond them.
    """

    kind: Literal["new", "changed", "gone"]
    uid: int
    message: M | None
    flags: frozenset[str]
    state: State


@dataclass(frozen=True, slots=True)
class Found:
    """The same as a `Delta`, in UIDs."""

    new: list[int]
    changed: dict[int, frozenset[str]]
    vanished: list[int]
    state: State
    reset: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing happened."""
        return not (self.new or self.changed or self.vanished)


def compare(conversation: imap.Conversation, mailbox: str, old: State | None) -> Steps[Found]:
    """Select the mailbox, and find out what happened since ``old``; without it everything is new."""
    selected = yield from imap.select(conversation, mailbox)
    validity = selected.uidvalidity or 0
    reset = old is not None and old.uidvalidity != validity
    known = None if reset else old
    if known is None:
        present = yield from imap_search.uid_search(conversation, Every())
        flags = (yield from _flags(conversation, present)) if selected.highestmodseq is None else {}
        state = _state(conversation, selected, present, flags, max(present, default=0) + 1)
        return Found(present, {}, [], state, reset)
    if "QRESYNC" in conversation.enabled and known.modseq and selected.highestmodseq:
        return (yield from _by_qresync(conversation, selected, known))
    return (yield from _by_comparison(conversation, selected, known))


def _by_qresync(conversation: imap.Conversation, selected: Selected, known: State) -> Steps[Found]:
    changed: dict[int, frozenset[str]] = {}
    vanished: set[int] = set()
    if selected.highestmodseq != known.modseq:
        told, gone = yield from imap_mailbox.changed_since(conversation, known.modseq or 0, vanished=True)
        changed = {one.uid: one.kept_flags for one in told if one.uid and one.flags is not None}
        for uids in gone:
            for first, last in uids.ranges:  # some servers tell of all that ever vanished: a range may reach far
                vanished.update(range(first, min(last, known.uidnext - 1) + 1))
    new = yield from _new(conversation, selected, known)
    state = _state(conversation, selected, (), {}, max([known.uidnext, *[uid + 1 for uid in new]]))
    return Found(new, _older(changed, known), sorted(vanished), state)


def _by_comparison(conversation: imap.Conversation, selected: Selected, known: State) -> Steps[Found]:
    present = yield from imap_search.uid_search(conversation, Every())
    if known.uids:
        before = set(known.uids.numbers())
    else:  # by flags; or the server has unlearned QRESYNC, and nobody can tell any longer
        before = {uid for uids in known.flags.values() for uid in uids.numbers()}
    vanished = sorted(before - set(present))
    flags: dict[int, frozenset[str]] = {}
    if known.modseq and selected.highestmodseq:
        told, _ = yield from imap_mailbox.changed_since(conversation, known.modseq, vanished=False)
        changed = {one.uid: one.kept_flags for one in told if one.uid and one.flags is not None}
    else:
        flags = yield from _flags(conversation, present)
        old = {uid: frozenset(name.split()) for name, uids in known.flags.items() for uid in uids.numbers()}
        changed = {uid: now for uid, now in flags.items() if uid in old and old[uid] != now}
    new = [uid for uid in present if uid >= known.uidnext]
    state = _state(conversation, selected, present, flags, max([known.uidnext, *[uid + 1 for uid in new]]))
    return Found(new, _older(changed, known), vanished, state)


def _new(conversation: imap.Conversation, selected: Selected, known: State) -> Steps[list[int]]:
    if selected.uidnext is not None and selected.uidnext <= known.uidnext:
        return []
    found = yield from imap_search.uid_search(conversation, Uids(SequenceSet(((known.uidnext, STAR),))))
    return [uid for uid in found if uid >= known.uidnext]  # "n:*" names the last message even if that is older


def _older(changed: dict[int, frozenset[str]], known: State) -> dict[int, frozenset[str]]:
    """Without the new messages."""
    return {uid: flags for uid, flags in changed.items() if uid < known.uidnext}


def _flags(conversation: imap.Conversation, uids: Sequence[int]) -> Steps[dict[int, frozenset[str]]]:
    if not uids:
        return {}
    every = SequenceSet(((1, STAR),))
    told = yield from imap.uid_fetch(conversation, every, (Attribute.UID, Attribute.FLAGS))
    return {one.uid: one.kept_flags for one in told if one.uid}


def _state(
    conversation: imap.Conversation,
    selected: Selected,
    present: Iterable[int],
    flags: Mapping[int, frozenset[str]],
    uidnext: int,
) -> State:
    """What to remember, and no more than this server makes necessary."""
    validity, modseq = selected.uidvalidity or 0, selected.highestmodseq
    uidnext = max(uidnext, selected.uidnext or 0) if selected.uidnext is not None else uidnext
    if modseq and "QRESYNC" in conversation.enabled:
        return State(validity, uidnext, modseq)
    if modseq:
        uids = list(present)
        return State(validity, uidnext, modseq, SequenceSet.of(uids) if uids else None)
    grouped: dict[str, list[int]] = {}
    for uid, names in flags.items():
        grouped.setdefault(" ".join(sorted(names)), []).append(uid)
    return State(validity, uidnext, flags={names: SequenceSet.of(uids) for names, uids in grouped.items()})
