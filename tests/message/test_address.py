"""Addresses: strict in what we send, lenient in what arrives."""

from __future__ import annotations

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import InvalidMessage
from posthouse.message import address
from posthouse.message.address import Address, Group, mailboxes, parse_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ann@x.org", Address("", "ann", "x.org")),
        ("  ann@x.org ", Address("", "ann", "x.org")),
        ("<ann@x.org>", Address("", "ann", "x.org")),
        ("Ann Author <ann@x.org>", Address("Ann Author", "ann", "x.org")),
        ("Dr. Jürgen Müller <j@x.org>", Address("Dr. Jürgen Müller", "j", "x.org")),
        ('"Doe, Jane" <jane@x.org>', Address("Doe, Jane", "jane", "x.org")),
        (r'"Jane \"JD\" Doe" <jane@x.org>', Address('Jane "JD" Doe', "jane", "x.org")),
        ('"jane doe"@x.org', Address("", "jane doe", "x.org")),
        ("a+b=c@x_y.example", Address("", "a+b=c", "x_y.example")),
        ("ann@[192.0.2.1]", Address("", "ann", "[192.0.2.1]")),
        ("ann@[IPv6:2001:db8::1]", Address("", "ann", "[IPv6:2001:db8::1]")),
        ("用户@例え.jp", Address("", "用户", "例え.jp")),
        ("=?utf-8?Q?J=C3=BCrgen?= <j@x.org>", Address("Jürgen", "j", "x.org")),
    ],
)
def test_parse(text: str, expected: Address) -> None:
    assert Address.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "ann", "@x.org", "ann@", "ann@x.org, bob@x.org", "Doe, Jane <jane@x.org>", "ann@x.org bob@x.org",
        "Ann <ann@x.org", "Ann ann@x.org>", "Ann <ann@x.org> Author", "Ann <<ann@x.org>>", "ann@x..org", "ann@.x.org",
        "a..b@x.org", ".a@x.org", "a.@x.org", "ann@-x.org", "ann@x-.org", "ann@x.org\r\nBcc: eve@x.org",
        "ann\n@x.org", "Ann\0 <ann@x.org>", "ann@x org", "an n@x.org", "ann@[x]", "ann@[999.1.1.1]", "ann(c)@x.org",
        "friends: ann@x.org;", "x" * 65 + "@x.org", "ü" * 33 + "@x.org", "ann@" + "x." * 130 + "org",
        "ann@\u200b.org", "ann@\u2488com", '"a\\"@x.org', '"<ann@x.org>',
    ],
)  # fmt: skip
def test_parse_refuses_in_plain_words(text: str) -> None:
    with pytest.raises(InvalidMessage) as refused:
        Address.parse(text)
    assert 10 < len(str(refused.value)) < 250
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("", "", "x.org"), "before the @"),
        (("", "", ""), "before the @"),
        (("a\nb", "a", "x.org"), "control character"),
        (("a", "a\r\n", "x.org"), "control character"),
        (("a\u2028", "a", "x.org"), "control character"),
        (("", "a", "x org"), "domain"),
        (("", "a", "x>"), "domain"),
        (("", "a", "[x"), "domain"),
    ],
)
def test_no_address_can_break_a_header(arguments: tuple[str, str, str], reason: str) -> None:
    with pytest.raises(InvalidMessage, match=reason):
        Address(*arguments)
    with pytest.raises(InvalidMessage, match="control"):
        Group("a\r\nb")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # RFC 5322, appendix A
        (
            "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>, <boss@nil.test>,"
            ' "Giant; \\"Big\\" Box" <s@x.y>',
            [
                Address("Mary Smith", "mary", "x.test"), Address("", "jdoe", "example.org"),
                Address("Who?", "one", "y.test"), Address("", "boss", "nil.test"),
                Address('Giant; "Big" Box', "s", "x.y"),
            ],
        ),
        (
            "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
            [
                Group(
                    "A Group",
                    (
                        Address("Ed Jones", "c", "a.test"), Address("", "joe", "where.test"),
                        Address("John", "jdoe", "one.test"),
                    ),
                )
            ],
        ),
        ("Undisclosed recipients:;", [Group("Undisclosed recipients")]),
        ("a:;, b@x.org, c: d@x.org", [Group("a"), Address("", "b", "x.org"), Group("c", (Address("", "d", "x.org"),))]),
        (
            "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
            [Address("Pete", "pete", "silly.test")],
        ),
        ("Joe Q. Public <john.q.public@example.com>", [Address("Joe Q. Public", "john.q.public", "example.com")]),
        ("<@machine.tld,@b.tld:mary@example.net>", [Address("", "mary", "example.net")]),
        # comments as names, also nested ones
        ("joe@x.org (Joe Smith)", [Address("Joe Smith", "joe", "x.org")]),
        ("joe@x.org (Joe (the other) Smith)", [Address("Joe (the other) Smith", "joe", "x.org")]),
        ("MAILER-DAEMON (Mail Delivery System)", [Address("Mail Delivery System", "MAILER-DAEMON")]),
        # found in letters
        ("joe@x.org <joe@x.org>", [Address("joe@x.org", "joe", "x.org")]),
        ("'joe@x.org'", [Address("", "joe", "x.org")]),
        ('"joe@x.org"', [Address("", "joe", "x.org")]),
        ("a@x.org; b@x.org", [Address("", "a", "x.org"), Address("", "b", "x.org")]),
        ("a@x.org,,, b@x.org,", [Address("", "a", "x.org"), Address("", "b", "x.org")]),
        ("John <Johnny> <john@x.org>", [Address("John <Johnny>", "john", "x.org")]),
        ("John Doe <john@x.org", [Address("John Doe", "john", "x.org")]),
        ("mailto:a@x.org", [Address("", "a", "x.org")]),
        ("<mailto:a@x.org>", [Address("", "a", "x.org")]),
        ("smtp:a@x.org", [Address("", "a", "x.org")]),
        ("a@x.org Ann", [Address("Ann", "a", "x.org")]),
        ("a@x.org.", [Address("", "a", "x.org")]),
        ("root", [Address("", "root")]),
        ("Doe, John <john@x.org>", [Address("", "Doe"), Address("John", "john", "x.org")]),
        ("=?utf-8?Q?Doe,_J=C3=B6rg?= <j@x.org>", [Address("Doe, Jörg", "j", "x.org")]),
        ('"=?utf-8?B?SsO2cmc=?=" <j@x.org>', [Address("Jörg", "j", "x.org")]),
        ("Jörg <j@müller.example>", [Address("Jörg", "j", "müller.example")]),
        ("jörg@müller.example", [Address("", "jörg", "müller.example")]),
        # what can't be an address is still seen
        ("ann at x dot org", [Address("ann at x dot org")]),
        ("ann@-x-", [Address("ann@-x-")]),
        ("Ann <ann@ x org>", [Address("Ann <ann@x org>")]),
        ("@x.org", [Address("@x.org")]),
        ("<[1234]>", [Address("[1234]")]),
        ('To: "', [Group("To")]),
        ("(c):", [Address(":")]),
        ('"', []), ("", []), ("<>", []), (",,,", []), ("@", []), ("(", []), ("\\", [Address("\\")]),
    ],
)  # fmt: skip
def test_parse_addresses(value: str, expected: list[Address | Group]) -> None:
    assert parse_addresses(value) == expected
    assert parse_addresses(f" {value}\r\n".encode()) == expected


