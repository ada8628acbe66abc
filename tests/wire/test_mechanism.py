"""The mechanisms that carry no password: OAUTHBEARER (RFC 7628), XOAUTH2, EXTERNAL (RFC 4422, appendix A)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError
from posthouse.wire import external
from posthouse.wire.external import Certified
from posthouse.wire.mechanism import MECHANISMS, Needs
from posthouse.wire.oauth import Token, bearer_server, xoauth2_server
from posthouse.wire.sasl import Challenge, Identity
from posthouse.wire.scram import Channel

HERE = Channel("s" * 18)
# RFC 7628 §4.1
EXAMPLE = (
    b"n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
    b"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01"
)
TOKEN = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="


def test_the_example_of_the_standard() -> None:
    steps = bearer_server(EXAMPLE)
    assert next(steps) == Token("user@example.com", TOKEN)
    with pytest.raises(StopIteration) as stop:
        steps.send(True)
    assert stop.value.value == Identity("user@example.com")


def test_without_an_initial_response() -> None:
    steps = bearer_server(None)
    assert next(steps) == Challenge(b"")
    assert steps.send(b"n,,\1auth=bearer abc\1\1") == Token("", "abc")
    steps = xoauth2_server(None)
    assert next(steps) == Challenge(b"")
    assert steps.send(b"user=a=2C\1auth=Bearer abc\1\1") == Token("a=2C", "abc"), "names are not escaped in it"


def test_a_refusal_is_told_before_it_is_given() -> None:
    """RFC 7628 §3.2.3, §4.3."""
    steps = bearer_server(EXAMPLE, "https://id.example")
    next(steps)
    challenge = steps.send(False)
    assert isinstance(challenge, Challenge)
    assert json.loads(challenge.data) == {"status": "invalid_token", "openid-configuration": "https://id.example"}
    with pytest.raises(LoginRefused):
        steps.send(b"\1")
    steps = xoauth2_server(b"user=x\1auth=Bearer abc\1\1")
    next(steps)
    steps.send(False)
    with pytest.raises(RemoteProtocolError):
        steps.send(b"please")


@pytest.mark.parametrize("auth", ["auth=", "auth=Bearer ", "auth=Bearer x y", "auth=MAC x", "host=x"])
def test_without_a_token_it_is_told_where_there_are_some(auth: str) -> None:
    """RFC 7628 §4.3: "an empty Authorization header, which is how a client can query"."""
    steps = bearer_server(f"n,a=ada@example.org,\1{auth}\1\1".encode(), "https://id.example")
    challenge = next(steps)
    assert isinstance(challenge, Challenge)
    assert json.loads(challenge.data) == {"status": "invalid_token", "openid-configuration": "https://id.example"}
    with pytest.raises(LoginRefused):
        steps.send(b"\1")
    steps = xoauth2_server(f"user=ada\1{auth}\1\1".encode())
    assert isinstance(next(steps), Challenge)
    with pytest.raises(LoginRefused):
        steps.send(b"")


def test_names_are_escaped() -> None:
    steps = bearer_server(b"y,a=a=3Db=2Cc@x.example,\1auth=Bearer x\1\1")
    assert next(steps) == Token("a=b,c@x.example", "x")
    assert "x" not in repr(Token("", "x-secret")).replace("Token(user='')", "")


@pytest.mark.parametrize(
    "message",
    [
        b"", b"\1", b"n,,", b"n,,\1\1", b"n,,\1auth=Bearer x\1", b"n,\1auth=Bearer x\1\1", b"x,,\1auth=Bearer x\1\1",
        b"p=tls-exporter,,\1auth=Bearer x\1\1", b"n,a=,\1auth=Bearer x\1\1", b"n,a=\xff,\1auth=Bearer x\1\1",
    ],
)  # fmt: skip
def test_what_is_no_message(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        next(bearer_server(message))
    with pytest.raises(RemoteProtocolError):
        next(xoauth2_server(message.replace(b"n,,", b"user=", 1)))


def test_external() -> None:
    for initial, user in ((b"", ""), (b"ada@example.org", "ada@example.org")):
        steps = external.server(initial)
        assert next(steps) == Certified(user)
        with pytest.raises(StopIteration) as stop:
            steps.send(True)
        assert stop.value.value == Identity(user)
    steps = external.server(None)
    assert next(steps) == Challenge(b"")
    assert steps.send(b"ada") == Certified("ada")
    with pytest.raises(LoginRefused):
        steps.send(False)
    for wrong in (b"a\0b", b"\xff", b"x" * 1025):
        with pytest.raises(RemoteProtocolError):
            next(external.server(wrong))
    with pytest.raises(LocalProtocolError):
        steps = external.server(b"")
        next(steps)
        steps.send(b"yes")


def test_the_table_is_in_order() -> None:
    assert list(MECHANISMS) == [
        "EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "OAUTHBEARER",
        "XOAUTH2", "PLAIN", "LOGIN",
    ]  # fmt: skip
    assert {row.needs for row in MECHANISMS.values()} == set(Needs)


@given(st.sampled_from(list(MECHANISMS)), st.lists(st.binary(max_size=100), min_size=1, max_size=3))
def test_anything_is_understood_or_refused(name: str, messages: list[bytes]) -> None:
    steps = MECHANISMS[name].begin(messages[0], HERE)
    try:
        step = next(steps)
        for message in messages[1:]:
            if not isinstance(step, Challenge):
                return
            step = steps.send(message)
    except (RemoteProtocolError, LoginRefused):
        return
