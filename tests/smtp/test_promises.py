"""What a sender may ask for with MAIL: DELIVERBY (RFC 2852), FUTURERELEASE (RFC 4865), MT-PRIORITY (RFC 6710)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from posthouse.errors import SmtpRefused
from posthouse.smtp.client import SmtpClient
from posthouse.smtp.envelope import DeliverBy, Envelope, Hold, Recipient
from posthouse.smtp.event import Expand, MailFrom, Verify
from posthouse.smtp.path import parse_mailbox
from posthouse.smtp.reply import Reply
from posthouse.smtp.role import LMTP, MX, SUBMISSION, Role
from smtp_session import feed, opening, server
from transcript import converse

OFFERED = {"DELIVERBY": "", "FUTURERELEASE": "86400 2026-12-24T18:00:00Z", "MT-PRIORITY": ""}
ADA = parse_mailbox("ada@b.example")
LOGIN = """
C: EHLO x
S: 250-mx.example
S: 250-PIPELINING
S: 250-SIZE 1000
S: 250-8BITMIME
S: 250-SMTPUTF8
S: 250-CHUNKING
S: 250-DELIVERBY
S: 250-FUTURERELEASE 86400 2026-12-24T18:00:00Z
S: 250-MT-PRIORITY
S: 250-LIMITS RCPTMAX=1000
S: 250-ENHANCEDSTATUSCODES
S: 250-STARTTLS
S: 250-AUTH PLAIN LOGIN
S: 250 HELP
C: AUTH PLAIN AGFkYQBzZWNyZXQ=
S: 235 2.7.0 Logged in
"""
submitting = opening(SUBMISSION, auth="always", extensions=OFFERED)


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ("BY=120;R", {"deliver_by": DeliverBy(120, "R")}),
        ("BY=+120;rt", {"deliver_by": DeliverBy(120, "R", trace=True)}),
        ("BY=-5;N", {"deliver_by": DeliverBy(-5, "N")}),
        ("by=0;nT", {"deliver_by": DeliverBy(0, "N", trace=True)}),
        ("HOLDFOR=3600", {"hold": Hold(seconds=3600)}),
        ("HOLDUNTIL=2026-12-24T18:00:00Z", {"hold": Hold(until=datetime(2026, 12, 24, 18, tzinfo=UTC))}),
        ("MT-PRIORITY=-9", {"priority": -9}),
        ("MT-PRIORITY=3 BY=60;N", {"priority": 3, "deliver_by": DeliverBy(60, "N")}),
    ],
)
def test_what_may_be_asked(parameters: str, wanted: dict[str, object]) -> None:
    happened = converse(submitting, f"{LOGIN}\nC: MAIL FROM:<ada@b.example> {parameters}\nS: 250 2.1.0 Sender OK")
    assert happened[-1] == MailFrom(replace(Envelope(ADA), **wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parameters", "syntax"),
    [
        ("BY", "BY=<seconds>;R|N[T]"),
        ("BY=120", "BY=<seconds>;R|N[T]"),
        ("BY=120;X", "BY=<seconds>;R|N[T]"),
        ("BY=0;R", "BY=<seconds>;R|N[T]"),  # RFC 2852 §4: not with R
        ("BY=-1;R", "BY=<seconds>;R|N[T]"),
        ("BY=1234567890;N", "BY=<seconds>;R|N[T]"),
        ("HOLDFOR", "HOLDFOR=<seconds>"),
        ("HOLDFOR=0", "HOLDFOR=<seconds>"),
        ("HOLDFOR=-1", "HOLDFOR=<seconds>"),
        ("HOLDFOR=60 HOLDUNTIL=2026-12-24T18:00:00Z", "HOLDUNTIL=<time in UTC, as in 2026-12-24T18:00:00Z>"),
        ("HOLDUNTIL=tomorrow", "HOLDUNTIL=<time in UTC, as in 2026-12-24T18:00:00Z>"),
        ("HOLDUNTIL=2026-13-24T18:00:00Z", "HOLDUNTIL=<time in UTC, as in 2026-12-24T18:00:00Z>"),
        ("HOLDUNTIL=2026-12-24T18:00:00+01:00", "HOLDUNTIL=<time in UTC, as in 2026-12-24T18:00:00Z>"),
        ("MT-PRIORITY", "MT-PRIORITY=<-9 to 9>"),
        ("MT-PRIORITY=10", "MT-PRIORITY=<-9 to 9>"),
        ("MT-PRIORITY=-0", "MT-PRIORITY=<-9 to 9>"),
        ("MT-PRIORITY=+3", "MT-PRIORITY=<-9 to 9>"),
    ],
)
def test_what_may_not(parameters: str, syntax: str) -> None:
    converse(submitting, f"{LOGIN}\nC: MAIL FROM:<ada@b.example> {parameters}\nS: 501 5.5.4 Syntax: {syntax}")


@pytest.mark.parametrize(("role", "hello"), [(MX, "EHLO"), (LMTP, "LHLO")])
def test_strangers_get_no_priority_and_nothing_held(role: Role, hello: str) -> None:
    """RFC 6710 §4.1; RFC 4865 §4.2: on the submission port only."""
    machine, session = server(role, extensions=OFFERED)
    said = feed(machine, session, f"{hello} x\r\n".encode())
    assert b"DELIVERBY" in said
    assert b"FUTURERELEASE" not in said and b"MT-PRIORITY" not in said
    for parameter in ("HOLDFOR=1", "HOLDUNTIL=2026-12-24T18:00:00Z", "MT-PRIORITY=9"):
        word = parameter.partition("=")[0]
        answer = feed(machine, session, f"MAIL FROM:<> {parameter}\r\n".encode())
        assert answer == f'555 5.5.4 MAIL takes no parameter "{word}" here\r\n'.encode()


def test_a_login_on_the_mx_port_does_not_make_it_the_submission_port() -> None:
    machine, session = server(MX, auth="always", extensions=OFFERED)
    feed(machine, session, b"EHLO x\r\nAUTH PLAIN AGFkYQBzZWNyZXQ=\r\n")
    assert machine.role is SUBMISSION
    assert b"FUTURERELEASE" not in feed(machine, session, b"EHLO x\r\n")


# -- the client's side -----------------------------------------------------------------------------------------------


def client(*extensions: str) -> SmtpClient:
    made = SmtpClient()
    made.introduced(Reply(250, "", "mx.example", *extensions))
    return made


def test_the_client_says_what_the_server_understands() -> None:
    envelope = Envelope(ADA, deliver_by=DeliverBy(90, "N", trace=True), priority=4)
    assert client("DELIVERBY", "MT-PRIORITY STANAG4406").mail(envelope) == (
        b"MAIL FROM:<ada@b.example> BY=90;NT MT-PRIORITY=4\r\n"
    )
    assert client().mail(envelope) == b"MAIL FROM:<ada@b.example>\r\n"


@pytest.mark.parametrize(
    ("offered", "seconds", "enhanced"),
    [("SIZE", 90, "5.3.3"), ("DELIVERBY 120", 90, "5.4.7"), ("DELIVERBY", 0, "5.4.7")],
)
def test_a_letter_that_must_be_in_time_goes_only_where_that_can_be(offered: str, seconds: int, enhanced: str) -> None:
    """RFC 2852 §4.1.4.1."""
    with pytest.raises(SmtpRefused) as refused:
        client(offered).mail(Envelope(ADA, deliver_by=DeliverBy(seconds, "R")))
    assert refused.value.enhanced == enhanced and not refused.value.temporary
    assert client("DELIVERBY 60").mail(Envelope(ADA, deliver_by=DeliverBy(90, "R"))).endswith(b" BY=90;R\r\n")


def test_a_report_is_not_lost_for_want_of_requiretls() -> None:
    """RFC 8689 §5."""
    assert client().mail(Envelope(None, requiretls=True)) == b"MAIL FROM:<>\r\n"
    assert client("REQUIRETLS").mail(Envelope(None, requiretls=True)) == b"MAIL FROM:<> REQUIRETLS\r\n"
    with pytest.raises(SmtpRefused, match="REQUIRETLS"):
        client().mail(Envelope(ADA, [Recipient(ADA)], requiretls=True))


# -- EXPN ------------------------------------------------------------------------------------------------------------


def test_lists_are_expanded_for_nobody_unless_the_session_does() -> None:
    converse(
        opening(),
        "C: EXPN staff\nS: 502 5.5.1 Mailing lists are not expanded here\nC: EXPN\nS: 501 5.5.4 Syntax: EXPN <list>",
    )
    happened = converse(opening(), "C: EXPN Zoë smtputf8\nS: 502 5.5.1 ...\nC: VRFY b SMTPUTF8\nS: 252 2.5.0 ...")
    assert happened == [Expand("Zoë"), Verify("b")]  # RFC 6531 §3.7.4.2
    machine, session = server(SUBMISSION, auth="always", extensions={"EXPN": ""})
    assert b"EXPN" not in feed(machine, session, b"EHLO x\r\n")
    assert b"250-EXPN" in feed(machine, session, b"AUTH PLAIN AGFkYQBzZWNyZXQ=\r\nEHLO x\r\n")
