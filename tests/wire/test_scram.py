"""SCRAM: RFC 5802, RFC 7677; channel binding as in RFC 5802 §6."""

from __future__ import annotations

from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError
from posthouse.wire import scram
from posthouse.wire.sasl import Challenge, Credentials, Identity
from posthouse.wire.scram import MAX_MESSAGE, Channel, Keys, KeysWanted, ScramExchange, make_keys, pretended_keys

SALT = b"0123456789abcdef"
KEYS = make_keys("sha256", "p\N{LATIN SMALL LETTER A WITH DIAERESIS}ss, word", SALT, 4096)
ADA = Credentials("ada=lovelace,x", "pa\N{COMBINING DIAERESIS}ss, word")
HERE = Channel("c" * 18)
THERE = Channel("s" * 18)
BOUND = {"tls-exporter": b"exported", "tls-server-end-point": b"certificate"}


def talk(
    client_channel: Channel = HERE,
    server_channel: Channel = THERE,
    *,
    plus: bool = False,
    credentials: Credentials = ADA,
    keys: Keys = KEYS,
) -> Identity:
    """A client and a server, and nobody between them."""
    client = scram.client("sha256", credentials, client_channel, plus=plus)
    server = scram.server("sha256", next(client), server_channel, plus=plus)
    assert isinstance(next(server), KeysWanted)
    step = server.send((keys,))
    try:
        while True:
            assert isinstance(step, Challenge)
            answer = client.send(step.data)
            assert answer is not None
            step = server.send(answer)
    except StopIteration as stop:
        identity: Identity = stop.value
        with pytest.raises(StopIteration):
            client.send(b"")
        return identity


