"""Posthouse: the whole of email in one Python package.

What a program that reads or writes mail needs, in blocking form; `posthouse.aio` has the same for asyncio. A name is
loaded when it is used first, so that `import posthouse` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client.issuer import OAuth
    from .client.message import Message, parse
    from .client.query import Q
    from .client.sync import Account, ImapClient, Pop3Client, SmtpClient

__version__ = "0.1.0"

__all__ = ["Account", "ImapClient", "Message", "OAuth", "Pop3Client", "Q", "SmtpClient", "__version__", "parse"]

# Each name's module.
_HOMES = {
    "Account": "posthouse.client.sync",
    "ImapClient": "posthouse.client.sync",
    "Message": "posthouse.client.message",
    "OAuth": "posthouse.client.issuer",
    "Pop3Client": "posthouse.client.sync",
    "Q": "posthouse.client.query",
    "SmtpClient": "posthouse.client.sync",
    "parse": "posthouse.client.message",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
