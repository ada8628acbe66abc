"""Modified UTF-7: RFC 3501 §5.1.3."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.imap import utf7


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("~peter/mail/台北/日本語", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),  # the RFC's own
        ("☺!", b"&Jjo-!"),
        ("台北日本語", b"&U,BTF2XlZyyKng-"),
        ("Entwürfe", b"Entw&APw-rfe"),
        ("A&B", b"A&-B"),
        ("&-", b"&--"),
        ("台&", b"&U,A-&-"),
        ("&台", b"&-&U,A-"),
        ("\U0001f4ec", b"&2D3c7A-"),
        ("a\tb", b"a&AAk-b"),
        ("", b""),
    ],
)
def test_both_ways(name: str, octets: bytes) -> None:
    assert utf7.encode(name) == octets
    assert utf7.decode(octets) == name


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"&Jjo!", "begins no"),  # the RFC's own: no shift back
        (b"&U,BTFw-&ZeVnLIqe-", "superfluous"),  # the RFC's own
        (b"&AAk-&AAk-", "superfluous"),
        (b"A&B", "begins no"),
        (b"&", "begins no"),
        (b"&AGE-", "stands for itself"),  # "a"
        (b"&ACY-", "stands for itself"),  # "&"
        (b"&U-", "length"),
        (b"&U,-", "length"),
        (b"&U,BTF-", "length"),
        (b"&U,BTFAA-", "length"),
        (b"&U,B-", "left over"),
        (b"&2D0-", "surrogate"),
        (b"&U/BTFw-", "begins no"),  # "/" is no modified BASE64
        (b"Entw\xfcrfe", "has to encode"),
        (b"a\tb", "has to encode"),
    ],
)
def test_other_forms_are_refused(octets: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        utf7.decode(octets)


def test_half_a_surrogate_pair_is_no_name() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        utf7.encode("\ud83d")


@settings(max_examples=200)
@given(st.text())
def test_round_trip(name: str) -> None:
    assert utf7.decode(utf7.encode(name)) == name


@settings(max_examples=200)
@given(st.text(alphabet="&-,+/AaUJjo9 é\t", max_size=12).map(lambda text: text.encode("latin-1")))
def test_one_name_has_one_form(octets: bytes) -> None:
    try:
        name = utf7.decode(octets)
    except ValueError:
        return
    assert utf7.encode(name) == octets
