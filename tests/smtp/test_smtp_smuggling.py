"""SMTP smuggling (CVE-2023-51764, CVE-2023-51765, CVE-2023-51766 and their kin): a letter inside a letter.

Two servers that don't agree on what ends a letter let a stranger's letter through in the name of the first server's
user. Here only CR LF . CR LF ends one; whatever else looks like an end is a part of the letter.
"""

from __future__ import annotations

import pytest

from posthouse.smtp.event import Aborted, Chunk, End, Event
from posthouse.wire.dot import DotWriter
from smtp_session import feed, opening, server
from smuggling import SMUGGLED, TRICKS
from transcript import converse

BEGIN = b"HELO x\r\nMAIL FROM:<ada@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n"


@pytest.mark.parametrize("trick", TRICKS)
def test_no_trick_ends_a_letter(trick: bytes) -> None:
    for pieces in (
        [BEGIN + b"Hello" + trick + SMUGGLED],
        [bytes([octet]) for octet in BEGIN + b"Hello" + trick + SMUGGLED],
    ):
        machine, session = server()
        said = b"".join(feed(machine, session, piece) for piece in pieces)
        assert said.count(b"354 ") == 1
        assert said.count(b"250 2.1.0") == 1
        assert len(session.letters) == 1
        assert b"MAIL FROM:<boss@example.org>" in session.letters[0]


@pytest.mark.parametrize("trick", TRICKS)
def test_what_was_taken_in_with_a_trick_goes_out_without_it(trick: bytes) -> None:
    """Both directions: the next server sees the letter's end where we saw it, even one that takes bare line feeds."""
    machine, session = server()
    feed(machine, session, BEGIN + b"Hello" + trick + SMUGGLED)
    writer = DotWriter()
    wire = writer.write(session.letters[0]) + writer.end()
    lenient = wire.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    assert lenient.count(b"\n.\n") == 1
    assert wire.replace(b"\r\n", b"").count(b"\n") == wire.replace(b"\r\n", b"").count(b"\r") == 0


def test_a_letter_that_is_cut_off_is_no_letter() -> None:
    def run(rest: str) -> list[Event]:
        return converse(
            opening(),
            f"""
            C: HELO x
            C: MAIL FROM:<>
            C: RCPT TO:<b@b.example>
            C: DATA
            C: half a letter
            {rest}
            C eof
            S: 250 mx.example
            S: 250 2.1.0 Sender OK
            S: 250 2.1.5 Recipient OK
            S: 354 ...
            S closes
            """,
        )

    for rest in ("", "C| .", "C| .\\x0d", "C| \\x0d\\x0a.", "C| .\\x0a"):
        happened = run(rest)
        assert isinstance(happened[-1], Aborted)
        assert not any(isinstance(event, End) for event in happened)


def test_bare_line_ends_are_handed_over_as_they_came() -> None:
    machine, session = server()
    feed(machine, session, BEGIN + b"a\nb\rc\r\n.\r\n")
    assert session.letters == [b"a\nb\rc\r\n"]


def test_commands_do_not_hide_behind_bare_line_feeds() -> None:
    machine, session = server()
    said = feed(machine, session, b"HELO x\nHELO y\r\nMAIL FROM:<a@b.example>\nRCPT TO:<b@b.example>\r\n")
    assert [line[:3] for line in said.splitlines()] == [b"500", b"250", b"500", b"503"]


def test_a_chunk_never_ends_inside_a_line_end() -> None:
    machine, session = server()
    feed(machine, session, BEGIN)
    for octet in b"one\r\n..two\r\n\r\nthree\r\n.\r\n":
        machine.receive_data(bytes([octet]))
        for event in machine.events():
            assert not (isinstance(event, Chunk) and event.data.endswith(b"\r"))
            session.handle(event)
    assert session.letters == [b"one\r\n.two\r\n\r\nthree\r\n"]
