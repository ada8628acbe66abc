"""`posthouse send`, against a server that follows a script."""

from __future__ import annotations

import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from posthouse.cli.app import app
from scripted import ScriptedServer, certificate_file

PNG = b"\x89PNG\r\n\x1a\n"
CONNECT = """
    TLS
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250-PIPELINING
    S: 250 AUTH PLAIN
"""
LOGIN = CONNECT + "C: AUTH PLAIN *\nS: 235 2.7.0 welcome\n"


def flight(*recipients: str, sender: str = "ada@x.org", answers: str = "") -> str:
    rcpt = "".join(f"C: RCPT TO:<{one}>\n" for one in recipients)
    return f"C: MAIL FROM:<{sender}>\n{rcpt}C: DATA\nS: 250 ok\n{answers or 'S: 250 ok' + chr(10)}S: 354 go on\n"


END = "LETTER\nS: 250 2.0.0 queued as 7\nC: QUIT\nS: 221 bye\n"


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file(tmp_path)))
    monkeypatch.setenv("POSTHOUSE_PASSWORD", "secret")
    monkeypatch.chdir(tmp_path)


def send(
    script: str, *arguments: str, user: str = "ada@x.org@", stdin: bytes = b"Hello Bob\n"
) -> tuple[Result, EmailMessage]:
    """Run the command against a server; what it printed, and the letter that it sent."""
    with ScriptedServer(script) as server:
        url = f"submissions://{user}localhost:{server.port}"
        result = CliRunner().invoke(app, ["send", "--smtp", url, *arguments], input=stdin)
    letter = email.message_from_bytes(server.letter, policy=email.policy.default)
    assert isinstance(letter, EmailMessage)
    return result, letter


def test_a_text_from_standard_input() -> None:
    result, letter = send(LOGIN + flight("bob@x.org") + END, "--to", "Bob Ö <bob@x.org>", "--subject", "Tee ☕")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "Sent to bob@x.org.\n", "")
    assert letter["From"] == "ada@x.org"
    assert letter["To"] == "Bob Ö <bob@x.org>"
    assert letter["Subject"] == "Tee ☕"
    assert letter.get_content() == "Hello Bob\r\n"
    assert letter["Date"]
    assert letter["Message-ID"].endswith("@x.org>")


def test_bcc_is_in_the_envelope_and_nowhere_else() -> None:
    script = LOGIN + flight("bob@x.org", "cy@x.org", "eve@x.org", answers="S: 250 ok\n" * 3) + END
    result, letter = send(script, "--to", "bob@x.org", "--cc", "cy@x.org", "--bcc", "eve@x.org")
    assert result.stdout == "Sent to bob@x.org, cy@x.org, eve@x.org.\n"
    assert letter["Cc"] == "cy@x.org"
    assert b"eve" not in bytes(letter)


