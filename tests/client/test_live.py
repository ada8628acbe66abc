"""The client library against this project's own server: real sockets, real TLS, a real store."""

from __future__ import annotations

from typing import Any

import pytest

from faced import Faced
from live import PASSWORDS, Live
from posthouse.client.query import Q
from posthouse.client.summary import ITEMS, summary
from posthouse.errors import LoginRefused, SmtpRefused


def account(face: Faced, server: Live, address: str, password: str = "") -> Any:
    return face.patient(
        face.module.Account(
            address,
            password=password or PASSWORDS[address],
            smtp=f"smtp://localhost:{server.port('submission')}",
            imap=f"imap://localhost:{server.port('imap')}",
            context=server.tls,
        )
    )


def test_sent_kept_found_and_listed(face: Faced, posthouse: Live) -> None:
    ada = account(face, posthouse, "ada@example.org")
    receipts = [
        ada.send("bob@example.org", f"Tee um {hour} ☕", ".\nBis dann!", cc="ada@example.org") for hour in range(3)
    ]
    ada.close()
    assert {receipt.copy for receipt in receipts} == {"Sent"}
    assert all(receipt.accepted == ("bob@example.org", "ada@example.org") for receipt in receipts)

    box = face.imap(f"imaps://localhost:{posthouse.port('imaps')}", context=posthouse.tls)
    box.login("bob@example.org", PASSWORDS["bob@example.org"])
    box.select("INBOX", read_only=True)
    subjects = [summary(one).subject for one in box.newest(ITEMS)]
    assert subjects == ["Tee um 2 ☕", "Tee um 1 ☕", "Tee um 0 ☕"]
    found = [summary(one).subject for one in box.newest(ITEMS, Q.unread & Q.from_("ada") & Q.subject("1 ☕"))]
    assert found == ["Tee um 1 ☕"]
    assert box.search("from:eve") == []
    box.close()


def test_what_the_server_refuses(face: Faced, posthouse: Live) -> None:
    with pytest.raises(LoginRefused, match=r"refused the login of ada@example\.org"):
        account(face, posthouse, "ada@example.org", "wrong").login()
    ada = account(face, posthouse, "ada@example.org")
    with pytest.raises(SmtpRefused, match=r"nobody@example\.org was refused: 550 5\.1\.1"):
        ada.send("nobody@example.org", "Tea")
    assert ada.send("bob@example.org", "Tea", "At five?").accepted
    ada.close()


def test_many_letters_on_one_connection(face: Faced, posthouse: Live) -> None:
    client = face.smtp(f"submissions://localhost:{posthouse.port('submissions')}", context=posthouse.tls)
    client.login("ada@example.org", PASSWORDS["ada@example.org"])
    letters = [("ada@example.org", ["bob@example.org"], b"Subject: %d\n\n.dots\n..more\n" % n) for n in range(30)]
    assert sum(len(result.accepted) for result in client.send_many(letters)) == 30
    client.close()
    assert len(posthouse.letters()) == 30
    assert b"\r\n\r\n.dots\r\n..more\r\n" in posthouse.letters()[0].read_bytes()
