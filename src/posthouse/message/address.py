"""Mail addresses: strict in what we send, lenient in what arrives.

    mailbox      = name-addr / addr-spec                                        RFC 5322 §3.4
    name-addr    = [display-name] "<" addr-spec ">"
    group        = display-name ":" [group-list] ";"
    addr-spec    = local-part "@" domain                                        §3.4.1
    local-part   = dot-atom / quoted-string;   domain = dot-atom / domain-literal

Local part and domain may hold any script (RFC 6531 §3.3). A domain is written in ASCII (A-labels, RFC 5891) wherever
that helps; a local part has no ASCII form, so such an address needs SMTPUTF8.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import idna

from posthouse.errors import InvalidMessage

from . import encode, encoded_word, header

# RFC 5321 §4.5.3.1.1 and §4.5.3.1.2. Real local parts are sometimes longer (VERP), so arriving ones may be.
MAX_LOCAL_OCTETS = 64
MAX_DOMAIN_OCTETS = 255
# Addresses of one field that are read. What comes behind is still in the header.
MAX_ADDRESSES = 10_000
# Characters of an address that may be remembered as people read it, and how many are.
_COMMON = 200
_REMEMBERED = 1_024

# What `read` yields: (kind, display name with its encoded words, local part unquoted, domain).
Token = tuple[int, str, str, str]
MAILBOX, GROUP_START, GROUP_END = 0, 1, 2

# atext and all beyond US-ASCII (RFC 6532 §3.2), said by what is left out: a class up to U+10FFFF takes re milliseconds.
_ATEXT = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]'
_DOT_ATOM = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
# Letters, digits, hyphens; underscores, which are in use (RFC 2181 §11 allows them in the DNS); U-labels.
_LABEL = r"[^\x00-/:-@\[-^`{-\x7f](?:[^\x00-,./:-@\[-^`{-\x7f]*[^\x00-/:-@\[-^`{-\x7f])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_QUOTED_STRING = r'"(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)"'
# What Address.parse takes. The plain name is wider than RFC 5322's phrase: people write dots (obs-phrase) and umlauts.
_ONE = re.compile(
    rf"""\s*+(?:(?:{_QUOTED_STRING}|(?P<plain>[^"(),:;<>@\[\\\]]*+))\s*+<\s*(?P<angle>[^<>]*?)\s*>|(?P<bare>[^<>]*?))\s*"""
)
_SPEC = re.compile(rf"(?:(?P<local>{_DOT_ATOM.pattern})|{_QUOTED_STRING})@(?P<domain>\S+)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_SPECIALS = re.compile(r'["(),:;<>@\[\\\]]')  # RFC 5322 §3.2.3, without the dot, which people write


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox: display name (any text on one line, may be empty), local part (unquoted) and domain.

    Raises InvalidMessage for what could not stand in a header: control characters, a domain that is none. What
    arrives may lack the domain ("root"), or everything but the name, if it could not be read as an address at all;
    ``is_complete`` tells whether a letter can be sent there.
    """

    name: str = ""
    local: str = ""
    domain: str = ""

    def __post_init__(self) -> None:
        if not (self.name.isprintable() and self.local.isprintable()) and (
            _CONTROL.search(self.name) or _CONTROL.search(self.local)
        ):
            raise InvalidMessage(f"the address {self.name[:60]!r} <{self.local[:60]!r}> holds a control character")
        if not self.local and (self.domain or not self.name):
            raise InvalidMessage(f"an address needs something before the @: {self.name[:60]!r} <@{self.domain[:60]}>")
        if self.domain:
            _check_domain(self.domain)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read one address as a person writes it: ``a@b.example``, ``Name <a@b.example>``, ``"N. N." <a@b.example>``.

        Raises InvalidMessage, with a sentence that says what is wrong, unless it is exactly one complete address.
        """
        shown = repr(text[:100])
        if _CONTROL.search(text):
            raise InvalidMessage(f"the address {shown} holds a line break or another control character")
        whole = _ONE.fullmatch(text)
        spec = _SPEC.fullmatch(whole["angle"] or whole["bare"] or "") if whole else None
        if whole is None or spec is None:
            raise InvalidMessage(
                f"{shown} is not one mail address",
                advice='Write name@example.org or Name <name@example.org>; a name with a comma in quotes: "Doe, Jane".',
            )
        name = whole["plain"] or _unescape(whole["quoted"] or "")
        local = spec["local"] or _unescape(spec["quoted"] or "")
        if len(local.encode("utf-8", "replace")) > MAX_LOCAL_OCTETS:
            raise InvalidMessage(f"{shown} has more than {MAX_LOCAL_OCTETS} octets before the @ (RFC 5321 §4.5.3.1.1)")
        return cls(_decoded(name.strip()), local, spec["domain"])

    @property
    def is_complete(self) -> bool:
        """Whether it has a local part and a domain."""
        return bool(self.local and self.domain)

    @property
    def addr(self) -> str:
        """``local@domain`` as a person reads it: the domain in its own script, no quotes where none are needed."""
        if not self.domain:
            return _quoted_local(self.local) if self.local else ""
        return f"{_quoted_local(self.local)}@{self.unicode_domain}"

    @property
    def spec(self) -> str:
        """The addr-spec as it stands in headers and SMTP commands: the domain in ASCII.

        With a local part that isn't ASCII the domain stays in its own script (RFC 6531 §3.3: all is UTF-8 then).
        """
        if not self.domain:
            return _quoted_local(self.local) if self.local else ""
        domain = self.ascii_domain if self.local.isascii() else self.domain
        return f"{_quoted_local(self.local)}@{domain}"

    @property
    def ascii_domain(self) -> str:
        """The domain with A-labels ("xn--…"), in lower case only where it had to be converted."""
        return self.domain if self.domain.isascii() else _to_ascii(self.domain)

    @property
    def unicode_domain(self) -> str:
        """The domain with U-labels, for people. An A-label that means nothing stays as it is."""
        if "xn--" not in self.domain.lower():
            return self.domain
        return ".".join([_to_unicode(label) for label in self.domain.split(".")])

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only servers with SMTPUTF8 (RFC 6531) can carry a letter to or from here."""
        return not self.local.isascii()

    @property
    def display(self) -> str:
        """The address as a person reads it: ``Jürgen Müller <j@müller.example>``, without any encoding."""
        if not self.name or not self.local:
            return self.name or self.addr
        name = _quoted(self.name) if _SPECIALS.search(self.name) else self.name
        return f"{name} <{self.addr}>"

    def __str__(self) -> str:
        """The form for a header field, in ASCII but for a local part that isn't: encoded words, A-labels."""
        field = encode.address_field("", [(self.name, self.spec)]) if self.local else encode.text_field("", self.name)
        return field.decode("utf-8")[2:].replace("\r\n", "").rstrip()


@dataclass(frozen=True, slots=True)
class Group:
    """A named group of addresses, often empty: ``undisclosed-recipients:;`` (RFC 5322 §3.4)."""

    name: str
    members: tuple[Address, ...] = ()

    def __post_init__(self) -> None:
        if _CONTROL.search(self.name):
            raise InvalidMessage(f"the name of the group {self.name[:60]!r} holds a control character")

    @property
    def display(self) -> str:
        """The group as a person reads it."""
        return f"{self.name}: {', '.join([member.display for member in self.members])};"

    def __str__(self) -> str:
        """The form for a header field."""
        name = str(Address(name=self.name)) if self.name else '""'
        return f"{name}: {', '.join([str(member) for member in self.members])};"


def mailboxes(addresses: list[Address | Group]) -> list[Address]:
    """The addresses with the members of groups among them: everybody who is meant."""
    return [one for entry in addresses for one in (entry.members if isinstance(entry, Group) else (entry,))]


def parse_addresses(value: str | bytes) -> list[Address | Group]:
    """All addresses of a header field (To, From …) or of what a person typed. Never raises.

    What can't be read as an address becomes one with a name only, so that a reader sees it. Encoded words are decoded
    in names, raw 8-bit is UTF-8 or Windows-1252.
    """
    return from_tokens(read(header.raw_text(value if isinstance(value, bytes) else value.encode("utf-8", "replace"))))


def from_tokens(tokens: Iterable[Token]) -> list[Address | Group]:
    """The addresses that ``read`` found."""
    result: list[Address | Group] = []
    group: str | None = None
    members: list[Address] = []
    for kind, name, local, domain in tokens:
        if kind == GROUP_START:
            group = _decoded(name)
        elif kind == GROUP_END:
            result.append(Group(group or "", tuple(members)))
            group, members = None, []
        elif group is not None:
            members.append(make_address(name, local, domain))
        else:
            result.append(make_address(name, local, domain))
    return result


def shown(tokens: Sequence[Token]) -> str:
    """The addresses that ``read`` found, as a person reads them."""
    shown = []
    for kind, name, local, domain in tokens:
        if kind != MAILBOX:  # a group
            return ", ".join([one.display for one in from_tokens(tokens)])
        is_common = len(name) + len(local) + len(domain) <= _COMMON
        shown.append((_remembered_display if is_common else _display)(name, local, domain))
    return ", ".join(shown)


def _display(name: str, local: str, domain: str) -> str:
    return make_address(name, local, domain).display


# Letters come from the same people to the same people.
_remembered_display = lru_cache(maxsize=_REMEMBERED)(_display)


def make_address(name: str, local: str, domain: str) -> Address:
    """An Address from what ``read`` yields. What isn't valid becomes the name of one without an address."""
    name = _decoded(name)
    try:
        return Address(name, local, domain)
    except InvalidMessage:
        spec = f"{local}@{domain}" if domain else local
        return Address(_CONTROL.sub(" ", f"{name} <{spec}>" if name else spec or "?"))


def _decoded(name: str) -> str:
    if "=?" not in name:
        return name
    return _CONTROL.sub(" ", encoded_word.decode(name)).strip()


# -- reading --------------------------------------------------------------------------------------------------------

# The forms that nearly all letters have, one after the other. Nothing in it overlaps, so it can't run wild.
_EASY_SPEC = r"""([^\s"(),:;<>@\[\\\]]++) @ ([A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)*+)"""
_EASY = re.compile(
    rf"""\s*+
    (?: (?: "([^"\\]*+)" | ([^"(),:;<>@\[\\\]]*+) ) \s*+ < {_EASY_SPEC} > | {_EASY_SPEC} )
    \s*+ (?:,\s*+|\Z)""",
    re.VERBOSE,
)
_TOKEN = re.compile(
    r"""(?P<space>\s++)
    | (?P<word>=\?[^\s?]++\?[bBqQ]\?[^\s?]*+\?=)        # an encoded word, even with specials inside
    | "(?P<quoted>[^"\\]*+(?:\\.[^"\\]*+)*+)(?:"|\\?\Z) # an unclosed quote ends with the field
    | <(?P<angle>[^<>"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^<>"]*+)*)>?
    | \[(?P<literal>[^\]]*+)\]?
    | (?P<special>[(),:;@])
    | (?P<atom>[^\s"(),:;<>@\[]++)
    | (?P<odd>.)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENTS = re.compile(r"\([^()]*\)")
_PARENTHESIS = re.compile(r"\\.|[()]", re.DOTALL)


def read(text: str) -> list[Token]:
    """The mailboxes and group marks of one unfolded field body, encoded words left alone. Linear time, never raises."""
    found: list[Token] = []
    at, end = 0, len(text)
    while at < end and (match := _EASY.match(text, at)):
        quoted, plain, local, domain, bare_local, bare_domain = match.groups()
        if bare_local is not None:
            found.append((MAILBOX, "", bare_local, bare_domain))
        else:
            found.append((MAILBOX, quoted if quoted is not None else plain.rstrip(), local, domain))
        at = match.end()
        if len(found) == MAX_ADDRESSES:
            return found
    if at < end:
        found += _Reader(text, at, MAX_ADDRESSES - len(found)).read()
    return found


class _Reader:
    """The slow, forgiving reader. It gathers one entry, up to its comma, and then sees what it is."""

    def __init__(self, text: str, at: int, limit: int) -> None:
        self.text = text
        self.at = at
        self.limit = limit
        self.in_group = False
        self._clear()

    def _clear(self) -> None:
        self.words: list[str] = []  # of the phrase or addr-spec so far; a blank between is a piece as well
        self.at_sign = -1  # index in words of the last "@" outside quotes and angles
        self.quoted: set[int] = set()
        self.angle: str | None = None
        self.comment = ""

    def read(self) -> Iterator[Token]:
        while self.limit > 0 and (match := _TOKEN.match(self.text, self.at)):
            self.at = match.end()
            kind, value = match.lastgroup, match[match.lastgroup or 0]
            if kind == "special" and value in ",;:":
                yield from self._separator(value)
            elif kind == "special" and value == "(":
                self.comment = self._comment() or self.comment
            elif kind == "angle":
                self._angle(value)
            elif self.angle is None:
                self._word(kind or "", value)
        yield from self._entry()
        if self.in_group:
            yield GROUP_END, "", "", ""

    def _separator(self, value: str) -> Iterator[Token]:
        if value == ":" and not self.in_group and self.angle is None and self.at_sign < 0 and self.words:
            name = self._phrase(self.words)
            if name.lower() not in ("mailto", "smtp"):  # `smtp:a@b.example`, as some gateways write
                self.in_group = True
                self.limit -= 1
                yield GROUP_START, name, "", ""
            self._clear()
        elif value == ":":
            self._word("atom", value)
        else:
            yield from self._entry()
            if value == ";" and self.in_group:
                self.in_group = False
                yield GROUP_END, "", "", ""

    def _word(self, kind: str, value: str) -> None:
        if kind == "space":
            value = " "
        elif kind == "quoted":
            self.quoted.add(len(self.words))
            value = _unescape(value)
        elif kind == "literal":
            value = f"[{value}]"
        elif value == "@":
            self.at_sign = len(self.words)
        self.words.append(value)

    def _angle(self, value: str) -> None:
        if self.angle is None:
            self.angle = value
        elif "@" in value and "@" not in self.angle:  # `John <Johnny> <john@example.org>`: the address is the second
            self.words += [" ", f"<{self.angle}>"]
            self.angle = value

    def _comment(self) -> str:
        """Read a comment, the "(" being read: comments nest (RFC 5322 §3.2.2)."""
        depth, begin, text = 1, self.at, self.text
        for match in _PARENTHESIS.finditer(text, begin):
            mark = match[0]
            depth += (mark == "(") - (mark == ")")
            if depth == 0:
                self.at = match.end()
                return _unescape(text[begin : match.start()]).strip()
        self.at = len(text)
        return text[begin:].strip()

    def _phrase(self, words: list[str]) -> str:
        return " ".join("".join(words).split())

    def _entry(self) -> Iterator[Token]:
        """What was gathered is complete: say what it is."""
        if self.angle is not None:
            token = self._with_angle(self.angle)
        elif self.at_sign >= 0:
            token = self._addr_spec()
        else:
            token = self._without_at()
        self._clear()
        if token is not None:
            self.limit -= 1
            yield token

    def _with_angle(self, angle: str) -> Token | None:
        name = self._phrase(self.words) or self.comment
        spec = (_COMMENTS.sub("", angle) if "(" in angle else angle).strip()
        if len(spec) > 1 and spec[0] == spec[-1] == "'":
            spec = spec[1:-1]
        if spec.startswith("@") and ":" in spec:  # obs-route: `<@relay.example,@other.example:a@b.example>`
            spec = spec.rpartition(":")[2]
        if spec[:7].lower() == "mailto:":
            spec = spec[7:]
        if not spec:
            return (MAILBOX, name, "", "") if name else None
        local, domain = _split(spec)
        if not domain and not _DOT_ATOM.fullmatch(local):
            return MAILBOX, f"{name} <{local}>" if name else local, "", ""
        return MAILBOX, name, local, domain

    def _addr_spec(self) -> Token | None:
        words, at_sign = self.words, self.at_sign
        local = "".join(words[:at_sign])
        domain = "".join(words[at_sign + 1 :])
        local, domain = local.strip(), domain.strip()
        before, _, rest = local.rpartition(" ") if not self.quoted else ("", "", local)
        after = ""
        if " " in domain:  # `a@b.example Some Name`, and what else people write
            domain, _, after = domain.partition(" ")
        name = self._phrase([before, " ", after]) or self.comment
        if not (name or rest or domain):
            return None
        # `'a@b.example'`: a pair of quotes is no part of the address. A lone one before the @ is.
        bare = domain.rstrip(".").rstrip("'")
        return MAILBOX, name, rest.removeprefix("'") if bare != domain.rstrip(".") else rest, bare

    def _without_at(self) -> Token | None:
        text = self._phrase(self.words)
        if not text:
            return (MAILBOX, self.comment, "", "") if self.comment else None
        if self.quoted and "@" in text:  # `"a@b.example"`, quoted as a whole
            local, domain = _split(text)
            if _DOMAIN.fullmatch(domain) and " " not in local:
                return MAILBOX, self.comment, local, domain
        if self.quoted or "=?" in text or not _DOT_ATOM.fullmatch(text):
            return MAILBOX, text, "", ""
        return MAILBOX, self.comment, text, ""


def _split(spec: str) -> tuple[str, str]:
    """Local part, unquoted, and domain of an addr-spec; the domain is empty if there is no @."""
    local, found, domain = spec.rpartition("@")
    if not found:
        local, domain = spec, ""
    local = local.strip()
    if len(local) >= 2 and local[0] == local[-1] == '"':
        local = _unescape(local[1:-1])
    return local, domain.strip().rstrip(".")


# -- rendering and domains ------------------------------------------------------------------------------------------


def _unescape(text: str) -> str:
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _quoted_local(local: str) -> str:
    return local if _DOT_ATOM.fullmatch(local) else _quoted(local)


def _check_domain(domain: str) -> None:
    """Raise InvalidMessage unless ``domain`` may stand behind an @."""
    if len(domain) <= MAX_DOMAIN_OCTETS and domain.isascii() and _DOMAIN.fullmatch(domain):
        return
    shown = repr(domain[:100])
    if len(domain) > MAX_DOMAIN_OCTETS:
        raise InvalidMessage(f"the domain {shown} is longer than {MAX_DOMAIN_OCTETS} octets (RFC 5321)")
    if literal := _LITERAL.fullmatch(domain):
        try:
            ipaddress.ip_address(literal[1])
        except ValueError:
            raise InvalidMessage(f"{shown} is no IP address in brackets") from None
        return
    if domain.isascii() or not _DOMAIN.fullmatch(domain):
        raise InvalidMessage(f"{shown} is no domain name")
    try:
        _to_ascii(domain)
    except idna.IDNAError as error:
        raise InvalidMessage(f"{shown} is no domain name in any script") from error


def _to_ascii(domain: str) -> str:
    return idna.encode(domain, uts46=True).decode("ascii")


def _to_unicode(label: str) -> str:
    if label[:4].lower() != "xn--":
        return label
    try:
        return idna.decode(label.lower())
    except idna.IDNAError:
        return label
