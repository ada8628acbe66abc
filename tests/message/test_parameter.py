"""Content-Type and Content-Disposition as they arrive (RFC 2045 §5.1, RFC 2231)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message import encode, header, parameter


@pytest.mark.parametrize(
    ("value", "kind", "parameters"),
    [
        ("text/plain", "text/plain", {}),
        ("Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('text/plain; charset="utf-8"; format=flowed', "text/plain", {"charset": "utf-8", "format": "flowed"}),
        ("text/plain; charset=us-ascii (Plain text)", "text/plain", {"charset": "us-ascii"}),  # RFC 2045 §5.1
        ("text/plain (comment); charset=x", "text/plain", {"charset": "x"}),
        ("text/plain;charset=utf-8;", "text/plain", {"charset": "utf-8"}),
        ("text/plain charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ("text/plain ; charset = utf-8", "text/plain", {"charset": "utf-8"}),
        ("attachment; filename=my file (1).pdf; size=3", "attachment", {"filename": "my file (1).pdf", "size": "3"}),
        ('attachment; filename="a \\"b\\"; c.txt"; x=1', "attachment", {"filename": 'a "b"; c.txt', "x": "1"}),
        (r'attachment; filename="C:\dir\file.txt"', "attachment", {"filename": r"C:\dir\file.txt"}),
        ('attachment; filename="never closed.txt', "attachment", {"filename": "never closed.txt"}),
        ('attachment; filename="', "attachment", {"filename": ""}),
        ("attachment; filename=", "attachment", {"filename": ""}),
        ('multipart/mixed; boundary="a  b "', "multipart/mixed", {"boundary": "a  b "}),
        ("multipart/mixed; boundary==_x=y", "multipart/mixed", {"boundary": "=_x=y"}),
        ("x; a=1; A=2", "x", {"a": "1"}),
        (";;;;; a=b", "", {"a": "b"}),
        ("", "", {}),
        ("; name*", "", {}),
        ("name*", "name*", {}),
        # RFC 2231 §3, §4, §4.1
        (
            'message/external-body; access-type=URL; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer/b.tar"',
            "message/external-body",
            {"access-type": "URL", "url": "ftp://cs.utk.edu/pub/moore/bulk-mailer/b.tar"},
        ),
        (
            "application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            "application/x-stuff",
            {"title": "This is ***fun***"},
        ),
        (
            "application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20;"
            ' title*2="isn\'t it!"',
            "application/x-stuff",
            {"title": "This is even more ***fun*** isn't it!"},
        ),
        # sections in the wrong order, with a gap, more than ten, a character split over two
        ("a; filename*1*=%A9.txt; filename*0*=utf-8''caf%C3", "a", {"filename": "café.txt"}),
        ("a; f*2=c; f*0=a", "a", {"f": "ac"}),
        ("a; " + "; ".join(f"f*{at}={at}." for at in range(12)), "a", {"f": "0.1.2.3.4.5.6.7.8.9.10.11."}),
        # both forms, no charset, a charset nobody knows, quotes round it
        ("a; filename=fallback.txt; filename*=utf-8''caf%C3%A9.txt", "a", {"filename": "café.txt"}),
        ("a; filename*=plain.txt", "a", {"filename": "plain.txt"}),
        ("a; filename*=x-none''caf%E9.txt", "a", {"filename": "café.txt"}),
        ("a; filename*=\"utf-8''caf%C3%A9.txt\"", "a", {"filename": "café.txt"}),
        ("a; filename*=utf-8''a%0D%0Ab%zz%", "a", {"filename": "a  b%zz%"}),
    ],
)
def test_parse(value: str, kind: str, parameters: dict[str, str]) -> None:
    assert parameter.parse(value) == (kind, parameters)


def test_the_number_of_parameters_is_limited() -> None:
    _, found = parameter.parse("a" + "".join(f"; p{number}=x" for number in range(parameter.MAX_PARAMETERS + 9)))
    assert len(found) == parameter.MAX_PARAMETERS


def test_parameters_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        parameter.parse("a; b=c")[1]["b"] = "d"  # type: ignore[index]


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80))
def test_what_we_write_is_read(name: str) -> None:
    field = encode.parameter_field("Content-Disposition", "attachment", [("filename", name)])
    kind, found = parameter.parse(header.raw_text(field.partition(b":")[2]))
    assert (kind, found) == ("attachment", {"filename": name})


@given(st.text(alphabet="ab*0'=;\"\\ %(),/ü", max_size=60))
def test_anything_is_read(value: str) -> None:
    parameter.parse(value)
