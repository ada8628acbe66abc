"""AUTHENTICATE: RFC 9051 §6.2.2; the initial response: RFC 4959."""

from __future__ import annotations

import base64

from imap_wire import Wire
from live import PASSWORDS, Live


def plain(password: str = PASSWORDS["ada@example.org"]) -> str:
    return base64.b64encode(f"\0ada@example.org\0{password}".encode()).decode()


def test_example_with_an_initial_response(server: Live) -> None:
    """§6.2.2, second example; RFC 4959 §4, first."""
    with Wire(server) as client:
        client.run("""
            1< * OK [CAPABILITY...
            1: A01 STARTTLS
            1< A01 OK Begin TLS negotiation now
        """)
        client.secure()
        client.run(f"""
            1: A02 CAPABILITY
            1< * CAPABILITY...
            1< A02 OK CAPABILITY completed
            1: A03 AUTHENTICATE PLAIN {plain()}
            1< A03 OK [CAPABILITY...
        """)


def test_example_without(server: Live) -> None:
    """§6.2.2, third example: a space follows the "+"."""
    with Wire(server, "imaps") as client:
        client.run("1< * OK...")
        assert client.first_line(b"A01 AUTHENTICATE PLAIN\r\n") == b"+ \r\n"
        client.run(f"""
            1: {plain()}
            1< A01 OK [CAPABILITY...
        """)


def test_cancelled_refused_and_unknown(server: Live) -> None:
    """§6.2.2: "*" cancels, with BAD; what is no base64 is BAD; a failed login is NO, and another may follow."""
    with Wire(server, "imaps") as client:
        client.run(f"""
            1< * OK...
            1: A01 AUTHENTICATE PLAIN
            1< + ...
            1: *
            1< A01 BAD...
            1: A02 AUTHENTICATE PLAIN
            1< + ...
            1: no base64!
            1< A02 BAD...
            1: A03 AUTHENTICATE PLAIN {plain("wrong")}
            1< A03 NO [AUTHENTICATIONFAILED]...
            1: A04 AUTHENTICATE GSSAPI
            1< A04 NO...
            1: A05 AUTHENTICATE PLAIN {plain()}
            1< A05 OK [CAPABILITY...
            1: A06 AUTHENTICATE PLAIN {plain()}
            1< A06 BAD...
        """)


def test_in_clear_text(server: Live) -> None:
    """§11.2: without TLS no password is taken."""
    with Wire(server) as client:
        client.run(f"""
            1< * OK...
            1: A01 AUTHENTICATE PLAIN {plain()}
            1< A01 NO...
        """)
