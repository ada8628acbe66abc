"""What is written into headers and bodies comes back unchanged from another reader, and no line grows too long."""

from __future__ import annotations

import base64
import email.header
import email.parser
import email.policy
import quopri
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import InvalidMessage
from posthouse.message import encode

# Any text a header may hold: no CR, LF, NUL; no half surrogate pairs.
VALUES = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=120)
MIXED = st.lists(
    st.sampled_from(["Grüße", "plain", "日本語", "=?utf-8?q?no?=", "x" * 80, "a,b", '"q"', "🎉", "e\u0301"]),
    max_size=30,
).map(" ".join)


def unfold(field: bytes) -> str:
    assert field.endswith(b"\r\n")
    return re.sub(r"\r\n(?=[ \t])", "", field.decode("utf-8")).removesuffix("\r\n")


def decode_words(value: str) -> str:
    """RFC 2047 §6.2 in three lines: blanks between neighbouring encoded words belong to nobody."""
    value = re.sub(r"(?<=\?=)[ \t]+(?==\?utf-8\?)", "", value)

    def word(found: re.Match[str]) -> str:
        if found[1] == "b":
            return base64.b64decode(found[2], validate=True).decode("utf-8")
        return quopri.decodestring(found[2].encode(), header=True).decode("utf-8")

    return re.sub(r"=\?utf-8\?([qb])\?([^?]*)\?=", word, value)


def check_lines(field: bytes, longest: int = 76) -> None:
    for line in field.removesuffix(b"\r\n").split(b"\r\n"):
        assert b"\r" not in line
        assert b"\n" not in line
        words = line.split()
        # RFC 6532 §3.4: 78 characters, but 998 octets.
        assert len(line.decode("utf-8")) <= longest or len(words) <= 2, (
            "a line may only be longer if it can't be folded"
        )
        assert len(line) <= 998
        for word in words:
            assert not word.startswith(b"=?") or len(word) <= 75


@pytest.mark.parametrize(
    "value",
    [
        "plain", "Grüße aus Köln", "日本語" * 60, "a  b\tc", " leads and trails ", "=?utf-8?q?looks_encoded?=",
        "end =?", "x" * 2000, "word " * 100 + "ü", "bell \x07 and \x7f", "a" + " " * 1200 + "b", "\t", "🎉" * 50,
    ],
)  # fmt: skip
def test_text_fields_come_back(value: str) -> None:
    field = encode.text_field("Subject", value)
    check_lines(field)
    assert field.isascii()
    assert decode_words(unfold(field).removeprefix("Subject: ")) == value
    parsed = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(field)
    assert parsed["Subject"].strip() == value.strip()


@given(VALUES | MIXED)
def test_any_text_field_comes_back(value: str) -> None:
    field = encode.text_field("Subject", value)
    check_lines(field)
    assert field.isascii()
    assert decode_words(unfold(field).removeprefix("Subject: ")) == value


@given(VALUES | MIXED)
def test_any_raw_text_field_comes_back(value: str) -> None:
    field = encode.text_field("Subject", value, raw=True)
    assert decode_words(unfold(field).removeprefix("Subject: ")) == value
    assert all(len(line) <= 998 for line in field.split(b"\r\n"))


def test_plain_subjects_are_left_alone() -> None:
    assert encode.text_field("Subject", "Re: plain [list] text!") == b"Subject: Re: plain [list] text!\r\n"
    assert encode.text_field("Subject", "Grüße", raw=True) == "Subject: Grüße\r\n".encode()


def test_the_first_word_stays_on_the_first_line() -> None:
    # A header line of nothing but its name is legal, and yet some programs lose what follows.
    assert encode.text_field("X-Url", "https://x.org/" + "a" * 200).startswith(b"X-Url: https")


def test_a_long_word_behind_a_short_line_is_folded() -> None:
    assert b"a,b a,b\r\n xxx" in encode.text_field("Subject", "x" * 80 + " a,b a,b " + "x" * 80)


def test_characters_are_never_split_over_encoded_words() -> None:
    for word in re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", encode.text_field("Subject", "日🎉ö" * 40)):
        base64.b64decode(word).decode("utf-8")


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y", "a\nb", "a\rb", "a\0b", "ü\n", "\n"])
def test_line_breaks_are_refused_everywhere(value: str) -> None:
    """Header injection."""
    with pytest.raises(InvalidMessage, match="line break"):
        encode.text_field("Subject", value)
    with pytest.raises(InvalidMessage, match="line break"):
        encode.address_field("To", [(value, "a@x.org")])
    with pytest.raises(InvalidMessage, match="line break"):
        encode.address_field("To", [("", value)])
    with pytest.raises(InvalidMessage, match="line break"):
        encode.parameter_field("Content-Disposition", "attachment", [("filename", value)])
    with pytest.raises(InvalidMessage, match="line break"):
        encode.message_id_field("References", [value])


def test_a_message_id_too_long_for_any_line_is_refused() -> None:
    with pytest.raises(InvalidMessage, match="at most 998"):
        encode.message_id_field("References", ["<" + "x" * 1000 + ">"])


