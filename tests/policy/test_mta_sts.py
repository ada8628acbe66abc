"""MTA-STS: records, policies, and which of them counts."""

from __future__ import annotations

import pytest

from posthouse.errors import RemoteProtocolError
from posthouse.policy.mta_sts import Fetch, Kept, Mode, Policy, Question, Texts, discover, parse_policy, parse_record

FILE = b"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n"
OLD = Kept(Policy(Mode.ENFORCE, ("old.example.com",), 600_000), "1", 1_000)


@pytest.mark.parametrize(
    ("texts", "ident"),
    [
        (["v=STSv1; id=20160831085700Z;"], "20160831085700Z"),  # RFC 8461 §3.1
        (["v=spf1 -all", "v=STSv1;id=1"], "1"),
        (["v=STSv1; foo=bar; id=2; id=3"], "2"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], None),
        (["v=STSv1; id=no-hyphens"], None),
        (["v=STSv1"], None),
        (["v=STSv2; id=1"], None),
        ([], None),
    ],
)
def test_the_record(texts: list[str], ident: str | None) -> None:
    assert parse_record(texts) == ident


def test_the_policy() -> None:
    policy = parse_policy(FILE)
    assert policy == Policy(Mode.ENFORCE, ("mail.example.com", "*.example.net"), 604_800)
    assert policy == parse_policy(FILE.replace(b"\r\n", b"\n") + b"mode: none\nfuture_key: x y\n")
    assert (
        parse_policy(b"version: STSv1\nmode: none\nmax_age: 99999999999".replace(b"9" * 11, b"9" * 10)).max_age
        == 31_557_600
    )


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("mail.example.com", True),
        ("MAIL.example.com.", True),
        ("mx1.example.net", True),
        ("example.net", False),
        ("a.b.example.net", False),  # RFC 8461 §4.1: a "*" is one label
        ("example.com", False),
    ],
)
def test_hosts(host: str, allowed: bool) -> None:
    assert parse_policy(FILE).allows(host) is allowed


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        FILE.replace(b"STSv1", b"STSv2"),
        FILE.replace(b"enforce", b"maybe"),
        FILE.replace(b"max_age: 604800", b"max_age: soon"),
        b"version: STSv1\nmode: enforce\nmax_age: 1\n",
        FILE.replace(b"mx: mail.example.com", b"mx: *.*.example.com"),
        b"<html>404</html>",
        b"x" * 70_000,
    ],
)
def test_what_is_no_policy(octets: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        parse_policy(octets)


def ask(kept: Kept | None, now: int, *answers: list[str] | bytes | None) -> tuple[Kept | None, list[Question]]:
    """What comes of it, and what was asked."""
    steps = discover("example.com", kept, now)
    asked: list[Question] = []
    waiting = iter(answers)
    try:
        asked.append(next(steps))
        while True:
            asked.append(steps.send(next(waiting)))
    except StopIteration as stop:
        return stop.value, asked


def test_a_new_policy_is_fetched() -> None:
    found, asked = ask(None, 2_000, ["v=STSv1; id=2"], FILE)
    assert found == Kept(parse_policy(FILE), "2", 2_000)
    assert asked == [Texts("_mta-sts.example.com"), Fetch("mta-sts.example.com", "2")]


def test_what_is_kept_counts_until_there_is_another() -> None:
    assert ask(OLD, 2_000, ["v=STSv1; id=1"]) == (OLD, [Texts("_mta-sts.example.com")])
    assert ask(OLD, 2_000, None)[0] == OLD, "a forged or broken DNS doesn't take it away"
    assert ask(OLD, 2_000, ["v=STSv1; id=2"], None)[0] == OLD
    assert ask(OLD, 2_000, ["v=STSv1; id=2"], b"<html>")[0] == OLD
    renewed, _ = ask(OLD, 2_000, ["v=STSv1; id=2"], FILE)
    assert renewed is not None and renewed.ident == "2"
    assert len(ask(OLD, 100_000, ["v=STSv1; id=1"], FILE)[1]) == 2, "once a day it is looked at anew"


def test_what_is_too_old_counts_no_more() -> None:
    assert ask(OLD, 700_000, None)[0] is None
    assert ask(OLD, 700_000, ["v=STSv1; id=1"], None)[0] is None
