"""Submitted letters: Date and Message-ID added, Bcc removed, everything else as it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.complete import complete, split_header

DATE = "Fri, 21 Nov 1997 09:55:06 -0600"
ID = "<1@example.org>"
ADDED = b"Date: " + DATE.encode() + b"\r\nMessage-ID: " + ID.encode() + b"\r\n"


def completed(raw: bytes, sender: str = "") -> bytes:
    end = split_header(raw)
    return complete(raw[:end], date=DATE, message_id=ID, sender=sender) + raw[end:]


def test_missing_fields_are_added_behind_the_others() -> None:
    assert completed(b"From: a@x.org\r\n\r\nHi\r\n") == b"From: a@x.org\r\n" + ADDED + b"\r\nHi\r\n"


@pytest.mark.parametrize("name", ["Date", "DATE", "date ", "Message-Id", "MESSAGE-ID\t"])
def test_present_fields_are_kept_as_they_are(name: str) -> None:
    raw = f"{name}:   odd  value \r\nTo: b@x.org\r\n\r\nHi".encode()
    result = completed(raw)
    assert raw.partition(b"\r\n\r\n")[0] in result
    assert result.lower().count(name.strip().lower().encode() + b":") + (name[-1] in " \t") == 1


def test_a_complete_letter_stays_octet_for_octet() -> None:
    raw = (
        b"date: yesterday\nMessage-id: none\nX-\xff: kept\n"[:33] + b"X-Odd \t:\xff\xfe\0 kept\n folded\n\nbody \r\r\n"
    )
    assert completed(raw) == raw


def test_bcc_goes_with_its_folded_lines() -> None:
    raw = (
        b"Bcc: one@x.org,\r\n two@x.org,\r\n\tthree@x.org\r\nTo: b@x.org\r\nBCC :four@x.org\r\n"
        b"Resent-bcc: five@x.org\r\n\r\nBcc: text\r\n"
    )
    assert completed(raw) == b"To: b@x.org\r\n" + ADDED + b"\r\nBcc: text\r\n"


def test_bcc_folded_over_a_blank_looking_line_goes_whole() -> None:
    assert (
        completed(b"To: b@x.org\r\nBcc: one@x.org,\r\n \r\n two@x.org\r\n\r\n") == b"To: b@x.org\r\n" + ADDED + b"\r\n"
    )


def test_names_that_only_begin_like_bcc_stay() -> None:
    raw = b"Bcc-Note: kept\r\nX-Bcc: kept\r\n"
    assert completed(raw + b"\r\n") == raw + ADDED + b"\r\n"


def test_text_without_any_header_gets_one() -> None:
    assert completed(b"Hello,\r\nthis is text\r\n") == ADDED + b"\r\nHello,\r\nthis is text\r\n"


def test_a_letter_that_begins_with_an_empty_line_has_an_empty_header() -> None:
    assert completed(b"\r\nTo: not a field\r\n") == ADDED + b"\r\nTo: not a field\r\n"
    assert completed(b"\nHi") == ADDED + b"\nHi"


def test_a_forgotten_blank_line_is_put_in_and_no_text_is_lost() -> None:
    assert completed(b"To: b@x.org\r\nHi Bob!\r\nBye\r\n") == b"To: b@x.org\r\n" + ADDED + b"\r\nHi Bob!\r\nBye\r\n"


def test_folded_first_line_is_text() -> None:
    assert completed(b" folded what?\r\n") == ADDED + b"\r\n folded what?\r\n"


def test_a_folded_line_in_front_goes_on_with_nothing_that_is_added() -> None:
    raw = b" From: b@x.org\r\nFrom: a@x.org\r\n\r\nHi\r\n"
    assert completed(raw) == raw[:-6] + ADDED + b"\r\nHi\r\n"


def test_an_empty_letter_and_one_cut_off_in_its_header() -> None:
    assert completed(b"") == ADDED + b"\r\n"
    assert completed(b"Subject: cut") == b"Subject: cut\r\n" + ADDED + b"\r\n"
    assert completed(b"Bcc: cut") == ADDED + b"\r\n"


def test_bare_line_feeds_are_followed() -> None:
    assert completed(b"To: b@x.org\n\nHi\n") == b"To: b@x.org\n" + ADDED.replace(b"\r", b"") + b"\nHi\n"


def test_a_missing_from_is_the_sender_and_never_doubled() -> None:
    assert completed(b"\r\n", sender="ann@x.org") == b"From: ann@x.org\r\n" + ADDED + b"\r\n"
    assert completed(b"from: b@x.org\r\n\r\n", sender="ann@x.org") == b"from: b@x.org\r\n" + ADDED + b"\r\n"


def test_an_mbox_line_in_front_is_no_text_unless_it_is() -> None:
    assert split_header(b"From ann Mon Jan  1\nTo: b@x.org\n\nHi") == len(b"From ann Mon Jan  1\nTo: b@x.org\n\n")
    assert split_header(b"From now on we meet\nat nine.\n") == 0


def test_a_line_that_lost_its_indentation_hides_no_bcc() -> None:
    raw = b"Subject: a long\r\nsubject line\r\nTo: b@x.org\r\nBcc: c@x.org\r\n\r\nHi"
    assert completed(raw) == b"Subject: a long\r\n" + ADDED + b"subject line\r\nTo: b@x.org\r\n\r\nHi"
    assert completed(b"broken\nBcc: c@x.org\n\nBcc: text\n") == ADDED + b"broken\n\nBcc: text\n"


def test_a_name_that_is_not_ascii_is_a_field_nevertheless() -> None:
    raw = "Größe: 1\r\nBcc: c@x.org\r\n\r\nHi".encode()
    assert completed(raw) == "Größe: 1\r\n".encode() + ADDED + b"\r\nHi"


def test_huge_folded_headers_take_linear_time() -> None:
    raw = b"To: a@x.org,\r\n" + b" b@x.org,\r\n" * 200_000 + b"\r\nHi"
    assert split_header(raw) == len(raw) - 2
    assert split_header(b"x" * 2_000_000) == 0
    raw = b"odd\nTo: a@x.org\n" * 50_000
    assert split_header(raw) == len(raw)
    assert split_header(b"odd\n" * 500_000) == 0


ODD = [b"text", b"\xff\0", b"From a", b":"]
LINES = st.sampled_from(
    [b"To: a@x.org", b"Bcc: b@x.org", b" folded", b"", b"Date: x", b"Message-ID: <y>", b"\t", b"X-A:", *ODD]
)


@given(st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n"])).map(b"".join)).map(b"".join), st.booleans())
def test_any_text_keeps_all_but_bcc(raw: bytes, cut: bool) -> None:
    raw = raw.rstrip(b"\r\n") if cut else raw
    end = split_header(raw)
    result = completed(raw)
    assert result.endswith(raw[end:])
    header = result[: len(result) - len(raw) + end]
    assert b"\nbcc:" not in b"\n" + header.lower()
    for line in raw[:end].splitlines():
        if b"b@x.org" not in line and line.strip() not in (b"folded", b""):
            assert line in header
    if not set(ODD) & set(raw[:end].splitlines()):
        assert split_header(result) == len(header)  # the body is where it was
        assert complete(header, date="other", message_id="other") == header


def test_a_bcc_behind_the_mark_of_utf8() -> None:
    header = b"\xef\xbb\xbfBcc: eve@x.org\r\nFrom: a@x.org\r\n\r\n"
    assert complete(header, date="D", message_id="<m>") == b"From: a@x.org\r\nDate: D\r\nMessage-ID: <m>\r\n\r\n"
