"""The face for asyncio."""

from .account import Account
from .protocol import ImapClient, SmtpClient

__all__ = ["Account", "ImapClient", "SmtpClient"]
