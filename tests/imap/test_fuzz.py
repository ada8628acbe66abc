"""Whatever a client sends: responses, nothing else; bounded memory; and the same however the octets arrive."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from imap_promises import LOGIN, SEEDS, SELECT, WORDS, check

PIECES = st.sampled_from(WORDS)
COMMANDS = st.lists(
    st.one_of(PIECES, PIECES.map(lambda word: b"a " + word + b"\r\n"), st.binary(max_size=10)), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(COMMANDS, st.sampled_from([b"", LOGIN, SELECT]))
def test_any_octets_give_responses_and_nothing_else(pieces: list[bytes], begin: bytes) -> None:
    check(begin + b"".join(pieces))


def test_what_programs_say() -> None:
    for seed in SEEDS:
        check(seed)
