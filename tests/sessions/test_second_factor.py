"""An account with a second factor takes its own password in the browser only."""

from __future__ import annotations

import asyncio
from pathlib import Path

from posthouse.sessions.logins import Logins
from posthouse.store import app_password, password, second_factor
from posthouse.store.engine import Store
from store_helpers import House


def test_mail_programs_need_a_password_of_their_own(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "data")
    asyncio.run(_log_in(store))
    store.close()


async def _log_in(store: Store) -> None:
    ada = House(store).account("ada@example.org")
    store.run(lambda tx: tx.run("UPDATE account SET password = :kept", kept=password.hash_password("secret words")))
    made = app_password.generate()
    store.run(app_password.add, ada.id, "Phone", app_password.digest(made))
    logins = Logins(store)
    assert await logins.check("ada@example.org", "secret words", "imap") is not None
    store.run(second_factor.propose, ada.id)
    assert await logins.check("ada@example.org", "secret words", "imap") is not None
    store.run(lambda tx: tx.run("UPDATE second_factor SET active = 1"))
    assert await logins.check("ada@example.org", "secret words", "imap") is None
    assert await logins.check("ada@example.org", "secret words", "web") is not None
    assert await logins.check("ada@example.org", made, "imap") is not None
    for digest in ("sha256", "sha1"):
        _, owned = await logins.keys("ada@example.org", digest, "imap")
        assert all(one.noting is not None for one in owned.values())
    logins.close()
