"""The doors: which service a key under [listen] opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from posthouse.sessions.house import House
from posthouse.sessions.imap import ImapSession
from posthouse.sessions.pop3 import Pop3Session
from posthouse.sessions.session import Line, Session
from posthouse.sessions.smtp import SmtpSession
from posthouse.smtp.role import LMTP, LOCAL, MX, SUBMISSION


@dataclass(frozen=True, slots=True)
class Door:
    """One service: its name under [listen], and how a conversation at it begins."""

    name: str
    implicit_tls: bool
    open: Callable[[House, Line], Session[Any]] | None  # None: HTTP, whose requests server/http answers
    # Whether it is for people, who log in before anything else; the others are for servers too.
    people: bool = True


DOORS = (
    Door("smtp", False, lambda house, line: SmtpSession(house, MX, line, tls=False), people=False),
    Door("submission", False, lambda house, line: SmtpSession(house, SUBMISSION, line, tls=False)),
    Door("submissions", True, lambda house, line: SmtpSession(house, SUBMISSION, line, tls=True)),
    Door("imap", False, lambda house, line: ImapSession(house, line, tls=False)),
    Door("imaps", True, lambda house, line: ImapSession(house, line, tls=True)),
    Door("pop3", False, lambda house, line: Pop3Session(house, line, tls=False)),
    Door("pop3s", True, lambda house, line: Pop3Session(house, line, tls=True)),
    Door("lmtp", False, lambda house, line: SmtpSession(house, LMTP, line, tls=False), people=False),
    Door("http", False, None),
    Door("https", True, None),
    Door("sendmail", False, lambda house, line: SmtpSession(house, LOCAL, line, tls=False), people=False),
)
