"""Threads, as THREAD wants them: RFC 5256 §3. From messages to trees, in one pass, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from .command import ThreadAlgorithm
from .sort import Thread, Threaded

# Answers to answers to …: what would lie deeper begins a new thread, which its subject then joins to the old one. It
# bounds what is climbed for each id, and so the time, whatever a sender writes into References.
MAX_DEPTH = 200


class Message(NamedTuple):
    """A message to be threaded: ``date`` as in §2.2; ``subject`` the base subject in a form to be compared;
    ``is_reply`` whether more than the base stood there; ``ancestors`` ids of what it answers, the oldest first.
    """

    number: int
    date: int
    subject: bytes
    is_reply: bool
    id: str
    ancestors: Sequence[str]


def normal_id(id: str) -> str:
    """A message id without its quotes: with or without them it is the same one (RFC 5256 §3)."""
    return id.replace('"', "").replace("\\", "") if '"' in id else id


class Node:
    """A message of a thread; or a dummy, without a number, that holds some together."""

    __slots__ = ("answers", "number")

    def __init__(self, number: int | None, answers: Sequence[Node]) -> None:
        self.number = number
        self.answers = answers


BY_DATE = attrgetter("date")


def threads(algorithm: ThreadAlgorithm, messages: Iterable[Message]) -> Sequence[Thread]:
    """The threads of messages, which come in the order of the mailbox."""
    return ALGORITHMS[algorithm](messages)


def ordered_subject(messages: Iterable[Message]) -> list[Threaded]:
    """ORDEREDSUBJECT: what has the same base subject belongs together; the first is the parent of all others."""
    by_subject: dict[bytes, list[Message]] = {}
    for message in messages:
        by_subject.setdefault(message.subject, []).append(message)
    found = [sorted(same, key=BY_DATE) for same in by_subject.values()]
    found.sort(key=lambda same: (same[0].date, same[0].number))
    return [Threaded(first.number, tuple(Threaded(other.number) for other in others)) for first, *others in found]


def references(messages: Iterable[Message]) -> list[Node]:
    """REFERENCES."""
    columns = list(zip(*messages, strict=True))
    if not columns:
        return []
    forest = _Forest(*columns)
    forest.join_by_subject()
    return forest.nodes()


class _Forest:
    """Threads in the making. A message is its place in the mailbox, from 0 on; dummies are numbered behind them.

    They are numbers in lists, not an object each: that takes half the time, and the garbage collector none.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        dates: Sequence[int],
        subjects: Sequence[bytes],
        are_replies: Sequence[bool],
        ids: Sequence[str],
        ancestors: Sequence[Sequence[str]],
    ) -> None:
        self._numbers = numbers
        self._subjects = subjects
        self._are_replies = are_replies
        self._count = len(numbers)
        in_order = sorted(range(self._count), key=dates.__getitem__)  # equal ones stay as they are in the mailbox
        self._ranks = [0] * self._count
        for rank, one in enumerate(in_order):
            self._ranks[one] = rank
        # Below whom siblings are, by date: they come by date.
        self._answers: dict[int, list[int]] = {}
        self._top: list[int] = []
        parents = _parents(ids, ancestors)
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

    def nodes(self) -> list[Node]:
        """The threads."""
        made: dict[int, Node] = {}
        downwards = list(self._top)
        for one in downwards:
            if one in self._answers:
                downwards.extend(self._answers[one])
        for one in reversed(downwards):  # children before their parents
            below = self._answers.get(one)
            number = self._numbers[one] if one < self._count else None
            made[one] = Node(number, () if below is None else [made[answer] for answer in below])
        return [made[one] for one in self._top]


def _parents(ids: Sequence[str], ancestors: Sequence[Sequence[str]]) -> list[int]:
    """(1) and (2): whom each message is below by what the messages refer to; -1: nobody. Then the same of dummies."""
    count = len(ids)
    # The first message that has an id is the one that is meant.
    known = dict(zip(reversed(ids), reversed(range(count)), strict=True))
    known.pop("", None)
    parents = [-1] * count
    for one, its_ancestors in enumerate(ancestors):
        above = -1
        for ancestor_id in its_ancestors:
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


ALGORITHMS: dict[ThreadAlgorithm, Callable[[Iterable[Message]], Sequence[Thread]]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: ordered_subject,
    ThreadAlgorithm.REFERENCES: references,
}
