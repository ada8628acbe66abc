"""The mail program as an ASGI application: the table of all its pages."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from . import (
    account,
    act,
    attachment,
    boxes,
    conversation,
    events,
    files,
    leave,
    letter,
    login,
    mailbox,
    moving,
    save,
    search,
    send,
    write,
)
from .compress import Compress
from .desk import Desk
from .front import Front
from .headers import Headers
from .visit import Handler, OpenHandler, for_everybody, for_people, problem

# Pages for everybody.
OPEN: tuple[tuple[str, str, OpenHandler], ...] = (
    ("GET", "/login", login.show),
    ("POST", "/login", login.log_in),
    ("POST", "/login/code", login.give_code),
    ("GET", "/static/{version}/{name}", files.show),
    ("GET", "/favicon.ico", files.show_icon),
)
# Pages of people, who have logged in.
OWN: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", mailbox.home),
    ("GET", "/mailbox/{mailbox:int}", mailbox.show),
    ("GET", "/mailboxes", boxes.show),
    ("POST", "/mailboxes/make", boxes.make),
    ("POST", "/mailboxes/rename", boxes.rename),
    ("POST", "/mailboxes/read", boxes.read_all),
    ("POST", "/mailboxes/empty", boxes.empty),
    ("POST", "/mailboxes/delete", boxes.delete),
    ("GET", "/conversation/{thread:int}", conversation.show),
    ("GET", "/letter/{letter:int}", conversation.show_letter),
    ("GET", "/letter/{letter:int}/html", letter.show_html),
    ("GET", "/letter/{letter:int}/source", letter.show_source),
    ("GET", "/letter/{letter:int}/headers", letter.show_headers),
    ("GET", "/letter/{letter:int}/files.zip", attachment.download_all),
    ("GET", "/letter/{letter:int}/file/{number:int}", attachment.download),
    ("GET", "/letter/{letter:int}/file/{number:int}/view", attachment.view),
    ("GET", "/leave", leave.show),
    ("GET", "/search", search.show),
    ("POST", "/search/keep", search.keep),
    ("POST", "/search/forget", search.forget),
    ("GET", "/events", events.show),
    ("POST", "/act", act.act),
    ("POST", "/undo", act.take_back),
    ("GET", "/write", write.show_new),
    ("GET", "/write/{letter:int}", write.show_draft),
    ("GET", "/write/editor", write.show_editor),
    ("GET", "/people", write.show_people),
    ("GET", "/token", write.show_token),
    ("POST", "/draft", save.save),
    ("POST", "/draft/discard", save.discard),
    ("POST", "/draft/{letter:int}/file", save.upload),
    ("POST", "/send", send.send),
    ("GET", "/waiting", send.show_waiting),
    ("POST", "/take-back", send.take_back),
    ("GET", "/account", account.show),
    ("POST", "/account/identity", account.keep_identity),
    ("POST", "/account/identity/remove", account.remove_identity),
    ("POST", "/account/password", account.change_password),
    ("POST", "/account/app-password", account.add_app_password),
    ("POST", "/account/app-password/remove", account.remove_app_password),
    ("POST", "/account/second-factor", account.propose_second_factor),
    ("POST", "/account/second-factor/activate", account.activate_second_factor),
    ("POST", "/account/second-factor/recovery", account.renew_recovery),
    ("POST", "/account/second-factor/remove", account.remove_second_factor),
    ("POST", "/account/login/end", account.end_login),
    ("POST", "/account/login/end-others", account.end_other_logins),
    ("POST", "/account/import", moving.take_in),
    ("POST", "/account/export", moving.give_out),
    ("GET", "/account/export/{name}", moving.download),
    ("POST", "/logout", login.log_out),
)


def application(desk: Desk) -> ASGIApp:
    """The application over a store."""
    routes = [Route(path, for_everybody(desk, handler), methods=[method]) for method, path, handler in OPEN]
    routes += [Route(path, for_people(desk, handler), methods=[method]) for method, path, handler in OWN]
    handlers = {404: _nowhere, 405: _nowhere}
    made: ASGIApp = Starlette(routes=routes, exception_handlers=handlers)
    return Headers(Front(Compress(made), proxies=desk.settings.proxies, https_port=desk.settings.https_port))


async def _nowhere(request: Request, _: Exception) -> Response:
    return problem(request, 404, "There is no such page.", "The mail is where it was: start from the inbox.")
