"""Many letters: one outcome a recipient, tried again where that helps, never sent twice."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from faced import Faced
from posthouse.client.message import Message
from posthouse.client.sync import mailing
from posthouse.client.sync.mailing import interval
from posthouse.errors import ConfigError, ConnectionFailed
from scripted import ScriptedServer

LOGIN = """
    TLS
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250-PIPELINING
    S: 250 AUTH PLAIN
    C: AUTH PLAIN *
    S: 235 welcome
"""
QUIT = "C: QUIT\nS: 221 bye\n"


def flight(to: str) -> str:
    return f"C: MAIL FROM:<ada@x.org>\nC: RCPT TO:<{to}>\nC: DATA\n"


def answers(rcpt: str = "250 ok") -> str:
    return f"S: 250 ok\nS: {rcpt}\nS: 354 go on\n"


def letters(*to: str) -> list[Message]:
    return [Message(to=one, subject="Hi", text="hello") for one in to]


def sent(face: Faced, server: ScriptedServer, *to: str, **options: object) -> list[tuple[str, bool, str]]:
    me = face.account(
        "ada@x.org", password="secret", smtp=f"smtps://localhost:{server.port}", imap="imaps://localhost:1"
    )
    return [(one.recipient, one.accepted, one.reply) for one in me.send_many(letters(*to), **options)]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (mailing, __import__("posthouse.client.aio.mailing", fromlist=["x"])):
        monkeypatch.setattr(module, "AGAIN_SECONDS", 0.0)
        monkeypatch.setattr(module, "BACKOFF", (0.0,))


def test_pipelined_with_one_that_is_refused_and_one_that_is_none(face: Faced) -> None:
    talk = f"{LOGIN}{flight('b@x.org')}{answers()}LETTER\n{flight('c@x.org')}S: 250 queued\n{answers('550 who?')}"
    talk += f"C: .\nS: 250 nothing\n{QUIT}"
    with ScriptedServer(talk) as server:
        outcomes = sent(face, server, "b@x.org", "", "c@x.org")
    assert sorted(outcomes) == [
        ("", False, "the letter has no recipient"), ("b@x.org", True, "250 queued"), ("c@x.org", False, "550 who?"),
    ]  # fmt: skip


def test_who_is_refused_for_now_is_tried_again(face: Faced) -> None:
    refused = f"{flight('b@x.org')}{answers('450 busy')}C: .\nS: 250 nothing\n"
    taken = f"{flight('b@x.org')}{answers()}LETTER\nS: 250 queued\n"
    with ScriptedServer(LOGIN + refused + taken + QUIT) as server:
        assert sent(face, server, "b@x.org") == [("b@x.org", True, "250 queued")]
    with ScriptedServer(LOGIN + refused * 3 + QUIT) as server:
        assert sent(face, server, "b@x.org") == [("b@x.org", False, "450 busy")]


def test_a_connection_that_breaks_before_the_letter_is_made_anew(face: Faced) -> None:
    first = f"{LOGIN}{flight('b@x.org')}CLOSE"
    second = f"{LOGIN}{flight('b@x.org')}{answers()}LETTER\nS: 250 queued\n{QUIT}"
    with ScriptedServer(first, second) as server:
        assert sent(face, server, "b@x.org") == [("b@x.org", True, "250 queued")]


def test_what_may_have_been_sent_is_not_sent_again(face: Faced, tmp_path: Path) -> None:
    first = f"{LOGIN}{flight('b@x.org')}{answers()}LETTER\nCLOSE"
    second = f"{LOGIN}{flight('c@x.org')}{answers()}LETTER\nS: 250 queued\n{QUIT}"
    with ScriptedServer(first, second) as server:
        me = face.account(
            "ada@x.org", password="secret", smtp=f"smtps://localhost:{server.port}", imap="imaps://localhost:1"
        )
        both = list(me.send_many(letters("b@x.org", "c@x.org"), rate=1e6, journal=tmp_path / "journal"))
    assert [(one.recipient, one.accepted, one.unsure) for one in both] == [
        ("b@x.org", False, True), ("c@x.org", True, False),
    ]  # fmt: skip
    again = list(me.send_many(letters("b@x.org", "c@x.org"), journal=tmp_path / "journal"))
    assert [(one.accepted, one.earlier) for one in again] == [(True, True)] * 2, "without a connection"


def test_a_server_that_is_gone(face: Faced) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    me = face.account("ada@x.org", password="secret", smtp=f"smtps://localhost:{port}", imap="imaps://localhost:1")
    with pytest.raises(ConnectionFailed):
        list(me.send_many(letters("b@x.org")))


@pytest.mark.parametrize(("rate", "seconds"), [(None, 0), ("20/s", 0.05), ("60/min", 1), ("3600/hour", 1), (4, 0.25)])
def test_rates(rate: str | float | None, seconds: float) -> None:
    assert interval(rate) == seconds


@pytest.mark.parametrize("rate", ["", "fast", "0/s", -1, "20", "20/fortnight"])
def test_what_is_no_rate(rate: str | float) -> None:
    with pytest.raises(ConfigError, match="no rate"):
        interval(rate)
