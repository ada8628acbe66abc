"""URLs that let others read one message: GENURLAUTH, URLFETCH, RESETKEY. RFC 4467.

A URL is signed with a key that its owner has for the mailbox (INTERNAL is HMAC with SHA-256; the token begins with the
number of the algorithm, §2.4.1). Whoever presents it reads with the owner's rights, as they are then.
"""

from __future__ import annotations

import hmac
import secrets
import time
from typing import TYPE_CHECKING

from posthouse.errors import StoreError
from posthouse.imap import command, url, urlauth
from posthouse.imap.encode import literal_of, without_nul
from posthouse.imap.syntax import Malformed
from posthouse.imap.url import Authorization, MessageUrl
from posthouse.store import account, url_key
from posthouse.store.account import Account
from posthouse.store.engine import Tx

from . import place
from .imap_answer import Done, Handler, No
from .imap_url import Octets, open_url
from .session import BrokenOff

if TYPE_CHECKING:
    from .imap import ImapSession

INTERNAL = "INTERNAL"
ALGORITHM = "01"


async def reset_key(session: ImapSession, wish: command.ResetKey) -> Done:
    """RESETKEY: what was signed for the mailbox, or for all, opens nothing any more."""
    unknown = [name for name in wish.mechanisms if name != INTERNAL]
    if unknown:
        raise No(f"There is no mechanism {unknown[0]}, only {INTERNAL}", "CANNOT")
    await session.house.store.write(_reset, session.owner, wish.mailbox)
    return Done("RESETKEY completed", f"URLMECH {INTERNAL}")


def _reset(tx: Tx, person: Account, name: str | None) -> None:
    if name is None:
        url_key.forget_all(tx, person.id)
    else:
        url_key.renew(tx, person.id, place.need(tx, person, name, "r").box.id)


async def generate(session: ImapSession, wish: command.GenUrlAuth) -> Done:
    """GENURLAUTH: sign the URLs. What can't be signed is BAD (§7)."""
    signed = []
    for text, mechanism in wish.urls:
        if mechanism != INTERNAL:
            raise No(f"There is no mechanism {mechanism}, only {INTERNAL}", bad=True)
        wanted, authorization = _signable(session.owner, text)
        key = await session.house.store.write(_key, session.owner, wanted.mailbox)
        signed.append(f"{text}:{INTERNAL.lower()}:{token(key, authorization.rump)}")
    session.server.untagged(urlauth.generated(signed))
    return Done("GENURLAUTH completed")


def _signable(person: Account, text: str) -> tuple[MessageUrl, Authorization]:
    try:
        wanted = url.absolute(text)
    except Malformed as error:
        raise No(str(error), bad=True) from error
    if not wanted.user:
        raise No("missing owner username in supplied URL", bad=True)
    if not belongs_to(person, wanted.user):
        raise No("only the owner of the mailbox can sign its URLs: the user in the URL is somebody else", bad=True)
    if wanted.authorization is None:
        raise No("missing access identifier in supplied URL", bad=True)
    if wanted.authorization.token:
        raise No("the URL is signed already", bad=True)
    return wanted, wanted.authorization


def belongs_to(person: Account, user: str) -> bool:
    """Whether this is what the person logs in with."""
    return user.casefold() in (person.address.casefold(), person.typed.casefold())


def _key(tx: Tx, person: Account, name: str) -> bytes:
    where = place.find(tx, person, name)
    if where is None or "r" not in where.rights:
        raise No(f"There is no mailbox {name}", bad=True)  # §7: BAD, unlike elsewhere
    return url_key.find_or_make(tx, person.id, where.box.id)


def token(key: bytes, rump: str) -> str:
    """The signature, with the number of its algorithm in front."""
    return ALGORITHM + hmac.digest(key, rump.encode("ascii"), "sha256").hex()


async def fetch(session: ImapSession, wish: command.UrlFetch) -> Done:
    """URLFETCH: the octets that each URL opens, NIL for one that opens nothing."""
    machine = session.server
    machine.send(b"* URLFETCH")
    for text in wish.urls:
        octets = await _open(session, text)
        machine.send(b" " + urlauth.written(text) + b" ")
        if octets is None:
            machine.send(b"NIL")
            continue
        machine.send(literal_of(octets.size))
        try:
            async for piece in octets.read():
                machine.send(without_nul(piece))
                await session.line.flush()
        except StoreError as error:
            # The client counts the octets of the literal: anything said now would be taken for some of them.
            raise BrokenOff(f"a letter can't be read to its end: {error}") from error
    machine.send(b"\r\n")
    return Done("URLFETCH completed")


async def _open(session: ImapSession, text: str) -> Octets | None:
    try:
        wanted = url.absolute(text)
    except Malformed:
        return None
    authorization = wanted.authorization
    if authorization is None or authorization.mechanism != INTERNAL:
        return None
    store = session.house.store
    owner, key = await store.read(_owner_and_key, wanted)
    # §6: a mailbox that isn't there takes as long as a token that is wrong.
    right = hmac.compare_digest(
        token(key or secrets.token_bytes(url_key.OCTETS), authorization.rump), authorization.token
    )
    if not right or owner is None or not _may_use(session.owner, authorization):
        return None
    return await open_url(store, owner, wanted, None)


def _owner_and_key(tx: Tx, wanted: MessageUrl) -> tuple[Account | None, bytes | None]:
    owner = account.find(tx, wanted.user)
    where = None if owner is None else place.find(tx, owner, wanted.mailbox)
    if owner is None or where is None:
        return None, None
    return owner, url_key.find(tx, owner.id, where.box.id)


def _may_use(person: Account, authorization: Authorization) -> bool:
    """Whether this person may present the URL now (§3)."""
    if authorization.expire is not None and time.time() > authorization.expire:
        return False
    if authorization.access == "user":
        return belongs_to(person, authorization.userid)
    # Nobody here has the role of a submission server, so "submit" opens nothing; "anonymous" and "authuser" open to all
    # who are logged in.
    return authorization.access in ("anonymous", "authuser")


COMMANDS: dict[type, Handler] = {
    command.ResetKey: reset_key,
    command.GenUrlAuth: generate,
    command.UrlFetch: fetch,
}
