"""Finding servers from end to end: a name server, a web server and a mail server on loopback, and an address only."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.nameserver
import dns.resolver
import pytest
import trustme
from typer.testing import CliRunner

from faced import Faced
from live import PASSWORDS, Live, live
from nameserver import NameServer, name_server
from posthouse.cli.app import app
from posthouse.client import discover
from posthouse.client.url import Protocol, Security, Server
from posthouse.errors import ConfigError, ConnectionFailed
from posthouse.net import service
from web_server import WebServer, web_server

ADA = "ada@example.org"
HOST = "mail.example.org"  # for which the mail server has its certificate
AUTOCONFIG = """<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org">
  <incomingServer type="imap"><hostname>mail.example.org</hostname><port>{imap}</port><socketType>SSL</socketType>
    <username>%EMAILADDRESS%</username></incomingServer>
  <incomingServer type="pop3"><hostname>mail.example.org</hostname><port>{pop3}</port><socketType>STARTTLS</socketType>
  </incomingServer>
  <outgoingServer type="smtp"><hostname>mail.example.org</hostname><port>{smtp}</port><socketType>STARTTLS</socketType>
  </outgoingServer></emailProvider></clientConfig>"""
FILE = "/mail/config-v1.1.xml?emailaddress=ada%40example.org"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A mail server at mail.example.org, as far as this process can see; its names lead to this computer."""
    real = socket.getaddrinfo

    def lookup(host: Any, *args: Any, **more: Any) -> Any:
        if isinstance(host, str) and host.endswith("example.org"):
            if host not in (HOST, "autoconfig.example.org", "elsewhere.example.org"):
                raise socket.gaierror(socket.EAI_NONAME, "not known")
            host = "127.0.0.1"
        return real(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setenv("POSTHOUSE_HOME", str(tmp_path / "home"))
    with live(tmp_path) as running:
        monkeypatch.setenv("SSL_CERT_FILE", str(running.certificate))
        yield running


@contextmanager
def zone(text: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """The system's resolver knows this zone."""
    with name_server(text) as server:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [dns.nameserver.Do53Nameserver("127.0.0.1", server.port)]
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        monkeypatch.setattr(service, "DNS_SECONDS", 1.0)
        yield server


@contextmanager
def web(monkeypatch: pytest.MonkeyPatch, house: Live, *names: str) -> Iterator[WebServer]:
    authority = trustme.CA()
    both = house.certificate.parent / "both.pem"
    both.write_bytes(house.certificate.read_bytes() + authority.cert_pem.bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(both))
    with web_server(authority, *names) as server:
        monkeypatch.setattr(service, "WEB_PORT", server.port)
        yield server


def srv(house: Live, host: str = HOST) -> str:
    return (
        f"_imaps._tcp.example.org SRV 0 1 {house.port('imaps')} {host}.\n"
        f"_submissions._tcp.example.org SRV 10 1 1 {host}.\n"
        f"_submissions._tcp.example.org SRV 0 1 {house.port('submissions')} {host}."
    )


def find(face: Faced, protocol: Protocol) -> Server:
    found = face.patient(face.module.Account(ADA, password="x")).server(protocol)
    assert isinstance(found, Server)
    return found


def test_by_srv_records(face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    with zone(srv(house), monkeypatch) as server:
        me = face.patient(face.module.Account(ADA, password=PASSWORDS[ADA]))
        me.login()
        me.send(ADA, "Tea", "At five?", copy=False)
        with me.open() as box:
            assert [mail.subject for mail in box.inbox] == ["Tea"]
        me.close()
    assert set(server.questions) == {"_submissions._tcp.example.org SRV", "_imaps._tcp.example.org SRV"} | {
        "_submission._tcp.example.org SRV", "_imap._tcp.example.org SRV",
    }  # fmt: skip


def test_what_srv_records_say_of_others_is_not_believed(
    face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can forge an answer of the DNS has a certificate for a host of their own. RFC 6186 §6."""
    with (
        zone("_imaps._tcp.example.org SRV 0 1 993 imap.evil.example.", monkeypatch),
        pytest.raises(
            ConfigError, match=r"says that example\.org has its IMAP server at imap\.evil\.example, and"
        ) as no,
    ):
        find(face, Protocol.IMAP)
    assert 'imap="imap://imap.evil.example:993?tls=implicit"' in no.value.advice


def test_a_server_that_the_domain_names_and_that_is_not_there(
    face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        zone(f"_imaps._tcp.example.org SRV 0 1 1 {HOST}.", monkeypatch),
        pytest.raises(ConnectionFailed, match=r"nothing listens at mail\.example\.org:1"),
    ):
        find(face, Protocol.IMAP)


def test_by_the_file_of_the_domain(face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        zone("example.org TXT x", monkeypatch),
        web(monkeypatch, house, "autoconfig.example.org", "elsewhere.example.org") as server,
    ):
        ports = {"imap": house.port("imaps"), "pop3": house.port("pop3"), "smtp": house.port("submission")}
        server.answers[f"GET {FILE}"] = (200, "text/xml", AUTOCONFIG.format(**ports).encode())
        found = {protocol: find(face, protocol) for protocol in (Protocol.IMAP, Protocol.SMTP, Protocol.POP3)}
        assert found[Protocol.IMAP] == Server(Protocol.IMAP, HOST, ports["imap"], Security.IMPLICIT, ADA)
        assert found[Protocol.SMTP] == Server(Protocol.SMTP, HOST, ports["smtp"], Security.STARTTLS)
        assert found[Protocol.POP3] == Server(Protocol.POP3, HOST, ports["pop3"], Security.STARTTLS)
        # a provider's file for all of its domains
        server.answers["GET /all.xml"] = server.answers.pop(f"GET {FILE}")
        server.moved[FILE] = f"https://elsewhere.example.org:{server.port}/all.xml"
        assert find(face, Protocol.IMAP).host == HOST
        for moved in (f"http://elsewhere.example.org:{server.port}/all.xml", FILE, "https://"):
            server.moved[FILE] = moved
            with pytest.raises(ConfigError, match=r"the IMAP server of example\.org can't be found"):
                find(face, Protocol.IMAP)
        del server.moved[FILE]
        server.answers[f"GET {FILE}"] = (200, "text/xml", b" " * service.MAX_FILE + b"x")
        with pytest.raises(ConfigError, match="can't be found"):
            find(face, Protocol.IMAP)


def test_by_the_exchange_of_a_provider(face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    with zone("example.org MX 5 aspmx.l.google.com.\nexample.org MX 10 alt1.aspmx.l.google.com.", monkeypatch):
        assert find(face, Protocol.IMAP).host == "imap.gmail.com"
        assert find(face, Protocol.SMTP).host == "smtp.gmail.com"


def test_by_the_usual_names_and_ports(face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = {Protocol.IMAP: ("imaps", "imap"), Protocol.SMTP: ("submissions", "submission")}
    for protocol, doors in usual.items():
        ports = (house.port(doors[0]), Security.IMPLICIT), (house.port(doors[1]), Security.STARTTLS)
        monkeypatch.setitem(discover.PORTS, protocol, ports)
    with zone("example.org SERVFAIL", monkeypatch):
        for protocol, doors in usual.items():
            assert find(face, protocol) == Server(protocol, HOST, house.port(doors[0]), Security.IMPLICIT)
        closed = [(1, Security.IMPLICIT), (house.port("imap"), Security.STARTTLS)]
        monkeypatch.setitem(discover.PORTS, Protocol.IMAP, closed)
        assert find(face, Protocol.IMAP).tls is Security.STARTTLS
        monkeypatch.setitem(discover.PORTS, Protocol.IMAP, closed[:1])
        with pytest.raises(ConfigError, match=r"neither imap\.example\.org nor mail\.example\.org answers") as nowhere:
            find(face, Protocol.IMAP)
        assert "--imap" in nowhere.value.advice


def test_a_resolver_that_says_nothing(face: Faced, house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(discover.PORTS, Protocol.IMAP, ((house.port("imaps"), Security.IMPLICIT),))
    names = ("example.org", "_imaps._tcp.example.org", "_imap._tcp.example.org")
    with zone("\n".join(f"{name} SILENCE" for name in names), monkeypatch):
        monkeypatch.setattr(service, "DNS_SECONDS", 0.2)
        assert find(face, Protocol.IMAP).host == HOST


def test_what_was_found_is_remembered(house: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTHOUSE_PASSWORD", PASSWORDS[ADA])
    with zone(srv(house), monkeypatch) as server:
        done = CliRunner().invoke(app, ["login", ADA, "--json"])
        assert json.loads(done.stdout)["imap"] == f"imap://{HOST}:{house.port('imaps')}?tls=implicit"
        asked = len(server.questions)
        assert CliRunner().invoke(app, ["list"]).exit_code == 0
        assert len(server.questions) == asked


def test_a_file_that_drips_in_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio
    import threading
    import time

    monkeypatch.setattr(service, "WEB_SECONDS", 0.5)
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(service, "client_context", lambda: trusting)
    ended = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            with context.wrap_socket(connection, server_side=True) as talk:
                talk.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.05):
                    talk.sendall(b"X")
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        began = time.monotonic()
        assert asyncio.run(service.fetch_file(f"https://localhost:{listener.getsockname()[1]}/")) is None
        assert time.monotonic() - began < 20
        ended.set()
        thread.join()
