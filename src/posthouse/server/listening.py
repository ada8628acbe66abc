"""The sockets that the doors listen on: opened before there are workers, who then share them."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from posthouse.config import Config, Endpoint
from posthouse.errors import ConfigError

from .doors import DOORS, Door

# Connections that the kernel holds for us while the loop is busy; Linux caps it at net.core.somaxconn (4096).
BACKLOG = 4096
# A socket in the file system, as Postfix and Dovecot make theirs: who may come near it is said by its folder.
SOCKET_MODE = 0o666


@dataclass(frozen=True, slots=True)
class Listening:
    """A socket that listens for a door."""

    door: Door
    socket: socket.socket

    @property
    def endpoint(self) -> Endpoint:
        """Where it really listens: port 0 has become a number."""
        name = self.socket.getsockname()
        return Endpoint("", 0, name) if self.socket.family == socket.AF_UNIX else Endpoint(*name[:2])


def open_doors(config: Config, workers: int = 1) -> list[list[Listening]]:
    """Every door's sockets, for each worker its own. `ConfigError` says what is in the way; then none stays open.

    Among sockets that share a port the kernel divides the connections evenly (SO_REUSEPORT, socket(7)); from one socket
    that all accept from, a worker that happens to be awake would take whole bursts.
    """
    shares: list[list[Listening]] = [[] for _ in range(workers)]
    try:
        for door in DOORS:
            for endpoint in getattr(config.listen, door.name):
                if endpoint.path:
                    _open_path(door, endpoint, shares)
                    continue
                for family, address in _resolve(door, endpoint):
                    _open(door, endpoint, family, address, shares)
        if not shares[0]:
            raise ConfigError(
                f"{config.path}: [listen] names no door, so there is nothing to serve",
                advice='Write, for example, submission = "127.0.0.1:587" under [listen].',
            )
    except BaseException:
        for share in shares:
            close_doors(share)
        raise
    return shares


def close_doors(share: Iterable[Listening]) -> None:
    """Listen no more."""
    for one in share:
        with contextlib.suppress(OSError):
            one.socket.close()


def _resolve(door: Door, endpoint: Endpoint) -> list[tuple[int, Any]]:
    """The addresses that an endpoint stands for: "localhost" for two, as a rule."""
    try:
        found = socket.getaddrinfo(
            endpoint.host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )
    except socket.gaierror as error:
        raise ConfigError(f"{door.name} can't listen on {endpoint}: there is no host of that name") from error
    return list(dict.fromkeys((family, address) for family, _, _, _, address in found))


def _open(door: Door, endpoint: Endpoint, family: int, address: Any, shares: Sequence[list[Listening]]) -> None:
    """A socket at an address for each share."""
    shared = len(shares) > 1
    try:
        if shared:  # the port is shared among us, with no other program: alone it must be free
            _bind(family, address, shared=False).close()
        for share in shares:
            opened = _bind(family, address, shared=shared)
            share.append(Listening(door, opened))
            address = opened.getsockname()  # the others take the port that the first was given
    except OSError as error:
        raise ConfigError(_why(door, endpoint, error)) from error


def _open_path(door: Door, endpoint: Endpoint, shares: Sequence[list[Listening]]) -> None:
    """A socket in the file system, from which all shares accept. One that a server left behind is taken away."""
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(endpoint.path)
            except ConnectionRefusedError:
                os.unlink(endpoint.path)  # noqa: PTH108
            else:
                raise OSError(errno.EADDRINUSE, "another program listens there")
        opened.setblocking(False)
        opened.bind(endpoint.path)
        os.chmod(endpoint.path, SOCKET_MODE)  # noqa: PTH101
        opened.listen(BACKLOG)
        for share in shares:
            share.append(Listening(door, opened.dup()))
    except OSError as error:
        raise ConfigError(
            f"{door.name} can't listen on {endpoint}: {error.strerror}",
            advice="Its folder must be there, and this user's to write in.",
        ) from error
    finally:
        opened.close()


def _bind(family: int, address: Any, *, shared: bool) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
        opened.setblocking(False)
        opened.bind(address)
        opened.listen(BACKLOG)
    except BaseException:
        opened.close()
        raise
    return opened


def _why(door: Door, endpoint: Endpoint, error: OSError) -> str:
    """One sentence, with the next step, for a door that can't be opened."""
    if error.errno == errno.EADDRINUSE:
        return (
            f"{door.name} can't listen on {endpoint}: another program does already; "
            f"`ss -ltnp 'sport = :{endpoint.port}'` shows which"
        )
    if error.errno == errno.EACCES:
        return (
            f"{door.name} can't listen on {endpoint}: ports below 1024 are for root, or for a service with the "
            "capability CAP_NET_BIND_SERVICE"
        )
    return f"{door.name} can't listen on {endpoint}: {os.strerror(error.errno) if error.errno else error}"
