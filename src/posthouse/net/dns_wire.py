"""Questions to a name server and its answers as octets (RFC 1035 §4), as far as mail needs them.

Why not dnspython's messages: they can do everything, and one question with its answer takes them several times as long
as this (`python -m bench questions`); a letter to a new domain takes three of them, which were half of its cost.
"""

from __future__ import annotations

import ipaddress
import os
import re
import struct
from dataclasses import dataclass

from posthouse.errors import ProtocolError

# RFC 1035 §3.2.2, RFC 3596, RFC 6698: the kinds that are asked for, and those that are understood beside them.
KINDS = {"A": 1, "NS": 2, "MX": 15, "TXT": 16, "AAAA": 28, "TLSA": 52}
CNAME, SOA, IN = 5, 6, 1
NOERROR, NXDOMAIN = 0, 3
# RFC 1035 §4.1.1; RFC 4035 §3.1.6 and RFC 6840 §5.7: AD in a question asks to be told whether the answer was proved.
QR, TC, RD, AD = 0x8000, 0x0200, 0x0100, 0x0020
OPCODE, RCODE = 0x7800, 0x000F
MAX_LABEL, MAX_NAME = 63, 255  # RFC 1035 §2.3.4
MAX_ALIASES = 16  # CNAMEs that are followed
# Seconds that an answer is kept at the most (unbound: a day); one that says "there is none" (RFC 2308 §5); and one of
# these that doesn't tell for how long it holds.
MAX_TTL, MAX_NEGATIVE_TTL, UNTOLD_TTL = 86_400, 3_600, 5

_HEADER = struct.Struct("!6H")
_FIXED = struct.Struct("!HHIH")  # of a record, behind its name: type, class, TTL, length of its data
_ODD = re.compile(rb"[^!-\-/-\[\]-~]")  # octets that a name's text shows as \DDD (RFC 1035 §5.1)
_entropy = bytearray()


@dataclass(frozen=True, slots=True)
class Question:
    """One that is on its way: what is sent, and what the answer has to repeat."""

    id: int
    octets: bytes

    @property
    def section(self) -> bytes:
        """The question section."""
        return self.octets[12:]

    def check(self, answer: bytes) -> bool | None:
        """Whether these octets answer it; None: they do but for capital letters, so a forger may have guessed.

        The name goes out in letters of which chance makes some capitals, and servers send it back as it came: so much
        more has to be guessed beside the number and the port.
        """
        if len(answer) < 12:
            return False
        number, flags, questions, *_ = _HEADER.unpack_from(answer)
        if number != self.id or not flags & QR or flags & OPCODE:
            return False
        if not questions:  # who doesn't understand a question may not repeat it
            return flags & RCODE not in (NOERROR, NXDOMAIN)
        section = self.section
        repeated = answer[12 : 12 + len(section)]
        if repeated == section:
            return True
        return None if repeated.lower() == section.lower() else False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server says. ``name``: whose records they are, behind all CNAMEs; ``proved``: DNSSEC vouches for it;
    ``ttl``: in seconds.

    ``records``: of MX (preference, host), of A and AAAA the address, of NS the host, of TXT the octets, of TLSA (usage,
    selector, matching, data).
    """

    rcode: int
    proved: bool
    name: str
    records: tuple[object, ...]
    ttl: int


def ask(name: str, kind: str) -> Question:
    """A question; ``name`` in A-labels. Errors: ProtocolError for what can be no name."""
    number = int.from_bytes(_chance(2))
    wire = _in_odd_case(encode_name(name))
    header = _HEADER.pack(number, RD | AD, 1, 0, 0, 0)
    return Question(number, b"%b%b%b" % (header, wire, struct.pack("!HH", KINDS[kind], IN)))


def truncated(octets: bytes) -> bool:
    """Whether an answer was too long for a datagram (RFC 1035 §4.2.1)."""
    return bool(octets[2] & (TC >> 8))


def parse(octets: bytes, name: str, kind: str, believed: bool) -> Answer:
    """The answer in a message that `Question.check` lets pass. ``believed``: when it says that DNSSEC proves it.

    Errors: ProtocolError for octets that make no sense.
    """
    try:
        return _parse(octets, name.strip(".").lower(), KINDS[kind], believed)
    except (IndexError, struct.error, ValueError) as error:
        raise ProtocolError(f"the name server's answer about {name} makes no sense") from error


def encode_name(name: str) -> bytes:
    """Errors: ProtocolError."""
    try:
        labels = [label.encode("ascii") for label in name.rstrip(".").split(".")] if name.strip(".") else []
    except UnicodeEncodeError:
        labels = [b""]
    wire = b"".join([b"%c%b" % (len(label), label) for label in labels if len(label) <= MAX_LABEL]) + b"\0"
    if not all(0 < len(label) <= MAX_LABEL for label in labels) or len(wire) > MAX_NAME:
        raise ProtocolError(f"{name} can't be a name in the DNS")
    return wire


def _chance(count: int) -> bytes:
    """Octets that nobody can guess; the system is asked for many at a time."""
    if len(_entropy) < count:
        _entropy[:] = os.urandom(4096)
    taken = bytes(_entropy[-count:])
    del _entropy[-count:]
    return taken


def _in_odd_case(wire: bytes) -> bytes:
    """The same name, every letter of it a capital or not by chance. A length octet is at most 63: no letter."""
    size = len(wire)
    lower, upper = wire.lower(), wire.upper()
    chance = int.from_bytes(_chance((size + 7) // 8))
    return bytes([upper[at] if chance >> at & 1 else lower[at] for at in range(size)])


def _parse(octets: bytes, name: str, wanted: int, believed: bool) -> Answer:
    _, flags, questions, answers, authorities, _ = _HEADER.unpack_from(octets)
    names: dict[int, tuple[str, int]] = {}
    at = 12
    for _ in range(questions):
        _, at = _name(octets, at, names)
        at += 4
    found: dict[tuple[str, int], list[tuple[int, int, int]]] = {}  # TTL, start and end of the data
    for _ in range(answers):
        owner, at = _name(octets, at, names)
        kind, family, ttl, size = _FIXED.unpack_from(octets, at)
        at += 10
        if at + size > len(octets):
            raise ValueError("a record ends behind the message")
        if family == IN and kind in (wanted, CNAME):
            found.setdefault((owner, kind), []).append((ttl if ttl < 1 << 31 else 0, at, at + size))
        at += size
    ttl = MAX_TTL
    records = found.get((name, wanted), ())
    followed = 0
    while not records and (alias := found.get((name, CNAME))):
        followed += 1
        if followed > MAX_ALIASES:
            raise ValueError("a chain of CNAMEs without an end")
        ttl = min(ttl, alias[0][0])
        name, _ = _name(octets, alias[0][1], names)
        records = found.get((name, wanted), ())
    rcode = flags & RCODE
    if records and rcode == NOERROR:
        read = tuple([_data(octets, start, end, wanted, names) for _, start, end in records])
        ttl = min(ttl, *[one for one, _, _ in records])
    else:
        read = ()
        ttl = min(ttl, _negative_ttl(octets, at, authorities, names))
    return Answer(rcode, believed and bool(flags & AD), name, read, ttl)


def _negative_ttl(octets: bytes, at: int, authorities: int, names: dict[int, tuple[str, int]]) -> int:
    """RFC 2308 §5: the smaller one of the SOA record's own TTL and the number at its end."""
    for _ in range(authorities):
        _, at = _name(octets, at, names)
        kind, _, ttl, size = _FIXED.unpack_from(octets, at)
        at += 10 + size
        if kind == SOA and size >= 22:
            return int(min(ttl, *struct.unpack_from("!I", octets, at - 4), MAX_NEGATIVE_TTL))
    return UNTOLD_TTL


