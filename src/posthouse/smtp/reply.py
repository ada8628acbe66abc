"""What a server answers: RFC 5321 §4.2, with the enhanced status codes of RFC 2034 and RFC 3463."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field

from posthouse.errors import LimitError, LocalProtocolError, RemoteProtocolError
from posthouse.wire.reader import Parse, Reader

# RFC 5321 §4.5.3.1.5: a reply line has at most 512 octets, code and CR LF included. We keep to it …
MAX_SENT_LINE = 512
# … and read what servers really send: some put a paragraph and two links into one line.
MAX_LINE = 4096
# No honest server comes near: EHLO's longest replies have some tens of lines. A reply stays below 4 MB in memory.
MAX_LINES = 1000

# RFC 2034 §4: status-code ::= class "." subject "." detail
ENHANCED = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?=[ \t]|$)")
# RFC 5321 §4.2:  Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
#                 Reply-code = %x32-35 %x30-35 %x30-39   (servers are known to send a second digit above 5)
LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, init=False)
class Reply:
    """One reply: ``code`` (RFC 5321 §4.2.1), ``enhanced`` ("5.1.1", or empty) and at least one line of text."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    _wire: bytes = field(repr=False, compare=False)  # made once: most replies are sent again and again

    def __init__(self, code: int, enhanced: str, *lines: str) -> None:
        """Raises `LocalProtocolError` for what can't go out as a reply."""
        if not 200 <= code <= 599:
            raise LocalProtocolError(f"{code} is no SMTP reply code")
        if enhanced and not (ENHANCED.fullmatch(enhanced) and enhanced[0] == str(code)[0]):
            raise LocalProtocolError(f"{enhanced!r} is no enhanced status code for {code}")
        if not lines:
            raise LocalProtocolError("a reply has at least one line")
        for line in lines:
            if CONTROL.search(line):
                raise LocalProtocolError(f"a reply's text has no control characters: {line!r}")
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "enhanced", enhanced)
        object.__setattr__(self, "lines", lines)
        object.__setattr__(self, "_wire", _rendered(code, enhanced, lines))

    def __bytes__(self) -> bytes:
        """The reply as it goes out, with the enhanced code on every line (RFC 2034 §4).

        It is always ASCII: a peer that didn't ask for SMTPUTF8 must not get anything else (RFC 6531 §3.7.4.2), so other
        characters become escapes. Lines that are too long are broken into several.
        """
        return self._wire

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.code), self.enhanced, self.text)))

    @property
    def text(self) -> str:
        """The lines as one text."""
        return " ".join(self.lines)

    @property
    def positive(self) -> bool:
        """2yz, done, and 3yz, go on (RFC 5321 §4.2.1)."""
        return self.code < 400

    @property
    def temporary(self) -> bool:
        """4yz: the same may be accepted later."""
        return 400 <= self.code < 500

    @property
    def permanent(self) -> bool:
        """5yz: the same will be refused again."""
        return self.code >= 500


class Refusal(RemoteProtocolError):
    """A command that is answered with ``reply`` at once; ``closes``: nothing that follows could be understood."""

    def __init__(self, reply: Reply, *, closes: bool = False) -> None:
        super().__init__(reply.text)
        self.reply = reply
        self.closes = closes


def _rendered(code: int, enhanced: str, lines: tuple[str, ...]) -> bytes:
    prefix = f"{enhanced} ".encode() if enhanced else b""
    room = MAX_SENT_LINE - len(b"250-") - len(prefix) - len(b"\r\n")
    texts: list[bytes] = []
    for line in lines:
        text = line.encode("ascii", "backslashreplace")
        while len(text) > room:
            space = text.rfind(b" ", 1, room + 1)
            cut, rest = (space, space + 1) if space > 0 else (room, room)
            texts.append(text[:cut])
            text = text[rest:]
        texts.append(text)
    last = texts.pop()
    return b"".join([b"%d-%b%b\r\n" % (code, prefix, text) for text in texts]) + b"%d %b%b\r\n" % (code, prefix, last)


def read_reply(reader: Reader) -> Parse[Reply]:
    """Read one reply of a server.

    Lenient where nothing depends on it: missing text, characters that aren't printable, text that isn't UTF-8.
    `RemoteProtocolError` for lines that are no reply or carry different codes, `LimitError` beyond `MAX_LINE` and
    `MAX_LINES`.
    """
    code = 0
    enhanced = ""
    lines: list[str] = []
    while len(lines) < MAX_LINES:
        line = yield from reader.read_line(MAX_LINE)
        first = _read_line(line)
        if not lines and line[3:4] != b"-":
            return first
        if lines and first.code != code:
            raise RemoteProtocolError(f"the server sent two codes in one reply: {code} and {first.code}")
        if not lines:
            code, enhanced = first.code, first.enhanced
        repeated = first.enhanced == enhanced  # RFC 2034 §4: on every line; else it is text
        lines.append(first.lines[0] if repeated else " ".join(filter(None, (first.enhanced, first.lines[0]))))
        if line[3:4] != b"-":
            return Reply(code, enhanced, *lines)
    raise LimitError(f"a reply of more than {MAX_LINES} lines")


