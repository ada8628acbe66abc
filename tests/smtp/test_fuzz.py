"""Whatever a client sends: replies, nothing else; bounded memory; and the same however the octets arrive."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.smtp.role import Role
from smtp_promises import ROLES, WORDS, check_replies, run
from smtp_session import feed, server

PIECES = st.sampled_from(WORDS)
COMMANDS = st.lists(st.one_of(PIECES, PIECES.map(lambda word: word + b"\r\n"), st.binary(max_size=10)), max_size=30)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(ROLES), COMMANDS)
def test_any_octets_give_replies_and_nothing_else(role: Role, pieces: list[bytes]) -> None:
    check_replies(*run(role, pieces))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(ROLES), COMMANDS)
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
