"""The command line: one file a command group, thin over the layers below.

* Exit codes: 0 done, 1 failed (one plain sentence on standard error, and the next step), 2 wrong usage.
* Nothing asks a question when standard input is no terminal. A password is never taken from the command line.
* A command imports what it needs when it runs: `posthouse --help` loads neither the server nor the mail parser.
"""

from __future__ import annotations


def main() -> None:
    """The entry point of `posthouse`."""
    from .app import run

    run()
