"""SRS: the sender's address of a letter that is forwarded, rewritten into one of ours.

The next server asks the sender's domain (SPF) whether we may send in its name; we may not, so the letter goes on in our
name. A report comes back to that address, which holds the true one, and a proof that we made it: otherwise anybody
could have letters sent on by us. The form is the one that everybody uses (SRS 0.31, libsrs2)::

    ann@far.example            ->  SRS0=hash=day=far.example=ann@ours.example
    SRS0=h=d=x=y@other.example ->  SRS1=hash=other.example==h=d=x=y@ours.example
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from posthouse.errors import InvalidMessage

from .path import Mailbox

# Reports come within days (RFC 5321 §4.5.4.1 gives five); the day is counted modulo 1,024.
VALID_DAYS = 21
DAYS = 1024
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
# Five octets of the hash: a million addresses have to be tried for one in a million that passes, each with a letter.
HASH_OCTETS = 5
SRS0 = re.compile(r"SRS0[=+-]([^=]+)=([A-Z2-7]{2})=([^=]+)=(.+)", re.IGNORECASE)
SRS1 = re.compile(r"SRS1[=+-]([^=]+)=([^=]+)=(.+)", re.IGNORECASE)
REWRITTEN = re.compile(r"SRS[01][=+-]", re.IGNORECASE)


def forwarded(sender: Mailbox, domain: str, secret: bytes, day: int) -> Mailbox:
    """The address under which a letter of ``sender`` goes on from ``domain``. ``day``: days since 1970."""
    local = sender.local[1:-1] if sender.local.startswith('"') else sender.local
    if match := SRS1.fullmatch(local):  # the first forwarder is named already; it gets the report
        rewritten = f"SRS1={_proof(secret, match[2], match[3])}={match[2]}={match[3]}"
    elif SRS0.fullmatch(local):
        rewritten = f"SRS1={_proof(secret, sender.domain, local[4:])}={sender.domain}={local[4:]}"
    else:
        stamp = ALPHABET[day % DAYS // 32] + ALPHABET[day % 32]
        rewritten = f"SRS0={_proof(secret, stamp, sender.domain, local)}={stamp}={sender.domain}={local}"
    return Mailbox(_like(sender.local, rewritten), domain)


def is_forwarded(local: str) -> bool:
    """Whether a local part has the form of those that `forwarded` makes."""
    return bool(REWRITTEN.match(local.removeprefix('"')))


def original(local: str, secret: bytes, day: int) -> Mailbox:
    """Whom a report to a local part of ours is for. `InvalidMessage` says what is wrong with it."""
    plain = local[1:-1] if local.startswith('"') else local
    match = SRS0.fullmatch(plain)
    if match:
        proof, stamp, domain, name = match.groups()
        then = ALPHABET.index(stamp[0].upper()) * 32 + ALPHABET.index(stamp[1].upper())
        if not _proves(proof, secret, stamp, domain, name):
            raise InvalidMessage("that address was not made by this server")
        if (day - then) % DAYS > VALID_DAYS:
            raise InvalidMessage("that address was for a report, and its time is over")
        return Mailbox(_like(local, name), domain)
    match = SRS1.fullmatch(plain)
    if match is None:
        raise InvalidMessage("that address has the form of a forwarded sender's, and isn't one")
    proof, domain, rest = match.groups()
    if not _proves(proof, secret, domain, rest):
        raise InvalidMessage("that address was not made by this server")
    return Mailbox(_like(local, f"SRS0{rest}"), domain)


def _like(local: str, text: str) -> str:
    """A local part with the quotes that another one has."""
    return f'"{text}"' if local.startswith('"') else text


def _proof(secret: bytes, *parts: str) -> str:
    """Without case: servers on the way may change that of an address."""
    digest = hmac.digest(secret, "=".join(parts).lower().encode(), hashlib.sha256)
    return base64.b32encode(digest[:HASH_OCTETS]).decode()


def _proves(proof: str, secret: bytes, *parts: str) -> bool:
    return hmac.compare_digest(proof.upper().encode(), _proof(secret, *parts).encode())
