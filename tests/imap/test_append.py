"""APPEND: RFC 9051 §6.3.12, with MULTIAPPEND (RFC 3502), literal8 (RFC 3516), UTF8 (RFC 6855), TOOBIG (RFC 7889)."""

from __future__ import annotations

import pytest

from imap_session import converse, machine_in, refused
from posthouse.errors import LocalProtocolError
from posthouse.imap.capability import CAPABILITIES, Offer
from posthouse.imap.command import Append, Noop, Replaces
from posthouse.imap.date import InternalDate
from posthouse.imap.event import AppendAborted, AppendBegin, AppendChunk, AppendEnd, AppendUrl, Command
from posthouse.imap.sequence import STAR
from posthouse.imap.server import ImapServer, Limits
from posthouse.imap.table import State

# A server that offers little beyond the base protocol.
PLAIN = tuple(offer for offer in CAPABILITIES if offer.name not in ("MULTIAPPEND", "CATENATE", "REPLACE"))
BINARY = (*PLAIN, Offer("BINARY"), Offer("UTF8=ACCEPT"))
MULTI = (*BINARY, Offer("MULTIAPPEND"))


@pytest.mark.parametrize(
    ("line", "append"),
    [
        ("APPEND saved-messages (\\Seen) {5+}", Append("saved-messages", 5, ("\\Seen",))),
        ('APPEND inbox "17-Jul-1996 02:44:25 -0700" {5+}', Append("INBOX", 5, (), InternalDate(837596665, -420))),
        ('append "a b" () " 7-Jul-1996 02:44:25 +0000" {5+}', Append("a b", 5, (), InternalDate(836707465, 0))),
        ("APPEND x ~{5+}", Append("x", 5, binary=True)),
        ("APPEND {1+}\nC: x {5+}", Append("x", 5)),
    ],
)
def test_append(line: str, append: Append) -> None:
    events = converse(f"C: a {line}\nC: a)\\x0ab}}\nS: a OK appended\nC: b NOOP\nS: b OK done", offers=BINARY)
    assert events == [
        AppendBegin("a", append, on_its_way=True), AppendChunk(b"a)\nb}"), AppendEnd(), Command("b", Noop()),
    ]  # fmt: skip


def test_a_client_that_waits() -> None:
    machine = machine_in(State.AUTHENTICATED)
    steps = [
        (b"A003 APPEND {14}\r\n", b"+ go on\r\n", []),
        (b"saved-messages (\\Seen) {4}\r\n", b"+ go on\r\n", [AppendBegin]),
        (b"Da", b"", [AppendChunk]),
        (b"te\r\n", b"A003 OK APPEND completed\r\n", [AppendChunk, AppendEnd]),
    ]
    for sent, answer, kinds in steps:
        machine.receive_data(sent)
        met: list[type] = []
        for event in machine.events():
            met.append(type(event))
            if isinstance(event, AppendBegin):
                machine.accept_literal()
            elif isinstance(event, AppendEnd):
                machine.ok("APPEND completed")
        assert (machine.data_to_send(), met) == (answer, kinds)


def test_a_message_never_stands_in_memory() -> None:
    machine = machine_in(State.AUTHENTICATED)
    machine.receive_data(b"a APPEND x {10000000+}\r\n")
    longest = received = 0
    for _ in range(100):
        machine.receive_data(bytes(100_000))
        for event in machine.events():
            if isinstance(event, AppendBegin):
                machine.accept_literal()
            elif isinstance(event, AppendChunk):
                longest = max(longest, len(event.data))
                received += len(event.data)
        assert len(machine.reader) == 0
    assert received == 10_000_000
    assert longest <= 65_536


def test_the_session_says_no() -> None:
    answers = {AppendBegin: lambda machine, event: machine.no("no such mailbox", "TRYCREATE")}
    for announced, on_its_way in (("{5+}\nC: a LOG", True), ("{5}", False)):
        events = converse(
            f"C: a APPEND x {announced}\nS: a NO [TRYCREATE] no such mailbox\nC: b NOOP\nS: b OK done", answers=answers
        )
        assert events == [AppendBegin("a", Append("x", 5), on_its_way), Command("b", Noop())]


