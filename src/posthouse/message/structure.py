"""IMAP's ENVELOPE, BODY and BODYSTRUCTURE as finished octets (RFC 9051 §7.5.2, RFC 3501 §7.4.2).

What comes out is legal for every client, IMAP4rev1 or rev2, whether or not it enabled UTF8=ACCEPT:

- Strings are quoted strings of ASCII. Octets above 127 in a subject, a display name or a description, which IMAP4rev1
  has no charset for, are written as encoded words (RFC 2047); every client decodes these. Encoded words that stand in
  the letter are given as they are.
- A mailbox name in another script (RFC 6531) can't be encoded; it goes as a literal of UTF-8 octets. Domains are
  A-labels.
- Parameters are given with their RFC 2231 sections put together (RFC 2231 §6 asks that); those that aren't ASCII
  have a name that ends in "*" and the value ``utf-8''%C3%BC…``.
- A message/global part is called message/rfc822: IMAP4rev1 knows a nested envelope behind that name only, and rev2
  takes either.
- A message/rfc822 part that couldn't be read (encoded against the rules, too deep) is called
  application/octet-stream: neither standard has a form for one without an envelope.

A tree given here comes from ``mime.scan``, or from ``mime.unpack`` with the raw message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote_from_bytes

from . import people
from .header import Headers
from .mime import Part
from .nstring import nstring
from .people import People

ADDRESS_FIELDS = (b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc")  # in the order of ENVELOPE


def envelope(part: Part) -> bytes:
    """ENVELOPE of a message, or of a nested message's part."""
    return render_envelope(read_envelope(part.fields))


def body(part: Part) -> bytes:
    """BODY: the structure without extension data."""
    return _octets(_structures(part)[0])


def bodystructure(part: Part) -> bytes:
    """BODYSTRUCTURE: the structure with extension data."""
    return _octets(_structures(part)[1])


def structures(part: Part) -> tuple[bytes, bytes]:
    """BODY and BODYSTRUCTURE, made together."""
    short, long = _structures(part)
    return _octets(short), _octets(long)


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")


# -- ENVELOPE -------------------------------------------------------------------------------------------------------


class Envelope(NamedTuple):
    """What ENVELOPE is made of, each field read once: texts by ``header.raw_text``, and whom the others name."""

    date: str | None
    subject: str | None
    people: Mapping[bytes, People]
    in_reply_to: str | None
    message_id: str | None


def read_envelope(fields: Headers) -> Envelope:
    """The fields of a header that ENVELOPE is made of."""
    return Envelope(
        date=fields.raw_text(b"date"),
        subject=fields.raw_text(b"subject"),
        people={name: people.read(fields, name) for name in ADDRESS_FIELDS},
        in_reply_to=fields.raw_text(b"in-reply-to"),
        message_id=fields.raw_text(b"message-id"),
    )


def render_envelope(envelope: Envelope) -> bytes:
    """ENVELOPE, for the wire.

    env-from and so on: "if the Sender or Reply-To lines are absent in the [RFC5322] header, or are present but empty,
    the server sets the corresponding member of the envelope to be the same value as the from member".
    """
    return _octets(_envelope(envelope))


def _envelope(of: Envelope) -> str:
    lists = [of.people[name].envelope for name in ADDRESS_FIELDS]
    for at in (1, 2):
        if lists[at] == "NIL":
            lists[at] = lists[0]
    return (
        f"({nstring(of.date)} {nstring(of.subject)} {' '.join(lists)} {nstring(of.in_reply_to)}"
        f" {nstring(of.message_id)})"
    )


# -- BODY and BODYSTRUCTURE -----------------------------------------------------------------------------------------


def _structures(part: Part) -> tuple[str, str]:
    if part.type == "multipart":
        inner = [_structures(child) for child in part.children]
        subtype = nstring(part.subtype)
        # body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
        # body-ext-mpart  = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc …]]]
        short = "".join([one[0] for one in inner])
        long = "".join([one[1] for one in inner])
        return f"({short} {subtype})", f"({long} {subtype} {_parameters(part.params)} {_extension(part)})"
    kind, subtype, nested = nstring(part.type), nstring(part.subtype), ("", "")
    if part.type == "message" and part.subtype in ("rfc822", "global"):
        # body-type-msg = media-message SP body-fields SP envelope SP body SP body-fld-lines
        if part.children:
            child = part.children[0]
            inside = _envelope(read_envelope(child.fields))
            short, long = _structures(child)
            subtype, nested = '"rfc822"', (f" {inside} {short} {part.lines}", f" {inside} {long} {part.lines}")
        else:
            kind, subtype = '"application"', '"octet-stream"'
    elif part.type == "text":
        nested = (f" {part.lines}", f" {part.lines}")  # body-type-text = media-text SP body-fields SP body-fld-lines
    # body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    params = part.params
    if part.type == "text" and "charset" not in params:
        params = {**params, "charset": "us-ascii"}  # RFC 2045 §5.2: what it means if it isn't there
    fields = (
        f"({kind} {subtype} {_parameters(params)} {nstring(part.id)} {nstring(part.description)} "
        f"{nstring(part.encoding)} {part.end - part.body}"
    )
    # body-ext-1part = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc …]]]
    return f"{fields}{nested[0]})", f"{fields}{nested[1]} {nstring(part.md5)} {_extension(part)})"


def _extension(part: Part) -> str:
    if not part.disposition and part.language is None and part.location is None:
        return "NIL NIL NIL"
    disposition = "NIL"
    if part.disposition:
        disposition = f"({nstring(part.disposition)} {_parameters(part.disposition_params)})"
    language = "NIL"
    if part.language is not None:
        tags = [nstring(tag.strip()) for tag in part.language.split(",") if tag.strip()]
        language = f"({' '.join(tags)})" if tags else "NIL"
    return f"{disposition} {language} {nstring(part.location)}"


def _parameters(params: Mapping[str, str]) -> str:
    if not params:
        return "NIL"
    items = []
    for name, value in params.items():
        both = name + value
        if both.isascii() and '"' not in both and "\\" not in both:
            items.append(f'"{name}" "{value}"')
        elif value.isascii():
            items.append(f"{nstring(name)} {nstring(value)}")
        else:
            encoded = quote_from_bytes(value.encode("utf-8", "replace"))
            items.append(f"{nstring(name + '*')} \"utf-8''{encoded}\"")
    return f"({' '.join(items)})"
