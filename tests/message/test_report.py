"""Reports about letters: bounces and receipts."""

from __future__ import annotations

import pytest

from posthouse.message.mime import scan
from posthouse.message.report import MAX_RECIPIENTS, Fate, Report, read_report

BOUNCE = """\
Content-Type: multipart/report; report-type=delivery-status; boundary=r

--r

Sorry.
--r
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Original-Recipient: rfc822;ann@x.org
Final-Recipient: RFC822; ann@inside.x.org
Action: Failed
Status: 5.1.1 (no such user)
Diagnostic-Code: smtp; 550 5.1.1
 no such user

\t
Final-Recipient: rfc822; bob@x.org
Action: delayed
Status: 4.4.1

--r
Content-Type: {kind}

Subject: hello
Message-ID: <m@x.org>

{body}--r--
"""


def report(text: str) -> Report | None:
    raw = text.replace("\n", "\r\n").encode()
    assert read_report(scan(text.encode()), text.encode()) == read_report(scan(raw), raw)
    return read_report(scan(raw), raw)


@pytest.mark.parametrize("kind", ["message/rfc822", "text/rfc822-headers", "message/global"])
def test_a_delivery_status(kind: str) -> None:
    found = report(BOUNCE.format(kind=kind, body="text\n"))
    assert found == Report(
        "<m@x.org>",
        (Fate("ann@x.org", "failed", "5.1.1", "550 5.1.1 no such user"), Fate("bob@x.org", "delayed", "4.4.1")),
    )
    assert found.has_failed


@pytest.mark.parametrize(
    ("field", "recipient"),
    [
        (r"utf-8; j\x{FC}rgen@x.org", "jürgen@x.org"),
        (r"UTF-8;\x{1F600}\x{5C}@x.org", "😀\\@x.org"),
        ("utf-8; jürgen@x.org", "jürgen@x.org"),
        (r"utf-8; a\x{0A}\x{D800}\x{110000}@x.org", r"a\x{0A}\x{D800}\x{110000}@x.org"),
        (r"rfc822; a\x{FC}@x.org", r"a\x{FC}@x.org"),
    ],
)
def test_recipients_in_any_script_and_comments(field: str, recipient: str) -> None:
    found = report(
        "Content-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/global-delivery-status\n\nA: b\n\n"
        f"Final-Recipient: {field}\nAction: Failed (for good)\nStatus: 5.1.1(no such user)\n\n--r--\n"
    )
    assert found == Report("", (Fate(recipient, "failed", "5.1.1"),))


def test_a_disposition_notification() -> None:
    found = report(
        "Content-Type: multipart/report; boundary=r\n\n--r\n\nread\n--r\n"
        "Content-Type: message/disposition-notification\n\nReporting-UA: x\nFinal-Recipient: rfc822; ann@x.org\n"
        "Original-Message-ID: <m@x.org>\nDisposition: manual-action/MDN-sent-manually; displayed/error\n\n--r--\n"
    )
    assert found == Report("<m@x.org>", (Fate("ann@x.org", "displayed"),))
    assert not found.has_failed


@pytest.mark.parametrize(
    "text",
    [
        "Subject: no report\n\nx",
        "Content-Type: multipart/report; boundary=r\n\n--r\n\nno fields\n--r--\n",
        "Content-Type: multipart/mixed; boundary=r\n\n--r\nContent-Type: message/delivery-status\n\nx: y\n--r--\n",
    ],
)
def test_other_letters_are_no_reports(text: str) -> None:
    assert report(text) is None


def test_a_broken_report_says_what_it_can() -> None:
    head = "Content-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/{}\n\n{}\n--r--\n"
    assert report(head.format("delivery-status", "junk")) == Report("", ())
    assert report(head.format("delivery-status", "Final-Recipient: ann@x.org")) == Report("", (Fate("ann@x.org", ""),))
    assert report(head.format("disposition-notification", "x: y")) == Report("", (Fate("", ""),))


def test_the_number_of_recipients_is_limited() -> None:
    group = "Final-Recipient: rfc822; a@x.org\nAction: failed\n\n"
    head = "Content-Type: multipart/report; boundary=r\n\n--r\nContent-Type: message/delivery-status\n\nA: b\n\n"
    found = report(f"{head}{group * (MAX_RECIPIENTS + 10)}--r--\n")
    assert found is not None and len(found.fates) == MAX_RECIPIENTS
