"""One account has so many conversations, and no more."""

from __future__ import annotations

import imaplib
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live

ADA, BOB = PASSWORDS


def login(house: Live, who: str) -> imaplib.IMAP4_SSL:
    client = imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls, timeout=20)
    try:
        client.login(who, PASSWORDS[who])
    except BaseException:
        client.shutdown()
        raise
    return client


def test_too_many_conversations_of_one_account(tmp_path: Path) -> None:
    with live(tmp_path, "[limits]\nconversations_per_account = 2") as house:
        first, second = login(house, ADA), login(house, ADA)
        with pytest.raises(imaplib.IMAP4.error, match=r"\[LIMIT\] .* 2 conversations open already; close some"):
            login(house, ADA)
        login(house, BOB).logout()
        second.logout()
        third = login(house, ADA)
        third.xatom("UNAUTHENTICATE")
        fourth = login(house, ADA)
        for client in (first, third, fourth):
            client.logout()
