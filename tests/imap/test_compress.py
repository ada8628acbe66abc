"""COMPRESS=DEFLATE: RFC 4978; and UNAUTHENTICATE: RFC 8437."""

from __future__ import annotations

import zlib

import pytest

from imap_session import Friendly, converse, machine_in, refused
from posthouse.imap.answering import CHUNK, PIECES
from posthouse.imap.capability import CAPABILITIES, Offer
from posthouse.imap.command import Noop, Unauthenticate
from posthouse.imap.event import AppendChunk, Command
from posthouse.imap.server import ImapServer
from posthouse.imap.table import State

OFFERS = (*CAPABILITIES, Offer("COMPRESS=DEFLATE"), Offer("UNAUTHENTICATE"))


FLUSHED_NOTHING = b"\0\0\0\xff\xff"


class Peer:
    """A client that has asked for compression."""

    def __init__(self, *, behind: bytes = b"") -> None:
        self.machine: ImapServer = machine_in(State.SELECTED, offers=OFFERS)
        self.answer = Friendly(self.machine, {})
        self.packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.unpacker = zlib.decompressobj(-15)
        self.machine.untagged(b"OK from before")
        self.machine.receive_data(b"a COMPRESS DEFLATE\r\n" + (self.pack(behind) if behind else b""))
        self.events = self.pump()
        greeting = b"* OK from before\r\na OK DEFLATE active\r\n"
        sent = self.machine.data_to_send()
        assert sent.startswith(greeting)
        self.rest = self.unpacker.decompress(sent[len(greeting) :])

    def pack(self, data: bytes) -> bytes:
        return self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)

    def pump(self) -> list[object]:
        events: list[object] = []
        for event in self.machine.events():
            events.append(event)
            self.answer(event)
        return events

    def say(self, data: bytes, size: int = 1 << 30) -> list[object]:
        packed = self.pack(data)
        events: list[object] = []
        for at in range(0, len(packed), size):
            self.machine.receive_data(packed[at : at + size])
            events += self.pump()
        return events

    def heard(self) -> bytes:
        return self.unpacker.decompress(self.machine.data_to_send())


def test_both_ways() -> None:
    for size in (1 << 30, 1):
        peer = Peer()
        assert peer.say(b"b NOOP\r\n", size) == [Command("b", Noop())]
        assert peer.heard() == b"b OK done\r\n"
        assert peer.say(b"c FOO\r\nd NOOP\r\n", size) == [Command("d", Noop())]
        assert peer.heard() == b"c BAD there is no command FOO\r\nd OK done\r\n"
        assert peer.machine.data_to_send() == b""


def test_commands_right_behind_are_packed_already() -> None:
    peer = Peer(behind=b"b NOOP\r\n")
    assert peer.events == [Command("b", Noop())]
    assert peer.rest == b"b OK done\r\n"


def test_news_are_packed_too() -> None:
    peer = Peer()
    peer.machine.untagged(b"3 EXISTS")
    peer.machine.send(b"* 4 EXISTS\r\n" * 1000)
    sent = peer.machine.data_to_send()
    assert len(sent) < 500
    assert peer.unpacker.decompress(sent) == b"* 3 EXISTS\r\n" + b"* 4 EXISTS\r\n" * 1000


def test_a_second_time_is_refused() -> None:
    peer = Peer()
    peer.say(b"b COMPRESS DEFLATE\r\nc NOOP\r\n")
    assert peer.heard() == b"b NO [COMPRESSIONACTIVE] DEFLATE is active already\r\nc OK done\r\n"


def test_a_packed_bomb_is_unpacked_as_it_is_needed() -> None:
    """Fifty megabytes of a message in fifty kilobytes; no more than a little is ever held."""
    peer = Peer()
    peer.say(b"b APPEND x {50000000+}\r\n")
    packed = peer.pack(bytes(50_000_000) + b"\r\nc NOOP\r\n")
    assert len(packed) < 60_000
    peer.machine.receive_data(packed)
    received = 0
    last = None
    for event in peer.machine.events():
        assert len(peer.machine.reader) <= 2 * CHUNK
        received += len(event.data) if isinstance(event, AppendChunk) else 0
        peer.answer(event)
        last = event
    assert received == 50_000_000
    assert last == Command("c", Noop())


def test_the_end_is_not_left_in_the_stream() -> None:
    """Packed octets that are all taken, and stand for more than was asked for at a time."""
    peer = Peer()
    for size in range(2 * CHUNK - 300, 2 * CHUNK + 300, 7):
        events = peer.say(b"b APPEND x {%d+}\r\n%b\r\nc NOOP\r\n" % (size, bytes(size)))
        assert events[-1] == Command("c", Noop())


def test_a_long_line_is_read_to_its_end() -> None:
    peer = Peer()
    assert peer.say(b"b NOOP " + b"x" * 6 * CHUNK + b"\r\nc NOOP\r\n") == [Command("c", Noop())]


def test_a_busy_session_is_not_flooded() -> None:
    peer = Peer()
    packed = peer.pack(b"b NOOP\r\n" * 1_000_000)
    peer.machine.receive_data(packed)
    assert peer.machine.unread == len(packed), "by which the pump stops reading"
    next(peer.machine.events())
    assert len(peer.machine.reader) <= CHUNK
    assert peer.machine.unread >= len(packed) - CHUNK


def test_the_peer_leaves_when_all_is_answered() -> None:
    """Commands and the end of the connection come together: what is packed is read to its end."""
    peer = Peer()
    peer.machine.receive_data(peer.pack(b"b NOOP\r\n" * 10_000 + b"c NOOP\r\n"))
    peer.machine.receive_eof()
    assert peer.pump()[-1] == Command("c", Noop())
    assert peer.machine.closed


