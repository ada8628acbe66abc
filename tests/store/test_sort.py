"""Order: what is ready after an upgrade is what is ready after a delivery."""

from __future__ import annotations

from pathlib import Path

from posthouse.store import ordering, schema
from posthouse.store.engine import Store, Tx
from posthouse.store.sqlite import Sqlite
from store_helpers import House, letter, only_sqlite

LETTERS = (
    letter("Re: [list] Fünf (fwd)", sender="=?utf-8?q?J=C3=BCrgen?= <j@x.org>"),
    letter("x", sender="friends: a@x.org, b@x.org;").replace(b"MIME-V", b"References: <a@b>\r\n\t<c@d>\r\nMIME-V"),
    letter("", sender='"Doe, Jane" <jane@x.org>').replace(b"MIME-V", b"In-Reply-To: <a@b> <c@d>\r\nMIME-V"),
    letter("y").replace(b"14 Nov", b"99 Nov"),
)


def rows(tx: Tx) -> list[tuple[object, ...]]:
    return tx.all("SELECT * FROM ordering ORDER BY message_id")


@only_sqlite
def test_an_older_store_is_filled(store: Store, tmp_path: Path) -> None:
    house = House(store)
    inbox = house.box(house.account())
    for raw in LETTERS:
        house.append(inbox, raw=raw)
    before = store.look(rows)
    data = store.data
    store.close()
    connection = Sqlite(data).connect()
    connection.begin()
    connection.execute("DELETE FROM ordering", {})
    ordering.fill(connection)
    connection.commit()
    connection.close()
    store = Store.open(data)
    assert len(before) == len(LETTERS) and store.look(rows) == before
    store.close()
    assert schema.FILLS[5] is ordering.fill
