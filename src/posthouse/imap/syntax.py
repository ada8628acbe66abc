"""The tokens of IMAP, read from an assembled command or response: RFC 3501 §9 and RFC 9051 §9."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar

from posthouse.errors import RemoteProtocolError

from . import utf7

T = TypeVar("T")

# number: unsigned 32-bit; number64: unsigned 63-bit (RFC 9051 §9).
MAX_NUMBER = 2**32 - 1
MAX_NUMBER64 = 2**63 - 1

# atom            = 1*ATOM-CHAR
# ATOM-CHAR       = <any CHAR except atom-specials>
# atom-specials   = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
# list-wildcards  = "%" / "*"     quoted-specials = DQUOTE / "\"     resp-specials = "]"
ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
# ASTRING-CHAR    = ATOM-CHAR / resp-specials
ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
# list-char       = ATOM-CHAR / list-wildcards / resp-specials
LIST_CHARS = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
# quoted          = DQUOTE *QUOTED-CHAR DQUOTE
# QUOTED-CHAR     = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials / UTF8-2 / UTF8-3 / UTF8-4
QUOTED = re.compile(rb'"([^\x00\r\n"\\]*(?:\\["\\][^\x00\r\n"\\]*)*)"')
QUOTED_PAIR = re.compile(rb'\\(["\\])')
# literal         = "{" number64 ["+"] "}" CRLF *CHAR8          literal8 = "~{" number64 ["+"] "}" CRLF *OCTET
LITERAL = re.compile(rb"(~?)\{([0-9]+)(\+?)\}\r\n")
DIGITS = re.compile(rb"[0-9]+")
BASE64 = re.compile(rb"[A-Za-z0-9+/]*={0,2}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# flag            = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
SYSTEM_FLAGS = {flag.lower(): flag for flag in ("\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft")}

NO_LITERALS: Mapping[int, bytes] = MappingProxyType({})


class Malformed(RemoteProtocolError):
    """Something isn't written as the grammar wants; the text says what was expected, and where. The answer is BAD, with
    the response code ``code`` if there is one."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class LiteralMissing(Malformed):
    """The parser has come to a literal whose octets aren't assembled: to the message of an APPEND, for one."""


class Unacceptable(RemoteProtocolError):
    """Well written, but impossible; the answer is NO with the response code ``code`` (RFC 9051 §7.1).

    ``saving``: it stands in a search whose result was to be saved.
    """

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
        self.saving = False


