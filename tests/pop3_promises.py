"""What the POP3 server's machine promises for any octets: replies and nothing else, little memory, the same however
they arrive, and no message removed without QUIT. For hypothesis and for tools/fuzz.py."""

from __future__ import annotations

import re

from pop3_session import LETTERS, feed, server
from posthouse.pop3.limits import Limits
from posthouse.wire.machine import Tls

LIMITS = Limits(command_line=255, overlong_line=600)
REPLY = re.compile(rb"(\+OK|-ERR)( [\x20-\x7e]+)?|\+ [A-Za-z0-9+/=]*")  # RFC 2449 §3, RFC 5034 §5
LISTING = re.compile(rb"[1-9][0-9]* [0-9.]+")
MAX_LINE = 510  # RFC 2449 §4, without CR LF

WORDS = (
    b"USER ada", b"PASS secret", b"USER ada\r\nPASS secret\r\n", b"STAT", b"LIST", b"LIST 1", b"UIDL", b"UIDL 2",
    b"RETR 1", b"RETR 2", b"RETR 3", b"TOP 1 0", b"TOP 1 2", b"TOP 2 99999999", b"DELE 1", b"DELE 2", b"RSET", b"NOOP",
    b"QUIT", b"CAPA", b"STLS", b"UTF8", b"LANG", b"LANG en", b"LANG *", b"AUTH PLAIN", b"AUTH PLAIN AGFkYQBzZWNyZXQ=",
    b"AUTH LOGIN", b"AUTH LOGIN YWRh", b"YWRh", b"c2VjcmV0", b"*", b"=", b"GET /", b" ", b"\r\n", b"\n", b"\r", b".",
    b"\x00", b"\xff", b"x" * 40, "ü\u2028".encode(), b"0", b"-1", b"9" * 12,
)  # fmt: skip
SEEDS = (
    b"CAPA\r\nUSER ada\r\nPASS secret\r\nSTAT\r\nLIST\r\nUIDL\r\nRETR 1\r\nTOP 2 1\r\nDELE 1\r\nLIST 2\r\nRSET\r\n"
    b"DELE 2\r\nQUIT\r\n",
    b"AUTH LOGIN\r\nYWRh\r\nc2VjcmV0\r\nRETR 2\r\nDELE 2\r\nNOOP\r\nQUIT\r\n",
    b"UTF8\r\nLANG\r\nSTLS\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN AGFkYQBzZWNyZXQ=\r\nCAPA\r\n",
)


def _known() -> frozenset[bytes]:
    """The lines of multi-line responses, other than listings."""
    machine, session = server(tls_available=True)
    capabilities = feed(machine, session, b"CAPA\r\nLANG\r\n").split(b"\r\n")
    letters = [line for letter in LETTERS for line in letter.replace(b"\r\n.", b"\r\n..").split(b"\r\n")]
    return frozenset([b".", *capabilities, *letters])


KNOWN = _known()


def run(pieces: list[bytes]) -> tuple[bytes, list[tuple[int, int]] | None]:
    """One conversation, to its end: what the server said, and what it removed."""
    machine, session = server(limits=LIMITS, tls_available=True)
    said = b""
    for piece in pieces:
        said += feed(machine, session, piece)
        assert len(machine.reader) <= max(LIMITS.command_line, len(piece)), "octets are hoarded"
        if machine.tls is Tls.WANTED:
            machine.tls_started()
    machine.receive_eof()
    said += feed(machine, session, b"")
    assert machine.closed
    return said, session.removed


def check_replies(octets: bytes, said: bytes, removed: list[tuple[int, int]] | None) -> None:
    """Well-formed replies; nothing is removed but by DELE and QUIT."""
    assert said.endswith(b"\r\n") or not said
    for line in said.split(b"\r\n")[:-1]:
        assert len(line) <= MAX_LINE and (REPLY.fullmatch(line) or LISTING.fullmatch(line) or line in KNOWN), line
    if removed is not None:
        assert b"QUIT" in octets.upper()
    if removed:
        assert b"DELE" in octets.upper() and set(removed) <= {(11, 11), (12, 12), (11, 12)}


def check(octets: bytes) -> None:
    """All of it."""
    check_replies(octets, *run([octets]))
    whole = re.sub(rb"stls", b"NOOP", octets, flags=re.IGNORECASE)  # what comes in one go with STLS is thrown away
    size = 1 if len(whole) < 10_000 else 7
    assert run([whole]) == run([whole[at : at + size] for at in range(0, len(whole), size)])
