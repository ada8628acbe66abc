"""ENVELOPE, BODY and BODYSTRUCTURE: what they say, and that every client can read it."""

from __future__ import annotations

from typing import Any

from parenthesized import read
from posthouse.message import mime, structure
from posthouse.message.mime import Part, scan


def envelope(*lines: str | bytes) -> Any:
    octets = b"".join((line.encode() if isinstance(line, str) else line) + b"\r\n" for line in lines)
    return read(structure.envelope(scan(octets + b"\r\n")))


def both(raw: bytes) -> tuple[Any, Any]:
    part = scan(raw)
    short, long = structure.structures(part)
    assert (short, long) == (structure.body(part), structure.bodystructure(part))
    return read(short), read(long)


def test_the_example_of_rfc_9051() -> None:
    """RFC 9051 §7.5.2: the ENVELOPE of its example message, octet for octet."""
    raw = (
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev2 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
        b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\n\r\n"
    )
    assert structure.envelope(scan(raw)) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def test_an_envelope_of_nothing() -> None:
    assert envelope("X: y") == [None] * 10
    assert structure.envelope(scan(b"")) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_fields_that_are_there_but_empty() -> None:
    """RFC 9051 §7.5.2: strings are empty then, addresses NIL, and Sender and Reply-To are From."""
    assert envelope("From: a@x.org", "Sender:", "Reply-To: ", "To:", "Subject:", "In-Reply-To: ") == [
        None, b"", [[None, None, b"a", b"x.org"]], [[None, None, b"a", b"x.org"]], [[None, None, b"a", b"x.org"]],
        None, None, None, b"", None,
    ]  # fmt: skip


def test_groups() -> None:
    assert envelope("To: friends: a@x.org, B <b@x.org>;, c@x.org")[5] == [
        [None, None, b"friends", None], [None, None, b"a", b"x.org"], [b"B", None, b"b", b"x.org"], [None] * 4,
        [None, None, b"c", b"x.org"],
    ]  # fmt: skip
    assert envelope("To: undisclosed-recipients:;")[5] == [
        [None, None, b"undisclosed-recipients", None], [None] * 4
    ]  # fmt: skip


def test_addresses_without_a_domain_are_no_group_marks() -> None:
    assert envelope("From: root", "To: no address at all")[2] == [[None, None, b"root", b""]]
    assert envelope("To: no address at all")[5] == [[b"no address at all", None, b"", b""]]


def test_a_field_that_stands_twice() -> None:
    assert envelope("To: a@x.org", "To: b@x.org", "Subject: one", "Subject: two")[1:6:4] == [
        b"one", [[None, None, b"a", b"x.org"], [None, None, b"b", b"x.org"]],
    ]  # fmt: skip


def test_quotes_and_backslashes() -> None:
    assert envelope(r'From: "A \"B\" \\ C" <"a\"b"@x.org>', r'Subject: a "b" \c')[1:3] == [
        rb'a "b" \c', [[rb'A "B" \ C', None, b'a"b', b"x.org"]],
    ]  # fmt: skip


def test_encoded_words_stay_and_raw_octets_become_encoded_words() -> None:
    found = envelope("Subject: =?utf-8?Q?gr=C3=BCn?=", b"From: J\xf6rg <j@x.org>", "To: Grün <g@x.org>")
    assert found[1:3] == [b"=?utf-8?Q?gr=C3=BCn?=", [[b"=?utf-8?b?SsO2cmc=?=", None, b"j", b"x.org"]]]
    assert found[5] == [[b"=?utf-8?b?R3LDvG4=?=", None, b"g", b"x.org"]]
    long = envelope("Subject: " + "grün " * 60)[1]
    assert long.isascii() and b"\r" not in long


def test_addresses_in_other_scripts() -> None:
    """Domains as A-labels; a local part has no ASCII form, and goes as a literal."""
    assert envelope("From: jörg@müller.example")[2] == [[None, None, "jörg".encode(), b"xn--mller-kva.example"]]
    assert b'{5}\r\nj\xc3\xb6rg "xn--' in structure.envelope(scan("From: jörg@müller.example\n\n".encode()))
    assert envelope("From: a@ü-.org")[2] == [[None, None, b"a", "ü-.org".encode()]]  # no domain in any script


def test_no_nul_and_no_line_break() -> None:
    assert envelope("Subject: a\0b\r c", "Message-ID: <a\r\n b>")[1::8] == [b"a b  c", b"<a b>"]


def test_a_simple_body() -> None:
    assert both(b"Subject: x\r\n\r\na\r\nb\r\n") == (
        [b"text", b"plain", [b"charset", b"us-ascii"], None, None, b"7bit", 6, 2],
        [b"text", b"plain", [b"charset", b"us-ascii"], None, None, b"7bit", 6, 2, None, None, None, None],
    )


def test_extension_data() -> None:
    raw = (
        b"Content-Type: image/png; name=x.png\r\nContent-Disposition: attachment; filename=x.png\r\n"
        b"Content-Language: de, en\r\nContent-Location: http://x.org/\r\nContent-MD5: Q2hlY2s=\r\n"
        b"Content-ID: <c>\r\nContent-Description: a picture\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA"
    )
    short = [b"image", b"png", [b"name", b"x.png"], b"<c>", b"a picture", b"base64", 4]
    extension = [b"Q2hlY2s=", [b"attachment", [b"filename", b"x.png"]], [b"de", b"en"], b"http://x.org/"]
    assert both(raw) == (short, [*short, *extension])


def test_a_multipart() -> None:
    raw = b'Content-Type: multipart/mixed; boundary="b"\r\nContent-Disposition: inline\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n'
    leaf = [b"text", b"plain", [b"charset", b"us-ascii"], None, None, b"7bit", 1, 0]
    assert both(raw) == (
        [leaf, b"mixed"],
        [[*leaf, None, None, None, None], b"mixed", [b"boundary", b"b"], [b"inline", None], None, None],
    )


def test_messages_inside_have_envelopes() -> None:
    for kind in (b"rfc822", b"global"):
        raw = b"Content-Type: message/%b\r\n\r\nSubject: inner\r\n\r\nx\r\n" % kind
        leaf = [b"text", b"plain", [b"charset", b"us-ascii"], None, None, b"7bit", 3, 1]
        short = [b"message", b"rfc822", None, None, None, b"7bit", 21, [None, b"inner", *[None] * 8], leaf, 3]
        assert both(raw)[0] == short
        assert both(raw)[1] == [*short[:8], [*leaf, *[None] * 4], 3, *[None] * 4]


def test_a_message_that_cannot_be_read_is_no_message() -> None:
    raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA"
    assert both(raw)[0] == [b"application", b"octet-stream", None, None, None, b"base64", 4]


def test_parameters_in_other_scripts() -> None:
    """RFC 2231 §6: sections are put together; what isn't ASCII is given in its extended form."""
    raw = (
        b"Content-Type: image/png; name*0*=iso-8859-1''gr%FC; name*1=\"n.png\"\r\n"
        b'Content-Disposition: attachment; filename="gr\xc3\xbcn"\r\n\r\n'
    )
    assert both(raw)[1][2] == [b"name*", b"utf-8''gr%C3%BCn.png"]
    assert both(raw)[1][8] == [b"attachment", [b"filename*", b"utf-8''gr%C3%BCn"]]


def test_a_stored_tree_gives_the_same() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: text/html; charset=x\r\n\r\nx\r\n"

    def made(part: Part) -> tuple[bytes, ...]:
        return structure.envelope(part), *structure.structures(part)

    assert made(mime.unpack(mime.pack(scan(raw)), raw)) == made(scan(raw))
