"""The face for asyncio."""

from .account import Account
from .pop3 import Pop3Client
from .protocol import ImapClient, SmtpClient

__all__ = ["Account", "ImapClient", "Pop3Client", "SmtpClient"]
