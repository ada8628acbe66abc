"""SCRAM (RFC 5802, RFC 7677): a login in which the password doesn't go over the line, and both sides prove themselves.

The dialogues have the form of `sasl`. A server's yields `Challenge` and, as its question, `KeysWanted`: it is answered
with the account's `Keys` (`make_keys`, at the time the password was set), several of them where several passwords fit
(`Identity.proof` tells which it was), or with `pretended_keys` where there is no such account, so that nobody can tell
the difference. With a -PLUS mechanism both sides prove as well that they see the
same TLS connection (channel binding, RFC 5056).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from posthouse.errors import LocalProtocolError, LoginRefused, RemoteProtocolError

from .sasl import Challenge, ClientExchange, Credentials, Identity, decode_base64, encode_base64
from .saslprep import saslprep

T = TypeVar("T")

# The hash of each mechanism; "-PLUS" after the name means the same with channel binding.
HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
# Octets of a message. Names and nonces are short; AUTH carries at most 9 KB.
MAX_MESSAGE = 4096
# RFC 5802 §5.1, RFC 7677 §4: at least 4096. Above, a server could make its clients count for hours; a million takes
# about a second.
MIN_ITERATIONS = 4096
MAX_ITERATIONS = 1_000_000
# RFC 7677 §4 names 4096 as the least; more costs clients time and only helps when keys were stolen.
ITERATIONS = 10_000
SALT_SIZE = 16

# RFC 5802 §7
NAME = r"(?:[^\x00=,]|=2C|=3D)+"
NONCE = r"[!-+\--~]+"
EXTENSIONS = r"(?:,[A-Za-z]=[^\x00,]+)*"
BASE64 = r"[A-Za-z0-9+/=]*"
# client-first-message = gs2-header client-first-message-bare;  gs2-header = gs2-cbind-flag "," [ authzid ] ","
# client-first-message-bare = username "," nonce ["," extensions]      ("m=" is for extensions that we don't know)
CLIENT_FIRST = re.compile(rf"((?:[ny]|p=([A-Za-z0-9.-]+)),(?:a=({NAME}))?,)(n=({NAME}),r=({NONCE}){EXTENSIONS})")
# server-first-message = nonce "," salt "," iteration-count ["," extensions]
SERVER_FIRST = re.compile(rf"r=({NONCE}),s=({BASE64}),i=([1-9][0-9]{{0,9}}){EXTENSIONS}")
# client-final-message = channel-binding "," nonce ["," extensions] "," proof
CLIENT_FINAL = re.compile(rf"(c=({BASE64}),r=({NONCE}){EXTENSIONS}),p=({BASE64})")
# server-final-message = (server-error / verifier) ["," extensions]
SERVER_FINAL = re.compile(rf"v=({BASE64}){EXTENSIONS}")


@dataclass(frozen=True, slots=True)
class Channel:
    """What an exchange is given by its caller.

    ``nonce``: fresh randomness, at least 18 characters of base64; ``bindings``: what this end knows of the TLS
    connection, by the names of RFC 5929 and RFC 9266 ("tls-exporter", "tls-server-end-point"), the best first;
    ``discovery``: where a client learns how to get tokens (RFC 7628 §3.2.2), or empty.
    """

    nonce: str
    bindings: Mapping[str, bytes] = field(default_factory=dict)
    discovery: str = ""

    def __post_init__(self) -> None:
        if len(self.nonce) < 18 or not re.fullmatch(NONCE, self.nonce):
            raise LocalProtocolError("a nonce has at least 18 printable characters and no comma")


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """What a server keeps instead of a password: enough to check it, not enough to log in (RFC 5802 §3)."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


@dataclass(frozen=True, slots=True)
class KeysWanted:
    """The server's question: the keys of ``authcid`` for ``digest`` ("sha256"): all have one salt and count."""

    authcid: str
    digest: str


