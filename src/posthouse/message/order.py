"""What messages are put in order by: texts as octets whose order is the order of people's words. RFC 5256, RFC 5957."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from . import address, encoded_word

# Characters of an address that are compared: whoever shares so many stands in the order of arrival.
MAX_ADDRESS = 100


class Order(NamedTuple):
    """A message's place among others.

    ``from_``, ``to`` and ``cc`` are the mailbox names (what stands before the "@") of the first addresses, and
    ``display_from`` and ``display_to`` what people see of them. ``is_reply``: an answer or forwarded, by its subject.
    """

    subject: bytes
    is_reply: bool
    from_: bytes
    to: bytes
    cc: bytes
    display_from: bytes
    display_to: bytes


class Place(NamedTuple):
    """What one field of addresses is sorted by: the mailbox name of the first, and what people see of it."""

    mailbox: bytes
    display: bytes


def order(base: str, is_reply: bool, from_: Place, to: Place, cc: Place) -> Order:
    """The place of a message of which `thread.base_subject` and `place` say this."""
    return Order(collation(base), is_reply, from_.mailbox, to.mailbox, cc.mailbox, from_.display, to.display)


def place(tokens: Sequence[address.Token]) -> Place:
    """The place of the addresses that `address.read` found in a field."""
    return Place(_mailbox(tokens), _display(tokens))


def collation(text: str) -> bytes:
    """i;unicode-casemap (RFC 5051 §2): equal but for case comes to equal octets, and their order is the text's."""
    if text.isascii():
        return text.upper().encode("ascii")
    titled = "".join([title if len(title := one.title()) == 1 else one for one in text])
    return unicodedata.normalize("NFKD", titled).encode("utf-8", "replace")


def _mailbox(tokens: Sequence[address.Token]) -> bytes:
    """addr-mailbox of the first address: of a group, its name (RFC 9051 §7.5.2)."""
    if not tokens:
        return b""
    kind, name, local, _ = tokens[0]
    return collation((name if kind == address.GROUP_START else local)[:MAX_ADDRESS])


def _display(tokens: Sequence[address.Token]) -> bytes:
    """The sort value of the first address (RFC 5957 §3)."""
    if not tokens:
        return b""
    kind, name, local, domain = tokens[0]
    if name and "=?" in name:
        name = encoded_word.decode(name)
    shown = name or (f"{local}@{domain}" if domain and kind == address.MAILBOX else local)
    return collation(shown[:MAX_ADDRESS])
