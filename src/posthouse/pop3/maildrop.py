"""The maildrop: the messages as they were at the login, and which of them are marked for deletion. RFC 1939 §4, §5."""

from __future__ import annotations

from array import array

from .reply import Refusal, err


class Maildrop:
    """A snapshot of a mailbox, in some 17 octets a message: 100,000 messages are 1.7 MB.

    ``uids``: ascending; ``sizes``: the octets of each message. Numbers, as clients say them, begin at 1.
    """

    __slots__ = ("_marked", "count", "size", "sizes", "uids", "uidvalidity")

    def __init__(self, uidvalidity: int, uids: array[int], sizes: array[int]) -> None:
        self.uidvalidity = uidvalidity
        self.uids = uids
        self.sizes = sizes
        self.reset()

    def reset(self) -> None:
        """Nothing is marked."""
        self._marked = bytearray(len(self.uids))
        self.count = len(self.uids)  # of the messages that aren't marked
        self.size = sum(self.sizes)  # their octets

    def __len__(self) -> int:
        """All messages, the marked ones too."""
        return len(self.uids)

    def place(self, number: int) -> int:
        """Where a message is. Raises `Refusal` if there is none of that number, or no longer."""
        if not 1 <= number <= len(self.uids):
            raise Refusal(err(f"There is no message {number}; the mailbox has {len(self.uids)}"))
        if self._marked[number - 1]:
            raise Refusal(err(f"Message {number} is deleted already; RSET brings it back"))
        return number - 1

    def mark(self, place: int) -> None:
        """The message at this place, which isn't marked, is to be deleted."""
        self._marked[place] = 1
        self.count -= 1
        self.size -= self.sizes[place]

    def scan_listing(self, place: int) -> bytes:
        """The message's number and its size in octets."""
        return b"%d %d" % (place + 1, self.sizes[place])

    def unique_listing(self, place: int) -> bytes:
        """The message's number and its name, which no other message of the mailbox ever has (RFC 1939 §7, UIDL)."""
        return b"%d %d.%d" % (place + 1, self.uidvalidity, self.uids[place])

    def scan_listings(self, start: int, stop: int) -> bytes:
        """Lines for the messages at these places that aren't marked."""
        listed = zip(range(start + 1, stop + 1), self._marked[start:stop], self.sizes[start:stop], strict=True)
        return b"".join([b"%d %d\r\n" % (number, size) for number, marked, size in listed if not marked])

    def unique_listings(self, start: int, stop: int) -> bytes:
        """Lines for the messages at these places that aren't marked."""
        listed = zip(range(start + 1, stop + 1), self._marked[start:stop], self.uids[start:stop], strict=True)
        validity = self.uidvalidity
        return b"".join([b"%d %d.%d\r\n" % (number, validity, uid) for number, marked, uid in listed if not marked])

    def marked(self) -> list[tuple[int, int]]:
        """The marked messages as ranges of UIDs.

        A range may go over UIDs that aren't in the maildrop: these were gone before it was opened, and never come back.
        """
        ranges: list[tuple[int, int]] = []
        start = self._marked.find(1)
        while start >= 0:
            stop = self._marked.find(0, start)
            stop = len(self._marked) if stop < 0 else stop
            ranges.append((self.uids[start], self.uids[stop - 1]))
            start = self._marked.find(1, stop)
        return ranges
