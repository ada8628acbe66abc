"""The part tree: offsets into any octets, whatever is wrong with them."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest

from posthouse.message import mime
from posthouse.message.defect import Defect
from posthouse.message.mime import Part, scan


def outline(part: Part, raw: bytes) -> object:
    """Type and body of each part; multiparts as type and children."""
    if part.children:
        return (part.media_type, [outline(child, raw) for child in part.children])
    return (part.media_type, raw[part.body : part.end])


def multipart(body: str, kind: str = "mixed", boundary: str = "b") -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n'
    return (head + body).replace("\n", "\r\n").encode()


def test_a_simple_message() -> None:
    raw = b"Subject: hello\r\nTo: x@y.z\r\n\r\nfirst\r\nsecond\r\n"
    part = scan(raw)
    assert (part.start, part.body, part.end) == (0, 29, len(raw))
    assert (part.media_type, part.lines, part.size, part.encoding) == ("text/plain", 2, 15, "7bit")
    assert part.fields.get("subject") == "hello"
    assert not part.defects


def test_a_multipart() -> None:
    raw = multipart("preamble\n--b\nContent-Type: text/html\n\n<p>\n\n--b\n\nplain\n--b--\nepilogue\n")
    assert outline(scan(raw), raw) == ("multipart/mixed", [("text/html", b"<p>\r\n"), ("text/plain", b"plain")])
    assert not scan(raw).defects


def test_what_the_header_says() -> None:
    raw = (
        b"Content-Type: IMAGE/Png; name=x.png (the picture)\r\nContent-Transfer-Encoding: BASE64 (sic)\r\n"
        b"Content-Disposition: Attachment; filename=y.png\r\nContent-ID: <c@d>\r\n"
        b"Content-Description: my\r\n picture\r\nContent-MD5: Q2hlY2s=\r\nContent-Language: de, en\r\nContent-Location: http://x.org/\r\n\r\nAAAA"
    )
    part = scan(raw)
    assert (part.type, part.subtype, part.encoding) == ("image", "png", "base64")
    assert part.params == {"name": "x.png (the picture)"}
    assert (part.disposition, part.disposition_params) == ("attachment", {"filename": "y.png"})
    assert (part.id, part.description, part.md5) == ("<c@d>", "my picture", "Q2hlY2s=")
    assert (part.language, part.location) == ("de, en", "http://x.org/")


@pytest.mark.parametrize(
    ("body", "children"),
    [
        # a boundary that is the prefix of another, within and outside
        ('--b\nContent-Type: multipart/alternative; boundary="b-1"\n\n--b-1\n\nx\n--b-1--\n--b--\n',
         [("multipart/alternative", [("text/plain", b"x")])]),
        ('--b\nContent-Type: multipart/alternative; boundary="bb"\n\n--bb\n\nx\n--bb--\n--b\n\ny\n--b--\n',
         [("multipart/alternative", [("text/plain", b"x")]), ("text/plain", b"y")]),
        # blanks behind a boundary, other text behind it, not at a line's beginning
        ("--b  \t\n\nx\n--b-- \n", [("text/plain", b"x")]),
        ("--b and more\n\nx\n--b-- and more\n", [("text/plain", b"x")]),
        ("--b\n\nx --b\n --b\n--bx\n--b-\n--b--\n", [("text/plain", b"x --b\r\n --b\r\n--bx\r\n--b-")]),
        # empty parts, a part that is nothing but a header, one without header and blank line
        ("--b\n--b\n\n--b\n\n\n--b--\n", [("text/plain", b""), ("text/plain", b""), ("text/plain", b"")]),
        ("--b\nX-Only: header\n--b--\n", [("text/plain", b"")]),
        ("--b\nno header here\n--b--\n", [("text/plain", b"no header here")]),
        # nothing before the first boundary, nothing behind the last
        ("--b\n\nx\n--b--", [("text/plain", b"x")]),
        # parts behind the last boundary, and nothing there but the last boundary again
        ("--b\n\nx\n--b--\n--b\n\ny\n--b--\n", [("text/plain", b"x"), ("text/plain", b"y")]),
        ("--b\n\nx\n--b--\nepilogue\n--b--\n", [("text/plain", b"x")]),
        # the inner multipart never ends: it ends with the outer one
        ('--b\nContent-Type: multipart/mixed; boundary="c"\n\n--c\n\nx\n--b\n\ny\n--b--\n',
         [("multipart/mixed", [("text/plain", b"x")]), ("text/plain", b"y")]),
        # both have the same boundary: the outer one owns it, nothing of the text is lost
        ('--b\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\nx\n--b--\n',
         [("text/plain", b""), ("text/plain", b"x")]),
    ],
)  # fmt: skip
def test_boundaries(body: str, children: object) -> None:
    raw = multipart(body)
    assert outline(scan(raw), raw) == ("multipart/mixed", children)
    lf = raw.replace(b"\r\n", b"\n")
    assert repr(outline(scan(lf), lf)) == repr(outline(scan(raw), raw)).replace(r"\r\n", r"\n")


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "multipart/mixed; boundary=other",
        "multipart/mixed; boundary=-b",
    ],
)
def test_a_boundary_that_only_the_parts_show(content_type: str) -> None:
    """Without it, or with a wrong one, no attachment is lost: the line before a part's header can be nothing else."""
    body = "--b_1=x\n\ntext\n--\n--- no boundary\n--b_1=x\nContent-Type: image/png\n\npicture\n--b_1=x--\n"
    raw = f"Content-Type: {content_type}\n\n{body}".encode()
    tree = scan(raw)
    children = [("text/plain", b"text\n--\n--- no boundary"), ("image/png", b"picture")]
    assert outline(tree, raw) == ("multipart/mixed", children)
    assert tree.defects == [Defect.WRONG_BOUNDARY]


