"""HTTP over real sockets: the doors `http` and `https`, the login that all doors share, slow and hostile peers."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import httpx2
import pytest

from live import PASSWORDS, Live, live
from posthouse.web import limits

ADA = "ada@example.org"


def browser(house: Live, door: str = "https") -> httpx2.Client:
    base = f"{door}://127.0.0.1:{house.port(door)}"
    return httpx2.Client(base_url=base, verify=house.tls, headers={"sec-fetch-site": "same-origin"})


def log_in(client: httpx2.Client, password: str = PASSWORDS[ADA]) -> httpx2.Response:
    return client.post("/login", data={"address": ADA, "password": password})


def test_the_inbox_over_tls(posthouse: Live) -> None:
    with browser(posthouse) as client:
        assert client.get("/").headers["location"] == "/login"
        assert log_in(client).status_code == 303
        page = client.get("/")
        assert "Inbox" in page.text
        assert page.headers["date"].endswith("GMT")
        assert "server" not in page.headers


def test_plain_http_is_for_this_machine(posthouse: Live) -> None:
    with browser(posthouse, "http") as client:
        assert client.get("/login").status_code == 200


def test_wrong_passwords_count_as_at_every_door(tmp_path: Path) -> None:
    more = '[web]\nproxies = "127.0.0.1"\n[limits]\nfailed_logins_per_address = 3\nfailed_login_delay = 0\n'
    with live(tmp_path, more) as house, browser(house, "http") as client:
        client.headers.update({"x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.66"})
        for number in range(3):
            assert log_in(client, f"wrong {number}").status_code == 401
        refused = log_in(client)
        assert refused.status_code == 401
        assert "no more are taken from there" in refused.text
        client.headers["x-forwarded-for"] = "192.0.2.67"
        assert log_in(client).status_code == 303


def test_an_app_password_opens_no_page(posthouse: Live) -> None:
    from posthouse.store import account, app_password
    from posthouse.store.engine import Store

    secret = app_password.generate()
    store = Store.open(posthouse.config.data)
    owner = store.look(account.existing, ADA)
    store.run(app_password.add, owner.id, "phone", app_password.digest(secret))
    store.close()
    with browser(posthouse) as client:
        assert log_in(client, secret).status_code == 401


def test_a_request_that_never_ends_is_given_up(posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADER_SECONDS", 0.2)
    for beginning in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        with socket.create_connection(("127.0.0.1", posthouse.port("http")), timeout=10) as peer:
            peer.sendall(beginning)
            began = time.monotonic()
            assert peer.recv(100) == b""
            assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01 nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20 * limits.HEADER_SIZE + b"\r\n\r\n",
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http(posthouse: Live, octets: bytes) -> None:
    with socket.create_connection(("127.0.0.1", posthouse.port("http")), timeout=10) as peer:
        with contextlib.suppress(ConnectionError):  # refused before all of it was sent
            peer.sendall(octets)
        assert peer.recv(100).startswith(b"HTTP/1.1 400 ")
    with browser(posthouse, "http") as client:
        assert client.get("/login").status_code == 200


def test_a_stop_closes_what_is_silent(tmp_path: Path) -> None:
    with live(tmp_path) as house:
        peer = socket.create_connection(("127.0.0.1", house.port("http")), timeout=10)
        client = browser(house)
        client.get("/login")
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert peer.recv(100) == b""
    peer.close()
    client.close()


def test_a_page_that_waits_for_news_holds_up_no_stop(tmp_path: Path) -> None:
    with live(tmp_path) as house, browser(house) as client:
        log_in(client)
        with client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("retry: ")
            house.server._http.stop()  # type: ignore[union-attr]
            assert [line for line in lines if line.startswith("event")] == []