def _data(octets: bytes, start: int, end: int, kind: int, names: dict[int, tuple[str, int]]) -> object:
    if kind == KINDS["A"]:
        return str(ipaddress.IPv4Address(octets[start:end]))
    if kind == KINDS["AAAA"]:
        return str(ipaddress.IPv6Address(octets[start:end]))
    if kind == KINDS["MX"]:
        return int.from_bytes(octets[start : start + 2]), _name(octets, start + 2, names)[0]
    if kind == KINDS["NS"]:
        return _name(octets, start, names)[0]
    if kind == KINDS["TLSA"]:
        if end - start < 3:
            raise ValueError("a TLSA record without its numbers")
        return octets[start], octets[start + 1], octets[start + 2], octets[start + 3 : end]
    strings = []
    while start < end:
        size = octets[start]
        strings.append(octets[start + 1 : min(start + 1 + size, end)])
        start += 1 + size
    return b"".join(strings)


def _name(octets: bytes, at: int, names: dict[int, tuple[str, int]]) -> tuple[str, int]:
    """A name as text in lower case, and where it ends. ``names``: those of this message that are known, by place."""
    known = names.get(at)
    if known is not None:
        return known
    first, at_most = at, at  # a name stands, or goes on, only in front of where it is pointed from
    labels: list[str] = []
    end, left = 0, 4 * MAX_NAME  # as text, where an octet may take four
    while size := octets[at]:
        if size >= 0xC0:  # RFC 1035 §4.1.4: the rest stands elsewhere; only backwards, so it can't be a circle
            to = (size & 0x3F) << 8 | octets[at + 1]
            if to >= at_most:
                raise ValueError("a name that points forwards")
            end = end or at + 2
            at = at_most = to
            rest = names.get(to)
            if rest is None:
                continue
            left -= len(rest[0])
            labels.append(rest[0])
            break
        label = octets[at + 1 : at + 1 + size]
        at += 1 + size
        if size > MAX_LABEL or at >= len(octets):
            raise ValueError("a name that ends behind the message")
        if _ODD.search(label):
            label = _ODD.sub(lambda odd: b"\\%03d" % odd[0][0], label)
        left -= len(label) + 1
        if left < 0:
            break
        labels.append(label.decode("ascii").lower())
    if left < 0:
        raise ValueError("a name that is too long")
    return names.setdefault(first, (".".join(filter(None, labels)), end or at + 1))
