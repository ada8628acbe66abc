"""Text made fit for the wire: header fields, MIME parameters, transfer encodings.

Whatever the script, the result is 7-bit unless 8-bit is asked for; no header line is longer than RFC 5322 asks
(78 characters, §2.1.1) where there is a place to fold it, and none is ever longer than it allows (998). A CR, LF or NUL
in a header value is refused: it would be a way to inject fields.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator

from posthouse.errors import InvalidMessage

# RFC 5322 §2.1.1 wants lines of at most 78 characters; RFC 2047 §2 at most 76 where there are encoded words.
# One length for both.
HEADER_LINE = 76
# RFC 5322 §2.1.1, RFC 5321 §4.5.3.1.6: "MUST be no more than 998 characters, excluding the CRLF".
LINE_LIMIT = 998
# RFC 2047 §2: an encoded word "may not be more than 75 characters long".
ENCODED_WORD = 75
# A word longer than this can't be a line of its own with a space and a comma; it is split into encoded words.
_LONGEST_WORD = LINE_LIMIT - 8
# RFC 2231 parameters are cut into sections of this many characters, so that `filename*10*=…;` stays in its line.
_SECTION = 56
# A quoted name longer than this is encoded, and a file's cut into sections. Longer than the file names of any usual
# file system, because not every program can put sections together, and a long line is the lesser evil.
_LONGEST_QUOTED = 255

_BREAKS = re.compile(r"[\r\n\0]")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?: [A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*")  # RFC 5322 §3.2.3
_PRINTABLE = re.compile(r"[ -~]*")
_PLAIN_WORD = re.compile(r"[!-~]+")
_SPACES = re.compile(r"([ \t]+)")
_LONE_SPACE = re.compile(r"(?<=[^ ]) (?=[^ ])")
_ODD_SPACE = re.compile(r"\A[ \t]|[ \t]\Z|[ \t]{9}")  # lost or mangled by readers, or no place to fold

# RFC 2047 §5 (3): in a phrase, only these stand for themselves in a Q-encoded word; we keep to them everywhere.
_Q_SAFE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*+-/"
_Q = [chr(octet) if octet in _Q_SAFE else "_" if octet == 0x20 else f"={octet:02X}" for octet in range(256)]
# attribute-char := <any (US-ASCII) CHAR except SPACE, CTLs, "*", "'", "%", or tspecials>     RFC 2231 §7
_ATTRIBUTE_SAFE = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`{|}~"
_PERCENT = [chr(octet) if octet in _ATTRIBUTE_SAFE else f"%{octet:02X}" for octet in range(256)]


def check_value(name: str, value: str) -> str:
    """Return ``value``, or raise InvalidMessage if it would break out of the header field ``name``."""
    if _BREAKS.search(value):
        raise InvalidMessage(
            f"{name} holds a line break or a NUL, which no header field may: {value[:60]!r}",
            advice="Take the line breaks out of the value; one header field is one line.",
        )
    return value


def utf8(text: str) -> bytes:
    """``text`` in UTF-8. Half a surrogate pair (from a file name that isn't UTF-8) becomes a question mark."""
    return text.encode("utf-8", "replace")


# -- folding --------------------------------------------------------------------------------------------------------


class _Field:
    """One header field being written: tokens are appended, and a line is folded where it would grow too long."""

    __slots__ = ("_column", "_is_empty", "_written", "name", "raw")

    def __init__(self, name: str, *, raw: bool = False) -> None:
        self.name = name
        self.raw = raw  # UTF-8 may stand in the header (RFC 6532)
        self._written = [name, ":"]
        self._column = len(name) + 1
        self._is_empty = True

    def add(self, token: str, space: str = " ") -> None:
        """Append a token that can't be broken; the line is folded before it, except before the very first."""
        width = len(space) + len(token)
        if self._column + width > HEADER_LINE and not self._is_empty:
            self._written.append("\r\n")
            self._column = 0
        self._is_empty = False
        if self._column + width > LINE_LIMIT:
            raise InvalidMessage(
                f"{self.name} holds a word of {len(token)} characters; a line of a letter has at most {LINE_LIMIT}",
                advice="Shorten it, or put it into the text.",
            )
        self._written += (space, token)
        self._column += width

    def add_encoded(self, text: str, space: str = " ", end: str = "") -> None:
        """Append ``text`` as encoded words, and ``end`` right behind the last one."""
        room = HEADER_LINE - self._column - len(space) - len(end)
        for word in _encoded_words(text, room, ENCODED_WORD - len(end)):
            self.add(word, space)
            space = " "
        if end:
            self._written.append(end)
            self._column += len(end)

    def octets(self) -> bytes:
        self._written.append("\r\n")
        return utf8("".join(self._written))


def _encoded_words(text: str, room: int, longest: int) -> Iterator[str]:
    """RFC 2047 encoded words for ``text``: the first at most ``room`` characters long, split between characters.

    RFC 2047 §5: "each 'encoded-word' MUST represent an integral number of characters".
    """
    octets = utf8(text)
    as_q = sum(len(_Q[octet]) for octet in octets) <= len(octets) * 4 // 3
    prefix = "=?utf-8?q?" if as_q else "=?utf-8?b?"
    overhead = len(prefix) + len("?=")
    # Too little room for a useful beginning: the fold comes first, and the word has a whole line.
    limit = min(room if room >= overhead + 12 else longest, longest) - overhead
    chunk = b""
    width = 0
    for character in text:
        octets = utf8(character)
        more = sum(len(_Q[octet]) for octet in octets) if as_q else len(octets)
        if width + more > (limit if as_q else limit // 4 * 3):
            yield prefix + _encoded_text(chunk, as_q) + "?="
            chunk, width, limit = b"", 0, longest - overhead
        chunk += octets
        width += more
    yield prefix + _encoded_text(chunk, as_q) + "?="


def _encoded_text(chunk: bytes, as_q: bool) -> str:
    if as_q:
        return "".join([_Q[octet] for octet in chunk])
    return binascii.b2a_base64(chunk, newline=False).decode("ascii")


# -- header fields --------------------------------------------------------------------------------------------------


def text_field(name: str, value: str, *, raw: bool = False) -> bytes:
    """An unstructured field (Subject, Comments, anything unknown): RFC 5322 §3.6.5, encoded by RFC 2047 §5 (1).

    A reader gets back exactly ``value``. ``raw`` leaves UTF-8 as it is (RFC 6532).
    """
    check_value(name, value)
    is_odd = _ODD_SPACE.search(value) is not None
    if len(name) + len(value) + 2 <= HEADER_LINE and _PRINTABLE.fullmatch(value) and "=?" not in value and not is_odd:
        return f"{name}: {value}\r\n".encode("ascii")
    field = _Field(name, raw=raw)
    if is_odd:
        field.add_encoded(value)
        return field.octets()
    pieces = _SPACES.split(value)
    run, run_space = "", " "  # neighbouring words that need encoding are encoded together, with the space between
    space = " "
    for at in range(0, len(pieces), 2):
        word = pieces[at]
        if at:
            space = pieces[at - 1]
        if _is_plain(word, raw):
            if run:
                field.add_encoded(run, run_space)
                run = ""
            field.add(word, space)
        elif run:
            run += space + word
        else:
            run, run_space = word, space
    if run:
        field.add_encoded(run, run_space)
    return field.octets()


def _is_plain(word: str, raw: bool) -> bool:
    """Whether a word may stand as it is: printable, not too long, and nothing that a reader would decode."""
    if "=?" in word or len(word) > _LONGEST_WORD:
        return False
    if raw and not word.isascii():
        return word.isprintable() and len(utf8(word)) <= _LONGEST_WORD
    return _PLAIN_WORD.fullmatch(word) is not None


def address_field(name: str, mailboxes: Iterable[tuple[str, str]], *, raw: bool = False) -> bytes:
    """A field of addresses (RFC 5322 §3.6.3): ``mailboxes`` are pairs of display name (may be empty) and addr-spec.

    The addr-spec is written as it is: its domain is ASCII already, and a local part that isn't can't be encoded
    (RFC 6532 §3.2), which makes the letter one for SMTPUTF8.
    """
    field = _Field(name, raw=raw)
    pairs = list(mailboxes)
    for at, (display, spec) in enumerate(pairs, 1):
        comma = "," if at < len(pairs) else ""
        check_value(name, spec)
        if not display:
            field.add(spec + comma)
            continue
        _add_phrase(field, check_value(name, display))
        field.add(f"<{spec}>{comma}")
    return field.octets()


def _add_phrase(field: _Field, phrase: str) -> None:
    """phrase = 1*word; word = atom / quoted-string (RFC 5322 §3.2.5), or encoded words (RFC 2047 §5 (3))."""
    if len(phrase) <= _LONGEST_QUOTED and "=?" not in phrase:
        if _ATOMS.fullmatch(phrase):
            for atom in phrase.split(" "):
                field.add(atom)
            return
        if _PRINTABLE.fullmatch(phrase) or (field.raw and phrase.isprintable()):
            for piece in _LONE_SPACE.split(_quoted(phrase)):  # a quoted string may be folded, too (RFC 5322 §3.2.4)
                field.add(piece)
            return
    field.add_encoded(phrase)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def message_id_field(name: str, ids: Iterable[str]) -> bytes:
    """In-Reply-To, References (RFC 5322 §3.6.4): message ids with their angle brackets, folded between them."""
    field = _Field(name)
    for one in ids:
        field.add(check_value(name, one))
    return field.octets()


# -- MIME fields ----------------------------------------------------------------------------------------------------


def parameter_field(name: str, value: str, parameters: Iterable[tuple[str, str]]) -> bytes:
    """Content-Type or Content-Disposition: ``value`` and its parameters (RFC 2045 §5.1, RFC 2231).

    What isn't ASCII is written by RFC 2231 §4, in sections (§3) where it is long. The one exception is ``name`` of
    Content-Type, which RFC 2183 replaced by ``filename``: it is there for programs that know no RFC 2231, and those
    expect what Outlook writes, encoded words inside quotes.
    """
    field = _Field(name)
    tokens: list[str] = [check_value(name, value)]
    for attribute, text in parameters:
        check_value(f"The parameter {attribute} of {name}", text)
        if attribute == "name" and not _fits_quotes(text):
            tokens += _legacy_name(text)
        else:
            tokens += _parameter(attribute, text)
    for token in tokens[:-1]:
        field.add(token if token.endswith("?=") else token + ";")
    field.add(tokens[-1])
    return field.octets()


def _fits_quotes(text: str) -> bool:
    return len(text) <= _LONGEST_QUOTED and _PRINTABLE.fullmatch(text) is not None and "=?" not in text


def _parameter(attribute: str, text: str) -> list[str]:
    if _fits_quotes(text):
        return [f"{attribute}={_quoted(text)}"]
    encoded = ["".join([_PERCENT[octet] for octet in utf8(character)]) for character in text]
    whole = "".join(encoded)
    if len(attribute) + len("*=utf-8'';") + len(whole) < HEADER_LINE:
        return [f"{attribute}*=utf-8''{whole}"]
    sections = [""]
    for character in encoded:  # split between characters, although RFC 2231 would let us split between octets
        if len(sections[-1]) + len(character) > _SECTION:
            sections.append("")
        sections[-1] += character
    sections[0] = "utf-8''" + sections[0]
    return [f"{attribute}*{number}*={section}" for number, section in enumerate(sections)]


def _legacy_name(text: str) -> list[str]:
    words = list(_encoded_words(text, 0, ENCODED_WORD - len('name="";')))
    words[0] = f'name="{words[0]}'
    words[-1] += '"'
    return words


# -- transfer encodings ---------------------------------------------------------------------------------------------

_LINE_ENDS = re.compile(r"\r\n?|\n")
_ASCII = bytes(range(128))
_BASE64_LINE = 76  # RFC 2045 §6.8


def canonical(text: str) -> bytes:
    """Text as octets with CRLF line ends (RFC 2046 §4.1.1), the last line ended too."""
    lines = _LINE_ENDS.sub("\r\n", text) if "\r" in text else text.replace("\n", "\r\n")
    if lines and not lines.endswith("\n"):
        lines += "\r\n"
    return utf8(lines)


def is_8bit(octets: bytes) -> bool:
    """Whether there is any octet above 127."""
    return not octets.isascii()


def fits_lines(octets: bytes) -> bool:
    """Whether ``octets`` are lines by RFC 2045 §2.7 and §2.8: at most 998 octets, CRLF, no NUL, no lone CR or LF."""
    if not octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n") or b"\0" in octets:
        return False
    return len(octets) <= LINE_LIMIT or max(map(len, octets.split(b"\r\n"))) <= LINE_LIMIT


def encode_text(octets: bytes, *, eight_bit: bool = False) -> tuple[str, bytes]:
    """Choose the transfer encoding for canonical text: its name and the encoded octets (RFC 2045 §6).

    7bit where the text is fit for it; 8bit if ``eight_bit`` allows; else quoted-printable, or base64 where that is much
    shorter.
    """
    if fits_lines(octets):
        if not is_8bit(octets):
            return "7bit", octets
        if eight_bit:
            return "8bit", octets
    high = len(octets.translate(None, _ASCII))
    # Quoted-printable makes three octets of one above 127, base64 four of any three: even at one in six. Up to one in
    # three quoted-printable is taken nevertheless: it can be read by people, and base64 hides text from filters.
    if high * 3 > len(octets):
        return "base64", encode_base64(octets)
    return "quoted-printable", encode_quoted_printable(octets)


def encode_quoted_printable(octets: bytes) -> bytes:
    """RFC 2045 §6.7 for canonical text: line ends stay line ends, blanks before them are encoded."""
    return binascii.b2a_qp(octets.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")


def encode_base64(octets: bytes) -> bytes:
    """RFC 2045 §6.8: lines of 76 characters, each ended by CRLF."""
    encoded = binascii.b2a_base64(octets, newline=False)
    lines = [encoded[at : at + _BASE64_LINE] for at in range(0, len(encoded), _BASE64_LINE)]
    lines.append(b"")
    return b"\r\n".join(lines)
