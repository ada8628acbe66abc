"""The page of one's own account: who one is, what opens it, who is logged in, how full it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyotp
import segno
from markupsafe import Markup
from starlette.responses import RedirectResponse

from posthouse.errors import InvalidMessage, LoginPaused, LoginRefused
from posthouse.message.address import Address
from posthouse.store import (
    account,
    app_password,
    identity,
    mailbox,
    password,
    quota,
    scram_key,
    second_factor,
    web_login,
)

from . import page, write
from .problem import Problem
from .visit import whole

if TYPE_CHECKING:
    from starlette.responses import Response

    from posthouse.store.app_password import AppPassword
    from posthouse.store.engine import Tx
    from posthouse.store.identity import Identity
    from posthouse.store.mailbox import Mailbox
    from posthouse.store.quota import Quota
    from posthouse.store.web_login import Lifetime, WebLogin

    from .visit import Visit

SHORTEST = 10  # characters of a new password (NIST SP 800-63B asks for 8)
MAX_NAME = 100


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page shows."""

    boxes: list[Mailbox]
    identities: list[Identity]
    addresses: list[Address]
    app_passwords: list[AppPassword]
    second_factor: bool
    recovery_left: int
    logins: list[WebLogin]
    quota: Quota


async def show(visit: Visit) -> Response:
    """The page."""
    return await _show(visit)


async def _show(visit: Visit, status: int = 200, **news: Any) -> Response:
    found = await visit.read(_look, visit.account.id, visit.desk.settings.lifetime)
    news = {"made": "", "codes": None, "proposed": None, "done": "", "wrong": "", **news}
    return visit.render("account.html", status, boxes=found.boxes, box=None, found=found, here=visit.login.id, **news)


def _look(tx: Tx, account_id: int, lifetime: Lifetime) -> Shown:
    return Shown(
        page.in_order(mailbox.list_all(tx, account_id)),
        identity.list_all(tx, account_id),
        write.own_addresses(tx, account_id),
        app_password.list_all(tx, account_id),
        second_factor.is_active(tx, account_id),
        second_factor.recovery_left(tx, account_id),
        web_login.list_all(tx, account_id, lifetime),
        quota.get(tx, account_id),
    )


async def _prove(visit: Visit) -> None:
    """What opens the account is changed only by who knows the password now. Errors: Problem."""
    form = await visit.form()
    peer = visit.request.client or ("0.0.0.0", 0)  # noqa: S104
    try:
        await visit.desk.check((peer[0], peer[1]), visit.account.typed, str(form.get("current", "")))
    except LoginPaused as error:
        raise Problem(429, str(error), advice=error.advice) from error
    except LoginRefused as error:
        raise Problem(403, "that is not your password", advice="Nothing was changed; go back and try again.") from error


# -- identities ----------------------------------------------------------------------------------------------------


async def keep_identity(visit: Visit) -> Response:
    """A name, an address, a signature. Errors: Problem, StoreError."""
    form = await visit.form()
    try:
        address = Address.parse(str(form.get("email", "")).strip())
        address = Address(" ".join(str(form.get("name", "")).split())[:MAX_NAME], address.local, address.domain)
    except InvalidMessage as error:
        raise Problem(400, str(error), advice=error.advice) from error
    await visit.write(
        identity.keep,
        visit.account.id,
        address,
        str(form.get("signature", "")).replace("\r\n", "\n"),
        identity_id=whole(form.get("id")),
        preferred=form.get("preferred") == "yes",
    )
    return _back("identities")


async def remove_identity(visit: Visit) -> Response:
    """Forget one. Errors: NotFound."""
    await visit.write(identity.remove, visit.account.id, await _number(visit))
    return _back("identities")


async def _number(visit: Visit) -> int:
    return whole((await visit.form()).get("id")) or 0


def _back(part: str) -> Response:
    return RedirectResponse(f"/account#{part}", 303)


# -- passwords -----------------------------------------------------------------------------------------------------


