"""The scribe: a process that writes letters for the servers beside it, and does nothing else.

In a server's process the writer's thread stands in line behind the event loop for the interpreter's lock, at every
statement, and the loop behind it: over many connections neither gets on while the other does. Here a letter is read and
its rows are written beside the loop, and all that comes meanwhile, from whichever server, shares the next transaction.
A letter that comes alone has nobody to share with: to wake another process takes longer than to wake a thread, so the
server writes that one itself (`Store.write_each`).

A server has a line to the scribe: a local socket, over which calls go there in frames, and what came of each comes back
in the same order. A frame is its length and a pickle: both ends are forked from one process, and nobody else has them.
When the scribe ends, whatever ends it, the servers look what it has done of what it had in hand, and write the rest, as
everything from then on. They end it when it stands still (server/stuck.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import pickle
import selectors
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from posthouse.errors import StoreError

from .waiter import settle_here
from .writer import MAX_BATCH, Call, Writer, make_ready

if TYPE_CHECKING:
    from .engine import Asked, Store, Tx

log = logging.getLogger("posthouse.store")

# What came of a call: its result and None; or None, its error, and the cause of that.
Outcome: TypeAlias = tuple[Any, tuple[BaseException, BaseException | None] | None]

LENGTH = struct.Struct("!I")
RECEIVED = 256 * 1024  # octets that are read at a time
# Seconds after which what is ready is written. There are letters of 64 KB that take a tenth of one to be read.
LONGEST = 0.2


class Dictation(asyncio.Protocol):
    """A server's end of its line. For its event loop."""

    def __init__(self, store: Store, process: int) -> None:
        self.process = process  # the scribe's
        self.loop = asyncio.get_running_loop()
        self._store = store
        self._transport: asyncio.Transport | None = None
        self._asked: deque[Asked] = deque()  # without an answer yet
        self._heard = 0.0  # when there was an answer last, or a first call
        self._frames = Frames()

    @classmethod
    async def begin(cls, store: Store, line: socket.socket, process: int) -> Dictation:
        """From now on letters that come to the store side by side go over this line, to this process."""
        _, dictation = await asyncio.get_running_loop().create_connection(lambda: cls(store, process), sock=line)
        return dictation

    def close(self) -> None:
        """From now on the store writes everything itself."""
        self._store.dictation = None
        if self._transport is not None:
            self._transport.close()

    def waited(self) -> float:
        """For how long (seconds) there has been no answer; 0: none is due."""
        return time.monotonic() - self._heard if self._asked else 0.0

    def take(self, calls: Sequence[Asked]) -> Sequence[Asked]:
        """Send the calls of this kind; what is left, the store does."""
        letters = [call for call in calls if call.each]
        if not letters or self._transport is None:
            return calls
        try:
            frame = _frame([(call.fn, call.args[0], call.ready) for call in letters])
        except Exception:  # what can't be pickled raises what it likes
            log.exception("a letter can't be given to the scribe; the server writes it")
            return calls
        if not self._asked:
            self._heard = time.monotonic()
        self._asked += letters
        self._transport.write(frame)
        return [call for call in calls if not call.each]

    # -- called by the event loop --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are not registered as such
        self._store.dictation = self

    def data_received(self, data: bytes) -> None:
        self._heard = time.monotonic()
        for answer in self._frames.feed(data):
            if isinstance(answer, int):
                self._store.write_here([self._asked.popleft() for _ in range(answer)])
                continue
            answered = [self._asked.popleft() for _ in answer]
            for call, (result, failure) in zip(answered, answer, strict=True):
                call.result = result
                if failure is not None:
                    call.error, call.error.__cause__ = failure
            settle_here(answered)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._store.dictation is self:
            self._store.dictation = None
            log.error("the scribe has ended; the server writes letters itself until its next start")
            if exc is None or isinstance(exc, OSError):  # else it isn't the scribe that has failed
                # It lives no more, for its end of the line is closed: what it has not done by now it never will.
                self._store.write_here([_unless_done(call) for call in self._asked if call.done is not None])
                self._asked = deque(call for call in self._asked if call.done is None)
        left = list(self._asked)
        self._asked.clear()
        for call in left:
            call.error = error = StoreError("the process that writes letters ended while it had this one")
            error.in_doubt = True
            error.__cause__ = exc or ConnectionResetError("the scribe has ended")
        settle_here(left)


