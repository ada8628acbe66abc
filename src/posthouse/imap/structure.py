"""ENVELOPE and BODYSTRUCTURE as a client gets them (RFC 9051 §7.5.2), read from lenient values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .syntax import Malformed
from .value import Value, as_bytes, as_list, as_number, as_text

# Multiparts in messages in multiparts: no deeper than the reader of values goes anyway.
MAX_PARTS_DEPTH = 100


@dataclass(frozen=True, slots=True)
class EnvelopeAddress:
    """One address: octets as the header has them (encoded-words not decoded). In a group, ``host`` is None."""

    name: bytes | None
    mailbox: bytes | None
    host: bytes | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """The header fields of ENVELOPE. Text is octets as the header has it: its decoding is the message layer's."""

    date: bytes | None = None
    subject: bytes | None = None
    from_: tuple[EnvelopeAddress, ...] = ()
    sender: tuple[EnvelopeAddress, ...] = ()
    reply_to: tuple[EnvelopeAddress, ...] = ()
    to: tuple[EnvelopeAddress, ...] = ()
    cc: tuple[EnvelopeAddress, ...] = ()
    bcc: tuple[EnvelopeAddress, ...] = ()
    in_reply_to: bytes | None = None
    message_id: bytes | None = None


def envelope(value: Value) -> Envelope:
    """``"(" env-date SP env-subject SP env-from … SP env-message-id ")"``; what is missing or odd stays empty."""
    if not isinstance(value, list) or not value:
        raise Malformed("an ENVELOPE that is no list")
    fields = [*value, *[None] * 10][:10]
    from_, sender, reply_to, to, cc, bcc = (tuple(_addresses(item)) for item in fields[2:8])
    return Envelope(
        as_bytes(fields[0]), as_bytes(fields[1]), from_, sender, reply_to, to, cc, bcc,
        as_bytes(fields[8]), as_bytes(fields[9]),
    )  # fmt: skip


def _addresses(value: Value) -> Iterator[EnvelopeAddress]:
    """address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" """
    for item in as_list(value):
        if isinstance(item, list) and len(item) == 4:
            yield EnvelopeAddress(as_bytes(item[0]), as_bytes(item[2]), as_bytes(item[3]))


@dataclass(frozen=True, slots=True)
class BodyStructure:
    """A part of a message, with the parts in it. Names and media types are in lower case.

    ``octets`` counts the part as it is encoded. ``envelope`` and the one part in ``parts`` belong to message/rfc822.
    ``disposition`` is "" where the server told none. Don't trust it blindly: servers are known to get it wrong.
    """

    type: str
    subtype: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[BodyStructure, ...] = ()
    id: bytes | None = None
    description: bytes | None = None
    encoding: str = "7bit"
    octets: int = 0
    lines: int | None = None
    envelope: Envelope | None = None
    md5: bytes | None = None
    disposition: str = ""
    disposition_parameters: Mapping[str, str] = field(default_factory=dict)
    language: tuple[str, ...] = ()
    location: bytes | None = None

    @property
    def media_type(self) -> str:
        """``"text/plain"``."""
        return f"{self.type}/{self.subtype}"

    def walk(self, section: str = "") -> Iterator[tuple[str, BodyStructure]]:
        """This part and all in it, each with the section (``"1.2"``) under which FETCH BODY[…] gives it.

        The section of a multipart message as a whole is empty (RFC 9051 §6.4.5.1); a multipart directly in a
        message/rfc822 has no section of its own and is passed over.
        """
        if self.type == "multipart":
            yield section, self
            yield from self._walk_parts(section)
            return
        section = section or "1"
        yield section, self
        for inner in self.parts:
            if inner.type == "multipart":
                yield from inner._walk_parts(section)
            else:
                yield from inner.walk(f"{section}.1")

    def _walk_parts(self, section: str) -> Iterator[tuple[str, BodyStructure]]:
        for number, part in enumerate(self.parts, 1):
            yield from part.walk(f"{section}.{number}" if section else str(number))


def body_structure(value: Value, depth: int = 0) -> BodyStructure:
    """body = "(" (body-type-1part / body-type-mpart) ")"; also of BODY, which has no extension data."""
    if not isinstance(value, list) or not value or depth > MAX_PARTS_DEPTH:
        raise Malformed("a BODYSTRUCTURE that is no list")
    return _multipart(value, depth) if isinstance(value[0], list) else _single_part(value, depth)


def _multipart(value: list[Value], depth: int) -> BodyStructure:
    """body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]

    body-ext-mpart  = body-fld-param [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    """
    count = next((at for at, item in enumerate(value) if not isinstance(item, list)), len(value))
    parts = tuple(body_structure(item, depth + 1) for item in value[:count])
    subtype, parameters, disposition, language, location = [*value[count:], *[None] * 5][:5]
    name, disposition_parameters = _disposition(disposition)
    return BodyStructure(
        "multipart", as_text(subtype).lower() or "mixed", _parameters(parameters), parts,
        disposition=name, disposition_parameters=disposition_parameters, language=_language(language),
        location=as_bytes(location),
    )  # fmt: skip


def _single_part(value: list[Value], depth: int) -> BodyStructure:
    """body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]

    body-type-basic = media-basic SP body-fields
    body-type-msg   = media-message SP body-fields SP envelope SP body SP body-fld-lines
    body-type-text  = media-text SP body-fields SP body-fld-lines
    body-fields     = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
    body-ext-1part  = body-fld-md5 [SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]
    """
    if len(value) < 7:
        raise Malformed("a BODYSTRUCTURE with fields missing")
    kind, subtype = as_text(value[0]).lower(), as_text(value[1]).lower()
    if not kind or not subtype:
        raise Malformed("a BODYSTRUCTURE without a media type")
    rest = value[7:]
    inner: tuple[BodyStructure, ...] = ()
    inner_envelope: Envelope | None = None
    lines: int | None = None
    if kind == "message" and subtype in ("rfc822", "global") and len(rest) >= 3 and isinstance(rest[1], list):
        inner_envelope = envelope(rest[0]) if isinstance(rest[0], list) and rest[0] else Envelope()
        inner = (body_structure(rest[1], depth + 1),)
        lines, rest = as_number(rest[2]), rest[3:]
    elif kind == "text" and rest:
        lines, rest = as_number(rest[0]), rest[1:]
    md5, disposition, language, location = [*rest, *[None] * 4][:4]
    name, disposition_parameters = _disposition(disposition)
    return BodyStructure(
        kind, subtype, _parameters(value[2]), inner, as_bytes(value[3]), as_bytes(value[4]),
        as_text(value[5]).lower() or "7bit", as_number(value[6]) or 0, lines, inner_envelope, as_bytes(md5),
        name, disposition_parameters, _language(language), as_bytes(location),
    )  # fmt: skip


def _parameters(value: Value) -> Mapping[str, str]:
    """body-fld-param = "(" string SP string *(SP string SP string) ")" / nil"""
    items = as_list(value)
    if not items:
        return {}
    return {as_text(name).lower(): as_text(text) for name, text in zip(items[::2], items[1::2], strict=False)}


def _disposition(value: Value) -> tuple[str, Mapping[str, str]]:
    """body-fld-dsp = "(" string SP body-fld-param ")" / nil"""
    items = as_list(value)
    if not items:
        return "", {}
    return as_text(items[0]).lower(), _parameters(items[1]) if len(items) > 1 else {}


def _language(value: Value) -> tuple[str, ...]:
    """body-fld-lang = nstring / "(" string *(SP string) ")" """
    return tuple(filter(None, map(as_text, value if isinstance(value, list) else [value])))
