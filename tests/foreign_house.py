"""What other programs need to know of a running server, and what is in Bob's mailboxes afterwards."""

from __future__ import annotations

import imaplib
import re
from dataclasses import dataclass

from live import PASSWORDS, Live

ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORD = PASSWORDS[BOB]

# A letter as it is found: its subject, and the flags that people gave it, sorted.
Letters = dict[str, str]


@dataclass(frozen=True)
class ForeignHouse:
    """The server, as Bob's programs see it."""

    live: Live

    @property
    def port(self) -> int:
        return self.live.port("imaps")

    @property
    def certificate(self) -> str:
        return str(self.live.certificate)

    def letters(self, mailbox: str = "INBOX") -> Letters:
        """Subjects and flags, as the standard library's client finds them."""
        with imaplib.IMAP4_SSL("localhost", self.port, ssl_context=self.live.tls) as client:
            client.login(BOB, PASSWORD)
            client.select(mailbox, readonly=True)
            _, data = client.fetch("1:*", "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        found: Letters = {}
        for one in data:
            if isinstance(one, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", one[0])
                assert flags is not None
                kept = [flag for flag in flags[1].decode().split() if flag != "\\Recent"]
                found[one[1].decode().strip().removeprefix("Subject: ")] = " ".join(kept)
        return found
