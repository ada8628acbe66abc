"""DANE, MTA-STS and what the operator asks for, against a real server under TLS and a real web server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from live import Live, live
from mail_hosts import Host
from nameserver import name_server
from posthouse.delivery.relay import Relay, Settings
from posthouse.delivery.security import Security, waives_tls
from posthouse.net.dns import Resolver
from posthouse.store import account, domain, queue, sts
from posthouse.store.engine import Store
from posthouse.store.queue import Onward, Terms, To, Which
from store_helpers import keep, letter
from web_server import WebServer, web_server

HOST = "mail.example.net"
MX = f"example.net MX 10 {HOST}.\n{HOST} A 127.0.0.1\nmta-sts.example.net A 127.0.0.1\n"
STS = '_mta-sts.example.net TXT "v=STSv1; id=1"\n'
POLICY = f"version: STSv1\nmode: enforce\nmx: {HOST}\nmax_age: 86400\n"
PATH = "GET /.well-known/mta-sts.txt"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server with a certificate of its own making, for HOST."""
    with live(tmp_path_factory.mktemp("there"), home="example.net") as running:
        yield running


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def web(authority: trustme.CA) -> Iterator[WebServer]:
    with web_server(authority, "mta-sts.example.net") as running:
        running.answers[PATH] = (200, "text/plain", POLICY.encode())
        yield running


@dataclass
class Sent:
    """What became of letters: how many came, or why not (yet). ``kept``: the policies that are known now."""

    arrived: int
    reply: str
    kept: list[str] = field(default_factory=list)


def send(
    folder: Path,
    there: Live | Host,
    zone: str,
    *,
    raw: Sequence[bytes] = (),
    signed: bool = False,
    trust: trustme.CA | Path | None = None,
    https_port: int = 443,
    terms: Terms | None = None,
    required: tuple[str, ...] = (),
    verified: tuple[str, ...] = (),
) -> Sent:
    """A letter to bob@example.net, or those that are given. ``there``: a `Host` speaks no TLS. ``trust``: whose
    certificates are believed.
    """
    context = ssl.create_default_context()
    if isinstance(trust, trustme.CA):
        trust.configure_trust(context)
    elif trust is not None:
        context.load_verify_locations(trust)

    async def run() -> Sent:
        store = Store.open(folder, readers=1)
        await store.write(domain.add, "example.org")
        await store.write(account.add, "ada@example.org", "hash")
        bare = await asyncio.start_server(there.serve, "127.0.0.1") if isinstance(there, Host) else None
        port = bare.sockets[0].getsockname()[1] if bare else there.port("smtp")
        with name_server(zone, signed=signed) as dns:
            resolver = Resolver([("127.0.0.1", dns.port)])
            security = Security(
                store, resolver, required=required, verified=verified, port=port, https_port=https_port,
                _verifying=context,
            )  # fmt: skip
            relay = Relay(
                store, resolver, hostname="mail.example.org", port=port, security=security,
                settings=Settings(delays=(3600,)),
            )  # fmt: skip
            before = count(there)
            to = [To("bob@example.net", "example.net")]
            for one in raw or [letter()]:
                blob = await asyncio.to_thread(keep, store, one)
                header = one.index(b"\r\n\r\n") + 4
                await store.write(queue.add, blob, header, Onward(b"", "ada@example.org", to, terms or Terms()))
            await relay.start()
            async with asyncio.timeout(20):
                rows = await store.read(queue.list_some, Which())
                while not all(row[-1] for row in rows):
                    await asyncio.sleep(0.01)
                    rows = await store.read(queue.list_some, Which())
            await relay.stop(5)
            if bare:
                bare.close()
            kept = [row.mode for _, row in await store.read(sts.list_all)]
        await asyncio.to_thread(store.close)
        return Sent(count(there) - before, rows[0][-1] if rows else "", kept)

    return asyncio.run(run())


def count(there: Live | Host) -> int:
    return len(there.letters if isinstance(there, Host) else there.letters())


def tlsa(there: Live, usage: int = 3) -> str:
    """The TLSA record that means the server's key."""
    certificate = x509.load_pem_x509_certificate(there.certificate.read_bytes())
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"_{there.port('smtp')}._tcp.{HOST} TLSA {usage} 1 1 {hashlib.sha256(spki).hexdigest()}\n"


def test_the_host_that_the_records_mean(tmp_path: Path, there: Live) -> None:
    assert send(tmp_path, there, MX + tlsa(there), signed=True).arrived