async def change_password(visit: Visit) -> Response:
    """Another password; all other browsers are logged out. Errors: Problem."""
    form = await visit.form()
    wanted = str(form.get("password", ""))
    if wanted != str(form.get("again", "")):
        raise Problem(400, "the two new passwords are not the same", advice="Type the new one twice.")
    if len(wanted) < SHORTEST:
        raise Problem(400, f"a password has at least {SHORTEST} characters", advice="Take some words, for example.")
    await _prove(visit)
    settled = await visit.read(scram_key.settled, visit.account.id)
    try:
        kept = await asyncio.to_thread(password.hash_password, wanted)
    except ValueError as error:
        raise Problem(400, str(error)) from error
    keys = await asyncio.to_thread(password.make_keys, wanted, settled)
    await visit.write(account.set_password, visit.account.address, kept, keys)
    await visit.write(web_login.end_others, visit.account.id, visit.login.id)
    return await _show(visit, done="The password is changed, and every other browser is logged out.")


async def add_app_password(visit: Visit) -> Response:
    """A password for one program, shown once. Errors: Problem, AlreadyExists."""
    form = await visit.form()
    name = " ".join(str(form.get("name", "")).split())[:MAX_NAME]
    if not name:
        raise Problem(400, "the password has no name", advice="Name the program or the device that it is for.")
    protocols = {str(one) for one in form.getlist("protocol")} & set(app_password.PROTOCOLS)
    await _prove(visit)
    made = app_password.generate()
    settled = await visit.read(scram_key.settled, visit.account.id)
    keys = await asyncio.to_thread(password.make_keys, made, settled)
    await visit.write(app_password.add, visit.account.id, name, app_password.digest(made), protocols, keys)
    return await _show(visit, made=made)


async def remove_app_password(visit: Visit) -> Response:
    """It opens nothing any more. Errors: NotFound."""
    form = await visit.form()
    await visit.write(app_password.remove, visit.account.id, str(form.get("name", "")))
    return _back("passwords")


# -- the second factor ---------------------------------------------------------------------------------------------


async def propose_second_factor(visit: Visit) -> Response:
    """The secret, as a picture for a phone. Errors: Problem, StoreError."""
    await _prove(visit)
    secret = await visit.write(second_factor.propose, visit.account.id)
    return await _show(visit, proposed=_proposal(visit, secret))


def _proposal(visit: Visit, secret: str) -> dict[str, object]:
    url = pyotp.TOTP(secret).provisioning_uri(name=visit.account.typed, issuer_name=visit.desk.settings.hostname)
    # Ours: a picture of squares, whose colours the page's style sheet doesn't change.
    picture = segno.make(url, error="m").svg_inline(scale=4, border=3, dark="#111", light="#fff", omitsize=True)
    return {"secret": secret, "url": url, "picture": Markup(picture)}  # noqa: S704


async def activate_second_factor(visit: Visit) -> Response:
    """The first code: from now on one is asked for; the recovery codes, shown once."""
    form = await visit.form()
    codes = await visit.write(second_factor.activate, visit.account.id, str(form.get("code", "")))
    if codes is None:
        return await _show(visit, 400, wrong="That code is not right. Begin again, and check the phone's clock.")
    return await _show(visit, codes=codes)


async def renew_recovery(visit: Visit) -> Response:
    """New recovery codes, shown once. Errors: Problem."""
    await _prove(visit)
    if not await visit.read(second_factor.is_active, visit.account.id):
        raise Problem(409, "there is no second factor", advice="Switch it on first.")
    return await _show(visit, codes=await visit.write(second_factor.renew_recovery, visit.account.id))


async def remove_second_factor(visit: Visit) -> Response:
    """The password alone is enough. Errors: Problem."""
    await _prove(visit)
    await visit.write(second_factor.remove, visit.account.id)
    return _back("second-factor")


# -- logins --------------------------------------------------------------------------------------------------------


async def end_login(visit: Visit) -> Response:
    """A browser is logged out. Errors: NotFound."""
    await visit.write(web_login.end, visit.account.id, await _number(visit))
    return _back("logins")


async def end_other_logins(visit: Visit) -> Response:
    """Every browser but this one is logged out."""
    await visit.write(web_login.end_others, visit.account.id, visit.login.id)
    return _back("logins")
