"""The client's side of SMTP, submission and LMTP: what it knows of its server, and the lines it sends. No I/O.

The dialogues themselves (connect, log in, send) are in `client/smtp.py`; they are built of these pieces.
"""

from __future__ import annotations

import re

from posthouse.errors import LocalProtocolError, RemoteProtocolError, SmtpRefused
from posthouse.wire.reader import Parse, Reader
from posthouse.wire.sasl import encode_base64

from .dsn import ascii_only
from .envelope import DeliverBy, Envelope, Recipient
from .reply import CONTROL, Reply, read_reply

# RFC 5321 §4.5.3.1.4: what every server takes; longer initial responses wait for their challenge (RFC 4954 §4).
MAX_COMMAND_LINE = 512

# RFC 5321 §4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param )
EHLO_LINE = re.compile(r"\s*([^\s=]+)=?(.*)")

DATA = b"DATA\r\n"
RSET = b"RSET\r\n"
NOOP = b"NOOP\r\n"
QUIT = b"QUIT\r\n"
STARTTLS = b"STARTTLS\r\n"
CANCEL = b"*\r\n"  # RFC 4954 §4: the client gives up the exchange


class SmtpClient:
    """A conversation with one server, as far as it has come.

    ``greeting`` is the server's first reply; ``capabilities`` what it announced to EHLO or LHLO, keyword in upper case
    to parameters ("SIZE": "52428800"); ``extended`` whether it did.
    """

    def __init__(self, *, tls: bool = False, lmtp: bool = False) -> None:
        self.reader = Reader()
        self.tls = tls
        self.lmtp = lmtp
        self.greeting: Reply | None = None
        self.capabilities: dict[str, str] = {}
        self.extended = False

    # -- what the server says ------------------------------------------------------------------------------------

    def read_reply(self) -> Parse[Reply]:
        """Read the next reply."""
        return (yield from read_reply(self.reader))

    def greeted(self, reply: Reply) -> None:
        """The first reply came. Raises `SmtpRefused` unless the server is willing (RFC 5321 §3.1)."""
        if reply.code != 220:
            raise refusal(reply, "the server takes no mail at the moment")
        self.greeting = reply

    def introduced(self, reply: Reply, *, extended: bool = True) -> None:
        """The answer to EHLO or LHLO came, or (``extended=False``) to HELO. Raises `SmtpRefused`."""
        if reply.code != 250:
            raise refusal(reply, "the server didn't accept the greeting")
        self.extended = extended
        self.capabilities = parse_capabilities(reply) if extended else {}

    def tls_started(self) -> None:
        """The handshake is done: what the server said before it counts no more (RFC 3207 §4.2)."""
        if len(self.reader):
            # "NO STARTTLS" (CVE-2021-38371): answers that somebody put in before the line was private.
            raise RemoteProtocolError("somebody spoke between the server's go-ahead for TLS and the handshake")
        self.tls = True
        self.extended = False
        self.capabilities = {}

    @property
    def mechanisms(self) -> frozenset[str]:
        """The SASL mechanisms that the server offers, in upper case."""
        return frozenset(self.capabilities.get("AUTH", "").upper().split())

    @property
    def max_size(self) -> int | None:
        """The most octets that a letter may have (RFC 1870 §4), or None when the server sets no limit."""
        return _number(self.capabilities.get("SIZE", ""))

    @property
    def max_recipients(self) -> int | None:
        """The most recipients that a letter may have (RFC 9422), or None when the server doesn't say."""
        limits = dict(word.partition("=")[::2] for word in self.capabilities.get("LIMITS", "").upper().split())
        return _number(limits.get("RCPTMAX", ""))

    @property
    def pipelining(self) -> bool:
        """Whether commands may be sent without waiting for the answers (RFC 2920)."""
        return "PIPELINING" in self.capabilities

    # -- what the client sends -----------------------------------------------------------------------------------

    def hello(self, name: str, *, extended: bool = True) -> bytes:
        """EHLO (LMTP: LHLO), or HELO for a server that doesn't know it; ``name`` is what this host calls itself."""
        return line("LHLO" if self.lmtp else "EHLO" if extended else "HELO", name)

    def mail(self, envelope: Envelope) -> bytes:
        """MAIL with the parameters that this server understands.

        Raises `SmtpRefused` for what it has announced that it can't take: a letter that is too big, or that needs
        SMTPUTF8, BINARYMIME, REQUIRETLS or DELIVERBY. What else it knows is said to it: that a body needs 8BITMIME,
        what is asked about reports, the priority.
        """
        words = [f"FROM:<{envelope.sender or ''}>"]
        if envelope.size is not None:
            if self.max_size is not None and envelope.size > self.max_size:
                text = f"the message has {envelope.size} octets; the server accepts {self.max_size}"
                raise SmtpRefused(text, code=552, enhanced="5.3.4")
            if "SIZE" in self.capabilities:
                words.append(f"SIZE={envelope.size}")
        if envelope.body == "BINARYMIME":
            # RFC 3030 §3: it needs BDAT; otherwise the letter has to be encoded anew.
            for extension in ("BINARYMIME", "CHUNKING"):
                self._demand(extension, 554, "5.6.1", "a binary message")
            words.append("BODY=BINARYMIME")
        elif envelope.body == "8BITMIME" and "8BITMIME" in self.capabilities:
            words.append("BODY=8BITMIME")
        if envelope.smtputf8 or not (envelope.sender is None or envelope.sender.is_ascii):
            # RFC 6531 §3.2: without it, such a letter MUST NOT be sent to this server.
            self._demand("SMTPUTF8", 550, "5.6.7", "addresses or headers beyond ASCII")
            words.append("SMTPUTF8")
        if envelope.requiretls:
            if envelope.sender is not None:  # RFC 8689 §5: a report is not lost over it
                self._demand("REQUIRETLS", 550, "5.7.30", "a message that must not travel in clear text")  # §4.2.1
            words += ["REQUIRETLS"] * ("REQUIRETLS" in self.capabilities)
        if envelope.deliver_by is not None:
            words += self._by(envelope.deliver_by)
        if envelope.priority and "MT-PRIORITY" in self.capabilities:
            words.append(f"MT-PRIORITY={envelope.priority}")
        if "DSN" in self.capabilities:
            words += [f"RET={envelope.ret}"] * (envelope.ret is not None)
            words += [f"ENVID={envelope.envid}"] * (envelope.envid is not None)
        return line("MAIL", *words)

    def _by(self, by: DeliverBy) -> list[str]:
        """MAIL's parameter for a letter whose time is short. RFC 2852 §4.1.4.1, §4.1.4.2."""
        if by.mode == "R":
            self._demand("DELIVERBY", 554, "5.3.3", "a message that comes back unless it arrives in time")
            least = _number(self.capabilities["DELIVERBY"].partition(",")[0]) or 0
            if by.seconds < max(least, 1):
                text = f"the message has {by.seconds} seconds left; the server wants {max(least, 1)}"
                raise SmtpRefused(text, code=554, enhanced="5.4.7")
        return [f"BY={by}"] if "DELIVERBY" in self.capabilities else []

    def rcpt(self, recipient: Recipient) -> bytes:
        """RCPT, with what is asked about reports. Raises `SmtpRefused` for an address that this server can't take."""
        if not recipient.mailbox.is_ascii:
            self._demand("SMTPUTF8", 553, "5.6.7", f"the address {recipient}")
        words = [f"TO:<{recipient}>"]
        if "DSN" in self.capabilities:
            if recipient.notify:
                words.append(f"NOTIFY={','.join(sorted(recipient.notify))}")
            if recipient.orcpt is not None:
                utf8 = "SMTPUTF8" in self.capabilities
                words.append(f"ORCPT={recipient.orcpt if utf8 else ascii_only(recipient.orcpt)}")
        return line("RCPT", *words)

    def bdat(self, size: int, *, last: bool) -> bytes:
        """BDAT; ``size`` octets of the letter follow at once (RFC 3030 §2)."""
        return line("BDAT", str(size), *(["LAST"] if last else []))

    def _demand(self, extension: str, code: int, enhanced: str, what: str) -> None:
        if extension not in self.capabilities:
            raise SmtpRefused(
                f"the server can't take {what}: it doesn't offer {extension}", code=code, enhanced=enhanced
            )

    def auth(self, mechanism: str, initial: bytes | None) -> tuple[bytes, bytes | None]:
        """AUTH with the initial response (None: without); and that response again where it is too long for the line.

        Then it is the answer to the server's first challenge, which is empty (RFC 4954 §4).
        """
        if initial is None:
            return line("AUTH", mechanism), None
        whole = line("AUTH", mechanism, encode_base64(initial).decode() or "=")
        return (whole, None) if len(whole) <= MAX_COMMAND_LINE else (line("AUTH", mechanism), initial)


