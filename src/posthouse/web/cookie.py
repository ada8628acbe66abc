"""The one cookie: who is logged in.

`__Host-` makes browsers refuse it unless it came over TLS, for this host alone (RFC 6265bis §4.1.3.2); they count this
machine's own addresses as safe, so it works for a demo over plain HTTP too. No script reads it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

NAME = "__Host-posthouse"
LONGEST = 100  # characters of a token; ours have 43


def read(request: Request) -> str:
    """The token that the browser holds; empty: none."""
    found = request.cookies.get(NAME, "")
    return found if len(found) <= LONGEST else ""


def give(response: Response, token: str, seconds: int) -> None:
    """The browser keeps the token for so long."""
    response.set_cookie(NAME, token, max_age=seconds, path="/", secure=True, httponly=True, samesite="lax")


def take(response: Response) -> None:
    """The browser forgets it."""
    response.delete_cookie(NAME, path="/", secure=True, httponly=True, samesite="lax")
