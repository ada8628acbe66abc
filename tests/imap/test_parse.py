"""A server's responses, as a client reads them: RFC 9051 §7, and what servers really send."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import LimitError, RemoteProtocolError
from posthouse.imap.answer import (
    Capabilities,
    Code,
    Condition,
    Continue,
    Enabled,
    ESearch,
    Exists,
    Expunge,
    Fetched,
    Flags,
    Found,
    Listed,
    MailboxStatus,
    Namespace,
    Namespaces,
    Recent,
    Response,
    ServerId,
    Tagged,
    Unknown,
    Vanished,
)  # fmt: skip
from posthouse.imap.date import InternalDate
from posthouse.imap.fetch import BinarySection, BinarySize, BodySection, Partial, Section, Text
from posthouse.imap.parse import ResponseLimits, read_response
from posthouse.imap.sequence import SequenceSet
from posthouse.imap.structure import EnvelopeAddress
from posthouse.wire.reader import Parse, Reader
from wire_helpers import read

LIMITS = ResponseLimits(line=20_000, literal=5_000, response=8_000, literals=20)


def parse(reader: Reader) -> Parse[Response]:
    return (yield from read_response(reader, LIMITS))


def response(data: bytes) -> Response:
    """Read in every way, with trailing octets."""
    for rest in (b"", b"* 3 EXISTS\r\n"):
        result, left = read(parse, data + b"\r\n" + rest)
        assert left == rest
    return result


def fetched(data: bytes) -> Fetched:
    result = response(data)
    assert isinstance(result, Fetched)
    return result


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"a047 OK Done", Tagged("a047", "OK", None, "Done")),
        (b"A7 no [TRYCREATE] No such mailbox", Tagged("A7", "NO", Code("TRYCREATE"), "No such mailbox")),
        (b"A7 OK", Tagged("A7", "OK", None, "")),
        (b"* OK [UIDVALIDITY 385752904] UIDs valid", Condition("OK", Code("UIDVALIDITY", b"385752904"), "UIDs valid")),
        (b"* BYE see you {5}", Condition("BYE", None, "see you {5}")),
        (b"* PREAUTH hello", Condition("PREAUTH", None, "hello")),
        (b"* OK [ALERT text", Condition("OK", None, "[ALERT text")),
        (b"+ Ready {5}", Continue(b"Ready {5}")),
        (b"+", Continue()),
        (b"* CAPABILITY IMAP4rev1 AUTH=PLAIN", Capabilities(frozenset({"IMAP4REV1", "AUTH=PLAIN"}))),
        (b"* ENABLED X-GOOD-IDEA", Enabled(frozenset({"X-GOOD-IDEA"}))),
        (b"* FLAGS (\\answered $Forwarded)", Flags(frozenset({"\\Answered", "$Forwarded"}))),
        (b"* 23 EXISTS", Exists(23)),
        (b"* 0 recent", Recent(0)),
        (b"* 44 EXPUNGE", Expunge(44)),
        (b"* VANISHED (EARLIER) 41,43:116", Vanished(SequenceSet.parse(b"41,43:116"), True)),
        (b"* VANISHED 405,407", Vanished(SequenceSet.parse(b"405,407"))),
        (b"* SEARCH 2 84 882", Found((2, 84, 882))),
        (b"* SEARCH", Found(())),
        (b"* SEARCH 2 5 6 (MODSEQ 917162500)", Found((2, 5, 6), 917162500)),
        (b"* SORT 5 3 4 1 2", Found((5, 3, 4, 1, 2))),
        (b'* ESEARCH (TAG "A282") MIN 2 COUNT 3', ESearch("A282", minimum=2, count=3)),
        (b'* ESEARCH (TAG "A283") UID ALL 2,10:11', ESearch("A283", uid=True, every=SequenceSet.parse(b"2,10:11"))),
        (b'* ESEARCH (TAG "a") PARTIAL (1:2 7,9)', ESearch("a", others={"PARTIAL": ["1:2", "7,9"]})),
        (b"* ESEARCH", ESearch()),
        (b'* ESEARCH (TAG "a" MAILBOX "b c" UIDVALIDITY 9) UID COUNT 1',
         ESearch("a", True, count=1, mailbox="b c", uidvalidity=9)),
        (b"* LIST (\\Noselect) \"/\" ~/Mail/foo", Listed("~/Mail/foo", b"~/Mail/foo", "/", frozenset({"\\Noselect"}))),
        (b'* LSUB () NIL "inbox"', Listed("INBOX", b"inbox", "", frozenset(), True)),
        (b'* LIST () "/" NIL', Listed("NIL", b"NIL", "/", frozenset())),
        (b'* LIST () "/" {8}\r\nEnt&APw-', Listed("Entü", b"Ent&APw-", "/", frozenset())),
        (b'* LIST () "\\\\" "A&B"', Listed("A&B", b"A&B", "\\", frozenset())),
        (b'* LIST () "/" "Foo" ("CHILDINFO" ("SUBSCRIBED"))',
         Listed("Foo", b"Foo", "/", frozenset(), extended={"CHILDINFO": [b"SUBSCRIBED"]})),
        (b"* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)",
         MailboxStatus("blurdybloop", {"MESSAGES": 231, "UIDNEXT": 44292})),
        (b"* STATUS foo (MAILBOXID (F2212ea87-6097))", MailboxStatus("foo", {}, "F2212ea87-6097")),
        (b'* NAMESPACE (("" "/")) (("~" "/")("#x" NIL)) NIL',
         Namespaces((Namespace("", "/"),), (Namespace("~", "/"), Namespace("#x", "")))),
        (b'* ID ("name" "Cyrus" "version" NIL)', ServerId({"name": "Cyrus", "version": ""})),
        (b"* ID NIL", ServerId({})),
        (b"* QUOTAROOT INBOX \"\"", Unknown(("QUOTAROOT", "INBOX", b""))),
        (b"* 5 FROBNICATED (1", Unknown(("5", "FROBNICATED", b"(1"))),
        (b"* SEARCH 2 x", Unknown(("SEARCH", "2", "x"))),
        (b"* VANISHED", Unknown(("VANISHED",))),
    ],
)  # fmt: skip
def test_responses(line: bytes, value: Response) -> None:
    assert response(line) == value


def test_codes() -> None:
    assert Code("UIDNEXT", b"4392").number == 4392
    assert Code("PERMANENTFLAGS", b"(\\Deleted \\*)").words == ("\\Deleted", "\\*")
    assert Code("APPENDUID", b"38505 3955").append_uid == (38505, SequenceSet.parse(b"3955"))
    assert Code("COPYUID", b"38505 304,319:320 3956:3958").copy_uid == (
        38505, SequenceSet.parse(b"304,319:320"), SequenceSet.parse(b"3956:3958"),
    )  # fmt: skip
    for wrong in (b"", b"x 1", b"1", b"1 x", b"1 2 3"):
        assert Code("APPENDUID", wrong).append_uid is None
    assert Code("COPYUID", b"1 2").copy_uid is None


ENVELOPE = (
    b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
    b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
    b'((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "JCK.COM")) NIL NIL '
    b'"<B27397-0100000@cac.washington.edu>")'
)
BODY = b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)'


def test_the_example_of_fetch() -> None:
    """RFC 9051 §8 (without the breaks in its lines)."""
    told = fetched(
        b'* 12 FETCH (FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 ENVELOPE '
        + ENVELOPE + b" BODY " + BODY + b")"
    )  # fmt: skip
    assert told.number == 12
    assert told.flags == {"\\Seen"}
    assert told.internal_date == InternalDate(837_596_665, -420)
    assert told.size == 4286
    assert told.envelope is not None
    assert told.envelope.subject == b"IMAP4rev2 WG mtg summary and minutes"
    assert told.envelope.cc[1] == EnvelopeAddress(b"John Klensin", b"KLENSIN", b"JCK.COM")
    assert told.envelope.message_id == b"<B27397-0100000@cac.washington.edu>"
    assert told.structure is not None
    assert told.structure.media_type == "text/plain"
    assert told.structure.parameters == {"charset": "US-ASCII"}
    assert told.structure.lines == 92
    assert told.illegal == ()


def test_sections_are_found_by_what_was_asked() -> None:
    told = fetched(
        b'* 12 FETCH (BODY[HEADER.FIELDS ("date" Subject)] {5}\r\na)b\r\n BODY[]<2048> "" BODY[1.MIME] NIL '
        b"BINARY[1.2] ~{2}\r\n\x00( BINARY.SIZE[1.2] 2 RFC822.HEADER {3}\r\nX:y UID 7)"
    )
    fields = BodySection(Section(text=Text.FIELDS, fields=("DATE", "SUBJECT")), peek=True)
    assert told.section(fields) == b"a)b\r\n"
    assert told.section(BodySection(partial=Partial(2048, 500))) == b""
    assert told.section(BodySection(Section((1,), Text.MIME))) is None
    assert told.section(BinarySection((1, 2))) == b"\x00("
    assert told.binary_size(BinarySize((1, 2))) == 2
    assert told.section(BodySection(alias="RFC822.HEADER")) == b"X:y"
    assert told.uid == 7
    with pytest.raises(KeyError):
        told.section(BodySection())


def test_extensions() -> None:
    told = fetched(
        b'* 1 FETCH (MODSEQ (624140003) EMAILID (M6d99ac3275bb4e) THREADID NIL PREVIEW "Hello" SAVEDATE NIL '
        b'X-GM-LABELS (\\Inbox "Ent&APw-" a*b) X-GM-MSGID 12 X-FOO (1 "2" NIL))'
    )
    assert told.modseq == 624140003
    assert told.email_id == "M6d99ac3275bb4e"
    assert told.thread_id == ""
    assert told.preview == b"Hello"
    assert told.save_date is None
    assert told.labels == ("\\Inbox", "Entü", "a*b")
    assert told.others == {"X-GM-MSGID": "12", "X-FOO": ["1", b"2", None]}


MULTIPART = (
    b'(("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 20 2 NIL ("inline" NIL) ("en" "de") NIL)'
    b'("message" "rfc822" NIL NIL NIL "7bit" 900 ' + ENVELOPE + b'(("text" "plain" NIL NIL NIL "7bit" 1 1)'
    b'("text" "html" NIL NIL NIL "7bit" 2 1) "alternative") 30 NIL NIL NIL NIL)'
    b'("message" "rfc822" NIL NIL NIL "7bit" 90 ' + ENVELOPE + BODY + b' 3)'
    b'("image" "png" ("name" "a.png") "<id>" "a picture" "base64" 4000 NIL ("attachment" ("filename" "a.png")) NIL "u")'
    b' "mixed" ("boundary" "x") NIL NIL NIL)'
)  # fmt: skip


def test_structures_and_their_sections() -> None:
    told = fetched(b"* 1 FETCH (BODYSTRUCTURE " + MULTIPART + b")")
    assert told.structure is not None
    assert [(section, part.media_type) for section, part in told.structure.walk()] == [
        ("", "multipart/mixed"),
        ("1", "text/plain"),
        ("2", "message/rfc822"),
        ("2.1", "text/plain"),
        ("2.2", "text/html"),
        ("3", "message/rfc822"),
        ("3.1", "text/plain"),
        ("4", "image/png"),
    ]
    text, message, _, picture = told.structure.parts
    assert (text.disposition, text.language, text.lines) == ("inline", ("en", "de"), 2)
    assert message.envelope is not None and message.lines == 30
    assert picture.disposition_parameters == {"filename": "a.png"}
    assert (picture.id, picture.description, picture.octets, picture.location) == (b"<id>", b"a picture", 4000, b"u")
    assert told.structure.parameters == {"boundary": "x"}


def test_a_single_part_is_section_1() -> None:
    told = fetched(b"* 1 FETCH (BODY " + BODY + b")")
    assert told.structure is not None
    assert [section for section, _ in told.structure.walk()] == ["1"]


# -- what servers really send: mjs of the world, Exchange, 163, Yandex, mail.ru, GMX --------------------------------


@pytest.mark.parametrize(
    ("item", "name"),
    [
        (b'BODYSTRUCTURE ""', "BODYSTRUCTURE"),
        (b"BODYSTRUCTURE NIL", "BODYSTRUCTURE"),
        (b"BODYSTRUCTURE ()", "BODYSTRUCTURE"),
        (b'BODYSTRUCTURE ("text")', "BODYSTRUCTURE"),
        (b'BODYSTRUCTURE ("" "" "" "" "" "" "")', "BODYSTRUCTURE"),
        (b'BODYSTRUCTURE (() "mixed")', "BODYSTRUCTURE"),
        (b"ENVELOPE NIL", "ENVELOPE"),
        (b"ENVELOPE ()", "ENVELOPE"),
        (b'INTERNALDATE "yesterday"', "INTERNALDATE"),
        (b"INTERNALDATE NIL", "INTERNALDATE"),
        (b"RFC822.SIZE NIL", "RFC822.SIZE"),
        (b"BODY[FOO BAR] {3}\r\na)b", "BODY"),
        (b"BODY[]<x> {3}\r\na)b", "BODY"),
        (b"BODY[] 12", "BODY"),
    ],
)
def test_an_illegal_item_is_skipped_and_not_the_message(item: bytes, name: str) -> None:
    told = fetched(b"* 5 FETCH (UID 7 " + item + b" FLAGS (\\Seen))")
    assert (told.uid, told.flags, told.illegal) == (7, {"\\Seen"}, (name,))


@pytest.mark.parametrize(
    "structure",
    [
        b'("text" "plain"("charset" "utf-8")NIL NIL"7bit"12 1)',  # no spaces
        b'("text" "plain" NIL NIL NIL NIL 12 1 NIL NIL)',  # no encoding, less extension data
        b'("text" "plain" ("charset") NIL NIL "7bit" "12" "1")',  # half a parameter, numbers as strings
        b'("text" "plain" "" "" "" "7bit" 12 1 "" "" "" "" "more" (1 2))',  # strings for lists, and more than known
        b"(text plain NIL NIL NIL 7bit 12 1)",  # atoms for strings
        b'("text" "plain" ("name" "f\xfcr") NIL NIL "7bit" 12 1)',  # raw 8-bit
        b'("text" "plain" ("name" "a\\b") NIL NIL "7bit" 12 1)',  # a backslash before something else
    ],
)
def test_odd_structures_are_read(structure: bytes) -> None:
    told = fetched(b"* 5 FETCH (BODYSTRUCTURE " + structure + b" UID 7)")
    assert told.structure is not None
    assert (told.structure.media_type, told.structure.octets, told.structure.lines) == ("text/plain", 12, 1)
    assert told.uid == 7
    assert told.illegal == ()


def test_a_message_part_without_its_envelope() -> None:
    told = fetched(b'* 5 FETCH (BODYSTRUCTURE ("message" "rfc822" NIL NIL NIL "7bit" 900 NIL NIL 30))')
    assert told.structure is not None
    assert told.structure.parts == ()
    told = fetched(b'* 5 FETCH (BODYSTRUCTURE ("message" "rfc822" NIL NIL NIL "7bit" 900 NIL ' + BODY + b" 30))")
    assert told.structure is not None
    assert told.structure.parts[0].lines == 92


def test_what_stands_before_broken_parentheses_is_kept() -> None:
    told = fetched(b'* 5 FETCH (UID 7 BODYSTRUCTURE ("text" FLAGS (\\Seen)')
    assert (told.uid, told.illegal) == (7, ("BODYSTRUCTURE",))


def test_an_odd_envelope() -> None:
    told = fetched(b'* 5 FETCH (ENVELOPE (NIL "s" ((NIL NIL "a")("n" NIL "a" "b")"x") "" NIL) UID 1)')
    assert told.envelope is not None
    assert told.envelope.from_ == (EnvelopeAddress(b"n", b"a", b"b"),)
    assert told.envelope.message_id is None


# -- limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"* 1 FETCH (BODY[] {5001}\r\n",
        b"* 1 FETCH (BODY[] {99999999999999999999999999}\r\n",
        b"* 1 FETCH (A {5000}\r\n" + bytes(5000) + b" B {4000}\r\n",
        b"* 1 FETCH (" + b"A {0}\r\n" * 21,
        b"* " + b"x" * 20_000,
    ],
)
def test_limits(data: bytes) -> None:
    with pytest.raises((LimitError, RemoteProtocolError)):
        read(parse, data)


@pytest.mark.parametrize("value", [b"(" * 10_000, b"(" * 300 + b")" * 300, b"((((" * 50 + b'"x"' + b"))))" * 50])
def test_lists_in_lists_are_limited(value: bytes) -> None:
    assert isinstance(response(b"* 1 FETCH (BODYSTRUCTURE " + value), Fetched)


@pytest.mark.parametrize("data", [b"hello\r\n", b"\r\n", b"A1\r\n", b"A1 YES\r\n", b"*\r\n", b"A1 OKAY\r\n", b"* OK\n"])
def test_what_is_no_response(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        read(parse, data)


WORDS = [
    b"* ", b"1 ", b"FETCH (", b"BODY[", b"BODYSTRUCTURE ", b"ENVELOPE ", b"]", b"<0>", b"(", b")", b" ", b'"', b"NIL ",
    b"{3}\r\nabc", b"\\", b"OK ", b"[UIDNEXT ", b"ESEARCH ", b"LIST ", b"STATUS ", b"VANISHED ", b"NAMESPACE ", b"ID ",
    b"\xff", b"\x00", b"SEARCH ", b"HEADER.FIELDS ", b"A1 ", b"+", b"99999999999999999999", b"FLAGS ", b"MODSEQ ",
]  # fmt: skip


@settings(max_examples=300)
@given(st.lists(st.sampled_from(WORDS), max_size=15).map(b"".join))
def test_garbage_gives_a_response_or_a_protocol_error(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        read(parse, data + b"\r\n")
