"""Other programs fetch by POP3: fetchmail, getmail, curl and mutt, over real TLS."""

from __future__ import annotations

import poplib
import smtplib
from pathlib import Path

import pytest

from live import PASSWORDS, Live
from programs import run

pytestmark = pytest.mark.foreign

ADA, BOB = "ada@example.org", "bob@example.org"
BODIES = [b"Number %d\n.\n..dots\n" % number for number in range(1, 4)]


@pytest.fixture
def house(posthouse: Live) -> Live:
    """A server with three letters for Bob."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        for number, body in enumerate(BODIES, 1):
            text = f"From: {ADA}\nTo: {BOB}\nSubject: letter {number}\n\n{body.decode()}"
            client.sendmail(ADA, BOB, text)
    return posthouse


def left(house: Live) -> int:
    """How many messages are on the server."""
    server = poplib.POP3_SSL(house.host, house.port("pop3s"), context=house.tls)
    server.user(BOB)
    server.pass_(PASSWORDS[BOB])
    count, _ = server.stat()
    server.quit()
    return count


def bodies(folder: Path) -> list[bytes]:
    """The texts of the letters in a Maildir, in order."""
    letters = [path.read_bytes().replace(b"\r\n", b"\n") for path in folder.glob("*/*")]
    return sorted(letter.partition(b"\n\n")[2] for letter in letters)


def keeper(folder: Path) -> Path:
    """A program to which a letter is handed, and which keeps it in a file below ``mail``."""
    (folder / "mail" / "new").mkdir(parents=True, exist_ok=True)
    keep = folder / "keep"
    keep.write_text(f'#!/bin/sh\nexec cat > "$(mktemp {folder}/mail/new/XXXXXXXX)"\n', "utf-8")
    keep.chmod(0o700)
    return keep


# -- fetchmail -------------------------------------------------------------------------------------------------------


def fetchmail(house: Live, folder: Path, *options: str, how: str = "", auth: str = "password") -> None:
    """Run it once."""
    keep = keeper(folder)
    door = "pop3s" if how == "ssl" else "pop3"
    rc = folder / "fetchmailrc"
    rc.write_text(
        f"poll localhost protocol pop3 service {house.port(door)} auth {auth}\n"
        f'  user "{BOB}" password "{PASSWORDS[BOB]}" mda "{keep}" {how} sslcertck sslcertfile "{house.certificate}"\n',
        "utf-8",
    )
    rc.chmod(0o600)
    run("fetchmail", "-f", str(rc), "--pidfile", str(folder / "pid"), "-i", str(folder / "ids"), *options,
        HOME=str(folder), FETCHMAILHOME=str(folder))  # fmt: skip


@pytest.mark.parametrize("how", ["ssl", 'sslproto "TLS1.2+"'])
def test_fetchmail_empties_the_inbox(house: Live, tmp_path: Path, how: str) -> None:
    fetchmail(house, tmp_path, "--nokeep", how=how)
    assert bodies(tmp_path / "mail") == BODIES
    assert left(house) == 0


def test_fetchmail_leaves_letters_and_fetches_each_once(house: Live, tmp_path: Path) -> None:
    fetchmail(house, tmp_path, "--keep", "--uidl", how="ssl")
    with smtplib.SMTP(house.host, house.port("smtp")) as client:
        client.sendmail(ADA, BOB, "Subject: another\n\nNumber 4\n")
    fetchmail(house, tmp_path, "--keep", "--uidl", how="ssl")
    assert bodies(tmp_path / "mail") == [*BODIES, b"Number 4\n"]
    assert left(house) == 4


# -- getmail ---------------------------------------------------------------------------------------------------------


def getmail(house: Live, folder: Path, *, delete: bool) -> None:
    rc = folder / "getmailrc"
    rc.write_text(
        f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {house.port('pop3s')}\n"
        f"username = {BOB}\npassword = {PASSWORDS[BOB]}\nca_certs = {house.certificate}\n"
        f"[destination]\ntype = MDA_external\npath = {keeper(folder)}\nallow_root_commands = true\n"
        f"[options]\nread_all = false\ndelete = {str(delete).lower()}\ndelivered_to = false\nreceived = false\n",
        "utf-8",
    )
    run("getmail", "--getmaildir", str(folder), "--rcfile", str(rc), HOME=str(folder))


def test_getmail_leaves_letters_and_fetches_each_once(house: Live, tmp_path: Path) -> None:
    getmail(house, tmp_path, delete=False)
    getmail(house, tmp_path, delete=False)
    assert bodies(tmp_path / "mail") == BODIES
    assert left(house) == 3
    getmail(house, tmp_path, delete=True)
    assert bodies(tmp_path / "mail") == BODIES, "they were fetched before"
    assert left(house) == 0


# -- curl ------------------------------------------------------------------------------------------------------------


def curl(house: Live, path: str, *options: str, scheme: str = "pop3s", user: str = f"{BOB}:{PASSWORDS[BOB]}") -> str:
    return run(
        "curl", "-sS", "--ssl-reqd", "--cacert", str(house.certificate), "--user", user, *options,
        f"{scheme}://localhost:{house.port(scheme)}/{path}",
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["pop3", "pop3s"])
def test_curl_lists_and_fetches(house: Live, scheme: str) -> None:
    listed = curl(house, "", scheme=scheme).split()
    assert listed[::2] == ["1", "2", "3"]
    assert curl(house, "2", scheme=scheme).replace("\r", "").endswith("\n\nNumber 2\n.\n..dots\n")
    assert curl(house, "", "-X", "UIDL", scheme=scheme).split()[::2] == ["1", "2", "3"]
    assert "Number" not in curl(house, "", "-X", "TOP 1 0", scheme=scheme)
    assert len(curl(house, "3", scheme=scheme).replace("\n", "\r\n").replace("\r\r", "\r")) == int(listed[5])


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_curl_logs_in_with_each_mechanism(house: Live, mechanism: str) -> None:
    assert len(curl(house, "", "--login-options", f"AUTH={mechanism}").split()) == 6


def test_curl_deletes(house: Live) -> None:
    curl(house, "2", "-X", "DELE", "-l")
    assert left(house) == 2


# -- mutt ------------------------------------------------------------------------------------------------------------


def test_mutt_reads_and_deletes(house: Live, tmp_path: Path) -> None:
    """mutt wants a terminal: `script` gives it one; it tags and copies all, deletes one, leaves."""
    rc = tmp_path / "muttrc"
    url = f"pops://{BOB}@localhost:{house.port('pop3s')}"
    keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{tmp_path}/copies<enter>"
    keys += "<delete-pattern>~s'letter 2'<enter><sync-mailbox><exit>"
    rc.write_text(
        f'set spoolfile = "{url}"\nset pop_user = "{BOB}"\nset pop_pass = "{PASSWORDS[BOB]}"\n'
        f'set certificate_file = "{house.certificate}"\nset ssl_ca_certificates_file = "{house.certificate}"\n'
        f'set folder = "{tmp_path}"\nset wait_key = no\nset mbox_type = Maildir\nset quit = yes\nset delete = yes\n'
        f'set move = no\nset confirmcreate = no\nset confirmappend = no\npush "{keys}"\n',
        "utf-8",
    )
    run("script", "-qec", f"mutt -F {rc}", "/dev/null", TERM="xterm", HOME=str(tmp_path))
    assert bodies(tmp_path / "copies") == BODIES
    assert left(house) == 2