@pytest.mark.parametrize(
    ("digest", "salt", "nonces", "messages"),
    [
        (
            "sha1",
            "QSXCR+Q6sek8bf92",
            ("fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"),
            [
                "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
                "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
                "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ],
        ),
        (
            "sha256",
            "W22ZaJ0SNY7soEsUEjb6gQ==",
            ("rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
            [
                "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
                "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ],
        ),
    ],
    ids=["RFC 5802 §5", "RFC 7677 §3"],
)
def test_the_examples_of_the_standards(digest: str, salt: str, nonces: tuple[str, str], messages: list[str]) -> None:
    first, server_first, final, server_final = (message.encode() for message in messages)
    client = scram.client(digest, Credentials("user", "pencil"), Channel(nonces[0]), plus=False)
    assert next(client) == first
    assert client.send(server_first) == final
    assert client.send(server_final) == b""

    server = scram.server(digest, first, Channel(nonces[1]), plus=False)
    assert next(server) == KeysWanted("user", digest)
    assert server.send((make_keys(digest, "pencil", b64decode(salt), 4096),)) == Challenge(server_first)
    assert server.send(final) == Challenge(server_final)
    with pytest.raises(StopIteration) as stop:
        server.send(b"")
    assert stop.value.value == Identity("user")


def test_names_with_commas_and_passwords_in_another_normal_form() -> None:
    assert talk() == Identity("ada=lovelace,x")


def test_acting_as_somebody_else() -> None:
    assert talk(credentials=Credentials(ADA.authcid, ADA.password, "b=b")) == Identity(ADA.authcid, "b=b")


def test_without_an_initial_response() -> None:
    server = scram.server("sha256", None, THERE, plus=False)
    assert next(server) == Challenge(b"")
    assert server.send(b"n,,n=ada,r=" + b"c" * 18) == KeysWanted("ada", "sha256")


def test_a_wrong_password_and_an_unknown_name_look_the_same() -> None:
    made_up = pretended_keys("sha256", "nobody", b"secret")
    assert made_up == pretended_keys("sha256", "nobody", b"secret")
    assert made_up != pretended_keys("sha256", "nobody else", b"secret")
    assert (len(made_up.salt), made_up.iterations) == (len(SALT), scram.ITERATIONS)
    messages = []
    for keys in (KEYS, made_up):
        with pytest.raises(LoginRefused) as refused:
            talk(credentials=Credentials("ada", "guess"), keys=keys)
        messages.append(str(refused.value))
    assert messages == ["the user name or the password is wrong"] * 2


def test_keys_do_not_show_themselves() -> None:
    assert KEYS.stored_key.hex() not in repr(KEYS)
    assert repr(KEYS.stored_key) not in repr(KEYS)


# -- channel binding -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BOUND)
def test_a_login_bound_to_its_connection(name: str) -> None:
    assert talk(Channel("c" * 18, {name: BOUND[name]}), Channel("s" * 18, BOUND), plus=True) == Identity(ADA.authcid)


def test_a_login_that_was_carried_to_another_connection() -> None:
    """Somebody in the middle, with a certificate that the client believes, hands the messages on."""
    with pytest.raises(LoginRefused, match="does not belong to this connection"):
        talk(Channel("c" * 18, {"tls-exporter": b"another"}), Channel("s" * 18, BOUND), plus=True)


def test_a_binding_that_the_server_does_not_know() -> None:
    with pytest.raises(LoginRefused, match="tls-unique"):
        talk(Channel("c" * 18, {"tls-unique": b"x"}), Channel("s" * 18, BOUND), plus=True)


def test_a_list_of_mechanisms_that_somebody_shortened_is_noticed() -> None:
    """RFC 5802 §6: the client can bind, and was told that the server can't."""
    bound = Channel("c" * 18, BOUND)
    with pytest.raises(LoginRefused, match="changed the list"):
        talk(bound, Channel("s" * 18, BOUND))
    assert talk(bound, THERE) == Identity(ADA.authcid)
    assert talk(HERE, Channel("s" * 18, BOUND)) == Identity(ADA.authcid)


@pytest.mark.parametrize(
    ("first", "plus"), [(b"n,,n=a,r=x", True), (b"y,,n=a,r=x", True), (b"p=tls-exporter,,n=a,r=x", False)]
)
def test_the_flag_fits_the_mechanism(first: bytes, plus: bool) -> None:
    with pytest.raises(RemoteProtocolError):
        next(scram.server("sha256", first, Channel("s" * 18, BOUND), plus=plus))


def test_a_client_without_bindings_can_not_bind() -> None:
    with pytest.raises(LocalProtocolError):
        next(scram.client("sha256", ADA, HERE, plus=True))


# -- what is not allowed ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n=ada,r=x",
        b"n,,r=x,n=ada",
        b"n,,m=x,n=ada,r=x",
        b"x,,n=ada,r=x",
        b"n,,n=,r=x",
        b"n,,n=ada,r=",
        b"n,,n=a=2Xb,r=x",
        b"n,,n=a=b,r=x",
        b"n,b=x,n=ada,r=x",
        b"n,,n=ada,r=x\x00",
        b"n,,n=ada,r=x y",
        b"n,,n=\xff,r=x",
        b"n,,n=ada,r=" + b"x" * MAX_MESSAGE,
    ],
)
def test_first_messages_that_are_none(message: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        next(scram.server("sha256", message, THERE, plus=False))


@pytest.mark.parametrize("name", ["\x07", "\N{ARABIC LETTER ALEF}1", "\N{SOFT HYPHEN}"])
def test_names_that_can_not_be_prepared(name: str) -> None:
    with pytest.raises(LoginRefused):
        next(scram.server("sha256", f"n,,n={name},r=x".encode(), THERE, plus=False))


def to_the_final() -> tuple[ScramExchange[Identity], bytes]:
    """A server that waits for the client's final message, and the right one."""
    client = scram.client("sha256", ADA, HERE, plus=False)
    server = scram.server("sha256", next(client), THERE, plus=False)
    next(server)
    step = server.send((KEYS,))
    assert isinstance(step, Challenge)
    final = client.send(step.data)
    assert final is not None
    return server, final


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (b"c=biws", b"c=eSws", LoginRefused),  # "y,,": not what the first message said
        (b"c=biws", b"c=biw", RemoteProtocolError),
        (b"c=biws,", b"", RemoteProtocolError),
        (b"sss,p=", b"sst,p=", LoginRefused),
        (b"sss,p=", b"sss,x=y,p=", LoginRefused),  # an extension is allowed, and signed
        (b",p=", b",p=AAAA,q=", RemoteProtocolError),
        (b",p=", b",p=AAAA", LoginRefused),
        (b"=", b"\xff", RemoteProtocolError),
    ],
)
def test_final_messages_that_prove_nothing(old: bytes, new: bytes, error: type[Exception]) -> None:
    server, final = to_the_final()
    with pytest.raises(error):
        server.send(final.replace(old, new))


