"""The mail commands over a real server: log in, look, read, tidy, answer, watch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from live import PASSWORDS, Live
from posthouse import Account
from posthouse.cli.app import app

ADA, BOB = "ada@example.org", "bob@example.org"
PDF = b"%PDF-1.4 \xff"


def posthouse_command(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(app, arguments, input=stdin)


def done(*arguments: str, stdin: str | bytes = "") -> str:
    result = posthouse_command(*arguments, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def failed(*arguments: str) -> str:
    result = posthouse_command(*arguments)
    assert result.exit_code == 1
    return result.stderr


def urls(house: Live) -> list[str]:
    return [
        "--imap", f"imaps://localhost:{house.port('imaps')}",
        "--smtp", f"submissions://localhost:{house.port('submissions')}",
    ]  # fmt: skip


@pytest.fixture
def house(posthouse: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Live:
    """Ada and Bob are known on this computer; Ada has written to Bob twice."""
    monkeypatch.setenv("SSL_CERT_FILE", str(posthouse.certificate))
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("POSTHOUSE_PASSWORD", PASSWORDS[ADA])
    done("login", ADA, *urls(posthouse))
    monkeypatch.setenv("POSTHOUSE_PASSWORD", PASSWORDS[BOB])
    assert f"Logged in as {BOB} at localhost." in done("login", BOB, *urls(posthouse))
    monkeypatch.delenv("POSTHOUSE_PASSWORD")
    monkeypatch.setenv("POSTHOUSE_ACCOUNT", BOB)
    with Account(ADA) as ada:
        ada.send(BOB, "Tea", "At five?\n\x1b[2Jhidden", cc="Robert <bob@example.org>", copy=False)
        ada.send(BOB, "Report", html="<p>See <b>there</b></p>", files=[("report.pdf", PDF)], copy=False)
    return posthouse


def test_what_a_stranger_wrote_is_shown_and_not_obeyed(house: Live) -> None:
    with Account(ADA) as ada:
        ada.send(BOB, "件名\u3000全角 \u202egpj.exe", "می\u200cخواهم\u00a0\u9b5aな\n\x9b2J", copy=False)
    shown = "件名\u3000全角 \N{REPLACEMENT CHARACTER}gpj.exe"
    assert done("list").splitlines()[0].endswith(f"\t{shown}")
    read = done("read", "3")
    assert f"Subject: {shown}\n" in read and "می\u200cخواهم\u00a0\u9b5aな\n\N{REPLACEMENT CHARACTER}2J\n" in read


def test_read_and_save(house: Live, tmp_path: Path) -> None:
    assert [line.split("\t")[0] for line in done("list").splitlines()] == ["2", "1"]
    read = done("read", "1", "--keep-unread")
    assert "Subject: Tea\n" in read and "Cc: Robert <bob@example.org>\n" in read and "\nAt five?\n" in read
    assert "\x1b" not in read, "a letter gives no orders to a terminal"
    assert done("list", "INBOX", "is:unread").count("\n") == 2
    assert "See there" in done("read", "INBOX:2") and "[1] report.pdf  application/pdf  10 B" in done("read", "2")
    assert done("list", "INBOX", "is:unread").count("\n") == 1, "what was read is marked"
    assert "<b>there</b>" in done("read", "2", "--html")
    assert done("read", "1", "--raw").startswith("Return-Path: <ada@example.org>")
    assert "Message-ID: <" in done("read", "1", "--headers")
    assert json.loads(done("read", "2", "--json"))["attachments"][0]["filename"] == "report.pdf"
    assert CliRunner().invoke(app, ["read", "2", "--part", "1"]).stdout_bytes == PDF
    assert done("save", "2", str(tmp_path / "new")) == f"Saved {tmp_path / 'new' / 'report.pdf'}.\n"
    assert (tmp_path / "new" / "report.pdf").read_bytes() == PDF
    assert "has no attachments" in failed("save", "1")
    assert "there is no message 9 in INBOX" in failed("read", "9")
    assert posthouse_command("read", "nine").exit_code == 2


def test_search_and_tidy(house: Live) -> None:
    assert done("search", "subject:tea").startswith("INBOX:1\t")
    assert done("flag", "1", "--flagged", "--add", "work") == "Marked 1 message.\n"
    assert json.loads(done("list", "--json", "INBOX", "is:flagged"))["flags"] == ["\\Flagged", "work"]
    assert done("move", "1", "--to", "archive") == "Moved 1 message to archive.\n"
    assert done("search", "tea").startswith("Archive:1\t")
    assert "Archive\t1\t1\n" in done("mailboxes")
    assert "there is no mailbox Nowhere" in failed("move", "2", "--to", "Nowhere")
    assert "no message 9" in failed("delete", "2", "9")
    assert done("delete", "2", "Archive:1") == "Deleted 2 messages.\n"
    assert (done("list"), done("list", "Trash").count("\n")) == ("", 2)
    assert posthouse_command("flag", "1").exit_code == 2


def test_tidying_for_programs(house: Live) -> None:
    assert json.loads(done("flag", "1", "--read", "--json")) == {
        "marked": ["1"], "read": True, "flagged": None, "add": [], "remove": [],
    }  # fmt: skip
    assert json.loads(done("move", "1", "--to", "archive", "--json")) == {"moved": ["1"], "to": "Archive"}
    assert json.loads(done("delete", "2", "--json")) == {"deleted": ["2"], "forever": False}
    assert json.loads(done("logout", BOB, "--json")) == {"forgot": BOB}


def test_answer_and_forward(house: Live) -> None:
    assert done("reply", "1", stdin="Gladly\n") == "Sent to ada@example.org.\n"
    assert json.loads(done("list", "--json", "INBOX", "subject:tea"))["flags"] == ["\\Answered"]
    done("forward", "2", "--to", ADA, stdin="Look\n")
    answer, forwarded = [json.loads(done("read", str(n), "--json", "--account", ADA)) for n in (1, 2)]
    assert (answer["subject"], answer["from"]) == ("Re: Tea", BOB)
    assert answer["text"].startswith("Gladly\n") and "> At five?" in answer["text"]
    assert (forwarded["subject"], forwarded["attachments"][0]["filename"]) == ("Fwd: Report", "report.pdf")
    assert "Re: Tea" in done("list", "Sent"), "one's own letters are kept"


def test_a_letter_to_many(house: Live, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("\ufeffemail,name\nada@example.org,Ada & Co\nnobody@example.org,Nobody\n", "utf-8")
    letter = ["send", "--subject", "Hello {name}", "--markdown", "--merge", str(people)]
    shown = done(*letter, "--dry-run", stdin="Dear **{name}**\n")
    assert "Subject: Hello Ada & Co" in shown and "2 letters would be sent; nothing was." in shown
    journal = str(tmp_path / "journal")
    result = posthouse_command(*letter, "--journal", journal, stdin="Dear **{name}**\n")
    assert (result.exit_code, result.stdout) == (1, "Sent 1 of 2 letters.\n")
    assert "nobody@example.org did not get the letter: 550 5.1.1" in result.stderr
    assert "Ada &amp; Co" in done("read", "1", "--html", "--account", ADA)
    posthouse_command(*letter, "--journal", journal, stdin="Dear **{name}**\n")
    assert done("list", "--account", ADA).count("\n") == 1, "nothing is sent twice"
    people.write_text("email,other\nada@example.org,x\n", "utf-8")
    assert "people.csv, line 2" in posthouse_command(*letter, stdin="{name}").stderr


def test_watch_runs_a_command(house: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert done("watch", "--quiet", "0") == ""
    monkeypatch.setenv("EDITOR", "false")
    script = tmp_path / "seen"
    with Account(BOB) as bob, bob.open() as box:
        since = box.inbox.changes().state
        with Account(ADA) as ada:
            ada.send(BOB, "Now $(touch hacked)", "x", copy=False)
        (event,) = list(box.inbox.watch(since=since, quiet=0.1))
        assert event.message is not None

        from posthouse.cli.watch import _run

        _run(f'printf %s "$POSTHOUSE_SUBJECT" > {script}', event.message)
    assert script.read_text() == "Now $(touch hacked)"


def test_logout(house: Live) -> None:
    assert done("logout", BOB) == f"Forgot {BOB}.\n"
    assert "not known here" in failed("logout", BOB)
    assert "no password for bob@example.org" in failed("list")


def test_by_pop3(house: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same commands, and what POP3 can't do in one sentence."""
    pop3 = ["--pop3", f"pop3s://{BOB}@localhost:{house.port('pop3s')}"]
    monkeypatch.setenv("POSTHOUSE_PASSWORD", PASSWORDS[BOB])
    smtp = ["--smtp", f"submissions://localhost:{house.port('submissions')}"]
    assert f"Logged in as {BOB} at localhost." in done("login", BOB, *pop3, *smtp)
    monkeypatch.delenv("POSTHOUSE_PASSWORD")
    report, tea = [line.split("\t") for line in done("list").splitlines()]
    assert (report[3], tea[3]) == ("Report", "Tea")
    assert done("mailboxes") == "INBOX\t2\t2\n"
    assert done("search", "subject:tea").split("\t")[0] == f"INBOX:{tea[0]}"
    assert "See there" in done("read", report[0])
    assert done("save", report[0], str(tmp_path / "files")) == f"Saved {tmp_path / 'files' / 'report.pdf'}.\n"
    for command in (["flag", tea[0], "--read"], ["move", tea[0], "--to", "archive"], ["list", "Archive"]):
        assert failed(*command).startswith("posthouse: POP3 ")
    assert "2 messages" in done("export", "INBOX", str(tmp_path / "inbox.mbox"), *pop3)
    done("delete", tea[0])
    assert [line.split("\t")[3] for line in done("list", *pop3).splitlines()] == ["Report"]
    assert "there is no message" in failed("read", tea[0])


def test_export_of_a_mailbox_anywhere(house: Live, tmp_path: Path) -> None:
    target = tmp_path / "inbox.mbox"
    assert done("export", "INBOX", str(target), "--account", BOB) == (
        f"Exported 2 messages of INBOX of {BOB} to {target} (mbox).\n"
    )
    again = json.loads(done("export", "INBOX", str(target), "--account", BOB, "--json"))
    assert again == {"account": BOB, "mailbox": "INBOX", "messages": 0, "target": str(target), "format": "mbox"}
    assert "Nothing" in failed("export", "Nothing", str(tmp_path / "x.mbox"), "--account", BOB)
    assert not (tmp_path / "x.mbox").exists()
    wrong = posthouse_command("export", "INBOX", str(target), "--account", BOB, "--mailbox", "Old")
    assert (wrong.exit_code, "--mailbox are for an account of this server" in wrong.stderr) == (2, True)
