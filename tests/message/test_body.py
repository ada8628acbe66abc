"""Bodies decoded: the transfer encodings, sound and broken; text in its charset."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import body
from posthouse.message.defect import Defect
from posthouse.message.mime import scan


@pytest.mark.parametrize(
    ("octets", "decoded", "defect"),
    [
        (b"aGVsbG8=", b"hello", None),
        (b"aGVs\r\nbG8=\r\n", b"hello", None),
        (b" aGVs bG8 = ", b"hello", None),
        (b"", b"", None),
        (b"\r\n", b"", None),
        (b"====", b"", None),
        (b"aGVsbG8", b"hello", Defect.BASE64),  # unpadded
        (b"aGVsbG8==", b"hello", None),  # too much padding
        (b"aGVsbG8hA", b"hello!", Defect.BASE64),  # a digit too much
        (b"aGVs\r\nbG8=\r\naGVsbG8=\r\n", b"hellohello", Defect.BASE64),  # pieces put together
        (b"aGVs*bG8=", b"hello", Defect.BASE64),
        (b"aGVsbG8=\r\n____\r\nList: http://x.org\r\n", b"hello____\r\nList: http://x.org\r\n", Defect.BASE64),
        (b"This never was base64.\r\n", b"This never was base64.\r\n", Defect.BASE64),
        (b"a", b"", Defect.BASE64),
    ],
)
def test_base64(octets: bytes, decoded: bytes, defect: Defect | None) -> None:
    assert body.decode(octets, "base64") == (decoded, defect)
    assert body.size(octets, "base64") == len(decoded)


@pytest.mark.parametrize(
    ("octets", "decoded", "defect"),
    [
        (b"gr=C3=BCn=\r\ner\r\n", "grüner\r\n".encode(), None),
        (b"gr=c3=bcn=\ner\n", "grüner\n".encode(), None),
        (b"a_b", b"a_b", None),
        (b"end=", b"end", None),
        (b"soft= \r\nbreak=\t\nwith blanks", b"softbreakwith blanks", Defect.QUOTED_PRINTABLE),
        (b"1+1==2", b"1+1==2", Defect.QUOTED_PRINTABLE),
        (b"a=b", b"a=b", None),
        (b"x=\rkept\n", b"x=\rkept\n", Defect.QUOTED_PRINTABLE),
        (b"=ZZ=20=3", b"=ZZ =3", Defect.QUOTED_PRINTABLE),
        (b"raw \xfc", b"raw \xfc", None),
    ],
)
def test_quoted_printable(octets: bytes, decoded: bytes, defect: Defect | None) -> None:
    assert body.decode(octets, "quoted-printable") == (decoded, defect)


def uuencoded(content: bytes, name: str = "file.bin", end: bytes = b"\r\n") -> bytes:
    lines = [binascii.b2a_uu(content[at : at + 45]).rstrip(b"\n") for at in range(0, len(content), 45)]
    return end.join([f"begin 644 {name}".encode(), *lines, b"`", b"end", b""])


CONTENT = bytes(range(256)) * 3


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_uuencode(end: bytes) -> None:
    raw = b"before" + end + uuencoded(CONTENT, "my file.bin", end) + b"after" + end
    found = body.find_uuencoded(raw)
    assert found is not None
    begin, stop, content, name = found
    assert (raw[:begin], raw[stop:], content, name) == (b"before" + end, b"after" + end, CONTENT, b"my file.bin")
    assert body.find_uuencoded(raw, stop) is None
    assert body.decode(raw, "x-uuencode") == (CONTENT, None)


def test_uuencode_whose_blanks_were_lost() -> None:
    raw = b"\n".join(line.replace(b"`", b" ").rstrip() for line in uuencoded(CONTENT, end=b"\n").split(b"\n"))
    found = body.find_uuencoded(raw)
    assert found is not None and found[2] == CONTENT


def test_uuencode_that_ends_in_the_middle() -> None:
    raw = uuencoded(CONTENT)
    found = body.find_uuencoded(raw[:200])
    assert found is not None and found[2] == CONTENT[:90]


@pytest.mark.parametrize(
    "prose",
    [
        b"begin 644 at the beginning\n\nand go on",
        b"begin 644 x\nHELLO THERE EVERYBODY IN THE HOUSE\n",
        b"begin 644 x\n",
        b"",
    ],
)
def test_prose_is_no_uuencode(prose: bytes) -> None:
    assert body.find_uuencoded(prose) is None
    assert body.decode(prose, "uuencode") == (prose, Defect.UUENCODE)


@pytest.mark.parametrize(
    ("encoding", "defect"), [("7bit", None), ("8bit", None), ("binary", None), ("x", Defect.ENCODING)]
)
def test_other_encodings(encoding: str, defect: Defect | None) -> None:
    assert body.decode(b"=3D\xfc", encoding) == (b"=3D\xfc", defect)


@pytest.mark.parametrize(
    ("octets", "charset", "text"),
    [
        (b"a\r\nb\r\n", "us-ascii", "a\nb\n"),
        (b"a\rb\r\r\nc\n\rd\r", "us-ascii", "a\nb\n\nc\n\nd\n"),
        (b"a\0b", "us-ascii", "a b"),
        ("grün\r\nx".encode("utf-16"), "utf-16", "grün\nx"),
        ("grün\r\n".encode("utf-16-be"), "utf-16be", "grün\n"),
        (b"gr\xfcn\r\n", "", "grün\n"),
        ("你好\r\n".encode("gbk"), "gb2312", "你好\n"),
    ],
)
def test_as_text(octets: bytes, charset: str, text: str) -> None:
    assert body.as_text(octets, charset) == text


def test_the_text_of_a_part() -> None:
    raw = b"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ngr=FCn\n"
    assert body.text(scan(raw), raw) == "grün\n"
    assert body.content(scan(raw), memoryview(raw)) == b"gr\xfcn\n"


def test_html_may_name_its_charset_itself() -> None:
    raw = b'Content-Type: text/html\n\n<meta http-equiv="x" content="text/html; charset=koi8-r"><p>\xf0\xd2'
    assert body.text(scan(raw), raw).endswith("<p>Пр")
    raw = b"Content-Type: text/html\n\n<META CHARSET='koi8-r'><p>\xf0\xd2"
    assert body.text(scan(raw), raw).endswith("<p>Пр")


@given(st.binary(max_size=300))
def test_what_the_standard_library_encodes_is_decoded(octets: bytes) -> None:
    encoded = base64.encodebytes(octets)
    assert body.decode(encoded, "base64") == (octets, None)
    assert body.decode(encoded.replace(b"\n", b"\r\n"), "base64") == (octets, None)
    # As binary: the encoder makes all line ends of a text like its first one.
    assert body.decode(binascii.b2a_qp(octets, istext=False), "quoted-printable")[0] == octets


@given(st.binary(max_size=100) | st.text(alphabet="ABab01+/= \r\n*.", max_size=100).map(str.encode))
def test_sizes_are_right_for_anything(octets: bytes) -> None:
    for encoding in ("base64", "quoted-printable", "x-uuencode", "7bit"):
        assert body.size(octets, encoding) == len(body.decode(octets, encoding)[0])
