r"""The page on which a letter is written: a new one, an answer, one that is forwarded, one that was begun."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import escape
from starlette.responses import JSONResponse

from posthouse.message import html_text, reply
from posthouse.message.address import Address
from posthouse.store import alias, conversation, identity, mailbox

from . import draft, headers, limits, page, save
from .draft import Draft
from .letter import File
from .problem import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.responses import Response

    from posthouse.store.engine import Tx
    from posthouse.store.identity import Identity
    from posthouse.store.mailbox import Mailbox

    from .visit import Visit


# Where one begins to write.
EMPTY = "<p><br></p>"


@dataclass(frozen=True, slots=True)
class Around:
    """What the page has besides the letter. ``me``: as whom one writes; ``signatures``: what stands below, by that."""

    boxes: list[Mailbox]
    me: list[Address]
    signatures: dict[str, str]


async def show_new(visit: Visit) -> Response:
    """A new letter, an answer (``reply``, with ``all`` to everybody) or one that is forwarded (``forward``)."""
    query = visit.request.query_params
    answered, forwarded = visit.number("reply"), visit.number("forward")
    around = await visit.read(_around, visit.account.id)
    me = around.me
    source = answered if forwarded is None else forwarded
    ident = draft.new_ident(visit.desk.settings.hostname)
    if source is None:
        text = query.get("body", "")[: limits.TYPED]
        fields = {name: query.get(name, "")[: limits.TYPED] for name in ("to", "cc", "bcc", "subject")}
        begun = Draft(ident, str(me[0]), text=text, rich=not text, **fields)
        return _page(visit, around, _signed(begun, around.signatures), [], None, None)
    stored = await visit.read(conversation.letter, visit.account.id, source)
    found, files = await asyncio.to_thread(draft.original, visit.desk.store.blobs, stored)
    if forwarded is None:
        begun = _answer(found, me, ident, everyone="all" in query)
        shown = reply.shown_ids(begun.text)
        files = tuple(one for one in files if one.cid in shown)
    else:
        begun = _forward(found, me, ident)
    return _page(visit, around, _signed(begun, around.signatures), files, None, source)


def _signed(begun: Draft, signatures: Mapping[str, str]) -> Draft:
    """The letter with its writer's signature (RFC 3676 §4.3), above what is quoted."""
    signature = signatures.get(begun.from_, "")
    if not signature:
        return begun
    if not begun.rich:
        return replace(begun, text=f"\n\n-- \n{signature}\n{begun.text}")
    lines = str(escape(signature)).replace("\n", "<br>")
    text = begun.text.removeprefix(EMPTY)
    return replace(begun, text=f'{EMPTY}<div class="signature">-- <br>{lines}</div>{text}')


def _answer(found: reply.Original, me: list[Address], ident: str, *, everyone: bool) -> Draft:
    to, cc = reply.recipients(found, me, everyone=everyone)
    fields = dict(reply.thread_headers(found))
    rich = found.html is not None
    return Draft(
        ident,
        str(reply.addressed_as(found, me) or me[0]),
        to=", ".join(map(str, to)),
        cc=", ".join(map(str, cc)),
        subject=reply.reply_subject(found.subject),
        text=f"{EMPTY}{reply.quoted_html(found)}" if rich else f"\n\n{reply.quoted_text(found)}",
        rich=rich,
        answers=fields.get("In-Reply-To", ""),
        references=fields.get("References", ""),
    )


def _forward(found: reply.Original, me: list[Address], ident: str) -> Draft:
    rich = found.html is not None
    return Draft(
        ident,
        str(reply.addressed_as(found, me) or me[0]),
        subject=reply.forward_subject(found.subject),
        text=reply.forwarded_html(found, EMPTY) if rich else f"\n\n{reply.forwarded_text(found)}",
        rich=rich,
        forwards=found.message_id,
    )


async def show_draft(visit: Visit) -> Response:
    """A letter that was begun. Errors: NotFound, Problem for one that is none."""
    around = await visit.read(_around, visit.account.id)
    stored = await visit.read(conversation.letter, visit.account.id, visit.request.path_params["letter"])
    if not any(save.is_draft(placed, around.boxes) for placed in stored.placed):
        raise Problem(409, "this letter was sent already", advice="Write another one.")
    begun, files = await asyncio.to_thread(draft.read, visit.desk.store.blobs, stored)
    begun = replace(
        begun,
        ident=begun.ident or draft.new_ident(visit.desk.settings.hostname),
        from_=begun.from_ or str(around.me[0]),
    )
    return _page(visit, around, begun, files, stored.message_id, stored.message_id)


def _page(
    visit: Visit,
    around: Around,
    begun: Draft,
    files: Sequence[File],
    seen: int | None,
    source: int | None,
) -> Response:
    box = next((one for one in around.boxes if one.special_use == "\\Drafts"), None)
    back = visit.number("in")
    return visit.render(
        "write.html",
        boxes=around.boxes,
        box=box,
        me=around.me,
        sender=_sender(around.me, begun.from_),
        signatures=around.signatures,
        draft=begun,
        plain=html_text.to_text(begun.text, links=True) if begun.rich else begun.text,
        files=[asdict(one) for one in files],
        seen=seen,
        source=source,
        back="/" if back is None else f"/mailbox/{back}",
        most=visit.desk.settings.files_size,
    )


def _sender(me: list[Address], author: str) -> Address | None:
    """Which of one's own a letter is from: by name and address, or by the address alone."""
    named = (one for one in me if str(one) == author)
    same = (one for one in me if one.spec.lower() in {other.spec.lower() for other in page.people(author)})
    return next(named, None) or next(same, None)


def _around(tx: Tx, account_id: int) -> Around:
    signatures = {str(_address(one)): one.signature.rstrip() for one in identity.list_all(tx, account_id)}
    return Around(page.in_order(mailbox.list_all(tx, account_id)), own_addresses(tx, account_id), signatures)


def own_addresses(tx: Tx, account_id: int) -> list[Address]:
    """As whom an account writes: its identities, then those of its addresses that have none."""
    named = [_address(one) for one in identity.list_all(tx, account_id)]
    known = {one.spec.lower() for one in named}
    others = [Address.parse(one) for one in alias.addresses(tx, account_id)]
    return [*named, *(one for one in others if one.spec.lower() not in known)]


def _address(one: Identity) -> Address:
    return replace(Address.parse(one.email), name=one.name)


async def show_editor(visit: Visit) -> Response:
    """The document of the frame in which text is written: without an origin, like that of a letter that came."""
    response = page.response("editor.html", 200, {"script": headers.EDITOR})
    response.headers["content-security-policy"] = headers.EDITOR_POLICY
    return response


async def show_people(visit: Visit) -> Response:
    """Whom was written to, the most frequent first."""
    lists = await visit.read(conversation.written_to, visit.account.id, limits.PEOPLE_LETTERS)
    count: dict[str, int] = {}
    shown: dict[str, Address] = {}
    for text in lists:
        for one in page.people(text):
            if one.is_complete:
                count[one.spec.lower()] = count.get(one.spec.lower(), 0) + 1
                if one.name or one.spec.lower() not in shown:
                    shown.setdefault(one.spec.lower(), one)
    often = sorted(count, key=lambda spec: -count[spec])[: limits.PEOPLE]
    return JSONResponse({"people": [{"name": shown[spec].name, "address": shown[spec].addr} for spec in often]})


async def show_token(visit: Visit) -> Response:
    """The token of the login, for a page that is older than it."""
    return JSONResponse({"csrf": visit.csrf, "account": visit.account.typed})
