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
    """A message in the making of a thread, or a dummy (without a number) in the place of one that isn't there.

    ``place`` (the date, then the number) and ``subject`` of a dummy are those of its first answer.
    """

    __slots__ = ("answers", "is_reply", "number", "parent", "place", "subject")

    def __init__(self) -> None:
        self.number: int | None = None
        self.is_reply = False
        self.subject = b""
        self.place = (0, 0)
        self.parent: Node | None = None
        self.answers: list[Node] = []

    def become(self, message: Message) -> None:
        """The message for which it held the place has come."""
        self.number, self.is_reply, self.subject = message.number, message.is_reply, message.subject
        self.place = (message.date, message.number)


BY_DATE = attrgetter("date")
PLACE = attrgetter("place")


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
    top = _pruned(_linked(messages))
    _sort(top)  # (4)
    top = _joined_by_subject(top)
    _sort(top)  # (6)
    return top


def _linked(messages: Iterable[Message]) -> list[Node]:
    """(1) and (2): parents and children by what the messages refer to; those without a parent."""
    known: dict[str, Node] = {}
    nodes: list[Node] = []
    for message in messages:
        node = known.get(message.id) if message.id else None
        if node is None or node.number is not None:  # another one may have this id already
            node = Node()
            nodes.append(node)
            if message.id:
                known.setdefault(message.id, node)
        node.become(message)
        above: Node | None = None
        for one in message.ancestors:
            ancestor = known.get(one)
            if ancestor is None:
                ancestor = known[one] = Node()
                nodes.append(ancestor)
            if above is not None and ancestor.parent is None and _may_link(above, ancestor):
                ancestor.parent = above
            above = ancestor
        # (B): what the message itself says counts more than what others say of it.
        if above is None or (node.parent is not above and _may_link(above, node)):
            node.parent = above
    for node in nodes:
        if node.parent is not None:
            node.parent.answers.append(node)
    return nodes


def _may_link(parent: Node, child: Node) -> bool:
    """Whether the child isn't the parent itself or above it, and there is room below the parent."""
    above: Node | None = parent
    for _ in range(MAX_DEPTH):
        if above is child:
            return False
        if above is None:
            return True
        above = above.parent
    return False


def _pruned(nodes: list[Node]) -> list[Node]:
    """(3): without dummies, but for those at the top that hold several threads together; the top."""
    downwards = [node for node in nodes if node.parent is None]
    for node in downwards:
        downwards.extend(node.answers)
    top: list[Node] = []
    for node in reversed(downwards):  # children before their parents
        node.answers = [
            real for child in node.answers for real in (child.answers if child.number is None else (child,))
        ]
        if node.parent is None and (node.number is not None or len(node.answers) > 1):
            top.append(node)
        elif node.parent is None:
            top.extend(node.answers)
    top.reverse()
    return top


def _sort(top: list[Node]) -> None:
    """(4) and (6): siblings by date, then as they come in the mailbox."""
    downwards = list(top)
    for node in downwards:
        downwards.extend(node.answers)
    for node in reversed(downwards):
        if len(node.answers) > 1:
            node.answers.sort(key=PLACE)
        if node.number is None:
            first = node.answers[0]
            node.place, node.subject = first.place, first.subject
    top.sort(key=PLACE)


def _joined_by_subject(top: list[Node]) -> list[Node]:
    """(5): threads whose base subject is the same become one."""
    table: dict[bytes, Node] = {}
    for node in top:
        subject = node.subject
        other = table.get(subject)
        if not subject:
            continue
        if other is None or (
            other.number is not None and (node.number is None or (other.is_reply and not node.is_reply))
        ):
            table[subject] = node
    joined: list[Node] = []
    at: dict[bytes, int] = {}  # where in `joined` the node of the table stands
    for node in top:
        subject = node.subject
        other = table.get(subject, node)
        if other is node:
            at[subject] = len(joined)
            joined.append(node)
        elif node.number is None:  # so the other is a dummy, too, and came first
            other.answers += node.answers
        elif other.number is None or (node.is_reply and not other.is_reply):
            other.answers.append(node)
        else:  # neither, or both, are answers: then the other came first
            both = Node()
            both.answers = [other, node]
            both.subject = subject
            table[subject] = joined[at[subject]] = both
    return joined


ALGORITHMS: dict[ThreadAlgorithm, Callable[[Iterable[Message]], Sequence[Thread]]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: ordered_subject,
    ThreadAlgorithm.REFERENCES: references,
}
