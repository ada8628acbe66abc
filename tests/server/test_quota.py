"""A full mailbox: each door says so in its own words, and nobody else's letter waits for it."""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
from pathlib import Path
from unittest.mock import ANY

import pytest

from live import PASSWORDS, Live
from mailboxes import ADA, BOB, add_alias, eventually, inbox, store_of
from posthouse.store import account, blob, queue, quota
from posthouse.store.queue import Which

EVE = "eve@elsewhere.example"
LETTER = b"Subject: x\r\n\r\n" + b"x" * 70 + b"\r\n"
# Of these, with our lines in front, one has room and two haven't.
LARGE = LETTER + (b"y" * 70 + b"\r\n") * 20
ROOM = 3_000
# So large that its file is made before anybody is asked whether there is room.
WITH_FILE = LETTER + (b"y" * 70 + b"\r\n") * 1_000


def limit(house: Live, address: str, *, size: int | None = None, messages: int | None = None) -> None:
    store = store_of(house)
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


def send_without_size(house: Live, sender: str, *recipients: str, login: bool = False) -> tuple[int, bytes]:
    """What is said to the letter; its size wasn't declared, so that nobody was refused before."""
    with smtplib.SMTP(house.host, house.port("submission" if login else "smtp")) as client:
        client.ehlo()
        if login:
            client.starttls(context=house.tls)
            client.ehlo()
            client.login(sender, PASSWORDS[sender])
        client.mail(sender)
        for one in recipients:
            assert client.rcpt(one)[0] == 250
        return client.data(LARGE)


@pytest.mark.parametrize("login", [False, True], ids=["from elsewhere", "from one of ours"])
def test_who_has_no_room_gets_the_letter_later(posthouse: Live, login: bool) -> None:
    store = store_of(posthouse)
    limit(posthouse, ADA, size=ROOM)
    assert send_without_size(posthouse, EVE, ADA) == (250, ANY)
    code, text = send_without_size(posthouse, BOB if login else EVE, ADA, BOB, login=login)
    assert (code, text.split(b" ", 1)[0]) == (250, b"2.0.0"), text
    assert text.endswith(b"; for <ada@example.org> it waits until the mailbox has room"), text
    assert (count(posthouse, ADA), count(posthouse, BOB)) == (1, 1)
    eventually(lambda: "the mailbox is full" in str(store.look(queue.list_some, Which())))
    limit(posthouse, ADA)
    store.run(queue.retry, Which())
    eventually(lambda: count(posthouse, ADA) == 2)
    eventually(lambda: not store.look(queue.list_some, Which()))


def test_who_will_never_have_room_costs_the_sender_a_report_and_nobody_else_the_letter(posthouse: Live) -> None:
    limit(posthouse, ADA, size=100)
    assert send_without_size(posthouse, BOB, ADA, BOB)[0] == 250
    eventually(lambda: count(posthouse, BOB) == 2)
    report = next(letter for letter in inbox(posthouse, BOB) if b"multipart/report" in letter)
    assert b"Final-Recipient: rfc822; ada@example.org" in report and b"Status: 5.2.2" in report


TEAM = "team@example.org"


@pytest.mark.parametrize("also", [(), (ADA,), (BOB,)], ids=["team", "ada and team", "bob and team"])
def test_behind_one_address_each_has_room_or_not(posthouse: Live, also: tuple[str, ...]) -> None:
    """Whoever has room gets it once; whoever hasn't, once, and when there is room."""
    store = store_of(posthouse)
    for one in (ADA, BOB):
        add_alias(posthouse, TEAM, one)
    limit(posthouse, BOB, size=ROOM)
    assert send_without_size(posthouse, EVE, BOB) == (250, ANY)
    code, text = send_without_size(posthouse, EVE, *also, TEAM)
    assert code == 250 and b"waits until the mailbox has room" in text
    assert (count(posthouse, ADA), count(posthouse, BOB)) == (1, 1)
    limit(posthouse, BOB)
    store.run(queue.retry, Which())
    eventually(lambda: not store.look(queue.list_some, Which()))
    eventually(lambda: count(posthouse, BOB) == 2)
    assert count(posthouse, ADA) == 1


