"""Nobody else's page makes a person's browser do something here (cross-site request forgery).

Three things are asked of a request that changes something, each of which would do: the cookie isn't sent with it from
elsewhere (`SameSite=Lax`, cookie.py); the browser says that a page of ours makes it (Sec-Fetch-Site, or Origin where a
browser doesn't send that); and it carries the login's token, which only our pages know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

FIELD = "csrf"
HEADER = "x-csrf-token"


def token(login: str) -> str:
    """What the pages of a login carry; ``login`` is its secret, which can't be worked out from it."""
    return base64.urlsafe_b64encode(hashlib.blake2b(b"csrf", key=login.encode()[:64], digest_size=24).digest()).decode()


def check_token(login: str, given: str) -> None:
    """Errors: Problem."""
    if not hmac.compare_digest(token(login).encode(), given.encode("utf-8", "replace")):
        raise Problem(
            403,
            "this form belongs to another login",
            advice="Load the page again; what you typed is still in this one.",
        )


def check_source(request: Request) -> None:
    """The request is made by a page of ours. Errors: Problem."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        ours = site == "same-origin"
    else:
        ours = origin is not None and urlsplit(origin).netloc == request.headers.get("host", "")
    if not ours:
        raise Problem(
            403, "this request came from another web site", advice="Nothing was changed. Use the page's own buttons."
        )
