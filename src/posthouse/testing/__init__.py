"""A real mail server for the tests of programs that send and read mail; `docs/testing.md` tells how to use it.

It is the server that `posthouse serve` runs, with real sockets and a real store, in this process and on free ports of
this machine. Two things are different. It takes letters for everybody: whoever is written to has an inbox from then
on, so that nothing ever leaves the machine. And it can be told to fail.
"""

from __future__ import annotations

from .inbox import Inbox
from .server import MailServer, Template

__all__ = ["Inbox", "MailServer", "Template"]
