"""EXTERNAL: a client's certificate is its password."""

from __future__ import annotations

import hashlib
import imaplib
import smtplib
import ssl
from pathlib import Path

import pytest
import trustme

from live import PASSWORDS, Live, live, prepare
from posthouse.config import Owner
from posthouse.errors import ConfigError
from posthouse.server.tls import ServerTls
from posthouse.wire.sasl import encode_base64

ADA, BOB = "ada@example.org", "bob@example.org"
CLIENTS = 'client_ca = "clients.pem"\n'
WRONG = (535, b"5.7.8 The user name or the password is wrong")


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "clients.pem"))
    return made


def shown(house: Live, certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A client that shows this certificate."""
    context = house.tls
    certificate.configure_cert(context)
    return context


def login(context: ssl.SSLContext, house: Live, user: str | None = "") -> tuple[int, bytes]:
    """AUTH EXTERNAL; ``user``: whom to be, None for no initial response."""
    with smtplib.SMTP(house.host, house.port("submission")) as client:
        client.starttls(context=context)
        client.ehlo()
        assert "EXTERNAL" in client.esmtp_features["auth"]
        if user is None:
            assert client.docmd("AUTH EXTERNAL") == (334, b"")
            return client.docmd("")
        return client.docmd("AUTH", f"EXTERNAL {encode_base64(user.encode()).decode() or '='}")


def test_a_certificate_that_names_an_account(tmp_path: Path, authority: trustme.CA) -> None:
    with live(tmp_path, CLIENTS) as house:
        ada = shown(house, authority.issue_cert(ADA))
        for user in ("", ADA, "ADA@Example.ORG", None):
            assert login(ada, house, user) == (235, b"2.7.0 Logged in")
        assert login(ada, house, BOB) == WRONG
        both = shown(house, authority.issue_cert(BOB, ADA))
        assert login(both, house, ADA)[0] == login(both, house, BOB)[0] == 235
        assert login(shown(house, authority.issue_cert("eve@example.org")), house) == WRONG
        with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=ada) as client:
            assert "AUTH=EXTERNAL" in client.capabilities
            assert client.authenticate("EXTERNAL", lambda _: b"")[0] == "OK"
            assert client.select("INBOX")[0] == "OK"


def test_it_is_offered_where_it_works(tmp_path: Path, authority: trustme.CA) -> None:
    with live(tmp_path, CLIENTS) as house:
        for context in (house.tls, shown(house, authority.issue_cert("client.example.org"))):
            with smtplib.SMTP_SSL(house.host, house.port("submissions"), context=context) as client:
                client.ehlo()
                assert "EXTERNAL" not in client.esmtp_features["auth"]
                client.login(ADA, PASSWORDS[ADA])
        # Another authority's certificate proves nothing: the handshake ends.
        stranger = shown(house, trustme.CA().issue_cert(ADA))
        with (
            pytest.raises((ssl.SSLError, ConnectionError, smtplib.SMTPServerDisconnected)),
            smtplib.SMTP_SSL(house.host, house.port("submissions"), context=stranger) as client,
        ):
            client.ehlo()
        # At the MX it is another server's, which is nobody's business: its letter comes.
        with smtplib.SMTP(house.host, house.port("smtp")) as server:
            server.starttls(context=stranger)
            assert server.sendmail("eve@elsewhere.example", ADA, "Subject: x\r\n\r\nx") == {}


def test_a_certificate_that_the_configuration_gives_to_an_account(tmp_path: Path, authority: trustme.CA) -> None:
    leaf = authority.issue_cert("laptop.example.org")
    octets = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    fingerprint = ":".join(f"{octet:02X}" for octet in hashlib.sha256(octets).digest())
    with live(tmp_path, f'{CLIENTS}client_certificates = "{fingerprint} = {BOB}"\n') as house:
        assert login(shown(house, leaf), house)[0] == 235
        assert login(shown(house, leaf), house, BOB)[0] == 235
        assert login(shown(house, leaf), house, ADA) == WRONG


def test_a_client_ca_that_is_none(tmp_path: Path) -> None:
    settings = prepare(tmp_path, CLIENTS)
    with pytest.raises(ConfigError, match=r"clients\.pem can't be read"):
        ServerTls.load(settings.tls, people=True)
    (tmp_path / "clients.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="has no certificates in it"):
        ServerTls.load(settings.tls, people=True)


@pytest.mark.parametrize("text", ["", "ab = ada@example.org", f"{'a' * 64} = ada", f"{'a' * 64} ada@example.org"])
def test_owners_that_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="gives no certificate to an account"):
        Owner.parse(text)
    assert str(Owner.parse(f"{'AB:' * 31}AB=ada@example.org")) == f"{'ab' * 32} = ada@example.org"