ScramExchange: TypeAlias = Generator[Challenge | KeysWanted, bytes | tuple[Keys, ...], T]


def make_keys(digest: str, password: str, salt: bytes, iterations: int = ITERATIONS) -> Keys:
    """The keys of a password; ``salt``: `SALT_SIZE` random octets. Slow by intention: some milliseconds."""
    salted = hashlib.pbkdf2_hmac(digest, saslprep(password).encode(), salt, iterations)
    stored_key = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
    return Keys(salt, iterations, stored_key, hmac.digest(salted, b"Server Key", digest))


def pretended_keys(digest: str, authcid: str, secret: bytes, iterations: int = ITERATIONS) -> Keys:
    """Keys for an account that isn't there: the same at every attempt, and no password fits them.

    ``secret``: random octets that the server keeps to itself.
    """

    def invented(what: bytes) -> bytes:
        return hmac.digest(secret, what + b"\0" + authcid.encode(errors="surrogatepass"), digest)

    return Keys(invented(b"salt")[:SALT_SIZE], iterations, invented(b"stored key"), invented(b"server key"))


# -- the server ------------------------------------------------------------------------------------------------------


def server(digest: str, initial: bytes | None, channel: Channel, *, plus: bool) -> ScramExchange[Identity]:
    """A server's exchange. Raises like every mechanism of `sasl`; its last challenge is the server's own proof."""
    message = _text((yield from _response(b"")) if initial is None else initial)
    first = CLIENT_FIRST.fullmatch(message)
    if first is None:
        raise RemoteProtocolError("this is no first message of SCRAM")
    header, binding, authzid, bare, authcid, client_nonce = first.groups()
    expected = header.encode() + _bound(header, binding, channel, plus=plus)
    name = saslprep(_unescape(authcid))
    known = yield KeysWanted(name, digest)
    if not isinstance(known, tuple) or len({(keys.salt, keys.iterations) for keys in known}) != 1:
        raise LocalProtocolError("the question for keys is answered with keys that share salt and iteration count")

    nonce = client_nonce + channel.nonce
    server_first = f"r={nonce},s={encode_base64(known[0].salt).decode()},i={known[0].iterations}"
    final = CLIENT_FINAL.fullmatch(_text((yield from _response(server_first.encode()))))
    if final is None:
        raise RemoteProtocolError("this is no final message of SCRAM")
    without_proof, channel_binding, final_nonce, proof = final.groups()
    signed = f"{bare},{server_first},{without_proof}".encode()
    if final_nonce != nonce or decode_base64(channel_binding.encode()) != expected:
        raise LoginRefused("the login does not belong to this connection")
    keys = _proved(decode_base64(proof.encode()), known, signed, digest)
    if keys is None:
        raise LoginRefused("the user name or the password is wrong")

    # RFC 4422 §5: SMTP and IMAP have no room for data in their last reply, so it is one more challenge.
    verifier = encode_base64(hmac.digest(keys.server_key, signed, digest))
    if (yield from _response(b"v=" + verifier)) != b"":
        raise RemoteProtocolError("the server's proof is answered with nothing")
    return Identity(name, saslprep(_unescape(authzid)) if authzid else "", keys)


def _response(challenge: bytes) -> ScramExchange[bytes]:
    answer = yield Challenge(challenge)
    if not isinstance(answer, bytes):
        raise LocalProtocolError("a challenge is answered with the client's response")
    return answer


def _bound(header: str, binding: str | None, channel: Channel, *, plus: bool) -> bytes:
    """The channel binding that the client's flag announces (RFC 5802 §6)."""
    if plus != (binding is not None):
        raise RemoteProtocolError("the mechanism and its first message don't agree about channel binding")
    if header.startswith("y") and channel.bindings:
        # The client believes that we can't bind: somebody took the -PLUS mechanisms out of our list.
        raise LoginRefused("somebody changed the list of mechanisms on its way to you")
    if binding is None:
        return b""
    data = channel.bindings.get(binding)
    if data is None:
        raise LoginRefused(f"this server can't bind the login to the connection by {binding}")
    return data


