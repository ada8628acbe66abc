"""A full mailbox: each door says so in its own words, and nobody else's letter waits for it."""

from __future__ import annotations

import imaplib
import smtplib

from live import PASSWORDS, Live
from posthouse.store import account, quota

ADA, BOB, EVE = "ada@example.org", "bob@example.org", "eve@elsewhere.example"
LETTER = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"


def limit(house: Live, address: str, *, size: int | None = None, messages: int | None = None) -> None:
    assert house.server.house is not None
    store = house.server.house.store
    store.run(quota.set_limits, store.look(account.existing, address).id, size=size, messages=messages)


def count(house: Live, address: str) -> int:
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login(address, PASSWORDS[address])
        return int(client.select("INBOX")[1][0] or b"0")


def test_smtp_refuses_the_full_one_and_takes_the_letter_for_the_others(posthouse: Live) -> None:
    limit(posthouse, ADA, messages=1)
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        assert client.sendmail(EVE, [ADA, BOB], LETTER) == {}
        refused = client.sendmail(EVE, [ADA, BOB], LETTER)
    assert refused == {ADA: (452, b"4.2.2 The mailbox is full; please try again later")}
    assert (count(posthouse, ADA), count(posthouse, BOB)) == (1, 2)


def test_smtp_refuses_for_good_what_will_never_fit(posthouse: Live) -> None:
    limit(posthouse, ADA, size=100)
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.ehlo()
        client.mail(EVE, ["SIZE=101"])
        assert client.rcpt(ADA)[0] == 552, "the declared size is looked at"
        client.rset()
        client.mail(EVE)
        assert client.rcpt(ADA)[0] == 250
        code, text = client.data(LETTER)
    assert (code, text[:5]) == (552, b"5.2.2")
    assert count(posthouse, ADA) == 0


def test_imap_says_overquota(posthouse: Live) -> None:
    limit(posthouse, ADA, messages=0)
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(ADA, PASSWORDS[ADA])
        status, data = client.append("INBOX", "", "", LETTER)
        assert (status, data[0].startswith(b"[OVERQUOTA]")) == ("NO", True), data
        assert client.noop()[0] == "OK"
