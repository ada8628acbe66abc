"""SASL: each mechanism as a dialogue, from both sides; RFC 4422, 4616, 4954 §4."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError
from posthouse.wire.sasl import (
    MAX_FIELD,
    Challenge,
    ClientExchange,
    Credentials,
    Identity,
    ServerExchange,
    decode_base64,
    encode_base64,
    login_client,
    login_server,
    plain_client,
    plain_server,
)

ADA = Credentials("ada@example.org", "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ss word")


def finish(exchange: ServerExchange[Identity], answer: bytes | bool) -> Identity:
    with pytest.raises(StopIteration) as stop:
        exchange.send(answer)
    identity: Identity = stop.value.value
    return identity


def test_plain_with_an_initial_response() -> None:
    exchange = plain_server(b"\0ada@example.org\0p\xc3\xa4ss word")
    assert next(exchange) == ADA
    assert finish(exchange, True) == Identity("ada@example.org")


def test_plain_without_an_initial_response() -> None:
    exchange = plain_server(None)
    assert next(exchange) == Challenge(b"")
    assert exchange.send(b"bob\0ada\0secret") == Credentials("ada", "secret", "bob")
    assert finish(exchange, True) == Identity("ada", "bob")


@pytest.mark.parametrize("initial", [None, b"ada"])
def test_login(initial: bytes | None) -> None:
    exchange = login_server(initial)
    step = next(exchange)
    if initial is None:
        assert step == Challenge(b"Username:")
        step = exchange.send(b"ada")
    assert step == Challenge(b"Password:")
    assert exchange.send(b"secret") == Credentials("ada", "secret")
    assert finish(exchange, True) == Identity("ada")


def test_a_wrong_password_is_refused_without_saying_what_was_wrong() -> None:
    exchange = plain_server(b"\0ada\0guess")
    next(exchange)
    with pytest.raises(LoginRefused, match="user name or the password is wrong"):
        exchange.send(False)


@pytest.mark.parametrize(
    "message", [b"", b"ada\0secret", b"\0ada\0secret\0", b"\0\xff\0secret", b"\0ada\0\xed\xa0\x80"]
)
def test_what_plain_does_not_allow(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        next(plain_server(message))


@pytest.mark.parametrize("message", [b"\0\0secret", b"\0ada\0", b"\0ada\0" + b"x" * (MAX_FIELD + 1), b"\0\0"])
def test_what_can_not_be_a_login(message: bytes) -> None:
    with pytest.raises(LoginRefused):
        next(plain_server(message))


def test_login_checks_its_fields_as_well() -> None:
    for name, password, error in [
        (b"\xff", b"x", RemoteProtocolError),
        (b"", b"x", LoginRefused),
        (b"ada", b"a\0b", LoginRefused),
    ]:
        exchange = login_server(name)
        next(exchange)
        with pytest.raises(error):
            exchange.send(password)


def test_a_question_wants_an_answer_of_its_kind() -> None:
    exchange = plain_server(None)
    next(exchange)
    with pytest.raises(LocalProtocolError):
        exchange.send(True)
    exchange = plain_server(b"\0ada\0secret")
    next(exchange)
    with pytest.raises(LocalProtocolError):
        exchange.send(b"yes")


@pytest.mark.parametrize(("begin", "answer"), [(plain_client, plain_server), (login_client, login_server)])
def test_client_and_server_understand_each_other(
    begin: Callable[[Credentials], ClientExchange], answer: Callable[[bytes | None], ServerExchange[Identity]]
) -> None:
    client = begin(ADA)
    server = answer(next(client))
    step = next(server)
    while isinstance(step, Challenge):
        response = client.send(step.data)
        assert response is not None
        step = server.send(response)
    assert step == ADA
    assert finish(server, True) == Identity(ADA.authcid)


@pytest.mark.parametrize(
    "fields", [("", "x", ""), ("a", "", ""), ("a\0", "x", ""), ("a", "\udcff", ""), ("a", "x", "b\0")]
)
def test_credentials_can_not_be_wrong(fields: tuple[str, str, str]) -> None:
    with pytest.raises(LoginRefused):
        Credentials(*fields)


def test_a_password_does_not_show_itself() -> None:
    assert "secret" not in repr(Credentials("ada", "secret"))


@pytest.mark.parametrize(
    "text",
    [
        b"=",
        b"=AAA",
        b"AAA=BBB",
        b"AA",
        b"AAAA=",
        b"AA==\n",
        b"A A A",
        b"AAA*",
        b"AA==AA==",
        b"AAAA====",
        b"====",
        b"AAA=\n",
    ],
)
def test_base64_is_taken_by_its_word(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_base64(text)


@given(st.binary(max_size=50))
def test_base64_goes_round(data: bytes) -> None:
    assert decode_base64(encode_base64(data)) == data


@given(
    st.binary(max_size=40), st.lists(st.binary(max_size=20), max_size=3), st.sampled_from([plain_server, login_server])
)
def test_any_responses_give_a_question_or_a_refusal(
    initial: bytes, responses: list[bytes], begin: Callable[[bytes], ServerExchange[Identity]]
) -> None:
    exchange = begin(initial)
    try:
        step = next(exchange)
        for response in responses:
            if isinstance(step, Credentials):
                break
            step = exchange.send(response)
    except (LoginRefused, RemoteProtocolError):
        pass
