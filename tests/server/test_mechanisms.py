"""Every SASL mechanism at every door, over real TLS."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from live import PASSWORDS, Live, live
from posthouse.errors import StoreError
from posthouse.server import binding
from posthouse.sessions import logins
from posthouse.store import account, app_password, password, scram_key
from posthouse.store.engine import Store, Tx
from posthouse.wire import scram
from posthouse.wire.sasl import decode_base64, encode_base64
from sasl_client import exchange, exported, imap_takes, smtp_takes

ADA, BOB, NOBODY = "ada@example.org", "bob@example.org", "nobody@example.org"
BINDING = "[login]\nchannel_binding = true\n"
SCRAMS = [name + suffix for name in scram.HASHES for suffix in ("", "-PLUS")]


def store_of(house: Live) -> Store:
    assert house.server.house is not None
    return house.server.house.store


def imap(house: Live) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL(house.host, house.port("imaps"), ssl_context=house.tls)


def offered_by(house: Live) -> tuple[str, ...]:
    with imap(house) as client:
        return client.capabilities


def submission(house: Live) -> smtplib.SMTP:
    client = smtplib.SMTP(house.host, house.port("submission"))
    client.starttls(context=house.tls)
    client.ehlo()
    return client


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Live]:
    """A server that offers channel binding."""
    with live(tmp_path, BINDING) as house:
        yield house


@pytest.mark.parametrize("binding", ["", BINDING])
def test_what_is_offered(tmp_path: Path, binding: str) -> None:
    wanted = {"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"}
    if binding:
        wanted |= {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"}
    with live(tmp_path, binding) as house:
        check_offers(house, wanted)


def check_offers(posthouse: Live, wanted: set[str]) -> None:
    with imap(posthouse) as client:
        assert {name[5:] for name in client.capabilities if name.startswith("AUTH=")} == wanted
    with submission(posthouse) as sender:
        assert set(sender.esmtp_features["auth"].split()) == wanted
    with smtplib.SMTP(posthouse.host, posthouse.port("submission")) as clear:
        clear.ehlo()
        assert "auth" not in clear.esmtp_features
    with imaplib.IMAP4(posthouse.host, posthouse.port("imap")) as reader:
        assert not [name for name in reader.capabilities if name.startswith("AUTH=")]
        reader.starttls(posthouse.tls)
        assert {name[5:] for name in reader.capabilities if name.startswith("AUTH=")} == wanted


@pytest.mark.parametrize("mechanism", SCRAMS)
def test_scram(bound: Live, mechanism: str) -> None:
    with submission(bound) as client:
        cb = {"tls-exporter": exported(client.sock)} if mechanism.endswith("-PLUS") else {}
        assert not smtp_takes(client, mechanism, exchange(mechanism, ADA, "guess", cb))
        assert not smtp_takes(client, mechanism, exchange(mechanism, NOBODY, PASSWORDS[ADA], cb))
        assert smtp_takes(client, mechanism, exchange(mechanism, "ADA@Example.org", PASSWORDS[ADA], cb))
    with imap(bound) as reader:
        cb = {"tls-exporter": exported(reader.sock)} if mechanism.endswith("-PLUS") else {}
        assert not imap_takes(reader, mechanism, exchange(mechanism, ADA, "guess", cb))
        assert imap_takes(reader, mechanism, exchange(mechanism, ADA, PASSWORDS[ADA], cb))
        assert reader.select("INBOX")[0] == "OK"


def test_a_store_that_does_not_answer_is_no_wrong_password(posthouse: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(logins, "_known", fail)
    with submission(posthouse) as sender, pytest.raises(smtplib.SMTPAuthenticationError) as told:
        sender.login(ADA, PASSWORDS[ADA])
    assert told.value.args == (454, b"4.7.0 The login can't be checked at the moment; try again later")
    with (
        imap(posthouse) as reader,
        pytest.raises(imaplib.IMAP4.error, match=r"\[UNAVAILABLE\] The login can't be checked"),
    ):
        reader.login(ADA, PASSWORDS[ADA])
    fetcher = poplib.POP3_SSL(posthouse.host, posthouse.port("pop3s"), context=posthouse.tls)
    fetcher.user(ADA)
    with pytest.raises(poplib.error_proto, match=r"\[SYS/TEMP\] The login can't be checked"):
        fetcher.pass_(PASSWORDS[ADA])
    fetcher.close()


def test_a_login_is_bound_to_its_connection(bound: Live) -> None:
    certificate = binding.end_point(bound.certificate.read_bytes())
    assert certificate is not None
    with imap(bound) as one, imap(bound) as other:
        mine, theirs = exported(one.sock), exported(other.sock)
        assert mine != theirs
        name = "SCRAM-SHA-256-PLUS"
        for cb in ({"tls-exporter": theirs}, {"tls-server-end-point": b"x" * 32}, {"tls-unique": mine}):
            assert not imap_takes(one, name, exchange(name, ADA, PASSWORDS[ADA], cb))
        # "y": the client could bind, and was told that the server can't.
        shortened = exchange("SCRAM-SHA-256", ADA, PASSWORDS[ADA], {"tls-exporter": mine})
        assert not imap_takes(one, "SCRAM-SHA-256", shortened)
        end_point = exchange(name, ADA, PASSWORDS[ADA], {"tls-server-end-point": certificate})
        assert imap_takes(one, name, end_point)


def test_under_tls_1_2_nothing_is_bound(bound: Live) -> None:
    old = bound.tls
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with imaplib.IMAP4_SSL(bound.host, bound.port("imaps"), ssl_context=old) as client:
        assert not [name for name in client.capabilities if name.endswith("-PLUS")]
        assert imap_takes(client, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, PASSWORDS[ADA]))


def test_where_python_is_built_otherwise_nothing_is_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binding, "CONTEXT", 2)  # a word that is something else
    with live(tmp_path, BINDING) as house, imap(house) as client:
        assert not [name for name in client.capabilities if name.endswith("-PLUS")]
        assert imap_takes(client, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, PASSWORDS[ADA]))


def test_app_passwords_too_and_only_for_their_doors(posthouse: Live) -> None:
    store = store_of(posthouse)
    ada = store.look(account.existing, ADA).id
    settled = store.look(scram_key.settled, ada)
    reading, everywhere = app_password.generate(), app_password.generate()
    for name, secret, doors in (("phone", reading, ["imap"]), ("laptop", everywhere, [])):
        keys = password.make_keys(secret, settled)
        store.run(app_password.add, ada, name, app_password.digest(secret), doors, keys)
    for secret, at_imap, at_smtp in ((reading, True, False), (everywhere, True, True), (PASSWORDS[ADA], True, True)):
        with imap(posthouse) as client:
            steps = exchange("SCRAM-SHA-256", ADA, secret)
            assert imap_takes(client, "SCRAM-SHA-256", steps) == at_imap
        with submission(posthouse) as sender:
            assert smtp_takes(sender, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, secret)) == at_smtp
    assert all(one.used is not None for one in store.look(app_password.list_all, ada))

    # Another password of the account changes nothing for the others; the old one is good for nothing.
    store.run(account.set_password, ADA, password.hash_password("new"), password.make_keys("new", settled))
    for secret, good in ((everywhere, True), ("new", True), (PASSWORDS[ADA], False)):
        with imap(posthouse) as client:
            steps = exchange("SCRAM-SHA-256", ADA, secret)
            assert imap_takes(client, "SCRAM-SHA-256", steps) == good
    store.run(app_password.remove, ada, "laptop")
    with imap(posthouse) as client:
        assert not imap_takes(client, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, everywhere))


def test_a_password_from_before_gets_its_keys_when_it_is_used(tmp_path: Path) -> None:
    with live(tmp_path) as house:
        store = store_of(house)
        ada = store.look(account.existing, ADA).id
        phone = app_password.generate()
        store.run(app_password.add, ada, "phone", app_password.digest(phone))
        store.run(account.set_password, ADA, password.hash_password("old"))
        assert store.look(scram_key.accounts_without) == [ADA]
    from posthouse.server.app import serving

    with serving(house.config) as server, serving(house.config) as neighbour:
        later = Live(house.config, server)
        for secret, offered in (("old", False), (phone.upper().replace("-", " "), False), ("old", True)):
            with imap(later) as client:
                assert ("AUTH=SCRAM-SHA-256" in client.capabilities) == offered, "not before every password has keys"
                client.login(ADA, secret)
        deadline = time.monotonic() + 10
        while "AUTH=SCRAM-SHA-256" not in offered_by(Live(house.config, neighbour)):
            assert time.monotonic() < deadline, "another process hears of it"
        for secret in ("old", phone):
            with imap(later) as client:
                assert imap_takes(client, "SCRAM-SHA-256", exchange("SCRAM-SHA-256", ADA, secret))


def first_answer(house: Live, user: str) -> tuple[bytes, bytes]:
    """Salt and iteration count that the server names."""
    with submission(house) as client:
        first = encode_base64(next(exchange("SCRAM-SHA-256", user, "x")) or b"").decode()
        code, text = client.docmd("AUTH", f"SCRAM-SHA-256 {first}")
        assert code == 334
        _, salt, count = decode_base64(text).split(b",")
        client.docmd("*")
    return salt, count


def test_a_name_that_nobody_has_looks_like_any_other(tmp_path: Path) -> None:
    with live(tmp_path) as house:
        nobody, ada = first_answer(house, NOBODY), first_answer(house, ADA)
        assert nobody == first_answer(house, NOBODY.upper()) == first_answer(house, NOBODY)
        assert nobody != first_answer(house, "somebody@example.org")
        assert (len(nobody[0]), nobody[1]) == (len(ada[0]), ada[1])
        assert ada == first_answer(house, ADA.upper())
    from posthouse.server.app import serving

    with serving(house.config) as server:
        assert first_answer(Live(house.config, server), NOBODY) == nobody, "also after a restart"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_a_login_costs_the_same_whether_there_is_the_account_or_not(
    posthouse: Live, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    """The work is counted, not the time: argon2 is nearly all of it."""
    done: list[str] = []
    queries: list[str] = []
    verify, known = password.verify, logins._known
    monkeypatch.setattr(password, "verify", lambda kept, secret: done.append(kept) or verify(kept, secret))
    monkeypatch.setattr(logins, "_known", lambda tx, user: queries.append(user) or known(tx, user))
    said = []
    for user in (ADA, NOBODY, "no address", ADA):
        with submission(posthouse) as client:
            client.user, client.password = user, "guess"
            with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
                client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
            said.append(refused.value.args)
    assert said == [(535, b"5.7.8 The user name or the password is wrong")] * 4
    assert len(done) == len(queries) == 4
    assert {kept.rpartition("$")[0].rpartition("$")[0] for kept in done} == {"$argon2id$v=19$m=19456,t=2,p=1"}


def test_the_store_is_asked_the_same_whether_there_is_the_account_or_not(posthouse: Live) -> None:
    def statements(tx: Tx, user: str) -> list[str]:
        asked: list[str] = []

        class Listening:
            def __getattr__(self, name: str) -> object:
                asked.append(name)
                return getattr(tx, name)

        logins._known_keys(Listening(), user, "sha256")  # type: ignore[arg-type]
        return asked

    store = store_of(posthouse)
    assert store.look(statements, ADA) == store.look(statements, NOBODY)
    assert len(store.look(statements, ADA)) > 1