def test_the_session_says_no_halfway() -> None:
    def fails(machine: ImapServer, event: AppendChunk) -> None:
        machine.no("the disk is full", "OVERQUOTA")

    machine = machine_in(State.AUTHENTICATED)
    machine.receive_data(b"a APPEND x {150000+}\r\n" + bytes(150_000) + b" {3+}\r\nabc\r\nb NOOP\r\n")
    met: list[type] = []
    for event in machine.events():
        met.append(type(event))
        if isinstance(event, AppendBegin):
            machine.accept_literal()
        elif isinstance(event, AppendChunk):
            fails(machine, event)
        elif isinstance(event, Command):
            machine.ok("done")
    assert met == [AppendBegin, AppendChunk, Command]
    assert machine.data_to_send() == b"a NO [OVERQUOTA] the disk is full\r\nb OK done\r\n"


def test_several_messages() -> None:
    """RFC 3502 §6.3.11."""
    events = converse(
        """
        C: a APPEND saved (\\Seen) {3+}
        C: one (\\Draft) "17-Jul-1996 02:44:25 -0700" {3+}
        C: two ~{5+}
        C: three
        S: a OK appended
        """,
        offers=MULTI,
    )
    assert events == [
        AppendBegin("a", Append("saved", 3, ("\\Seen",)), on_its_way=True),
        AppendChunk(b"one"),
        AppendBegin("a", Append("saved", 3, ("\\Draft",), InternalDate(837596665, -420)), on_its_way=True),
        AppendChunk(b"two"),
        AppendBegin("a", Append("saved", 5, binary=True), on_its_way=True),
        AppendChunk(b"three"),
        AppendEnd(),
    ]


def test_one_message_where_several_are_not_offered() -> None:
    events = converse(
        "C: a APPEND x {3+}\nC: one {3+}\nC: two\nS: a BAD APPEND: expected the end...\nC: b NOOP\nS: b OK done",
        offers=PLAIN,
    )
    assert events == [
        AppendBegin("a", Append("x", 3), on_its_way=True), AppendChunk(b"one"), AppendAborted(), Command("b", Noop()),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "answer"),
    [
        ("rubbish", "BAD APPEND: expected one space..."),
        (" rubbish", "BAD APPEND: expected flags..."),
        (" (\\Foo) {3+}\nC: two", "BAD APPEND: expected a flag..."),
        (" {0+}\nC: ", "NO [CANNOT] APPEND: cancelled by a message of no octets"),
        (" {1001+}\nC: " + "x" * 1001, "NO [TOOBIG] APPEND: a message has at most 1000 octets"),
        (" {3+}\nC: two {3+}\nC: six", "NO [LIMIT] APPEND: at most 2 messages in one command"),
    ],
)
def test_what_goes_wrong_behind_a_message_undoes_it(rest: str, answer: str) -> None:
    events = converse(
        f"C: a APPEND x {{3+}}\nC: one{rest}\nS: a {answer}\nC: b NOOP\nS: b OK done",
        offers=MULTI,
        limits=Limits(append=1000, append_messages=2),
    )
    assert events[0] == AppendBegin("a", Append("x", 3), on_its_way=True)
    assert events[-2:] == [AppendAborted(), Command("b", Noop())]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("APPEND", "BAD APPEND: expected one space..."),
        ("APPEND x", "BAD APPEND: expected one space..."),
        ("APPEND x (\\Seen)", "BAD APPEND: expected one space..."),
        ("APPEND x text", "BAD APPEND: expected flags in parentheses, a date and time, or the message..."),
        ('APPEND x "yesterday" {3+}\nC: abc', "BAD APPEND: expected a date..."),
        ("APPEND x (\\Recent) {3+}\nC: abc", "BAD APPEND: expected a flag..."),
        ("APPEND x () () {3}", "BAD APPEND: expected flags..."),
        ("APPEND A&B {3+}\nC: abc", "NO [CANNOT] APPEND: that can't..."),
        ("APPEND {3+}\nC: A&B {3+}\nC: abc", "NO [CANNOT] APPEND: that can't..."),
        ("APPEND x {1001}", "NO [TOOBIG] APPEND: a message has at most 1000 octets"),
        ("APPEND x {99999999999999999999999}", "NO [TOOBIG]..."),
        ("APPEND x {0}", "NO [CANNOT] APPEND: cancelled..."),
        ("APPEND {2000000}", "BAD APPEND: a command has at most..."),
        ("APPEND x UTF8 ({3}", "BAD APPEND:..."),
    ],
)
def test_refused_before_anything_comes(line: str, answer: str) -> None:
    refused(line, answer, limits=Limits(append=1000))


