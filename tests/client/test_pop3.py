"""POP3 operations against transcripts, and both faces against scripts and our own server."""

from __future__ import annotations

import smtplib
from collections.abc import Callable

import pytest

from dialogue import converse
from faced import Faced
from live import PASSWORDS, Live
from posthouse.client import pop3
from posthouse.client.pop3 import Conversation, Retrieved
from posthouse.client.url import Protocol, Server
from posthouse.errors import (
    ConnectionFailed,
    LimitError,
    LocalProtocolError,
    LoginRefused,
    Pop3Refused,
    PosthouseError,
    RemoteProtocolError,
    TlsError,
)
from posthouse.pop3 import client as words
from posthouse.wire.sasl import Credentials
from posthouse.wire.steps import Steps
from scripted import ScriptedServer

STARTTLS = Server.parse("pop3://mail.example.org", Protocol.POP3)
IMPLICIT = Server.parse("pop3s://mail.example.org", Protocol.POP3)
CLEAR = Server.parse("pop3://mail.example.org?tls=none", Protocol.POP3)
ADA = Credentials("ada@example.org", "secret")
PLAIN = "AGFkYUBleGFtcGxlLm9yZwBzZWNyZXQ="


def conversation(capabilities: str = "", *, tls: bool = True) -> Conversation:
    """One that has begun, with a server that announced this."""
    talk = Conversation(CLEAR)
    talk.tls = tls
    talk.told([line.strip().encode() for line in capabilities.split(",")])
    return talk


def run(
    operation: Callable[[Conversation], Steps[object]], transcript: str, capabilities: str = "", **known: bool
) -> object:
    return converse(lambda: operation(conversation(capabilities, **known)), transcript)


def fails(
    error: type[PosthouseError],
    match: str,
    operation: Callable[[Conversation], Steps[object]],
    transcript: str,
    capabilities: str = "",
    **known: bool,
) -> PosthouseError:
    with pytest.raises(error, match=match) as caught:
        run(operation, transcript, capabilities, **known)
    return caught.value


def test_connecting_with_stls() -> None:
    text = """
        S: +OK hello <123.456@mail.example.org>
        C: CAPA
        S: +OK
        S: STLS
        S: .
        C: STLS
        S: +OK go
        TLS
        C: CAPA
        S: +OK
        S: sasl PLAIN
        S: PIPELINING
        S: .
    """
    talks: list[Conversation] = []

    def connect() -> Steps[None]:
        talks.append(Conversation(STARTTLS))
        return pop3.connect(talks[-1])

    converse(connect, text)
    assert all(talk.tls and talk.capabilities == {"SASL": "PLAIN", "PIPELINING": ""} for talk in talks)


def test_connecting_under_tls_to_a_server_without_capa() -> None:
    converse(lambda: pop3.connect(Conversation(IMPLICIT)), "TLS\nS: +OK\nC: CAPA\nS: -ERR what?")


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [
        ("S: -ERR [SYS/TEMP] not now", Pop3Refused, "lets nobody in at the moment: not now"),
        ("S: 220 mail.example.org ESMTP", ConnectionFailed, "does not speak POP3"),
        ("S: +OK\nC: CAPA\nS: +OK\nS: TOP\nS: .", TlsError, "offers no encryption"),
        ("S: +OK\nC: CAPA\nS: +OK\nS: STLS\nS: .\nC: STLS\nS: -ERR no", TlsError, "can't begin it"),
        ("S: +OK\nC: CAPA\nCLOSE", ConnectionFailed, "closed the connection"),
        ("S: +OK\nC: CAPA\nSILENCE", ConnectionFailed, "said nothing for 180 seconds"),
    ],
)
def test_no_connection(said: str, error: type[PosthouseError], match: str) -> None:
    with pytest.raises(error, match=match):
        converse(lambda: pop3.connect(Conversation(STARTTLS)), said)


def test_nothing_from_before_tls_counts() -> None:
    talk = conversation()
    talk.reader.feed(b"+OK forged\r\n")
    with pytest.raises(RemoteProtocolError, match="somebody spoke"):
        talk.tls_started()


