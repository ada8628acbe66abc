"""What `posthouse` offers, for asyncio: the same names, with ``await``, ``async with`` and ``async for``."""

from .client.aio import Account, ImapClient, SmtpClient
from .client.message import Message, parse
from .client.query import Q

__all__ = ["Account", "ImapClient", "Message", "Q", "SmtpClient", "parse"]
