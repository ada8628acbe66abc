"""CAPABILITY: RFC 9051 §6.1.1."""

from __future__ import annotations

from imap_wire import Wire
from live import PASSWORDS, Live

PASSWORD = PASSWORDS["ada@example.org"]
BEFORE_TLS = (
    "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR STARTTLS LOGINDISABLED ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE"
)
UNDER_TLS = "IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE AUTH="


def test_example(server: Live) -> None:
    """§6.1.1, example: what is listed before TLS, and under it."""
    with Wire(server) as client:
        client.run(f"""
            1< * OK [CAPABILITY {BEFORE_TLS}] mail.example.org Posthouse is ready
            1: abcd CAPABILITY
            1< * CAPABILITY {BEFORE_TLS}
            1< abcd OK CAPABILITY completed
            1: efgh STARTTLS
            1< efgh OK Begin TLS negotiation now
        """)
        client.secure()
        client.run(f"""
            1: ijkl CAPABILITY
            1< * CAPABILITY {UNDER_TLS}...
            1< ijkl OK CAPABILITY completed
        """)


def test_login_tells_them_too(server: Live) -> None:
    """§7.1, CAPABILITY code: what is listed after the login is more, and no mechanisms."""
    with Wire(server, "imaps") as client:
        client.run(f"""
            1< * OK [CAPABILITY {UNDER_TLS}...
            1: a LOGIN ada@example.org "{PASSWORD}"
            1< a OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE CHILDREN...
            1: b CAPABILITY
            1< * CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID ENABLE IDLE NAMESPACE UNSELECT UIDPLUS MOVE CHILDREN...
            1< b OK CAPABILITY completed
        """)


def test_it_takes_nothing(server: Live) -> None:
    with Wire(server) as client:
        client.run("""
            1< * OK...
            1: a CAPABILITY IMAP4rev2
            1< a BAD...
        """)
