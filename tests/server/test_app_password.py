"""App passwords at the doors: they open what they are for, until they are taken back."""

from __future__ import annotations

import imaplib
import smtplib

from live import PASSWORDS, Live
from posthouse.store import account, app_password

ADA = "ada@example.org"


def imap_takes(house: Live, password: str, user: str = ADA) -> bool:
    with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
        try:
            client.login(user, password)
        except imaplib.IMAP4.error:
            return False
        return True


def smtp_takes(house: Live, password: str) -> bool:
    with smtplib.SMTP_SSL(house.host, house.port("submissions"), context=house.tls) as client:
        try:
            client.login(ADA, password)
        except smtplib.SMTPAuthenticationError:
            return False
        return True


def test_they_open_the_doors_they_are_for(posthouse: Live) -> None:
    assert posthouse.server.house is not None
    store = posthouse.server.house.store
    ada = store.look(account.existing, ADA).id
    everywhere, reading = app_password.generate(), app_password.generate()
    store.run(app_password.add, ada, "laptop", app_password.digest(everywhere))
    store.run(app_password.add, ada, "phone", app_password.digest(reading), ["imap"])

    assert (imap_takes(posthouse, everywhere), smtp_takes(posthouse, everywhere)) == (True, True)
    assert (imap_takes(posthouse, reading), smtp_takes(posthouse, reading)) == (True, False)
    assert imap_takes(posthouse, reading.replace("-", " ").upper()), "as people copy it"
    assert not imap_takes(posthouse, reading, "bob@example.org"), "one account's password opens no other"
    assert not imap_takes(posthouse, reading[:-1])
    assert imap_takes(posthouse, PASSWORDS[ADA]), "the account's own password stays"
    assert all(one.used is not None for one in store.look(app_password.list_all, ada))

    store.run(app_password.remove, ada, "phone")
    assert not imap_takes(posthouse, reading)


def test_what_is_kept_opens_nothing(posthouse: Live) -> None:
    assert posthouse.server.house is not None
    store = posthouse.server.house.store
    kept = app_password.digest(app_password.generate())
    store.run(app_password.add, store.look(account.existing, ADA).id, "laptop", kept)
    assert not imap_takes(posthouse, kept)


def test_generated_ones_differ_and_are_long() -> None:
    made = {app_password.generate() for _ in range(100)}
    assert len(made) == 100
    assert {len(one.replace("-", "")) for one in made} == {20}
