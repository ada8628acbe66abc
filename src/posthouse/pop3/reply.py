"""What a server answers: one line, ``+OK`` or ``-ERR``, with the response codes of RFC 2449 §8 and RFC 3206."""

from __future__ import annotations

import re
from dataclasses import dataclass

from posthouse.errors import LocalProtocolError, RemoteProtocolError
from posthouse.wire.reader import Parse, Reader

# RFC 2449 §4: the first line of a response has at most 512 octets, CR LF included. We keep to it …
MAX_SENT_LINE = 512
# … and read what servers really send.
MAX_LINE = 4096

# RFC 2449 §3: resp-code = "[" resp-level *("/" resp-level) "]";  rchar = %x21-2E / %x30-5C / %x5E-7F
CODE = re.compile(r"[!-.0-\\^-\x7f]+(?:/[!-.0-\\^-\x7f]+)*")
# single-line = status [SP text] CRLF;  text = *schar / resp-code *CHAR. Servers write what they like after the status.
LINE = re.compile(rb"(\+OK|-ERR)(?:[ \t]+(.*))?", re.IGNORECASE | re.DOTALL)
CODED = re.compile(rf"\[({CODE.pattern})\][ \t]*(.*)", re.DOTALL)
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: ``positive`` or not, its ``text``, and the response code ("IN-USE", "SYS/TEMP"), or an empty one."""

    positive: bool
    text: str = ""
    code: str = ""

    def __post_init__(self) -> None:
        """Raises `LocalProtocolError` for what can't go out as a reply."""
        if CONTROL.search(self.text):
            raise LocalProtocolError(f"a reply's text has no control characters: {self.text!r}")
        if self.code and not CODE.fullmatch(self.code):
            raise LocalProtocolError(f"{self.code!r} is no response code")
        if self.text.startswith("[") and not self.code:
            raise LocalProtocolError("text that begins with [ would be taken for a response code (RFC 2449 §6.4)")

    def __bytes__(self) -> bytes:
        """The reply as it goes out. It is always ASCII: only who asked for UTF-8 may get anything else."""
        octets = str(self).encode("ascii", "backslashreplace")
        return octets[: MAX_SENT_LINE - 2] + b"\r\n"

    def __str__(self) -> str:
        code = f"[{self.code}]" if self.code else ""
        return " ".join(filter(None, ("+OK" if self.positive else "-ERR", code, self.text)))


class Refusal(RemoteProtocolError):
    """A command that is answered with ``reply`` at once; ``closes``: nothing that follows could be understood."""

    def __init__(self, reply: Reply, *, closes: bool = False) -> None:
        super().__init__(reply.text)
        self.reply = reply
        self.closes = closes


def ok(text: str = "") -> Reply:
    """A positive reply."""
    return Reply(True, text)


def err(text: str, code: str = "") -> Reply:
    """A negative reply."""
    return Reply(False, text, code)


def read_reply(reader: Reader) -> Parse[Reply]:
    """Read one reply of a server. `RemoteProtocolError` for a line that is none."""
    line = yield from reader.read_line(MAX_LINE)
    match = LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError(f"the server sent what is no POP3 reply: {printable(line[:100])!r}")
    text = printable(match[2] or b"")
    coded = CODED.fullmatch(text)
    positive = match[1].startswith(b"+")
    if coded is None:
        return Reply(positive, text.lstrip("["))
    return Reply(positive, coded[2], coded[1].upper())


def printable(text: bytes) -> str:
    """Octets of a server as text that can be shown."""
    decoded = text.decode(errors="replace")
    if decoded.isprintable():
        return decoded
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in decoded)


# -- the replies that a server gives often ---------------------------------------------------------------------------

CHALLENGE = ok()  # stands for "+ ", which is no reply (RFC 5034 §5: continue-req)
GOODBYE = ok("Goodbye")
READY_FOR_TLS = ok("Ready to start TLS")
SEND_PASSWORD = ok("Send the password with PASS")  # the same whether or not there is such a user
UTF8_ENABLED = ok("UTF-8 from now on")
TEXT_FOLLOWS = ok("The message's beginning")
NOTHING_DONE = ok("Still here")

# The line itself.
LINE_TOO_LONG = err("The command line is too long")
BARE_LINE_FEED = err("A line ended with <LF> alone; every line must end with <CR><LF>")
NOT_UTF8 = err("The command is not UTF-8 text")
CONTROL_CHARACTER = err("The command has a control character in it; commands are printable text")
UNKNOWN_COMMAND = err("Unknown command; CAPA lists what is known here")
NO_WEB_SERVER = err("This is a mail server, not a web server; closing the connection")
TOO_MANY_ERRORS = err("Too many errors on this connection; closing it", "SYS/TEMP")
TOO_MANY_COMMANDS = err("Too many commands before a login; connect again to go on", "SYS/TEMP")

# TLS and logging in. RFC 3206: AUTH is for wrong credentials only, so that no program asks its user for a new password
# where that wouldn't help.
TLS_ACTIVE = err("TLS is active already")
TLS_NOT_OFFERED = err("STLS is not offered here")
ENCRYPTION_REQUIRED = err("Logging in requires encryption; send STLS first")
USER_FIRST = err("Send USER first, and PASS right behind it")
LOGIN_FAILED = err("The user name or the password is wrong", "AUTH")
LOGIN_CANCELLED = err("The login was cancelled")
LOG_IN_FIRST = err("Log in first")
LOGGED_IN_ALREADY = err("This can't come after the login")
LOGIN_NOT_OFFERED = err("Logging in is not possible here: the server has no certificate for TLS")
NOT_BASE64 = err("The response is not base64")

# The maildrop.
UNAVAILABLE = err("The mailbox can't be opened at the moment; please try again later", "SYS/TEMP")
NOT_UPDATED = err("The messages could not be deleted; all of them are still there. Please try again later", "SYS/TEMP")
UNREADABLE = err("The message can't be read at the moment; please try again later", "SYS/TEMP")
