"""What `posthouse` offers, for asyncio: the same names, with ``await``, ``async with`` and ``async for``."""

from .client.aio import Account, ImapClient, Pop3Client, SmtpClient
from .client.issuer import OAuth
from .client.message import Message, parse
from .client.query import Q

__all__ = ["Account", "ImapClient", "Message", "OAuth", "Pop3Client", "Q", "SmtpClient", "parse"]
