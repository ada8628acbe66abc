"""What the IMAP server's machine promises for any octets: responses and nothing else, little memory, and the same
however they arrive. For hypothesis and for tools/fuzz.py."""

from __future__ import annotations

import re

from imap_session import Friendly
from posthouse.imap.capability import CAPABILITIES
from posthouse.imap.limits import Limits
from posthouse.imap.server import ImapServer
from posthouse.wire.machine import Tls

LIMITS = Limits(
    command=2_000, command_before_login=500, authentication_line=300, literals=5, append=3_000, append_messages=4,
    append_parts=4, skip=5_000, bad_before_login=3, bad=10,
)  # fmt: skip
# response-tagged, response-data, continue-req (RFC 9051 §9), as far as a line shows it; UTF-8 once it is enabled.
RESPONSE = re.compile(rb"(\*|[\x21-\x7e]+ (OK|NO|BAD)) [\x20-\x7e\x80-\xff]+|\+ [\x20-\x7e]*")

LOGIN = b"a LOGIN ada secret\r\n"
SELECT = LOGIN + b"b SELECT INBOX\r\n"
WORDS = (
    b"a ", b"a1 ", b"UID ", b"\r\n", b" ", b"(", b")", b'"', b"\\", b"*", b"%", b"$", b"{3}\r\n", b"{3+}\r\n",
    b"~{3+}\r\n", b"{99999999999999999999}\r\n", b"{0+}\r\n", b"1:*", b"1,3:5,*", b"4294967295", b"4294967296",
    b"18446744073709551616", LOGIN, SELECT,
    b"c FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (DATE FROM)]<0.10> BINARY[1.2] PREVIEW)\r\n",
    b"d SEARCH RETURN (MIN MAX COUNT SAVE PARTIAL 1:5 UPDATE) OR NOT SEEN (FROM x SINCE 1-Feb-1994) UID 1:*\r\n",
    b"e UID SORT RETURN () (REVERSE DATE SUBJECT) UTF-8 ALL\r\n", b"f THREAD REFERENCES US-ASCII TEXT x\r\n",
    b"f UID THREAD REFS UTF-8 1:2\r\n", b"n ENABLE UIDONLY\r\n",
    b"g STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\\Seen $x)\r\n", b"h APPEND INBOX (\\Seen) {5+}\r\nHello\r\n",
    b'i APPEND "INBOX" CATENATE (URL "/INBOX/;UID=1" TEXT {3+}\r\nabc)\r\n', b"j IDLE\r\n", b"DONE\r\n",
    b"k ESEARCH IN (mailboxes (a b) subtree c) RETURN (COUNT) UNSEEN\r\n", b"l AUTHENTICATE PLAIN\r\n",
    b"AGEAYg==\r\n", b"m NOTIFY SET STATUS (selected (MessageNew (UID) MessageExpunge FlagChange))\r\n",
    b"n ENABLE QRESYNC UTF8=ACCEPT\r\n", b"o SELECT INBOX (QRESYNC (1 2 1:3 (1:2 3:4)))\r\n",
    b'p LIST (SUBSCRIBED) "" (% "a/*") RETURN (STATUS (MESSAGES))\r\n',
    b"q UID FETCH 1:5 (FLAGS) (CHANGEDSINCE 9 VANISHED)\r\n", b'r CANCELUPDATE "d"\r\n', b"s UNAUTHENTICATE\r\n",
    b"t SETMETADATA INBOX (/private/comment {3+}\r\nabc)\r\n", b"u LOGOUT\r\n", b"v STARTTLS\r\n",
    b"w CAPABILITY\r\n", b"x REPLACE 3 INBOX {3+}\r\nabc\r\n", b"[", b"]", b"<1.2>", b"CHARSET UTF-8 ",
    "ü\u2028".encode(), b"\xff", b"\0", b"\n", b"\r", b"+", b"&-", b"x" * 300,
)  # fmt: skip
SEEDS = (
    SELECT + b"".join(word for word in WORDS if word[1:2] == b" " and word[:1] > b"b" and b"LOGOUT" not in word),
    b"v STARTTLS\r\nl AUTHENTICATE PLAIN\r\nAGEAYg==\r\nw CAPABILITY\r\nu LOGOUT\r\n",
    SELECT + b"a SEARCH TEXT {3}\r\nabc HEADER {1}\r\nx {2}\r\nyz\r\na COPY 1:* {3}\r\nabc\r\na NOOP\r\n",
)


def run(pieces: list[bytes]) -> bytes:
    """One conversation, to its end: what the server said."""
    machine = ImapServer(
        limits=LIMITS, tls_available=True, login_allowed="always", offers=CAPABILITIES, mechanisms=("PLAIN",)
    )
    friendly = Friendly(machine, {})
    machine.greet("ready")
    said = b""
    for piece in pieces:
        machine.receive_data(piece)
        for event in machine.events():
            friendly(event)
        said += machine.data_to_send()
        assert machine.closed or len(machine.reader) <= LIMITS.command + len(piece), "octets are hoarded"
        if machine.tls is Tls.WANTED:
            machine.tls_started()
    machine.receive_eof()
    for event in machine.events():
        friendly(event)
    assert machine.closed
    return said + machine.data_to_send()


def check(octets: bytes) -> None:
    """All of it."""
    said = run([octets])
    assert said.endswith(b"\r\n")
    for line in said.split(b"\r\n")[:-1]:
        assert RESPONSE.fullmatch(line), line
    # What comes in one go with STARTTLS is thrown away, and COMPRESS makes all else unreadable.
    whole = re.sub(rb"starttls|compress", b"NOOP", octets, flags=re.IGNORECASE)
    size = 1 if len(whole) < 10_000 else 7
    assert run([whole]) == run([whole[at : at + size] for at in range(0, len(whole), size)])
