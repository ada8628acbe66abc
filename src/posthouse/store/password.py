"""Passwords are kept as argon2id hashes (RFC 9106), and compared in a way that tells nothing by its time.

Beside the hash there are keys for SCRAM (RFC 5802), which can't use it. Nobody can log in with them; whoever steals
them can try passwords against them, faster than against the hash.
"""

from __future__ import annotations

import functools
import secrets

import argon2

from posthouse.errors import LoginRefused
from posthouse.wire import scram
from posthouse.wire.scram import Keys

# OWASP's smallest recommended setting (19 MiB, 2 passes): a guess costs an attacker tens of milliseconds and memory,
# a mail program's login costs us the same once (sessions remember it). RFC 9106's first choice takes 2 GiB.
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

# The longest password that is looked at: hashing megabytes is a way to keep a server busy.
MAX_LENGTH = 1024
SIZE = 32  # octets of a key that nothing fits


@functools.cache
def nobody() -> str:
    """A hash that no password fits: checked where there is no account, so that an unknown name takes as long."""
    return _HASHER.hash("\0")


def hash_password(password: str) -> str:
    """The hash to be kept for a password. `ValueError` for one that can't be used."""
    if not password or len(password) > MAX_LENGTH or "\0" in password:
        raise ValueError(f"a password has 1 to {MAX_LENGTH} characters, none of them NUL")
    return _HASHER.hash(password)


def verify(kept: str, password: str) -> bool:
    """Whether ``password`` belongs to the hash ``kept``. Takes tens of milliseconds without the interpreter's lock."""
    if len(password) > MAX_LENGTH:
        password = ""
    try:
        return _HASHER.verify(kept, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def make_keys(password: str, settled: tuple[bytes, int] | None = None) -> dict[str, Keys]:
    """The keys for SCRAM of a password, by their digests. Takes some 10 ms without the interpreter's lock.

    ``settled``: salt and iteration count of the account's other keys (scram_key.py). What SCRAM can't carry has keys
    that nothing fits.
    """
    salt, iterations = settled or (secrets.token_bytes(scram.SALT_SIZE), scram.ITERATIONS)
    try:
        return {digest: scram.make_keys(digest, password, salt, iterations) for digest in scram.HASHES.values()}
    except LoginRefused:
        nothing = secrets.token_bytes(SIZE)
        return dict.fromkeys(scram.HASHES.values(), Keys(salt, iterations, nothing, nothing))
