"""The client's side of POP3: what it knows of its server, and the lines it sends. No I/O.

The dialogues themselves (connect, log in, retrieve) are in `client/pop3.py`; they are built of these pieces.
"""

from __future__ import annotations

from posthouse.errors import LimitError, LocalProtocolError, Pop3Refused, RemoteProtocolError
from posthouse.wire.dot import DotReader
from posthouse.wire.reader import Parse, Reader
from posthouse.wire.sasl import encode_base64

from .reply import CONTROL, MAX_LINE, Reply, printable, read_reply

# RFC 2449 §4: what every server takes that has CAPA; RFC 5034 §4 holds the initial response to it.
MAX_COMMAND_LINE = 255
# Lines of a list: one a message, in the largest maildrop that anybody keeps.
MAX_LINES = 5_000_000
# Octets of one message that are taken into memory.
MAX_MESSAGE = 1024 * 1024 * 1024
# Octets of a header in a list, of which there are many in memory. Real ones reach 100 KB; what is read of one, is less.
MAX_HEADER = 1024 * 1024

CAPA = b"CAPA\r\n"
STLS = b"STLS\r\n"
UTF8 = b"UTF8\r\n"
STAT = b"STAT\r\n"
LIST = b"LIST\r\n"
UIDL = b"UIDL\r\n"
NOOP = b"NOOP\r\n"
RSET = b"RSET\r\n"
QUIT = b"QUIT\r\n"
CANCEL = b"*\r\n"  # RFC 5034 §4: the client gives up the exchange


class Pop3Client:
    """A conversation with one server, as far as it has come.

    ``greeting`` is the server's first reply; ``capabilities`` what it announced to CAPA, tag in upper case to arguments
    ("SASL": "PLAIN LOGIN"); empty when it doesn't know CAPA.
    """

    def __init__(self, *, tls: bool = False) -> None:
        self.reader = Reader()
        self.tls = tls
        self.greeting: Reply | None = None
        self.capabilities: dict[str, str] = {}

    # -- what the server says ------------------------------------------------------------------------------------

    def read_reply(self) -> Parse[Reply]:
        """Read the next reply."""
        return (yield from read_reply(self.reader))

    def read_lines(self) -> Parse[list[bytes]]:
        """Read the lines of a multi-line response, after its first one, without what the wire added (RFC 1939 §3)."""
        lines: list[bytes] = []
        while (line := (yield from self.reader.read_line(MAX_LINE))) != b".":
            if len(lines) == MAX_LINES:
                raise LimitError(f"a list of more than {MAX_LINES} lines")
            lines.append(line.removeprefix(b"."))
        return lines

    def read_text(self, most: int | None = None) -> Parse[bytes]:
        """Read a message, after the response's first line, without what the wire added; at most so many octets."""
        most = MAX_MESSAGE if most is None else most
        text = DotReader(self.reader)
        chunks: list[bytes] = []
        size = 0
        while chunk := (yield from text.read()):
            size += len(chunk)
            if size > most:
                raise LimitError(f"a message of more than {most} octets")
            chunks.append(chunk)
        return b"".join(chunks)

    def read_challenge(self) -> Parse[bytes | Reply]:
        """Read what the server says in a SASL exchange: a challenge, in base64, or its last word."""
        if (yield from self.reader.starts_with(b"+ ")) or (yield from self.reader.starts_with(b"+\r\n")):
            line = yield from self.reader.read_line(MAX_LINE)
            return line[1:].strip()
        return (yield from read_reply(self.reader))

    def greeted(self, reply: Reply) -> None:
        """The first reply came. Raises `Pop3Refused` unless the server is willing."""
        if not reply.positive:
            raise refusal(reply, "the server lets nobody in at the moment")
        self.greeting = reply

    def told(self, lines: list[bytes]) -> None:
        """The answer to CAPA came."""
        words = [printable(line).split(None, 1) for line in lines if line.strip()]
        self.capabilities = {tag.upper(): " ".join(arguments) for tag, *arguments in words}

    def tls_started(self) -> None:
        """The handshake is done: what the server said before it counts no more (RFC 2595 §4)."""
        if len(self.reader):
            raise RemoteProtocolError("somebody spoke between the server's go-ahead for TLS and the handshake")
        self.tls = True
        self.capabilities = {}

    @property
    def mechanisms(self) -> frozenset[str]:
        """The SASL mechanisms that the server offers, in upper case."""
        return frozenset(self.capabilities.get("SASL", "").upper().split())

    @property
    def pipelining(self) -> bool:
        """Whether commands may be sent without waiting for the answers (RFC 2449 §6.6)."""
        return "PIPELINING" in self.capabilities

    # -- what the client sends -----------------------------------------------------------------------------------

    @staticmethod
    def auth(mechanism: str, initial: bytes | None) -> tuple[bytes, bytes | None]:
        """AUTH with the initial response (None: without); and that response again where it is too long for the line.

        Then it is the answer to the server's first challenge, which is empty (RFC 5034 §4).
        """
        if initial is None:
            return line("AUTH", mechanism), None
        whole = line("AUTH", mechanism, encode_base64(initial).decode() or "=")
        return (whole, None) if len(whole) <= MAX_COMMAND_LINE else (line("AUTH", mechanism), initial)


def response(data: bytes) -> bytes:
    """The line that answers a challenge (RFC 5034 §4)."""
    return encode_base64(data) + b"\r\n"


def line(*words: str) -> bytes:
    """One command line. Words that would become more than one line raise `LocalProtocolError`."""
    text = " ".join(words)
    if CONTROL.search(text):
        raise LocalProtocolError("a command has no control characters")  # without the text, which may be a password
    try:
        return text.encode() + b"\r\n"
    except UnicodeEncodeError as error:
        raise LocalProtocolError("a command is text") from error


def numbered(of: str, number: int, *others: int) -> bytes:
    """A command about a message."""
    if number < 1 or any(other < 0 for other in others):
        raise LocalProtocolError(f"messages have numbers from 1 on, not {number}")
    return line(of, str(number), *map(str, others))


def refusal(reply: Reply, what: str) -> Pop3Refused:
    """The error for a negative reply; ``what`` says in plain words what the server did not do."""
    return Pop3Refused(f"{what}: {reply.text or 'it does not say why'}", code=reply.code)


def parse_stat(reply: Reply) -> tuple[int, int]:
    """The count of messages and their octets, from the answer to STAT."""
    words = reply.text.split()
    if len(words) < 2 or not all(word.isascii() and word.isdigit() and len(word) <= 20 for word in words[:2]):
        raise RemoteProtocolError(f"the server's answer to STAT makes no sense: {reply.text[:100]!r}")
    return int(words[0]), int(words[1])


def parse_listing(lines: list[bytes]) -> dict[int, str]:
    """What LIST and UIDL tell of each message, by its number."""
    told: dict[int, str] = {}
    for text in lines:
        number, _, rest = text.strip().partition(b" ")
        if not number.isdigit() or len(number) > 10 or not rest.strip():
            raise RemoteProtocolError(f"the server's list makes no sense: {printable(text[:100])!r}")
        told[int(number)] = printable(rest.strip())
    return told


def parse_sizes(lines: list[bytes]) -> dict[int, int]:
    """The octets of each message, by its number."""
    sizes: dict[int, int] = {}
    for number, told in parse_listing(lines).items():
        size = told.split()[0]
        if not (size.isascii() and size.isdigit() and len(size) <= 20):
            raise RemoteProtocolError(f"the server's list has a size that is no number: {told[:100]!r}")
        sizes[number] = int(size)
    return sizes
