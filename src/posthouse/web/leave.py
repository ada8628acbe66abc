"""The way out: a page that shows where a link of a letter leads, before anybody goes there.

The path is signed with the login's token, so that nobody else can make this server lead people anywhere.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from starlette.responses import RedirectResponse

from . import limits
from .problem import Problem

if TYPE_CHECKING:
    from starlette.responses import Response

    from .visit import Visit

SCHEMES = ("http", "https", "tel")


def link(visit: Visit, url: str) -> str:
    """Where a link to ``url`` leads instead."""
    return f"/leave?{urlencode({'to': url, 'sign': _sign(visit, url)})}"


async def show(visit: Visit) -> Response:
    """Where it leads."""
    url = visit.request.query_params.get("to", "")
    given = visit.request.query_params.get("sign", "")
    if not hmac.compare_digest(_sign(visit, url).encode(), given.encode("utf-8", "replace")):
        raise Problem(403, "this link isn't from a letter of yours", advice="Open it from the letter again.")
    try:
        parts = urlsplit(url.strip())
        host = parts.hostname or ""
    except ValueError:
        raise Problem(400, "this link leads nowhere: it is no address", advice="Ask the sender for another.") from None
    if parts.scheme.lower() == "mailto":
        return RedirectResponse(f"/write?{urlencode(_letter(parts))}", 303)
    if parts.scheme.lower() not in SCHEMES:
        raise Problem(400, "this link leads nowhere that a browser could go", advice="Ask the sender for another.")
    return visit.render(
        "leave.html", url=url.strip(), host=host or parts.path, scheme=parts.scheme.lower(), unicode=_in_script(host)
    )


def _letter(parts: SplitResult) -> dict[str, str]:
    """What a mailto URL says of the letter (RFC 6068 §2); whoever follows it reads it before anything is sent."""
    said: dict[str, list[str]] = {"to": [parts.path]} if parts.path else {}
    for name, _, value in (field.partition("=") for field in parts.query.split("&")[: limits.FORM_FIELDS]):
        if name.lower() in ("to", "cc", "bcc", "subject", "body"):
            said.setdefault(name.lower(), []).append(value)
    return {name: unquote(", ".join(values)).replace("\r\n", "\n") for name, values in said.items()}


def _in_script(host: str) -> str:
    """The host in its own script, where that isn't what the link shows: "xn--…" hides what people would read."""
    if "xn--" not in host:
        return ""
    try:
        return host.encode().decode("idna")
    except UnicodeError:
        return ""


def _sign(visit: Visit, url: str) -> str:
    key = visit.csrf.encode()
    return base64.urlsafe_b64encode(
        hashlib.blake2b(url.encode("utf-8", "replace"), key=key, digest_size=18).digest()
    ).decode()
