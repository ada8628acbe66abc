"""What users of other mail programs suffered from when they read letters: each case by the project and its number."""

from __future__ import annotations

import pytest

from parenthesized import read
from posthouse.message import structure
from posthouse.message.message import ParsedMessage


def letter(header: str | bytes, body: str | bytes = "text\n") -> ParsedMessage:
    head, rest = (part.encode() if isinstance(part, str) else part for part in (header, body))
    return ParsedMessage(head + b"\n\n" + rest)


@pytest.mark.parametrize("value", ['"', "(c):", "name*", "...", "a..b@x.org", "<", "(", "a@[", "@"])
@pytest.mark.parametrize("name", ["To", "From", "Content-Type", "Content-Disposition", "Message-ID", "Date"])
def test_cpython_148518_151857_76359_75171_74886_header_values_that_raise(name: str, value: str) -> None:
    message = letter(f"{name}: {value}\nSubject: still here")
    assert message.subject == "still here"
    assert message.text == "text\n"
    for part in ("from_", "to", "date", "message_id", "attachments", "defects", "envelope", "bodystructure"):
        getattr(message, part)


def test_cleanup_maildir_7_a_message_id_in_square_brackets() -> None:
    assert letter("Message-ID: <[abc@x.org]>").message_id == "<[abc@x.org]>"


def test_cpython_83281_what_was_read_is_written_as_it_was() -> None:
    raw = b"Subject: =?utf-8?B?w6?= =?utf-8?B?qQ==?=\nContent-Type: text/plain; charset=nonsense\n\n\xfc\r\n"
    message = ParsedMessage(raw)
    assert message.subject and message.text
    assert bytes(message.raw) == raw


@pytest.mark.parametrize("charset", ["cp-850", "utf-8 euao6y69zh2w", "", '""'])
def test_imbox_113_169_177_charsets_nobody_knows(charset: str) -> None:
    assert letter(f"Content-Type: text/plain; charset={charset}", "plain text").text == "plain text"


def test_imbox_83_180_alot_1314_1507_raw_8_bit_text() -> None:
    message = letter(b"Subject: gr\xfcn\nFrom: J\xc3\xbcrgen <j@x.org>", b"gr\xfcn")
    assert (message.subject, message.from_[0].name, message.text) == ("grün", "Jürgen", "grün")
    assert read(message.envelope)


@pytest.mark.parametrize("charset", ["unknown", "unknown-8bit", "binary", "x-unknown"])
def test_alot_107_1399_charsets_that_say_nothing(charset: str) -> None:
    assert letter(f"Content-Type: text/plain; charset={charset}", "grün").text == "grün"


def test_pymap_copy_12_modoboa_944_old_charsets_in_a_subject() -> None:
    assert letter("Subject: =?dos-862?Q?=99=8C=85=8D?=").subject == "שלום"
    assert letter("Subject: =?windows-874?B?5LfC?=").subject == "ไทย"


def test_alot_1253_no_statistics_over_an_attachment() -> None:
    message = letter("Content-Type: text/plain; name=big.txt\nContent-Disposition: attachment", b"\x80\xff" * 500_000)
    assert message.attachments[0].size == 1_000_000
    assert len(ParsedMessage(bytes(message.raw).replace(b"attachment", b"inline")).text) == 1_000_000


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ('filename="=?utf-8?Q?gr=C3=BCn?= (final).pdf"', "grün (final).pdf"),  # imap_tools 33: half encoded
        ('filename="Plan =?utf-8?B?Z3LDvG4=?=.pdf"', "Plan grün.pdf"),
        ('filename="grün.pdf"', "grün.pdf"),  # imap_tools 220: raw UTF-8
        ("filename*0*=utf-8''gr%C3; filename*1*=%BCn; filename*2=.pdf", "grün.pdf"),  # roundcube 6783: sections
        ("filename*2=.pdf; filename*1*=%BCn; filename*0*=utf-8''gr%C3", "grün.pdf"),
        ('filename*0="a very long "; filename*1="name.pdf"', "a very long name.pdf"),  # php-imap 684: truncated
    ],
)
def test_imap_tools_33_220_roundcube_6783_php_imap_684_names_of_files(parameter: str, name: str) -> None:
    message = letter(f"Content-Type: application/pdf\nContent-Disposition: attachment; {parameter}")
    assert [file.filename for file in message.attachments] == [name]


