"""Who may connect: counts of open connections over all workers, in all and by address (IPv6: by /64)."""

from __future__ import annotations

from posthouse.config import Limits
from posthouse.sessions.colleagues import Colleagues
from posthouse.sessions.session import Peer
from posthouse.sessions.tally import Tally


class Doorkeeper:
    """Counts open connections against `[limits] connections` and `connections_per_address`.

    A server has one for conversations, and one for those that haven't got so far: who is too many hears why, in TLS.
    """

    def __init__(self, limits: Limits, what: str = "connections", colleagues: Colleagues | None = None) -> None:
        """``what``: tells what is counted here from what others count."""
        self._limits = limits
        self._open = Tally(what, colleagues)
        self._by_address = Tally(f"{what} from", colleagues)

    def enter(self, peer: Peer) -> str:
        """Count one connection in. Returns why it is not wanted, or ""; it is counted either way, until `leave`."""
        in_all = self._open.enter()
        from_there = self._by_address.enter(peer.network)
        if in_all > self._limits.connections:
            return "too many connections to this server; try again later"
        # A proxy, a web mail program or a script on this machine stands for many people.
        if from_there > self._limits.connections_per_address and not peer.loopback:
            return f"too many connections from {peer.address}; try again later"
        return ""

    def leave(self, peer: Peer) -> None:
        """Count one connection out."""
        self._open.leave()
        self._by_address.leave(peer.network)

    def statistics(self) -> dict[str, int]:
        """How many connections this process has open, from how many addresses."""
        return {"connections": self._open.here(), "addresses": len(self._by_address)}
