# DO NOT CHANGE! Generated from src/posthouse/client/aio/__init__.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""The blocking face."""

from .account import Account
from .pop3 import Pop3Client
from .protocol import ImapClient, SmtpClient

__all__ = ["Account", "ImapClient", "Pop3Client", "SmtpClient"]
