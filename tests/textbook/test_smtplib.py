"""The textbook's programs that send, as the textbook prints them: only host, port, certificate and account are ours."""

from __future__ import annotations

import smtplib
import struct
import zlib
from email.mime.image import MIMEImage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import Path

import pytest

from live import PASSWORDS, Live

ADA, BOB = "ada@example.org", "bob@example.org"


def png(width: int = 8, height: int = 8) -> bytes:
    """A small picture: a PNG of one colour, made by hand."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x20\x60\xc0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("door", ["submission", "smtp"])
def test_a_hand_made_string(posthouse: Live, door: str) -> None:
    """The book gives no port: the program then logs in on the SMTP port, and its letter is a submission."""
    fromaddr, toaddr = ADA, BOB
    message = f"From: {fromaddr}\nTo: {toaddr}\nSubject: Python test\n\nHello Bob,\n.\nthis line has a dot above it\n"

    server = smtplib.SMTP(posthouse.host, posthouse.port(door))
    server.starttls(context=posthouse.tls)
    server.login(ADA, PASSWORDS[ADA])
    refused = server.sendmail(fromaddr, [toaddr], message)
    server.quit()

    assert refused == {}
    (letter,) = posthouse.letters()
    octets = letter.read_bytes()
    assert b"\n" not in octets.replace(b"\r\n", b"")
    header, _, body = octets.partition(b"\r\n\r\n")
    assert header.startswith(b"From: ada@example.org\r\nTo: bob@example.org\r\nSubject: Python test\r\n")
    assert b"\r\nDate: " in header and b"\r\nMessage-ID: <" in header, "a submission completes what is left out"
    assert body == b"Hello Bob,\r\n.\r\nthis line has a dot above it\r\n"


def test_implicit_tls(posthouse: Live) -> None:
    with smtplib.SMTP_SSL(posthouse.host, posthouse.port("submissions"), context=posthouse.tls) as server:
        server.login(ADA, PASSWORDS[ADA])
        server.sendmail(ADA, BOB, "Subject: over TLS\n\nfrom the first octet")
    assert b"Subject: over TLS\r\n" in posthouse.letters()[0].read_bytes()


def test_a_text_from_a_file(posthouse: Live, tmp_path: Path) -> None:
    textfile = tmp_path / "textfile.txt"
    textfile.write_text("Grüße aus Zürich\nund Ḃaile Átha Cliath\n", "utf-8")

    with open(textfile, encoding="utf-8") as fp:  # noqa: PTH123  (as the book has it)
        msg = MIMEText(fp.read())
    msg["Subject"] = f"The contents of {textfile.name}"
    msg["From"] = ADA
    msg["To"] = BOB

    s = smtplib.SMTP(posthouse.host, posthouse.port("submission"))
    s.starttls(context=posthouse.tls)
    s.login(ADA, PASSWORDS[ADA])
    s.send_message(msg)
    s.quit()

    stored = posthouse.letters()[0].read_bytes()
    assert b"Subject: The contents of textfile.txt\r\n" in stored
    assert b'Content-Type: text/plain; charset="utf-8"\r\n' in stored


def test_a_picture_attached(posthouse: Live) -> None:
    msg = MIMEMultipart()
    msg["Subject"] = "Our family reunion"
    msg["From"] = ADA
    msg["To"] = BOB
    msg.preamble = "You will not see this in a MIME-aware mail reader.\n"
    img = MIMEImage(png())
    img.add_header("Content-Disposition", "attachment", filename="reunion.png")
    msg.attach(img)

    s = smtplib.SMTP(posthouse.host, posthouse.port("submission"))
    s.starttls(context=posthouse.tls)
    s.login(ADA, PASSWORDS[ADA])
    s.sendmail(ADA, [BOB], msg.as_string())
    s.quit()

    stored = posthouse.letters()[0].read_bytes()
    assert b"Content-Type: image/png\r\n" in stored
    assert b'filename="reunion.png"' in stored


def test_many_letters_on_one_connection(posthouse: Live) -> None:
    s = smtplib.SMTP(posthouse.host, posthouse.port("submission"))
    s.starttls(context=posthouse.tls)
    s.login(ADA, PASSWORDS[ADA])
    for i in range(50):
        s.sendmail(ADA, [BOB], f"From: {ADA}\nTo: {BOB}\nSubject: letter {i}\n\nNumber {i}\n")
    s.quit()
    assert len(posthouse.letters()) == 50


def test_octets_with_bare_line_feeds(posthouse: Live) -> None:
    """smtplib sends bytes as they are; a submission's bare line feeds become line ends, and none ends the letter."""
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
        s.starttls(context=posthouse.tls)
        s.login(ADA, PASSWORDS[ADA])
        s.sendmail(ADA, BOB, b"Subject: octets\n\none\n.\ntwo\n")
    octets = posthouse.letters()[0].read_bytes()
    assert octets.endswith(b"\r\n\r\none\r\n.\r\ntwo\r\n\r\n")
    assert octets.startswith(b"Subject: octets\r\n")


