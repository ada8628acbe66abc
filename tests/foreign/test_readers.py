"""Other programs read from the server: curl, mutt and mbsync, over real TLS."""

from __future__ import annotations

import os
import smtplib
import subprocess
import time
from pathlib import Path

import pytest

from live import PASSWORDS, Live
from programs import run

pytestmark = pytest.mark.foreign

ADA, BOB = "ada@example.org", "bob@example.org"


@pytest.fixture
def house(posthouse: Live) -> Live:
    """A server with three letters for Bob."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        for number in range(1, 4):
            client.sendmail(ADA, BOB, f"From: {ADA}\nTo: {BOB}\nSubject: letter {number}\n\nNumber {number}\n")
    return posthouse


def curl(house: Live, path: str, *options: str) -> str:
    return run(
        "curl", "-sS", "--cacert", str(house.certificate), "--user", f"{BOB}:{PASSWORDS[BOB]}", *options,
        f"imaps://localhost:{house.port('imaps')}/{path}",
    )  # fmt: skip


def test_curl_lists_searches_and_fetches(house: Live) -> None:
    assert '"/" INBOX' in curl(house, "")
    assert curl(house, "INBOX?SUBJECT%20letter").strip() == "* SEARCH 1 2 3"
    assert curl(house, "INBOX?SUBJECT%20%22letter%202%22").strip() == "* SEARCH 2"
    assert "Subject: letter 2\r\n" in curl(house, "INBOX;MAILINDEX=2").replace("\n", "\r\n").replace("\r\r", "\r")
    assert "Number 3" in curl(house, "INBOX;UID=3;SECTION=TEXT")


def test_curl_over_starttls(house: Live) -> None:
    said = run(
        "curl", "-sS", "--ssl-reqd", "--cacert", str(house.certificate), "--user", f"{BOB}:{PASSWORDS[BOB]}",
        f"imap://localhost:{house.port('imap')}/INBOX", "-X", "STATUS INBOX (MESSAGES UNSEEN)",
    )  # fmt: skip
    assert "MESSAGES 3" in said and "UNSEEN 3" in said


def test_curl_appends(house: Live, tmp_path: Path) -> None:
    (tmp_path / "letter").write_bytes(b"Subject: kept\r\n\r\nby curl\r\n")
    curl(house, "Sent", "--upload-file", str(tmp_path / "letter"))
    assert "by curl" in curl(house, "Sent;UID=1")


def mbsyncrc(house: Live, folder: Path) -> Path:
    rc = folder / "mbsyncrc"
    rc.write_text(
        f"IMAPAccount bob\nHost localhost\nPort {house.port('imaps')}\nUser {BOB}\nPass {PASSWORDS[BOB]}\n"
        f"SSLType IMAPS\nCertificateFile {house.certificate}\nAuthMechs *\n\n"
        f"IMAPStore far\nAccount bob\n\nMaildirStore near\nPath {folder}/Maildir/\nInbox {folder}/Maildir/INBOX\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nExpunge Both\nSync All\nSyncState *\n",
        "utf-8",
    )
    (folder / "Maildir").mkdir(exist_ok=True)
    return rc


def test_mbsync_mirrors_both_ways(house: Live, tmp_path: Path) -> None:
    rc = str(mbsyncrc(house, tmp_path))
    run("mbsync", "-c", rc, "all")
    here = sorted((tmp_path / "Maildir" / "INBOX").glob("*/*"))
    assert len([path for path in here if path.parent.name in ("cur", "new")]) == 3
    bodies = {path.read_bytes().rpartition(b"\n\n")[2] for path in here if path.parent.name in ("cur", "new")}
    assert bodies == {b"Number 1\n", b"Number 2\n", b"Number 3\n"}

    # A letter is read and one deleted here; a new one is filed here: the server learns of all.
    first, second, _ = sorted(
        (path for path in here if path.parent.name in ("cur", "new")), key=lambda path: path.read_bytes()[-3:]
    )
    first.rename(first.parent.parent / "cur" / (first.name.partition(":")[0] + ":2,S"))
    second.rename(second.parent.parent / "cur" / (second.name.partition(":")[0] + ":2,T"))
    (tmp_path / "Maildir" / "INBOX" / "cur" / f"{int(time.time())}.1.here:2,F").write_bytes(b"Subject: new\n\nhi\n")
    run("mbsync", "-c", rc, "all")
    assert curl(house, "INBOX?SEEN").strip() == "* SEARCH 1"
    assert curl(house, "INBOX?FLAGGED").strip() == "* SEARCH 3"
    assert curl(house, "INBOX?ALL").strip() == "* SEARCH 1 2 3"


def test_mutt_reads(house: Live, tmp_path: Path) -> None:
    """mutt wants a terminal: `script` gives it one; it tags all, copies them into a Maildir, and leaves."""
    rc = tmp_path / "muttrc"
    url = f"imaps://{BOB}@localhost:{house.port('imaps')}"
    keys = f"<tag-pattern>~A<enter><tag-prefix><copy-message>{tmp_path}/copies<enter><exit>"
    rc.write_text(
        f'set folder = "{url}/"\nset spoolfile = "{url}/INBOX"\nset imap_pass = "{PASSWORDS[BOB]}"\n'
        f'set certificate_file = "{house.certificate}"\nset ssl_ca_certificates_file = "{house.certificate}"\n'
        "set wait_key = no\nset mbox_type = Maildir\nset quit = yes\nset delete = no\nset move = no\n"
        f"set confirmcreate = no\nset confirmappend = no\npush {keys}\n",
        "utf-8",
    )
    run("script", "-qec", f"mutt -F {rc}", "/dev/null", TERM="xterm", HOME=str(tmp_path))
    copies = [path.read_bytes() for path in (tmp_path / "copies").glob("*/*")]
    assert sorted(copy.rpartition(b"\n\n")[2] for copy in copies) == [b"Number 1\n", b"Number 2\n", b"Number 3\n"]


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt_goes_where_new_letters_are(house: Live, tmp_path: Path, program: str) -> None:
    r"""By STATUS RECENT (RFC 3501 §6.3.10), when it has just begun: to letters that nobody was told of."""
    rc = tmp_path / "muttrc"
    url = f"imaps://{BOB}@localhost:{house.port('imaps')}"
    rc.write_text(
        f'set folder = "{url}/"\nset spoolfile = "{url}/INBOX"\nset imap_pass = "{PASSWORDS[BOB]}"\n'
        f'set certificate_file = "{house.certificate}"\nset ssl_ca_certificates_file = "{house.certificate}"\n'
        'set mark_old = no\nmailboxes =INBOX =Archive\npush "<exit>"\n',
        "utf-8",
    )

    def visit() -> str:
        """What it says; it begins with the first mailbox that has new letters, and else ends at once."""
        command = ("script", "-qec", f"{program} -Z -n -F {rc}", "/dev/null")
        environment = {**os.environ, "TERM": "xterm", "HOME": str(tmp_path)}
        return subprocess.run(command, capture_output=True, timeout=60, env=environment).stdout.decode()

    assert "letter 1" in visit()
    assert "No mailbox with new mail" in visit()