def test_a_multipart_inside_with_the_boundary_of_the_outer_one() -> None:
    """The inner one's end looks like the outer one's: what follows is there all the same."""
    raw = multipart(
        '--b\nContent-Type: multipart/alternative; boundary="b"\n\n--b\n\nx\n--b--\n'
        "\n--b\nContent-Type: image/png\n\ny\n--b--\n"
    )
    tree = scan(raw)
    assert [child.media_type for child in tree.children] == ["text/plain", "text/plain", "image/png"]
    assert raw[tree.children[2].body : tree.children[2].end] == b"y"
    assert tree.defects == [Defect.CLOSED_TOO_EARLY]


@pytest.mark.parametrize(
    "raw",
    [
        multipart("text without any boundary\n"),
        multipart("text\n--other\n\nx\n--other--\n"),
        multipart("text\n--b--\nepilogue\n"),
        b"Content-Type: multipart/mixed\n\ntext\n--b\n\nx\n",
        b'Content-Type: multipart/mixed; boundary=""\n\ntext\n--\n\nx\n',
        multipart("--b\n\nx\n", boundary="b" * (mime.MAX_BOUNDARY + 1)),
    ],
)
def test_a_multipart_without_parts_is_shown_as_text(raw: bytes) -> None:
    part = scan(raw)
    assert outline(part, raw) == ("text/plain", raw[part.body :])
    assert part.defects == [Defect.NO_BOUNDARY]
    assert part.lines > 0


def test_the_last_boundary_is_missing() -> None:
    raw = multipart("--b\n\nx\n--b\n\ny\n")
    part = scan(raw)
    assert outline(part, raw) == ("multipart/mixed", [("text/plain", b"x"), ("text/plain", b"y\r\n")])
    assert part.defects == [Defect.NO_CLOSING_BOUNDARY]


def test_a_boundary_whose_blanks_were_lost_on_the_way() -> None:
    raw = multipart("--b\n\nx\n--b--\n", boundary="b  ")
    assert outline(scan(raw), raw) == ("multipart/mixed", [("text/plain", b"x")])


