"""The server's libraries are an extra: `pip install posthouse` alone has the library and the client commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from posthouse.errors import ConfigError


@contextmanager
def server_extra() -> Iterator[None]:
    """Turn a missing library of the server into the sentence that says how to get it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "posthouse":
            raise
        raise ConfigError(
            f"this command needs the server's libraries, and {error.name} is not installed",
            advice="Install them with: pip install 'posthouse[server]'",
        ) from error
