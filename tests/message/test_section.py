"""BODY[section]: RFC 9051 §6.4.5.1, with its own example of part numbers."""

from __future__ import annotations

import pytest

from posthouse.message.mime import scan
from posthouse.message.section import Text, find, find_part, header_fields


def entity(header: str, body: str) -> str:
    return f"{header}\n\n{body}"


def multipart(kind: str, boundary: str, *parts: str, header: str = "") -> str:
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return entity(f'{header}Content-Type: multipart/{kind}; boundary="{boundary}"', f"{inside}--{boundary}--\n")


# RFC 9051 §6.4.5.1: "Here is an example of a complex message with some of its part numbers".
RAW = multipart(
    "mixed", "b0",
    entity("Content-Type: text/plain", "part 1"),
    entity("Content-Type: application/octet-stream", "part 2"),
    entity(
        "Content-Type: message/rfc822",
        multipart(
            "mixed", "b3",
            entity("Content-Type: text/plain", "part 3.1"),
            entity("Content-Type: application/octet-stream", "part 3.2"),
            header="Subject: message 3\n",
        ),
    ),
    multipart(
        "mixed", "b4",
        entity("Content-Type: image/gif", "part 4.1"),
        entity(
            "Content-Type: message/rfc822",
            multipart(
                "mixed", "b42",
                entity("Content-Type: text/plain", "part 4.2.1"),
                multipart(
                    "alternative", "b422",
                    entity("Content-Type: text/plain", "part 4.2.2.1"),
                    entity("Content-Type: text/richtext", "part 4.2.2.2"),
                ),
                header="Subject: message 4.2\n",
            ),
        ),
        header="X-Mime: 4\n",
    ),
    header="Subject: outer\n",
).replace("\n", "\r\n").encode()  # fmt: skip


def section(raw: bytes, numbers: str, text: Text = "") -> bytes | None:
    found = find(scan(raw), tuple(int(number) for number in numbers.split(".") if number), text)
    return None if found is None else raw[found[0] : found[1]]


@pytest.mark.parametrize("numbers", ["1", "2", "3.1", "3.2", "4.1", "4.2.1", "4.2.2.1", "4.2.2.2"])
def test_the_leaves(numbers: str) -> None:
    assert section(RAW, numbers) == f"part {numbers}".encode()


@pytest.mark.parametrize(
    ("numbers", "text", "begin", "end"),
    [
        ("", "", b"Subject: outer", b"--b0--\r\n"),
        ("", "HEADER", b"Subject: outer", b'boundary="b0"\r\n\r\n'),
        ("", "TEXT", b"--b0\r\n", b"--b0--\r\n"),
        ("1", "MIME", b"Content-Type: text/plain\r\n\r\n", b""),
        ("3", "", b"Subject: message 3", b"--b3--\r\n"),
        ("3", "HEADER", b"Subject: message 3", b'boundary="b3"\r\n\r\n'),
        ("3", "TEXT", b"--b3\r\n", b"--b3--\r\n"),
        ("3", "MIME", b"Content-Type: message/rfc822\r\n\r\n", b""),
        ("3.1", "MIME", b"Content-Type: text/plain\r\n\r\n", b""),
        ("4", "", b"--b4\r\n", b"--b4--\r\n"),
        ("4", "MIME", b"X-Mime: 4", b'boundary="b4"\r\n\r\n'),
        ("4.2", "HEADER", b"Subject: message 4.2", b'boundary="b42"\r\n\r\n'),
        ("4.2", "TEXT", b"--b42\r\n", b"--b42--\r\n"),
        ("4.2.2", "MIME", b"Content-Type: multipart/alternative", b'boundary="b422"\r\n\r\n'),
    ],
)
def test_other_sections(numbers: str, text: Text, begin: bytes, end: bytes) -> None:
    found = section(RAW, numbers, text)
    assert found is not None
    assert found.startswith(begin)
    assert found.endswith(end)


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ("", "MIME"), ("5", ""), ("0", ""), ("1.1", ""), ("1.2", ""), ("1", "HEADER"), ("2", "TEXT"), ("3.3", ""),
        ("4", "HEADER"), ("3.1.1", ""), ("4.2.2.3", ""), ("4.2.2", "TEXT"), ("9", "MIME"),
    ],
)  # fmt: skip
def test_sections_that_are_not_there(numbers: str, text: Text) -> None:
    assert section(RAW, numbers, text) is None


def test_a_message_that_is_no_multipart_has_part_1() -> None:
    raw = b"Subject: s\r\n\r\nbody"
    assert section(raw, "1") == section(raw, "", "TEXT") == b"body"
    assert section(raw, "1", "MIME") == b"Subject: s\r\n\r\n"
    assert section(raw, "2") is section(raw, "1.1") is section(raw, "1", "TEXT") is None


def test_a_message_that_is_a_message() -> None:
    raw = b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nbody"
    assert section(raw, "1") == b"Subject: inner\r\n\r\nbody"
    assert section(raw, "1", "HEADER") == b"Subject: inner\r\n\r\n"
    assert section(raw, "1.1") == section(raw, "1", "TEXT") == b"body"
    assert section(raw, "1.1", "MIME") == b"Subject: inner\r\n\r\n"


def test_an_encoded_message_inside_has_no_sections() -> None:
    raw = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogcw=="
    assert section(raw, "1") == b"U3ViamVjdDogcw=="
    assert section(raw, "1", "HEADER") is section(raw, "1.1") is None


def test_find_part() -> None:
    tree = scan(RAW)
    assert find_part(tree, ()) is tree
    part = find_part(tree, (4, 2, 2, 2))
    assert part is not None and part.media_type == "text/richtext"


HEADER = b"Subject: s\r\nReceived: 1\r\n\tfolded\r\nTO: t\r\nreceived : 2\r\n\r\nSubject: body\r\n"


@pytest.mark.parametrize(
    ("names", "exclude", "fields"),
    [
        (["subject"], False, b"Subject: s\r\n\r\n"),
        (["To", "RECEIVED"], False, b"Received: 1\r\n\tfolded\r\nTO: t\r\nreceived : 2\r\n\r\n"),
        (["none", "ü"], False, b"\r\n"),
        (["Received"], True, b"Subject: s\r\nTO: t\r\n\r\n"),
        ([], True, b"Subject: s\r\nReceived: 1\r\n\tfolded\r\nTO: t\r\nreceived : 2\r\n\r\n"),
    ],
)
def test_header_fields(names: list[str], exclude: bool, fields: bytes) -> None:
    end = scan(HEADER).body
    assert header_fields(HEADER, 0, end, names, exclude) == fields
    assert header_fields(memoryview(HEADER), 0, end, names, exclude) == fields


def test_header_fields_of_a_header_without_an_end() -> None:
    assert header_fields(b"A: b\nC: d", 0, 9, ["c"]) == b"C: d\r\n\r\n"
    assert header_fields(b"", 0, 0, ["c"]) == b"\r\n"
