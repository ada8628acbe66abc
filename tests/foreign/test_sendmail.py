"""Programs that call /usr/sbin/sendmail: PHP, mutt, s-nail, a shell as cron starts it; users who have few rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from live import Live, live
from mailboxes import inbox
from programs import run

pytestmark = pytest.mark.foreign

ADA, BOB = "ada@example.org", "bob@example.org"
SENDMAIL = Path(sys.executable).parent / "posthouse-sendmail"
NOBODY = 65_534


def test_php_mails(posthouse: Live) -> None:
    """With -t -i, as PHP calls it unless it is told otherwise."""
    header = r"From: Shop <shop@example.org>\r\nBcc: bob@example.org"
    script = rf'exit(mail($argv[1], "Grüße", "One\n.\nThree", "{header}") ? 0 : 1);'
    run(
        "php", "-d", f"sendmail_path={SENDMAIL} -t -i", "-r", script, ADA,
        POSTHOUSE_CONFIG=str(posthouse.config.path),
    )  # fmt: skip
    (letter,) = inbox(posthouse, ADA)
    assert inbox(posthouse, BOB)[0].split(b"\r\n\r\n", 1)[1] == letter.split(b"\r\n\r\n", 1)[1]
    assert b"\r\n\r\nOne\r\n.\r\nThree" in letter
    assert b"\r\nFrom: Shop <shop@example.org>\r\n" in letter and b"Bcc" not in letter
    assert b"\r\nDate: " in letter and b"\r\nMessage-ID: <" in letter


def test_php_is_told_what_failed(posthouse: Live) -> None:
    script = 'exit(mail("nobody@example.org", "x", "x") ? 0 : 1);'
    done = subprocess.run(
        ["php", "-d", f"sendmail_path={SENDMAIL} -t -i", "-r", script],
        capture_output=True,
        env={**os.environ, "POSTHOUSE_CONFIG": str(posthouse.config.path)},
        timeout=60,
    )
    assert done.returncode == 1 and b"nothing was sent, because of nobody@example.org" in done.stderr


def test_mutt_sends(posthouse: Live, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    rc = tmp_path / "muttrc"
    rc.write_text(f'set from = "{ADA}"\nset sendmail = "{SENDMAIL} -oem -oi"\nset use_envelope_from = yes\n')
    run(
        "mutt", "-F", str(rc), "-s", "from mutt", "-a", str(picture), "--", BOB,
        stdin=b"Hello.\n", POSTHOUSE_CONFIG=str(posthouse.config.path), HOME=str(tmp_path),
    )  # fmt: skip
    (letter,) = inbox(posthouse, BOB)
    assert letter.startswith(f"Return-Path: <{ADA}>\r\n".encode()) and b"\r\nSubject: from mutt\r\n" in letter


def test_s_nail_sends(posthouse: Live, tmp_path: Path) -> None:
    run(
        "s-nail", "-:/", f"-Smta={SENDMAIL}", "-Ssendwait", f"-Sfrom={ADA}", "-s", "from s-nail", BOB,
        stdin=b"Hello.\n", POSTHOUSE_CONFIG=str(posthouse.config.path), HOME=str(tmp_path),
    )  # fmt: skip
    assert b"\r\nSubject: from s-nail\r\n" in inbox(posthouse, BOB)[0]


def test_a_shell_with_nothing_in_its_environment(posthouse: Live) -> None:
    """As cron starts it; the letter is there at once, and the exit code says so."""
    command = (
        f"printf 'Subject: Cron\\n\\ndone\\n' | {SENDMAIL} -C {posthouse.config.path} -i -FCronDaemon root && echo ok"
    )
    done = subprocess.run(["/usr/bin/env", "-i", "/bin/sh", "-c", command], capture_output=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"ok\n", b"")
    assert b"\r\nSubject: Cron\r\n" in inbox(posthouse, ADA)[0]


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user of the machine can enter."""
    folder = Path(tempfile.mkdtemp(prefix="posthouse-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(arguments: list[str], letter: bytes) -> tuple[int, str]:
    """Run the command as a user without rights, who may not even read this Python's files: so they are read before."""
    program = f"""
import os, sys, io
sys.argv = ["sendmail", *{arguments!r}]
import posthouse.cli.sendmail as sendmail, posthouse.config
import posthouse.message.address, posthouse.message.complete, posthouse.message.encode, posthouse.message.header
import posthouse.smtp.envelope, posthouse.smtp.path, posthouse.smtp.dsn, posthouse.client.smtp, posthouse.client.drive
import posthouse.client.url, posthouse.net.stream, posthouse.net.tls, tempfile, encodings.idna
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
sendmail.main()
"""
    done = subprocess.run([sys.executable, "-c", program], input=letter, capture_output=True, timeout=60)
    return done.returncode, done.stderr.decode()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_user_who_may_not_write_to_the_store(shared: Path) -> None:
    with live(shared / "house", sendmail=shared / "sendmail") as house:
        (shared / "house").chmod(0o755)
        config = ["-C", str(house.config.path)]
        letter = b"Subject: from a page\n\nHello.\n"
        assert as_nobody([*config, BOB], letter) == (0, "")
        (got,) = inbox(house, BOB)
        assert b"Return-Path: <nobody@mail.example.org>\r\nReceived: from nobody (uid 65534)" in got
        assert b"<nobody@mail.example.org>\r\nDate: " in got
        large = letter + b"a line\n" * 100_000
        assert as_nobody([*config, "-f", "noreply@example.org", BOB], large)[0] == 0
        assert inbox(house, BOB)[1].endswith(b"\r\n\r\n" + large.partition(b"\n\n")[2].replace(b"\n", b"\r\n"))
        code, error = as_nobody([*config, "-f", ADA, BOB], letter)
        assert code == os.EX_NOPERM and '[sendmail] senders = "nobody = ada@example.org"' in error
        assert as_nobody([*config, BOB], b"From: ada@example.org\n\nx\n")[0] == os.EX_NOPERM
        assert as_nobody([*config, "who@example.org"], letter)[0] == os.EX_NOUSER
        assert len(inbox(house, BOB)) == 2
    code, error = as_nobody([*config, BOB], letter)
    assert code == os.EX_TEMPFAIL and "the mail server isn't running" in error