class Cursor:
    """A position in an assembled command or response.

    ``text`` holds the lines with their literals' markers (``{5}`` CR LF) but without the literals; ``literals`` gives
    the octets of each by the position behind its marker. So a big literal is never copied, and never mistaken for
    syntax. ``utf8``: mailbox names are UTF-8 and no longer modified UTF-7 (RFC 6855 §3, RFC 9051 §5.1).
    """

    __slots__ = ("at", "literals", "text", "utf8")

    def __init__(
        self, text: bytes, literals: Mapping[int, bytes] = NO_LITERALS, *, at: int = 0, utf8: bool = False
    ) -> None:
        self.text = text
        self.literals = literals
        self.at = at
        self.utf8 = utf8

    # -- where we are ------------------------------------------------------------------------------------------------

    def expected(self, what: str) -> Malformed:
        """The error to raise here. ``what`` completes "expected …"."""
        return Malformed(f"expected {what} at character {self.at + 1}")

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self.at >= len(self.text)

    def end(self) -> None:
        """Demand that nothing is left."""
        if not self.at_end:
            raise self.expected("the end of the line")

    def at_any(self, octets: bytes) -> bool:
        """Whether one of ``octets`` is next."""
        return not self.at_end and self.text[self.at] in octets

    def skip(self, mark: bytes) -> bool:
        """Pass over ``mark`` if it is next; say whether it was."""
        if not self.text.startswith(mark, self.at):
            return False
        self.at += len(mark)
        return True

    def expect(self, mark: bytes, what: str = "") -> None:
        """Pass over ``mark``, which must be next."""
        if not self.skip(mark):
            raise self.expected(what or f'"{mark.decode("ascii")}"')

    def space(self) -> None:
        """SP is exactly one space (RFC 9051 §9, rule 2)."""
        if not self.skip(b" "):
            raise self.expected("one space")

    def keyword(self, word: bytes) -> bool:
        """Pass over an atom if it is ``word`` (given in upper case), in whatever case it is written."""
        match = ATOM.match(self.text, self.at)
        if match is None or match[0].upper() != word:
            return False
        self.at = match.end()
        return True

    def match(self, pattern: re.Pattern[bytes], what: str) -> re.Match[bytes]:
        """Pass over what ``pattern`` matches here."""
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self.expected(what)
        self.at = match.end()
        return match

    # -- tokens ------------------------------------------------------------------------------------------------------

    def atom(self, what: str) -> str:
        """An atom, as written."""
        return self.match(ATOM, what)[0].decode("ascii")

    def word(self, what: str) -> str:
        """An atom that is a word of the grammar: in upper case."""
        return self.match(ATOM, what)[0].decode("ascii").upper()

    def number(self, what: str = "a number", *, least: int = 0, most: int = MAX_NUMBER) -> int:
        """number, nz-number (``least=1``), number64 (``most=MAX_NUMBER64``)."""
        start = self.at
        digits = self.match(DIGITS, what)[0]
        if len(digits) <= 19 and least <= int(digits) <= most:
            return int(digits)
        self.at = start
        raise self.expected(f"{what} from {least} to {most}")

    def at_literal(self) -> re.Match[bytes] | None:
        """The marker of a literal, if one is next: groups ``~``, the octet count, ``+``."""
        return LITERAL.match(self.text, self.at)

    def string(self, what: str) -> bytes:
        """string = quoted / literal (a literal8 too: who may send one is said elsewhere)."""
        if self.skip(b'"'):
            self.at -= 1
            quoted = self.match(QUOTED, f"{what} with a closing quote, and no backslash but before a quote")[1]
            return QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        marker = self.at_literal()
        if marker is None:
            raise self.expected(what)
        octets = self.literals.get(marker.end())
        if octets is None:
            raise LiteralMissing(f"{what} is a literal that has not come")
        self.at = marker.end()
        return octets

    def nstring(self, what: str) -> bytes | None:
        """nstring = string / nil."""
        return None if self.keyword(b"NIL") else self.string(what)

    def astring(self, what: str) -> bytes:
        """astring = 1*ASTRING-CHAR / string."""
        match = ASTRING.match(self.text, self.at)
        if match is None:
            return self.string(what)
        self.at = match.end()
        return match[0]

    def utf8_astring(self, what: str) -> str:
        """An astring that holds UTF-8 (which ASCII is)."""
        start = self.at
        try:
            return self.astring(what).decode("utf-8")
        except UnicodeDecodeError:
            self.at = start
            raise self.expected(f"{what} in UTF-8") from None

    def list_of(self, item: Callable[[], T], what: str, *, least: int = 0) -> list[T]:
        """``"(" [item *(SP item)] ")"``; ``least``: how many there must be."""
        self.expect(b"(", f'"(" and {what}')
        items: list[T] = []
        if self.at_any(b")") and least == 0:
            self.at += 1
            return items
        while True:
            items.append(item())
            if self.skip(b")"):
                return items
            self.space()

    # -- mailbox names and flags -------------------------------------------------------------------------------------

    def mailbox(self, what: str = "a mailbox name") -> str:
        """mailbox = "INBOX" / astring. INBOX in any case is INBOX."""
        return self._mailbox(self.astring(what))

    def list_mailbox(self, what: str = "a mailbox name or pattern") -> str:
        """list-mailbox = 1*list-char / string."""
        match = LIST_CHARS.match(self.text, self.at)
        if match is None:
            return self._mailbox(self.string(what))
        self.at = match.end()
        return self._mailbox(match[0])

    def _mailbox(self, octets: bytes) -> str:
        """A name's characters. 8-bit names were never legal in 4rev1, but are sent: they can only be UTF-8."""
        try:
            name = octets.decode("utf-8") if self.utf8 or not octets.isascii() else utf7.decode(octets)
        except ValueError as error:
            raise Unacceptable(f"that can't be a mailbox name: {_reason(error)}", code="CANNOT") from error
        if CONTROL.search(name):
            raise Unacceptable("a mailbox name has no control characters", code="CANNOT")
        return "INBOX" if name.upper() == "INBOX" else name

    def flag(self) -> str:
        r"""flag, as a client may set it: a system flag in the RFC's spelling, or a keyword as written.

        ``\Recent`` is the server's to set, and other flag-extensions don't exist (RFC 9051 §2.3.2).
        """
        start = self.at
        if not self.skip(b"\\"):
            return self.atom("a flag")
        known = SYSTEM_FLAGS.get("\\" + self.atom("a flag").lower())
        if known is None:
            self.at = start
            raise self.expected("a flag that a client may set (\\Answered, \\Flagged, \\Deleted, \\Seen, \\Draft)")
        return known

    def flag_list(self) -> tuple[str, ...]:
        """flag-list = "(" [flag *(SP flag)] ")"; each flag once."""
        return tuple(dict.fromkeys(self.list_of(self.flag, "flags")))


def _reason(error: ValueError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