def test_another_host_than_the_records_mean_gets_nothing(tmp_path: Path, there: Live) -> None:
    wrong = f"_{there.port('smtp')}._tcp.{HOST} TLSA 3 1 1 {'ab' * 32}\n"
    sent = send(tmp_path, there, MX + wrong, signed=True)
    assert not sent.arrived
    assert sent.reply == (
        f"DANE asks for more: {HOST} isn't who it should be: its certificate is another than the TLSA records name"
    )


def test_records_that_nothing_proves_don_t_count(tmp_path: Path, there: Live, caplog: pytest.LogCaptureFixture) -> None:
    """And who runs the server is told, once, that DANE is of no effect."""
    wrong = f"_{there.port('smtp')}._tcp.{HOST} TLSA 3 1 1 {'ab' * 32}\n"
    with caplog.at_level(logging.WARNING):
        assert send(tmp_path, there, MX + wrong).arrived
    assert [one.message for one in caplog.records if "doesn't check DNSSEC" in one.message] != []


def test_records_that_can_t_be_known_delay_the_letter(tmp_path: Path, there: Live) -> None:
    """RFC 7672 §2.2: somebody may be keeping them from us."""
    sent = send(tmp_path, there, MX + f"_{there.port('smtp')}._tcp.{HOST} SERVFAIL\n", signed=True)
    assert not sent.arrived and "no answer about _" in sent.reply


def test_records_of_an_unknown_kind_still_mean_tls(tmp_path: Path, there: Live) -> None:
    assert send(tmp_path, there, MX + tlsa(there, usage=1), signed=True).arrived


def test_a_policy_is_kept_to(tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA) -> None:
    """The host's certificate is its own, which nobody vouches for: enough for RFC 7435, not for MTA-STS."""
    sent = send(tmp_path, there, MX + STS, trust=authority, https_port=web.port)
    assert not sent.arrived and sent.kept == ["enforce"]
    assert sent.reply.startswith(f"MTA-STS asks for more: the certificate of {HOST} is not trusted")
    assert [path for path, _ in web.asked] == [PATH]


def test_a_host_that_the_policy_doesn_t_name(
    tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA
) -> None:
    web.answers[PATH] = (200, "text/plain", POLICY.replace(HOST, "other.example.net").encode())
    sent = send(tmp_path, there, MX + STS, trust=authority, https_port=web.port)
    assert not sent.arrived
    assert sent.reply == f"{HOST} is none of the servers that the MTA-STS policy of example.net names"


@pytest.mark.parametrize("named", [HOST, "other.example.net"])
def test_a_policy_in_testing_is_told_of_and_no_more(
    tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA, caplog: pytest.LogCaptureFixture, named: str
) -> None:
    web.answers[PATH] = (200, "text/plain", POLICY.replace("enforce", "testing").replace(HOST, named).encode())
    with caplog.at_level(logging.WARNING):
        assert send(tmp_path, there, MX + STS, trust=authority, https_port=web.port).arrived
    assert any("in testing" in one.message for one in caplog.records)


@pytest.mark.parametrize(
    "answer",
    [
        (404, "text/plain", POLICY.encode()),
        (301, "text/plain", POLICY.encode()),
        (200, "text/html", POLICY.encode()),
        (200, "text/plain", b"<html>"),
        (200, "text/plain", b"x" * 100_000),
    ],
)
def test_without_a_policy_that_can_be_had_all_is_as_without_any(
    tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA, answer: tuple[int, str, bytes]
) -> None:
    web.answers[PATH] = answer
    sent = send(tmp_path, there, MX + STS, trust=authority, https_port=web.port)
    assert sent.arrived and sent.kept == []


def test_a_web_server_that_proves_nothing_has_no_say(tmp_path: Path, there: Live, web: WebServer) -> None:
    assert send(tmp_path, there, MX + STS, https_port=web.port).arrived
    assert web.asked == []


def test_what_the_operator_asks_for(tmp_path: Path, there: Live) -> None:
    assert send(tmp_path / "1", there, MX, required=("example.net",)).arrived
    unproved = send(tmp_path / "2", there, MX, verified=("*",))
    assert not unproved.arrived and unproved.reply.startswith("[relay] tls_verified asks for more: the certificate")
    assert send(tmp_path / "3", there, MX, verified=("*",), trust=there.certificate).arrived


def test_what_may_travel_encrypted_only(tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA) -> None:
    """RFC 8689 §4.2.1: DANE proves the host as well as an authority does."""
    terms = Terms(requiretls=True)
    assert send(tmp_path / "1", there, MX + tlsa(there), signed=True, terms=terms).arrived
    assert not send(tmp_path / "2", there, MX + tlsa(there), terms=terms).arrived


# -- TLS-Required: No (RFC 8689 §4.2.2) ------------------------------------------------------------------------------

