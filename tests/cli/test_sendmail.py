"""`posthouse sendmail`: what its options mean, what becomes of the letter, in whose name, and the exit codes."""

from __future__ import annotations

import io
import os
import pwd
import shutil
import smtplib
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from live import live
from mailboxes import inbox
from one_store import Run
from posthouse.cli import sendmail
from posthouse.cli.sendmail_options import Mode, WrongUsage, parse
from posthouse.sessions.local import LocalUser
from posthouse.store import alias, forward, mailbox, queue
from posthouse.store.queue import Which

ADA, BOB = "ada@example.org", "bob@example.org"
ELSEWHERE = "cat@elsewhere.example"
LETTER = f"To: {ADA}\nSubject: done\n\nAll is well.\n"

Send = Callable[..., int]


@pytest.fixture
def send(monkeypatch: pytest.MonkeyPatch) -> Send:
    def call(*arguments: str, letter: str | bytes = LETTER, name: str = "sendmail") -> int:
        octets = letter.encode() if isinstance(letter, str) else letter
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(octets)))
        return sendmail.run(list(arguments), name)

    return call


def stored(run: Run, address: str = ADA) -> list[bytes]:
    """The letters in an inbox, with our lines in front."""
    with run.store() as store:
        account_id = run.account_id(store, address)

        def look(tx: Any) -> list[Any]:
            box = mailbox.find(tx, account_id, "INBOX")
            assert box is not None
            return tx.all(
                "SELECT m.prefix, m.blob_id, b.size FROM placement p JOIN message m ON m.id = p.message_id"
                " JOIN blob b ON b.id = m.blob_id WHERE p.mailbox_id = :box ORDER BY p.uid",
                box=box.id,
            )

        return [prefix + store.blobs.read(blob, 0, size) for prefix, blob, size in store.look(look)]


def waiting(run: Run) -> list[queue.Entry]:
    with run.store() as store:
        return [queue.Entry._make(row[1:]) for row in store.look(queue.list_some, Which())]


# -- options ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-t", "-i"], {"from_header": True, "dot_ends": False}),
        (["-ti"], {"from_header": True, "dot_ends": False}),
        (["-oi", "-oem", "-odb", "-B8BITMIME", "a@x.example"], {"dot_ends": False, "recipients": ["a@x.example"]}),
        (["-B", "8BITMIME", "-oem", "a@x.example"], {"dot_ends": True, "recipients": ["a@x.example"]}),
        (["-fann@x.example", "--", "-odd@x.example"], {"sender": "ann@x.example", "recipients": ["-odd@x.example"]}),
        (["-r", "ann@x.example", "-F", "Ann Other"], {"sender": "ann@x.example", "full_name": "Ann Other"}),
        (["-f", "<>"], {"sender": ""}),
        (["-f", ""], {"sender": ""}),
        (["-Nfailure,delay", "-R", "hdrs", "-V", "e1"], {"notify": {"FAILURE", "DELAY"}, "ret": "HDRS", "envid": "e1"}),
        (["-Am", "-d0-99.1", "-v", "-n", "-G", "-h5", "-X", "/tmp/x", "b@x.example"], {"recipients": ["b@x.example"]}),
        (["-bp"], {"mode": Mode.LIST}),
        (["-q"], {"mode": Mode.RETRY}),
        (["-q30m"], {"mode": Mode.RETRY}),
        (["-bi"], {"mode": Mode.NOTHING}),
        (["--config", "/x", "-bm"], {"config": "/x", "mode": Mode.SEND}),
    ],
)
def test_options(arguments: Sequence[str], expected: dict[str, Any]) -> None:
    options = parse(arguments)
    assert {name: getattr(options, name) for name in expected} == expected


@pytest.mark.parametrize(
    "arguments", [["-f"], ["-bs"], ["-bd"], ["-Z"], ["-N", "often"], ["-Nnever,delay"], ["-R", "x"]]
)
def test_what_makes_no_sense(send: Send, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUsage):
        parse(arguments)
    assert send(*arguments) == os.EX_USAGE
    assert capsys.readouterr().err.startswith("posthouse: ")


# -- into the store --------------------------------------------------------------------------------------------------