def test_logging_in() -> None:
    run(lambda talk: pop3.login(talk, ADA), f"C: AUTH PLAIN {PLAIN}\nS: +OK", "SASL LOGIN PLAIN, USER")
    run(
        lambda talk: pop3.login(talk, ADA),
        "C: AUTH LOGIN\nS: + VXNlcm5hbWU6\nC: YWRhQGV4YW1wbGUub3Jn\nS: + UGFzc3dvcmQ6\nC: c2VjcmV0\nS: +OK",
        "SASL LOGIN",
    )
    by_name = "C: USER ada@example.org\nS: +OK\nC: PASS secret\nS: +OK 3 messages"
    run(lambda talk: pop3.login(talk, ADA), by_name, "USER, SASL GSSAPI")
    run(lambda talk: pop3.login(talk, ADA), by_name)


def test_a_long_response_waits_for_its_challenge() -> None:
    long = Credentials("ada@example.org", "x" * 300)
    response = words.response(f"\0ada@example.org\0{'x' * 300}".encode()).decode().strip()
    run(lambda talk: pop3.login(talk, long), f"C: AUTH PLAIN\nS: +\nC: {response}\nS: +OK", "SASL PLAIN")


def test_a_challenge_that_makes_no_sense() -> None:
    text = "C: AUTH LOGIN\nS: + !\nC: *\nS: -ERR cancelled"
    fails(LoginRefused, "refused the login", lambda talk: pop3.login(talk, ADA), text, "SASL LOGIN")
    text = f"C: AUTH PLAIN {PLAIN}\nS: + more\nC: *\nS: -ERR cancelled"
    fails(LoginRefused, "refused the login", lambda talk: pop3.login(talk, ADA), text, "SASL PLAIN")


@pytest.mark.parametrize(
    ("answer", "error", "match", "advice"),
    [
        ("-ERR [AUTH] wrong", LoginRefused, r"refused the login of ada@example.org: wrong", "user name"),
        ("-ERR nope", LoginRefused, "nope", "user name"),
        ("-ERR [IN-USE] locked", Pop3Refused, "opened no mailbox: locked", "Another program"),
        ("-ERR [SYS/TEMP] later", Pop3Refused, "later", "Try again"),
        ("-ERR [login-delay] slowly", Pop3Refused, "slowly", "pause"),
    ],
)
def test_logins_that_fail(answer: str, error: type[PosthouseError], match: str, advice: str) -> None:
    said = f"C: AUTH PLAIN {PLAIN}\nS: {answer}"
    assert advice in fails(error, match, lambda talk: pop3.login(talk, ADA), said, "SASL PLAIN").advice


def test_no_password_in_clear_text() -> None:
    fails(TlsError, "clear text", lambda talk: pop3.login(talk, ADA), "", "SASL PLAIN", tls=False)
    fails(LoginRefused, "only GSSAPI", lambda talk: pop3.login(talk, ADA), "", "SASL GSSAPI")
    fails(LoginRefused, "takes no password", lambda talk: pop3.login(talk, ADA), "", "STLS")


def test_what_is_there() -> None:
    assert run(pop3.stat, "C: STAT\nS: +OK 2 320 more") == (2, 320)
    assert run(pop3.sizes, "C: LIST\nS: +OK\nS: 1 120\nS: 3 200 octets\nS: .") == {1: 120, 3: 200}
    assert run(pop3.unique_ids, "C: UIDL\nS: +OK\nS: 1 a.b\nS: 2 x\nS: .") == {1: "a.b", 2: "x"}
    assert run(pop3.capabilities, "C: CAPA\nS: +OK\nS: TOP\nS: .") == {"TOP": ""}
    fails(Pop3Refused, "gives its messages no names", pop3.unique_ids, "C: UIDL\nS: -ERR unknown")
    run(pop3.noop, "C: NOOP\nS: +OK")
    run(pop3.reset, "C: RSET\nS: +OK")


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (pop3.stat, "C: STAT\nS: +OK two"),
        (pop3.stat, "C: STAT\nS: what"),
        (pop3.sizes, "C: LIST\nS: +OK\nS: 1 x\nS: ."),
        (pop3.sizes, "C: LIST\nS: +OK\nS: 1\nS: ."),
        (pop3.unique_ids, "C: UIDL\nS: +OK\nS: x y\nS: ."),
        (pop3.noop, "C: NOOP\nS: * OK"),
    ],
)
def test_answers_that_make_no_sense(operation: Callable[[Conversation], Steps[object]], said: str) -> None:
    fails(RemoteProtocolError, "no sense|no number|no POP3 reply", operation, said)


