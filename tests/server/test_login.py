"""Passwords in clear text: refused, but from this machine when the configuration says so."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live

ADA = "ada@example.org"


def test_clear_text_is_for_loopback_and_only_when_allowed(tmp_path: Path) -> None:
    with live(tmp_path, "[login]\nclear_text_on_loopback = true") as house:
        with smtplib.SMTP(house.host, house.port("submission")) as client:
            client.login(ADA, PASSWORDS[ADA])
            assert client.sendmail(ADA, ADA, "Subject: x\n\nx") == {}
        with imaplib.IMAP4(house.host, house.port("imap")) as reader:
            assert "LOGINDISABLED" not in reader.capabilities
            reader.login(ADA, PASSWORDS[ADA])
            assert reader.select("INBOX") == ("OK", [b"1"])


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_each_mechanism_under_tls(posthouse: Live, mechanism: str) -> None:
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as client:
        client.starttls(context=posthouse.tls)
        client.ehlo()
        client.user, client.password = ADA, PASSWORDS[ADA]
        code, _ = client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        assert code == 235
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as reader:
        answers = iter([ADA.encode(), PASSWORDS[ADA].encode()])
        plain = f"\0{ADA}\0{PASSWORDS[ADA]}".encode()
        status, _ = reader.authenticate(mechanism, lambda _: plain if mechanism == "PLAIN" else next(answers))
        assert status == "OK"


def test_acting_as_somebody_else_is_refused(posthouse: Live) -> None:
    """RFC 9051 §7.1: with words and a code of its own, for the password is right."""
    acting = f"bob@example.org\0{ADA}\0{PASSWORDS[ADA]}".encode()
    words = f"The login is right, but {ADA} can't act as somebody else"
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as reader:
        with pytest.raises(imaplib.IMAP4.error, match=rf"\[AUTHORIZATIONFAILED\] {words}"):
            reader.authenticate("PLAIN", lambda _: acting)
        with pytest.raises(imaplib.IMAP4.error, match=r"\[AUTHENTICATIONFAILED\]"):
            reader.authenticate("PLAIN", lambda _: acting + b"wrong")
        assert reader.authenticate("PLAIN", lambda _: f"{ADA.upper()}\0{ADA}\0{PASSWORDS[ADA]}".encode())[0] == "OK"
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as sender:
        sender.starttls(context=posthouse.tls)
        sender.ehlo()
        code, said = sender.docmd("AUTH", f"PLAIN {b64encode(acting).decode()}")
        assert (code, said.decode()) == (535, f"5.7.8 {words}")
    with (
        closing(poplib.POP3_SSL(posthouse.host, posthouse.port("pop3s"), context=posthouse.tls)) as drop,
        pytest.raises(poplib.error_proto, match=rf"\[AUTH\] {words}"),
    ):
        drop._shortcmd(f"AUTH PLAIN {b64encode(acting).decode()}")  # type: ignore[attr-defined]
