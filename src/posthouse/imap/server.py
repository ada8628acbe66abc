"""The server's side of a conversation: octets in, commands out, answers framed.

::

    machine = ImapServer(tls_available=True)
    machine.greet("Posthouse is ready")
    machine.receive_data(data)
    for event in machine.events():      # `event`: Command, AppendBegin, …
        ...                             # answer each before the next: machine.untagged(…), machine.ok(…)

The machine answers itself what is malformed or illegal, and CAPABILITY, STARTTLS and COMPRESS. Its state moves only by
the session's calls: `authenticated`, `selected`, `unselected`. A session that forgets to answer meets
`LocalProtocolError`.
"""

from __future__ import annotations

import re

from posthouse.errors import LimitError, LocalProtocolError, RemoteProtocolError
from posthouse.wire.machine import Events, Tls
from posthouse.wire.reader import EndOfInput, Parse

from . import command as commands
from . import grammar
from .answering import CHUNK, Answering
from .event import (
    AppendAborted,
    AppendBegin,
    AppendChunk,
    AppendEnd,
    AppendUrl,
    AuthResponse,
    Command,
    Event,
    IdleDone,
    SearchRefused,
)  # fmt: skip
from .limits import Limits as Limits
from .needs import needs, uses_numbers
from .syntax import MAX_NUMBER64, Cursor, LiteralMissing, Malformed, Unacceptable
from .table import TABLE, Kind, Row, State

# tag             = 1*<any ASTRING-CHAR except "+">      (clients use up to ten; all of them echo what they sent)
MAX_TAG = 100
TAG = re.compile(rb'([^\x00-\x20\x7f-\xff(){%%*"\\+]{1,%d})(?: |$)' % MAX_TAG)
# The end of a line that a literal follows: RFC 7888 §3 has every line checked for it.
MARKER = re.compile(rb"~?\{([0-9]+)(\+?)\}$")
# The charset of a SEARCH, which may stand behind what it is to return.
CHARSET = re.compile(rb" (?:RETURN \([^)]*(?:\([^)]*\))?[^)]*\) )?CHARSET ", re.IGNORECASE)


