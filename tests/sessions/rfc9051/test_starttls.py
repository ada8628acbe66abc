"""STARTTLS: RFC 9051 §6.2.1."""

from __future__ import annotations

import base64

from imap_wire import Wire
from live import PASSWORDS, Live


def test_example(server: Live) -> None:
    """§6.2.1, example: TLS, other capabilities, then the login."""
    response = base64.b64encode(f"\0ada@example.org\0{PASSWORDS['ada@example.org']}".encode()).decode()
    with Wire(server) as client:
        client.run("""
            1< * OK...
            1: a001 CAPABILITY
            1< * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR STARTTLS LOGINDISABLED...
            1< a001 OK CAPABILITY completed
            1: a002 STARTTLS
            1< a002 OK Begin TLS negotiation now
        """)
        client.secure()
        client.run(f"""
            1: a003 CAPABILITY
            1< * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID...
            1< a003 OK CAPABILITY completed
            1: a004 AUTHENTICATE PLAIN {response}
            1< a004 OK [CAPABILITY...
        """)


def test_only_once_and_before_the_login(server: Live) -> None:
    with Wire(server, "imaps") as client:
        client.run(f"""
            1< * OK...
            1: a STARTTLS
            1< a BAD STARTTLS: TLS is active already
            1: b LOGIN ada@example.org "{PASSWORDS["ada@example.org"]}"
            1< b OK...
            1: c STARTTLS
            1< c BAD STARTTLS: not possible now: you are logged in, with no mailbox selected
        """)