WAIVES = b"TLS-Required: No\r\n" + letter(subject="your certificate is over")


@pytest.mark.parametrize(
    ("header", "waives"),
    [
        (b"TLS-Required: No\r\n", True),
        (b"Subject: x\r\ntls-required:no\r\n", True),
        (b"TLS-Required:\r\n No\r\n", True),
        (b"TLS-Required: Yes\r\n", False),
        (b"TLS-Required: No\r\nTLS-Required: No\r\n", False),
        (b"Subject: TLS-Required: No\r\n", False),
        (b"", False),
    ],
)
def test_what_the_field_says(header: bytes, waives: bool) -> None:
    assert waives_tls(header) == waives


def test_a_policy_does_not_stop_who_waives_tls(
    tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA
) -> None:
    """Neither where the certificate doesn't prove the name, nor where the policy names other hosts."""
    assert send(tmp_path / "1", there, MX + STS, raw=[WAIVES], trust=authority, https_port=web.port).arrived
    web.answers[PATH] = (200, "text/plain", POLICY.replace(HOST, "other.example.net").encode())
    assert send(tmp_path / "2", there, MX + STS, raw=[WAIVES], trust=authority, https_port=web.port).arrived


def test_neither_do_tlsa_records(tmp_path: Path, there: Live) -> None:
    wrong = f"_{there.port('smtp')}._tcp.{HOST} TLSA 3 1 1 {'ab' * 32}\n"
    assert send(tmp_path / "1", there, MX + wrong, raw=[WAIVES], signed=True).arrived
    unknown = f"_{there.port('smtp')}._tcp.{HOST} SERVFAIL\n"
    assert send(tmp_path / "2", there, MX + unknown, raw=[WAIVES], signed=True).arrived


def test_nor_that_there_is_no_starttls(tmp_path: Path, web: WebServer, authority: trustme.CA) -> None:
    zone = MX + STS
    host = Host()
    assert not send(tmp_path / "1", host, zone, trust=authority, https_port=web.port).arrived
    assert send(tmp_path / "2", host, zone, raw=[WAIVES], trust=authority, https_port=web.port).arrived


def test_the_operator_s_word_stays(tmp_path: Path, there: Live) -> None:
    assert not send(tmp_path / "1", Host(), MX, raw=[WAIVES], required=("example.net",)).arrived
    assert not send(tmp_path / "2", there, MX, raw=[WAIVES], verified=("*",)).arrived
    assert send(tmp_path / "3", there, MX, raw=[WAIVES], required=("example.net",)).arrived


def test_requiretls_has_precedence(tmp_path: Path, there: Live) -> None:
    """§4.1: the field MUST be ignored then."""
    assert not send(tmp_path, there, MX, raw=[WAIVES], terms=Terms(requiretls=True)).arrived


@pytest.mark.parametrize("named", [HOST, "other.example.net"])
@pytest.mark.parametrize("first", [True, False])
def test_others_don_t_take_its_connection(
    tmp_path: Path, there: Live, web: WebServer, authority: trustme.CA, named: str, first: bool
) -> None:
    """And it doesn't wait with those that the policy stops."""
    web.answers[PATH] = (200, "text/plain", POLICY.replace(HOST, named).encode())
    raw = [WAIVES, letter()] if first else [letter(), WAIVES]
    sent = send(tmp_path, there, MX + STS, raw=raw, trust=authority, https_port=web.port)
    assert sent.arrived == 1 and "MTA-STS" in sent.reply


def test_a_policy_is_looked_at_anew_before_it_ends(tmp_path: Path, web: WebServer, authority: trustme.CA) -> None:
    """RFC 8461 §3.3, §10.2: also while nobody writes there."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    now = [1_700_000_000.0]

    async def run() -> list[int]:
        store = Store.open(tmp_path, readers=1, clock=lambda: now[0])
        row = sts.Row("1", "enforce", HOST, int(now[0]), int(now[0]) + 2 * 86_400)
        await store.write(sts.keep, "example.net", row)
        with name_server(MX + STS) as dns:
            security = Security(
                store, Resolver([("127.0.0.1", dns.port)]), https_port=web.port, clock=lambda: now[0],
                _verifying=context,
            )  # fmt: skip
            await security.refresh()
            before = len(web.asked)
            now[0] += 86_400 + 60
            await security.refresh()
            asked = len(web.asked) - before
            await security.refresh()
            again = len(web.asked) - before - asked
            ((_, kept),) = await store.read(sts.list_all)
        await asyncio.to_thread(store.close)
        return [before, asked, again, kept.fetched - int(now[0])]

    web.asked.clear()
    assert asyncio.run(run()) == [0, 1, 0, 0]
