"""An address here whose letters go on to an address elsewhere: over real sockets, from one server to the next."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live, prepare
from mailboxes import ADA, BOB, add_alias, eventually, inbox, limit, store_of
from nameserver import name_server
from posthouse.config import Dns, Endpoint
from posthouse.delivery import bounce
from posthouse.delivery.recipient import in_our_name, lookup
from posthouse.delivery.verdict import Outcome, Verdict
from posthouse.server.app import serving
from posthouse.smtp.path import parse_mailbox
from posthouse.store import domain, forward, queue
from posthouse.store.engine import Tx
from posthouse.store.queue import Which

EVE = "eve@sender.example"  # whose letters are sent on
SALES = "sales@example.org"
FAR = "bob@far.example"
ZONE = """
far.example MX 10 mail.far.example.
sender.example MX 10 mail.far.example.
mail.far.example A 127.0.0.1
later.example SERVFAIL
"""
LETTER = "From: Eve <eve@sender.example>\r\nSubject: An order\r\nMessage-ID: <1@sender.example>\r\n\r\nTen, please.\r\n"


@dataclass(frozen=True)
class Two:
    """``here`` sends on; ``there`` has the mailboxes of FAR and EVE."""

    here: Live
    there: Live

    def send_on(self, *targets: str, address: str = SALES) -> None:
        for target in targets:
            store_of(self.here).run(forward.add, address, target)

    def arrived(self, address: str = FAR, count: int = 1) -> list[bytes]:
        """The letters at ``there``, once they are so many."""
        eventually(lambda: len(inbox(self.there, address)) >= count)
        return inbox(self.there, address)

    def for_eve(self, count: int = 1) -> list[bytes]:
        return self.arrived("ada@far.example", count)

    def waiting(self) -> list[queue.Entry]:
        return [queue.Entry._make(row[1:]) for row in store_of(self.here).look(queue.list_some, Which())]

    def send(
        self, *recipients: str, sender: str = EVE, words: str = "", rcpt: str = "", letter: str = LETTER
    ) -> tuple[int, bytes]:
        """What the server says to the letter, or to what it refuses before."""
        with smtplib.SMTP(self.here.host, self.here.port("smtp"), local_hostname="mail.sender.example") as client:
            client.ehlo()
            client.docmd(f"MAIL FROM:<{sender}> {words}")
            for one in recipients:
                code, text = client.docmd(f"RCPT TO:<{one}> {rcpt}")
                if code != 250:
                    return code, text
            return client.data(letter)


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    with live(tmp_path / "there", home="far.example") as there:
        store_of(there).run(domain.add, "sender.example")
        add_alias(there, EVE, "ada@far.example")
        with name_server(ZONE) as dns, served(tmp_path / "here", dns.port, there.port("smtp")) as here:
            yield Two(here, there)


@contextmanager
def served(folder: Path, dns_port: int, relay_port: int) -> Iterator[Live]:
    settings = replace(prepare(folder), dns=Dns(servers=(Endpoint("127.0.0.1", dns_port),)))
    with serving(settings, relay_port=relay_port) as server:
        yield Live(settings, server)


def return_path(letter: bytes) -> str:
    match = re.match(rb"Return-Path: <(.*?)>\r\n", letter)
    assert match is not None
    return match[1].decode()


def test_it_goes_on_in_our_name_and_its_octets_stay(two: Two) -> None:
    two.send_on(FAR)
    assert two.send(SALES)[0] == 250
    (letter,) = two.arrived()
    assert letter.endswith(LETTER.encode())
    assert re.fullmatch(r"SRS0=\w{8}=\w\w=sender\.example=eve@example\.org", return_path(letter))
    assert b"\r\nDelivered-To: sales@example.org\r\nReceived: from mail.sender.example" in letter


def test_what_fails_there_is_told_to_whom_it_is_from(two: Two) -> None:
    two.send_on("nobody@far.example")
    assert two.send(SALES)[0] == 250
    (report,) = two.for_eve()
    assert return_path(report) == "" and b"\r\nTo: <SRS0=" in report
    assert b"Original-Recipient: rfc822;sales@example.org\r\nFinal-Recipient: rfc822; nobody@far.example\r\n" in report
    assert b"    (you wrote to sales@example.org, which sends its letters on)\r\n" in report
    assert two.waiting() == []


def test_a_report_from_further_on_finds_its_way_back(two: Two) -> None:
    two.send_on(FAR)
    two.send(SALES)
    back = return_path(two.arrived()[0])
    report = "From: mailer-daemon@far.example\r\nSubject: Not delivered\r\n\r\nSorry.\r\n"
    assert two.send(back, sender="", letter=report)[0] == 250
    assert two.send(back.lower(), sender="", letter=report)[0] == 250, "servers on the way may change the case"
    first, _ = two.for_eve(2)
    assert return_path(first) == "" and first.endswith(report.encode())

    code, text = two.send(back)
    assert (code, text.startswith(b"5.7.1 That address takes reports")) == (550, True), "no relay for everybody"
    forged = back.replace("sender.example", "victim.example")
    assert two.send(forged, sender="", letter=report)[0] == 550, "nobody else is written to"


def test_a_copy_here_and_one_elsewhere(two: Two) -> None:
    two.send_on(FAR, address=ADA)
    two.send_on(FAR)
    assert two.send(ADA, SALES, BOB)[0] == 250
    assert len(two.arrived()) == 1, "who is behind two of the addresses gets it once"
    assert len(inbox(two.here, ADA)) == len(inbox(two.here, BOB)) == 1


def test_what_is_refused_goes_nowhere(two: Two) -> None:
    two.send_on(FAR, address=ADA)
    limit(two.here, ADA, size=10)
    assert two.send(ADA, words=f"SIZE={len(LETTER)}")[0] == 552
    two.send_on(FAR)
    assert two.send(SALES, letter="Received: x\r\n" * 60 + LETTER)[0] == 554
    assert two.waiting() == [] and inbox(two.there, "ada@far.example") == [] == two.arrived(count=0)


def test_a_circle_ends(two: Two) -> None:
    two.send_on(FAR)
    code, text = two.send(SALES, letter=f"Delivered-To: Sales@example.org\r\n{LETTER}")
    assert (code, text) == (
        554,
        b"5.4.6 sales@example.org has sent this message on before: it goes round in circles",
    )
    store = store_of(two.here)
    for one, other in (("a@example.org", "b@example.org"), ("b@example.org", "a@example.org")):
        store.run(forward.add, one, other)
    assert two.send("a@example.org")[0] == 550, "a circle among our own addresses leads to nobody"
    two.send_on(FAR, address="b@example.org")
    assert two.send("a@example.org")[0] == 250
    assert len(two.arrived()) == 1


@pytest.mark.parametrize(
    ("targets", "notify", "handed_on", "told"),
    [
        (["x@later.example"], "SUCCESS,DELAY", "DELAY,SUCCESS", b""),  # RFC 3461 §5.2.7.2
        (["x@later.example", "y@later.example"], "SUCCESS,DELAY", "DELAY", b"Action: expanded\r\n"),  # §5.2.7.3 (c)
        (["x@later.example", "y@later.example"], "SUCCESS", "NEVER", b"Action: expanded\r\n"),
        (["x@later.example", "y@later.example"], "", "", b""),
    ],
)
def test_what_was_asked_about_reports(two: Two, targets: list[str], notify: str, handed_on: str, told: bytes) -> None:
    two.send_on(*targets)
    store = store_of(two.here)
    words = f"NOTIFY={notify} ORCPT=rfc822;sales@example.org" if notify else ""
    assert two.send(SALES, words="RET=HDRS ENVID=e1", rcpt=words)[0] == 250
    rows = store.look(
        lambda tx: tx.all(
            "SELECT r.notify, r.orcpt, l.ret, l.envid FROM outgoing_recipient r JOIN outgoing l ON l.id = r.letter_id"
            " WHERE l.sender <> ''"
        )
    )
    orcpt = "rfc822;sales@example.org"
    assert rows == [(handed_on, orcpt, "HDRS", "e1")] * len(targets)
    reports = two.for_eve(bool(told))
    assert len(reports) == bool(told)
    for report in reports:
        assert told in report and b"Final-Recipient: rfc822; sales@example.org\r\n" in report


def test_our_own_people_write_to_it_too(two: Two) -> None:
    two.send_on(FAR)
    with smtplib.SMTP_SSL(two.here.host, two.here.port("submissions"), context=two.here.tls) as client:
        client.login(ADA, PASSWORDS[ADA])
        client.sendmail(ADA, [SALES], f"From: {ADA}\r\nSubject: x\r\n\r\nx\r\n")
        client.docmd(f"MAIL FROM:<{ADA}> HOLDFOR=1")
        client.rcpt(SALES)
        client.data(f"From: {ADA}\r\nSubject: later\r\n\r\nx\r\n")
    assert [return_path(one) for one in two.arrived(count=2)] == [ADA, ADA], "whose domain lets us send"


def test_a_report_has_no_sender_on_the_way_either(two: Two) -> None:
    two.send_on(FAR)
    assert two.send(SALES, sender="")[0] == 250
    assert return_path(two.arrived()[0]) == ""


def test_a_sender_whose_address_is_too_long(two: Two) -> None:
    """RFC 5321 §4.5.3.1.1: 64 octets; some servers take no more. A word stands for it, and for as long as a report may
    come back.
    """
    newsletter = f"issue-{'0123456789' * 4}-ann@sender.example"
    add_alias(two.there, newsletter, "ada@far.example")
    two.send_on(FAR)
    assert two.send(SALES, sender=newsletter)[0] == 250
    (letter,) = two.arrived()
    ours = return_path(letter)
    assert re.fullmatch(r"SRS0=\w{8}=\w\w=kept\.invalid=\w{16}@example\.org", ours)

    def returns_to(later: int) -> tuple[str, ...]:
        def look(tx: Tx) -> tuple[str, ...]:
            tx.now += later
            return lookup(tx, parse_mailbox(ours.upper()), "x.test", 0).targets

        return store_of(two.here).run(look)

    assert returns_to(0) == (newsletter,), "servers on the way may change the case"
    assert returns_to(22 * 86_400) == ()
    run = store_of(two.here).run
    again = run(in_our_name, newsletter, "example.org")
    assert again.rpartition("=")[2] == ours.rpartition("=")[2], "one row for all its letters"
    other = run(in_our_name, "SRS1=HASH=" + "x" * 90 + "@far.example", "example.org")
    assert len(other.partition("@")[0]) <= 64, "another forwarder's"


def test_what_fails_is_told_to_a_sender_with_a_long_address(two: Two) -> None:
    newsletter = f"issue-{'0123456789' * 4}-ann@sender.example"
    add_alias(two.there, newsletter, "ada@far.example")
    two.send_on("nobody@far.example")
    assert two.send(SALES, sender=newsletter)[0] == 250
    (report,) = two.for_eve()
    assert b"\r\nTo: <SRS0=" in report and b"kept.invalid" in report


@pytest.mark.parametrize(
    ("outcome", "status", "notify", "told"),
    [
        (Outcome.FAILED, "5.1.1", "", True),
        (Outcome.FAILED, "5.7.1", "", False),  # mostly spam, whose sender is forged
        (Outcome.FAILED, "5.7.1", "FAILURE", True),
        (Outcome.DELAYED, "4.2.2", "", False),
        (Outcome.DELAYED, "4.2.2", "DELAY", True),
        (Outcome.FAILED, "5.1.1", "NEVER", False),
    ],
)
def test_what_a_sender_from_outside_hears(outcome: Outcome, status: str, notify: str, told: bool) -> None:
    def wanted(sender: str) -> bool:
        letter = queue.Letter(1, "", b"", 0, 0, sender, 0, queue.Terms())
        return bounce.wanted(
            letter, queue.Recipient(1, FAR, notify, None, 0, 0, False), Verdict(outcome, status, ""), now=0
        )

    assert wanted("SRS0=ABCDEFGH=AA=sender.example=eve@example.org") is told
    assert wanted(ADA) is (notify != "NEVER"), "our own people hear of everything"
    assert not wanted("")
