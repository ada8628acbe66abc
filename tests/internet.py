"""A little Internet on loopback: real name servers, real signatures, and an address for every host, at the real ports.

::

    with internet(ZONES) as net:
        net.address("mail.posthouse.signed")     # 127.x.y.n: the port 25 there is free
        net.resolver                             # unbound, which checks signatures up to the root

NSD has the root of this Internet and the zones below it; the test writes down what is in them, with the addresses given
out as ``{name}``. Zones below ``signed.`` are signed up to the root, those below ``plain.`` aren't (the root proves
that), and ``bogus.`` has signatures that were true before somebody changed what they sign.

All of 127.0.0.0/8 is this machine: each Internet takes a network of 256 addresses in which nobody has a port 53.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

# Where tools/install-foreign unpacks what isn't installed for the whole machine.
FOREIGN = Path(sys.prefix) / "foreign" / "usr" / "sbin"
TOP = ("signed", "plain", "bogus")
HEAD = """\
$ORIGIN {origin}
$TTL 60
@ SOA a.root. hostmaster.root. 1 3600 900 604800 60
@ NS a.root.
"""
NSD = """\
server:
  ip-address: {address}
  username: ""
  zonesdir: "{folder}"
  database: ""
  logfile: "{folder}/nsd.log"
  pidfile: "{folder}/nsd.pid"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  server-count: 1
remote-control:
  control-enable: no
"""
UNBOUND = """\
server:
  interface: {address}
  username: ""
  chroot: ""
  directory: "{folder}"
  pidfile: "{folder}/unbound.pid"
  logfile: "{folder}/unbound.log"
  use-syslog: no
  do-daemonize: no
  num-threads: 1
  do-ip6: no
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  root-hints: "{folder}/root.hints"
  trust-anchor-file: "{folder}/root.ds"
  module-config: "validator iterator"
  # What the programs under test do with a trial that fails is their matter: nothing is remembered of it here.
  infra-host-ttl: 1
  cache-max-negative-ttl: 1
remote-control:
  control-enable: no
"""


@dataclass(frozen=True)
class Internet:
    """One that runs."""

    folder: Path
    network: str  # "127.x.y."
    hosts: Mapping[str, str]

    def address(self, host: str) -> str:
        return self.hosts[host]

    @property
    def resolver(self) -> str:
        return f"{self.network}54"

    @property
    def resolv_conf(self) -> Path:
        """For programs that ask the system's resolver: with libresolv_wrapper, RESOLV_WRAPPER_CONF."""
        return self.folder / "resolv.conf"


@contextmanager
def internet(zones: Mapping[str, str], *hosts: str) -> Iterator[Internet]:
    """Run one. ``zones``: what is in "signed", "plain" and "bogus", beside what every zone has. ``hosts`` have
    addresses (A records are made for them), which stand for ``{host}`` in the zones, too.
    """
    folder = Path(tempfile.mkdtemp(prefix="internet-"))
    folder.chmod(0o755)  # whoever asks the resolver may be another user
    network = _free_network()
    given = {host: f"{network}{number}" for number, host in enumerate(hosts, 100)}
    net = Internet(folder, network, given)
    try:
        _write_zones(folder, network, given, zones)
        net.resolv_conf.write_text(f"nameserver {net.resolver}\noptions trust-ad edns0\n")
        (folder / "nsd.conf").write_text(
            NSD.format(address=f"{network}53", folder=folder)
            + "".join(f'zone:\n  name: "{zone}."\n  zonefile: "{zone or "root"}.zone.signed"\n' for zone in ("", *TOP))
        )
        (folder / "unbound.conf").write_text(UNBOUND.format(address=net.resolver, folder=folder))
        with ExitStack() as stack:
            for name, command in (
                ("nsd", [FOREIGN / "nsd", "-d", "-c", folder / "nsd.conf"]),
                ("unbound", [FOREIGN / "unbound", "-d", "-c", folder / "unbound.conf"]),
            ):
                stack.enter_context(_running(name, [str(one) for one in command], folder))
            _wait_for(net)
            yield net
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_network() -> str:
    chance = random.SystemRandom()
    while True:
        network = f"127.{chance.randrange(1, 255)}.{chance.randrange(1, 255)}."
        try:
            for last in (53, 54, 100):
                for kind, port in ((socket.SOCK_DGRAM, 53), (socket.SOCK_STREAM, 53), (socket.SOCK_STREAM, 25)):
                    with socket.socket(socket.AF_INET, kind) as probe:
                        probe.bind((f"{network}{last}", port))
        except OSError:
            continue
        return network


# -- zones -----------------------------------------------------------------------------------------------------------


def _write_zones(folder: Path, network: str, hosts: Mapping[str, str], zones: Mapping[str, str]) -> None:
    root = HEAD.format(origin=".") + f'a.root. A {network}53\nroot. TXT "the servers\' own"\n'
    for zone in TOP:
        text = HEAD.format(origin=f"{zone}.")
        text += "".join(f"{host}. A {address}\n" for host, address in hosts.items() if host.endswith(f".{zone}"))
        # A name in braces is no attribute to be looked up: only whole names are put in.
        text += re.sub(r"\{([^}]+)\}", lambda found: hosts[found[1]], zones.get(zone, ""))
        (folder / f"{zone}.zone").write_text(text)
        root += f"{zone}. NS a.root.\n"
        if zone != "plain":
            root += _sign(folder, zone, f"{zone}.")
    (folder / "plain.zone").rename(folder / "plain.zone.signed")
    forged = folder / "bogus.zone.signed"
    text = forged.read_text()
    # Somebody on the way leads all hosts elsewhere.
    forged.write_text(re.sub(r"(\tIN\tMX\t\d+ ).*", r"\1mail.posthouse.plain.", text))
    (folder / "root.zone").write_text(root)
    (folder / "root.ds").write_text(_sign(folder, "root", "."))
    (folder / "root.hints").write_text(f". 3600 NS a.root.\na.root. 3600 A {network}53\n")


def _sign(folder: Path, zone: str, origin: str) -> str:
    """Sign a zone with a key made for it; the DS record that means the key."""
    key = _run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin).strip()
    _run(folder, "ldns-signzone", "-o", origin, "-f", f"{zone}.zone.signed", f"{zone}.zone", key)
    return (folder / f"{key}.ds").read_text()


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


# -- servers ---------------------------------------------------------------------------------------------------------


@contextmanager
def _running(name: str, command: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{name}.out").open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=os.environ)
    try:
        yield
        assert process.poll() is None, (name, (folder / f"{name}.out").read_text())
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(net: Internet) -> None:
    """Until the resolver proves who serves the root."""
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query

    until = time.monotonic() + 30
    while True:
        query = dns.message.make_query(".", "NS", flags=dns.flags.RD | dns.flags.AD)
        try:
            answer = dns.query.udp(query, net.resolver, timeout=1)
            if answer.answer and answer.flags & dns.flags.AD:
                return
        except (dns.exception.DNSException, OSError):
            pass
        logs = "\n".join(path.read_text() for path in net.folder.glob("*.out")) + "\n".join(
            path.read_text() for path in net.folder.glob("*.log")
        )
        assert time.monotonic() < until, f"the resolver doesn't answer: {logs}"
        time.sleep(0.1)
