"""What every page is given: the store, who checks passwords, the settings."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from posthouse.store.account import Account
from posthouse.store.engine import Store
from posthouse.store.queue import LIFETIME
from posthouse.store.web_login import Lifetime

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

# The address and port of the browser, who wants to log in, the password; the account. Raises `LoginRefused` for what is
# wrong, after a while, and `LoginPaused` where no login is taken now.
Check: TypeAlias = Callable[[tuple[str, int], str, str], Awaitable[Account]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What pages need to know of the configuration."""

    hostname: str
    lifetime: Lifetime
    proxies: tuple[Network, ...] = ()
    https_port: int = 0  # where plain HTTP is led to; 0: nowhere
    message_size: int  # octets of a letter
    carried: int = LIFETIME  # seconds after which a letter that can't be delivered is given up

    @property
    def files_size(self) -> int:
        """The octets that the files of one letter can have at most: base64 makes lines of 78 octets out of 57."""
        return self.message_size * 57 // 78


@dataclass(frozen=True, slots=True)
class Desk:
    """The place where all pages are made."""

    store: Store
    check: Check
    settings: Settings
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        """The server stops: whoever waits for news waits no longer."""
        self.stopping.set()
