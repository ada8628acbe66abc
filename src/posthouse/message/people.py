"""Whom an address field (From, To …) names, in each form that is asked for.

Letters come from the same people to the same people, so short fields are remembered in all their forms.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from posthouse.errors import InvalidMessage

from . import address, header
from .header import Headers
from .nstring import literal, nstring
from .order import Place, place

# Octets of a field that may be remembered, and how many are.
_COMMON = 200
_REMEMBERED = 512


class People(NamedTuple):
    """The addresses of one kind of field.

    ``tokens`` is what ``address.read`` finds, ``envelope`` how they stand in IMAP's ENVELOPE, ``shown`` how a person
    reads them; ``place`` is what the first of them is sorted by.
    """

    tokens: Sequence[address.Token]
    envelope: str
    shown: str
    place: Place


NOBODY = People((), "NIL", "", place(()))


def read(fields: Headers, name: bytes) -> People:
    """Whom the field ``name`` (lower case) names. Fields that stand twice are read as one: nobody is missed."""
    if fields.body(name) is None:
        return NOBODY
    bodies = fields.bodies(name)
    if len(bodies) == 1 and len(bodies[0]) <= _COMMON:
        return _remembered(bodies[0])
    return _read(*bodies)


def _read(*bodies: bytes) -> People:
    tokens = [token for body in bodies for token in address.read(header.raw_text(body))]
    return People(tokens, _address_list(tokens), address.shown(tokens), place(tokens))


_remembered = lru_cache(maxsize=_REMEMBERED)(_read)


def _address_list(tokens: Sequence[address.Token]) -> str:
    """address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"; NIL hosts are the marks of a group."""
    if not tokens:
        return "NIL"
    items = []
    for kind, name, local, domain in tokens:
        if kind == address.MAILBOX:
            whole = f"{name}{local}{domain}"
            if whole.isascii() and '"' not in whole and "\\" not in whole:
                items.append(f'("{name}" NIL "{local}" "{domain}")' if name else f'(NIL NIL "{local}" "{domain}")')
                continue
            shown = nstring(name) if name else "NIL"
            items.append(f"({shown} NIL {_mailbox(local)} {_host(domain)})")
        elif kind == address.GROUP_START:
            items.append(f"(NIL NIL {nstring(name)} NIL)")
        else:
            items.append("(NIL NIL NIL NIL)")
    return f"({''.join(items)})"


def _mailbox(local: str) -> str:
    return nstring(local) if local.isascii() else literal(local)


def _host(domain: str) -> str:
    if domain.isascii():
        return nstring(domain)
    try:
        return nstring(address.Address("", "x", domain).ascii_domain)
    except InvalidMessage:
        return literal(domain)
