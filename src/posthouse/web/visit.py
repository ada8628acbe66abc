"""One request of somebody who is logged in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeAlias, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from posthouse.errors import PosthouseError, sentence
from posthouse.store import account, web_login
from posthouse.store.account import Account
from posthouse.store.web_login import SEEN_EVERY, WebLogin

from . import cookie, csrf, limits, page, undo
from .problem import Problem, status_of, too_large

if TYPE_CHECKING:
    from posthouse.store.engine import Tx

    from .desk import Desk

P = ParamSpec("P")
T = TypeVar("T")

log = logging.getLogger("posthouse.web")


class Visit:
    """Who asks for what."""

    def __init__(self, desk: Desk, request: Request, login: WebLogin, owner: Account, token: str, now: int) -> None:
        self.desk = desk
        self.request = request
        self.login = login
        self.account = owner
        self.now = now  # seconds since 1970
        self.zone = page.zone(login.timezone)
        self.csrf = csrf.token(token)
        self._form: FormData | None = None

    async def read(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a store function that only reads."""
        return await self.desk.store.read(fn, *args, **kwargs)

    async def write(self, fn: Callable[Concatenate[Tx, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a store function; when this returns, what it did is on disk."""
        return await self.desk.store.write(fn, *args, **kwargs)

    async def form(self, most: int = limits.FORM_SIZE) -> FormData:
        """The fields of a form without files, of so many octets at most. Errors: Problem."""
        if self._form is None:
            self._form = await read_form(self.request, most)
        return self._form

    async def file(self, most: int) -> AsyncIterator[bytes]:
        """The request's content, which is a file of so many octets at most, as it comes. Errors: Problem."""
        chunks = self.request.stream().__aiter__()
        size = 0
        try:
            while True:
                async with asyncio.timeout(limits.UPLOAD_SECONDS):
                    chunk = await anext(chunks, None)
                if chunk is None:
                    return
                size += len(chunk)
                if size > most:
                    raise too_large("this file", page.size(most))
                yield chunk
        except TimeoutError:
            raise Problem(408, "the file stopped on its way", advice="Send it again.") from None
        except ClientDisconnect:
            raise Problem(400, "the file did not arrive whole", advice="Send it again.") from None

    def render(self, template: str, /, status: int = 200, **values: Any) -> Response:
        """A page, or a part of one (its name begins with "_")."""
        own = {"account": self.account, "csrf": self.csrf, "now": self.now, "zone": self.zone}
        return page.response(template, status, {**own, "undo": self._undo(), "here": self._here(), **values})

    def _undo(self) -> tuple[str, str] | None:
        """What was done before this page was shown, for browsers without scripts: the token, and the words."""
        token = self.request.query_params.get("undo")
        if not token:
            return None
        try:
            return token, undo.read(token, self.csrf, self.now)[1]
        except Problem:
            return None

    def _here(self) -> str:
        """This page's own path, to come back to."""
        query = [(name, value) for name, value in self.request.query_params.multi_items() if name != "undo"]
        return self.request.url.path + (f"?{urlencode(query)}" if query else "")

    @property
    def wants_part(self) -> bool:
        """Whether a script of ours asks for a part of a page, or for facts, instead of a page."""
        return wants_part(self.request)

    def number(self, name: str) -> int | None:
        """A number in the query; None: it isn't there, or is none."""
        return whole(self.request.query_params.get(name, ""))


Handler: TypeAlias = Callable[[Visit], Awaitable[Response]]
OpenHandler: TypeAlias = Callable[["Desk", Request], Awaitable[Response]]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def whole(text: object) -> int | None:
    """A whole number that a database takes, as a form or a query has it; None for anything else."""
    digits = str(text)
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def for_everybody(desk: Desk, handler: OpenHandler) -> Endpoint:
    """A page that needs no login."""

    async def answer(request: Request) -> Response:
        async def handle() -> Response:
            if request.method == "POST":
                csrf.check_source(request)
            return await handler(desk, request)

        return await _answered(request, handle)

    return answer


def for_people(desk: Desk, handler: Handler) -> Endpoint:
    """A page of somebody's own: whoever isn't logged in is asked to, and comes back here."""

    async def answer(request: Request) -> Response:
        async def handle() -> Response:
            token = cookie.read(request)
            found = await desk.store.read(_who, token, desk) if token else None
            if found is None:
                return _log_in_first(request)
            login, owner, now = found
            if now - login.seen > SEEN_EVERY:
                await desk.store.write(web_login.note_seen, login.id)
            visit = Visit(desk, request, login, owner, token, now)
            if request.method == "POST":
                csrf.check_source(request)
                given = request.headers.get(csrf.HEADER)
                csrf.check_token(token, str((await visit.form()).get(csrf.FIELD, "")) if given is None else given)
            return await handler(visit)

        return await _answered(request, handle)

    return answer


def _who(tx: Tx, token: str, desk: Desk) -> tuple[WebLogin, Account, int] | None:
    login = web_login.find(tx, token, desk.settings.lifetime)
    return None if login is None else (login, account.get(tx, login.account_id), tx.now)


def _log_in_first(request: Request) -> Response:
    if wants_part(request):
        return JSONResponse({"problem": "You have been logged out.", "advice": "Log in again.", "login": "/login"}, 401)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    back = f"?next={quote(here)}" if request.method == "GET" and here != "/" else ""
    return RedirectResponse(f"/login{back}", 303)


def wants_part(request: Request) -> bool:
    """Whether a script of ours asks."""
    return "x-part" in request.headers


async def read_form(request: Request, most: int = limits.FORM_SIZE) -> FormData:
    """The fields of a form without files, as browsers encode them. Errors: Problem."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/x-www-form-urlencoded", ""):
        raise Problem(415, "that is no form", advice="Load the page again.")
    octets = bytearray()
    try:
        async with asyncio.timeout(limits.FORM_SECONDS):
            async for chunk in request.stream():
                octets += chunk
                if len(octets) > most:
                    raise too_large("this form", f"{most // 1024} KB")
        fields = parse_qsl(octets.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=limits.FORM_FIELDS)
    except TimeoutError:
        raise Problem(408, "the form took too long to arrive", advice="Try again.") from None
    except ValueError as error:
        raise Problem(400, "the form has too many fields", advice="Choose fewer things at a time.") from error
    return FormData([*fields])


async def _answered(request: Request, handle: Callable[[], Awaitable[Response]]) -> Response:
    """The answer, or in words why there is none."""
    try:
        return await handle()
    except PosthouseError as error:
        return problem(request, status_of(error), f"{sentence(error).removesuffix('.')}.", error.advice)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except Exception:
        log.exception("%s %s failed", request.method, request.url.path)
        return problem(
            request,
            500,
            "Something went wrong here, and it is not your fault.",
            "Try again; if it stays so, tell whoever runs this server: the log has the details.",
        )


def problem(request: Request, status: int, words: str, advice: str) -> Response:
    """Words for a person; for a script of ours the same as facts."""
    if wants_part(request):
        return JSONResponse({"problem": words, "advice": advice}, status)
    return page.response("problem.html", status, {"words": words, "advice": advice})
