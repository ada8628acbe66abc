"""LOGOUT: RFC 9051 §6.1.3."""

from __future__ import annotations

import pytest

from imap_wire import Wire
from live import PASSWORDS, Live


@pytest.mark.parametrize("state", ["not authenticated", "authenticated", "selected"])
def test_example(server: Live, state: str) -> None:
    """§6.1.3, example: BYE comes before the answer, and then the connection is closed; in every state."""
    with Wire(server, "imaps") as client:
        client.run("1< * OK...")
        if state != "not authenticated":
            client.run(f"""
                1: a LOGIN ada@example.org "{PASSWORDS["ada@example.org"]}"
                1< a OK...
            """)
        if state == "selected":
            client.run("""
                1: b SELECT INBOX
                1< ...
                1< b OK...
            """)
        client.run("""
            1: A023 LOGOUT
            1< * BYE Goodbye
            1< A023 OK LOGOUT completed
        """)
        assert client.is_closed()
