"""The program's own files: styles, scripts, icons. They are in memory, and in each browser for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from . import page
from .problem import Problem

if TYPE_CHECKING:
    from starlette.requests import Request

    from .desk import Desk


async def show(desk: Desk, request: Request) -> Response:
    """A file. An old version's path leads to the present one, which may go with an old page for a moment."""
    name, version = request.path_params["name"], request.path_params["version"]
    if name not in page.FILES:
        raise Problem(404, "there is no such file")
    octets, kind = page.FILES[name]
    kept = "public, max-age=31536000, immutable" if version == page.VERSION else "no-cache"
    return Response(octets, media_type=kind, headers={"cache-control": kept})


async def show_icon(desk: Desk, request: Request) -> Response:
    """What browsers ask for without being told: the icon of the site."""
    octets, kind = page.FILES["posthouse.svg"]
    return Response(octets, media_type=kind, headers={"cache-control": "public, max-age=86400"})
