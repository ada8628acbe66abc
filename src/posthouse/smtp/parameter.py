"""The parameters that extensions add to MAIL and RCPT (RFC 5321 §4.1.1.11). A new one is a new row."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeAlias, TypeVar

from .dsn import MAX_ENVID, XTEXT, Notify, is_original_recipient, is_xtext
from .envelope import DeliverBy, Envelope, Hold, Recipient
from .path import UTF8
from .reply import Refusal, Reply

T = TypeVar("T")

# The extensions that depend on what stands behind the server: EHLO's keywords, and the parameters announced with them.
Extensions: TypeAlias = Mapping[str, str]

# RFC 3461 §4.1: notify-list-element = "SUCCESS" / "FAILURE" / "DELAY"
NOTIFY: dict[str, Notify] = {"SUCCESS": "SUCCESS", "FAILURE": "FAILURE", "DELAY": "DELAY"}
# RFC 1870 §4: size-value ::= 1*20DIGIT
SIZE_VALUE = re.compile(r"[0-9]{1,20}")
# RFC 2852 §4: by-value = by-time ";" by-mode [by-trace];  by-time = ["-" / "+"] 1*9digit
BY_VALUE = re.compile(r"([-+]?[0-9]{1,9});([RN])(T?)", re.IGNORECASE | re.ASCII)
# RFC 4865 §3: future-release-integer = %x31-39 *8DIGIT, and a date-time of RFC 3339, in UTC
HOLD_FOR = re.compile(r"[1-9][0-9]{0,8}")
HOLD_UNTIL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|\+00:00)")
# RFC 6710 §7: priority-value = (["-"] NZDIGIT) / "0"
PRIORITY_VALUE = re.compile(r"-?[1-9]|0")
# RFC 5321 §4.1.2: esmtp-param = esmtp-keyword ["=" esmtp-value]
#                  esmtp-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
#                  esmtp-value = 1*(%d33-60 / %d62-126), and UTF-8 by RFC 6531 §3.3
PARAMETER = re.compile(rf"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-<>-~{UTF8}]+))?")


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter of MAIL or RCPT. ``apply`` notes it in the envelope; it raises `ValueError` for a bad value.

    ``extension``: the parameter is known only where this extension is offered.
    """

    syntax: str
    apply: Callable[[T, str | None], None]
    extension: str = ""

    @property
    def keyword(self) -> str:
        return self.syntax.partition("=")[0]


def _size(envelope: Envelope, value: str | None) -> None:
    if value is None or not SIZE_VALUE.fullmatch(value):
        raise ValueError
    envelope.size = int(value)


def _body(envelope: Envelope, value: str | None) -> None:
    # RFC 6152 §3
    match (value or "").upper():
        case "7BIT":
            envelope.body = "7BIT"
        case "8BITMIME":
            envelope.body = "8BITMIME"
        case "BINARYMIME":
            envelope.body = "BINARYMIME"
        case _:
            raise ValueError


def _smtputf8(envelope: Envelope, value: str | None) -> None:
    # RFC 6531 §3.4: it takes no value.
    if value is not None:
        raise ValueError
    envelope.smtputf8 = True


def _auth(envelope: Envelope, value: str | None) -> None:
    # RFC 4954 §5: who submitted the letter first, as the client says. Taken, and not believed.
    if value is None or not XTEXT.fullmatch(value):
        raise ValueError


def _ret(envelope: Envelope, value: str | None) -> None:
    # RFC 3461 §4.3
    match (value or "").upper():
        case "FULL":
            envelope.ret = "FULL"
        case "HDRS":
            envelope.ret = "HDRS"
        case _:
            raise ValueError


def _envid(envelope: Envelope, value: str | None) -> None:
    # RFC 3461 §4.4
    if value is None or len(value) > MAX_ENVID or not is_xtext(value):
        raise ValueError
    envelope.envid = value


def _requiretls(envelope: Envelope, value: str | None) -> None:
    # RFC 8689 §2: it takes no value.
    if value is not None:
        raise ValueError
    envelope.requiretls = True


