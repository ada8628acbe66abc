"""Accounts: servers found or named, letters sent and kept, connections kept and made anew."""

from __future__ import annotations

from typing import Any

import pytest

from faced import Faced
from posthouse.client import sync
from posthouse.client.keeper import Keeper, Known
from posthouse.client.message import Message
from posthouse.client.providers import copies_by_itself
from posthouse.errors import ConfigError, InvalidMessage, LoginRefused, SmtpRefused
from scripted import ScriptedServer, trusting_context

SMTP = """
    TLS
    S: 220 hi
    C: EHLO [127.0.0.1]
    S: 250-hi
    S: 250-PIPELINING
    S: 250 AUTH PLAIN
    C: AUTH PLAIN AGFkYUB4Lm9yZwBzZWNyZXQ=
    S: 235 welcome
"""
IMAP = """
    TLS
    S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi
    C: P1 AUTHENTICATE PLAIN AGFkYUB4Lm9yZwBzZWNyZXQ=
    S: P1 OK [CAPABILITY IMAP4rev1] hi
"""
FLIGHT = "C: MAIL FROM:<ada@x.org>\nC: RCPT TO:<bob@x.org>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go on\nLETTER\n"
SENT = FLIGHT + "S: 250 2.0.0 queued as 7\n"
QUIT = "C: QUIT\nS: 221 bye\n"
LOGOUT = "LOGOUT\nS: * BYE bye\nCLOSE"


def account(face: Faced, smtp: ScriptedServer, imap: ScriptedServer | None = None) -> Any:
    port = imap.port if imap else 1
    return face.account(
        "Ada <ada@x.org>", password="secret", smtp=f"smtps://localhost:{smtp.port}", imap=f"imaps://localhost:{port}"
    )


def test_a_letter_is_sent_and_a_copy_kept(face: Faced) -> None:
    imap_talk = rf"""{IMAP}
        C: P2 LIST "" "*"
        S: * LIST () "/" INBOX
        S: * LIST (\Sent) "/" "Sent Items"
        S: P2 OK done
        C: P3 APPEND "Sent Items" (\Seen) {{*}}
        S: + go on
        LITERAL
        S: P3 OK done
        C: P4 {LOGOUT}
    """
    with ScriptedServer(SMTP + SENT + QUIT) as smtp, ScriptedServer(imap_talk) as imap:
        me = account(face, smtp, imap)
        receipt = me.send("Bob <bob@x.org>", "Tea", "At five?\n")
        me.close()
    assert receipt.accepted == ("bob@x.org",)
    assert str(receipt.reply) == "250 2.0.0 queued as 7"
    assert (receipt.copy, receipt.copy_failed) == ("Sent Items", "")
    letter = Message.from_bytes(smtp.letter)
    assert (letter.subject, letter.text.strip(), letter.message_id) == ("Tea", "At five?", receipt.message_id)
    assert str(letter.from_[0]) == "Ada <ada@x.org>"
    assert imap.letter == smtp.letter


def test_the_own_copy_tells_who_got_it_in_secret_and_the_letter_does_not(face: Faced) -> None:
    imap_talk = rf"""{IMAP}
        C: P2 LIST "" "*"
        S: * LIST () "/" Sent
        S: P2 OK done
        C: P3 APPEND Sent (\Seen) {{*}}
        S: + go on
        LITERAL
        S: P3 OK done
        C: P4 {LOGOUT}
    """
    with ScriptedServer(SMTP + SENT + QUIT) as smtp, ScriptedServer(imap_talk) as imap:
        me = account(face, smtp, imap)
        me.send(Message(bcc="bob@x.org", text="psst"))
        me.close()
    assert b"Bcc: bob@x.org" in imap.letter
    assert b"bob" not in smtp.letter


def test_a_letter_that_went_out_stays_sent_when_the_copy_fails(face: Faced) -> None:
    with ScriptedServer(SMTP + SENT + QUIT) as smtp:
        me = account(face, smtp)
        receipt = me.send("bob@x.org", "Tea", "At five?")
        me.close()
    assert receipt.accepted == ("bob@x.org",)
    assert receipt.copy_failed == "nothing listens at localhost:1"