def test_messages_inside() -> None:
    raw = multipart("--b\nContent-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/html\n\n<p>\n--b--\n")
    outer = scan(raw).children[0]
    assert (outer.media_type, outer.lines) == ("message/rfc822", 3)
    [inner] = outer.children
    assert (inner.start, inner.end) == (outer.body, outer.end)
    assert inner.fields.get("subject") == "inner"
    assert outline(inner, raw) == ("text/html", b"<p>")


def test_a_digest_holds_messages() -> None:
    raw = multipart("--b\n\nSubject: one\n\n1\n--b\nContent-Type: text/plain\n\n2\n--b--\n", kind="digest")
    first, second = scan(raw).children
    assert first.media_type == "message/rfc822"
    assert first.children[0].fields.get("subject") == "one"
    assert second.media_type == "text/plain"


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "x-unknown"])
def test_an_encoded_message_inside_is_kept_closed(encoding: str) -> None:
    part = scan(f"Content-Type: message/rfc822\nContent-Transfer-Encoding: {encoding}\n\nU3ViamVjdA==\n".encode())
    assert part.children == []
    assert part.defects == [Defect.ENCODED_MESSAGE]


@pytest.mark.parametrize(
    ("raw", "subject", "body", "defects"),
    [
        (b"", None, b"", []),
        (b"\n", None, b"", []),
        (b"\r\n", None, b"", []),
        (b"\r\ntext", None, b"text", []),
        (b"just text\nno header\n", None, b"just text\nno header\n", [Defect.NO_BLANK_LINE]),
        (b"Subject: s", "s", b"", []),
        (b"Subject: s\n", "s", b"", []),
        (b"Subject: s\r\n\r\n", "s", b"", []),
        (b"Subject: s\ntext at once\nmore\n", "s", b"text at once\nmore\n", [Defect.NO_BLANK_LINE]),
        (b"Subject: s\ntext: at once, by chance\n\nmore\n", "s", b"more\n", []),
        (b"From me@x.org Mon Mar 16 12:00:00 2009\nSubject: s\n\nb", "s", b"b", [Defect.MBOX_SEPARATOR]),
        (b">From me@x.org Mon Mar 16 12:00:00 2009\nSubject: s\n\nb", "s", b"b", [Defect.MBOX_SEPARATOR]),
        (b"Received: by a\nfor <b>; never\nSubject: s\n\nb", "s", b"b", [Defect.HEADER_LINE]),
        (
            b"Received: by a\nfor <b>; never\nno: field\n\nb",
            None,
            b"for <b>; never\nno: field\n\nb",
            [Defect.NO_BLANK_LINE],
        ),
        (b"A: b\njunk\nSubject: s\ntext\n\nb", "s", b"text\n\nb", [Defect.HEADER_LINE, Defect.NO_BLANK_LINE]),
        (b"Subject:s\n \n folded\n\nb", "s  folded", b"b", []),
        (b"Subject : s\n\nb", "s", b"b", []),
        (b"Subject: s\r\rbody\r", "s", b"body\r", []),  # no LF at all: an old Macintosh
        (b"Subject: a\rTo: b\r\n\r\nbody\r\n", "a To: b", b"body\r\n", []),  # a bare CR is no line end beside CRLF
        (b"Subject: s\n\r\nbody", "s", b"body", []),
        (b"Subject: s\r\n\nbody", "s", b"body", []),
        (b"Subject: a\0b\n\nc\0d", "a b", b"c\0d", []),
        (b"Content-Type: text\nSubject: s\n\nb", "s", b"b", [Defect.CONTENT_TYPE]),
        (b"Content-Type: text/plain/x; a=b\nSubject: s\n\nb", "s", b"b", [Defect.CONTENT_TYPE]),
        (b'Content-Type: "text/html"\nSubject: s\n\nb', "s", b"b", []),
        (b"Content-Type:\nSubject: s\n\nb", "s", b"b", [Defect.CONTENT_TYPE]),
    ],
)
def test_odd_headers(raw: bytes, subject: str | None, body: bytes, defects: list[Defect]) -> None:
    part = scan(raw)
    assert part.fields.get("subject") == subject
    assert raw[part.body : part.end] == body
    assert part.defects == defects