def _by(envelope: Envelope, value: str | None) -> None:
    match = BY_VALUE.fullmatch(value or "")
    if match is None:
        raise ValueError
    by = DeliverBy(int(match[1]), "R" if match[2].upper() == "R" else "N", trace=bool(match[3]))
    if by.mode == "R" and by.seconds <= 0:  # RFC 2852 §4
        raise ValueError
    envelope.deliver_by = by


def _hold_for(envelope: Envelope, value: str | None) -> None:
    if envelope.hold is not None or not HOLD_FOR.fullmatch(value or ""):  # RFC 4865 §4.2: one of them
        raise ValueError
    envelope.hold = Hold(seconds=int(value or ""))


def _hold_until(envelope: Envelope, value: str | None) -> None:
    if envelope.hold is not None or not HOLD_UNTIL.fullmatch(value or ""):
        raise ValueError
    envelope.hold = Hold(until=datetime.fromisoformat(value or "").astimezone(UTC))


def _priority(envelope: Envelope, value: str | None) -> None:
    if not PRIORITY_VALUE.fullmatch(value or ""):
        raise ValueError
    envelope.priority = int(value or "")


def _notify(recipient: Recipient, value: str | None) -> None:
    # RFC 3461 §4.1: notify-esmtp-value = "NEVER" / 1#notify-list-element
    words = (value or "").upper().split(",")
    if words == ["NEVER"]:
        recipient.notify = frozenset({"NEVER"})
    elif all(word in NOTIFY for word in words):
        recipient.notify = frozenset(NOTIFY[word] for word in words)
    else:
        raise ValueError


def _orcpt(recipient: Recipient, value: str | None) -> None:
    # RFC 3461 §4.2
    if value is None or not is_original_recipient(value):
        raise ValueError
    recipient.orcpt = value


def _by_keyword(*parameters: Parameter[T]) -> dict[str, Parameter[T]]:
    return {parameter.keyword: parameter for parameter in parameters}


MAIL_PARAMETERS = _by_keyword(
    Parameter("SIZE=<octets>", _size),
    Parameter("BODY=7BIT|8BITMIME|BINARYMIME", _body),
    Parameter("SMTPUTF8", _smtputf8),
    Parameter("AUTH=<mailbox>", _auth),
    Parameter("RET=FULL|HDRS", _ret, "DSN"),
    Parameter("ENVID=<xtext>", _envid, "DSN"),
    Parameter("REQUIRETLS", _requiretls, "REQUIRETLS"),
    Parameter("BY=<seconds>;R|N[T]", _by, "DELIVERBY"),
    Parameter("HOLDFOR=<seconds>", _hold_for, "FUTURERELEASE"),
    Parameter("HOLDUNTIL=<time in UTC, as in 2026-12-24T18:00:00Z>", _hold_until, "FUTURERELEASE"),
    Parameter("MT-PRIORITY=<-9 to 9>", _priority, "MT-PRIORITY"),
)
RCPT_PARAMETERS = _by_keyword(
    Parameter("NOTIFY=NEVER|SUCCESS,FAILURE,DELAY", _notify, "DSN"),
    Parameter("ORCPT=<type>;<xtext>", _orcpt, "DSN"),
)


def apply_parameters(verb: str, rows: dict[str, Parameter[T]], target: T, text: str, extensions: Extensions) -> None:
    """Note the parameters in ``text``, which follows a path, in ``target``."""
    seen = set()
    for word in text.split(" "):
        if not word:
            continue
        match = PARAMETER.fullmatch(word)
        if match is None:
            raise Refusal(Reply(501, "5.5.4", f"{quoted(word)} is no parameter; they look like SIZE=1000"))
        keyword = match[1].upper()
        row = rows.get(keyword)
        if row is None or (row.extension and row.extension not in extensions):
            # RFC 5321 §4.1.1.11
            raise Refusal(Reply(555, "5.5.4", f"{verb} takes no parameter {quoted(keyword)} here"))
        if keyword in seen:
            raise Refusal(Reply(501, "5.5.4", f"{verb} has the parameter {keyword} twice"))
        seen.add(keyword)
        try:
            row.apply(target, match[2])
        except ValueError as error:
            raise Refusal(Reply(501, "5.5.4", f"Syntax: {row.syntax}")) from error


def quoted(text: str) -> str:
    """What the client wrote, as far as a reply should repeat it."""
    return f'"{text[:80]}"'
