"""Other programs log in, with every mechanism that they know: msmtp and gsasl (libgsasl, GnuTLS), curl, mutt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from issuer import Issuer
from live import PASSWORDS, Live, live
from posthouse.store import account, app_password, password, scram_key
from programs import run

pytestmark = pytest.mark.foreign

ADA = "ada@example.org"
TOKEN = "ya29.a-token"
LETTER = b"From: ada@example.org\nTo: bob@example.org\nSubject: by msmtp\n\nhello\n"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        server.known = {TOKEN: {"active": True, "email": ADA}}
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def house(tmp_path: Path, issuer: Issuer) -> Iterator[Live]:
    """A server that takes every kind of login."""
    trustme_ca = trustme.CA()
    trustme_ca.cert_pem.write_to_path(str(tmp_path / "people.pem"))
    leaf = trustme_ca.issue_cert(ADA)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "ada.pem"))
    more = f'client_ca = "people.pem"\n[login]\nchannel_binding = true\n[oauth]\nintrospection = "{issuer.url}/"\n'
    with live(tmp_path, more) as running:
        yield running


def msmtp(house: Live, folder: Path, auth: str, tls: str = "on", secret: str = PASSWORDS[ADA], more: str = "") -> str:
    door = "submission" if tls == "on" else "submissions"
    rc = folder / "msmtprc"
    rc.write_text(
        f"account default\nhost localhost\nport {house.port(door)}\nfrom {ADA}\nuser {ADA}\npassword {secret}\n"
        f"auth {auth}\ntls on\ntls_starttls {tls}\ntls_trust_file {house.certificate}\n{more}"
    )
    rc.chmod(0o600)
    return run("msmtp", "--debug", "-C", str(rc), "bob@example.org", stdin=LETTER)


@pytest.mark.parametrize("tls", ["on", "off"], ids=["STARTTLS", "TLS"])
@pytest.mark.parametrize(
    "mechanism",
    ["scram-sha-256", "scram-sha-1", "plain", "login", "oauthbearer", "xoauth2"],
)
def test_msmtp(house: Live, tmp_path: Path, mechanism: str, tls: str) -> None:
    secret = TOKEN if "oauth" in mechanism else PASSWORDS[ADA]
    said = msmtp(house, tmp_path, mechanism, tls, secret)
    assert f"AUTH {mechanism.upper()}" in said and "235 2.7.0 Logged in" in said
    assert "Accepted as" in said


def test_msmtp_chooses_the_best(house: Live, tmp_path: Path) -> None:
    assert "AUTH SCRAM-SHA-256-PLUS" in msmtp(house, tmp_path, "on")


def test_msmtp_with_an_app_password(house: Live, tmp_path: Path) -> None:
    assert house.server.house is not None
    store, secret = house.server.house.store, app_password.generate()
    ada = store.look(account.existing, ADA).id
    keys = password.make_keys(secret, store.look(scram_key.settled, ada))
    store.run(app_password.add, ada, "cron", app_password.digest(secret), ["smtp"], keys)
    assert "AUTH SCRAM-SHA-256-PLUS" in msmtp(house, tmp_path, "on", secret=secret)


def test_msmtp_with_a_certificate(house: Live, tmp_path: Path) -> None:
    both = tmp_path / "ada.pem"
    said = msmtp(house, tmp_path, "external", more=f"tls_cert_file {both}\ntls_key_file {both}\n")
    assert "AUTH EXTERNAL" in said and "235 2.7.0 Logged in" in said


@pytest.mark.parametrize(
    "mechanism", ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]
)
@pytest.mark.parametrize("protocol", ["imap", "smtp"])
def test_gsasl(house: Live, mechanism: str, protocol: str) -> None:
    port = house.port("imap" if protocol == "imap" else "submission")
    said = run(
        "gsasl", f"--{protocol}", "--connect", f"localhost:{port}", "--mechanism", mechanism,
        "--authentication-id", ADA, "--authorization-id", ADA, "--password", PASSWORDS[ADA],
        "--x509-ca-file", str(house.certificate), *([] if mechanism.endswith("-PLUS") else ["--no-cb"]),
    )  # fmt: skip
    assert "Logged in" in said


def curl(house: Live, scheme: str, door: str, *arguments: str) -> str:
    return run(
        "curl", "-sS", "-v", "--stderr", "-", "--ssl-reqd", "--cacert", str(house.certificate),
        f"{scheme}://localhost:{house.port(door)}", *arguments,
    )  # fmt: skip


DOORS = [
    ("imap", "imap"), ("imaps", "imaps"), ("smtp", "submission"), ("smtps", "submissions"), ("pop3", "pop3"),
    ("pop3s", "pop3s"),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "door"), DOORS)
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
def test_curl(house: Live, scheme: str, door: str, mechanism: str) -> None:
    token = "OAUTH" in mechanism
    secret = ["--user", f"{ADA}:", "--oauth2-bearer", TOKEN] if token else ["--user", f"{ADA}:{PASSWORDS[ADA]}"]
    said = curl(house, scheme, door, *secret, "--login-options", f"AUTH={mechanism}")
    # Over IMAP curl takes XOAUTH2 to mean any mechanism with a token.
    assert "Logged in" in said and f" {'OAUTHBEARER' if token and 'imap' in scheme else mechanism}" in said


@pytest.mark.parametrize(("scheme", "door"), DOORS)
def test_curl_with_a_certificate(house: Live, tmp_path: Path, scheme: str, door: str) -> None:
    said = curl(
        house,
        scheme,
        door,
        "--cert",
        str(tmp_path / "ada.pem"),
        "--user",
        f"{ADA}:",
        "--login-options",
        "AUTH=EXTERNAL",
    )
    assert "Logged in" in said and " EXTERNAL" in said
