"""Whatever a client sends: replies, nothing else; bounded memory; and the same however the octets arrive."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from pop3_promises import SEEDS, WORDS, check
from pop3_session import feed, server

PIECES = st.sampled_from(WORDS)
COMMANDS = st.lists(st.one_of(PIECES, PIECES.map(lambda word: word + b"\r\n"), st.binary(max_size=10)), max_size=30)


@settings(max_examples=150, deadline=None)
@given(COMMANDS, st.booleans())
def test_any_octets_give_replies_and_nothing_else(pieces: list[bytes], inside: bool) -> None:
    check(b"USER ada\r\nPASS secret\r\n" * inside + b"".join(pieces))


def test_what_programs_say() -> None:
    for seed in SEEDS:
        check(seed)


def test_many_pipelined_commands_cost_in_proportion() -> None:
    def seconds(count: int) -> float:
        machine, session = server()
        feed(machine, session, b"USER ada\r\nPASS secret\r\n")
        began = time.process_time()
        said = feed(machine, session, b"RETR 1\r\nSTAT\r\n" * count)
        assert said.count(b"\r\n.\r\n") == count
        return time.process_time() - began

    seconds(100)
    assert seconds(8000) < 80 * max(seconds(400), 0.005)
