"""`posthouse list`, against a server that follows a script."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from posthouse.cli.app import app
from scripted import ScriptedServer, certificate_file

CONNECT = """
    S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
    C: P1 STARTTLS
    S: P1 OK go
    TLS
    C: P2 CAPABILITY
    S: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR
    S: P2 OK done
    C: P3 AUTHENTICATE PLAIN AGJvYkB4Lm9yZwBnZWhlaW0=
"""
FIELDS = "HEADER.FIELDS (DATE FROM TO CC SUBJECT MESSAGE-ID)"
# Logged in; the server says what it can do.
IN = "S: P3 OK [CAPABILITY IMAP4rev1] hi\n"


def listing(name: str = "=?utf-8?q?Ad=C3=A1?=", numbers: str = "1:3") -> str:
    """Three messages: one whose header tells nothing, a whole one, and one without a header."""
    header = [f"From: {name} <ada@x.org>", "Subject: Tea\tat five", "Date: 1 Jan 2026 10:00 Z", ""]
    lines = "".join(f"S: {line}\n" for line in header)
    size = sum(len(line) + 2 for line in header)
    return rf"""{CONNECT}
        {IN}
        C: P4 SELECT INBOX
        S: * 3 EXISTS
        S: P4 OK done
        C: P5 FETCH {numbers} (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[{FIELDS}])
        S: * 1 FETCH (UID 11 FLAGS (\Seen) INTERNALDATE "16-Mar-2009 12:00:00 +0000" BODY[{FIELDS}] "Date: what")
        S: * 2 FETCH (UID 12 FLAGS () BODY[{FIELDS}] {{{size}}}
        {lines}
        S: )
        S: * 3 FETCH (UID 13 FLAGS (\Seen) BODY[{FIELDS}] NIL)
        S: P5 OK done
        C: P6 LOGOUT
        S: * BYE bye
        S: P6 OK done
    """


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file(tmp_path)))
    monkeypatch.setenv("POSTHOUSE_PASSWORD", "geheim")
    monkeypatch.setenv("TZ", "UTC")


def list_subjects(script: str, *arguments: str) -> Result:
    with ScriptedServer(script) as server:
        url = f"imap://bob@x.org@localhost:{server.port}"
        return CliRunner().invoke(app, ["list", "--imap", url, *arguments])


def test_columns_with_tabs_newest_first() -> None:
    result = list_subjects(listing())
    assert result.stdout == "13\t\t\t\n12\t2026-01-01 10:00\tAdá\tTea at five\n11\t2009-03-16 12:00\t\t\n"
    assert (result.exit_code, result.stderr) == (0, "")


def test_json() -> None:
    result = list_subjects(listing(), "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()][1] == {
        "id": "12",
        "mailbox": "INBOX",
        "uid": 12,
        "date": "2026-01-01T10:00:00+00:00",
        "from": "Adá <ada@x.org>",
        "to": [],
        "subject": "Tea at five",
        "unread": True,
        "flags": [],
        "size": 0,
        "message_id": "",
    }


def test_limit() -> None:
    result = list_subjects(listing(numbers="3"), "--limit", "1")
    assert result.exit_code == 0


def test_a_query() -> None:
    script = f"""{CONNECT}
        {IN}
        C: P4 SELECT Archive
        S: * 3 EXISTS
        S: P4 OK done
        C: P5 NOOP
        S: P5 OK done
        C: P6 UID SEARCH NOT SEEN FROM "bob"
        S: * SEARCH
        S: P6 OK done
        C: P7 LOGOUT
        S: P7 OK done
    """
    result = list_subjects(script, "Archive", "is:unread", "from:bob")
    assert (result.exit_code, result.stdout) == (0, "")


def test_an_empty_mailbox() -> None:
    script = CONNECT + IN + "C: P4 SELECT Drafts\nS: * 0 EXISTS\nS: P4 OK done\nC: P5 LOGOUT\nS: P5 OK"
    result = list_subjects(script, "Drafts")
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_mailbox_that_is_not_there() -> None:
    script = CONNECT + IN + "C: P4 SELECT Nowhere\nS: P4 NO [NONEXISTENT] what?\nC: P5 LOGOUT\nS: P5 OK"
    result = list_subjects(script, "Nowhere")
    assert result.exit_code == 1
    assert result.stderr == (
        "posthouse: opening the mailbox Nowhere was refused by the server: what?\nCheck the name of the mailbox.\n"
    )


def test_a_wrong_password() -> None:
    result = list_subjects(CONNECT + "S: P3 NO [AUTHENTICATIONFAILED] no\nC: P4 LOGOUT\nS: P4 OK")
    assert result.exit_code == 1
    assert result.stderr.startswith("posthouse: localhost refused the login of bob@x.org: no\nCheck the user name")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--imap", "imap://h.example"], "name the user"),
        (["--imap", "smtp://ada@h.example"], "does not begin with"),
        (["--imap", "imap://ada@h.example", "--limit", "0"], "--limit"),
        (["--imap", "imap://ada@h.example", "INBOX", "form:bob"], "form: is no word of a search"),
    ],
)
def test_wrong_usage(arguments: list[str], sentence: str) -> None:
    result = CliRunner().invoke(app, ["list", *arguments])
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.replace("│", "").split())


def test_no_account_is_known() -> None:
    result = CliRunner().invoke(app, ["list"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no account is known here" in result.stderr and "posthouse login" in result.stderr


def test_nothing_asks_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOUSE_PASSWORD")
    result = CliRunner().invoke(app, ["list", "--imap", "imap://bob@localhost:1"])
    assert result.exit_code == 1
    assert "no terminal to ask for it" in result.stderr


def test_on_a_terminal_the_password_is_asked_for_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOUSE_PASSWORD")
    script = CONNECT + "S: P3 NO no\nC: P4 LOGOUT\nS: P4 OK"
    said = b""
    with ScriptedServer(script) as server:
        command = [sys.executable, "-m", "posthouse", "list", "--imap", f"imap://bob@x.org@localhost:{server.port}"]
        terminal, theirs = pty.openpty()
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        # The blank comes last, when nothing is echoed any more.
        while not said.endswith(b"Password of bob@x.org: "):
            said += os.read(terminal, 1024)
        os.write(terminal, b"geheim\n")
        with contextlib.suppress(OSError):  # Linux reports the end of a terminal as EIO
            while more := os.read(terminal, 1024):
                said += more
        assert process.wait(timeout=30) == 1
    os.close(terminal)
    assert b"refused the login of bob@x.org" in said
    assert b"geheim" not in said


def test_on_a_terminal_the_columns_are_as_wide_as_they_look() -> None:
    reader, writer = pty.openpty()
    with ScriptedServer(listing("=?utf-8?q?=E6=BC=A2?=")) as server:
        url = f"imap://bob@x.org@localhost:{server.port}"
        command = [sys.executable, "-m", "posthouse", "list", "--imap", url]
        environment = {**os.environ, "COLUMNS": "60", "TERM": "xterm"}
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=writer, env=environment, check=True, timeout=30)
    lines = os.read(reader, 4096).decode().splitlines()
    os.close(reader)
    os.close(writer)
    assert lines[1] == "\x1b[1m    12  2026-01-01 10:00  漢                            Tea at five\x1b[0m"
