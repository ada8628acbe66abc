"""What every session is given: the house it works in."""

from __future__ import annotations

from dataclasses import dataclass, field

from posthouse.delivery.directory import Directory
from posthouse.store.engine import Store

from .heard import Heard
from .logins import Logins
from .present import Present
from .recent import Recents


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The store, the logins, and the settings that conversations depend on."""

    hostname: str
    store: Store
    logins: Logins
    tls_available: bool
    clear_text_on_loopback: bool  # passwords without TLS from this machine
    message_size: int  # octets
    recipients: int
    commands_per_connection: int = 3000
    errors_per_connection: int
    hops: int
    hold_seconds: int = 365 * 86_400  # a letter may wait for so long until it leaves
    held_letters: int = 1000  # so many of one account may
    lifetime: int = 5 * 86_400  # seconds after which a letter for elsewhere is given up
    verify_after_login: bool = False  # VRFY and EXPN answer those who have logged in
    senders: tuple[tuple[str, str], ...] = ()  # local users, and patterns of addresses that they may send as
    heard: Heard = field(default_factory=Heard)  # what those who wait are told
    present: Present = field(default_factory=Present)  # in IMAP conversations
    recents: Recents = field(default_factory=Recents)  # the messages that some session was told of
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "directory", Directory(self.store, self.hostname))
