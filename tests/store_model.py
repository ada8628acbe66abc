"""The store as it should be: all that it promises of one account, in memory. What it refuses is `Refusal` here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from operator import contains
from typing import NamedTuple

Ranges = Sequence[tuple[int, int]]
Flags = frozenset[str]
NO_FLAGS: Flags = frozenset()


class Refusal(Exception):
    """The store doesn't do it, and nothing has changed."""


class Letter(NamedTuple):
    """What a message says; its octets are made of it."""

    subject: str
    body: str


@dataclass
class Box:
    """A mailbox: message and flags of each UID, ascending. `id`: what the store calls it; 0: not known yet."""

    id: int = 0
    special_use: str = ""
    uidnext: int = 1
    placed: dict[int, tuple[int, Flags]] = field(default_factory=dict)

    def place(self, message: int, flags: Flags) -> int:
        self.placed[self.uidnext] = message, flags
        self.uidnext += 1
        return self.uidnext - 1

    def among(self, ranges: Ranges) -> list[int]:
        return [uid for uid in self.placed if any(low <= uid <= high for low, high in ranges)]

    def remove(self, uids: Sequence[int]) -> list[tuple[int, Flags]]:
        return [self.placed.pop(uid) for uid in uids]


@dataclass
class Model:
    """An account. A message is a number, which who calls has from the store."""

    boxes: dict[str, Box]
    subscribed: set[str]
    limit: int | None = None
    letters: dict[int, Letter] = field(default_factory=dict)
    imported: dict[tuple[str, Letter, int], int] = field(default_factory=dict)

    @property
    def messages(self) -> set[int]:
        return {message for box in self.boxes.values() for message, _ in box.placed.values()}

    def room_for(self, count: int) -> None:
        if self.limit is not None and count and len(self.messages) + count > self.limit:
            raise Refusal

    def append(self, names: Iterable[str], message: int, letter: Letter, flags: Flags) -> list[int]:
        self.letters[message] = letter
        return [self.boxes[name].place(message, flags) for name in names]

    def store_flags(self, name: str, ranges: Ranges, op: str, flags: Flags) -> None:
        box = self.boxes[name]
        for uid in box.among(ranges):
            message, old = box.placed[uid]
            box.placed[uid] = message, old | flags if op == "add" else old - flags if op == "remove" else flags

    def remove(self, name: str, ranges: Ranges, flags: Flags = NO_FLAGS) -> list[int]:
        """Those that have the flags: EXPUNGE removes what is deleted."""
        box = self.boxes[name]
        gone = [uid for uid in box.among(ranges) if flags <= box.placed[uid][1]]
        box.remove(gone)
        return gone

    def copy(self, name: str, other: str, ranges: Ranges, *, moving: bool) -> tuple[list[int], list[int]]:
        here, there = self.boxes[name], self.boxes[other]
        uids = here.among(ranges)
        copies = [there.place(*here.placed[uid]) for uid in uids]
        if moving:
            here.remove(uids)
        return uids, copies

    def create(self, name: str, *, unless_there: bool = False) -> None:
        if name in self.boxes and not unless_there:
            raise Refusal
        for level in [*accumulate(name.split("/"), "{}/{}".format)]:
            self.boxes.setdefault(level, Box())

    def delete(self, name: str) -> None:
        if name not in self.boxes or name == "INBOX" or any(other.startswith(f"{name}/") for other in self.boxes):
            raise Refusal
        del self.boxes[name]

    def rename(self, name: str, new: str) -> None:
        if name not in self.boxes or new in self.boxes or (new.startswith(f"{name}/") and name != "INBOX"):
            raise Refusal
        self.create(new)
        if name == "INBOX":  # it stays, and its messages go
            self.copy(name, new, [(1, self.boxes[name].uidnext)], moving=True)
            return
        del self.boxes[new]
        for old in [one for one in self.boxes if one == name or one.startswith(f"{name}/")]:
            self.boxes[new + old.removeprefix(name)] = self.boxes.pop(old)

    def set_special_use(self, name: str, special_use: str) -> None:
        if special_use and special_use in {box.special_use for other, box in self.boxes.items() if other != name}:
            raise Refusal
        self.boxes[name].special_use = special_use

    def search(self, name: str, subject: str, body: str = "", without: str = "") -> list[int]:
        """Subject and body have these texts in them, and the flag isn't there."""
        wanted = Letter(subject.lower(), body.lower())

        def fits(message: int, flags: Flags) -> bool:
            said = map(str.lower, self.letters[message])
            return all(map(contains, said, wanted)) and without.lower() not in map(str.lower, flags)

        return [uid for uid, placed in self.boxes[name].placed.items() if fits(*placed)]

    def new_of(self, items: Sequence[tuple[str, Letter]]) -> list[tuple[str, Letter, int]]:
        """What an import brings: neither here from one before, nor without room; what is twice among it, is twice."""
        seen: Counter[tuple[str, Letter]] = Counter()
        numbered = [(*item, seen.update([item]) or seen[item]) for item in items]
        new = [item for item in numbered if self.imported.get(item) not in self.messages]
        self.room_for(len(new))
        return new

    def import_(self, new: Sequence[tuple[str, Letter, int]], messages: Sequence[int], flags: Flags) -> None:
        for item, message in zip(new, messages, strict=True):
            if item[0] not in self.boxes:
                self.subscribed.add(item[0])
            self.create(item[0], unless_there=True)
            self.append(item[:1], message, item[1], flags)
            self.imported[item] = message

    def export(self) -> dict[str, list[tuple[Letter, Flags]]]:
        states = {name: list(box.placed.values()) for name, box in self.boxes.items() if box.placed}
        return {name: [(self.letters[message], flags) for message, flags in some] for name, some in states.items()}