def test_an_answer_to_another_exchange_is_told_from_a_wrong_password() -> None:
    server, final = to_the_final()
    with pytest.raises(LoginRefused, match="does not belong to this connection"):
        server.send(final.replace(b"sss,p=", b"sst,p="))


def test_a_short_proof_is_refused() -> None:
    server, final = to_the_final()
    with pytest.raises(LoginRefused):
        server.send(final[: final.index(b",p=")] + b",p=")


def test_the_servers_proof_is_answered_with_nothing() -> None:
    server, final = to_the_final()
    server.send(final)
    with pytest.raises(RemoteProtocolError):
        server.send(b"thanks")


def test_questions_want_answers_of_their_kind() -> None:
    server = scram.server("sha256", b"n,,n=ada,r=x", THERE, plus=False)
    next(server)
    with pytest.raises(LocalProtocolError):
        server.send(b"keys")
    server = scram.server("sha256", None, THERE, plus=False)
    next(server)
    with pytest.raises(LocalProtocolError):
        server.send((KEYS,))


@pytest.mark.parametrize("nonce", ["", "x" * 17, "x" * 17 + ",", "x" * 17 + " ", "x" * 17 + "ü"])
def test_a_nonce_can_not_be_weak(nonce: str) -> None:
    with pytest.raises(LocalProtocolError):
        Channel(nonce)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"r=" + b"c" * 18 + b",s=AAAA,i=4096",  # nothing of the server in the nonce
        b"r=" + b"x" * 36 + b",s=AAAA,i=4096",
        b"r=" + b"c" * 18 + b"s,s=AAA,i=4096",
        b"r=" + b"c" * 18 + b"s,s=AAAA,i=4095",
        b"r=" + b"c" * 18 + b"s,s=AAAA,i=1000001",
        b"r=" + b"c" * 18 + b"s,s=AAAA,i=0",
        b"m=x,r=" + b"c" * 18 + b"s,s=AAAA,i=4096",
        b"e=other-error",
    ],
)
def test_a_server_that_breaks_the_rules(message: bytes) -> None:
    client = scram.client("sha256", ADA, HERE, plus=False)
    next(client)
    with pytest.raises(RemoteProtocolError):
        client.send(message)


@pytest.mark.parametrize("message", [b"", b"v=", b"v=AAAA", b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="])
def test_a_server_that_can_not_prove_itself(message: bytes) -> None:
    client = scram.client("sha256", ADA, HERE, plus=False)
    next(client)
    client.send(b"r=" + b"c" * 18 + b"s,s=AAAA,i=4096")
    with pytest.raises(RemoteProtocolError):
        client.send(message)


def test_a_server_that_says_no_within_the_dialogue() -> None:
    """RFC 5802 §7."""
    client = scram.client("sha256", ADA, HERE, plus=False)
    next(client)
    client.send(b"r=" + b"c" * 18 + b"s,s=AAAA,i=4096")
    with pytest.raises(LoginRefused):
        client.send(b"e=invalid-proof")


PIECES = st.sampled_from(
    [b"n,,", b"n=ada", b"r=x", b",", b"=", b"p=tls-exporter", b"c=biws", b"\xff", b"m=", b"=2C", b"y"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=8), st.lists(PIECES, max_size=8), st.booleans())
def test_any_messages_give_a_refusal(first: list[bytes], final: list[bytes], plus: bool) -> None:
    server = scram.server("sha256", b"".join(first), Channel("s" * 18, BOUND), plus=plus)
    with pytest.raises((LoginRefused, RemoteProtocolError)):
        next(server)
        server.send((KEYS,))
        server.send(b"".join(final))
