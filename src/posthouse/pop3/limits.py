"""How much one POP3 connection may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.errors import LocalProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a server's conversation; each has an answer that explains it."""

    # Octets of a line, CR LF included. RFC 2449 §4 asks for 255; a response of SASL may be as long as its mechanism
    # needs (RFC 5034 §4), and programs put OAuth tokens behind AUTH at once: as in SMTP (RFC 4954 §4).
    command_line: int = 12288
    # Octets of a line beyond that which are passed over in search of its end, to go on with the next command.
    overlong_line: int = 64 * 1024
    # Refused commands and failed logins before the connection is closed. Postfix, for SMTP: 20.
    errors: int = 20
    # Commands of who hasn't logged in: CAPA, STLS, CAPA, UTF8, LANG and a few attempts.
    commands_before_login: int = 50

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 1:
                raise LocalProtocolError(f"the limit {name} must be at least 1")
        if self.command_line < 255:
            raise LocalProtocolError("a command line may have 255 octets (RFC 2449 §4)")