NAMES = [
    "", "Ann", "Ann B. Smith", "Smith, Ann", 'The "Boss" \\o/', "Ann Ö", "日本語の名前", "=?utf-8?q?x?=", "a" * 200,
    "Ann  Two  Spaces", "(comment)", "a@b", "Ünï " * 40 + "x",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back(name: str) -> None:
    field = encode.address_field("To", [(name, "ann@example.org"), ("", "bob@example.org")])
    check_lines(field)
    assert field.isascii()
    parsed = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(field)["To"]
    assert [one.addr_spec for one in parsed.addresses] == ["ann@example.org", "bob@example.org"]
    # Python 3.11 keeps the blank between two encoded words of a name: long names are compared without blanks.
    assert parsed.addresses[0].display_name.replace(" ", "") == name.replace(" ", "")
    assert parsed.addresses[0].display_name == name or len(name) > 50


@pytest.mark.parametrize("name", NAMES)
def test_raw_names_come_back(name: str) -> None:
    field = encode.address_field("To", [(name, "jürgen@example.org")], raw=True)
    check_lines(field)
    parsed = email.parser.HeaderParser(policy=email.policy.SMTPUTF8).parsestr(field.decode("utf-8"))["To"]
    assert parsed.addresses[0].addr_spec == "jürgen@example.org"
    assert parsed.addresses[0].display_name == name or len(name) > 255


def test_addresses_are_folded_between_each_other() -> None:
    field = encode.address_field("Cc", [("", f"user{n}@example.org") for n in range(20)])
    assert field.count(b"\r\n ") == 6
    assert field.startswith(b"Cc: user0@example.org, user1@example.org, user2@example.org,\r\n user3@example.org, ")


FILENAMES = [
    "report.pdf", "my report.pdf", 'quo"te\\.txt', "Grüße.txt", "日本語.pdf", "日本語" * 40 + ".pdf",
    "a" * 240 + ".bin", "b" * 400, "100%'*.txt", "=?utf-8?q?x?=.txt", "🎉" * 30, "tab\there",
]  # fmt: skip


@pytest.mark.parametrize("filename", FILENAMES)
def test_filenames_come_back(filename: str) -> None:
    field = encode.parameter_field("Content-Disposition", "attachment", [("filename", filename)])
    check_lines(field)
    assert field.isascii()
    parsed = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(field)
    assert parsed.get_filename() == filename
    assert not parsed["Content-Disposition"].defects


@pytest.mark.parametrize("filename", FILENAMES)
def test_the_old_name_parameter_is_what_old_programs_read(filename: str) -> None:
    field = encode.parameter_field("Content-Type", "application/pdf", [("name", filename)])
    check_lines(field)
    assert field.isascii()
    assert b"name*" not in field
    parsed = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(field)
    name = str(email.header.make_header(email.header.decode_header(re.sub(r"\r\n(?= )", "", parsed.get_param("name")))))
    assert name == filename


def test_a_long_name_is_written_in_sections() -> None:
    field = encode.parameter_field("Content-Disposition", "attachment", [("filename", "日" * 20)])
    assert field.startswith(b"Content-Disposition: attachment;\r\n filename*0*=utf-8''%E6%97%A5")
    assert b";\r\n filename*1*=%E6" in field


# -- transfer encodings ---------------------------------------------------------------------------------------------

BODIES = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Hello\n", "7bit"), ("", "7bit"), ("x" * 998 + "\n", "7bit"), ("x" * 999 + "\n", "quoted-printable"),
        ("Grüße, und noch viel mehr Text dazu\n", "quoted-printable"), ("日本語\n", "base64"),
        ("a\0b\n", "quoted-printable"),
    ],
)  # fmt: skip
def test_the_encoding_fits_the_text(text: str, encoding: str) -> None:
    assert encode.encode_text(encode.canonical(text))[0] == encoding


def test_8bit_only_where_asked_and_lines_are_short() -> None:
    assert encode.encode_text(encode.canonical("ü\n"), eight_bit=True) == ("8bit", "ü\r\n".encode())
    assert encode.encode_text(encode.canonical("ü" * 500 + "\n"), eight_bit=True)[0] == "base64"


@given(BODIES)
def test_any_body_comes_back(text: str) -> None:
    canonical = encode.canonical(text)
    encoding, octets = encode.encode_text(canonical)
    decoded = {"7bit": bytes, "quoted-printable": quopri.decodestring, "base64": base64.decodebytes}[encoding](octets)
    assert decoded == canonical
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    assert all(len(line) <= (998 if encoding == "7bit" else 76) for line in octets.split(b"\r\n"))


def test_text_is_canonical() -> None:
    assert encode.canonical("a\nb\r\nc\rd") == b"a\r\nb\r\nc\r\nd\r\n"
    assert encode.canonical("") == b""
    assert encode.canonical("half \udce9 pair\n") == b"half ? pair\r\n"


def test_quoted_printable_guards_what_gets_lost_on_the_way() -> None:
    assert encode.encode_quoted_printable(b"a \r\n.\r\nb\t\r\n") == b"a=20\r\n=2E\r\nb=09\r\n"
    assert encode.encode_quoted_printable(b"x" * 80) == b"x" * 75 + b"=\r\n" + b"xxxxx"


def test_encoding_text_takes_linear_time() -> None:
    encode.encode_text(b"x" * 5_000_000)
    encode.text_field("Subject", "ü" * 50_000)
    encode.text_field("Subject", "ü " * 50_000)