def test_one_connection_for_many_letters(face: Faced) -> None:
    with ScriptedServer(SMTP + SENT + SENT + QUIT) as smtp:
        me = account(face, smtp)
        for _ in range(2):
            me.send("bob@x.org", "Tea", "At five?", copy=False)
        me.close()


@pytest.mark.parametrize("answer", ["S: 421 4.4.2 you slept", "CLOSE"])
def test_a_server_that_hung_up_is_called_again(face: Faced, answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{face.module.__name__}.account.IDLE", -1.0)
    with ScriptedServer(f"{SMTP}{SENT}C: NOOP\n{answer}", SMTP + SENT + QUIT) as smtp:
        me = account(face, smtp)
        for _ in range(2):
            assert me.send("bob@x.org", "Tea", "At five?", copy=False).accepted
        me.close()


def test_a_connection_that_stands_is_used_again(face: Faced, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{face.module.__name__}.account.IDLE", -1.0)
    with ScriptedServer(f"{SMTP}{SENT}C: NOOP\nS: 250 ok\n{SENT}{QUIT}") as smtp:
        me = account(face, smtp)
        for _ in range(2):
            me.send("bob@x.org", "Tea", "At five?", copy=False)
        me.close()


def test_nobody_gets_it(face: Faced) -> None:
    refused = FLIGHT.replace("LETTER\n", "").replace("S: 250 ok\nS: 354 go on", "S: 550 no bob\nS: 503 nobody")
    with ScriptedServer(SMTP + refused + QUIT) as smtp:
        me = account(face, smtp)
        with pytest.raises(SmtpRefused, match=r"no bob"):
            me.send("bob@x.org", "Tea", "At five?")
        me.close()


def test_login_tries_both(face: Faced) -> None:
    with ScriptedServer(SMTP + QUIT) as smtp, ScriptedServer(f"{IMAP}C: P2 {LOGOUT}") as imap:
        me = account(face, smtp, imap)
        me.login()
        me.close()


def test_a_wrong_password_leaves_no_connection_behind(face: Faced) -> None:
    with ScriptedServer(SMTP.replace("235 welcome", "535 wrong") + QUIT) as smtp:
        me = account(face, smtp)
        with pytest.raises(LoginRefused):
            me.login()
        me.close()


def test_what_is_no_letter_calls_nobody(face: Faced) -> None:
    me = face.account("ada@gmail.com", password="secret")
    with pytest.raises(InvalidMessage):
        me.send("nobody at all", "Tea")
    with pytest.raises(InvalidMessage):
        me.send("bob@x.org", "Tea\nBcc: eve@x.org")


def test_a_with_block_says_goodbye() -> None:
    with ScriptedServer(SMTP + SENT + QUIT) as smtp, account(Faced(None), smtp) as me:
        me.send("bob@x.org", "Tea", "At five?", copy=False)


def test_the_password_is_nowhere_to_be_seen() -> None:
    assert "secret" not in repr(sync.Account("ada@gmail.com", password="secret"))


class TestServers:
    def test_an_account_needs_an_address_and_a_password(self) -> None:
        with pytest.raises(InvalidMessage):
            sync.Account("ada", password="secret")
        me = sync.Account("ada@x.org", smtp="smtps://localhost:1")
        with pytest.raises(ConfigError, match=r"no password for ada@x\.org") as missing:
            me.send("bob@x.org", "Tea", "At five?")  # nobody is called
        assert "posthouse login" in missing.value.advice

    def test_what_was_remembered(self) -> None:
        with ScriptedServer(SMTP + SENT + QUIT) as smtp:
            Keeper().remember(Known("ada@x.org", f"smtps://localhost:{smtp.port}", "imaps://localhost"), "secret")
            with sync.Account("ada@x.org", context=trusting_context()) as me:
                me.send("bob@x.org", "Tea", "At five?", copy=False)

    def test_who_keeps_copies(self) -> None:
        assert copies_by_itself("smtp.gmail.com")
        assert copies_by_itself("smtp.office365.com")
        assert not copies_by_itself("notgmail.com")


def test_gmail_keeps_its_copy_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posthouse.client.sync.account.copies_by_itself", lambda host: True)
    with ScriptedServer(SMTP + SENT + QUIT) as smtp:
        me = account(Faced(None), smtp)
        receipt = me.send("bob@x.org", "Tea", "At five?")
        me.close()
    assert (receipt.copy, receipt.copy_failed) == ("", "")
