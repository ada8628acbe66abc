"""A second factor for logging in with a browser: codes that change each half minute (TOTP, RFC 6238), recovery codes.

A code holds once. After some wrong ones in a row none is taken for a while: whoever has the password is left with a few
guesses an hour at one of a million. Recovery codes are 50 random bits each, so a plain digest of them is as good a
secret as a slow one is of a password.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING

import pyotp

from posthouse.errors import StoreError

if TYPE_CHECKING:
    from .engine import Tx

PERIOD = 30  # seconds, as every program assumes
SLACK = 1  # periods that a clock may be wrong
RECOVERY_CODES = 10
WRONG_CODES = 5
PAUSE = 900  # seconds without a try after so many wrong ones


def propose(tx: Tx, account_id: int) -> str:
    """A new secret, in base32, which counts once a code of it was given. Errors: StoreError: one counts already."""
    if is_active(tx, account_id):
        raise StoreError("there is a second factor already", advice="Switch it off first.")
    secret = pyotp.random_base32()
    tx.run("DELETE FROM second_factor WHERE account_id = :account_id", account_id=account_id)
    tx.run(
        "INSERT INTO second_factor (account_id, secret, active, period, wrong, paused_until)"
        " VALUES (:account_id, :secret, 0, 0, 0, 0)",
        account_id=account_id,
        secret=secret,
    )
    return secret


def activate(tx: Tx, account_id: int, code: str) -> list[str] | None:
    """With a code of the proposed secret it counts from now on; the recovery codes. None: the code is wrong."""
    if is_active(tx, account_id) or not _is_right(tx, account_id, code):
        return None
    tx.run("UPDATE second_factor SET active = 1 WHERE account_id = :account_id", account_id=account_id)
    return renew_recovery(tx, account_id)


def renew_recovery(tx: Tx, account_id: int) -> list[str]:
    """New recovery codes; the old ones are void."""
    tx.run("DELETE FROM recovery_code WHERE account_id = :account_id", account_id=account_id)
    codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
    tx.many(
        "INSERT INTO recovery_code (account_id, digest) VALUES (:account_id, :digest)",
        [{"account_id": account_id, "digest": _digest(code)} for code in codes],
    )
    return codes


def is_active(tx: Tx, account_id: int) -> bool:
    """Whether the account asks for one."""
    return bool(tx.value("SELECT active FROM second_factor WHERE account_id = :account_id", account_id=account_id))


def recovery_left(tx: Tx, account_id: int) -> int:
    """How many recovery codes are left."""
    left: int = tx.value("SELECT count(*) FROM recovery_code WHERE account_id = :account_id", account_id=account_id)
    return left


def check(tx: Tx, account_id: int, code: str) -> bool:
    """Whether this is a code of now, or a recovery code, which is used up. Errors: StoreError: too many wrong ones."""
    paused: int | None = tx.value(
        "SELECT paused_until FROM second_factor WHERE account_id = :account_id", account_id=account_id
    )
    if paused is None:
        return False
    if paused > tx.now:
        raise StoreError(
            "there were too many wrong codes", advice=f"Try again in {(paused - tx.now) // 60 + 1} minutes."
        )
    if _is_right(tx, account_id, code) or tx.run(
        "DELETE FROM recovery_code WHERE account_id = :account_id AND digest = :digest",
        account_id=account_id,
        digest=_digest(code),
    ):
        tx.run("UPDATE second_factor SET wrong = 0 WHERE account_id = :account_id", account_id=account_id)
        return True
    tx.run(
        "UPDATE second_factor SET wrong = CASE WHEN wrong + 1 >= :most THEN 0 ELSE wrong + 1 END,"
        " paused_until = CASE WHEN wrong + 1 >= :most THEN :until ELSE 0 END WHERE account_id = :account_id",
        account_id=account_id,
        most=WRONG_CODES,
        until=tx.now + PAUSE,
    )
    return False


def remove(tx: Tx, account_id: int) -> None:
    """The password alone is enough again."""
    tx.run("DELETE FROM second_factor WHERE account_id = :account_id", account_id=account_id)
    tx.run("DELETE FROM recovery_code WHERE account_id = :account_id", account_id=account_id)


def _is_right(tx: Tx, account_id: int, code: str) -> bool:
    """Whether a code is one of these minutes that wasn't used yet; it is from now on."""
    row = tx.one("SELECT secret, period FROM second_factor WHERE account_id = :account_id", account_id=account_id)
    typed = code.replace(" ", "")
    if row is None or not (typed.isascii() and typed.isdigit()):
        return False
    secret, last = row
    codes = pyotp.HOTP(secret)
    now = tx.now // PERIOD
    for period in range(max(now - SLACK, last + 1), now + SLACK + 1):
        if secrets.compare_digest(codes.at(period), typed):
            tx.run(
                "UPDATE second_factor SET period = :period WHERE account_id = :account_id",
                period=period,
                account_id=account_id,
            )
            return True
    return False


def _recovery_code() -> str:
    digits = base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
    return f"{digits[:5]}-{digits[5:]}"


def _digest(code: str) -> bytes:
    plain = code.strip().lower().replace("-", "").replace(" ", "")
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=32).digest()
