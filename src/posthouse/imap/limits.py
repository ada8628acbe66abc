"""What one client may make the server's machine hold or endure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may make the machine hold or endure. Sizes in octets.

    ``command``: a command with its literals; 20,000 message numbers in one line take 120 KB, Dovecot stops at 64 KB.
    ``command_before_login``: has room for the 12,288 octets of an initial response that RFC 4954 §4.3 speaks of.
    ``authentication_line``: the same, for the steps that follow. ``literals``: in a command.
    ``append``: a message; ``append_messages``: messages in one APPEND, of which each may hold a descriptor;
    ``append_parts``: parts of a CATENATE.
    ``skip``: what is read and thrown away after a command was refused, where the client didn't wait for "+"; whoever
    sends more loses the connection.
    ``bad_before_login``, ``bad``: malformed or illegal commands in a row; Dovecot has 3 and 20.
    """

    command: int = 1024 * 1024
    command_before_login: int = 16 * 1024
    authentication_line: int = 12 * 1024 + 2
    literals: int = 1000
    append: int = 64 * 1024 * 1024
    append_messages: int = 100
    append_parts: int = 1000
    skip: int = 128 * 1024 * 1024
    bad_before_login: int = 5
    bad: int = 20
