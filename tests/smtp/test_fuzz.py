"""Whatever a client sends: replies, nothing else; bounded memory; and the same however the octets arrive."""

from __future__ import annotations

import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.smtp.limits import Limits
from posthouse.smtp.role import LMTP, MX, SUBMISSION, Role
from posthouse.wire.machine import Tls
from smtp_session import feed, server

WORDS = st.sampled_from(
    [
        b"EHLO x", b"HELO x", b"LHLO x", b"MAIL FROM:<a@b.example>", b"MAIL FROM:", b"RCPT TO:<b@b.example>",
        b"RCPT TO:<>", b"DATA", b"STARTTLS", b"AUTH PLAIN", b"AUTH PLAIN AGFkYQBzZWNyZXQ=", b"AUTH LOGIN YWRh", b"*",
        b"c2VjcmV0", b"RSET", b"NOOP", b"QUIT", b"VRFY x", b"HELP", b"SIZE=5", b" ", b"\r\n", b"\n", b"\r", b".",
        b"\x00", b"\xff", b"<>", b"x" * 40, b"\r\n.\r\n", "ü\u2028".encode(), b"=", b'"', b"BDAT 5", b"BDAT 0 LAST",
        b"BDAT 90 LAST", b"BDAT x",
    ]
)  # fmt: skip
COMMANDS = st.lists(st.one_of(WORDS, WORDS.map(lambda word: word + b"\r\n"), st.binary(max_size=10)), max_size=30)
LINE = re.compile(rb"[2-5][0-5][0-9][ -][\t\x20-\x7e]*")


def run(role: Role, pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
    machine, session = server(
        role, auth="always", limits=Limits(size=60, excess=100, command_line=512, overlong_line=600)
    )
    said = b""
    for piece in pieces:
        said += feed(machine, session, piece)
        assert len(machine.reader) <= max(512, len(piece))
        if machine.tls is Tls.WANTED:
            machine.tls_started()
    machine.receive_eof()
    said += feed(machine, session, b"")
    assert machine.closed
    return said, session.letters


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([MX, SUBMISSION, LMTP]), COMMANDS)
def test_any_octets_give_replies_and_nothing_else(role: Role, pieces: list[bytes]) -> None:
    said, letters = run(role, pieces)
    assert said.endswith(b"\r\n") or not said
    for line in said.split(b"\r\n")[:-1]:
        assert LINE.fullmatch(line)
        assert len(line) <= 510
    assert all(len(letter) <= 60 for letter in letters)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([MX, SUBMISSION, LMTP]), COMMANDS)
def test_it_does_not_matter_how_octets_arrive(role: Role, pieces: list[bytes]) -> None:
    whole = b"".join(pieces).replace(b"STARTTLS", b"NOOP")  # what comes in one go with STARTTLS is thrown away
    assert run(role, [whole]) == run(role, [bytes([octet]) for octet in whole])


def test_many_pipelined_letters_cost_in_proportion() -> None:
    letter = b"MAIL FROM:<a@b.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n" + b"x" * 70 + b"\r\n.\r\n"

    def seconds(count: int) -> float:
        machine, session = server()
        feed(machine, session, b"EHLO x\r\n")
        began = time.process_time()
        feed(machine, session, letter * count)
        assert len(session.letters) == count
        return time.process_time() - began

    seconds(100)
    assert seconds(4000) < 40 * max(seconds(400), 0.005)
