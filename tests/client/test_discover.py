"""Finding servers: each source in its turn, and what doesn't answer left out."""

from __future__ import annotations

import ssl

import pytest

from posthouse.client.discover import Sources, find_server, probe, read_autoconfig
from posthouse.client.providers import PROVIDERS
from posthouse.client.url import Protocol, Security, Server
from posthouse.errors import ConfigError, ConnectionFailed
from posthouse.net.service import Service
from scripted import ScriptedServer, trusting_context

FILE = b"""<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="x.org">
  <incomingServer type="pop3"><hostname>pop.x.org</hostname><port>995</port><socketType>SSL</socketType>
  </incomingServer>
  <incomingServer type="imap"><hostname>clear.x.org</hostname><port>143</port><socketType>plain</socketType>
  </incomingServer>
  <incomingServer type="imap"><hostname>imap.x.org</hostname><port>143</port><socketType>STARTTLS</socketType>
    <username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.x.org</hostname><port>465</port><socketType>SSL</socketType>
    <username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""  # fmt: skip


class Net:
    """A network in which only the named servers answer."""

    def __init__(
        self, *hosts: str, srv: dict[str, list[Service]] | None = None, mx: str = "", file: bytes = b""
    ) -> None:
        self.hosts = hosts
        self.asked: list[str] = []
        self.sources = Sources(
            lambda domain, name: (srv or {}).get(name, []), lambda domain: [mx] if mx else [], lambda url: file or None
        )

    def probe(self, server: Server, context: ssl.SSLContext | None) -> None:
        self.asked.append(f"{server.host}:{server.port}")
        if f"{server.host}:{server.port}" not in self.hosts:
            raise ConnectionFailed(f"nothing listens at {server.host}:{server.port}")

    def find(self, protocol: Protocol, domain: str = "x.org") -> Server:
        return find_server(f"ada@{domain}", domain, protocol, self.probe, None, self.sources)


@pytest.mark.parametrize("domain", sorted(PROVIDERS))
def test_providers_are_known_and_private(domain: str) -> None:
    net = Net()
    for protocol in (Protocol.SMTP, Protocol.IMAP):
        assert net.find(protocol, domain).tls is not Security.NONE
    assert net.asked == []


def test_srv_records() -> None:
    srv = {"_imaps._tcp": [Service("a.x.org", 993), Service("b.x.org", 1993)]}
    assert Net("b.x.org:1993", srv=srv).find(Protocol.IMAP) == Server(Protocol.IMAP, "b.x.org", 1993, Security.IMPLICIT)
    with pytest.raises(ConnectionFailed, match=r"nothing listens at a\.x\.org"):
        Net("mail.x.org:993", srv=srv).find(Protocol.IMAP)


def test_autoconfig() -> None:
    net = Net("imap.x.org:143", "smtp.x.org:465", file=FILE)
    assert net.find(Protocol.IMAP) == Server(Protocol.IMAP, "imap.x.org", 143, Security.STARTTLS, "ada")
    assert net.find(Protocol.SMTP) == Server(Protocol.SMTP, "smtp.x.org", 465, Security.IMPLICIT, "ada@x.org")


@pytest.mark.parametrize("octets", [b"", b"<html>", b"\xff\xfe", b'<!DOCTYPE a [<!ENTITY b "c">]>' + FILE, FILE[:300]])
def test_autoconfig_that_is_none(octets: bytes) -> None:
    assert list(read_autoconfig(octets, "ada@x.org", Protocol.IMAP)) == []


def test_the_mail_exchange_tells_the_provider() -> None:
    assert Net(mx="alt1.aspmx.l.google.com").find(Protocol.IMAP).host == "imap.gmail.com"
    assert Net("imap.x.org:993", mx="mx.notgoogle.com").find(Protocol.IMAP).host == "imap.x.org"


def test_the_usual_names() -> None:
    net = Net("mail.x.org:587")
    assert net.find(Protocol.SMTP) == Server(Protocol.SMTP, "mail.x.org", 587, Security.STARTTLS)
    assert net.asked == ["smtp.x.org:465", "mail.x.org:465", "x.org:465", "smtp.x.org:587", "mail.x.org:587"]
    with pytest.raises(ConfigError, match="can't be found") as none:
        Net().find(Protocol.SMTP)
    assert "--smtp" in none.value.advice


def test_a_probe_hears_the_greeting_and_leaves() -> None:
    with ScriptedServer("TLS\nS: * OK [CAPABILITY IMAP4rev1] hi\nWAIT") as server:
        probe(Server.parse(f"imaps://localhost:{server.port}", Protocol.IMAP), trusting_context())
    with ScriptedServer("TLS\nS: 220 hi\nC: EHLO localhost\nS: 250 hi\nWAIT") as server:
        probe(Server.parse(f"smtps://localhost:{server.port}", Protocol.SMTP), trusting_context())
    with pytest.raises(ConnectionFailed):
        probe(Server.parse(f"imaps://localhost:{server.port}", Protocol.IMAP), trusting_context())