def _proved(proof: bytes, known: tuple[Keys, ...], signed: bytes, digest: str) -> Keys | None:
    """RFC 5802 §3: the keys of the password without which nobody could have made the proof."""
    found = None
    for keys in known:
        signature = hmac.digest(keys.stored_key, signed, digest)
        if len(proof) != len(signature):
            return None
        client_key = _xor(proof, signature)
        if hmac.compare_digest(hashlib.new(digest, client_key).digest(), keys.stored_key):
            found = keys
    return found


# -- the client ------------------------------------------------------------------------------------------------------


def client(digest: str, credentials: Credentials, channel: Channel, *, plus: bool) -> ClientExchange:
    """A client's exchange. Raises `RemoteProtocolError` for a server that breaks the rules or can't prove itself.

    A login counts only when the exchange has come to its end: a server that says "logged in" before that has proved
    nothing. ``plus`` takes the first of the channel's bindings.
    """
    if plus and not channel.bindings:
        raise LocalProtocolError("there is nothing to bind the login to")
    binding = next(iter(channel.bindings)) if plus else ""
    flag = f"p={binding}" if plus else "y" if channel.bindings else "n"
    authzid = f"a={_escape(saslprep(credentials.authzid))}" if credentials.authzid else ""
    header = f"{flag},{authzid},"
    bare = f"n={_escape(saslprep(credentials.authcid))},r={channel.nonce}"
    server_first = _text((yield (header + bare).encode()))

    match = SERVER_FIRST.fullmatch(server_first)
    if match is None:
        raise RemoteProtocolError("the server sent what is no first message of SCRAM")
    nonce, salt, iterations = match[1], decode_base64(match[2].encode()), int(match[3])
    if not nonce.startswith(channel.nonce) or len(nonce) == len(channel.nonce):
        raise RemoteProtocolError("the server's nonce is not made of ours")
    if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
        raise RemoteProtocolError(f"the server asks for {iterations} iterations of SCRAM")

    salted = hashlib.pbkdf2_hmac(digest, saslprep(credentials.password).encode(), salt, iterations)
    channel_binding = encode_base64(header.encode() + (channel.bindings[binding] if plus else b"")).decode()
    without_proof = f"c={channel_binding},r={nonce}"
    signed = f"{bare},{server_first},{without_proof}".encode()
    client_key = hmac.digest(salted, b"Client Key", digest)
    signature = hmac.digest(hashlib.new(digest, client_key).digest(), signed, digest)
    proof = encode_base64(_xor(client_key, signature)).decode()
    server_final = _text((yield f"{without_proof},p={proof}".encode()))

    if server_final.startswith("e="):  # RFC 5802 §7: server-error; the refusal itself comes as the protocol's reply
        raise LoginRefused("the user name or the password is wrong")
    verifier = SERVER_FINAL.fullmatch(server_final)
    expected = hmac.digest(hmac.digest(salted, b"Server Key", digest), signed, digest)
    if verifier is None or not hmac.compare_digest(decode_base64(verifier[1].encode()), expected):
        raise RemoteProtocolError("the server could not prove that it knows the account")
    yield b""


# -- words -----------------------------------------------------------------------------------------------------------


def _text(octets: bytes) -> str:
    if len(octets) > MAX_MESSAGE:
        raise RemoteProtocolError(f"a message of SCRAM has at most {MAX_MESSAGE} octets")
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("a message of SCRAM is UTF-8") from error


def _escape(name: str) -> str:
    """RFC 5802 §5.1: "," and "=" in names."""
    return name.replace("=", "=3D").replace(",", "=2C")


def _unescape(name: str) -> str:
    return name.replace("=2C", ",").replace("=3D", "=")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
