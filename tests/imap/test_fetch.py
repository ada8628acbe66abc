"""FETCH, STORE, COPY, MOVE: RFC 9051 §6.4.5 to §6.4.9, with BINARY, CONDSTORE, PREVIEW, OBJECTID."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imap_session import refused, said
from posthouse.imap.command import Copy, Fetch, Move, Store, StoreOperation
from posthouse.imap.fetch import (
    Attribute,
    BinarySection,
    BinarySize,
    BodySection,
    Item,
    Partial,
    Preview,
    Section,
    Text,
    read_items,
)  # fmt: skip
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.syntax import Cursor

FAST = (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)


def items(text: str) -> tuple[Item, ...]:
    command = said(f"FETCH 1 {text}")
    assert isinstance(command, Fetch)
    return command.items


def test_the_example() -> None:
    """RFC 9051 §6.4.5."""
    assert said("FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])") == Fetch(
        False,
        SequenceSet(((2, 4),)),
        (Attribute.FLAGS, BodySection(Section(text=Text.FIELDS, fields=("DATE", "FROM")))),
    )


@pytest.mark.parametrize(
    ("text", "item", "label"),
    [
        ("FLAGS", Attribute.FLAGS, "FLAGS"),
        ("rfc822.size", Attribute.SIZE, "RFC822.SIZE"),
        ("BODY", Attribute.BODY, "BODY"),
        ("BODYSTRUCTURE", Attribute.BODYSTRUCTURE, "BODYSTRUCTURE"),
        ("MODSEQ", Attribute.MODSEQ, "MODSEQ"),
        ("EMAILID", Attribute.EMAILID, "EMAILID"),
        ("RFC822", BodySection(alias="RFC822"), "RFC822"),
        ("RFC822.HEADER", BodySection(Section(text=Text.HEADER), peek=True, alias="RFC822.HEADER"), "RFC822.HEADER"),
        ("RFC822.TEXT", BodySection(Section(text=Text.TEXT), alias="RFC822.TEXT"), "RFC822.TEXT"),
        ("BODY[]", BodySection(), "BODY[]"),
        ("body.peek[header]", BodySection(Section(text=Text.HEADER), peek=True), "BODY[HEADER]"),
        ("BODY[]<0.2048>", BodySection(partial=Partial(0, 2048)), "BODY[]<0>"),
        ("BODY.PEEK[1.2.MIME]<5.1>", BodySection(Section((1, 2), Text.MIME), True, Partial(5, 1)), "BODY[1.2.MIME]<5>"),
        ("BODY[4.2.HEADER]", BodySection(Section((4, 2), Text.HEADER)), "BODY[4.2.HEADER]"),
        ("BODY[3]", BodySection(Section((3,))), "BODY[3]"),
        ("BODY[TEXT]", BodySection(Section(text=Text.TEXT)), "BODY[TEXT]"),
        ('BODY[HEADER.FIELDS ("To" {2+}\nC: Cc)]', BodySection(Section(text=Text.FIELDS, fields=("To", "Cc"))),
         "BODY[HEADER.FIELDS (To Cc)]"),
        ("BODY[1.HEADER.FIELDS.NOT (X]Y)]", BodySection(Section((1,), Text.FIELDS_NOT, ("X]Y",))),
         'BODY[1.HEADER.FIELDS.NOT ("X]Y")]'),
        ("BINARY[1.2]", BinarySection((1, 2)), "BINARY[1.2]"),
        ("BINARY.PEEK[]<3.4>", BinarySection((), True, Partial(3, 4)), "BINARY[]<3>"),
        ("BINARY.SIZE[7]", BinarySize((7,)), "BINARY.SIZE[7]"),
        ("PREVIEW", Preview(), "PREVIEW"),
        ("PREVIEW (LAZY)", Preview(lazy=True), "PREVIEW"),
        ("PREVIEW (LAZY lazy)", Preview(lazy=True), "PREVIEW"),
    ],
)  # fmt: skip
def test_items(text: str, item: Item, label: str) -> None:
    assert items(text) == (item,)
    assert items(f"({text} UID)") == (item, Attribute.UID)
    assert item.label == label.encode()


def test_macros() -> None:
    assert items("FAST") == FAST
    assert items("ALL") == (*FAST, Attribute.ENVELOPE)
    assert items("full") == (*FAST, Attribute.ENVELOPE, Attribute.BODY)


def test_an_item_is_answered_once() -> None:
    assert items("(FLAGS UID FLAGS)") == (Attribute.FLAGS, Attribute.UID)


def test_uid_fetch_implies_uid() -> None:
    command = said("UID FETCH 443:557 (FLAGS)")
    assert isinstance(command, Fetch)
    assert command.uid
    assert command.items == (Attribute.FLAGS,)


def test_changed_since() -> None:
    command = said("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345 VANISHED)")
    assert isinstance(command, Fetch)
    assert (command.changed_since, command.vanished) == (12345, True)
    assert Attribute.MODSEQ in command.items
    refused("FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "BAD FETCH: VANISHED goes with UID FETCH...")
    refused("UID FETCH 1 FLAGS (VANISHED)", "BAD UID FETCH: VANISHED goes with...")
    refused("FETCH 1 FLAGS (CHANGEDSINCE 0)", "BAD FETCH: expected a mod-sequence...")
    refused("FETCH 1 FLAGS ()", "BAD FETCH:...")
    refused("FETCH 1 FLAGS (FOO)", "BAD FETCH: expected CHANGEDSINCE, VANISHED or PARTIAL...")


@pytest.mark.parametrize(
    "text",
    ["", "()", "FOO", "(FAST)", "BODY[", "BODY[]x", "BODY[FOO]", "BODY[MIME]", "BODY[0]", "BODY[1.]", "BODY[1.0]",
     "BODY[1HEADER]", "BODY[1.FOO]", "BODY[.HEADER]", "BODY[HEADER.1]", "BODY[HEADER.FIELDS]", "BODY[HEADER.FIELDS ()]",
     'BODY[HEADER.FIELDS ("a b")]', 'BODY[HEADER.FIELDS ("")]', "BODY[HEADER.FIELDS (a:b)]", "BODY[]<0>", "BODY[]<0.0>",
     "BODY[]<-1.5>", "BODY[]<1.5", "BODY[]<1.99999999999999999999>", "BODY.PEEK", "FLAGS[1]", "BINARY", "BINARY[TEXT]",
     "BINARY.SIZE[1]<0.1>", "BINARY.SIZE", "PREVIEW (FOO)", "PREVIEW (LAZY", "(FLAGS", "(FLAGS  UID)", "FLAGS UID",
     "BODY[" + "1." * 100 + "1]"],
)  # fmt: skip
def test_what_can_not_be_fetched(text: str) -> None:
    refused(f"FETCH 1 {text}", "BAD FETCH: expected...")


def test_items_and_fields_are_limited() -> None:
    many = " ".join(f"BODY[{number}]" for number in range(1, 102))
    refused(f"FETCH 1 ({many})", "BAD FETCH: expected at most 100 items...")
    many = " ".join(f"f{number}" for number in range(501))
    refused(f"FETCH 1 BODY[HEADER.FIELDS ({many})]", "BAD FETCH: expected at most 500 names...")


@pytest.mark.parametrize(
    "line", ["FETCH", "FETCH 1", "FETCH x FLAGS", "FETCH 0 FLAGS", "FETCH 1, FLAGS", "FETCH 1  FLAGS"]
)
def test_malformed_fetches(line: str) -> None:
    refused(line, "BAD FETCH:...")


def test_no_wrong_section_can_be_made() -> None:
    for wrong in (
        {"part": (0,)}, {"text": Text.MIME}, {"text": Text.FIELDS}, {"fields": ("a",)}, {"part": (1,) * 101},
        {"text": Text.FIELDS, "fields": ("a b",)}, {"text": Text.FIELDS, "fields": ("ü",)},
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"."):
            Section(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="is no part"):
        Partial(0, 0)


PARTS = st.lists(st.integers(1, 2**32 - 1), max_size=4).map(tuple)
FIELDS = st.lists(st.text("abcXYZ-0]\"{*'", min_size=1, max_size=6), min_size=1, max_size=3).map(tuple)
SECTIONS = (
    st.builds(Section, PARTS, st.sampled_from([None, Text.HEADER, Text.TEXT]))
    | st.builds(Section, PARTS, st.sampled_from([Text.FIELDS, Text.FIELDS_NOT]), FIELDS)
    | st.builds(Section, PARTS.filter(bool), st.just(Text.MIME))
)
PARTIALS = st.none() | st.builds(Partial, st.integers(0, 2**63 - 1), st.integers(1, 2**63 - 1))
ITEMS = (
    st.sampled_from(Attribute)
    | st.builds(BodySection, SECTIONS, st.booleans(), PARTIALS)
    | st.builds(BinarySection, PARTS, st.booleans(), PARTIALS)
    | st.builds(BinarySize, PARTS)
    | st.builds(Preview, st.booleans())
)


@settings(max_examples=150)
@given(st.lists(ITEMS, min_size=1, max_size=5, unique=True))
def test_round_trip(wanted: list[Item]) -> None:
    written = b"(" + b" ".join(item.written for item in wanted) + b")"
    cursor = Cursor(written)
    assert read_items(cursor) == tuple(wanted)
    cursor.end()


# -- STORE, COPY, MOVE -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "operation", "flags", "silent"),
    [
        ("+FLAGS (\\Deleted)", StoreOperation.ADD, ("\\Deleted",), False),
        ("-flags.silent (\\seen $Forwarded)", StoreOperation.REMOVE, ("\\Seen", "$Forwarded"), True),
        ("FLAGS ()", StoreOperation.REPLACE, (), False),
        ("FLAGS \\Seen \\Draft \\seen", StoreOperation.REPLACE, ("\\Seen", "\\Draft"), False),
    ],
)
def test_store(text: str, operation: StoreOperation, flags: tuple[str, ...], silent: bool) -> None:
    numbers = SequenceSet(((2, 4),))
    assert said(f"STORE 2:4 {text}") == Store(False, numbers, operation, flags, silent)
    assert said(f"UID STORE 2:4 (UNCHANGEDSINCE 0) {text}") == Store(True, numbers, operation, flags, silent, 0)


@pytest.mark.parametrize(
    "text",
    ["", "FLAGS", "FLAGS ", "FOO (\\Seen)", "*FLAGS (\\Seen)", "FLAGS (\\Recent)", "FLAGS (\\Foo)", "FLAGS (\\Seen",
     "(FOO 1) FLAGS ()", "(UNCHANGEDSINCE x) FLAGS ()", "FLAGS.SILENT.X ()", "FLAGS () more"],
)  # fmt: skip
def test_malformed_stores(text: str) -> None:
    refused(f"STORE 1 {text}", "BAD STORE: expected...")


def test_copy_and_move() -> None:
    numbers = SequenceSet(((2, 4),))
    assert said("COPY 2:4 MEETING") == Copy(False, numbers, "MEETING")
    assert said('UID COPY 4:2 "inbox"') == Copy(True, numbers, "INBOX")
    assert said("MOVE 2:4 x") == Move(False, numbers, "x")
    assert said("UID MOVE 2:4 x") == Move(True, numbers, "x")
    for line in ("COPY", "COPY 2:4", "MOVE x 2:4", "UID COPY 1 a b"):
        refused(line, "BAD...")
