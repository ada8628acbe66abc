"""Threads, as THREAD wants them: RFC 5256 §3. From messages to trees, in one pass, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from .command import ThreadAlgorithm

# Answers to answers to …: what would lie deeper begins a new thread, which its subject then joins to the old one. It
# bounds what is climbed for each id, and so the time, whatever a sender writes into References.
MAX_DEPTH = 200


class Messages(NamedTuple):
    """Messages to be threaded, in the order of the mailbox, column by column: a tuple for each takes twice the time.

    ``dates`` as in §2.2; ``subjects`` the base subjects in a form to be compared; ``are_replies`` whether more than the
    base stood there; ``ancestors`` ids of what it answers, the oldest first, with blanks between; ``received`` their
    internal dates.
    """

    numbers: Sequence[int]
    dates: Sequence[int]
    subjects: Sequence[bytes]
    are_replies: Sequence[bool | int]
    ids: Sequence[str]
    ancestors: Sequence[str]
    received: Sequence[int]


class Forest(NamedTuple):
    """Threads: a message is its place in ``numbers``; what is at a place behind them holds some together, and isn't
    there itself (§4). ``top``: those that begin a thread; ``answers``: what is below a message, if anything.
    """

    numbers: Sequence[int]
    top: Sequence[int]
    answers: Mapping[int, Sequence[int]]


def normal_ids(ids: Sequence[str]) -> Sequence[str]:
    """Message ids without their quotes: with or without them they are the same ones (RFC 5256 §3)."""
    if '"' not in "".join(ids):
        return ids
    return [one.replace('"', "").replace("\\", "") if '"' in one else one for one in ids]


def threads(algorithm: ThreadAlgorithm, messages: Messages) -> Forest:
    """The threads of messages."""
    return ALGORITHMS[algorithm](messages)


def ordered_subject(messages: Messages) -> Forest:
    """ORDEREDSUBJECT: what has the same base subject belongs together; the first is the parent of all others."""
    by_subject: dict[bytes, list[int]] = {}
    for one in _by_date(messages):
        by_subject.setdefault(messages.subjects[one], []).append(one)
    # Each thread was met when its first message was: so they are in order.
    answers = {first: others for first, *others in by_subject.values() if others}
    return Forest(messages.numbers, [same[0] for same in by_subject.values()], answers)


def references(messages: Messages) -> Forest:
    """REFERENCES."""
    making = _Making(messages)
    making.join_by_subject()
    return making.made()


def refs(messages: Messages) -> Forest:
    """REFS (draft-ietf-morg-inthread-01 §4): subjects join nothing, and the thread that got a message last is the last.

    The draft says the internal date; Dovecot looks at the Date field there.
    """
    making = _Making(messages)
    making.sort_by_arrival()
    return making.made()


def _by_date(messages: Messages) -> list[int]:
    """Their places; equal ones stay as they are in the mailbox."""
    return sorted(range(len(messages.numbers)), key=messages.dates.__getitem__)


class _Making:
    """Threads in the making. A message is its place in the mailbox, from 0 on; dummies are numbered behind them.

    They are numbers in lists, not an object each: that takes half the time, and the garbage collector none.
    """

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._subjects = messages.subjects
        self._are_replies = messages.are_replies
        self._count = len(messages.numbers)
        in_order = _by_date(messages)
        self._ranks = [0] * self._count
        for rank, one in enumerate(in_order):
            self._ranks[one] = rank
        # Below whom siblings are, by date: they come by date.
        self._answers: dict[int, list[int]] = {}
        self._top: list[int] = []
        parents = _parents(normal_ids(messages.ids), normal_ids(messages.ancestors))
        self._next = len(parents)  # the next dummy
        above = self._pruned(parents)
        for one in in_order:
            parent = above[one]
            if parent < 0:
                self._top.append(one)
                continue
            siblings = self._answers.get(parent)
            if siblings is not None:
                siblings.append(one)
            else:
                self._answers[parent] = [one]
                if parent >= self._count:  # (4): a dummy stands where its first answer would
                    self._top.append(parent)
        # (3): a dummy holds several together, or isn't needed
        self._top = [
            self._answers[one][0] if one >= self._count and len(self._answers[one]) == 1 else one for one in self._top
        ]

    def _pruned(self, parents: list[int]) -> list[int]:
        """(3): whom each message is below, with no dummies between: a message, a dummy at the top, or -1."""
        count = self._count
        above = parents[:count]
        for one, parent in enumerate(above):
            if parent >= count:
                while parent >= count and parents[parent] >= 0:
                    parent = parents[parent]
                above[one] = parent
        return above

    def _rank(self, one: int) -> int:
        return self._ranks[one if one < self._count else self._answers[one][0]]

    def join_by_subject(self) -> None:
        """(5) and (6): threads whose base subject is the same become one."""
        count, answers = self._count, self._answers
        subjects = [self._subjects[one if one < count else answers[one][0]] for one in self._top]
        table: dict[bytes, int] = {}
        for one, subject in zip(self._top, subjects, strict=True):
            other = table.get(subject, -1)
            if other < 0 or (
                other < count and (one >= count or (self._are_replies[other] and not self._are_replies[one]))
            ):
                table[subject] = one
        table.pop(b"", None)
        if len(table) + subjects.count(b"") == len(self._top):
            return  # each subject once
        joined: list[int] = []
        at: dict[bytes, int] = {}  # where in `joined` the one of the table stands
        for one, subject in zip(self._top, subjects, strict=True):
            other = table.get(subject, one)
            if other == one:
                at[subject] = len(joined)
                joined.append(one)
            elif one >= count:  # so the other is a dummy, too, and came first
                self._below(other, answers[one])
            elif other >= count or (self._are_replies[one] and not self._are_replies[other]):
                self._below(other, [one])
            else:  # neither, or both, are answers: then the other came first
                answers[self._next] = [other, one]
                table[subject] = joined[at[subject]] = self._next
                self._next += 1
        joined.sort(key=self._rank)
        self._top = joined

    def _below(self, parent: int, more: Sequence[int]) -> None:
        self._answers[parent] = sorted([*self._answers.get(parent, ()), *more], key=self._rank)

    def sort_by_arrival(self) -> None:
        """The threads by the internal date of their latest message, instead of (4)."""
        received = self._messages.received
        latest: dict[int, int] = {}
        for one in self._top:
            below = [one]
            for other in below:
                below.extend(self._answers.get(other, ()))
            latest[one] = max(received[other] for other in below if other < self._count)
        self._top.sort(key=latest.__getitem__)

    def made(self) -> Forest:
        """The threads."""
        return Forest(self._messages.numbers, self._top, self._answers)


def _parents(ids: Sequence[str], ancestors: Sequence[str]) -> list[int]:
    """(1) and (2): whom each message is below by what the messages refer to; -1: nobody. Then the same of dummies."""
    count = len(ids)
    # The first message that has an id is the one that is meant.
    known = dict(zip(reversed(ids), reversed(range(count)), strict=True))
    known.pop("", None)
    parents = [-1] * count
    for one, its_ancestors in enumerate(ancestors):
        if not its_ancestors and parents[one] < 0:
            continue
        above = -1
        for ancestor_id in its_ancestors.split():
            ancestor = known.get(ancestor_id)
            if ancestor is None:
                ancestor = known[ancestor_id] = len(parents)
                parents.append(-1)
            if above >= 0 and parents[ancestor] < 0 and _may_link(parents, above, ancestor):
                parents[ancestor] = above
            above = ancestor
        # (B): what the message itself says counts more than what others say of it.
        if above < 0 or (parents[one] != above and _may_link(parents, above, one)):
            parents[one] = above
    return parents


def _may_link(parents: list[int], parent: int, child: int) -> bool:
    """Whether the child isn't the parent itself or above it, and there is room below the parent."""
    for _ in range(MAX_DEPTH):
        if parent == child:
            return False
        if parent < 0:
            return True
        parent = parents[parent]
    return False


ALGORITHMS: dict[ThreadAlgorithm, Callable[[Messages], Forest]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: ordered_subject,
    ThreadAlgorithm.REFERENCES: references,
    ThreadAlgorithm.REFS: refs,
}