def test_cron(run: Run, send: Send) -> None:
    """As Debian's cron calls it, for a user that has no mailbox: somebody reads it."""
    report = "From: root (Cron Daemon)\nTo: root\nSubject: Cron <root@desk> backup\n\nNo space left\n"
    assert send("-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root", letter=report) == 0
    (letter,) = stored(run)
    user = pwd.getpwuid(os.getuid())
    assert f"Return-Path: <{user.pw_name}@mail.example.org>\r\n".encode() in letter
    received = f"Received: from {user.pw_name} (uid {user.pw_uid})\r\n\tby mail.example.org (Posthouse)"
    assert received.encode() in letter
    assert (
        b"\r\nFrom: Cron Daemon <root@mail.example.org>\r\nTo: root@mail.example.org\r\nSubject: Cron <root" in letter
    )
    assert letter.endswith(b"\r\n\r\nNo space left\r\n"), "bare line feeds become line ends"
    with run.store() as store:
        store.run(alias.add, "root@example.org", BOB)
    assert send("root", letter=report) == 0
    assert len(stored(run, BOB)) == 1, "a name alone may be at any of our domains"


def test_what_is_missing_is_completed_and_bcc_goes(run: Run, send: Send) -> None:
    letter = f"To: Ada <{ADA}>\nCc: {BOB},\n {ELSEWHERE}\nBcc: dan@elsewhere.example\n\n.\nx\n"
    assert send("-t", "-i", "-f", BOB, "-F", "Bob Ümlaut", letter=letter) == 0
    (got,) = stored(run)
    assert b"\r\nFrom: =?utf-8?b?Qm9iIMOcbWxhdXQ=?= <bob@example.org>\r\nDate: " in got
    assert b"\r\nMessage-ID: <" in got and b"Bcc" not in got and got.endswith(b"\r\n\r\n.\r\nx\r\n")
    assert sorted(one.recipient for one in waiting(run)) == [ELSEWHERE, "dan@elsewhere.example"]
    assert {one.sender for one in waiting(run)} == {BOB}


def test_where_a_letter_ends(run: Run, send: Send) -> None:
    assert send(ADA, letter="Subject: x\n\none\n.\ntwo\n") == 0
    assert send(ADA, letter="just text, no header\n") == 0
    assert send(ADA, letter=b"") == 0
    first, second, third = stored(run)
    assert first.endswith(b"\r\n\r\none\r\n") and second.endswith(b"\r\n\r\njust text, no header\r\n")
    assert third.endswith(b"\r\n\r\n")


