"""The algorithms of RFC 5256 §3 on messages written short: one a line, as ``number date subject id < ancestor …``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap.command import ThreadAlgorithm
from posthouse.imap.sort import thread_response
from posthouse.imap.thread import MAX_DEPTH, Forest, Messages, normal_ids, threads
from posthouse.message.thread import base_subject


class Message(NamedTuple):
    """A column of `Messages`, across."""

    number: int
    date: int
    subject: bytes
    is_reply: bool
    id: str
    ancestors: str
    received: int


def columns(rows: Sequence[Message]) -> Messages:
    return Messages(*zip(*rows, strict=True)) if rows else Messages((), (), (), (), (), (), ())


def messages(text: str) -> Messages:
    """``number date[@received] subject id < ancestor …``"""
    found = []
    for line in text.split("\n"):
        if line.strip():
            left, _, right = line.partition("<")
            number, dates, subject, *own = left.split()
            date, _, received = dates.partition("@")
            base, is_reply = base_subject(subject.replace("_", " ").replace("-", ""))
            own_id = own[0] if own else ""
            moments = int(date), int(received or date)
            found.append(Message(int(number), moments[0], base.encode(), is_reply, own_id, right.strip(), moments[1]))
    return columns(found)


def threaded(algorithm: ThreadAlgorithm, text: str) -> str:
    return thread_response(threads(algorithm, messages(text))).decode().removeprefix("THREAD").strip()


def references(text: str) -> str:
    return threaded(ThreadAlgorithm.REFERENCES, text)


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


@pytest.mark.parametrize(
    ("mailbox", "told"),
    [
        ("", ""),
        ("1 1 Hi i\n2 2 Re:_Hi j", "(1)(2)"),
        ("1 1 a i\n2 2 b j\n3 3 Re:_a k < i", "(2)(1 3)"),
        # by when they came, though they were sent in another order; within a thread as they were sent
        ("1 9@1 a i\n2 1@2 b j", "(1)(2)"),
        ("1 5@5 a i\n2 3@8 b j < i\n3 2@9 c k < i\n4 6@6 d l", "(4)(1 (3)(2))"),
        # the first of a thread is missing
        ("1 1 a j < i\n2 2 b k < i\n3 3 c l", "((1)(2))(3)"),
        ("1 1 a j < i\n2 9 b k < i\n3 3 c l", "(3)((1)(2))"),
    ],
)  # fmt: skip
def test_refs(mailbox: str, told: str) -> None:
    assert threaded(ThreadAlgorithm.REFS, mailbox) == told


def test_ordered_subject() -> None:
    mailbox = "1 5 b i\n2 1 a j\n3 3 Re:_b k\n4 2 Re:_a l < i\n5 9 a m"
    assert thread_response(threads(ThreadAlgorithm.ORDEREDSUBJECT, messages(mailbox))) == b"THREAD (2 (4)(5))(3 1)"


def test_ids_with_and_without_quotes() -> None:
    """RFC 5256 §3: these MUST be the same."""
    assert normal_ids(['<"01KF8JCEOCBS0045PS"@xxx.yyy.com>', "<a>"]) == ["<01KF8JCEOCBS0045PS@xxx.yyy.com>", "<a>"]
    assert references('1 1 a i@x\n2 2 b j < "i"@x') == "(1 2)"


def test_a_chain_without_end_is_cut() -> None:
    """What is told stays a tree of all messages, and time stays bounded."""
    chain = [Message(n, n, b"", False, f"<{n}>", f"<{n - 1}>", n) for n in range(1, 10 * MAX_DEPTH)]
    found = threads(ThreadAlgorithm.REFERENCES, columns(chain))
    assert sorted(numbers(found)) == [message.number for message in chain]
    assert len(found.top) > 1


def numbers(found: Forest) -> list[int]:
    waiting = list(found.top)
    for one in waiting:
        waiting.extend(found.answers.get(one, ()))
    return [found.numbers[one] for one in waiting if one < len(found.numbers)]


IDS = st.sampled_from(["", "<a>", "<b>", "<c>", "<d>", "<e>"])
MESSAGES = st.builds(
    Message,
    st.just(0),
    st.integers(0, 5),
    st.sampled_from([b"", b"X", b"Y"]),
    st.booleans(),
    IDS,
    st.lists(IDS.filter(bool), max_size=4).map(" ".join),
    st.integers(0, 5),
)


@settings(max_examples=300)
@given(st.lists(MESSAGES, max_size=12), st.sampled_from(ThreadAlgorithm))
def test_every_message_is_told_once(given: list[Message], algorithm: ThreadAlgorithm) -> None:
    mailbox = [one._replace(number=number) for number, one in enumerate(given, 1)]
    found = threads(algorithm, columns(mailbox))
    assert sorted(numbers(found)) == list(range(1, len(mailbox) + 1))
    assert all(one < len(mailbox) or len(found.answers[one]) > 1 for one in found.top)
    written = thread_response(found)
    assert sorted(map(int, re.findall(rb"\d+", written))) == list(range(1, len(mailbox) + 1))
    assert written.count(b"(") == written.count(b")")
