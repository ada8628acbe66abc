"""The textbook's programs that fetch mail, as the textbook prints them: only host, port, certificate and account are
ours."""

from __future__ import annotations

import email
import email.parser
import poplib
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest

from live import PASSWORDS, Live

ADA, BOB = "ada@example.org", "bob@example.org"
FIRST = f"From: Ada <{ADA}>\nTo: Bob <{BOB}>\nSubject: Python is fun\n\nHello Bob\n.\n..dots\nlast line\n"
SECOND = "From: Eve <eve@elsewhere.example>\nTo: list@elsewhere.example\nSubject: second\n\nSecond text\n"


@pytest.fixture
def house(posthouse: Live) -> Live:
    """Two letters in Bob's inbox."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as s:
        s.sendmail(ADA, BOB, FIRST)
        s.sendmail("eve@elsewhere.example", BOB, SECOND)
    return posthouse


def log_in(house: Live) -> poplib.POP3_SSL:
    server = poplib.POP3_SSL(house.host, house.port("pop3s"), context=house.tls)
    server.user(BOB)
    server.pass_(PASSWORDS[BOB])
    return server


@pytest.fixture
def reader(house: Live) -> Iterator[poplib.POP3_SSL]:
    server = log_in(house)
    yield server
    server.quit()


def test_all_messages_are_printed(reader: poplib.POP3_SSL, capsys: pytest.CaptureFixture[str]) -> None:
    numMessages = len(reader.list()[1])
    for i in range(numMessages):
        for line in reader.retr(i + 1)[1]:
            print(line.decode())
    printed = capsys.readouterr().out
    assert "Subject: Python is fun\n" in printed and "\nHello Bob\n.\n..dots\nlast line\n" in printed
    assert printed.endswith("Second text\n")


def test_the_newest_message_is_parsed(reader: poplib.POP3_SSL) -> None:
    _, mails, octets = reader.list()
    index = len(mails)
    _, lines, octets = reader.retr(index)
    msg = email.parser.Parser().parsestr(b"\r\n".join(lines).decode("utf-8"))
    assert msg["Subject"] == "second"
    assert msg["From"] == "Eve <eve@elsewhere.example>"
    assert msg.get_payload() == "Second text"
    # Every line has its line end, the octets are those that the lists tell.
    assert octets == sum(len(line) + 2 for line in lines)
    assert mails == [b"1 %d" % int(mails[0].split()[1]), b"2 %d" % octets]


def test_stat_list_and_uidl_agree(house: Live) -> None:
    server = log_in(house)
    count, size = server.stat()
    response, mails, _ = server.list()
    sizes = [int(line.split()[1]) for line in mails]
    assert (count, size) == (len(sizes), sum(sizes)) and response.startswith(b"+OK 2 messages")
    assert server.list(2) == b"+OK 2 %d" % sizes[1]
    names = [line.split()[1] for line in server.uidl()[1]]
    assert len(set(names)) == 2
    assert server.uidl(1) == b"+OK 1 " + names[0]
    assert [sum(len(line) + 2 for line in server.retr(number)[1]) for number in (1, 2)] == sizes
    server.quit()

    again = log_in(house)
    assert [line.split()[1] for line in again.uidl()[1]] == names, "names last"
    again.quit()


def test_the_headers_with_top(reader: poplib.POP3_SSL) -> None:
    for number, subject in ((1, "Python is fun"), (2, "second")):
        _, header, _ = reader.top(number, 0)
        assert header[-1] == b""
        message = email.message_from_bytes(b"\r\n".join(header))
        assert message["Subject"] == subject
    _, lines, _ = reader.top(1, 3)
    assert lines[-4:] == [b"", b"Hello Bob", b".", b"..dots"]
    assert reader.top(1, 1000)[1] == reader.retr(1)[1]


def test_deleted_messages_go_at_quit_and_come_back_with_rset(house: Live) -> None:
    server = log_in(house)
    server.dele(1)
    assert server.stat()[0] == 1
    with pytest.raises(poplib.error_proto, match="deleted already"):
        server.retr(1)
    server.rset()
    assert server.stat()[0] == 2
    server.dele(1)
    server.close()

    server = log_in(house)
    assert server.stat()[0] == 2, "a connection that breaks deletes nothing"
    name = server.uidl(2).split()[2]
    server.dele(1)
    server.quit()

    server = log_in(house)
    assert server.uidl()[1] == [b"1 " + name], "the other one keeps its name"
    server.quit()


def test_a_wrong_password(house: Live) -> None:
    server = poplib.POP3_SSL(house.host, house.port("pop3s"), context=house.tls)
    server.user(BOB)
    with pytest.raises(poplib.error_proto, match=r"-ERR \[AUTH\] The user name or the password is wrong"):
        server.pass_("wrong")
    server.user(BOB)
    server.pass_(PASSWORDS[BOB])
    server.quit()


def test_passwords_only_after_stls(house: Live) -> None:
    server = poplib.POP3(house.host, house.port("pop3"))
    assert "STLS" in server.capa() and "USER" not in server.capa() and "SASL" not in server.capa()
    with pytest.raises(poplib.error_proto, match="STLS first"):
        server.user(BOB)
    assert b"<" not in server.getwelcome(), "no APOP, which needs passwords that can be read on the server"
    server.stls(context=house.tls)
    capabilities: dict[str, Any] = server.capa()
    assert "STLS" not in capabilities
    assert {"USER", "TOP", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "LANG"} <= set(capabilities)
    assert capabilities["EXPIRE"] == ["NEVER"] and "PLAIN" in capabilities["SASL"]
    server.user(BOB)
    server.pass_(PASSWORDS[BOB])
    assert server.stat()[0] == 2
    assert server.capa() == capabilities, "what is told before the login holds after it"
    server.quit()


def test_utf8_comes_before_the_login(house: Live) -> None:
    server = poplib.POP3_SSL(house.host, house.port("pop3s"), context=house.tls)
    assert server.utf8().startswith(b"+OK")
    server.user(BOB)
    server.pass_(PASSWORDS[BOB])
    with pytest.raises(poplib.error_proto, match="after the login"):
        server.utf8()
    assert server.noop() == b"+OK Still here"
    server.quit()
