"""Letters through a little Internet: found by a resolver that checks signatures, at real hosts, at the real ports."""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exim import Exim, exim
from internet import Internet, internet
from live import PASSWORDS, Live, live
from mailboxes import add_alias, eventually, store_of
from postfix import Postfix, free_port, postfix
from posthouse.errors import AlreadyExists
from posthouse.store import domain, queue
from posthouse.store.queue import Which
from web_server import WebServer, web_server

pytestmark = pytest.mark.foreign

HERE, THERE, THEIRS, EXIM = "mail.posthouse.signed", "mail.posthouse.plain", "mail.postfix.signed", "mail.exim.plain"
# What goes to THERE, and how it gets there.
FOUND = {
    "posthouse.plain": "its MX record",
    "bare.plain": "it has no MX record, and an address",
    "alias.plain": "a CNAME that leads to a CNAME that leads to its MX records",
    "spare.plain": "the first host has no address, at the second nothing listens",
    "crossing.signed": "TLSA records that nobody signed don't count",
    "strict.plain": "its policy names the host, whose certificate is good",
    "testing.plain": "its policy names another host, and is in testing",
}
POLICIES = {
    "strict.plain": ("enforce", THERE),
    "testing.plain": ("testing", "other.plain"),
    "unproved.plain": ("enforce", "self.plain"),
    "unnamed.plain": ("enforce", "other.plain"),
}
PLAIN = f"""
posthouse MX 10 {THERE}.
_25._tcp.{THERE}. TLSA 3 1 1 {"ab" * 32}
exim MX 10 {EXIM}.
bare A {{{THERE}}}
alias CNAME other
other CNAME posthouse
spare MX 5 nowhere
spare MX 7 down
spare MX 10 {THERE}.
lost MX 10 down
null MX 0 .
unfound MX 10 nowhere
strict MX 10 {THERE}.
testing MX 10 {THERE}.
unproved MX 10 self
unnamed MX 10 {THERE}.
""" + "".join(f'_mta-sts.{name}. TXT "v=STSv1; id=1"\nmta-sts.{name}. CNAME web.plain.\n' for name in POLICIES)
SIGNED = f"""
posthouse MX 10 {HERE}.
postfix MX 10 {THEIRS}.
crossing MX 10 {THERE}.
wrong MX 10 wrong.mail
wrong.mail A {{{THERE}}}
_25._tcp.wrong.mail TLSA 3 1 1 {"ab" * 32}
null MX 0 .
"""


@dataclass(frozen=True)
class Net:
    internet: Internet
    here: Live  # posthouse.signed
    there: Live  # posthouse.plain, and what leads there
    postfix: Postfix
    exim: Exim
    web: WebServer


def tlsa(leaf: trustme.LeafCert, host: str) -> str:
    certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"_25._tcp.{host}. TLSA 3 1 1 {hashlib.sha256(spki).hexdigest()}\n"


def install(leaf: trustme.LeafCert, folder: Path) -> None:
    folder.mkdir(parents=True)
    leaf.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    leaf.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "key.pem").chmod(0o600)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Net]:
    folder = tmp_path_factory.mktemp("net")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    leaves = {name: authority.issue_cert(name) for name in (HERE, THERE, THEIRS)}
    for name, place in ((HERE, "here"), (THERE, "there"), (THEIRS, "postfix")):
        install(leaves[name], folder / place / "tls")
    zones = {
        "plain": PLAIN,
        "signed": SIGNED + tlsa(leaves[HERE], HERE) + tlsa(leaves[THEIRS], THEIRS),
        "bogus": f"x MX 10 {HERE}.\n",
    }
    hosts = (HERE, THERE, THEIRS, EXIM, "down.plain", "web.plain", "self.plain")
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", str(folder / "authority.pem"))
        running = stack.enter_context(internet(zones, *hosts))
        more = f'[dns]\nservers = "{running.resolver}:53"'
        here = live(folder / "here", more, "posthouse.signed", smtp=[f"{running.address(HERE)}:25"])
        # Two of its addresses: at one of them it has another name than its certificate is for.
        doors = [f"{running.address(name)}:25" for name in (THERE, "self.plain")]
        there = live(folder / "there", more, "posthouse.plain", smtp=doors)
        yield Net(
            running,
            stack.enter_context(here),
            welcoming(stack.enter_context(there)),
            stack.enter_context(their_postfix(running, folder / "postfix" / "tls")),
            stack.enter_context(exim(25, onward=free_port(), address=running.address(EXIM))),
            stack.enter_context(policies(running, authority)),
        )


def welcoming(there: Live) -> Live:
    """It takes letters for all the domains that lead there."""
    for name in (*FOUND, *POLICIES, "wrong.signed", "null.plain", "x.bogus"):
        with contextlib.suppress(AlreadyExists):
            store_of(there).run(domain.add, name)
            add_alias(there, f"bob@{name}", "bob@posthouse.plain")
    return there


def their_postfix(running: Internet, tls: Path) -> AbstractContextManager[Postfix]:
    return postfix(
        25,
        address=running.address(THEIRS),
        resolv_conf=running.resolv_conf,
        myhostname=THEIRS,
        smtp_tls_security_level="dane",
        smtp_tls_loglevel="1",
        smtpd_tls_security_level="may",
        smtpd_tls_cert_file=str(tls / "certificate.pem"),
        smtpd_tls_key_file=str(tls / "key.pem"),
        virtual_mailbox_domains="postfix.signed",
        virtual_mailbox_maps="inline:{ann@postfix.signed=ann/}",
        virtual_transport="discard",
    )


