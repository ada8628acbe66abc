"""Threads, as THREAD wants them: RFC 5256 §3. From messages to trees, in one pass, without any I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from .command import ThreadAlgorithm
from .sort import Threaded

# Answers to answers to …: what would lie deeper begins a new thread, which its subject then joins to the old one. It
# bounds what is climbed for each id, and so the time, whatever a sender writes into References.
MAX_DEPTH = 200


@dataclass(frozen=True, slots=True)
class Message:
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
    """A message in the making of a thread, or a dummy in the place of one that isn't there."""

    __slots__ = ("children", "date", "message", "parent")

    def __init__(self, message: Message | None = None) -> None:
        self.message = message
        self.parent: Node | None = None
        self.children: list[Node] = []
        self.date = 0 if message is None else message.date

    @property
    def first(self) -> Message:
        """The message, or what stands for a dummy: its first child."""
        found = self.message or self.children[0].message
        assert found is not None  # only the root has dummies, and they have children
        return found


BY_DATE = attrgetter("date")


def threads(algorithm: ThreadAlgorithm, messages: Iterable[Message]) -> list[Threaded]:
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


def references(messages: Iterable[Message]) -> list[Threaded]:
    """REFERENCES."""
    top = _pruned(_linked(messages))
    _sort(top)  # (4)
    top = _joined_by_subject(top)
    _sort(top)  # (6)
    return _finished(top)


def _linked(messages: Iterable[Message]) -> list[Node]:
    """(1) and (2): parents and children by what the messages refer to; those without a parent."""
    known: dict[str, Node] = {}
    nodes: list[Node] = []
    for message in messages:
        node = known.get(message.id) if message.id else None
        if node is None:
            node = Node(message)
            nodes.append(node)
            if message.id:
                known[message.id] = node
        elif node.message is None:
            node.message, node.date = message, message.date
        else:  # another one has this id already
            node = Node(message)
            nodes.append(node)
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
        if above is None or _may_link(above, node):
            node.parent = above
    for node in nodes:
        if node.parent is not None:
            node.parent.children.append(node)
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
        downwards.extend(node.children)
    top: list[Node] = []
    for node in reversed(downwards):  # children before their parents
        node.children = [
            real for child in node.children for real in (child.children if child.message is None else (child,))
        ]
        if node.parent is None and (node.message is not None or len(node.children) > 1):
            top.append(node)
        elif node.parent is None:
            top.extend(node.children)
    top.reverse()
    return top


def _sort(top: list[Node]) -> None:
    """(4) and (6): siblings by date, then as they come in the mailbox."""
    downwards = list(top)
    for node in downwards:
        downwards.extend(node.children)
    for node in reversed(downwards):
        if len(node.children) > 1:
            node.children.sort(key=_place)
        if node.message is None:
            node.date = node.children[0].date
    top.sort(key=_place)


def _place(node: Node) -> tuple[int, int]:
    return node.date, node.first.number


def _joined_by_subject(top: list[Node]) -> list[Node]:
    """(5): threads whose base subject is the same become one."""
    table: dict[bytes, Node] = {}
    for node in top:
        subject = node.first.subject
        other = table.get(subject)
        if not subject:
            continue
        if other is None or (
            other.message is not None
            and (node.message is None or (other.message.is_reply and not node.message.is_reply))
        ):
            table[subject] = node
    joined: list[Node] = []
    at: dict[bytes, int] = {}  # where in `joined` the node of the table stands
    for node in top:
        subject = node.first.subject
        other = table.get(subject, node)
        if other is node:
            at[subject] = len(joined)
            joined.append(node)
        elif node.message is None:  # so the other is a dummy, too, and came first
            other.children += node.children
        elif other.message is None or (node.message.is_reply and not other.message.is_reply):
            other.children.append(node)
        else:  # neither, or both, are answers: then the other came first
            both = Node()
            both.children = [other, node]
            table[subject] = joined[at[subject]] = both
    return joined


def _finished(top: list[Node]) -> list[Threaded]:
    """The same, unchangeable; without recursion, for a chain of answers may be long."""
    downwards = list(top)
    for node in downwards:
        downwards.extend(node.children)
    made: dict[int, Threaded] = {}
    for node in reversed(downwards):
        number = None if node.message is None else node.message.number
        made[id(node)] = Threaded(number, tuple([made.pop(id(child)) for child in node.children]))
    return [made[id(node)] for node in top]


ALGORITHMS: dict[ThreadAlgorithm, Callable[[Iterable[Message]], list[Threaded]]] = {
    ThreadAlgorithm.ORDEREDSUBJECT: ordered_subject,
    ThreadAlgorithm.REFERENCES: references,
}
