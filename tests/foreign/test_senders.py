"""Other programs send through the server: curl, swaks and mutt, over real TLS."""

from __future__ import annotations

from pathlib import Path

import pytest

from live import PASSWORDS, Live
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
