"""Who may connect: counts of open connections, in all and by address (IPv6: by /64)."""

from __future__ import annotations

from collections import Counter

from posthouse.config import Limits
from posthouse.sessions.session import Peer


class Doorkeeper:
    """Counts open connections against `[limits] connections` and `connections_per_address`.

    A server has one for conversations, and one for those that haven't got so far: who is too many hears why, in TLS.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open = 0
        self._by_address: Counter[str] = Counter()

    def enter(self, peer: Peer) -> str:
        """Count one connection in. Returns why it is not wanted, or ""; it is counted either way, until `leave`."""
        self._open += 1
        self._by_address[peer.network] += 1
        if self._open > self._limits.connections:
            return "too many connections to this server; try again later"
        # A proxy, a web mail program or a script on this machine stands for many people.
        if self._by_address[peer.network] > self._limits.connections_per_address and not peer.loopback:
            return f"too many connections from {peer.address}; try again later"
        return ""

    def leave(self, peer: Peer) -> None:
        """Count one connection out."""
        self._open -= 1
        self._by_address[peer.network] -= 1
        if self._by_address[peer.network] <= 0:
            del self._by_address[peer.network]

    def statistics(self) -> dict[str, int]:
        """How many connections are open, from how many addresses."""
        return {"connections": self._open, "addresses": len(self._by_address)}
