"""Message ids and base subjects (RFC 5256 §2.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import thread
from posthouse.message.header import Headers
from posthouse.message.thread import base_subject, id_field, message_ids


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x.org>", ["<a@x.org>"]),
        ("<a@x.org> <b@x.org><c@x.org>", ["<a@x.org>", "<b@x.org>", "<c@x.org>"]),
        ("Your message of Monday <a@x.org> (sic)", ["<a@x.org>"]),
        ("<a@ x.org>", ["<a@x.org>"]),
        ("<[1234]>", ["<[1234]>"]),  # Exchange
        ("a@x.org", ["<a@x.org>"]),
        ("a@x.org b@x.org", []),
        ("none", []),
        ("<>", []),
        ("", []),
        ("<" + "x" * 2_000 + ">", []),
    ],
)
def test_message_ids(value: str, ids: list[str]) -> None:
    assert message_ids(value) == ids


def test_many_references_are_cut_in_the_middle() -> None:
    ids = [f"<{number}@x.org>" for number in range(thread.MAX_REFERENCES + 50)]
    fields = Headers(f"References: {' '.join(ids)}\r\n".encode())
    found = id_field(fields, b"references")
    assert len(found) == thread.MAX_REFERENCES
    assert (found[0], found[1:]) == (ids[0], tuple(ids[51:]))


def test_an_id_that_stands_twice_stays() -> None:
    assert id_field(Headers(b"References: <a> <b>\r\n <a>\r\n"), b"references") == ("<a>", "<b>", "<a>")
    assert id_field(Headers(b"A: b\r\n"), b"references") == ()


@pytest.mark.parametrize(
    ("subject", "base", "is_reply"),
    [
        ("hello", "hello", False),
        ("Re: hello", "hello", True),
        ("re:hello", "hello", True),
        ("RE : hello", "hello", True),
        ("Fw: hello", "hello", True),
        ("Fwd: Re: FW: hello", "hello", True),
        ("Re[2]: hello", "hello", True),
        ("Re [2] : hello", "hello", True),
        ("[list] Re: hello", "hello", True),
        ("[list] [other] hello", "hello", False),
        ("Re: [list] Re: hello", "hello", True),
        ("hello (fwd)", "hello", True),
        ("hello (FWD)  (fwd)", "hello", True),
        ("[fwd: hello]", "hello", True),
        ("Re: [Fwd: Re: hello (fwd)]", "hello", True),
        ("[list]", "[list]", False),
        ("Re: [list]", "[list]", True),
        ("Re:", "", True),
        ("", "", False),
        ("  a \t  b  ", "a b", False),
        ("Reply: hello", "Reply: hello", False),
        ("re hello", "re hello", False),
        ("[unclosed Re: hello", "[unclosed Re: hello", False),
    ],
)
def test_base_subject(subject: str, base: str, is_reply: bool) -> None:
    assert base_subject(subject) == (base, is_reply)


@given(st.lists(st.sampled_from(["Re: ", "Fwd:", "[x]", "[fwd: ", "]", "(fwd)", " ", "a", "["])).map("".join))
def test_a_base_subject_is_its_own(subject: str) -> None:
    base, _ = base_subject(subject)
    assert base_subject(base)[0] == base