def response(data: bytes) -> bytes:
    """The line that answers a challenge (RFC 4954 §4)."""
    return encode_base64(data) + b"\r\n"


def line(*words: str) -> bytes:
    """One command line. Words that would become more than one line raise `LocalProtocolError`."""
    text = " ".join(words)
    if not text.isprintable() and (CONTROL.search(text) or "\t" in text):
        raise LocalProtocolError(f"a command has no control characters: {text!r}")
    try:
        return text.encode() + b"\r\n"
    except UnicodeEncodeError as error:
        raise LocalProtocolError(f"a command is text: {text!r}") from error


def parse_capabilities(reply: Reply) -> dict[str, str]:
    """What an answer to EHLO announces: RFC 5321 §4.1.1.1.

    The first line is the server's name and greeting. Some servers announce ``AUTH=`` beside ``AUTH``, as a draft once
    had it: both are taken together.
    """
    capabilities: dict[str, str] = {}
    for text in reply.lines[1:]:
        match = EHLO_LINE.fullmatch(text)
        if match:
            keyword = match[1].upper()
            capabilities[keyword] = " ".join([*capabilities.get(keyword, "").split(), *match[2].split()])
    return capabilities


def refusal(reply: Reply, what: str) -> SmtpRefused:
    """The error for a negative reply; ``what`` says in plain words what the server did not do."""
    text = f"{what}: {reply}"
    return SmtpRefused(text, code=reply.code, enhanced=reply.enhanced)


def _number(text: str) -> int | None:
    """A limit that a server announced; None for 0 (RFC 1870 §4: no limit) and for what is no number."""
    return int(text) or None if text.isascii() and text.isdigit() and len(text) <= 20 else None
