"""Where a domain's letters go, asked of a real name server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from nameserver import NameServer, name_server
from posthouse.errors import NoRoute
from posthouse.net.dns import Resolver, literal_address

ZONE = """
two.example MX 20 Backup.two.example.
two.example MX 10 b.two.example.
two.example MX 10 a.two.example.
a.two.example A 192.0.2.1
a.two.example AAAA 2001:db8::1
b.two.example AAAA 2001:db8::2
plain.example A 192.0.2.3
null.example MX 0 .
half.example MX 0 .
half.example MX 10 a.two.example.
alias.example CNAME one.example.
one.example CNAME two.example.
circle.example CNAME circle2.example.
circle2.example CNAME circle.example.
empty.example TXT "nothing"
xn--bcher-kva.example MX 5 a.two.example.
broken.example SERVFAIL
barred.example REFUSED
silent.example SILENCE
"""


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    with name_server(ZONE) as running:
        yield running


def resolver(server: NameServer) -> Resolver:
    return Resolver([("127.0.0.1", server.port)], shuffle=lambda hosts: hosts.sort(), seconds=0.5)


def exchanges(server: NameServer, domain: str) -> list[tuple[int, str]]:
    return asyncio.run(resolver(server).exchanges(domain))


@pytest.mark.parametrize("domain", ["two.example", "TWO.example.", "alias.example"])
def test_hosts_by_preference(server: NameServer, domain: str) -> None:
    assert exchanges(server, domain) == [(10, "a.two.example"), (10, "b.two.example"), (20, "backup.two.example")]


def test_equal_hosts_are_shuffled(server: NameServer) -> None:
    backwards = Resolver([("127.0.0.1", server.port)], shuffle=lambda hosts: hosts.sort(reverse=True))
    found = asyncio.run(backwards.exchanges("two.example"))
    assert [host for _, host in found] == ["b.two.example", "a.two.example", "backup.two.example"]


def test_without_mx_the_domain_is_its_own_server(server: NameServer) -> None:
    assert exchanges(server, "plain.example") == [(0, "plain.example")]


def test_names_in_any_script(server: NameServer) -> None:
    assert exchanges(server, "Bücher.example") == [(5, "a.two.example")]


def test_a_null_mx_beside_others_means_nothing(server: NameServer) -> None:
    assert exchanges(server, "half.example") == [(10, "a.two.example")]


@pytest.mark.parametrize(
    ("domain", "temporary", "enhanced"),
    [
        ("null.example", False, "5.1.10"),  # RFC 7505 §4.2
        ("nowhere.example", False, "5.1.2"),
        ("a" * 64 + ".example", False, "5.1.2"),
        ("\u2028.example", False, "5.1.2"),
        ("broken.example", True, "4.4.3"),
        ("barred.example", True, "4.4.3"),
        ("silent.example", True, "4.4.3"),
        ("circle.example", True, "4.4.3"),
    ],
)
def test_no_route(server: NameServer, domain: str, temporary: bool, enhanced: str) -> None:
    with pytest.raises(NoRoute) as caught:
        exchanges(server, domain)
    assert (caught.value.temporary, caught.value.enhanced) == (temporary, enhanced)


def test_addresses(server: NameServer) -> None:
    async def ask() -> list[list[str]]:
        asked = resolver(server)
        hosts = ("a.two.example", "b.two.example", "plain.example")
        return [[one async for some in asked.addresses(host) for one in some] for host in hosts]

    assert asyncio.run(ask()) == [["192.0.2.1", "2001:db8::1"], ["2001:db8::2"], ["192.0.2.3"]]


@pytest.mark.parametrize(
    ("host", "temporary"),
    [("empty.example", False), ("nowhere.example", False), ("silent.example", True), ("broken.example", True)],
)
def test_no_address(server: NameServer, host: str, temporary: bool) -> None:
    with pytest.raises(NoRoute) as caught:
        asyncio.run(anext(resolver(server).addresses(host)))
    assert (caught.value.temporary, caught.value.enhanced) == (temporary, "4.4.3" if temporary else "5.4.4")


def test_answers_are_kept() -> None:
    async def ask_twice(asked: Resolver) -> None:
        for _ in range(2):
            await asked.exchanges("plain.example")
            with pytest.raises(NoRoute):
                await asked.exchanges("nowhere.example")

    with name_server(ZONE) as fresh:
        asyncio.run(ask_twice(resolver(fresh)))
        assert fresh.questions == ["plain.example MX", "nowhere.example MX"]


def test_address_literals() -> None:
    assert literal_address("[192.0.2.1]") == "192.0.2.1"
    assert literal_address("[IPv6:2001:DB8::1]") == "2001:db8::1"
    assert literal_address("example.org") is None
    with pytest.raises(NoRoute):
        literal_address("[nonsense]")


def test_what_nothing_proves_has_no_tlsa_records(server: NameServer) -> None:
    """RFC 7672 §2.2.2: they aren't even asked for; some providers' name servers can't answer."""
    asked = resolver(server)
    assert asyncio.run(asked.pinned("a.two.example", 25)) == ("a.two.example", [])
    assert not any("_25" in question for question in server.questions)
    assert not asyncio.run(asked.vouched("two.example"))
    assert not asyncio.run(asked.validates())


def test_texts(server: NameServer) -> None:
    assert asyncio.run(resolver(server).texts("empty.example")) == ["nothing"]