def test_the_resent_fields_count_where_there_are_some(run: Run, send: Send) -> None:
    letter = f"Resent-To: {BOB}\nTo: {ADA}, nobody@example.org\nFrom: {ADA}\n\nx\n"
    assert send("-t", letter=letter) == 0
    assert len(stored(run, BOB)) == 1 and stored(run) == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], os.EX_USAGE, "no letter without recipients"),
        (["nobody@example.org"], os.EX_NOUSER, "nothing was sent, because of nobody@example.org: 550 5.1.1"),
        ([ADA, "nobody@example.org"], os.EX_NOUSER, "nothing was sent"),
        (["not an address"], os.EX_DATAERR, ""),
        (["x@no..domain"], os.EX_DATAERR, ""),
    ],
)
def test_to_all_or_to_none(
    run: Run, send: Send, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    assert send(*arguments, letter="Subject: x\n\nx\n") == code
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
    assert stored(run) == [] and waiting(run) == []


def test_too_large(run: Run, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "house" / "posthouse.toml"
    path.write_text(path.read_text() + "\n[limits]\nmessage_size = 1000\n")
    assert send(ADA, letter="Subject: x\n\n" + "x" * 1000) == os.EX_UNAVAILABLE
    assert stored(run) == []


def test_no_configuration(send: Send, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert send("-C", str(tmp_path / "none.toml"), ADA) == os.EX_CONFIG
    assert "there is no configuration" in capsys.readouterr().err


def test_a_folder_without_a_store_stays_one(run: Run, send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(run.data)
    run.data.mkdir()
    assert send(ADA) == os.EX_CONFIG
    assert f"there is no store in {run.data}" in capsys.readouterr().err
    assert list(run.data.iterdir()) == []


def test_the_queue(run: Run, send: Send, capsys: pytest.CaptureFixture[str]) -> None:
    assert send("-f", ADA, "-N", "never", "-R", "hdrs", "-V", "e 1", ELSEWHERE) == 0
    assert send("-bp") == 0
    assert send(name="mailq") == 0
    out = capsys.readouterr().out
    assert out.count(f"<{ADA}> to <{ELSEWHERE}>") == 2
    assert send("-q") == 0 and "1 recipient to be tried now" in capsys.readouterr().out
    assert send(name="newaliases") == 0
    with run.store() as store:
        sql = "SELECT r.notify, l.ret, l.envid FROM outgoing l JOIN outgoing_recipient r ON r.letter_id = l.id"
        assert store.look(lambda tx: tx.all(sql)) == [("NEVER", "HDRS", "e+201")]


def test_by_the_command_line(run: Run) -> None:
    done = run("sendmail", "-oi", "-f", BOB, ADA, stdin=LETTER)
    assert (done.exit_code, done.output) == (0, "")
    assert len(stored(run)) == 1
    assert run("sendmail", "nobody@example.org", stdin=LETTER).exit_code == os.EX_NOUSER
    assert "Example: posthouse sendmail" in run("sendmail", "--help").stdout


# -- in whose name ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("www@mail.example.org", True),
        ("www@example.org", True),
        ("WWW@Example.ORG", True),
        ("noreply@example.org", True),
        ("noreply@mail.example.org", True),
        (ADA, False),
        ("ada+x@example.org", False),
        ("info@example.org", False),  # an alias
        ("sales@example.org", False),  # which goes elsewhere
        ("www@elsewhere.example", False),
        ("shop@allowed.example", True),
        ("Any@Allowed.example", True),
        ("", False),
    ],
)
def test_what_a_user_may_send_as(run: Run, address: str, may: bool) -> None:
    with run.store() as store:
        store.run(alias.add, "info@example.org", ADA)
        store.run(alias.add, "@example.org", ADA)
        store.run(forward.add, "sales@example.org", ELSEWHERE)
        user = LocalUser("www", 33, False, "mail.example.org", ["*@allowed.example"])
        assert store.look(user.may_send_as, address) is may
        assert store.look(LocalUser("root", 0, True, "mail.example.org").may_send_as, address)


def test_the_socket_of_a_running_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may not write to the store comes by the socket; who they are, the kernel tells."""
    path = tmp_path / "s"
    with live(tmp_path / "house", sendmail=path) as house:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(path))
        client = smtplib.SMTP()
        client.sock, client.file = connection, None
        assert client.getreply()[0] == 220
        client.ehlo("desk")
        assert not client.has_extn("auth")
        assert client.mail(ADA)[0] == 250, "the server's own user is trusted"
        assert client.rcpt(BOB)[0] == 250
        assert client.data(f"From: {ADA}\r\n\r\nx")[0] == 250
        client.quit()
        assert b"uid %d" % os.getuid() in inbox(house, BOB)[0]

        monkeypatch.setattr(LocalUser, "find", lambda uid, house: LocalUser("www", 33, False, house.hostname))
        monkeypatch.setattr("os.access", lambda *_: False)
        monkeypatch.setenv("POSTHOUSE_CONFIG", str(house.config.path))
        for arguments, letter, code in (
            (["-t", "-f", "shop@example.org"], f"From: Shop <shop@example.org>\nTo: {BOB}\n\nx\n", 0),
            (["-t"], f"From: {ADA}\nTo: {BOB}\n\nx\n", os.EX_NOPERM),
            (["-f", ADA, BOB], "\nx\n", os.EX_NOPERM),
            ([BOB, "nobody@example.org"], "\nx\n", os.EX_NOUSER),
        ):
            monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(letter.encode())))
            assert sendmail.run(arguments) == code
        assert len(inbox(house, BOB)) == 2
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"\nx\n")))
    assert sendmail.run([BOB]) == os.EX_TEMPFAIL, "it isn't running any more"
