"""How much one SMTP connection may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from posthouse.errors import LocalProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a server's conversation; each has an answer that explains it."""

    # Octets of a letter; announced as SIZE (RFC 1870). A file of 50 MB has 68 MiB in base64. Gmail takes 50 MB in.
    size: int = 75 * 1024 * 1024
    # Octets beyond `size` that are read and thrown away, so that a client that talks on gets to hear why (552).
    excess: int = 256 * 1024 * 1024
    # RFC 5321 §4.5.3.1.8 asks for at least 100; Postfix takes 1,000.
    recipients: int = 1000
    # Commands refused with 5yz before the connection is closed (421), of who has logged in only those that make no
    # sense. Postfix: smtpd_hard_error_limit = 20.
    errors: int = 20
    # Commands since the last accepted letter: room for three transactions with all their recipients.
    commands: int = 3000
    # Octets of a command line, CR LF included. RFC 5321 §4.5.3.1.4 asks for 512, extensions for some 2,000 more;
    # AUTH, with its initial response, for the most: 12288 (RFC 4954 §4).
    command_line: int = 12288
    # Octets of a line beyond that which are passed over in search of its end, to go on with the next command.
    overlong_line: int = 1024 * 1024

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if getattr(self, name) < 1:
                raise LocalProtocolError(f"the limit {name} must be at least 1")
        if self.command_line < 512:
            raise LocalProtocolError("a command line may have 512 octets (RFC 5321 §4.5.3.1.4)")