@contextlib.contextmanager
def policies(running: Internet, authority: trustme.CA) -> Iterator[WebServer]:
    names = [f"mta-sts.{name}" for name in POLICIES]
    with web_server(authority, *names, at=(running.address("web.plain"), 443)) as web:
        for name, (mode, host) in POLICIES.items():
            text = f"version: STSv1\nmode: {mode}\nmx: {host}\nmax_age: 86400\n"
            web.answers[f"GET //mta-sts.{name}/.well-known/mta-sts.txt"] = (200, "text/plain", text.encode())
        yield web


def send(house: Live, home: str, *recipients: str, notify: str = "FAILURE,DELAY") -> bytes:
    """Ada writes to them; the subject of her letter."""
    subject = f"Subject: {secrets.token_hex(8)}"
    with smtplib.SMTP(house.host, house.port("submission")) as client:
        client.starttls(context=ssl._create_unverified_context())  # whose certificate it is, others look at
        client.login(f"ada@{home}", PASSWORDS["ada@example.org"])
        assert client.docmd(f"MAIL FROM:<ada@{home}>")[0] == 250
        for one in recipients:
            assert client.docmd(f"RCPT TO:<{one}> NOTIFY={notify}")[0] == 250
        assert client.data(f"From: ada@{home}\r\n{subject}\r\n\r\nHello.\r\n".encode())[0] == 250
    return subject.encode()


def found(house: Live, subject: bytes) -> list[bytes]:
    """The letters of this subject that a house has."""
    return [octets for octets in (path.read_bytes() for path in house.letters()) if subject in octets]


def report(house: Live, subject: bytes) -> bytes:
    """The report on a letter that came back to whoever wrote it."""

    def reports() -> list[bytes]:
        return [octets for octets in found(house, subject) if b"multipart/report" in octets]

    eventually(reports)
    (one,) = reports()
    return one


def why(house: Live, recipient: str) -> str:
    """What the queue says of a recipient, once it was tried."""

    def tried() -> str:
        return next((row[-1] for row in store_of(house).look(queue.list_some, Which(recipient=recipient))), "")

    eventually(tried)
    reason = tried()
    store_of(house).run(queue.drop, Which(recipient=recipient))
    return reason


@pytest.mark.parametrize("to", FOUND, ids=list(FOUND.values()))
def test_the_way_is_found(net: Net, to: str) -> None:
    subject = send(net.here, "posthouse.signed", f"bob@{to}")
    eventually(lambda: found(net.there, subject))
    assert len(found(net.there, subject)) == 1


def test_the_way_back_is_proved(net: Net) -> None:
    """DANE, with real signatures: the host has the certificate that its zone names."""
    subject = send(net.there, "posthouse.plain", "bob@posthouse.signed")
    eventually(lambda: found(net.here, subject))


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("wrong.signed", "DANE asks for more: wrong.mail.signed isn't who it should be: its certificate is another"),
        ("x.bogus", "the DNS gives no answer about x.bogus at the moment"),
        ("lost.plain", "nothing listens at 127."),
        ("unproved.plain", "MTA-STS asks for more: the certificate that the server shows is not for self.plain"),
        ("unnamed.plain", f"{THERE} is none of the servers that the MTA-STS policy of unnamed.plain names"),
    ],
)
def test_a_letter_waits(net: Net, to: str, reason: str) -> None:
    subject = send(net.here, "posthouse.signed", f"bob@{to}")
    assert why(net.here, f"bob@{to}").startswith(reason)
    assert found(net.there, subject) == []


@pytest.mark.parametrize(
    ("to", "status", "words"),
    [
        ("null.plain", b"5.1.10", b"That domain takes no mail at all."),
        ("null.signed", b"5.1.10", b"That domain takes no mail at all."),
        ("nowhere.signed", b"5.1.2", b"There is no such domain."),
        ("nowhere.plain", b"5.1.2", b"There is no such domain."),
        ("unfound.plain", b"5.4.4", b"No server could be found for that domain."),
    ],
)
def test_a_letter_comes_back(net: Net, to: str, status: bytes, words: bytes) -> None:
    subject = send(net.here, "posthouse.signed", f"bob@{to}")
    told = report(net.here, subject)
    assert b"Status: " + status in told and words in told
    eventually(lambda: not store_of(net.here).look(queue.list_some, Which(recipient=f"bob@{to}")))


def test_to_postfix_and_back(net: Net) -> None:
    """By its MX record, proved by DANE on both ways; it reports on what we let it promise."""
    subject = send(net.here, "posthouse.signed", "ann@postfix.signed", notify="SUCCESS,FAILURE")
    told = report(net.here, subject)
    assert f"Reporting-MTA: dns; {THEIRS}".encode() in told and b"Action: delivered" in told
    assert f"Verified TLS connection established to {HERE}" in net.postfix.log, "it sees our DANE as we see its"


def test_postfix_sends_to_us(net: Net) -> None:
    with smtplib.SMTP(net.postfix.address, net.postfix.port) as client:
        client.sendmail(
            "ann@postfix.signed", ["bob@posthouse.plain", "bob@alias.plain", "nobody@posthouse.plain"],
            "Subject: from Postfix\r\n\r\nHello.\r\n",
        )  # fmt: skip
    eventually(lambda: len(found(net.there, b"Subject: from Postfix")) == 2)  # one for each domain
    eventually(lambda: "status=bounced" in net.postfix.log)
    assert f"to=<nobody@posthouse.plain>, relay={THERE}" in net.postfix.log


def test_to_exim(net: Net) -> None:
    subject = send(net.here, "posthouse.signed", "ann@exim.plain")
    eventually(lambda: subject in net.exim.kept)
