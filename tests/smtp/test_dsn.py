"""What a sender asks about delivery reports (RFC 3461, RFC 6533), and REQUIRETLS (RFC 8689)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.smtp.dsn import (
    ascii_only,
    decode_xtext,
    encode_xtext,
    is_original_recipient,
    is_xtext,
    original_recipient,
)
from posthouse.smtp.envelope import Envelope, Recipient
from posthouse.smtp.event import MailFrom, RcptTo
from posthouse.smtp.path import Mailbox
from smtp_session import feed, opening, server
from transcript import converse

HELO = "C: HELO x\nS: 250 mx.example\n"
MAIL = "C: MAIL FROM:<>\nS: 250 2.1.0 Sender OK\n"
offering = opening(extensions=frozenset({"DSN", "REQUIRETLS"}))
BOB = Mailbox("bob", "b.example")


def test_what_is_asked_is_noted() -> None:
    happened = converse(
        offering,
        HELO
        + """
        C: MAIL FROM:<> RET=hdrs ENVID=QQ314159
        S: 250 2.1.0 Sender OK
        C: RCPT TO:<bob@b.example> NOTIFY=success,Delay ORCPT=rfc822;Bob+40b.example
        S: 250 2.1.5 Recipient OK
        C: RCPT TO:<bob@b.example> NOTIFY=NEVER
        S: 250 2.1.5 Recipient OK
        """,
    )
    first = Recipient(BOB, frozenset({"SUCCESS", "DELAY"}), "rfc822;Bob+40b.example")
    second = Recipient(BOB, frozenset({"NEVER"}))
    assert happened[1:] == [
        MailFrom(Envelope(None, [first, second], ret="HDRS", envid="QQ314159")),
        RcptTo(first),
        RcptTo(second),
    ]


@pytest.mark.parametrize(
    "parameter", ["RET", "RET=ALL", "ENVID", "ENVID=+zz", f"ENVID={'x' * 101}", "ENVID=+00", "ENVID=ü"]
)
def test_what_mail_does_not_take(parameter: str) -> None:
    word = parameter.partition("=")[0]
    converse(offering, f"{HELO}C: MAIL FROM:<> {parameter}\nS: 501 5.5.4 Syntax: {word}=...")


@pytest.mark.parametrize(
    "parameter",
    [
        "NOTIFY",
        "NOTIFY=,",
        "NOTIFY=NEVER,DELAY",
        "NOTIFY=SOMETIMES",
        "ORCPT",
        "ORCPT=rfc822",
        "ORCPT=rfc822;",
        "ORCPT=;x",
        "ORCPT=rfc822;jörg",
        "ORCPT=rfc822;+7F",
        "ORCPT=utf-8;a\\b",
        f"ORCPT=rfc822;{'x' * 500}",
    ],
)
def test_what_rcpt_does_not_take(parameter: str) -> None:
    word = parameter.partition("=")[0]
    converse(
        offering,
        f"{HELO}{MAIL}C: RCPT TO:<b@b.example> {parameter}\nS: 501 5.5.4 Syntax: {word}=...",
    )


def test_where_reports_are_not_sent_nothing_is_promised() -> None:
    converse(opening(), f'{HELO}C: MAIL FROM:<> RET=FULL\nS: 555 5.5.4 MAIL takes no parameter "RET" here')
    converse(
        opening(),
        f"{HELO}{MAIL}C: RCPT TO:<b@b.example> NOTIFY=NEVER\nS: 555 5.5.4 RCPT takes no...",
    )
    for extensions in (frozenset[str](), frozenset({"DSN"})):
        machine, session = server(extensions=extensions)
        assert (b"250-DSN\r\n" in feed(machine, session, b"EHLO x\r\n")) == bool(extensions)


@pytest.mark.parametrize(
    ("orcpt", "meaning", "plain"),
    [
        ("rfc822;ada@example.org", ("rfc822", "ada@example.org"), "rfc822;ada@example.org"),
        ("x400;/C+3Dde+20/", ("x400", "/C=de /"), "x400;/C+3Dde+20/"),
        ("utf-8;jörg@bücher.example", ("utf-8", "jörg@bücher.example"), r"utf-8;j\x{F6}rg@b\x{FC}cher.example"),
        (r"UTF-8;j\x{F6}rg\x{2B}x@example.org", ("UTF-8", "jörg+x@example.org"), r"UTF-8;j\x{F6}rg\x{2B}x@example.org"),
        (r"utf-8;a\x{D800}\x{FFFFFF}", ("utf-8", "a\ufffd\ufffd"), r"utf-8;a\x{D800}\x{FFFFFF}"),
    ],
)
def test_what_an_original_recipient_means(orcpt: str, meaning: tuple[str, str], plain: str) -> None:
    assert is_original_recipient(orcpt)
    assert original_recipient(orcpt) == meaning
    assert ascii_only(orcpt) == plain
    assert original_recipient(plain) == meaning


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_xtext_goes_round(text: str) -> None:
    encoded = encode_xtext(text)
    assert is_xtext(encoded)
    assert decode_xtext(encoded) == text


@given(st.text(st.sampled_from("utf-8;rfc\\x{}+0F@ü="), max_size=20))
def test_any_text_is_an_original_recipient_or_not(text: str) -> None:
    if is_original_recipient(text):
        kind, address = original_recipient(text)
        assert kind
        assert address
        assert is_original_recipient(ascii_only(text))


def test_requiretls() -> None:
    required: Any = {"extensions": frozenset({"REQUIRETLS"})}
    command = "C: MAIL FROM:<> REQUIRETLS\n"
    happened = converse(opening(tls=True, **required), f"{HELO}{command}S: 250 2.1.0 Sender OK")
    assert happened[1] == MailFrom(Envelope(None, requiretls=True))
    converse(opening(tls=True, **required), f"{HELO}C: MAIL FROM:<> REQUIRETLS=1\nS: 501 5.5.4 Syntax: REQUIRETLS")
    converse(opening(**required), f"{HELO}{command}S: 530 5.7.0 This server requires encryption here; ...")
    converse(opening(tls=True), f'{HELO}{command}S: 555 5.5.4 MAIL takes no parameter "REQUIRETLS" here')
    for tls in (False, True):
        machine, session = server(tls=tls, **required)
        assert (b"250-REQUIRETLS\r\n" in feed(machine, session, b"EHLO x\r\n")) == tls
