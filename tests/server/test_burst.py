"""Ten thousand deliveries, and a mail program that waits with IDLE."""

from __future__ import annotations

import asyncio
import imaplib
import re
import time
from pathlib import Path

import pytest

from live import PASSWORDS, live
from posthouse.message.summary import summarize
from posthouse.store import account, change, intake, mailbox
from posthouse.store.engine import Store
from store_helpers import NOW, keep, letter

LETTERS = 10_000
AT_ONCE = 500
EXISTS = re.compile(rb"\* (\d+) EXISTS\r\n")


async def deliver(store: Store, mailbox_id: int) -> None:
    """Each letter in a write of its own, as deliveries come: the writer makes transactions of them."""
    raw = letter()
    blob, summary = keep(store, raw), summarize(raw)
    for _ in range(0, LETTERS, AT_ONCE):
        await asyncio.gather(
            *(store.write(intake.append, blob, summary, [intake.Target(mailbox_id)], NOW) for _ in range(AT_ONCE))
        )


def test_a_burst_of_deliveries_wakes_who_waits_a_few_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    hint = change.Subscription.hint

    def counted(self: change.Subscription, modseq: int) -> None:
        if self.account_id == ada.id:
            woken.append(modseq)
        hint(self, modseq)

    with live(tmp_path) as house, imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        client.login("ada@example.org", PASSWORDS["ada@example.org"])
        client.select("INBOX")
        client.send(b"a IDLE\r\n")
        assert client.readline().startswith(b"+ ")
        assert house.server.house is not None
        store = house.server.house.store
        ada = store.look(account.existing, "ada@example.org")
        inbox = store.look(mailbox.existing, ada.id, "INBOX")
        before = store.statistics().commits
        monkeypatch.setattr(change.Subscription, "hint", counted)
        began = time.monotonic()
        asyncio.run(deliver(store, inbox.id))
        commits = store.statistics().commits - before
        told: list[int] = []
        while not told or told[-1] < LETTERS:
            found = EXISTS.fullmatch(client.readline())
            assert found is not None
            told.append(int(found[1]))
            assert client.readline() == b"* %b RECENT\r\n" % found[1]
        seconds = time.monotonic() - began
        client.send(b"DONE\r\n")
        assert client.readline().startswith(b"a OK")
    assert commits <= LETTERS // 20, "the writer makes few transactions of many letters"
    assert len(woken) <= commits + len(told), "a commit is one hint, however many letters it has"
    # The time between two EXISTS doubles up to LONGEST_QUIET_SECONDS: at 0, 0.1, 0.3, 0.7, 1.5, 2.3 seconds …
    assert told == sorted(set(told))
    assert len(told) <= 5 + seconds / change.LONGEST_QUIET_SECONDS
