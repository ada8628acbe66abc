"""Addresses as SMTP commands carry them: RFC 5321 §4.1.2 and §4.1.3, with the UTF-8 of RFC 6531 §3.3.

This is the envelope's grammar, without the comments, names and folding of a letter's header.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

import idna

from posthouse.errors import InvalidMessage

# RFC 5321 §4.5.3.1.1 asks servers for at least 64 octets; sender addresses of mailing lists (VERP) have more.
MAX_LOCAL_PART = 255
# RFC 5321 §4.5.3.1.2, and the longest name that DNS has.
MAX_DOMAIN = 255

# RFC 6531 §3.3: atext =/ UTF8-non-ascii, and so for qtextSMTP; here without control characters and line separators.
UTF8 = "\u00a0-\u2027\u202a-\ud7ff\ue000-\U0010ffff"
# Local-part = Dot-string / Quoted-string;  Dot-string = Atom *("." Atom);  Atom = 1*atext
ATOM = rf"[A-Za-z0-9!#$%&'*+\-/=?^_`{{|}}~{UTF8}]+"
# Quoted-string = DQUOTE *QcontentSMTP DQUOTE;  qtextSMTP = %d32-33 / %d35-91 / %d93-126
# quoted-pairSMTP = %d92 %d32-126
QUOTED = rf'"(?:[ !#-\[\]-~{UTF8}]|\\[ -~])*"'
LOCAL = rf"{ATOM}(?:\.{ATOM})*|{QUOTED}"
# Domain = sub-domain *("." sub-domain);  sub-domain = Let-dig [Ldh-str] / U-label (IDNA is checked at the lookup)
LABEL = rf"[A-Za-z0-9{UTF8}](?:-*[A-Za-z0-9{UTF8}])*"
DOMAIN = rf"{LABEL}(?:\.{LABEL})*"
# address-literal = "[" ( IPv4-address-literal / "IPv6:" IPv6-addr ) "]"; no other tag has been registered.
LITERAL = r"\[[0-9A-Fa-f.:IPVipv]+\]"

LOCAL_PART = re.compile(LOCAL)
DOMAIN_PART = re.compile(f"(?:{DOMAIN})|{LITERAL}")
# Path = "<" [ A-d-l ":" ] Mailbox ">".  A-d-l = "@" Domain *( "," "@" Domain ): the source route, which MUST be
# accepted and SHOULD be ignored (RFC 5321 appendix C).
PATH = re.compile(rf"<(?:@{DOMAIN}(?:,@{DOMAIN})*:)?({LOCAL})@((?:{DOMAIN})|{LITERAL})>")
# RFC 5321 §4.5.1: "RCPT TO:<Postmaster>" is for the server's own domain.
POSTMASTER = re.compile(r"<(postmaster)>", re.IGNORECASE | re.ASCII)
NULL = "<>"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address: ``local`` and ``domain`` as they were typed, a quoted local part with its quotes.

    ``domain`` may be an address literal (``[192.0.2.1]``), and is empty for the one name that needs none, Postmaster.
    """

    local: str
    domain: str

    def __post_init__(self) -> None:
        if not LOCAL_PART.fullmatch(self.local):
            raise InvalidMessage(f"{self.local!r} can't be the part of an address before the @")
        if self.domain:
            if not DOMAIN_PART.fullmatch(self.domain) or not _is_address(self.domain):
                raise InvalidMessage(f"{self.domain!r} can't be the part of an address after the @")
        elif self.local.lower() != "postmaster":
            raise InvalidMessage(f"{self.local!r} is no full address: the domain is missing")
        if len(self.local.encode()) > MAX_LOCAL_PART or len(self.domain.encode()) > MAX_DOMAIN:
            raise InvalidMessage("the address is too long")

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}" if self.domain else self.local

    @property
    def is_ascii(self) -> bool:
        """False for an address that only SMTPUTF8 can carry (RFC 6531)."""
        return self.local.isascii() and self.domain.isascii()

    @property
    def on_the_wire(self) -> Mailbox:
        """With the domain in A-labels where that makes the whole address ASCII: then every server takes it."""
        if self.is_ascii or not self.local.isascii():
            return self
        try:
            return Mailbox(self.local, idna.encode(self.domain, uts46=True).decode("ascii"))
        except idna.IDNAError:
            return self

    @property
    def unquoted(self) -> str:
        """The local part's meaning: all quoted forms of it are equivalent (RFC 5321 §4.1.2)."""
        return re.sub(r"\\(.)", r"\1", self.local[1:-1]) if self.local.startswith('"') else self.local


def parse_mailbox(text: str) -> Mailbox:
    """Parse ``local@domain``. Raises `InvalidMessage`."""
    mailbox, rest = parse_path(f"<{text}>") or (None, "")
    if mailbox is None or rest or text.startswith("@"):
        raise InvalidMessage(f"{text!r} is no mail address")
    return mailbox


def parse_path(text: str) -> tuple[Mailbox | None, str] | None:
    """Parse a path at the start of ``text``; return its mailbox (None for ``<>``) and what follows it.

    None where no path stands there. A source route is passed over.
    """
    if text.startswith(NULL):
        return None, text[len(NULL) :]
    match = PATH.match(text) or POSTMASTER.match(text)
    if match is None:
        return None
    mailbox = _mailbox(match[1], match[2] if match.re is PATH else "")
    return None if mailbox is None else (mailbox, text[match.end() :])


@lru_cache(maxsize=1024)  # most letters are for few
def _mailbox(local: str, domain: str) -> Mailbox | None:
    """The mailbox; None where it can't be one."""
    try:
        return Mailbox(local, domain)
    except InvalidMessage:
        return None


def _is_address(domain: str) -> bool:
    """Whether a domain that looks like an address literal is one; True for a name."""
    if not domain.startswith("["):
        return True
    literal = domain[1:-1]
    try:
        if literal[:5].lower() == "ipv6:":
            ipaddress.IPv6Address(literal[5:])
        else:
            ipaddress.IPv4Address(literal)
    except ValueError:
        return False
    return True
