"""The client's state, and the commands that it cuts into pieces."""

from __future__ import annotations

import pytest

from posthouse.errors import LocalProtocolError
from posthouse.imap.answer import Response, Tagged
from posthouse.imap.client import ClientState, ImapClient
from posthouse.imap.encode import Literal


def heard(client: ImapClient, data: bytes) -> Response:
    """Let the client read one response."""
    client.reader.feed(data + b"\r\n")
    try:
        next(client.read())
    except StopIteration as stop:
        response: Response = stop.value
        return response
    raise AssertionError("the response is not complete")


def logged_in() -> ImapClient:
    client = ImapClient(tls=True)
    heard(client, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready")
    tagged = heard(client, b"P1 OK [CAPABILITY IMAP4rev1 LITERAL+] in")
    assert isinstance(tagged, Tagged)
    client.logged_in(tagged)
    return client


def test_a_command_is_cut_where_it_waits() -> None:
    client = ImapClient()
    sending = client.command("LOGIN", Literal(b"FRED FOOBAR"), Literal(b"fat man"))
    assert sending.tag == "P1"
    assert sending.pieces == (b"P1 LOGIN {11}\r\n", b"FRED FOOBAR {7}\r\n", b"fat man\r\n")
    assert client.command("NOOP").pieces == (b"P2 NOOP\r\n",)


def test_literals_that_need_not_wait() -> None:
    client = ImapClient()
    client.capabilities = frozenset({"LITERAL+"})
    assert client.command("LOGIN", Literal(b"a b"), b"x").pieces == (b"P1 LOGIN {3+}\r\na b x\r\n",)
    assert client.command("APPEND", b"x", Literal(b"\0", binary=True)).pieces == (b"P2 APPEND x ~{1+}\r\n\0\r\n",)
    client.capabilities = frozenset({"IMAP4REV2"})
    assert client.literal_marker(4096) == (b"{4096+}\r\n", False)
    assert client.literal_marker(4097) == (b"{4097}\r\n", True)


def test_arguments_of_several_pieces() -> None:
    client = ImapClient()
    assert client.command("X", (b"(", Literal(b"a"), b" b)"), b"c").pieces == (b"P1 X ({1}\r\n", b"a b) c\r\n")


def test_from_greeting_to_login() -> None:
    client = ImapClient()
    assert client.state is ClientState.GREETING
    heard(client, b"* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready")
    assert client.state is ClientState.NOT_AUTHENTICATED
    assert client.capabilities == {"IMAP4REV1", "STARTTLS", "LOGINDISABLED"}
    client.reader.feed(b"* CAPABILITY EVIL\r\n")
    client.tls_started()
    assert client.capabilities == frozenset()
    assert len(client.reader) == 0
    heard(client, b"* CAPABILITY IMAP4rev1 AUTH=PLAIN")
    tagged = heard(client, b"P1 OK in")
    assert isinstance(tagged, Tagged)
    client.logged_in(tagged)
    assert client.state is ClientState.AUTHENTICATED
    assert client.capabilities == frozenset(), "to be asked for again"


def test_greetings() -> None:
    for greeting, state in (
        (b"* PREAUTH hi", ClientState.AUTHENTICATED), (b"* BYE no", ClientState.LOGOUT), (b"* NO", ClientState.LOGOUT),
    ):  # fmt: skip
        client = ImapClient()
        heard(client, greeting)
        assert client.state is state


def test_the_selected_mailbox() -> None:
    client = logged_in()
    mailbox = client.selecting("INBOX")
    for line in (
        b"* 172 EXISTS", b"* 1 RECENT", b"* OK [UIDVALIDITY 3857529045] UIDs valid",
        b"* OK [UIDNEXT 4392] Predicted next UID", b"* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
        b"* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited", b"* OK [HIGHESTMODSEQ 715194045007]",
    ):  # fmt: skip
        heard(client, line)
    tagged = heard(client, b"P2 OK [READ-ONLY] SELECT completed")
    assert isinstance(tagged, Tagged)
    client.selected(tagged)
    assert client.state is ClientState.SELECTED
    assert (mailbox.exists, mailbox.recent, mailbox.uidvalidity, mailbox.uidnext) == (172, 1, 3857529045, 4392)
    assert (mailbox.highestmodseq, mailbox.read_only) == (715194045007, True)
    assert mailbox.permanent_flags == {"\\Deleted", "\\Seen", "\\*"}
    assert "\\Draft" in mailbox.flags
    for line in (b"* 3 EXPUNGE", b"* VANISHED 5,9:10", b"* VANISHED (EARLIER) 1:4"):
        heard(client, line)
    assert mailbox.exists == 168
    client.unselected()
    assert (client.mailbox, client.state) == (None, ClientState.AUTHENTICATED)


def test_a_failed_select_leaves_none_selected() -> None:
    client = logged_in()
    client.selecting("nowhere")
    tagged = heard(client, b"P2 NO [NONEXISTENT] no such mailbox")
    assert isinstance(tagged, Tagged)
    client.selected(tagged)
    assert client.mailbox is None


def test_nothing_but_capabilities_is_believed_before_the_login() -> None:
    """RFC 9051 §11.3."""
    client = ImapClient()
    heard(client, b"* OK hello")
    heard(client, b"* 5 EXISTS")
    heard(client, b"* ENABLED UTF8=ACCEPT")
    assert client.mailbox is None
    assert not client.utf8


def test_mailbox_names() -> None:
    client = logged_in()
    assert client.mailbox_name("Entwürfe & mehr") == b'"Entw&APw-rfe &- mehr"'
    heard(client, b"* ENABLED IMAP4rev2")
    assert client.mailbox_name("Entwürfe & mehr") == '"Entwürfe & mehr"'.encode()
    with pytest.raises(LocalProtocolError):
        client.mailbox_name("a\r\nb")


def test_bye() -> None:
    client = logged_in()
    heard(client, b"* BYE shutting down")
    assert client.state is ClientState.LOGOUT