class ImapServer(Answering):
    """One conversation, seen from the server."""

    def _converse(self) -> Events[Event]:
        while not self.closed and not (yield from self.reader.at_eof()):
            try:
                line = yield from self.reader.read_line(self._command_limit)
            except LimitError:
                tag = TAG.match((yield from self.reader.read_exact(MAX_TAG + 1)))
                self._tag = tag[1].decode("ascii") if tag else None
                raise
            yield from self._command(line)

    @property
    def _command_limit(self) -> int:
        before_login = self.state is State.NOT_AUTHENTICATED
        return self.limits.command_before_login if before_login else self.limits.command

    def _failed(self, error: RemoteProtocolError) -> None:
        """What can't be read on from: a line too long, or ended with LF alone.

        To read on would risk taking a part of it (a literal behind it, the text behind a LF) for a command.
        """
        if isinstance(error, EndOfInput) or self.closed:
            return
        if self._tag is not None:
            self._finish("BAD", str(error), "")
        self.bye(str(error), "LIMIT" if isinstance(error, LimitError) else "")

    def _command(self, line: bytes) -> Events[Event]:
        """One command, of which the first line has come."""
        tag = TAG.match(line)
        if tag is None:
            self.untagged(b"BAD expected a tag, a space and a command")
            self._count_bad()
            yield from self._discard(line)
            return
        self._tag = tag[1].decode("ascii")
        cursor = Cursor(line, at=tag.end())
        try:
            row = self._look_up(cursor)
        except (Malformed, Unacceptable) as error:
            self._refuse(error)
            yield from self._discard(line)
            return
        if row.kind is Kind.APPEND:
            yield from self._append(row, line, cursor.at)
            return
        try:
            assembled = yield from self._assemble(line, cursor.at)
            if assembled is None:
                return
            command = row.parse(assembled)
            assembled.end()
            self._check_offered(command)
            self._check_numbers(command)
            self._check_mechanism(command)
            if isinstance(command, commands.Search) and "UTF8=ACCEPT" in self.enabled_capabilities:
                _check_no_charset(assembled, cursor.at)
        except (Malformed, Unacceptable) as error:
            self._refuse(error)
            if isinstance(error, Unacceptable) and error.saving:
                yield SearchRefused()
            return
        yield from self._carry_out(command)

    def _look_up(self, cursor: Cursor) -> Row:
        """The row of the command, if it is legal now."""
        self._name = "the line"
        self._row = None
        name = cursor.word("a command")
        if name == "UID":
            cursor.space()
            name = f"UID {cursor.word('a command that goes with UID')}"
        row = TABLE.get(name)
        if row is None or (row.capability and self._offered.isdisjoint(row.capability)):
            raise Malformed(f"there is no command {name[:40]}")
        self._name, self._row = name, row
        if row.numbers and self.uid_only:
            raise Malformed(f"with UIDONLY there are no message numbers: use UID {name}", code="UIDREQUIRED")
        if self.state not in row.states:
            raise Malformed(f"not possible now: you are {self.state.value}")
        if name == "LOGIN" and not self._passwords_open:
            raise Unacceptable("no passwords in clear text: issue STARTTLS first", code="PRIVACYREQUIRED")
        if name == "STARTTLS" and self.tls is Tls.ACTIVE:
            raise Malformed("TLS is active already")
        if name == "STARTTLS" and not self._tls_available:
            raise Malformed("there is no TLS to be had here")
        return row

    def _check_offered(self, command: commands.Command) -> None:
        for what, capabilities in needs(command):
            if self._offered.isdisjoint(capabilities):
                raise Malformed(f"{what} is not offered here")

    def _check_numbers(self, command: commands.Command) -> None:
        """With UIDONLY, message numbers stand nowhere (RFC 9586 §3)."""
        if self.uid_only and uses_numbers(command):
            raise Malformed("with UIDONLY there are no message numbers: use UIDs", code="UIDREQUIRED")

    def _check_mechanism(self, command: commands.Command) -> None:
        if not isinstance(command, commands.Authenticate):
            return
        if command.mechanism not in self.mechanisms:
            known = ", ".join(self.mechanisms)
            raise Unacceptable(f"there is no mechanism {command.mechanism[:40]}, only {known}", code="CANNOT")
        if not self._logins_open:
            raise Unacceptable("not in clear text: issue STARTTLS first", code="PRIVACYREQUIRED")

    def _refuse(self, error: Malformed | Unacceptable) -> None:
        text = f"{self._name}: {error}" if self._row is not None else str(error)
        if isinstance(error, Unacceptable):
            self.no(text, error.code)
        else:
            self.bad(text, error.code)

    def _carry_out(self, command: commands.Command) -> Events[Event]:
        """Have the session answer, and follow where its answer leads."""
        assert self._tag is not None
        if isinstance(command, commands.Capability):
            self.untagged(self.capability.encode("ascii"))
            self.ok("CAPABILITY completed")
            return
        if isinstance(command, commands.StartTls):
            self.ok("Begin TLS negotiation now")
            self.tls = Tls.WANTED
            yield None  # what has come already is not read: it came in clear text
            return
        if isinstance(command, commands.Compress):
            yield from self._compress()
            return
        yield Command(self._tag, command)
        while self._challenged:
            self._challenged = False
            yield self._auth_response((yield from self.reader.read_line(self.limits.authentication_line)))
        if self._idling:
            self._idling = False
            # idle = "IDLE" CRLF "DONE"; RFC 9051 §6.3.13: "OK - IDLE completed after client sent "DONE""
            line = yield from self.reader.read_line(self.limits.command_before_login)
            yield IdleDone("" if line.upper() == b"DONE" else "expected DONE, which ends IDLE; it has ended")
        self._check_answered()

    def _compress(self) -> Parse[None]:
        """COMPRESS: from behind its answer, and behind the command's line, everything is packed (RFC 4978 §3)."""
        if self._inflate is not None:
            self.no("DEFLATE is active already", "COMPRESSIONACTIVE")
            return
        self.ok("DEFLATE active")
        self._begin_compression((yield from self.reader.read_exact(len(self.reader))))

    def _check_answered(self) -> None:
        if self._tag is not None and not self.closed:
            raise LocalProtocolError(f"{self._name} was not answered")

    @staticmethod
    def _auth_response(line: bytes) -> AuthResponse:
        """``base64 CRLF``, or "*" to give up (RFC 9051 §6.2.2)."""
        if line == b"*":
            return AuthResponse(None, "Authentication cancelled")
        try:
            return AuthResponse(grammar.decode_base64(line))
        except Malformed as error:
            return AuthResponse(None, f"AUTHENTICATE: {error}")

    # -- literals ----------------------------------------------------------------------------------------------------

    def _assemble(self, line: bytes, at: int) -> Parse[Cursor | None]:
        """The whole command, its literals beside it; None when it is too big, and refused."""
        _check_utf8(line)
        marker = _marker(line)
        if marker is None:
            return Cursor(line, at=at, utf8=self.utf8)
        lines = [line]
        literals: dict[int, bytes] = {}
        size = len(line)
        position = 0
        has_nul = False
        while marker is not None:
            octets = _octets(marker)
            if size + octets > self._command_limit or len(literals) == self.limits.literals:
                self._refuse(self._too_big())
                yield from self._discard(line)
                return None
            self._go_on(marker)
            position += len(line) + 2
            literals[position] = yield from self.reader.read_exact(octets)
            has_nul = has_nul or (b"\0" in literals[position] and not marker[0].startswith(b"~"))
            size += octets
            line = yield from self.reader.read_line(max(self._command_limit - size, 2))
            size += len(line)
            lines += (b"\r\n", line)
            marker = _marker(line)
        if has_nul:
            raise Malformed("a literal holds NUL, which only a literal8 may")
        _check_utf8(b"".join(lines))
        return Cursor(b"".join(lines), literals, at=at, utf8=self.utf8)

    def _too_big(self) -> Malformed:
        return Malformed(f"a command has at most {self._command_limit} octets and {self.limits.literals} literals")

    def _go_on(self, marker: re.Match[bytes]) -> None:
        """Ask for a literal, if the client waits to be asked (RFC 9051 §7.6)."""
        if not marker[2]:
            self._send(b"+ go on\r\n")

    def _discard(self, line: bytes) -> Parse[None]:
        """Pass over what still belongs to a command that was refused when this line of it was read.

        A literal for which the client waits will not come; one for which it doesn't is on its way (RFC 7888 §4).
        """
        limit = self.limits.command_before_login if self.state is State.NOT_AUTHENTICATED else self.limits.skip
        skipped = 0
        while (marker := _marker(line)) is not None and marker[2]:
            octets = _octets(marker)
            skipped += octets
            if skipped > limit:
                raise LimitError(f"a literal of {octets} octets behind a command that was refused")
            while octets:
                octets -= len((yield from self.reader.read_some(min(CHUNK, octets))))
            line = yield from self.reader.read_line(self._command_limit)

    # -- APPEND ------------------------------------------------------------------------------------------------------

    def _append(self, row: Row, line: bytes, at: int) -> Events[Event]:
        """APPEND and REPLACE, of which the first line has come."""
        here = _Here(line, Cursor(line))
        try:
            here.cursor = self._line_cursor(line, at)
            try:
                append = row.parse(here.cursor)
            except LiteralMissing:
                yield from self._read_mailbox_literal(here, at)
                append = row.parse(here.cursor)
        except (Malformed, Unacceptable) as error:
            self._refuse(error)
            yield from self._discard(here.line)
            return
        assert isinstance(append, commands.Append)
        yield from self._append_messages(append, here)

    def _line_cursor(self, line: bytes, at: int = 0) -> Cursor:
        """A cursor over one line, and its end if a literal follows."""
        _check_utf8(line)
        return Cursor(line + b"\r\n" if _marker(line) else line, at=at, utf8=self.utf8)

    def _read_mailbox_literal(self, here: _Here, at: int) -> Parse[None]:
        """The mailbox's name came as a literal: read it and the line behind it."""
        begin = here.line + b"\r\n"
        name = yield from self._read_small_literal(here)
        text = begin + here.cursor.text
        here.cursor = Cursor(text, {len(begin): name}, at=at, utf8=self.utf8)

    def _read_small_literal(self, here: _Here) -> Parse[bytes]:
        """A string that came as the literal at the line's end; ``here`` is then the line behind it."""
        marker = _marker(here.line)
        assert marker is not None
        if _octets(marker) > self._command_limit:
            raise self._too_big()
        self._go_on(marker)
        octets = yield from self.reader.read_exact(_octets(marker))
        yield from self._next_line(here)
        return octets

    def _next_line(self, here: _Here) -> Parse[None]:
        """The line behind a literal."""
        here.line = yield from self.reader.read_line(self._command_limit)
        here.cursor = self._line_cursor(here.line)

    def _append_messages(self, append: commands.Append, here: _Here) -> Events[Event]:
        """The messages of one APPEND; ``here`` is behind what announced the first."""
        tag = self._tag
        assert tag is not None
        count = 0
        while True:
            count += 1
            refusal = self._append_refusal(append, count)
            if refusal is not None:
                yield from self._abort_append(refusal, here, begun=count > 1)
                return
            self._accepted = False
            on_its_way = not append.catenate and here.line.endswith(b"+}")
            yield AppendBegin(tag, append, on_its_way)
            if self._tag is not None and not self._accepted and not self.closed:
                raise LocalProtocolError("APPEND was not answered")
            if not self._accepted:
                yield from self._discard(here.line)
                return
            try:
                if append.catenate:
                    yield from self._parts(here)
                else:
                    yield from self._message(append.size, here)
                if self._tag is None:  # the session said no halfway
                    yield from self._discard(here.line)
                    return
                if append.utf8:
                    here.cursor.expect(b")")
                if here.cursor.at_end:
                    break
                if "MULTIAPPEND" not in self._offered or append.replaces is not None:
                    here.cursor.end()
                append = grammar.read_append_message(here.cursor, append.mailbox)
            except (Malformed, Unacceptable) as error:
                yield from self._abort_append(error, here, begun=True)
                return
        yield AppendEnd()
        self._check_answered()

    def _append_refusal(self, append: commands.Append, count: int) -> Malformed | Unacceptable | None:
        """Why the machine itself refuses a message before it comes."""
        try:
            self._check_offered(append)
        except Malformed as error:
            return error
        if append.size > self.limits.append:
            return self._message_too_big()
        if append.size == 0 and not append.catenate:
            return Unacceptable("cancelled by a message of no octets", code="CANNOT")  # RFC 3502 §6.3.11
        if count > self.limits.append_messages:
            return Unacceptable(f"at most {self.limits.append_messages} messages in one command", code="LIMIT")
        return None

    def _message_too_big(self) -> Unacceptable:
        return Unacceptable(f"a message has at most {self.limits.append} octets", code="TOOBIG")  # RFC 7889 §4

    def _abort_append(self, error: Malformed | Unacceptable, here: _Here, *, begun: bool) -> Events[Event]:
        self._refuse(error)
        if begun:
            yield AppendAborted()
        yield from self._discard(here.line)

    def _message(self, size: int, here: _Here) -> Events[Event]:
        """The octets of one message, or of a piece; once the session has said no they are read and thrown away."""
        marker = _marker(here.line)
        assert marker is not None
        self._go_on(marker)
        while size:
            data = yield from self.reader.read_some(min(CHUNK, size))
            size -= len(data)
            if self._tag is not None:
                yield AppendChunk(data)
        yield from self._next_line(here)

    def _parts(self, here: _Here) -> Events[Event]:
        """cat-part *(SP cat-part) ")" (RFC 4469 §5); ends early when the session has said no."""
        size = 0
        for _ in range(self.limits.append_parts):
            if here.cursor.keyword(b"URL"):
                here.cursor.space()
                if here.cursor.at_literal():
                    url = yield from self._read_small_literal(here)
                else:
                    url = here.cursor.astring("a URL")
                yield AppendUrl(url.decode("utf-8", "replace"))
            else:
                part = grammar.read_text_part(here.cursor)
                if part.utf8 and "UTF8=ACCEPT" not in self._offered:
                    raise Malformed("UTF8 is not offered here")
                size += part.size
                if size > self.limits.append:
                    raise self._message_too_big()
                yield from self._message(part.size, here)
                if part.utf8 and self._tag is not None:
                    here.cursor.expect(b")")
            if self._tag is None or here.cursor.skip(b")"):
                return
            here.cursor.space()
        raise Unacceptable(f"a message is put together from at most {self.limits.append_parts} parts", code="LIMIT")


class _Here:
    """How far an APPEND has been read: the present line, and the place in it."""

    __slots__ = ("cursor", "line")

    def __init__(self, line: bytes, cursor: Cursor) -> None:
        self.line = line
        self.cursor = cursor


def _check_no_charset(cursor: Cursor, at: int) -> None:
    """Who enabled UTF8=ACCEPT names no charset: everything is UTF-8 (RFC 6855 §3)."""
    if CHARSET.match(cursor.text, at):
        raise Malformed("no CHARSET once UTF8=ACCEPT is enabled: everything is UTF-8")


def _check_utf8(line: bytes) -> None:
    """Octets above 127 are UTF-8, or the command is BAD (RFC 6855 §3)."""
    if not line.isascii():
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("octets above 127 that are not UTF-8") from None


def _marker(line: bytes) -> re.Match[bytes] | None:
    """The marker of a literal at the end of a line: its octet count and "+"."""
    return MARKER.search(line) if line.endswith(b"}") else None


def _octets(marker: re.Match[bytes]) -> int:
    """The octet count; beyond number64 it is as good as infinite."""
    return int(marker[1]) if len(marker[1]) <= 19 else MAX_NUMBER64
