"""Whom address fields name, in all the forms that are made of them, and which are remembered."""

from __future__ import annotations

from posthouse.message import people
from posthouse.message.header import Headers
from posthouse.message.order import Place


def test_all_forms_of_a_field() -> None:
    fields = Headers(b"To: Ada <ada@example.org>,\r\n bob@example.org\r\n")
    assert people.read(fields, b"to") == people.People(
        tokens=[(0, "Ada", "ada", "example.org"), (0, "", "bob", "example.org")],
        envelope='(("Ada" NIL "ada" "example.org")(NIL NIL "bob" "example.org"))',
        shown="Ada <ada@example.org>, bob@example.org",
        place=Place(b"ADA", b"ADA"),
    )


def test_a_field_that_is_missing_and_one_that_is_empty() -> None:
    fields = Headers(b"Cc:\r\n")
    assert people.read(fields, b"to") is people.NOBODY
    assert people.read(fields, b"cc") == people.NOBODY._replace(tokens=[])


def test_fields_that_stand_twice_are_read_as_one() -> None:
    fields = Headers(b"To: a@example.org\r\nSubject: x\r\nTo: b@example.org\r\n")
    assert people.read(fields, b"to").shown == "a@example.org, b@example.org"


def test_a_short_field_is_remembered_and_a_long_one_is_not() -> None:
    short, long = b"From: Ada <ada@example.org>\r\n", b"From: %s <ada@example.org>\r\n" % (b"A" * 200)
    for octets, is_remembered in ((short, True), (long, False)):
        first, second = (people.read(Headers(octets), b"from") for _ in range(2))
        assert first == second
        assert (first is second) is is_remembered