def test_a_text_from_a_file_with_an_attachment(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("from a file ä\n", "utf-8")
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.4 \xff")
    _, letter = send(
        LOGIN + flight("bob@x.org") + END, "text.txt", "--to", "bob@x.org", "--attach", "report.pdf", stdin=b""
    )
    text, attached = letter.iter_parts()
    assert text.get_content() == "from a file ä\r\n"
    assert (attached.get_filename(), attached.get_content_type()) == ("report.pdf", "application/pdf")
    assert attached.get_content() == b"%PDF-1.4 \xff"


def test_pictures_are_shown_below_the_text(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "cat.png").write_bytes(PNG + folder.encode())
    pictures = ["--inline", "a/cat.png", "--inline", "b/cat.png"]
    _, letter = send(LOGIN + flight("bob@x.org") + END, "-", "--to", "bob@x.org", *pictures, stdin=b"1 < 2\n2 > 1\n")
    assert letter.get_content_type() == "multipart/related"
    texts, first, second = letter.iter_parts()
    text, html = texts.iter_parts()
    assert text.get_content() == "1 < 2\r\n2 > 1\r\n"
    assert "1 &lt; 2\r\n2 &gt; 1" in html.get_content()
    for part, octets in ((first, PNG + b"a"), (second, PNG + b"b")):
        assert part.get_content() == octets
        assert f'src="cid:{part["Content-ID"][1:-1]}"' in html.get_content()
    assert first["Content-ID"] != second["Content-ID"]


def test_html_that_shows_its_picture_itself(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    (tmp_path / "dog.png").write_bytes(PNG)
    (tmp_path / "a.html").write_text('<body><p>Hi <img src="cid:cat.png"></p></body>')
    arguments = ["--html", "a.html", "--inline", "cat.png", "--inline", "dog.png"]
    # Nobody reads standard input here: it may belong to the script that calls us.
    _, letter = send(LOGIN + flight("bob@x.org") + END, "--to", "bob@x.org", *arguments, stdin=b"not for you")
    html = letter.get_body(("html",))
    assert html is not None
    content = html.get_content()
    assert content.count("cid:cat.png") == 1
    assert content.index("cid:dog.png") < content.index("</body>")
    assert b"not for you" not in bytes(letter)


def test_json() -> None:
    result, letter = send(LOGIN + flight("bob@x.org") + END, "--to", "bob@x.org", "--json")
    assert json.loads(result.stdout) == {
        "message_id": letter["Message-ID"],
        "accepted": ["bob@x.org"],
        "refused": {},
        "reply": "250 2.0.0 queued as 7",
        "copy": "",
        "copy_made": False,
    }


def test_one_recipient_of_two_is_refused() -> None:
    script = LOGIN + flight("bob@x.org", "eve@x.org", answers="S: 250 ok\nS: 550 5.1.1 no eve here\n") + END
    result, _ = send(script, "--to", "bob@x.org, eve@x.org")
    assert (result.exit_code, result.stdout) == (1, "Sent to bob@x.org.\n")
    assert result.stderr == "posthouse: eve@x.org was refused: 550 5.1.1 no eve here\n"


def test_without_a_user_there_is_no_login() -> None:
    result, letter = send(
        CONNECT + flight("bob@x.org", sender="cron@x.org") + END,
        "--to",
        "bob@x.org",
        "--from",
        "Cron <cron@x.org>",
        user="",
    )
    assert result.exit_code == 0
    assert letter["From"] == "Cron <cron@x.org>"


def failing(*arguments: str, stdin: bytes = b"x") -> tuple[int, str]:
    result = CliRunner().invoke(app, ["send", *arguments], input=stdin)
    assert result.stdout == ""
    return result.exit_code, result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--smtp", "smtp://ada@x.org@h.example"], "needs a recipient"),
        (["--smtp", "smtp://h.example", "--to", "bob@x.org"], "who the letter is from"),
        (["--smtp", "imap://h.example", "--to", "bob@x.org"], "does not begin with"),
        (["--smtp", "smtp://ada:secret@h.example", "--to", "bob@x.org"], "POSTHOUSE_PASSWORD"),
    ],
)
def test_wrong_usage(arguments: list[str], sentence: str) -> None:
    code, said = failing(*arguments)
    assert code == 2
    assert sentence in " ".join(said.replace("│", "").split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "bob"], "'bob' is not one mail address"),
        (["--to", "bob@x.org", "--subject", "a\nBcc: eve@x.org"], "Subject"),
        (["--to", "bob@x.org", "nowhere.txt"], "nowhere.txt: No such file"),
        (["--to", "bob@x.org", "--attach", "nowhere.pdf"], "nowhere.pdf"),
        (["--to", "bob@x.org", "--inline", "nowhere.png"], "nowhere.png"),
        (["--to", "bob@x.org", "--html", "nowhere.html"], "nowhere.html"),
    ],
)
def test_what_cannot_be_sent_is_found_before_anything_is(arguments: list[str], sentence: str) -> None:
    code, said = failing("--smtp", "smtp://ada@x.org@localhost:1", *arguments)
    assert code == 1
    assert said.startswith("posthouse: ")
    assert sentence in said


def test_nothing_asks_where_nobody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POSTHOUSE_PASSWORD")
    code, said = failing("--smtp", "smtp://ada@x.org@localhost:1", "--to", "bob@x.org")
    assert code == 1
    assert said == (
        "posthouse: there is no password for ada@x.org, and no terminal to ask for it\n"
        "Put it into the environment variable POSTHOUSE_PASSWORD, or keep it with `posthouse login`.\n"
    )


def test_a_wrong_password() -> None:
    script = CONNECT + "C: AUTH PLAIN *\nS: 535 5.7.8 wrong\nC: QUIT\nS: 221 bye"
    result, _ = send(script, "--to", "bob@x.org")
    assert (result.exit_code, result.stdout) == (1, "")
    sentence, advice = result.stderr.splitlines()
    assert sentence == "posthouse: localhost refused the login of ada@x.org: 535 5.7.8 wrong"
    assert "Check the user name and the password" in advice
    assert "secret" not in result.stderr


def test_nothing_listens() -> None:
    code, said = failing("--smtp", "smtp://ada@x.org@localhost:1", "--to", "bob@x.org")
    assert code == 1
    assert said.startswith("posthouse: nothing listens at localhost:1\nCheck the name and the port")
