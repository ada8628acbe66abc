"""Logging in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse, Response

from posthouse.errors import LoginRefused, StoreError, sentence
from posthouse.store import second_factor, web_login

from . import cookie, page
from .visit import Visit, read_form

if TYPE_CHECKING:
    from starlette.requests import Request

    from posthouse.store.engine import Tx

    from .desk import Desk

# Characters; what is longer is no address and no password.
MAX_FIELD = 1_000


async def show(desk: Desk, request: Request) -> Response:
    """The form."""
    token = cookie.read(request)
    if token and await desk.store.read(web_login.find, token, desk.settings.lifetime) is not None:
        return RedirectResponse(back_to(request.query_params.get("next", "")), 303)
    return _form(desk, request.query_params.get("next", ""))


async def log_in(desk: Desk, request: Request) -> Response:
    """The form, filled in."""
    form = await read_form(request)
    address, password, back = (str(form.get(name, ""))[:MAX_FIELD] for name in ("address", "password", "next"))
    peer = request.client or ("0.0.0.0", 0)  # noqa: S104
    try:
        account = await desk.check((peer[0], peer[1]), address.strip(), password)
    except LoginRefused as error:
        return _form(desk, back, address=address, words=f"{sentence(error)}.", advice=error.advice)
    pending = await desk.store.read(second_factor.is_active, account.id)
    token = await desk.store.write(
        web_login.begin,
        account.id,
        pending=pending,
        timezone=str(form.get("timezone", ""))[:100],
        agent=request.headers.get("user-agent", ""),
        address=peer[0],
    )
    await desk.store.write(web_login.forget_old, desk.settings.lifetime)
    response = _code_form(back) if pending else RedirectResponse(back_to(back), 303)
    cookie.give(response, token, desk.settings.lifetime.longest)
    return response


async def give_code(desk: Desk, request: Request) -> Response:
    """The second factor of a login whose password was right."""
    form = await read_form(request)
    code, back = (str(form.get(name, ""))[:MAX_FIELD] for name in ("code", "next"))
    token = cookie.read(request)
    pending = await desk.store.read(web_login.find_pending, token) if token else None
    if pending is None:
        return _form(desk, back, words="That took too long.", advice="Log in once more.")
    try:
        right = await desk.store.write(_check_code, pending.account_id, pending.id, code)
    except StoreError as error:
        return _code_form(back, f"{sentence(error)}. {error.advice}")
    if not right:
        return _code_form(back, "That code is not right. Each one holds once, for half a minute.")
    return RedirectResponse(back_to(back), 303)


def _check_code(tx: Tx, account_id: int, login_id: int, code: str) -> bool:
    right = second_factor.check(tx, account_id, code)
    if right:
        web_login.complete(tx, login_id)
    return right


def _code_form(back: str, words: str = "") -> Response:
    return page.response("login_code.html", 401 if words else 200, {"next": back_to(back), "words": words})


async def log_out(visit: Visit) -> Response:
    """This login ends."""
    await visit.write(web_login.end, visit.account.id, visit.login.id)
    response = RedirectResponse("/login", 303)
    cookie.take(response)
    # What the browser has kept of pages goes with the login.
    response.headers["clear-site-data"] = '"cache", "storage"'
    return response


def _form(desk: Desk, back: str, *, address: str = "", words: str = "", advice: str = "") -> Response:
    values = {"hostname": desk.settings.hostname, "next": back_to(back), "address": address, "words": words}
    return page.response("login.html", 401 if words else 200, {**values, "advice": advice})


def back_to(path: str) -> str:
    """A path of ours to go on to; never another site's."""
    parts = urlsplit(path)
    inside = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return path if inside and path.isprintable() else "/"
