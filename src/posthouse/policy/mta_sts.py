"""MTA-STS: which hosts take a domain's letters, and only under TLS with a certificate for their name (RFC 8461).

A TXT record says that there is a policy, and which version of it; the policy itself is fetched over HTTPS, and kept for
as long as it says, so that somebody who forges the DNS later finds it known already.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from posthouse.errors import RemoteProtocolError

# RFC 8461 §3.2: "maximum value of 31557600": a year.
MAX_AGE = 31_557_600
# RFC 8461 §3.3: a suggested size, and how often a policy is looked at anew while it is kept.
MAX_SIZE = 64 * 1024
REFRESH_SECONDS = 86_400
# Hosts that a policy may name; Google's has four.
MAX_PATTERNS = 1_000

# RFC 8461 §3.1: sts-text-record = sts-version 1*( sts-field-delim sts-field ) [sts-field-delim]
RECORD = re.compile(r"v=STSv1[ \t]*;(.*)", re.DOTALL)
ID = re.compile(r"[A-Za-z0-9]{1,32}")
# RFC 8461 §3.2: sts-policy-field = name ":" *WSP value
FIELD = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):[ \t]*(.*?)[ \t]*")
PATTERN = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_-]+)*\.?")


class Mode(enum.Enum):
    """RFC 8461 §5: what follows where a host doesn't keep the policy."""

    ENFORCE = "enforce"  # it gets no letter
    TESTING = "testing"  # it gets the letter, and the owner is told
    NONE = "none"  # nothing: the policy is being taken back


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file. ``patterns``: the hosts, lower case, ``*.example.net`` for any one name below; ``max_age``: how
    many seconds it counts."""

    mode: Mode
    patterns: tuple[str, ...]
    max_age: int

    def allows(self, host: str) -> bool:
        """Whether a host is one of those that take the letters: RFC 8461 §4.1. A ``*`` is one label (RFC 6125)."""
        name = host.rstrip(".").lower()
        _, dot, parent = name.partition(".")
        return name in self.patterns or bool(dot and f"*.{parent}" in self.patterns)


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy that was fetched: in which version, and when (seconds since 1970)."""

    policy: Policy
    ident: str
    fetched: int

    def valid(self, now: int) -> bool:
        """Whether it still counts."""
        return now < self.fetched + self.policy.max_age


@dataclass(frozen=True, slots=True)
class Texts:
    """The TXT records of a name, each put together of its strings; None: no answer is to be had at the moment."""

    name: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """The policy file of this version from ``https://HOST/.well-known/mta-sts.txt``; None: it can't be had.

    RFC 8461 §3.3: no redirect is followed, nothing but 200 counts, and who failed doesn't try again for five minutes.
    """

    host: str
    ident: str


Question: TypeAlias = Texts | Fetch
Discovery: TypeAlias = Generator[Question, "Sequence[str] | bytes | None", Kept | None]


def discover(domain: str, kept: Kept | None, now: int) -> Discovery:
    """The policy that counts for a domain (in A-labels) now, if it has one: RFC 8461 §3.3.

    ``kept``: what is known from before. What comes back is to be kept in its place.
    """
    if kept is not None and not kept.valid(now):
        kept = None
    records = yield Texts(f"_mta-sts.{domain}")
    ident = None if records is None or isinstance(records, bytes) else parse_record(records)
    if ident is None:
        return kept  # "MUST apply that cached policy"
    if kept is not None and kept.ident == ident and now < kept.fetched + REFRESH_SECONDS:
        return kept
    octets = yield Fetch(f"mta-sts.{domain}", ident)
    if not isinstance(octets, bytes):
        return kept
    try:
        return Kept(parse_policy(octets), ident, now)
    except RemoteProtocolError:
        return kept


def parse_record(texts: Sequence[str]) -> str | None:
    """The version that a domain's TXT records name; None where they say nothing, or more than one thing (§3.1)."""
    ours = [match[1] for text in texts if (match := RECORD.fullmatch(text))]
    if len(ours) != 1:
        return None
    for field in ours[0].split(";"):
        name, equals, value = field.strip(" \t").partition("=")
        if name == "id" and equals:
            return value if ID.fullmatch(value) else None
    return None


def parse_policy(octets: bytes) -> Policy:
    """Read a policy file (§3.2). `RemoteProtocolError` for what is none."""
    if len(octets) > MAX_SIZE:
        raise RemoteProtocolError("the policy is larger than 64 KB")
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in octets.decode("utf-8", "replace").replace("\r\n", "\n").split("\n"):
        match = FIELD.fullmatch(line)
        if match is None:
            if line.strip(" \t"):
                raise RemoteProtocolError(f"the policy has a line that says nothing: {line[:80]!r}")
        elif match[1] == "mx":
            if not PATTERN.fullmatch(match[2]):
                raise RemoteProtocolError(f"the policy names no host: {match[2][:80]!r}")
            patterns.append(match[2].rstrip(".").lower())
        else:
            fields.setdefault(match[1], match[2])  # "all entries except for the first SHALL be ignored"
    if fields.get("version") != "STSv1":
        raise RemoteProtocolError("the policy is of no known version")
    try:
        mode = Mode(fields.get("mode", ""))
    except ValueError:
        raise RemoteProtocolError("the policy has no mode that is known") from None
    if mode is not Mode.NONE and not 1 <= len(patterns) <= MAX_PATTERNS:
        raise RemoteProtocolError("the policy names no hosts, or too many")
    age = fields.get("max_age", "")
    if not re.fullmatch(r"[0-9]{1,10}", age):
        raise RemoteProtocolError("the policy doesn't say how long it counts")
    return Policy(mode, tuple(patterns), min(int(age), MAX_AGE))
