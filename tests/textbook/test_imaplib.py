"""The textbook's programs that read, as the textbook prints them: only host, port, certificate and account are ours."""

from __future__ import annotations

import email
import imaplib
import smtplib
from collections.abc import Iterator

import pytest

from live import PASSWORDS, Live

ADA, BOB = "ada@example.org", "bob@example.org"
FIRST = (
    f"From: Ada <{ADA}>\nTo: Bob <{BOB}>\nBcc: secret@example.org\nSubject: Python is fun\nX-Book: one\n\nHello Bob\n"
)
SECOND = (
    "From: Eve <eve@elsewhere.example>\nTo: list@elsewhere.example\nSubject: =?utf-8?q?Caf=C3=A9?=\n\nSecond text\n"
)


@pytest.fixture
def reader(posthouse: Live) -> Iterator[imaplib.IMAP4_SSL]:
    """Bob, logged in, with two letters in his inbox."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as s:
        s.sendmail(ADA, BOB, FIRST)
        s.sendmail("eve@elsewhere.example", BOB, SECOND)
    mail = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
    mail.login(BOB, PASSWORDS[BOB])
    yield mail
    mail.logout()


def test_the_inbox_in_any_case(reader: imaplib.IMAP4_SSL) -> None:
    assert reader.select("Inbox") == ("OK", [b"2"])
    assert reader.close()[0] == "OK"
    assert reader.select("INBOX") == ("OK", [b"2"])
    assert reader.select() == ("OK", [b"2"])


def test_the_subjects_are_printed(reader: imaplib.IMAP4_SSL) -> None:
    reader.select("Inbox")
    status, data = reader.search(None, "ALL")
    assert (status, data) == ("OK", [b"1 2"])
    subjects = []
    for num in data[0].split():
        _, fetched = reader.fetch(num, "(RFC822)")
        message = email.message_from_bytes(fetched[0][1])
        subjects.append(message["Subject"])
    assert subjects == ["Python is fun", "=?utf-8?q?Caf=C3=A9?="]
    reader.close()


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        (["ALL"], b"1 2"),
        (["SUBJECT Python"], b"1"),
        (["SUBJECT", '"python is"'], b"1"),
        (["SUBJECT nowhere"], b""),
        (["ANSWERED"], b""),
        (["BCC secret"], b"1"),
        (["BEFORE 01-Jan-2020"], b""),
        (["BEFORE 01-Jan-2099"], b"1 2"),
        (["HEADER X-Book one"], b"1"),
        (["HEADER X-Book two"], b""),
        (["TO bob@example.org"], b"1"),
        (["UNSEEN"], b"1 2"),
        (["FROM eve", "UNSEEN"], b"2"),
        (["OR SUBJECT Python FROM eve"], b"1 2"),
        (["NOT SUBJECT Python"], b"2"),
        (["BODY", '"Second text"'], b"2"),
    ],
)
def test_searches(reader: imaplib.IMAP4_SSL, criteria: list[str], found: bytes) -> None:
    reader.select("Inbox")
    assert reader.search(None, *criteria) == ("OK", [found])


def test_search_in_another_script(reader: imaplib.IMAP4_SSL) -> None:
    reader.select("Inbox")
    reader.literal = "café".encode()
    assert reader.search("UTF-8", "SUBJECT") == ("OK", [b"2"])


def test_answered_and_seen_letters_are_found(reader: imaplib.IMAP4_SSL) -> None:
    reader.select("Inbox")
    status, data = reader.store("1", "+FLAGS", "\\Answered")
    assert (status, data) == ("OK", [b"1 (FLAGS (\\Recent \\Answered))"])
    assert reader.search(None, "ANSWERED") == ("OK", [b"1"])
    reader.fetch("2", "(RFC822)")
    assert reader.search(None, "UNSEEN") == ("OK", [b"1"])
    reader.store("2", "-FLAGS", "(\\Seen)")
    assert reader.search(None, "UNSEEN") == ("OK", [b"1 2"])


class TestFetch:
    """Each way of fetching that the book shows."""

    def test_the_header(self, reader: imaplib.IMAP4_SSL) -> None:
        reader.select("Inbox")
        _, data = reader.fetch("1", "(RFC822.HEADER)")
        header = data[0][1]
        assert header.startswith(b"Return-Path: <ada@example.org>\r\nReceived: from ")
        assert header.endswith(b"\r\nX-Book: one\r\n\r\n")
        assert b"Subject: Python is fun\r\n" in header
        assert reader.search(None, "UNSEEN") == ("OK", [b"1 2"]), "a header is fetched without marking the letter read"

    def test_the_whole(self, reader: imaplib.IMAP4_SSL, posthouse: Live) -> None:
        reader.select("Inbox")
        _, data = reader.fetch("1", "(RFC822)")
        whole = data[0][1]
        assert whole.endswith(posthouse.letters()[0].read_bytes()), "byte for byte what came, behind our trace lines"
        assert reader.search(None, "UNSEEN") == ("OK", [b"2"])

    def test_the_text(self, reader: imaplib.IMAP4_SSL) -> None:
        reader.select("Inbox")
        _, data = reader.fetch("2", "(RFC822.TEXT)")
        assert data[0][1] == b"Second text\r\n"

    def test_the_size(self, reader: imaplib.IMAP4_SSL) -> None:
        reader.select("Inbox")
        _, whole = reader.fetch("1", "(RFC822)")
        _, data = reader.fetch("1", "(RFC822.SIZE)")
        assert data == [b"1 (RFC822.SIZE %d)" % len(whole[0][1])]

    def test_uid_text_and_header_at_once(self, reader: imaplib.IMAP4_SSL) -> None:
        reader.select("Inbox")
        _, data = reader.fetch("2", "(UID RFC822.TEXT RFC822.HEADER)")
        assert data[0][0].startswith(b"2 (UID 2 RFC822.TEXT {13}")
        assert data[0][1] == b"Second text\r\n"
        assert data[1][0].startswith(b" RFC822.HEADER {")
        assert b"Subject: =?utf-8?q?Caf=C3=A9?=\r\n" in data[1][1]

    def test_envelope_structure_and_parts(self, reader: imaplib.IMAP4_SSL) -> None:
        reader.select("Inbox")
        _, data = reader.fetch("1", "(ENVELOPE)")
        assert b'"Python is fun" (("Ada" NIL "ada" "example.org"))' in data[0]
        _, data = reader.fetch("1", "(BODY.PEEK[HEADER.FIELDS (SUBJECT X-BOOK)])")
        assert data[0][1] == b"Subject: Python is fun\r\nX-Book: one\r\n\r\n"
        _, data = reader.fetch("1", "(BODY.PEEK[TEXT]<6.3>)")
        assert data[0][1] == b"Bob"


def test_a_mailbox_that_is_not_there(reader: imaplib.IMAP4_SSL) -> None:
    status, data = reader.select("Nowhere")
    assert status == "NO"
    assert b"Nowhere" in data[0]


def test_starttls(posthouse: Live) -> None:
    mail = imaplib.IMAP4(posthouse.host, posthouse.port("imap"))
    assert "LOGINDISABLED" in mail.capabilities
    with pytest.raises(imaplib.IMAP4.error, match="TLS"):
        mail.login(BOB, PASSWORDS[BOB])
    mail.starttls(posthouse.tls)
    mail.login(BOB, PASSWORDS[BOB])
    assert mail.select("inbox") == ("OK", [b"0"])
    mail.logout()


def test_a_wrong_password(posthouse: Live) -> None:
    words = []
    for user in (BOB, "nobody@example.org"):
        mail = imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls)
        with pytest.raises(imaplib.IMAP4.error) as refused:
            mail.login(user, "wrong")
        words.append(str(refused.value))
        mail.logout()
    assert words[0] == words[1] and "AUTHENTICATIONFAILED" in words[0]


def test_the_mailboxes(reader: imaplib.IMAP4_SSL) -> None:
    status, boxes = reader.list()
    assert status == "OK"
    names = {box.rsplit(b" ", 1)[1].strip(b'"') for box in boxes}
    assert {b"INBOX", b"Drafts", b"Sent", b"Trash"} <= names


def test_a_letter_is_put_into_a_mailbox(reader: imaplib.IMAP4_SSL) -> None:
    status, _ = reader.append(
        "Drafts", "(\\Draft)", imaplib.Time2Internaldate(1_700_000_000), b"Subject: draft\r\n\r\nx\r\n"
    )
    assert status == "OK"
    assert reader.select("Drafts") == ("OK", [b"1"])
    _, data = reader.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE)")
    assert b"\\Draft" in data[0] and b"14-Nov-2023" in data[0] and b"RFC822.SIZE 21" in data[0]


def test_a_letter_is_deleted(reader: imaplib.IMAP4_SSL) -> None:
    reader.select("Inbox")
    reader.store("1", "+FLAGS", "\\Deleted")
    assert reader.expunge() == ("OK", [b"1"])
    assert reader.search(None, "ALL") == ("OK", [b"1"])
    _, data = reader.fetch("1", "(UID)")
    assert data == [b"1 (UID 2)"]
