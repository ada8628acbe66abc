"""OAUTHBEARER and XOAUTH2, against a real web server that gives out tokens, and against signatures."""

from __future__ import annotations

import base64
import imaplib
import json
import smtplib
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from issuer import Issuer
from live import Live, live
from posthouse.config import Oauth
from posthouse.server import token as tokens
from posthouse.server.token import TokenCheck
from posthouse.sessions.guard import Guard
from posthouse.wire.sasl import decode_base64, encode_base64

ADA, BOB = "ada@example.org", "bob@example.org"
GOOD = {"active": True, "email": ADA, "scope": "openid mail", "aud": ["mail.example.org"]}


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@contextmanager
def asking(folder: Path, issuer: Issuer, more: str = "") -> Iterator[Live]:
    (folder / "secret").write_text("s3cret/:\n")
    with live(
        folder,
        f'[oauth]\nintrospection = "{issuer.url}/introspect"\nclient_id = "posthouse"\nclient_secret = "secret"\n'
        f'discovery = "https://id.example.org/.well-known/openid-configuration"\n{more}'
        "[limits]\nfailed_login_delay = 0\n",
    ) as house:
        yield house


def bearer(token: str, user: str = "") -> bytes:
    return f"n,{f'a={user}' if user else ''},\1host=localhost\1port=143\1auth=Bearer {token}\1\1".encode()


def xoauth2(token: str, user: str = ADA) -> bytes:
    return f"user={user}\1auth=Bearer {token}\1\1".encode()


def smtp(house: Live, mechanism: str, message: bytes) -> list[tuple[int, str]]:
    """What the server says to each step; a challenge is answered with nothing."""
    said = []
    with smtplib.SMTP_SSL(house.host, house.port("submissions"), context=house.tls) as client:
        client.ehlo()
        code, text = client.docmd("AUTH", f"{mechanism} {encode_base64(message).decode()}")
        while code == 334:
            said.append((code, decode_base64(text).decode()))
            code, text = client.docmd("AQ==" if mechanism == "OAUTHBEARER" else "")
        said.append((code, text.decode()))
    return said


def test_a_token_that_its_issuer_knows(tmp_path: Path, issuer: Issuer) -> None:
    issuer.known = {"good": GOOD, "bobs": {**GOOD, "email": BOB}, "eves": {**GOOD, "email": "eve@example.org"}}
    with asking(tmp_path, issuer) as house:
        with imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls) as client:
            assert {"AUTH=OAUTHBEARER", "AUTH=XOAUTH2"} <= set(client.capabilities)
            assert client.authenticate("OAUTHBEARER", lambda _: bearer("good", ADA))[0] == "OK"
            assert client.select("INBOX")[0] == "OK"
        assert smtp(house, "XOAUTH2", xoauth2("good")) == [(235, "2.7.0 Logged in")]
        assert smtp(house, "OAUTHBEARER", bearer("bobs")) == [(235, "2.7.0 Logged in")], "whoever it belongs to"
        assert smtp(house, "OAUTHBEARER", bearer("bobs", "Bob@Example.org")) == [(235, "2.7.0 Logged in")]
        wrong = (535, "5.7.8 The user name or the password is wrong")
        for message in (bearer("unknown"), bearer("bobs", ADA), bearer("eves"), bearer("good", "nobody@example.org")):
            (code, challenge), last = smtp(house, "OAUTHBEARER", message)
            assert (code, last) == (334, wrong)
            assert json.loads(challenge) == {
                "status": "invalid_token",
                "openid-configuration": "https://id.example.org/.well-known/openid-configuration",
            }
        (code, challenge), last = smtp(house, "XOAUTH2", xoauth2("bobs", ADA))
        assert (code, last, json.loads(challenge)["status"]) == (334, wrong, "400")
        credentials = "Basic " + base64.b64encode(b"posthouse:s3cret%2F%3A").decode()
        assert set(issuer.asked) == {
            ("/introspect", credentials, token) for token in ("good", "bobs", "eves", "unknown")
        }  # fmt: skip
        assert len([one for one in issuer.asked if one[2] == "good"]) == 1, "a good one is asked for once"


