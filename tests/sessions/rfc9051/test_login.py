"""LOGIN: RFC 9051 §6.2.3, and by literals: §4.3, RFC 7888."""

from __future__ import annotations

from imap_wire import Wire
from live import PASSWORDS, Live

PASSWORD = PASSWORDS["ada@example.org"]


def test_example(server: Live) -> None:
    """§6.2.3, example."""
    with Wire(server, "imaps") as client:
        client.run("""
            1< * OK...
            1: a001 LOGIN BOB@EXAMPLE.ORG geheim
            1< a001 OK [CAPABILITY...
        """)


def test_literals(server: Live) -> None:
    """§4.3: names and passwords with a space; the client waits for each go-ahead."""
    with Wire(server, "imaps") as client:
        client.run(f"""
            1< * OK...
            1: A001 LOGIN {{15}}
            1< + go on
            1: ada@example.org {{{len(PASSWORD)}}}
            1< + go on
            1: {PASSWORD}
            1< A001 OK [CAPABILITY...
        """)


def test_literals_that_do_not_wait(server: Live) -> None:
    """RFC 7888 §3, example."""
    with Wire(server, "imaps") as client:
        client.run(f"""
            1< * OK...
            1: A001 LOGIN {{15+}}
            1: ada@example.org {{{len(PASSWORD)}+}}
            1: {PASSWORD}
            1< A001 OK [CAPABILITY...
        """)


def test_refused(server: Live) -> None:
    """§6.2.3: NO for a wrong password, and LOGINDISABLED means what it says."""
    with Wire(server, "imaps") as client:
        client.run("""
            1< * OK...
            1: a LOGIN ada@example.org SESAME
            1< a NO [AUTHENTICATIONFAILED]...
        """)
    with Wire(server) as client:
        client.run(f"""
            1< * OK...
            1: a LOGIN ada@example.org "{PASSWORD}"
            1< a NO [PRIVACYREQUIRED]...
        """)
