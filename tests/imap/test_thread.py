"""The algorithms of RFC 5256 §3 on messages written short: one a line, as ``number date subject id < ancestor …``."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap.command import ThreadAlgorithm
from posthouse.imap.sort import Thread, thread_response
from posthouse.imap.thread import MAX_DEPTH, Message, normal_id, threads
from posthouse.message.thread import base_subject


def messages(text: str) -> list[Message]:
    found = []
    for line in text.split("\n"):
        if line.strip():
            left, _, right = line.partition("<")
            number, date, subject, *own = left.split()
            base, is_reply = base_subject(subject.replace("_", " ").replace("-", ""))
            found.append(Message(int(number), int(date), base.encode(), is_reply, own[0] if own else "", right.split()))
    return found


def references(text: str) -> str:
    return thread_response(threads(ThreadAlgorithm.REFERENCES, messages(text))).decode().removeprefix("THREAD").strip()


@pytest.mark.parametrize(
    ("mailbox", "told"),
    [
        ("", ""),
        ("1 1 a i", "(1)"),
        ("1 1 a i\n2 2 b j < i", "(1 2)"),
        # the parent comes later, and the order of the threads is that of the dates
        ("1 9 x j < i\n2 2 a i\n3 1 c k", "(3)(2 1)"),
        # siblings by date
        ("1 1 a i\n2 5 b j < i\n3 4 c k < i", "(1 (3)(2))"),
        ("1 1 a i\n2 2 b j < i\n3 3 c k < i j\n4 4 d l < i j", "(1 2 (3)(4))"),
        # a message between is missing: its children take its place
        ("1 1 a i\n2 2 b k < i j\n3 3 c l < i j", "(1 (2)(3))"),
        # the first of a thread is missing: one answer stands for it, two stay together
        ("1 1 a j < i", "(1)"),
        ("1 1 a j < i\n2 2 b k < i", "((1)(2))"),
        # a second message with the same id, and messages without one
        ("1 1 a i\n2 2 b i\n3 3 c j < i", "(1 3)(2)"),
        ("1 1 a\n2 2 b\n3 3 c - < i", "(1)(2)(3)"),
        # what is said twice about a parent: the message itself knows best
        ("1 1 a i\n2 2 b j\n3 3 c k < i l\n4 4 d l < j", "(1 )(2 4 3)".replace(" )", ")")),
        # a loop
        ("1 1 a i < j\n2 2 b j < i", "(2 1)"),
        ("1 1 a i < i", "(1)"),
        # by subject: answers below what they answer; none or both answers: side by side
        ("1 1 Hi i\n2 2 Re:_Hi j", "(1 2)"),
        ("1 1 Re:_Hi i\n2 2 Hi j", "(2 1)"),
        ("1 1 Hi i\n2 2 Hi j\n3 3 Hi k", "((1)(2)(3))"),
        ("1 1 Re:_Hi i\n2 2 Re:_Hi j", "((1)(2))"),
        ("1 1 Hi i\n2 2 Re:_Hi j\n3 3 Hi k\n4 4 Re:_Hi l", "((1 2)(3)(4))"),
        # two threads whose first messages are missing
        ("1 1 Hi j < i\n2 2 x k < i\n3 3 Hi m < l\n4 4 y n < l", "((1)(2)(3)(4))"),
        ("1 1 Hi j < i\n2 2 x k < i\n3 3 Hi m", "((1)(2)(3))"),
        ("1 0 Hi m\n2 1 Hi j < i\n3 2 x k < i", "((1)(2)(3))"),
        # no subject: nothing is joined
        ("1 1 - i\n2 2 - j", "(1)(2)"),
    ],
)  # fmt: skip
def test_references(mailbox: str, told: str) -> None:
    assert references(mailbox) == told


def test_ordered_subject() -> None:
    mailbox = "1 5 b i\n2 1 a j\n3 3 Re:_b k\n4 2 Re:_a l < i\n5 9 a m"
    assert thread_response(threads(ThreadAlgorithm.ORDEREDSUBJECT, messages(mailbox))) == b"THREAD (2 (4)(5))(3 1)"


def test_ids_with_and_without_quotes() -> None:
    """RFC 5256 §3: these MUST be the same."""
    assert normal_id('<"01KF8JCEOCBS0045PS"@xxx.yyy.com>') == "<01KF8JCEOCBS0045PS@xxx.yyy.com>"


def test_a_chain_without_end_is_cut() -> None:
    """What is told stays a tree of all messages, and time stays bounded."""
    chain = [Message(n, n, b"", False, f"<{n}>", [f"<{n - 1}>"]) for n in range(1, 10 * MAX_DEPTH)]
    found = threads(ThreadAlgorithm.REFERENCES, chain)
    assert sorted(numbers(found)) == [message.number for message in chain]
    assert len(found) > 1


def numbers(found: Sequence[Thread]) -> list[int]:
    waiting = list(found)
    for one in waiting:
        waiting.extend(one.answers)
    return [one.number for one in waiting if one.number is not None]


IDS = st.sampled_from(["", "<a>", "<b>", "<c>", "<d>", "<e>"])
MESSAGES = st.builds(
    Message,
    st.just(0),
    st.integers(0, 5),
    st.sampled_from([b"", b"X", b"Y"]),
    st.booleans(),
    IDS,
    st.lists(IDS.filter(bool), max_size=4),
)


@settings(max_examples=300)
@given(st.lists(MESSAGES, max_size=12), st.sampled_from([ThreadAlgorithm.REFERENCES, ThreadAlgorithm.ORDEREDSUBJECT]))
def test_every_message_is_told_once(given: list[Message], algorithm: ThreadAlgorithm) -> None:
    mailbox = [
        Message(number, one.date, one.subject, one.is_reply, one.id, one.ancestors)
        for number, one in enumerate(given, 1)
    ]
    found = threads(algorithm, mailbox)
    assert sorted(numbers(found)) == list(range(1, len(mailbox) + 1))
    assert all(one.number is not None or len(one.answers) > 1 for one in found)
