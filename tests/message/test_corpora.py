"""Corpora of messages, if there are any: POSTHOUSE_CORPORA names a folder with ``real/*.eml`` and ``torture/``.

``real`` is compared with the standard library's reader, ``torture`` (Apache James mime4j's test messages) with the
trees that mime4j expects. Where we differ, the reason stands in docs/parsing.md.
"""

from __future__ import annotations

import email
import email.policy
import os
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from message_promises import check
from posthouse.message import body, mime, summary
from posthouse.message.defect import Defect
from posthouse.message.message import ParsedMessage
from posthouse.message.mime import Part

FOLDER = Path(os.environ.get("POSTHOUSE_CORPORA", "/dev/null"))
REAL = sorted((FOLDER / "real").glob("*.eml")) if FOLDER.is_dir() else []
TORTURE = sorted((FOLDER / "torture").glob("*.msg")) if FOLDER.is_dir() else []

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="POSTHOUSE_CORPORA names no folder of messages")

# mime4j's trees that aren't ours: the table of docs/parsing.md, which gives the reasons.
DOCS = Path(__file__).parents[2] / "docs" / "parsing.md"
DIFFERENT = set(
    re.findall(r"^\| `([\w-]+)` \|", DOCS.read_text("utf-8").partition("mime4j's expected trees")[2], re.MULTILINE)
)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in TORTURE])
def test_the_trees_of_mime4j(path: Path) -> None:
    raw = path.read_bytes()
    check(raw)
    ours = outline(mime.scan(raw), raw)
    theirs = expected(ET.parse(path.with_suffix(".xml")).getroot())
    assert (ours == theirs) is (path.stem not in DIFFERENT)
    message = ParsedMessage(raw)
    seen = words(*bodies(ours), *summary.search_text(raw, message.tree))
    assert words(*bodies(theirs)) <= seen


def outline(part: Part, raw: bytes) -> Any:
    fields = [raw[field.start : field.end].decode("latin-1") for field in part.fields.fields()]
    inside = [outline(child, raw) for child in part.children] or raw[part.body : part.end].decode("latin-1")
    return [flat(field) for field in fields], inside if isinstance(inside, list) else flat(inside)


def expected(node: ET.Element) -> Any:
    fields = [flat(field.text or "") for field in node.iterfind("header/field")]
    inner = node.find("multipart") if node.find("multipart") is not None else node
    children = [expected(child) for child in inner if child.tag in ("body-part", "message")]
    if children or inner is not node:
        return fields, children
    return fields, flat(node.findtext("body") or "")


def flat(text: str) -> str:
    return " ".join(text.split())


def words(*texts: str) -> set[str]:
    return {word for text in texts for word in re.findall(r"\w+", text)}


def bodies(tree: Any) -> Iterator[str]:
    inside = tree[1]
    if isinstance(inside, str):
        yield inside
    else:
        for child in inside:
            yield from bodies(child)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in TORTURE if path.stem not in DIFFERENT])
def test_the_decoded_bodies_of_mime4j(path: Path) -> None:
    """NAME_decoded_1_2.txt is the decoded body of the second child of the message."""
    raw = path.read_bytes()
    names = re.findall(
        r'name="(\S+_decoded_1[0-9_]*\.\w+)"', path.with_name(f"{path.stem}_decoded.xml").read_text("latin-1")
    )
    for file in [path.with_name(name) for name in names]:
        part = mime.scan(raw)
        for number in file.stem.removeprefix(f"{path.stem}_decoded_1").split("_")[1:]:
            part = part.children[int(number) - 1]
        assert body.content(part, raw).rstrip() == file.read_bytes().rstrip()


@pytest.mark.parametrize("start", range(0, max(1, len(REAL)), 100))
def test_real_messages(start: int) -> None:
    """In each message all that the standard library reads rightly is what we read."""
    for path in REAL[start : start + 100]:
        raw = path.read_bytes()
        check(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs: Any = email.message_from_bytes(raw, policy=email.policy.default)
            ours = ParsedMessage(raw)
            assert shape(ours.tree) == their_shape(theirs), path
            compare_header(ours, theirs)
            compare_texts(ours, theirs)


def shape(part: Part) -> Any:
    return part.media_type, [shape(child) for child in part.children]


def their_shape(message: Any) -> Any:
    """Their parts; but a delivery status has fields, not parts (RFC 3464 §2.1), as BODYSTRUCTURE sees it as well."""
    children = message.get_payload() if message.is_multipart() else []
    if message.get_content_type() == "message/delivery-status":
        children = []
    return message.get_content_type(), [their_shape(child) for child in children]


def compare_header(ours: ParsedMessage, theirs: Any) -> None:
    subject = str(theirs["subject"] or "")
    if "\ufffd" not in subject:  # raw 8-bit, which we read
        assert ours.subject.split() == subject.split()
    if theirs["date"] and theirs["date"].datetime and theirs["date"].datetime.tzinfo:
        assert ours.date == theirs["date"].datetime
    for name, found in (("from", ours.from_), ("to", ours.to), ("cc", ours.cc)):
        specs = [one.addr_spec for field in theirs.get_all(name, []) for one in field.addresses]
        if "\x06@argote.ch" not in specs:  # a control character, which no address of ours has
            assert [one.spec for one in found] == specs


def compare_texts(ours: ParsedMessage, theirs: EmailMessage) -> None:
    parts = [part for part in ours.tree.walk() if part.type == "text"]
    others = [part for part in theirs.walk() if part.get_content_maintype() == "text" and not part.is_multipart()]
    if len(parts) != len(others):  # the fields of a delivery status are text parts to them
        return
    for part, other in zip(parts, others, strict=True):
        try:
            text = other.get_content()
        except (LookupError, KeyError):  # unknown charsets stop them
            continue
        text = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
        found = body.text(part, bytes(ours.raw)).rstrip("\n")
        if not re.search("[\x80-\x9f\ufffd]", text):  # Windows-1252 called something else
            assert found == text


def test_defects_are_rare_in_real_messages() -> None:
    found = [defect for path in REAL for defect in ParsedMessage(path.read_bytes()).defects]
    assert len(found) <= len(REAL) // 50
    assert Defect.NO_BOUNDARY not in found