def test_utf8() -> None:
    """RFC 6855 §4."""
    events = converse("C: a APPEND x () UTF8 (~{3+}\nC: abc)\nS: a OK appended\nC: b NOOP\nS: b OK done", offers=BINARY)
    assert events[0] == AppendBegin("a", Append("x", 3, binary=True, utf8=True), on_its_way=True)
    events = converse("C: a APPEND x UTF8 (~{3+}\nC: abc\nS: a BAD...\nC: b NOOP\nS: b OK done", offers=BINARY)
    assert events[2] == AppendAborted()


def test_too_much_to_throw_away_closes_the_connection() -> None:
    converse(
        "C: a APPEND x {5001+}\nS: a NO [TOOBIG]...\nS: * BYE [LIMIT]...\nS closes", limits=Limits(append=9, skip=5000)
    )


def test_a_connection_lost_in_the_middle() -> None:
    events = converse("C: a APPEND x {5+}\nC| abc\nC eof\nS closes")
    assert events == [AppendBegin("a", Append("x", 5), on_its_way=True), AppendChunk(b"abc")]


def test_a_session_that_forgets_to_answer() -> None:
    for sent in (b"a APPEND x {3+}\r\n", b"a APPEND x {3+}\r\nabc\r\n"):
        machine = machine_in(State.AUTHENTICATED)
        machine.receive_data(sent)
        with pytest.raises(LocalProtocolError, match="APPEND was not answered"):
            for event in machine.events():
                if isinstance(event, AppendBegin) and sent.endswith(b"abc\r\n"):
                    machine.accept_literal()
        assert not machine.data_to_send()


# -- REPLACE: RFC 8508 -----------------------------------------------------------------------------------------------

REPLACE = (*MULTI, Offer("REPLACE"))


@pytest.mark.parametrize(
    ("line", "append"),
    [
        ("REPLACE 4 Drafts (\\Seen) {3+}", Append("Drafts", 3, ("\\Seen",), replaces=Replaces(False, 4))),
        ("UID REPLACE 2000 {6+}\nC: Drafts {3+}", Append("Drafts", 3, replaces=Replaces(True, 2000))),
        ("REPLACE * x ~{3+}", Append("x", 3, binary=True, replaces=Replaces(False, STAR))),
    ],
)
def test_replace(line: str, append: Append) -> None:
    events = converse(f"C: a {line}\nC: abc\nS: a OK appended\nC: b NOOP\nS: b OK done", offers=REPLACE)
    assert events == [AppendBegin("a", append, on_its_way=True), AppendChunk(b"abc"), AppendEnd(), Command("b", Noop())]


@pytest.mark.parametrize("line", ["REPLACE x", "REPLACE 0 x {1}", "REPLACE 1:2 x {1}", "REPLACE 1", "UID REPLACE 1 x"])
def test_malformed_replaces(line: str) -> None:
    refused(line, "BAD...", offers=REPLACE)


def test_one_message_replaces_one() -> None:
    events = converse(
        "C: a REPLACE 1 x {3+}\nC: one {3+}\nC: two\nS: a BAD REPLACE: expected the end...", offers=REPLACE
    )
    assert events[-1] == AppendAborted()


# -- CATENATE: RFC 4469 ----------------------------------------------------------------------------------------------

CATENATE = (*REPLACE, Offer("CATENATE"))