def test_octets_that_are_not_utf8() -> None:
    assert parse_addresses(b"J\xf6rg <j@x.org>") == [Address("Jörg", "j", "x.org")]


def test_control_characters_from_encoded_words_are_blanks() -> None:
    assert parse_addresses("=?utf-8?Q?Ann=0D=0ABcc:?= <a@x.org>") == [Address("Ann  Bcc:", "a", "x.org")]


def test_mailboxes_are_everybody() -> None:
    assert mailboxes(parse_addresses("a@x.org, g: b@x.org, c@x.org;, none:;")) == [
        Address("", name, "x.org") for name in "abc"
    ]


def test_the_number_of_addresses_is_limited() -> None:
    assert len(parse_addresses("a@x.org," * (address.MAX_ADDRESSES + 5))) == address.MAX_ADDRESSES
    assert len(parse_addresses("(c) a@x.org," * (address.MAX_ADDRESSES + 5))) == address.MAX_ADDRESSES


@pytest.mark.parametrize(
    ("one", "field", "shown"),
    [
        (Address("", "ann", "x.org"), "ann@x.org", "ann@x.org"),
        (Address("Ann Author", "ann", "x.org"), "Ann Author <ann@x.org>", "Ann Author <ann@x.org>"),
        (Address("Doe, Jane", "j", "x.org"), '"Doe, Jane" <j@x.org>', '"Doe, Jane" <j@x.org>'),
        (Address("", "jane doe", "x.org"), '"jane doe"@x.org', '"jane doe"@x.org'),
        (
            Address("Jörg", "j", "müller.example"),
            "=?utf-8?b?SsO2cmc=?= <j@xn--mller-kva.example>", "Jörg <j@müller.example>",
        ),
        (Address("", "j", "xn--mller-kva.example"), "j@xn--mller-kva.example", "j@müller.example"),
        (Address("", "jörg", "müller.example"), "jörg@müller.example", "jörg@müller.example"),
        (Address("", "j", "xn--0.example"), "j@xn--0.example", "j@xn--0.example"),
        (Address("", "root"), "root", "root"),
        (Address("Somebody"), "Somebody", "Somebody"),
    ],
)  # fmt: skip
def test_forms(one: Address, field: str, shown: str) -> None:
    assert str(one) == field
    assert one.display == shown