def take_reply(reader: Reader) -> Reply | None:
    """What `read_reply` would read, if it is a single line and all of it is there; else None, and nothing is read."""
    if reader.peek(3, 4) == b"-":
        return None
    line = reader.take_line(MAX_LINE)
    return None if line is None else _read_line(line)


@functools.lru_cache(maxsize=256)
def _read_line(line: bytes) -> Reply:
    """One line as a reply of its own. Kept: nearly all of a server's replies are the same few lines."""
    match = LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError(f"the server sent what is no SMTP reply: {_printable(line[:100])!r}")
    text = _printable(match[3] or b"")
    status = ENHANCED.match(text)
    if status is None or status[1].encode() != line[:1]:
        return Reply(int(match[1]), "", text)
    return Reply(int(match[1]), status[0], text[status.end() :].lstrip(" \t"))


def _printable(text: bytes) -> str:
    decoded = text.decode(errors="replace")
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in decoded)


# -- the replies that a server gives often ---------------------------------------------------------------------------

OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient OK")
START_INPUT = Reply(354, "", "Send the message; end it with <CR><LF>.<CR><LF>")
CLOSING = Reply(221, "2.0.0", "Goodbye")
READY_FOR_TLS = Reply(220, "2.0.0", "Ready to start TLS")
AUTHENTICATED = Reply(235, "2.7.0", "Logged in")
NOT_VERIFIED = Reply(252, "2.5.0", "Addresses are not verified here; send the message, and it will be tried")

# The service as a whole: 421 announces that the connection closes (RFC 5321 §3.8).
SHUTTING_DOWN = Reply(421, "4.3.2", "The server is shutting down; please try again in a few minutes")
TIMED_OUT = Reply(421, "4.4.2", "No command came for too long; closing the connection")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors on this connection; closing it")
TOO_MANY_COMMANDS = Reply(421, "4.7.0", "Too many commands on this connection; connect again to go on")
LOST_COUNT = Reply(421, "4.5.0", "What follows can't be told from commands; closing the connection")
LOCAL_ERROR = Reply(451, "4.3.0", "Something failed on this server; please try again later")
# RFC 3463 §3.3: X.2.2, mailbox full. Room may come while the sender's queue waits, but not for what is too big for it.
MAILBOX_FULL = Reply(452, "4.2.2", "The mailbox is full; please try again later")
MAILBOX_TOO_SMALL = Reply(552, "5.2.2", "The message is larger than the mailbox may ever be")
NO_SPACE = Reply(452, "4.3.1", "This server has no room for the message at the moment; please try again later")

# Commands.
LINE_TOO_LONG = Reply(500, "5.5.2", "The command line is too long")
BARE_LINE_FEED = Reply(500, "5.5.2", "A line ended with <LF> alone; every line must end with <CR><LF>")
NOT_UTF8 = Reply(500, "5.5.2", "The command is not UTF-8 text")
UNKNOWN_COMMAND = Reply(500, "5.5.1", "Unknown command; HELP lists those known here")
NO_WEB_SERVER = Reply(421, "4.7.0", "This is a mail server, not a web server; closing the connection")
CONTROL_CHARACTER = Reply(500, "5.5.2", "The command has a control character in it; commands are printable text")
BINARY_NEEDS_BDAT = Reply(503, "5.5.1", "A message that was announced with BODY=BINARYMIME comes with BDAT, not DATA")
EXPANSION_DISABLED = Reply(502, "5.5.1", "Mailing lists are not expanded here")

# Recipients and the letter.
NO_SUCH_MAILBOX = Reply(550, "5.1.1", "There is no such mailbox here; check the address")
NOT_OURS = Reply(550, "5.7.1", "That domain is none of this server's; posthouse domain add makes it one")
RELAYING_DENIED = Reply(550, "5.7.1", "This server does not carry mail to that domain for you; log in to send")
TOO_MANY_RECIPIENTS = Reply(
    452, "4.5.3", "Too many recipients; send the message to the others in a further transaction"
)
TOO_BIG = Reply(552, "5.3.4", "The message is larger than this server accepts")
TOO_MANY_HOPS = Reply(554, "5.4.6", "The message has passed too many servers; it is probably in a loop")

# TLS and logging in (RFC 3207 §4, RFC 4954 §6).
MUST_STARTTLS = Reply(530, "5.7.0", "This server requires encryption here; issue a STARTTLS command first")
MUST_AUTHENTICATE = Reply(530, "5.7.0", "Log in first, with the AUTH command")
TLS_ACTIVE = Reply(503, "5.5.1", "TLS is active already")
TLS_NOT_OFFERED = Reply(502, "5.5.1", "STARTTLS is not offered here")
ALREADY_AUTHENTICATED = Reply(503, "5.5.1", "You have logged in already")
LOGIN_NOT_OFFERED = Reply(502, "5.5.1", "Logging in is not offered here")
LOGIN_CANCELLED = Reply(501, "5.7.0", "The login was cancelled")
NOT_BASE64 = Reply(501, "5.5.2", "The response is not base64")
RESPONSE_TOO_LONG = Reply(500, "5.5.6", "The response is too long")
ENCRYPTION_REQUIRED = Reply(538, "5.7.11", "Logging in requires encryption; issue a STARTTLS command first")
LOGIN_FAILED = Reply(535, "5.7.8", "The user name or the password is wrong")
