"""Server addresses: read, defaulted, refused with the next step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.client.url import Protocol, Security, Server
from posthouse.errors import ConfigError

SMTP, IMAP = Protocol.SMTP, Protocol.IMAP
IMPLICIT, STARTTLS, NONE = Security.IMPLICIT, Security.STARTTLS, Security.NONE


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("imap://h.example", Server(IMAP, "h.example", 143, STARTTLS)),
        ("imaps://h.example", Server(IMAP, "h.example", 993, IMPLICIT)),
        ("imap://h.example:993", Server(IMAP, "h.example", 993, IMPLICIT)),
        ("imap://h.example:993?tls=starttls", Server(IMAP, "h.example", 993, STARTTLS)),
        ("imap://ada@h.example:20143?tls=none", Server(IMAP, "h.example", 20143, NONE, "ada")),
        ("imap://ada@example.org@h.example", Server(IMAP, "h.example", 143, STARTTLS, "ada@example.org")),
        ("imap://ada%40example.org@h.example/", Server(IMAP, "h.example", 143, STARTTLS, "ada@example.org")),
        ("imap://[::1]:20143?tls=none", Server(IMAP, "::1", 20143, NONE)),
        ("imap://Bücher.Example", Server(IMAP, "xn--bcher-kva.example", 143, STARTTLS)),
        ("imap://my_nas:20143", Server(IMAP, "my_nas", 20143, STARTTLS)),
        ("smtp://h.example", Server(SMTP, "h.example", 587, STARTTLS)),
        ("smtp://h.example:25?tls=none", Server(SMTP, "h.example", 25, NONE)),
        ("submission://h.example", Server(SMTP, "h.example", 587, STARTTLS)),
        ("submissions://h.example", Server(SMTP, "h.example", 465, IMPLICIT)),
        ("smtps://h.example:20465", Server(SMTP, "h.example", 20465, IMPLICIT)),
    ],
)
def test_addresses(url: str, server: Server) -> None:
    assert Server.parse(url, server.protocol) == server
    assert Server.parse(str(server), server.protocol) == server


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("h.example", "does not begin with"),
        ("smtp://h.example", "does not begin with one of imap://, imaps://"),
        ("imap://", "no name of a computer"),
        ("imap://a b.example", "no name of a computer"),
        ("imap://h.example:0", "no port"),
        ("imap://h.example:65536", "no server address"),
        ("imap://h.example:x", "no server address"),
        ("imap://[::1", "no server address"),
        ("imap://ada:secret@h.example", "a password does not belong"),
        ("imap://h.example/inbox", "more than a server address"),
        ("imap://h.example#x", "more than a server address"),
        ("imap://h.example?tls=off", "tls=off is no option"),
        ("imap://h.example?verify=0", "verify=0 is no option"),
        ("imap://a%20b@h.example", "no user name"),
    ],
)
def test_what_is_no_address_is_refused_with_the_next_step(url: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        Server.parse(url, IMAP)
    assert refused.value.advice
    assert "secret" not in str(refused.value) + refused.value.advice


@given(st.text(max_size=40), st.sampled_from(["", "imap://", "imap://h.example:", "imap://h.example?"]))
def test_any_text_is_read_or_refused(text: str, start: str) -> None:
    try:
        server = Server.parse(start + text, IMAP)
    except ConfigError:
        return
    assert Server.parse(str(server), IMAP) == server