class TestRefusals:
    """What the book's programs see when something is wrong: the exception that smtplib documents, with a reason."""

    def test_a_wrong_password(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
            s.starttls(context=posthouse.tls)
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                s.login(ADA, "wrong")
        assert refused.value.smtp_code == 535

    def test_an_unknown_account_is_refused_in_the_same_words(self, posthouse: Live) -> None:
        words = []
        for user in (ADA, "nobody@example.org"):
            with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
                s.starttls(context=posthouse.tls)
                with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                    s.login(user, "wrong")
                words.append(refused.value.smtp_error)
        assert words[0] == words[1]

    def test_no_tls_before_the_login(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
            with pytest.raises(smtplib.SMTPNotSupportedError):
                s.login(ADA, PASSWORDS[ADA])
            code, text = s.docmd("AUTH PLAIN AGFkYQB4")
            assert (code, b"STARTTLS" in text) == (538, True)

    def test_no_login_before_the_letter(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
            s.starttls(context=posthouse.tls)
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                s.sendmail(ADA, BOB, "Subject: x\n\nx")
        assert refused.value.smtp_code == 530

    def test_an_unknown_recipient(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
            s.starttls(context=posthouse.tls)
            s.login(ADA, PASSWORDS[ADA])
            refused = s.sendmail(ADA, [BOB, "nobody@example.org"], "Subject: x\n\nx")
        assert refused["nobody@example.org"][0] == 550
        assert len(posthouse.letters()) == 1, "the recipient that exists gets the letter"

    def test_somebody_elses_name(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as s:
            s.starttls(context=posthouse.tls)
            s.login(ADA, PASSWORDS[ADA])
            with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                s.sendmail(BOB, [ADA], "Subject: x\n\nx")
        assert refused.value.smtp_code == 553

    def test_a_stranger_may_write_to_us_but_not_through_us(self, posthouse: Live) -> None:
        with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as s:
            refused = s.sendmail("eve@elsewhere.example", [BOB, "x@third.example"], "Subject: hi\n\nx")
        assert refused["x@third.example"][0] == 550
        assert len(posthouse.letters()) == 1

    def test_a_letter_that_is_too_large(self, tmp_path: Path) -> None:
        from live import live

        with live(tmp_path, "[limits]\nmessage_size = 10000") as small:
            with smtplib.SMTP(small.host, small.port("smtp")) as s:
                with pytest.raises(smtplib.SMTPSenderRefused) as refused:
                    s.sendmail("eve@elsewhere.example", BOB, "Subject: big\n\n" + "x" * 20000)
                assert refused.value.smtp_code == 552
            with smtplib.SMTP(small.host, small.port("smtp")) as s:
                s.ehlo()
                s.mail("eve@elsewhere.example")
                s.rcpt(BOB)
                code, _ = s.data(b"Subject: big\r\n\r\n" + b"x" * 20000)
                assert code == 552
            assert small.letters() == []