class Scribe:
    """The process's end of all lines."""

    def __init__(self, lines: socket.socket, open_store: Callable[[], Store]) -> None:
        """``lines``: where the lines come from, one with each octet; when it ends, all is over. ``open_store`` is
        called when there is something to write: until then the store may not be up to date, or not be there."""
        self._lines = lines
        self._open_store = open_store
        self._store: Store | None = None
        self._writer: Writer | None = None
        self._selector = selectors.DefaultSelector()
        self._waiting: deque[tuple[_Line, Call]] = deque()

    def work(self) -> None:
        """Until it is over."""
        self._selector.register(self._lines, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select(0 if self._waiting else None):
                if key.data is None:
                    if not self._take_line():
                        self._end()
                        return
                else:
                    self._attend(key.data, events)
            if self._waiting:
                self._write()

    def _take_line(self) -> bool:
        """Another server's line; False: there will be no more."""
        octet, descriptors, _, _ = socket.recv_fds(self._lines, 1, 1)
        for descriptor in descriptors:
            line = _Line(socket.socket(fileno=descriptor))
            self._selector.register(line.socket, selectors.EVENT_READ, line)
        return bool(octet)

    def _attend(self, line: _Line, events: int) -> None:
        try:
            if events & selectors.EVENT_READ:
                for fn, one, ready in line.receive():
                    self._waiting.append((line, Call(fn, (one,), each=True, ready=ready)))
            if events & selectors.EVENT_WRITE:
                self._flush(line)
        except OSError:  # that server has gone; nobody waits for what it wanted, and the letters will be sent again
            self._selector.unregister(line.socket)
            line.socket.close()
            self._waiting = deque(one for one in self._waiting if one[0] is not line)

    def _flush(self, line: _Line) -> None:
        """Send what there is for a server, at once or when there is room on its line."""
        full = line.flush()
        if full != line.full:
            line.full = full
            self._selector.modify(line.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if full else 0), line)

    def _write(self) -> None:
        """Run what waits, and say what came of it."""
        try:
            store, writer = self._opened()
        except StoreError as error:
            log.error("the scribe can't open the store, the server writes letters itself: %s", error)
            self._give_back()
            return
        batch: list[tuple[_Line, Call]] = []
        began = time.monotonic()
        while self._waiting and len(batch) < MAX_BATCH and time.monotonic() < began + LONGEST:
            batch.append(self._waiting.popleft())
            make_ready(batch[-1][1])
        hints = writer.write([call for _, call in batch])
        outcomes: dict[_Line, list[Outcome]] = {}
        for line, call in batch:
            outcomes.setdefault(line, []).append(_outcome(call))
        for line, theirs in outcomes.items():
            line.answer(theirs)
            self._attend(line, selectors.EVENT_WRITE)
        if hints:
            store.feed.publish(hints)

    def _give_back(self) -> None:
        """Nothing of what waits was done: how many there are of each server."""
        for line, count in Counter(line for line, _ in self._waiting).items():
            line.answer(count)
            self._attend(line, selectors.EVENT_WRITE)
        self._waiting.clear()

    def _opened(self) -> tuple[Store, Writer]:
        if self._store is None:
            self._store = self._open_store()
        if self._writer is None:
            self._writer = self._store.new_writer()
        return self._store, self._writer

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._store is not None:
            self._store.close()


class _Line:
    """The scribe's end of one server's line."""

    def __init__(self, socket: socket.socket) -> None:
        self.socket = socket
        self._frames = Frames()
        self._going = b""
        self.full = False  # it is waited for room on it
        socket.setblocking(False)

    def receive(self) -> Iterator[Any]:
        """What has come. Errors: OSError, also where the server has closed it."""
        try:
            data = self.socket.recv(RECEIVED)
        except BlockingIOError:  # select(2): what is said to be there may not be
            return
        if not data:
            raise ConnectionResetError
        for frame in self._frames.feed(data):
            yield from frame

    def answer(self, answer: list[Outcome] | int) -> None:
        """What the server is told when it is flushed: what came of its next calls, or of how many nothing was done."""
        self._going += _frame(answer)

    def flush(self) -> bool:
        """Send what there is room for; whether something is left. Errors: OSError."""
        with contextlib.suppress(BlockingIOError):
            self._going = self._going[self.socket.send(self._going) :]
        return bool(self._going)


class Frames:
    """What comes over a line, put together."""

    def __init__(self) -> None:
        self._came = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The contents of the frames that are complete."""
        came = self._came
        came += data
        start = 0
        while len(came) >= start + LENGTH.size:
            end = start + LENGTH.size + LENGTH.unpack_from(came, start)[0]
            if len(came) < end:
                break
            yield pickle.loads(came[start + LENGTH.size : end])  # noqa: S301  (see above: nobody else has the line)
            start = end
        del came[:start]


def _frame(content: Any) -> bytes:
    octets = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(octets)) + octets


def _unless_done(call: Asked) -> Asked:
    """The same call, for the store itself: it finds out whether the scribe has done it."""
    call.args = call.done, call.fn, call.ready, call.args[0]
    call.fn, call.each, call.ready = _do_unless_done, False, None
    return call


def _do_unless_done(
    tx: Tx,
    done: Callable[[Tx, Any], bool],
    fn: Callable[[Tx, Sequence[Any]], Sequence[Any]],
    ready: Callable[[Any], Any] | None,
    one: Any,
) -> Any:
    if done(tx, one):
        return None
    (outcome,) = fn(tx, [one if ready is None else ready(one)])
    if isinstance(outcome, StoreError):
        raise outcome
    return outcome


def _outcome(call: Call) -> Outcome:
    """What can be sent of it. A defect, which isn't meant for the caller, is told with its place here."""
    error = call.error
    if error is None:
        return call.result, None
    if isinstance(error, StoreError):
        return None, (error, error.__cause__)  # the database's own error, if any
    log.error("a letter could not be written", exc_info=error)
    return None, (RuntimeError(f"{type(error).__name__}: {error}"), None)
