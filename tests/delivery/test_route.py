"""Which way a letter goes."""

from __future__ import annotations

import pytest

from posthouse.delivery.pace import Pace
from posthouse.delivery.route import Routes
from posthouse.errors import ConfigError

ROUTES = (
    ("lists.example.org", "lmtp://127.0.0.1:8024"),
    ("*.internal.example", "smtp://10.0.0.7:25?tls=none"),
    ("from:bob@example.org", "submissions://bob@example.org@smtp.example.net"),
    ("from:example.net", "submissions://smtp.example.net"),
    ("bücher.example", "mx"),
)
SMARTHOST = "submissions://ada@smtp.example.com"


@pytest.mark.parametrize(
    ("sender", "domain", "key"),
    [
        ("ada@example.org", "lists.example.org", "lmtp://127.0.0.1:8024?tls=none"),
        ("ada@example.org", "a.b.internal.example", "smtp://10.0.0.7:25?tls=none"),
        ("ada@example.org", "internal.example", "smtp://ada@smtp.example.com:465?tls=implicit"),
        ("Bob@example.org", "far.example", "smtp://bob@example.org@smtp.example.net:465?tls=implicit"),
        ("eve@example.net", "far.example", "smtp://smtp.example.net:465?tls=implicit"),
        ("", "far.example", "smtp://ada@smtp.example.com:465?tls=implicit"),
        ("ada@example.org", "bücher.example", "bücher.example"),
    ],
)
def test_the_first_route_that_fits(sender: str, domain: str, key: str) -> None:
    hop = Routes(ROUTES, SMARTHOST).hop(sender, domain, False)
    assert hop.key == key
    assert hop.only_domain == (domain if key == domain else None)
    strict = Routes(ROUTES, SMARTHOST).hop(sender, domain, True)
    assert strict.key != key and strict.only_domain is None, "what may travel encrypted only goes over lines of its own"


@pytest.mark.parametrize(
    ("pattern", "target"), [("x.example", "imap://host"), ("x y.example", "mx"), ("x.example", "smtp://u:p@host")]
)
def test_what_is_no_route(pattern: str, target: str) -> None:
    with pytest.raises(ConfigError, match=r"\[relay\]"):
        Routes([(pattern, target)])


def test_so_many_letters_a_minute() -> None:
    pace = Pace(60)
    assert pace.allowed("x", 0) == 60
    pace.spend("x", 60, 0)
    assert (pace.allowed("x", 0), pace.allowed("y", 0)) == (0, 60)
    assert pace.full(0) == {"x": 1.0}
    assert pace.allowed("x", 10) == 10 and pace.full(10) == {}
    assert pace.allowed("x", 1000) == 60, "what wasn't sent isn't saved up"
    assert Pace(0).allowed("x", 0) is None
