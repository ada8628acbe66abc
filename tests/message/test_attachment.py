"""What is the letter's text, and what are files; what files are called."""

from __future__ import annotations

import pytest

from posthouse.message import attachment
from posthouse.message.mime import scan

PNG = "Content-Type: image/png\nContent-Transfer-Encoding: base64"


def multipart(kind: str, *parts: str) -> str:
    boundary = kind.split(";")[0]
    inside = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inside}--{boundary}--\n'


PLAIN = "Content-Type: text/plain\n\nplain"
HTML = "Content-Type: text/html\n\n<p>html"


@pytest.mark.parametrize(
    ("raw", "texts", "files"),
    [
        (PLAIN, ["plain"], []),
        (HTML, ["html"], []),
        (multipart("alternative", PLAIN, HTML), ["plain", "html"], []),
        (multipart("mixed", PLAIN, HTML), ["plain", "html"], []),
        (multipart("mixed", PLAIN, PNG + "\n\nAAAA"), ["plain"], [("png", False)]),
        (multipart("mixed", PLAIN, PNG + "\nContent-Disposition: inline\n\nAAAA"), ["plain"], [("png", True)]),
        (multipart("related", HTML, PNG + "\nContent-ID: <c>\n\nAAAA"), ["html"], [("png", True)]),
        (multipart("related", HTML, PNG + "\nContent-ID: <c>\nContent-Disposition: attachment\n\nAAAA"), ["html"],
         [("png", False)]),
        (multipart("related; start=\"<r>\"", PNG + "\nContent-ID: <c>\n\nAAAA", "Content-ID: <r>\n" + HTML), ["html"],
         [("png", True)]),
        (multipart("related", HTML, "Content-Type: text/html\nContent-ID: <frame>\n\nx"), ["html"], [("html", True)]),
        (multipart("mixed", PLAIN, "Content-Type: text/plain; name=notes.txt\n\nx"), ["plain"], [("plain", False)]),
        (multipart("mixed", PLAIN, "Content-Type: text/html\nContent-Disposition: attachment\n\nx"), ["plain"],
         [("html", False)]),
        ("Content-Type: text/plain; name=letter.txt\n\nx", ["plain"], []),  # the whole letter
        (multipart("mixed", multipart("alternative", PLAIN, HTML), "Content-Type: text/plain\n\nfooter"),
         ["plain", "html", "plain"], []),
        (multipart("alternative", PLAIN, "Content-Type: text/calendar\n\nBEGIN"), ["plain"], [("calendar", False)]),
        (multipart("mixed", PLAIN, "Content-Type: message/rfc822\n\nSubject: x\n\nx"), ["plain"], [("rfc822", False)]),
        ("Content-Type: text/x-unknown\n\nx", ["x-unknown"], []),
        ("Content-Type: text/calendar\n\nx", [], [("calendar", False)]),
        ("Content-Type: application/pdf\n\nx", [], [("pdf", False)]),
        (multipart("report", PLAIN, "Content-Type: message/delivery-status\n\nx: y"), ["plain"],
         [("delivery-status", False)]),
        ("Content-Type: text/plain\nContent-Disposition: attachment\n\nx", [], [("plain", False)]),
    ],
)  # fmt: skip
def test_divide(raw: str, texts: list[str], files: list[tuple[str, bool]]) -> None:
    found_texts, found_files = attachment.divide(scan(raw.encode()))
    assert [part.subtype for part in found_texts] == texts
    assert [(part.subtype, inline) for part, inline in found_files] == files


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Content-Disposition: attachment; filename=a.pdf", "a.pdf"),
        ("Content-Type: application/pdf; name=a.pdf", "a.pdf"),
        ("Content-Type: application/pdf; name=b.pdf\nContent-Disposition: attachment; filename=a.pdf", "a.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''gr%C3%BCn.pdf", "grün.pdf"),
        ('Content-Disposition: attachment; filename="=?utf-8?Q?gr=C3=BCn?=.pdf"', "grün.pdf"),
        ("Content-Disposition: attachment; filename==?utf-8?B?Z3LDvG4=?=", "grün"),
        ('Content-Disposition: attachment; filename="grün.pdf"', "grün.pdf"),
        ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        ("Content-Disposition: attachment; filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ('Content-Disposition: attachment; filename="=?utf-8?Q?..=2F..=2Fetc=2Fpasswd?="', "passwd"),
        (r'Content-Disposition: attachment; filename="C:\temp\a.exe"', "a.exe"),
        ('Content-Disposition: attachment; filename=".."', "text.txt"),
        ('Content-Type: application/pdf; name="/"', "attachment.pdf"),
        ("Content-Type: application/pdf", "attachment.pdf"),
        ("Content-Type: application/x-unknown", "attachment.bin"),
        ("Content-Type: image/jpeg", "image.jpg"),
        ("Content-Type: text/calendar", "text.ics"),
        ("Content-Type: application/ms-tnef", "winmail.dat"),
        ("Content-Type: application/ms-tnef; name=x.dat", "x.dat"),
        ("Content-Type: message/rfc822\n\nSubject: a/b: the =?utf-8?Q?gr=C3=BCn?=", "b_ the grün.eml"),
        ("Content-Type: message/rfc822", "message.eml"),
        ("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nAAAA", "message.eml"),
    ],
)
def test_names(header: str, name: str) -> None:
    assert attachment.name_of(scan(f"{header}\n\nx".encode())) == name