def test_a_message() -> None:
    text = "C: RETR 2\nS: +OK\nS: A: b\nS:\nS: ..\nS: ...x\nS: end\nS: ."
    assert run(lambda talk: pop3.retrieve(talk, 2), text) == Retrieved(2, b"A: b\r\n\r\n.\r\n..x\r\nend\r\n")
    text = "C: TOP 2 1\nS: +OK\nS: A: b\nS:\nS: x\nS: ."
    assert run(lambda talk: pop3.top(talk, 2, 1), text) == b"A: b\r\n\r\nx\r\n"
    fails(Pop3Refused, "nothing of message 9", lambda talk: pop3.top(talk, 9, 1), "C: TOP 9 1\nS: -ERR none")
    fails(LocalProtocolError, "from 1 on", lambda talk: pop3.top(talk, 0, 1), "")


def many(talk: Conversation) -> Steps[list[Retrieved]]:
    """Three messages, the first of which is deleted while the others are under way."""
    results = []
    for place, number in enumerate((1, 2, 3)):
        results.append((yield from pop3.retrieve(talk, number, (1, 2, 3)[place + 1 :])))
        if number == 1:
            yield from pop3.delete(talk, [1])
    yield from pop3.stat(talk)
    return results


def test_messages_ahead() -> None:
    text = """
        C: RETR 1
        C: RETR 2
        C: RETR 3
        S: +OK
        S: one
        S: .
        S: -ERR gone
        S: +OK
        S: three
        S: .
        C: DELE 1
        S: +OK
        C: STAT
        S: +OK 2 10
    """
    results = run(many, text, "PIPELINING")
    assert isinstance(results, list)
    assert [one.octets for one in results] == [b"one\r\n", b"", b"three\r\n"]
    with pytest.raises(Pop3Refused, match="message 2 can't be had: gone"):
        results[1].check()


def test_messages_one_by_one() -> None:
    text = "C: RETR {}\nS: +OK\nS: .\n"
    deleted = "C: DELE 1\nS: +OK\n"
    run(many, text.format(1) + deleted + text.format(2) + text.format(3) + "C: STAT\nS: +OK 2 0")


def test_nothing_else_while_messages_are_under_way() -> None:
    def early(talk: Conversation) -> Steps[object]:
        yield from pop3.retrieve(talk, 1, [2])
        return (yield from pop3.stat(talk))

    text = "C: RETR 1\nC: RETR 2\nS: +OK\nS: .\n"
    fails(LocalProtocolError, "under way", early, text, "PIPELINING")

    def other(talk: Conversation) -> Steps[object]:
        yield from pop3.retrieve(talk, 1, [2])
        return (yield from pop3.retrieve(talk, 3))

    fails(LocalProtocolError, "under way", other, text, "PIPELINING")


def test_deleting() -> None:
    text = "C: DELE 1\nC: DELE 2\nC: DELE 3\nS: +OK\nS: -ERR deleted already\nS: +OK"
    fails(Pop3Refused, "message 2 can't be deleted", lambda talk: pop3.delete(talk, (1, 2, 3)), text, "PIPELINING")
    run(lambda talk: pop3.delete(talk, (1, 2)), "C: DELE 1\nS: +OK\nC: DELE 2\nS: +OK")


def test_quitting_tells_whether_it_was_done() -> None:
    run(pop3.quit, "C: QUIT\nS: +OK")
    fails(Pop3Refused, "were not removed: disk full", pop3.quit, "C: QUIT\nS: -ERR [SYS/TEMP] disk full")
    fails(ConnectionFailed, "closed", pop3.quit, "C: QUIT\nCLOSE")


