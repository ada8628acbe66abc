"""Commands in processes of their own, beside a running server: it sees what they did at once."""

from __future__ import annotations

import imaplib
import os
import smtplib
import subprocess
import sys
from pathlib import Path

from live import Live
from store_helpers import letter

ADA = "ada@example.org"


def command(house: Live, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "posthouse", *map(str, arguments), "--config", str(house.config.path)],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def test_the_server_sees_what_they_did(posthouse: Live, tmp_path: Path) -> None:
    secret = command(posthouse, "account", "app-password", "add", ADA, "phone", "--only", "imap").strip()
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(ADA, secret)
        assert client.select("INBOX") == ("OK", [b"0"])
        (tmp_path / "letter.eml").write_bytes(letter("imported"))
        assert command(posthouse, "import", ADA, tmp_path / "letter.eml") == f"Imported 1 message into {ADA}.\n"
        command(posthouse, "alias", "add", "info@example.org", ADA)
        with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as sender:
            assert sender.sendmail("eve@elsewhere.example", "info@example.org", letter("by alias")) == {}
        assert client.noop()[0] == "OK"
        assert client.search(None, "ALL") == ("OK", [b"1 2"])
        assert command(posthouse, "reindex") == "Indexed 2 messages.\n"
        assert client.search(None, "BODY", '"hello"') == ("OK", [b"1 2"])
        command(posthouse, "backup", tmp_path / "backups")
        assert command(posthouse, "verify") == "Everything agrees.\n"
