"""The addresses of the envelope: RFC 5321 §4.1.2 and §4.1.3, RFC 6531 §3.3."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import InvalidMessage
from posthouse.smtp.path import Mailbox, parse_mailbox, parse_path


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [
        ("<ada@example.org>", "ada", "example.org"),
        ("<Ada.L+tag=x@Example.ORG>", "Ada.L+tag=x", "Example.ORG"),
        ("<!#$%&'*+-/=?^_`{|}~@x>", "!#$%&'*+-/=?^_`{|}~", "x"),
        ('<"ada lovelace"@example.org>', '"ada lovelace"', "example.org"),
        (r'<"a\"b\\c>@"@example.org>', r'"a\"b\\c>@"', "example.org"),
        ('<""@example.org>', '""', "example.org"),
        ("<ada@[192.0.2.1]>", "ada", "[192.0.2.1]"),
        ("<ada@[IPv6:2001:db8::1]>", "ada", "[IPv6:2001:db8::1]"),
        ("<ada@[ipv6:::ffff:192.0.2.1]>", "ada", "[ipv6:::ffff:192.0.2.1]"),
        ("<@a.example,@b.example:ada@c.example>", "ada", "c.example"),
        ("<ada@xn--bcher-kva.example>", "ada", "xn--bcher-kva.example"),
        ("<jörg@bücher.example>", "jörg", "bücher.example"),
        ("<用户@例子.广告>", "用户", "例子.广告"),
        ('<"jörg ü"@x.example>', '"jörg ü"', "x.example"),
        ("<postMaster>", "postMaster", ""),
        ("<a@1.2>", "a", "1.2"),
    ],
)
def test_a_path(text: str, local: str, domain: str) -> None:
    assert parse_path(f"{text} SIZE=1") == (Mailbox(local, domain), " SIZE=1")


def test_the_null_path_has_no_mailbox() -> None:
    assert parse_path("<> SIZE=1") == (None, " SIZE=1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada@example.org",
        " <ada@example.org>",
        "<ada>",
        "<ada@>",
        "<@example.org>",
        "<ada@example.org",
        "<ada @example.org>",
        "<.ada@example.org>",
        "<ada.@example.org>",
        "<a..da@example.org>",
        "<ada@example..org>",
        "<ada@.example.org>",
        "<ada@example.org.>",
        "<ada@-example.org>",
        "<ada@example-.org>",
        "<ada@exam_ple.org>",
        "<ada@[192.0.2]>",
        "<ada@[192.0.2.256]>",
        "<ada@[2001:db8::1]>",
        "<ada@[IPv6:2001:db8::1%eth0]>",
        "<ada@[IPv6:zz::1]>",
        "<ada@[X400:abc]>",
        '<"ada@example.org>',
        '<"a"b"@example.org>',
        '<"a\\"@example.org>',
        "<a,b@example.org>",
        "<a(comment)@example.org>",
        "<a@b@c>",
        "<a\x7f@example.org>",
        "<a\x85@example.org>",
        "<a\u2028@example.org>",
        "<@a.example:@b.example:ada@c.example>",
        f"<{'a' * 256}@example.org>",
        f"<a@{'b.' * 127}bc>",
        f"<{'ü' * 128}@example.org>",
        "<postmaster@>",
    ],
)
def test_what_is_no_path(text: str) -> None:
    assert parse_path(text) is None


def test_a_mailbox_can_not_be_wrong() -> None:
    for local, domain in [("", "x"), ("a b", "x"), ("a", "x y"), ("a", ""), ("a\n", "x"), ("a", "x\n"), ("a", "[1.2]")]:
        with pytest.raises(InvalidMessage):
            Mailbox(local, domain)


def test_a_mailbox_from_text() -> None:
    assert str(parse_mailbox("ada@example.org")) == "ada@example.org"
    for text in ("", "ada", "<ada@example.org>", "ada@example.org>", "ada@example.org> x", "@r.example:ada@b.example"):
        with pytest.raises(InvalidMessage):
            parse_mailbox(text)


def test_quoted_forms_mean_the_same() -> None:
    assert {Mailbox(local, "x").unquoted for local in ("ada", '"ada"', r'"\a\d\a"')} == {"ada"}
    assert Mailbox(r'"a\\\"b"', "x").unquoted == r"a\"b"


def test_which_addresses_need_smtputf8() -> None:
    assert Mailbox("ada", "example.org").is_ascii
    assert not Mailbox("jörg", "example.org").is_ascii
    assert not Mailbox("ada", "bücher.example").is_ascii


@given(st.text(st.sampled_from('a.@<>"\\- :,[]1ü\u2028'), max_size=20))
def test_any_text_is_a_path_or_none_and_a_mailbox_goes_round(text: str) -> None:
    parsed = parse_path(f"<{text}>")
    if parsed and parsed[0]:
        mailbox, rest = parsed
        assert parse_path(f"<{mailbox}>{rest}") == parsed


@pytest.mark.parametrize(
    "text", ["<" + "a" * 50_000, "<a@" + "a-" * 30_000, "<a@" + "a." * 30_000, '<"' + "\\a" * 30_000]
)
def test_a_long_path_costs_no_more_than_its_length(text: str) -> None:
    began = time.process_time()
    assert parse_path(text) is None
    assert time.process_time() - began < 1
