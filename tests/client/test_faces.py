"""Both faces of the protocol clients, on real sockets with real TLS against a server that follows a script."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

import pytest

from faced import Faced
from posthouse.client import aio, sync
from posthouse.errors import ConnectionFailed, ImapRefused, InvalidMessage, RemoteProtocolError, SmtpRefused, TlsError
from posthouse.imap.fetch import Attribute
from scripted import ScriptedServer, certificate_file, trusting_context

CONNECT_SMTP = """
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go
    TLS
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250-PIPELINING
    S: 250 AUTH PLAIN
"""
CONNECT_IMAP = "TLS\nS: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi\n"
LETTER = b"Subject: hi\r\n\r\nhello\r\n"
FLIGHT = "C: MAIL FROM:<ada@x.org>\nC: RCPT TO:<{to}@x.org>\nC: DATA\nS: 250 ok\nS: {answer}\nS: 354 go on\n"
CONTENT = "C: Subject: hi\nC:\nC: hello\nC: .\n"


def test_a_letter_is_sent(face: Faced) -> None:
    talk = f"""{CONNECT_SMTP}
        C: AUTH PLAIN AGFkYUB4Lm9yZwBzZWNyZXQ=
        S: 235 welcome
        {FLIGHT.format(to="bob", answer="250 ok")}
        {CONTENT}
        S: 250 2.0.0 queued
        C: QUIT
        S: 221 bye
    """
    with ScriptedServer(talk) as server:
        client = face.smtp(f"smtp://localhost:{server.port}")
        client.login("ada@x.org", "secret")
        assert client.send("ada@x.org", ["bob@x.org"], LETTER).accepted == ("bob@x.org",)
        client.close()
        client.close()
        with pytest.raises(ConnectionFailed, match=r"connection is closed"):
            client.send("ada@x.org", ["bob@x.org"], LETTER)


def test_many_letters_with_one_that_is_refused_and_one_that_is_none(face: Faced) -> None:
    talk = f"""{CONNECT_SMTP}
        {FLIGHT.format(to="bob", answer="250 ok")}
        {CONTENT}
        C: MAIL FROM:<ada@x.org>
        C: RCPT TO:<eve@x.org>
        C: DATA
        S: 250 2.0.0 queued
        S: 250 ok
        S: 550 no eve
        S: 503 nobody
        C: QUIT
        S: 221 bye
    """
    letters = [("ada@x.org", [to], LETTER) for to in ("bob@x.org", "eve@x.org", "no address")]
    with ScriptedServer(talk) as server:
        client = face.smtp(f"smtp://localhost:{server.port}")
        results = client.send_many(letters)
        assert next(results).accepted == ("bob@x.org",)
        assert next(results).refused["eve@x.org"].code == 550
        with pytest.raises(InvalidMessage):
            next(results)
        client.close()


def test_who_leaves_early_leaves_no_half_letter_behind(face: Faced) -> None:
    talk = f"{CONNECT_SMTP}{FLIGHT.format(to='bob', answer='250 ok')}{CONTENT}S: 250 queued\nWAIT"
    letters = [("ada@x.org", ["bob@x.org"], LETTER)] * 3
    with ScriptedServer(talk) as server:
        client = face.smtp(f"smtp://localhost:{server.port}")
        results = client.send_many(letters)
        next(results)
        results.close()
        with pytest.raises(ConnectionFailed, match=r"connection is closed"):
            client.send("ada@x.org", ["bob@x.org"], LETTER)
        client.close()


def test_a_refusal_leaves_the_conversation_intact(face: Faced) -> None:
    talk = f"""{CONNECT_SMTP}
        C: MAIL FROM:<ada@x.org>
        C: RCPT TO:<eve@x.org>
        C: DATA
        S: 250 ok
        S: 550 no eve
        S: 503 nobody
        C: QUIT
        S: 221 bye
    """
    with ScriptedServer(talk) as server:
        client = face.smtp(f"smtp://localhost:{server.port}")
        with pytest.raises(SmtpRefused, match=r"no eve"):
            client.send("ada@x.org", ["eve@x.org"], LETTER)
        client.close()


def test_messages_newest_first(face: Faced) -> None:
    talk = f"""{CONNECT_IMAP}
        C: P1 AUTHENTICATE PLAIN AGFkYUB4Lm9yZwBzZWNyZXQ=
        S: P1 OK [CAPABILITY IMAP4rev1] hi
        C: P2 EXAMINE INBOX
        S: * 52 EXISTS
        S: P2 OK done
        C: P3 FETCH 3:52 (UID)
        C: P4 FETCH 1:2 (UID)
        S: * 3 FETCH (UID 103)
        S: * 52 FETCH (UID 152)
        S: P3 OK done
        S: * 1 FETCH (UID 101)
        S: P4 OK done
        C: P5 LOGOUT
        S: * BYE bye
        S: P5 OK done
    """
    with ScriptedServer(talk) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        client.login("ada@x.org", "secret")
        assert client.select("INBOX", read_only=True).exists == 52
        messages = client.newest([Attribute.UID])
        assert next(messages).uid == 152
        assert [message.uid for message in messages] == [103, 101]
        client.close()


def test_messages_that_were_looked_for_newest_first(face: Faced) -> None:
    talk = f"""{CONNECT_IMAP}
        C: P1 SELECT INBOX
        S: * 3 EXISTS
        S: P1 OK done
        C: P2 UID SEARCH NOT SEEN
        S: * SEARCH 101 103
        S: P2 OK done
        C: P3 UID FETCH 101,103 (UID FLAGS)
        S: * 1 FETCH (UID 101 FLAGS ())
        S: * 3 FETCH (UID 103 FLAGS ())
        S: P3 OK done
        C: P4 LOGOUT
        S: P4 OK done
    """
    with ScriptedServer(talk) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        client.select("INBOX")
        assert [one.uid for one in client.newest([Attribute.FLAGS], "is:unread")] == [103, 101]
        client.close()


def test_a_message_that_slips_into_the_next_batch_is_told_once(face: Faced) -> None:
    talk = f"""{CONNECT_IMAP}
        C: P1 SELECT INBOX
        S: * 51 EXISTS
        S: P1 OK done
        C: P2 FETCH 2:51 (UID)
        C: P3 FETCH 1 (UID)
        S: * 2 FETCH (UID 102)
        S: P2 OK done
        S: * 1 FETCH (UID 101)
        S: P3 OK done
        C: P4 NOOP
        S: * 1 EXPUNGE
        S: P4 OK done
        C: P5 FETCH 1 (UID)
        S: * 1 FETCH (UID 102)
        S: P5 OK done
        C: P6 LOGOUT
        S: P6 OK done
    """
    with ScriptedServer(talk) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        client.select("INBOX")
        messages = client.newest([])
        assert next(messages).uid == 102
        client.noop()
        assert list(messages) == []
        client.close()


def test_at_most_so_many(face: Faced) -> None:
    talk = f"""{CONNECT_IMAP}
        C: P1 SELECT INBOX
        S: * 1000 EXISTS
        S: P1 OK done
        C: P2 FETCH 951:1000 (UID)
        C: P3 FETCH 948:950 (UID)
        S: P2 OK done
        S: * 950 FETCH (UID 950)
        S: P3 OK done
        C: P4 LOGOUT
        S: P4 OK done
    """
    with ScriptedServer(talk) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        client.select("INBOX")
        assert [one.uid for one in client.newest([], limit=53)] == [950]
        client.close()


def test_a_mailbox_that_is_not_there(face: Faced) -> None:
    talk = CONNECT_IMAP + "C: P1 SELECT Nowhere\nS: P1 NO no such mailbox\nC: P2 LOGOUT\nS: P2 OK"
    with ScriptedServer(talk) as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        with pytest.raises(ImapRefused, match=r"opening the mailbox Nowhere"):
            client.select("Nowhere")
        assert client.capabilities() == {"IMAP4REV1", "AUTH=PLAIN", "SASL-IR"}
        client.close()


def test_nonsense_ends_the_conversation(face: Faced) -> None:
    with ScriptedServer(CONNECT_IMAP + "C: P1 SELECT INBOX\nS: nonsense\nWAIT") as server:
        client = face.imap(f"imaps://localhost:{server.port}")
        with pytest.raises(RemoteProtocolError):
            client.select("INBOX")
        with pytest.raises(ConnectionFailed, match=r"connection is closed"):
            client.select("INBOX")
        client.close()


def test_nothing_listens(face: Faced) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for connect in (face.smtp, face.imap):
        scheme = "smtp" if connect == face.smtp else "imap"
        with pytest.raises(ConnectionFailed, match=f"nothing listens at localhost:{port}"):
            connect(f"{scheme}://localhost:{port}")


def test_trust_comes_from_ssl_cert_file(face: Faced, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate_file(tmp_path)))
    with ScriptedServer(CONNECT_SMTP + "C: QUIT\nS: 221 bye") as server:
        face.smtp(f"smtp://localhost:{server.port}", context=None).close()


def test_a_certificate_that_proves_nothing(face: Faced) -> None:
    # What the server thinks of a client that hangs up on it isn't the subject.
    with contextlib.suppress(OSError), ScriptedServer(CONNECT_IMAP) as server:
        with pytest.raises(TlsError, match=r"not trusted") as refused:
            face.imap(f"imaps://localhost:{server.port}", context=None)
        assert "SSL_CERT_FILE" in refused.value.advice


def test_a_cancelled_task_closes_its_connection() -> None:
    async def scenario(port: int) -> None:
        client = await aio.ImapClient.connect(f"imaps://localhost:{port}", context=trusting_context())
        select = asyncio.create_task(client.select("INBOX"))
        await asyncio.sleep(0)
        select.cancel()
        with pytest.raises(asyncio.CancelledError):
            await select
        with pytest.raises(ConnectionFailed, match=r"connection is closed"):
            await client.select("INBOX")

    with ScriptedServer(CONNECT_IMAP + "WAIT") as server:
        asyncio.run(scenario(server.port))


def test_a_second_task_waits_for_its_turn() -> None:
    talk = CONNECT_IMAP + "C: P1 SELECT a\nS: P1 OK done\nC: P2 SELECT b\nS: P2 OK done\nC: P3 LOGOUT\nS: P3 OK"

    async def scenario(port: int) -> None:
        async with await aio.ImapClient.connect(f"imaps://localhost:{port}", context=trusting_context()) as client:
            await asyncio.gather(client.select("a"), client.select("b"))

    with ScriptedServer(talk) as server:
        asyncio.run(scenario(server.port))


def test_a_with_block_says_goodbye() -> None:
    with ScriptedServer(CONNECT_SMTP + "C: QUIT\nS: 221 bye") as server:
        with sync.SmtpClient.connect(f"smtp://localhost:{server.port}", context=trusting_context()) as client:
            pass
        assert server.lines[-1] == "QUIT"
        with pytest.raises(ConnectionFailed, match=r"connection is closed"):
            client.login("ada@x.org", "secret")
