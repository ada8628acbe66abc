"""Whom the server believes about who asks, and what it answers over a line that isn't private."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import httpx2
import pytest
from starlette.testclient import TestClient

from posthouse.web.app import application
from posthouse.web.desk import Desk
from web_browser import SETTINGS, Web

PROXY = replace(
    SETTINGS, proxies=(ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("127.0.0.1")), https_port=8443
)


def ask(web: Web, client: str, *, base: str = "http://mail.example.org", **headers: str) -> httpx2.Response:
    """One request for the form to log in."""
    desk = Desk(web.store, web.desk.check, PROXY)
    browser = TestClient(application(desk), base_url=base, client=(client, 1), follow_redirects=False)
    return browser.get("/login", headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_plain_http_is_led_to_https(web: Web) -> None:
    response = ask(web, "192.0.2.1")
    assert (response.status_code, response.headers["location"]) == (308, "https://mail.example.org:8443/login")


def test_what_anybody_could_write_is_not_believed(web: Web) -> None:
    assert ask(web, "192.0.2.1", x_forwarded_proto="https", x_forwarded_for="127.0.0.1").status_code == 308


def test_a_proxy_is_believed(web: Web) -> None:
    assert ask(web, "10.1.2.3", x_forwarded_proto="https", x_forwarded_for="192.0.2.1").status_code == 200
    assert ask(web, "10.1.2.3", x_forwarded_proto="http", x_forwarded_for="192.0.2.1").status_code == 308


@pytest.mark.parametrize(
    ("listed", "who"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("127.0.0.1, 192.0.2.1", "192.0.2.1"),  # the first one is what the browser itself wrote
        ("192.0.2.1, 10.9.9.9", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("nonsense", "10.1.2.3"),
        ("", "10.1.2.3"),
    ],
)
def test_who_is_behind_it(web: Web, listed: str, who: str) -> None:
    desk = Desk(web.store, web.desk.check, PROXY)
    browser = TestClient(application(desk), base_url="http://mail.example.org", client=("10.1.2.3", 1))
    browser.post(
        "/login",
        data={"address": "ada@example.org", "password": "x"},
        headers={"x-forwarded-for": listed, "x-forwarded-proto": "https", "sec-fetch-site": "same-origin"},
    )
    assert web.attempts == [(who, "ada@example.org")]


def test_a_proxy_on_this_machine_that_nobody_named(web: Web) -> None:
    desk = Desk(web.store, web.desk.check, SETTINGS)
    browser = TestClient(application(desk), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    assert browser.get("/login").status_code == 200
    refused = browser.get("/login", headers={"x-forwarded-for": "192.0.2.1"})
    assert refused.status_code == 403
    assert "[web] proxies" in refused.text


def test_no_https_to_be_led_to(web: Web) -> None:
    desk = Desk(web.store, web.desk.check, SETTINGS)
    browser = TestClient(application(desk), base_url="http://mail.example.org", client=("192.0.2.1", 1))
    assert browser.get("/login", follow_redirects=False).status_code == 403