def test_imap_tools_38_a_forwarded_letter_without_a_name() -> None:
    raw = "--b\n\nsee below\n--b\nContent-Type: message/rfc822\n\nSubject: old news\n\nold text\n--b--\n"
    message = letter("Content-Type: multipart/mixed; boundary=b", raw)
    [file] = message.attachments
    assert (file.filename, file.type) == ("old news.eml", "message/rfc822")
    assert file.content == b"Subject: old news\n\nold text"


@pytest.mark.parametrize("date", ["16.03.09", "", "Thu, 01 Jan 0100 00:00:00 +0000"])
def test_imapclient_151_offlineimap3_134_imap_tools_160_ietfdata_84_dates_that_are_none(date: str) -> None:
    assert letter(f"Date: {date}").date is None


def test_imapclient_151_a_date_without_seconds() -> None:
    found = letter("Date: Mon, 16 Mar 2009 12:00 +0100").date
    assert found is not None and found.isoformat() == "2009-03-16T12:00:00+01:00"


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: multipart/mixed; boundary=b",
        "Content-Type: multipart/mixed",
        'Content-Type: multipart/mixed; boundary=""',
        'Content-Type: ""; =; boundary',
        'Content-Type: text/plain; name=""""',
        "Content-Disposition: ; filename",
        "Content-Type: multipart/mixed; boundary=b\nContent-Language: ,,\nContent-Location:\nContent-ID:",
    ],
)
def test_go_imap_659_mailkit_371_himalaya_649_our_bodystructure_is_legal(header: str) -> None:
    """Servers that send a multipart without parts, or quotes in quotes, make clients lose the letter."""
    for body in ("", "text\n", "--b--\n", "--b\n--b--\n"):
        found = read(letter(header, body).bodystructure)
        assert isinstance(found, list) and len(found) >= 6


def test_cpython_87075_a_header_of_semicolons() -> None:
    message = letter("Content-Type: text/plain" + ";" * 400_000 + "\nSubject: x")
    assert (message.subject, message.text) == ("x", "text\n")


def test_cpython_119511_what_a_header_declares_is_no_promise() -> None:
    message = letter("Content-Length: 99999999999\nLines: -1\nContent-Type: x/y; size=99999999999")
    assert (message.attachments[0].size, message.attachments[0].content) == (5, b"text\n")


def test_himalaya_352_there_is_always_something_to_read() -> None:
    assert letter("Content-Type: text/html", "<p>only HTML").text == "only HTML"
    assert letter("Content-Type: text/plain", "only text").html is None
    assert letter("Content-Type: text/plain", "only text").text == "only text"


def test_fast_mail_parser_unpadded_base64_is_no_reason_to_lose_the_letter() -> None:
    raw = "--b\n\ntext\n--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\naGVsbG8\n--b--\n"
    message = letter("Subject: x\nContent-Type: multipart/mixed; boundary=b", raw)
    assert (message.subject, message.text) == ("x", "text")
    assert message.attachments[0].content == b"hello"


def test_mail_parser_a_nameless_file_is_not_poured_into_the_text() -> None:
    raw = "--b\n\ntext\n--b\nContent-Type: application/pdf\n\n%PDF-1.4\n--b--\n"
    message = letter("Content-Type: multipart/mixed; boundary=b", raw)
    assert message.text == "text"
    assert [(file.filename, file.content) for file in message.attachments] == [("attachment.pdf", b"%PDF-1.4")]


def test_cpython_a_character_split_over_two_encoded_words() -> None:
    message = letter("Subject: =?utf-8?B?Z3LDv?= =?utf-8?B?A==?=\nX: =?utf-8?Q?=E2=82?= =?utf-8?Q?=AC?=")
    assert message.headers.get("x") == "€"
    assert message.subject.startswith("gr")
    assert read(structure.envelope(message.tree))


def test_a_path_in_a_file_name_stays_in_the_letter() -> None:
    for name in ("../../etc/passwd", "/etc/passwd", "..\\..\\etc\\passwd", "C:\\etc\\passwd", "a/../passwd"):
        message = letter(f'Content-Type: a/b; name="{name}"')
        assert message.attachments[0].filename == "passwd"