def test_headers_of_many() -> None:
    lines = "S: +OK\nS: A: 1\nS:\nS: .\nS: -ERR gone\nS: +OK\nS: A: 3\nS:\nS: .\n"
    ahead = run(
        lambda talk: pop3.tops(talk, [1, 2, 3]), f"C: TOP 1 0\nC: TOP 2 0\nC: TOP 3 0\n{lines}", "TOP,PIPELINING"
    )
    assert ahead == {1: b"A: 1\r\n\r\n", 3: b"A: 3\r\n\r\n"}
    one_by_one = "C: TOP 1 0\nS: +OK\nS: A: 1\nS:\nS: .\nC: TOP 2 0\nS: -ERR gone"
    assert run(lambda talk: pop3.tops(talk, [1, 2]), one_by_one, "TOP") == {1: b"A: 1\r\n\r\n"}
    whole = "C: RETR 1\nS: +OK\nS: A: 1\nS:\nS: body\nS: ."
    assert run(lambda talk: pop3.tops(talk, [1]), whole, "USER") == {1: b"A: 1\r\n\r\n"}


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_LINES", 2)
    monkeypatch.setattr(words, "MAX_MESSAGE", 10)
    fails(LimitError, "more than 2 lines", pop3.sizes, "C: LIST\nS: +OK\nS: 1 1\nS: 2 1\nS: 3 1\nS: .")
    fails(LimitError, "10 octets", lambda talk: pop3.retrieve(talk, 1), "C: RETR 1\nS: +OK\nS: 0123456789\nS: .")
    monkeypatch.setattr(words, "MAX_HEADER", 5)
    fails(LimitError, "5 octets", lambda talk: pop3.tops(talk, [1]), "C: TOP 1 0\nS: +OK\nS: A: bc\nS: .")


def test_words_that_would_be_two_lines() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        words.line("PASS", "secret\r\nDELE 1")
    assert "secret" not in str(caught.value)


# -- the faces -------------------------------------------------------------------------------------------------------

CONNECT = "TLS\nS: +OK\nC: CAPA\nS: +OK\nS: PIPELINING\nS: .\n"


def test_leaving_by_an_error_deletes_nothing(face: Faced) -> None:
    with (
        ScriptedServer(f"{CONNECT}C: DELE 1\nS: +OK\nWAIT") as server,
        pytest.raises(ZeroDivisionError),
        face.pop3(f"pop3s://localhost:{server.port}") as client,
    ):
        client.delete(1)
        1 / 0  # noqa: B018


def test_leaving_a_loop_early_ends_the_connection(face: Faced) -> None:
    with ScriptedServer(f"{CONNECT}C: RETR 1\nC: RETR 2\nS: +OK\nS: one\nS: .\nWAIT") as server:
        client = face.pop3(f"pop3s://localhost:{server.port}")
        results = client.retrieve_many([1, 2])
        assert next(results).check() == b"one\r\n"
        results.close()
        with pytest.raises(ConnectionFailed):
            client.stat()
        client.close()


def test_an_inbox_is_emptied(face: Faced, posthouse: Live) -> None:
    bob = "bob@example.org"
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as s:
        for number in range(120):
            s.sendmail("ada@example.org", bob, f"Subject: {number}\n\n.\nNumber {number}\n")
    url = f"pop3://localhost:{posthouse.port('pop3')}"
    with face.pop3(url, context=posthouse.tls) as client:
        with pytest.raises(LoginRefused):
            client.login(bob, "wrong")
        client.login(bob, PASSWORDS[bob])
        assert client.capabilities()["UTF8"] == "USER"
        sizes = client.sizes()
        assert client.stat() == (120, sum(sizes.values()))
        names = client.unique_ids()
        assert len(set(names.values())) == 120
        for message in client.retrieve_many(names):
            octets = message.check()
            assert len(octets) == sizes[message.number]
            assert octets.endswith(b"\r\n\r\n.\r\nNumber %d\r\n" % (message.number - 1))
            client.delete(message.number)
        assert client.stat() == (0, 0)
        client.reset()
        assert client.top(7).endswith(b"Subject: 6\r\n\r\n") and client.retrieve(7).endswith(b"Number 6\r\n")
        client.delete(*range(2, 121))
        client.noop()
    with face.pop3(url, context=posthouse.tls) as client:
        client.login(bob, PASSWORDS[bob])
        assert client.unique_ids() == {1: names[1]}
