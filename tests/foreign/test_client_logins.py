"""Our client logs in at Dovecot, by every mechanism that both know, over IMAP and POP3."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dovecot_doors import PASSWORD, Dovecot, dovecot
from faced import Faced
from issuer import Issuer
from oauth_world import ADA, oauth_world
from posthouse import Account, ImapClient, Message, Pop3Client
from posthouse.client.url import Protocol, Server
from posthouse.errors import LoginRefused
from posthouse.wire.mechanism import Secret
from posthouse.wire.oauth import Token
from posthouse.wire.sasl import Credentials

pytestmark = pytest.mark.foreign

KEYS, HASHED = "keys@example.org", "hashed@example.org"
CLIENTS = {"imap": ImapClient, "pop3": Pop3Client}


@pytest.fixture(scope="module")
def house() -> Iterator[Dovecot]:
    with Issuer() as issuer:
        issuer.known = {"good": {"active": True, "email": KEYS}}
        thread = threading.Thread(target=issuer.serve_forever, args=(0.01,))
        thread.start()
        with dovecot(f"{issuer.url}/introspect") as running:
            yield running
        issuer.shutdown()
        thread.join()


def login(house: Dovecot, door: str, secret: Secret, mechanism: str = "") -> str:
    query = f"?auth={mechanism.lower()}" if mechanism else ""
    with CLIENTS[door].connect(f"{door}://localhost:{house.ports[door]}{query}", context=house.tls) as client:
        return client.login_with(secret).mechanism


@pytest.mark.parametrize("door", CLIENTS)
@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"])
def test_passwords(house: Dovecot, door: str, mechanism: str) -> None:
    assert login(house, door, Credentials(KEYS, PASSWORD), mechanism) == mechanism
    with pytest.raises(LoginRefused, match="refused the login"):
        login(house, door, Credentials(KEYS, "wrong"), mechanism)


@pytest.mark.parametrize("door", CLIENTS)
def test_scram_is_preferred_where_it_works(house: Dovecot, door: str) -> None:
    assert login(house, door, Credentials(KEYS, PASSWORD)) == "SCRAM-SHA-256"
    assert login(house, door, Credentials(HASHED, PASSWORD)) == "PLAIN", "offered to all, and without keys for this one"
    with pytest.raises(LoginRefused, match="refused the login"):
        login(house, door, Credentials(HASHED, PASSWORD), "SCRAM-SHA-256")


def test_what_was_refused_is_tried_once(house: Dovecot) -> None:
    """Servers count logins that fail, and shut out who has too many."""
    imap = f"imap://localhost:{house.ports['imap']}"
    with Account(HASHED, password=PASSWORD, imap=imap, smtp="smtp://localhost:1", context=house.tls) as me:
        for _ in range(3):
            with me.open() as box:
                assert box.inbox.count() == 0
        assert me.server(Protocol.IMAP) == Server.parse(f"{imap}?auth=plain", Protocol.IMAP)


@pytest.mark.parametrize("door", CLIENTS)
@pytest.mark.parametrize("mechanism", ["OAUTHBEARER", "XOAUTH2"])
def test_tokens(house: Dovecot, door: str, mechanism: str) -> None:
    assert login(house, door, Token(KEYS, "good"), mechanism) == mechanism
    with pytest.raises(LoginRefused, match="refused the token"):
        login(house, door, Token(KEYS, "unknown"), mechanism)
    with pytest.raises(LoginRefused, match="refused the token"):
        login(house, door, Token(HASHED, "good"), mechanism)


def test_a_mailbox_by_pop3(house: Dovecot, tmp_path: Path) -> None:
    """What Dovecot's POP3 server has, as `Account.open` shows it."""
    with ImapClient.connect(f"imap://localhost:{house.ports['imap']}", context=house.tls) as client:
        client.login(KEYS, PASSWORD)
        for number in range(120):
            letter = Message(subject=f"letter {number}", text="x", from_=ADA, to=KEYS, files=[("a.txt", str(number))])
            client.append("INBOX", letter.as_bytes())
    pop3 = f"pop3://localhost:{house.ports['pop3']}"
    me = Account(KEYS, password=PASSWORD, pop3=pop3, smtp="smtp://localhost:1", context=house.tls)
    with me.open() as box:
        assert [mail.subject for mail in box.inbox] == [f"letter {number}" for number in reversed(range(120))]
        mail = box.inbox.search('subject:"letter 77"').first()
        assert mail is not None and mail.attachments[0].content == b"77"
        state = box.inbox.changes().state
        box.inbox.search('subject:"letter 1"').delete()
    with me.open() as box:
        delta = box.inbox.changes(since=str(state))
        assert len(delta.vanished) == 31 and delta.new.count() == 0
        assert box.inbox.export(tmp_path / "rest.mbox") == 89


def test_from_the_browser_to_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person logs in at the provider; the letter goes out by our server, and its copy lies in Dovecot."""
    with oauth_world(tmp_path, monkeypatch) as world, tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        readable = Path(shutil.copy(world.authority, folder))
        with dovecot(f"{world.provider.url}/introspect", readable) as there:
            there.authority.configure_trust(world.context)
            person = world.person()
            imap = f"imap://localhost:{there.ports['imap']}"
            with world.account(Faced(None), oauth=world.oauth, imap=imap) as me:
                me.login(show=person)
                with me.open() as box:
                    box.create("Sent", "\\Sent")
                    assert me.send(ADA, "Tea", "At five?").copy == "Sent"
                    assert [mail.subject for mail in box["Sent"]] == ["Tea"]
                world.provider.revoke(access_only=True)
                with me.open() as box:
                    assert [mail.subject for mail in box["Sent"]] == ["Tea"], "with a new token"
                world.provider.revoke()
                with me.open() as box, pytest.raises(LoginRefused, match="gives no token"):
                    box["Sent"].count()
            person.done()
    assert len(world.provider.given) == 2