def test_a_multipart_with_bare_crs() -> None:
    raw = multipart("--b\n\nx\ny\n--b--\n").replace(b"\n", b"")
    assert outline(scan(raw), raw) == ("multipart/mixed", [("text/plain", b"x\ry")])


def test_depth_has_a_limit() -> None:
    depth = mime.MAX_DEPTH + 5
    raw = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (level, level) for level in range(depth)
    )
    parts = list(scan(raw + b"\ntext").walk())
    assert len(parts) == mime.MAX_DEPTH + 1
    assert parts[-1].media_type == "application/octet-stream"
    assert parts[-1].defects == [Defect.TOO_DEEP]
    messages = list(scan(b"Content-Type: message/rfc822\n\n" * depth).walk())
    assert len(messages) == mime.MAX_DEPTH + 1
    assert messages[-1].defects == [Defect.TOO_DEEP]


def test_the_number_of_parts_has_a_limit() -> None:
    raw = multipart("--b\n\nx\n" * (mime.MAX_PARTS + 50) + "--b--\n")
    part = scan(raw)
    assert len(part.children) == mime.MAX_PARTS
    rest = part.children[-1]
    assert rest.media_type == "application/octet-stream"
    assert rest.defects == [Defect.TOO_MANY_PARTS]
    assert raw[rest.start : rest.end].count(b"--b\r\n") == 50


def test_a_header_that_is_too_long_is_kept() -> None:
    raw = b"Subject: s\n" + b"X: y\n" * 200_000 + b"To: late\n\nbody"
    part = scan(raw)
    assert raw[part.body :] == b"body"
    assert part.fields.get("subject") == "s"
    assert "to" not in part.fields
    assert part.defects == [Defect.HEADER_TOO_LONG]


def test_every_kind_of_buffer(tmp_path: Path) -> None:
    raw = multipart("--b\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: s\n\ny\n--b--\n") + b"z" * 100_000
    path = tmp_path / "message"
    path.write_bytes(raw)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        trees = [mime.pack(scan(buffer)) for buffer in (raw, bytearray(raw), memoryview(raw), mapped)]
    assert trees == [trees[0]] * 4


def test_a_boundary_far_away() -> None:
    """The quick way over base64 finds what the plain way finds."""
    for filler in (b"A" * 76, b"-" * 76, b"--" + b"b" * 74, b"- " * 38):
        lines = b"\r\n".join([filler] * 2_000)
        raw = multipart("--b\nContent-Type: image/png\n\n") + lines + b"\r\n--b\r\n\r\ntext\r\n--b--\r\n"
        assert outline(scan(raw), raw) == ("multipart/mixed", [("image/png", lines), ("text/plain", b"text")])


def test_pack_and_unpack() -> None:
    raw = multipart(
        "--b\nContent-Type: image/png; name*=utf-8''%F0%9F%90%8E\nContent-ID: <c>\nContent-Location: l\n\nx\n--b\n"
        "Content-Type: message/rfc822\nContent-Disposition: inline\n\nSubject: inner\n\nx\n--b--\n"
    )
    tree = scan(raw)
    packed = mime.pack(tree)
    assert packed.isascii()
    for part, copy in zip(tree.walk(), mime.unpack(packed, raw).walk(), strict=True):
        for name in Part.__slots__:
            if name not in ("_raw", "_fields", "children", "defects"):
                assert getattr(part, name) == getattr(copy, name), name
        assert list(part.fields) == list(copy.fields)
    assert len(mime.unpack(packed).fields) == 0