def test_damaged_octets_end_the_conversation() -> None:
    peer = Peer()
    peer.machine.receive_data(peer.pack(b"b NOOP\r\n"))
    peer.machine.receive_data(b"\xff\xff\xff\xff")
    assert peer.pump() == [Command("b", Noop())], "what came before the damage is answered"
    assert peer.machine.closed
    assert peer.heard() == b"b OK done\r\n* BYE the compressed octets are damaged\r\n"


def test_nothing_follows_the_end_of_the_stream() -> None:
    peer = Peer()
    peer.machine.receive_data(peer.pack(b"b NOOP\r\n") + peer.packer.flush(zlib.Z_FINISH))
    assert peer.pump() == [Command("b", Noop())]
    assert not peer.machine.closed
    peer.machine.receive_data(b"c NOOP\r\n")
    assert peer.pump() == []
    assert peer.machine.closed
    assert peer.heard() == b"b OK done\r\n* BYE the compressed octets came to an end\r\n"


def test_what_is_no_compression() -> None:
    refused("COMPRESS", "BAD COMPRESS:...", offers=OFFERS)
    refused("COMPRESS LZ4", "BAD COMPRESS: expected DEFLATE at character 13", offers=OFFERS)
    refused("COMPRESS DEFLATE", "BAD there is no command COMPRESS", offers=CAPABILITIES[:1])


def test_unauthenticate() -> None:
    events = converse(
        """
        C: a UNAUTHENTICATE
        S: a OK nobody is logged in
        C: b NOOP
        S: b OK done
        C: c SELECT INBOX
        S: c BAD SELECT: not possible now: you are not logged in
        C: d LOGIN bob secret
        S: d OK logged in
        """,
        offers=OFFERS,
        tls=True,
        answers={Unauthenticate: forget},
    )
    assert events[0] == Command("a", Unauthenticate())


def forget(machine: ImapServer, event: Command) -> None:
    machine.unauthenticated()
    machine.ok("nobody is logged in")


@pytest.mark.parametrize("flush", [zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_PARTIAL_FLUSH, zlib.Z_FINISH])
@pytest.mark.parametrize("level", [0, 1, 6, 9])
@pytest.mark.parametrize("before", [b"b NOOP\r\n", b"".join(b"%d SELECT box%d\r\n" % (n, n * n) for n in range(60))])
def test_unauthenticate_ends_compression(before: bytes, level: int, flush: int) -> None:
    """RFC 8437 §4.1: behind the command's line and behind its answer; also where plain commands are pipelined (§3), and
    wherever the network tears the client's octets."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = packer.compress(before + b"c UNAUTHENTICATE\r\n") + packer.flush(flush)
    if flush == zlib.Z_SYNC_FLUSH and level == 1:
        packed += packer.flush(zlib.Z_FINISH)
    plain = b"d NOOP\r\ne NOOP\r\n"
    end = len(packed)
    # Nothing marks the end of a partial flush: a client that uses it has to wait for the answer.
    for torn in [end] if flush == zlib.Z_PARTIAL_FLUSH else range(end - 12, end + 3):
        peer = Peer()
        peer.answer = Friendly(peer.machine, {Unauthenticate: forget})
        sent = packed + plain
        for some in (sent[:torn], sent[torn:]):
            peer.machine.receive_data(some)
            peer.pump()
        heard = peer.machine.data_to_send()
        assert peer.unpacker.decompress(heard).endswith(b"c OK nobody is logged in\r\n")
        assert peer.unpacker.eof, "so a client knows that what follows is plain"
        assert peer.unpacker.unused_data == b"d OK done\r\ne OK done\r\n", torn


@pytest.mark.parametrize("size", [1, 2, 7])
def test_unauthenticate_in_small_pieces(size: int) -> None:
    peer = Peer()
    peer.answer = Friendly(peer.machine, {Unauthenticate: forget})
    sent = peer.pack(b"b NOOP\r\nc UNAUTHENTICATE\r\n") + peer.packer.flush(zlib.Z_FINISH) + b"d NOOP\r\n"
    for at in range(0, len(sent), size):
        peer.machine.receive_data(sent[at : at + size])
        peer.pump()
    assert peer.unpacker.decompress(peer.machine.data_to_send()).endswith(b"c OK nobody is logged in\r\n")
    assert peer.unpacker.unused_data == b"d OK done\r\n"


def test_others_have_a_turn_while_nothing_is_unpacked() -> None:
    """Flushes of nothing, each a piece of its own: the pump goes on behind the others."""
    peer = Peer()
    peer.machine.receive_data(FLUSHED_NOTHING * 1_000 + peer.pack(b"b NOOP\r\n"))
    turns = 0
    while not (events := peer.pump()):
        assert peer.machine.interrupted
        turns += 1
    assert events == [Command("b", Noop())]
    assert turns == 1_000 // PIECES


def test_compression_may_begin_again() -> None:
    peer = Peer()
    peer.answer = Friendly(peer.machine, {Unauthenticate: forget})
    peer.say(b"b UNAUTHENTICATE\r\n")
    peer.machine.data_to_send()
    peer.machine.authenticated()
    peer.machine.receive_data(b"c COMPRESS DEFLATE\r\n")
    peer.pump()
    assert peer.machine.data_to_send() == b"c OK DEFLATE active\r\n"
    peer.packer, peer.unpacker = zlib.compressobj(9, zlib.DEFLATED, -15), zlib.decompressobj(-15)
    assert peer.say(b"d NOOP\r\n") == [Command("d", Noop())]
    assert peer.heard() == b"d OK done\r\n"
