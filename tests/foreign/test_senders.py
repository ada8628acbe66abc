"""Other programs send through the server: curl, swaks and mutt, over real TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from live import PASSWORDS, Live, live
from mailboxes import inbox
from programs import run

pytestmark = pytest.mark.foreign

ADA, BOB = "ada@example.org", "bob@example.org"
LETTER = f"From: {ADA}\r\nTo: {BOB}\r\nSubject: from curl\r\n\r\n.\r\n..two dots\r\nGrüße\r\n".encode()


@pytest.mark.parametrize(("scheme", "door"), [("smtp", "submission"), ("smtps", "submissions"), ("smtp", "smtp")])
def test_curl_submits(posthouse: Live, tmp_path: Path, scheme: str, door: str) -> None:
    (tmp_path / "letter").write_bytes(LETTER)
    run(
        "curl", "-sS", "--ssl-reqd", "--cacert", str(posthouse.certificate), "--user", f"{ADA}:{PASSWORDS[ADA]}",
        "--mail-from", ADA, "--mail-rcpt", BOB, "--upload-file", str(tmp_path / "letter"),
        f"{scheme}://localhost:{posthouse.port(door)}",
    )  # fmt: skip
    (stored,) = posthouse.letters()
    assert stored.read_bytes().endswith(b"\r\n\r\n.\r\n..two dots\r\nGr\xc3\xbc\xc3\x9fe\r\n")


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize("tls", ["--tls", "--tls-on-connect"])
def test_swaks_submits(posthouse: Live, mechanism: str, tls: str) -> None:
    door = "submissions" if tls == "--tls-on-connect" else "submission"
    said = run(
        "swaks", "--server", "localhost", "--port", str(posthouse.port(door)), tls, "--tls-verify",
        "--tls-ca-path", str(posthouse.certificate), "--auth", mechanism, "--auth-user", ADA,
        "--auth-password", PASSWORDS[ADA], "--from", ADA, "--to", BOB, "--header", "Subject: from swaks",
    )  # fmt: skip
    assert "Accepted as" in said
    assert b"Subject: from swaks\r\n" in posthouse.letters()[0].read_bytes()


def test_swaks_pipelines_to_the_mx(posthouse: Live) -> None:
    said = run(
        "swaks", "--server", "localhost", "--port", str(posthouse.port("smtp")), "--pipeline", "--to", f"{BOB},{ADA}",
        "--from", "eve@elsewhere.example", "--helo", "client.elsewhere.example",
    )  # fmt: skip
    assert "Delivered as" in said
    assert len(posthouse.letters()) == 1, "two mailboxes share the octets"


def test_mutt_sends_with_a_file(posthouse: Live, tmp_path: Path) -> None:
    picture = tmp_path / "Übersicht.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    rc = tmp_path / "muttrc"
    rc.write_text(
        f'set from = "{ADA}"\nset smtp_url = "smtp://{ADA}@localhost:{posthouse.port("submission")}/"\n'
        f'set smtp_pass = "{PASSWORDS[ADA]}"\nset ssl_starttls = yes\nset ssl_force_tls = yes\n'
        f'set certificate_file = "{posthouse.certificate}"\nset ssl_ca_certificates_file = "{posthouse.certificate}"\n'
        f'set copy = no\nset folder = "{tmp_path}"\n',
        "utf-8",
    )
    run("mutt", "-F", str(rc), "-s", "from mutt", "-a", str(picture), "--", BOB, stdin=b"see there\n")
    stored = posthouse.letters()[0].read_bytes()
    assert b"Subject: from mutt\r\n" in stored and b"image/png" in stored


@pytest.mark.parametrize(("door", "starttls"), [("submission", "on"), ("submissions", "off")])
def test_msmtp_submits(posthouse: Live, tmp_path: Path, door: str, starttls: str) -> None:
    """It asks for DSN, too."""
    rc = tmp_path / "msmtprc"
    rc.write_text(
        f"account default\nhost localhost\nport {posthouse.port(door)}\nfrom {ADA}\nauth on\nuser {ADA}\n"
        f"password {PASSWORDS[ADA]}\ntls on\ntls_starttls {starttls}\ntls_trust_file {posthouse.certificate}\n"
        "dsn_notify success,failure\ndsn_return headers\n",
        "utf-8",
    )
    rc.chmod(0o600)
    run("msmtp", "-C", str(rc), BOB, stdin=f"From: {ADA}\nSubject: from msmtp\n\n.\nHello\n".encode())
    (letter,) = inbox(posthouse, BOB)
    assert letter.endswith(b"\r\n\r\n.\r\nHello\r\n") and b"Subject: from msmtp\r\n" in letter
    (report,) = inbox(posthouse, ADA)
    assert b"Action: delivered\r\n" in report


def test_swaks_hands_over_by_lmtp(posthouse: Live) -> None:
    said = run(
        "swaks", "--protocol", "LMTP", "--server", "localhost", "--port", str(posthouse.port("lmtp")),
        "--from", "eve@elsewhere.example", "--to", f"{ADA},{BOB}",
    )  # fmt: skip
    assert said.count("250 2.0.0 Delivered as") == 2


def test_curl_asks_who_is_there(tmp_path: Path) -> None:
    with live(tmp_path, "[smtp]\nverify_after_login = true") as house:
        common = (
            "curl", "-sS", "--ssl-reqd", "--cacert", str(house.certificate), f"smtp://localhost:{house.port('smtp')}",
        )  # fmt: skip
        login = ("--user", f"{ADA}:{PASSWORDS[ADA]}")
        assert "2.1.5 <bob@example.org>" in run(*common, *login, "--mail-rcpt", BOB)
        assert "252 2.5.0" in run(*common, "--mail-rcpt", BOB), "a stranger learns nothing"
        assert "<bob@example.org>" in run(*common, *login, "--request", "EXPN", "--mail-rcpt", BOB)