def test_catenate() -> None:
    """RFC 4469, the first example, with literals for which the client doesn't wait."""
    events = converse(
        """
        C: A003 APPEND Drafts (\\Seen) CATENATE (URL "/Drafts;UID=20/;section=HEADER" TEXT {3+}
        C: one URL {9+}
        C: /;UID=200 TEXT {3+}
        C: two)
        S: A003 OK appended
        C: b NOOP
        S: b OK done
        """,
        offers=CATENATE,
    )
    assert events == [
        AppendBegin("A003", Append("Drafts", 0, ("\\Seen",), catenate=True)),
        AppendUrl("/Drafts;UID=20/;section=HEADER"),
        AppendChunk(b"one"),
        AppendUrl("/;UID=200"),
        AppendChunk(b"two"),
        AppendEnd(),
        Command("b", Noop()),
    ]


def test_catenate_among_several_messages() -> None:
    events = converse(
        "C: a APPEND x {3+}\nC: one CATENATE (URL /x) (\\Seen) {3+}\nC: two CATENATE (UTF8 (~{3+}\nC: six))\n"
        "S: a OK appended",
        offers=CATENATE,
    )
    assert events == [
        AppendBegin("a", Append("x", 3), on_its_way=True),
        AppendChunk(b"one"),
        AppendBegin("a", Append("x", 0, catenate=True)),
        AppendUrl("/x"),
        AppendBegin("a", Append("x", 3, ("\\Seen",)), on_its_way=True),
        AppendChunk(b"two"),
        AppendBegin("a", Append("x", 0, catenate=True)),
        AppendChunk(b"six"),
        AppendEnd(),
    ]


def test_catenate_replaces() -> None:
    """RFC 8508 §4.2."""
    events = converse("C: a UID REPLACE 7 x CATENATE (URL /x)\nS: a OK appended", offers=CATENATE)
    assert events[0] == AppendBegin("a", Append("x", 0, replaces=Replaces(True, 7), catenate=True))


def test_the_session_says_no_to_a_url() -> None:
    """The example of RFC 4469 that fails: the answer comes in place of the go-ahead for the next literal."""
    answers = {AppendUrl: lambda machine, event: machine.no("one message expunged", f"BADURL {event.url}")}
    for rest in (" TEXT {3}", " TEXT {3+}\nC: one URL y TEXT {4+}\nC: more)", ")"):
        events = converse(
            f"C: a APPEND x CATENATE (URL /x;UID=1{rest}\nS: a NO [BADURL /x;UID=1] one...\nC: b NOOP\nS: b OK done",
            answers=answers,
            offers=CATENATE,
        )
        assert events[-1] == Command("b", Noop())
        assert AppendEnd() not in events


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        ("CATENATE ()", "BAD APPEND: expected URL, TEXT or UTF8..."),
        ("CATENATE (URL)", "BAD APPEND: expected one space..."),
        ("CATENATE (TEXT x)", "BAD APPEND: expected the text as a literal..."),
        ("CATENATE (TEXT {3+}\nC: oneURL x)", "BAD APPEND: expected one space..."),
        ("CATENATE (TEXT {3+}\nC: one", "BAD APPEND: expected one space..."),
        ("CATENATE (UTF8 ({3+}\nC: one))", "BAD APPEND: expected a literal8..."),
        ("CATENATE (TEXT {600+}\nC: " + "x" * 600 + " TEXT {600}", "NO [TOOBIG] APPEND: a message has at most..."),
        ("CATENATE (URL a URL b URL c)", "NO [LIMIT] APPEND: a message is put together from at most 2 parts"),
    ],
)
def test_catenates_that_are_refused(parts: str, answer: str) -> None:
    events = converse(
        f"C: a APPEND x {parts}\nS: a {answer}\nC: b NOOP\nS: b OK done",
        offers=CATENATE,
        limits=Limits(append=1000, append_parts=2),
    )
    assert events[-2:] == [AppendAborted(), Command("b", Noop())]


def test_octets_that_are_not_utf8() -> None:
    """RFC 6855 §3."""
    machine = machine_in(State.AUTHENTICATED)
    machine.receive_data(b'a CREATE "\xe9"\r\nb APPEND "\xe9" {3+}\r\nabc\r\nc NOOP\r\n')
    for event in machine.events():
        assert event == Command("c", Noop())
        machine.ok("done")
    said = machine.data_to_send().split(b"\r\n")
    assert [line[:6] for line in said if line] == [b"a BAD ", b"b BAD ", b"c OK d"]