def test_groups_have_forms_too() -> None:
    group = Group("Friends", (Address("Ann", "a", "x.org"), Address("", "b", "x.org")))
    assert str(group) == group.display == "Friends: Ann <a@x.org>, b@x.org;"
    assert str(Group("Grün")) == "=?utf-8?b?R3LDvG4=?=: ;"
    assert parse_addresses(str(group)) == [group]


def test_smtputf8_is_needed_for_the_local_part_only() -> None:
    assert Address("Jörg", "jörg", "x.org").needs_smtputf8
    assert not Address("Jörg", "j", "müller.example").needs_smtputf8
    assert Address("", "jörg", "müller.example").spec == "jörg@müller.example"
    assert Address("", "j", "müller.example").spec == "j@xn--mller-kva.example"
    assert Address("", "j", "müller.example").ascii_domain == "xn--mller-kva.example"
    assert not Address("", "root").is_complete


WORDS = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30)
NAMES = WORDS.map(lambda name: " ".join(name.split()))
LOCALS = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\.[a-z0-9]{1,5})?", fullmatch=True) | st.sampled_from(
    ["a b", 'a"b', "a\\b", "a,b", "a@b", "ünï"]
)
DOMAINS = st.sampled_from(["x.org", "mail.example.co.uk", "[192.0.2.1]", "müller.example", "xn--mller-kva.example"])


@given(NAMES, LOCALS, DOMAINS)
def test_what_is_written_is_read(name: str, local: str, domain: str) -> None:
    one = Address(name, local, domain)
    [read] = parse_addresses(str(one))
    assert read == Address(name, local, one.ascii_domain if local.isascii() else domain)
    strict = Address.parse(one.display)
    assert (strict.name, strict.local, strict.unicode_domain) == (name, local, one.unicode_domain)


@given(st.text(alphabet="ab@<>()[]\",;:\\. =?Qü\r\n\0'", max_size=60))
def test_anything_is_read(value: str) -> None:
    for one in mailboxes(parse_addresses(value)):
        assert one.name or one.local
        assert "\n" not in str(one)


@given(st.lists(st.tuples(st.from_regex(r"[A-Za-z ]{0,10}", fullmatch=True), LOCALS), min_size=1, max_size=5))
def test_the_standard_library_reads_the_same(people: list[tuple[str, str]]) -> None:
    plain = [(" ".join(name.split()), local) for name, local in people if local.isascii() and local.isidentifier()]
    value = ", ".join(f"{name} <{local}@x.org>" for name, local in plain)
    assert [(one.name, one.addr) for one in mailboxes(parse_addresses(value))] == [
        pair for pair in email.utils.getaddresses([value]) if pair != ("", "")
    ]
