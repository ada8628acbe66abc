"""The server that a test gets: started in milliseconds, empty, and gone when the test ends."""

from __future__ import annotations

import functools
import shutil
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import argon2

from posthouse import config
from posthouse.config import Config
from posthouse.server.app import Server, serving
from posthouse.server.doors import Door
from posthouse.server.listening import Listening, open_doors
from posthouse.server.setup import create
from posthouse.sessions.smtp import SmtpSession
from posthouse.smtp.role import MX, SUBMISSION
from posthouse.store import account
from posthouse.store.engine import Store
from posthouse.store.password import make_keys

from .fault import Faults, ObligingSession
from .inbox import Arrivals, Inbox, letters_of, open_account

# Passwords of tests need no strength: the least that argon2 allows takes a twentieth of a millisecond.
_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
ROLES = {"smtp": MX, "submission": SUBMISSION, "submissions": SUBMISSION}
SETTINGS = "\n[login]\nclear_text_on_loopback = true\n"
# Letters that an error message lists.
SHOWN = 10


class Template:
    """What all servers of a test run begin with: a certificate and an empty store, made once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = create(folder, "example.org", "localhost", base_port=1)
        text = made.path.read_text("utf-8")
        listen = "\n".join(f'{door} = "127.0.0.1:0"' for door in config.STANDARD_PORTS)
        made.path.write_text(text[: text.index("[listen]")] + f"[listen]\n{listen}\n" + text[text.index("[tls]") - 1 :])
        with made.path.open("a", encoding="utf-8") as file:
            file.write(SETTINGS)

    def copy(self, folder: Path) -> Config:
        """A configuration of its own, with a store of its own."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return config.load(folder / "posthouse.toml")


class MailServer:
    """A running mail server. The fixture ``mail_server`` is one; `start` makes one without pytest.

    ``host`` and ``smtp_port`` take letters from anybody for anybody, in clear text or after STARTTLS, without a login;
    who logs in (`account`) may. ``submission_port``, ``submissions_port`` (TLS), ``imap_port``, ``imaps_port`` (TLS),
    ``pop3_port`` and ``pop3s_port`` (TLS) are those of every server; passwords are taken without TLS, too.
    ``certificate`` is what a client has to trust, and ``tls`` a context that does.
    """

    host = "127.0.0.1"

    def __init__(self, settings: Config, server: Server, faults: Faults, arrivals: Arrivals) -> None:
        assert server.house is not None and settings.tls.certificate is not None
        self._server = server
        self._faults = faults
        self.arrivals = arrivals
        self.store: Store = server.house.store
        self.certificate = settings.tls.certificate

    @classmethod
    @contextmanager
    def start(cls, folder: Path, template: Template | None = None) -> Iterator[MailServer]:
        """A server with its store in ``folder``, for as long as the block."""
        settings = (template or Template(folder / "template")).copy(folder / "server")
        faults, arrivals = Faults(), Arrivals()
        listening = [_obliging(one, faults, arrivals) for one in open_doors(settings)[0]]
        with serving(settings, listening=listening) as server:
            yield cls(settings, server, faults, arrivals)

    def port(self, door: str) -> int:
        """The port of a door: "smtp", "submission", "imaps" …"""
        return self._server.endpoints[door][0].port

    smtp_port = property(functools.partial(port, door="smtp"))
    submission_port = property(functools.partial(port, door="submission"))
    submissions_port = property(functools.partial(port, door="submissions"))
    imap_port = property(functools.partial(port, door="imap"))
    imaps_port = property(functools.partial(port, door="imaps"))
    pop3_port = property(functools.partial(port, door="pop3"))
    pop3s_port = property(functools.partial(port, door="pop3s"))

    @property
    def tls(self) -> ssl.SSLContext:
        """A client's context that trusts this server, and nobody else."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def account(self, address: str, password: str = "secret") -> str:  # noqa: S107  (of a test)
        """Let somebody log in with this address and password; returns the address."""
        self.store.run(open_account, address, _HASHER.hash(password), make_keys(password))
        return address

    def inbox(self, address: str) -> Inbox:
        """What has come for an address, and will."""
        return Inbox(self, address)

    @property
    def inboxes(self) -> list[Inbox]:
        """Those of everybody who has been written to, or has an account."""
        return [Inbox(self, one.address) for one in self.store.look(account.list_all)]

    def fail(
        self,
        at: str,
        *,
        times: int = 1,
        delay: float = 0.0,
        reply: str = "",
        drop: bool = False,
        garbage: bool = False,
    ) -> None:
        """Let something go wrong at a command of SMTP, the next ``times`` times.

        ``at`` is EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, or LETTER: its end, after which it would have been taken.
        ``delay``: seconds to wait. ``reply``: the refusal to give, "450 4.2.1 Try again later". ``drop``: cut the
        connection. ``garbage``: say what no protocol has, and cut it.
        """
        self._faults.add(at, times, delay, reply, drop=drop, garbage=garbage)

    def heal(self) -> None:
        """Let nothing go wrong any longer."""
        self._faults.clear()

    def describe(self, address: str, count: int, timeout: float) -> str:
        """What an assertion says when letters didn't come."""
        there = len(letters_of(self.store, address))
        came = [
            f"  {inbox.address}: {letter.subject!r} from {', '.join([one.display for one in letter.from_])}"
            for inbox in self.inboxes
            for letter in inbox
        ]
        more = f"\n  … and {len(came) - SHOWN} more" if len(came) > SHOWN else ""
        arrived = "What came:\n" + "\n".join(came[:SHOWN]) + more if came else "No letter came for anybody."
        return f"{address} has {there} of {count} letters after {timeout:g} seconds. {arrived}"

    def __repr__(self) -> str:
        return f"<MailServer {self.host}:{self.smtp_port}>"


def _obliging(listening: Listening, faults: Faults, arrivals: Arrivals) -> Listening:
    """The same socket with a door that takes letters for everybody, and fails as it is told."""
    door = listening.door
    role = ROLES.get(door.name)
    if role is None:
        return listening

    def open_session(house: object, line: object) -> SmtpSession:
        return ObligingSession(faults, arrivals, house, role, line, tls=door.implicit_tls)  # type: ignore[arg-type]

    return Listening(Door(door.name, door.implicit_tls, open_session, door.people), listening.socket)
