"""The form in which addresses and domains are kept and compared.

A domain is compared without case and in Unicode: ``BÜCHER.example`` and ``xn--bcher-kva.example`` are one (IDNA 2008
with the mapping of UTS 46). A local part is compared without case too, after Unicode normalization (NFC): the standard
lets its host decide (RFC 5321 §2.4), and no host that people know has both Ann@ and ann@. Of the forms that a local
part has with quotes, which are all equivalent (RFC 5321 §4.1.2), the shortest is kept. As the operator typed it, an
address is kept beside that.
"""

from __future__ import annotations

import functools
import re
import unicodedata

import idna

from posthouse.errors import StoreError

MAX_LOCAL = 64  # octets, RFC 5321 §4.5.3.1.1
MAX_DOMAIN = 255  # octets, RFC 5321 §4.5.3.1.2
# What can stand in a domain of one's own network: names with "_", or with hyphens where IDNA doesn't want them.
PLAIN_DOMAIN = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*")
ADDRESS_LITERAL = re.compile(r"\[[0-9a-z.:-]+\]")  # RFC 5321 §4.1.3
# Local-part = Dot-string / Quoted-string (RFC 5321 §4.1.2); here with what lies beyond ASCII (RFC 6531 §3.3), and with
# dots in places where Dot-string has none: there have been addresses like that.
DOTTED = re.compile(r"[^\x00-\x20\x7f()<>@,;:\\\"\[\]]+")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
UNFIT = re.compile(r"[\x00-\x1f\x7f\x80-\x9f\ud800-\udfff]")


@functools.lru_cache(maxsize=4096)  # for every letter the same few: to read one takes as long as a row
def canonical_domain(domain: str) -> str:
    """The domain in U-labels, case folded, without a final dot. Errors: StoreError for what is no domain."""
    lowered = domain.lower().removesuffix(".")
    if len(domain.encode("utf-8", "replace")) <= MAX_DOMAIN:
        if ADDRESS_LITERAL.fullmatch(lowered):
            return lowered
        try:
            return idna.decode(lowered, uts46=True)
        except (idna.IDNAError, UnicodeError):
            if PLAIN_DOMAIN.fullmatch(lowered):
                return lowered
    raise StoreError(f'"{domain[:MAX_DOMAIN]}" is not a domain', advice="Write it like example.org.")


def canonical(address: str) -> str:
    """``local@domain`` in the form in which it is kept. Errors: StoreError for what is no address."""
    local, at, domain = address.strip().rpartition("@")
    local = _least_quoted(local)
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    if not at or not local or UNFIT.search(local) or len(folded.encode("utf-8")) > MAX_LOCAL:
        raise StoreError(f'"{address[:320]}" is not a mail address', advice="Write it like ada@example.org.")
    return f"{folded}@{canonical_domain(domain)}"


def _least_quoted(local: str) -> str:
    """A local part with no more quoting than it needs (RFC 5321 §4.1.2)."""
    quoted = QUOTED.fullmatch(local)
    if quoted is None:
        return local
    meaning = re.sub(r"\\(.)", r"\1", quoted[1])
    if DOTTED.fullmatch(meaning):
        return meaning
    return '"' + re.sub(r'(["\\])', r"\\\1", meaning) + '"'


def is_sendable(address: str) -> bool:
    """Whether the local part of an address is one that SMTP has: quoted, or without what needs quotes."""
    local = address.strip().rpartition("@")[0]
    return bool(DOTTED.fullmatch(local) or QUOTED.fullmatch(local))