def test_an_issuer_behind_tls(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "trusted.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    issuer.socket = context.wrap_socket(issuer.socket, server_side=True)
    issuer.url, issuer.known = f"https://localhost:{issuer.server_port}", {"good": GOOD}
    (tmp_path / "one").mkdir()
    with asking(tmp_path / "one", issuer) as house:
        assert smtp(house, "XOAUTH2", xoauth2("good"))[0][0] == 454, "nobody vouches for its certificate"
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    (tmp_path / "two").mkdir()
    with asking(tmp_path / "two", issuer) as house:
        assert smtp(house, "XOAUTH2", xoauth2("good")) == [(235, "2.7.0 Logged in")]


def test_what_the_configuration_wants_of_a_token(tmp_path: Path, issuer: Issuer) -> None:
    issuer.known = {
        "good": GOOD,
        "for.others": {**GOOD, "aud": "web.example.org"},
        "for.less": {**GOOD, "scope": "openid mailbox"},
        "unverified": {**GOOD, "email_verified": False},
        "nameless": {"active": True, "scope": "mail", "aud": "mail.example.org"},
        "active~": {**GOOD, "active": "true"},
    }
    with asking(tmp_path, issuer, 'audience = "mail.example.org"\nscope = "mail"\n') as house:
        for token in issuer.known:
            assert smtp(house, "XOAUTH2", xoauth2(token))[-1][0] == (235 if token == "good" else 535), token


@pytest.mark.parametrize(
    ("status", "raw"), [(500, b""), (302, b""), (200, b"<html>"), (200, b"[]"), (200, b"x" * 1_048_577)]
)
def test_an_issuer_that_does_not_answer(tmp_path: Path, issuer: Issuer, status: int, raw: bytes) -> None:
    issuer.known, issuer.status, issuer.raw = {"good": GOOD}, status, raw
    with asking(tmp_path, issuer) as house:
        (said,) = smtp(house, "OAUTHBEARER", bearer("good"))
        assert said == (454, "4.7.0 Who gives out the tokens doesn't answer; try again in a few minutes")
        issuer.status, issuer.raw = 200, b""
        assert smtp(house, "OAUTHBEARER", bearer("good")) == [(235, "2.7.0 Logged in")]


@pytest.mark.parametrize("message", [b"", b"n,,\1\1", b"p=tls-unique,,\1auth=Bearer x\1\1"])
def test_what_is_no_message(tmp_path: Path, issuer: Issuer, message: bytes) -> None:
    with asking(tmp_path, issuer) as house:
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            assert [code for code, _ in smtp(house, mechanism, message or b"\0")] == [501]
    assert issuer.asked == []


def test_without_a_token(tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7628 §4.3: the challenge tells where there are some; nobody is asked, and it is no attempt that failed."""
    monkeypatch.setattr(Guard, "failed", None)
    with asking(tmp_path, issuer) as house:
        for auth in (b"", b"Basic xyz"):
            told, refused = smtp(house, "OAUTHBEARER", b"n,,\1auth=%b\1\1" % auth)
            assert (told[0], refused[0]) == (334, 535)
    assert issuer.asked == []


# -- signed tokens -----------------------------------------------------------------------------------------------------


def claims(**more: object) -> dict[str, object]:
    now = int(time.time())
    return {"iss": "https://id.example.org", "aud": "mail", "exp": now + 600, "email": ADA, **more}


@pytest.mark.parametrize("way", ["url", "file"])
def test_signed_tokens(tmp_path: Path, issuer: Issuer, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key, later = rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1())
    public = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    issuer.keys = [{**public, "kid": "one", "alg": "RS256"}]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": issuer.keys}))
    where = f'jwks = "{issuer.url}/keys"' if way == "url" else 'jwks_file = "keys.json"'
    with live(
        tmp_path,
        f'[oauth]\n{where}\nissuer = "https://id.example.org"\naudience = "mail"\n'
        "[limits]\nfailed_login_delay = 0\nfailed_logins_per_address = 100\n",
    ) as house:

        def takes(token: str, mechanism: str = "OAUTHBEARER") -> bool:
            message = bearer(token) if mechanism == "OAUTHBEARER" else xoauth2(token)
            return smtp(house, mechanism, message)[-1][0] == 235

        def signed(signer: object = key, algorithm: str = "RS256", kid: str | None = "one", **more: object) -> str:
            headers = {"kid": kid} if kid else {}
            return jwt.encode(claims(**more), signer, algorithm, headers)  # type: ignore[arg-type]

        assert takes(signed()) and takes(signed(), "XOAUTH2")
        assert takes(signed(kid=None)), "there is one key only"
        assert not takes(signed(exp=int(time.time()) - 60))
        assert not takes(signed(iss="https://evil.example"))
        assert not takes(signed(aud="web"))
        assert not takes(signed(email=BOB), "XOAUTH2")
        assert not takes(signed(rsa.generate_private_key(65537, 2048)))
        assert not takes(signed("secret" * 8, "HS256")), "whoever knows the public key could make one"
        assert not takes(jwt.encode(claims(), None, "none"))
        assert not takes("abc.def.ghi") and not takes("abc")
        assert not takes(jwt.encode({"iss": "https://id.example.org", "aud": "mail", "email": ADA}, key, "RS256"))

        # The issuer takes another key: the keys are read again, but not for each token that claims so.
        assert not takes(signed(later, "ES256", "two"))
        public = jwt.algorithms.ECAlgorithm.to_jwk(later.public_key(), as_dict=True)
        issuer.keys = [{**public, "kid": "two", "alg": "ES256"}]
        (tmp_path / "keys.json").write_text(json.dumps({"keys": issuer.keys}))
        assert not takes(signed(later, "ES256", "two"))
        assert len(issuer.asked) == (1 if way == "url" else 0)
        monkeypatch.setattr(tokens, "KEYS_AGAIN", 0)
        assert takes(signed(later, "ES256", "two"))


def test_a_token_is_believed_for_a_while(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    now = 1_700_000_000.0
    monkeypatch.setattr(tokens.time, "time", lambda: now)
    issuer.known = {"long": {**GOOD, "exp": now + 10_000}, "short": {**GOOD, "exp": now + 5}}
    check = TokenCheck(Oauth(introspection=f"{issuer.url}/introspect"))

    async def asked_for(token: str) -> int:
        before = len(issuer.asked)
        await check.owner(token)
        return len(issuer.asked) - before

    async def play() -> list[int]:
        nonlocal now
        counts = [await asked_for(token) for token in ("long", "long", "short", "short")]
        now += 6
        counts += [await asked_for(token) for token in ("long", "short")]
        now += tokens.BELIEVED
        issuer.known = {}
        counts += [await asked_for("long"), await asked_for("long")]
        return counts

    assert asyncio.run(play()) == [1, 0, 1, 0, 0, 1, 1, 1]
