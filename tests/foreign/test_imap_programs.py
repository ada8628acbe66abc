"""Mail programs do a day's work over real TLS: read, flag, delete, file."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from foreign_house import BOB, PASSWORD, ForeignHouse
from programs import run

pytestmark = pytest.mark.foreign


def check(house: ForeignHouse) -> None:
    """The first letter was flagged, the second deleted, the third filed."""
    letters = house.letters()
    assert list(letters) == ["letter 1"] and "\\Flagged" in letters["letter 1"]
    assert list(house.letters("Archive")) == ["letter 3"]


@pytest.mark.parametrize("program", ["mutt", "neomutt"])
def test_mutt(house: ForeignHouse, tmp_path: Path, program: str) -> None:
    rc = tmp_path / "muttrc"
    url = f"imaps://{BOB}@localhost:{house.port}"
    keys = (
        "<limit>~s 'letter 1'<enter><flag-message><limit>~s 'letter 2'<enter><delete-message>"
        "<limit>~s 'letter 3'<enter><save-message>=Archive<enter><limit>all<enter><sync-mailbox><quit>"
    )
    rc.write_text(
        f'set folder = "{url}/"\nset spoolfile = "{url}/INBOX"\nset imap_pass = "{PASSWORD}"\n'
        f'set certificate_file = "{house.certificate}"\nset ssl_ca_certificates_file = "{house.certificate}"\n'
        "set wait_key = no\nset quit = yes\nset delete = yes\nset move = no\nset confirmappend = no\n"
        f'set mark_old = no\npush "{keys}"\n',
        "utf-8",
    )
    run("script", "-qec", f"{program} -n -F {rc}", "/dev/null", TERM="xterm", HOME=str(tmp_path))
    check(house)


def test_offlineimap(house: ForeignHouse, tmp_path: Path) -> None:
    """Both ways: what is flagged, deleted and filed in the Maildir is so on the server afterwards."""
    rc, maildir = tmp_path / "offlineimaprc", tmp_path / "Maildir"
    rc.write_text(
        f"[general]\naccounts = bob\nmetadata = {tmp_path}/state\n[Account bob]\nlocalrepository = near\n"
        "remoterepository = far\n"
        f"[Repository near]\ntype = Maildir\nlocalfolders = {maildir}\n"
        f"[Repository far]\ntype = IMAP\nremotehost = localhost\nremoteport = {house.port}\nremoteuser = {BOB}\n"
        f"remotepass = {PASSWORD}\nssl = yes\nsslcacertfile = {house.certificate}\n",
        "utf-8",
    )
    run("offlineimap", "-o", "-c", str(rc), "-u", "basic", HOME=str(tmp_path))
    letters = {path.read_bytes()[-9:-1]: path for path in (maildir / "INBOX").glob("[cn]*/*")}
    assert set(letters) == {b"Number 1", b"Number 2", b"Number 3"}
    first, second, third = (letters[b"Number %d" % number] for number in (1, 2, 3))
    first.rename(maildir / "INBOX" / "cur" / f"{first.name.partition(':')[0]}:2,FS")
    second.unlink()
    shutil.copy(third, maildir / "Archive" / "new" / f"{int(time.time())}.filed.here")
    third.unlink()
    run("offlineimap", "-o", "-c", str(rc), "-u", "basic", HOME=str(tmp_path))
    check(house)


def test_imapfilter(house: ForeignHouse, tmp_path: Path) -> None:
    rules = tmp_path / "rules.lua"
    rules.write_text(
        f'bob = IMAP {{ server = "localhost", port = {house.port}, username = "{BOB}", password = "{PASSWORD}",'
        ' ssl = "auto" }\n'
        'bob.INBOX:contain_subject("letter 1"):mark_flagged()\n'
        'bob.INBOX:contain_body("Number 2"):delete_messages()\n'
        'unread = bob.INBOX:is_unseen() * bob.INBOX:contain_subject("letter 3")\nunread:move_messages(bob.Archive)\n',
        "utf-8",
    )
    run("imapfilter", "-c", str(rules), "-t", house.certificate, HOME=str(tmp_path))
    check(house)


def test_s_nail(house: ForeignHouse, tmp_path: Path) -> None:
    user, password = BOB.replace("@", "%40"), PASSWORD.replace(" ", "%20")
    url = f"imaps://{user}:{password}@localhost:{house.port}"
    commands = (
        f"set v15-compat ssl-ca-file={house.certificate} tls-ca-file={house.certificate} folder={url}\n"
        f"folder {url}/INBOX\nflag 1\ntype 1\ndelete 2\nmove 3 {url}/Archive\nquit\n"
    )
    said = run("s-nail", "-n", "-#", stdin=commands.encode(), HOME=str(tmp_path), TERM="dumb")
    assert "Number 1" in said
    check(house)


def test_aerc(house: ForeignHouse, tmp_path: Path) -> None:
    """aerc wants a terminal, and is told what to do by keys."""
    config = tmp_path / ".config" / "aerc"
    config.mkdir(parents=True)
    user, password = BOB.replace("@", "%40"), PASSWORD.replace(" ", "%20")
    (config / "accounts.conf").write_text(
        f"[bob]\nsource = imaps://{user}:{password}@localhost:{house.port}\ndefault = INBOX\nfrom = Bob <{BOB}>\n"
    )
    (config / "accounts.conf").chmod(0o600)
    (config / "aerc.conf").write_text("[ui]\nsort = date\n")
    keys = [":select 0\r", ":flag -t\r", ":select 1\r", ":delete\r", ":select 1\r", ":move Archive\r", ":quit -f\r"]
    with subprocess.Popen(
        ["script", "-qec", "stty rows 40 cols 100; aerc", "/dev/null"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={"HOME": str(tmp_path), "TERM": "xterm", "PATH": "/usr/bin:/bin", "SSL_CERT_FILE": house.certificate,
             "LC_ALL": "C.UTF-8"},
    ) as aerc:  # fmt: skip
        assert aerc.stdin is not None and aerc.stdout is not None
        shown = b""
        while b"letter 3" not in shown:
            data = aerc.stdout.read1(65536)  # type: ignore[attr-defined]
            assert data, shown
            shown += data
        for key in keys:
            time.sleep(1)  # it takes keys for commands only when it has drawn what came of the last
            aerc.stdin.write(key.encode())
            aerc.stdin.flush()
        aerc.stdout.read()
    check(house)
