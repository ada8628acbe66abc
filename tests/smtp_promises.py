"""What the SMTP server's machine promises for any octets: replies and nothing else, little memory, and the same however
they arrive. For hypothesis and for tools/fuzz.py."""

from __future__ import annotations

import re

from posthouse.smtp.limits import Limits
from posthouse.smtp.role import LMTP, MX, SUBMISSION, Role
from posthouse.wire.machine import Tls
from smtp_session import feed, server

ROLES = (MX, SUBMISSION, LMTP)
EXTENSIONS = ("BINARYMIME", "DSN", "REQUIRETLS", "DELIVERBY", "FUTURERELEASE", "MT-PRIORITY", "EXPN")
LIMITS = Limits(size=60, excess=100, command_line=512, overlong_line=600)
LINE = re.compile(rb"[2-5][0-5][0-9][ -][\t\x20-\x7e]*")
MAX_LINE = 510  # RFC 5321 §4.5.3.1.5, without CR LF

WORDS = (
    b"EHLO x", b"HELO x", b"LHLO x", b"MAIL FROM:<a@b.example>", b"MAIL FROM:", b"RCPT TO:<b@b.example>",
    b"RCPT TO:<>", b"DATA", b"STARTTLS", b"AUTH PLAIN", b"AUTH PLAIN AGFkYQBzZWNyZXQ=", b"AUTH LOGIN YWRh", b"*",
    b"c2VjcmV0", b"RSET", b"NOOP", b"QUIT", b"VRFY x", b"EXPN x", b"HELP", b"SIZE=5", b" ", b"\r\n", b"\n", b"\r",
    b".", b"\x00", b"\xff", b"<>", b"x" * 40, b"\r\n.\r\n", "ü\u2028".encode(), b"=", b'"', b"BDAT 5", b"BDAT 0 LAST",
    b"BDAT 90 LAST", b"BDAT x", b" BODY=BINARYMIME", b" SMTPUTF8", b" REQUIRETLS", b" RET=HDRS", b" ENVID=x+2B",
    b" NOTIFY=SUCCESS,DELAY", b" NOTIFY=NEVER", b" ORCPT=rfc822;x@y", b" BY=9;R", b" BY=-1;NT", b" HOLDFOR=60",
    b" HOLDUNTIL=2026-12-24T18:00:00Z", b" MT-PRIORITY=-3", b"<@a,@b:c@d.example>", b'<"x y"@[192.0.2.1]>',
    b"MAIL FROM:<a@b.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\nx\r\n.\r\n",
)  # fmt: skip
SEEDS = (
    b"EHLO x\r\nMAIL FROM:<a@b.example> SIZE=9 BODY=8BITMIME\r\nRCPT TO:<b@b.example> NOTIFY=SUCCESS\r\nDATA\r\n"
    b"Subject: x\r\n\r\n..x\r\n.\r\nRSET\r\nQUIT\r\n",
    b"LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@b.example>\r\nBDAT 5\r\nhelloBDAT 3 LAST\r\n\r\n.",
    b"EHLO x\r\nAUTH LOGIN\r\nYWRh\r\nc2VjcmV0\r\nMAIL FROM:<a@b.example> HOLDFOR=60 BY=90;R\r\nRCPT TO:<x@y>\r\n",
    b"EHLO x\r\nSTARTTLS\r\nEHLO x\r\nVRFY a\r\nEXPN b\r\nHELP MAIL\r\nNOOP x\r\n",
)


def run(role: Role, pieces: list[bytes]) -> tuple[bytes, list[bytes]]:
    """One conversation, to its end: what the server said, and the letters it took."""
    machine, session = server(role, auth="always", limits=LIMITS, extensions=EXTENSIONS)
    said = b""
    for piece in pieces:
        said += feed(machine, session, piece)
        assert len(machine.reader) <= max(LIMITS.command_line, len(piece)), "octets are hoarded"
        if machine.tls is Tls.WANTED:
            machine.tls_started()
    machine.receive_eof()
    said += feed(machine, session, b"")
    assert machine.closed
    return said, session.letters


def check_replies(said: bytes, letters: list[bytes]) -> None:
    """Well-formed replies, and no letter beyond the limit."""
    assert said.endswith(b"\r\n") or not said
    for line in said.split(b"\r\n")[:-1]:
        assert LINE.fullmatch(line) and len(line) <= MAX_LINE, line
    assert all(len(letter) <= LIMITS.size for letter in letters)


def check(octets: bytes) -> None:
    """All of it, for every role."""
    whole = octets.replace(b"STARTTLS", b"NOOP")  # what comes in one go with STARTTLS is thrown away
    size = 1 if len(whole) < 10_000 else 7
    for role in ROLES:
        check_replies(*run(role, [octets]))
        assert run(role, [whole]) == run(role, [whole[at : at + size] for at in range(0, len(whole), size)])