def test_a_small_mailbox_closes_no_address_of_several(posthouse: Live) -> None:
    for one in (ADA, BOB):
        add_alias(posthouse, TEAM, one)
    limit(posthouse, BOB, size=100)
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.ehlo()
        client.mail(ADA, ["SIZE=5000"])
        assert client.rcpt(TEAM)[0] == 250
        code, text = client.data(LARGE)
    assert (code, text.partition(b"; ")[2]) == (250, b"the mailbox of <team@example.org> is too small for it")
    eventually(lambda: count(posthouse, ADA) == 2)
    report = next(letter for letter in inbox(posthouse, ADA) if b"multipart/report" in letter)
    assert b"Final-Recipient: rfc822; bob@example.org" in report and b"Status: 5.2.2" in report
    assert b"Original-Recipient: rfc822;team@example.org" in report


def test_who_is_gone_beside_who_has_no_room(posthouse: Live) -> None:
    """What may go another time is not refused for good."""
    limit(posthouse, BOB, size=ROOM)
    assert send_without_size(posthouse, EVE, BOB) == (250, ANY)
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        client.ehlo()
        client.mail(EVE)
        assert (client.rcpt(ADA)[0], client.rcpt(BOB)[0]) == (250, 250)
        store_of(posthouse).run(account.remove, ADA)
        assert client.data(LARGE)[0] == 452


def test_where_nobody_has_room_the_sender_keeps_the_letter(posthouse: Live) -> None:
    for one in (ADA, BOB):
        limit(posthouse, one, size=ROOM)
    assert send_without_size(posthouse, EVE, ADA, BOB)[0] == 250
    code, text = send_without_size(posthouse, EVE, ADA, BOB)
    assert (code, text) == (452, b"4.2.2 The mailbox is full; please try again later")
    assert (count(posthouse, ADA), count(posthouse, BOB)) == (1, 1)
    assert not store_of(posthouse).look(queue.list_some, Which())


def test_imap_says_overquota(posthouse: Live) -> None:
    limit(posthouse, ADA, messages=0)
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(ADA, PASSWORDS[ADA])
        status, data = client.append("INBOX", "", "", LETTER)
        assert (status, data[0].startswith(b"[OVERQUOTA]")) == ("NO", True), data
        assert client.noop()[0] == "OK"


def files(house: Live) -> list[Path]:
    return list((house.config.data / "messages").rglob("*.eml"))


CLIENTS = {"smtp": smtplib.SMTP, "lmtp": smtplib.LMTP}


@pytest.mark.parametrize("door", CLIENTS)
def test_a_refused_letter_leaves_no_file(posthouse: Live, door: str) -> None:
    """Else anybody could fill the disk with letters that nobody gets."""
    assert len(WITH_FILE) > blob.SMALL
    for one in (ADA, BOB):
        limit(posthouse, one, size=ROOM)

    def send(*recipients: str) -> int:
        with contextlib.closing(CLIENTS[door](posthouse.host, posthouse.port(door))) as client:
            client.ehlo()
            client.mail(EVE)
            for one in recipients:
                assert client.rcpt(one)[0] == 250
            return client.data(WITH_FILE)[0]  # where there are more, it is the first one's

    assert send(ADA) == send(ADA, BOB) == 552
    assert files(posthouse) == []
    limit(posthouse, BOB)
    assert send(BOB, ADA) == 250
    assert len(files(posthouse)) == 1


def test_an_append_that_is_refused_leaves_no_file(posthouse: Live) -> None:
    limit(posthouse, ADA, size=ROOM)
    with imaplib.IMAP4_SSL(posthouse.host, posthouse.port("imaps"), ssl_context=posthouse.tls) as client:
        client.login(ADA, PASSWORDS[ADA])
        status, data = client.append("INBOX", "", "", WITH_FILE)
    assert status == "NO" and data[0].startswith(b"[OVERQUOTA]")
    assert files(posthouse) == []
