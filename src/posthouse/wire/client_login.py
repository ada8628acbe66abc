"""A client's login by one mechanism, whatever the protocol that carries it."""

from __future__ import annotations

from posthouse.errors import LoginRefused, RemoteProtocolError

from .mechanism import Mechanism, Secret
from .oauth import explain
from .sasl import decode_base64
from .scram import Channel


class ClientLogin:
    """One attempt. ``initial`` is what goes with the command, or None; each challenge is answered by `respond`; in the
    end the server has either `let_in` or refused.

    Raises `LoginRefused` for a name or a password that the mechanism can't carry.
    """

    def __init__(self, mechanism: Mechanism, secret: Secret, channel: Channel) -> None:
        self.mechanism = mechanism
        self._exchange = mechanism.client(secret, channel)
        self.initial = next(self._exchange)
        self._held_back: bytes | None = None
        self._failure: RemoteProtocolError | None = None
        self._said = b""
        self._responses = 0

    def hold_back(self) -> None:
        """The initial response couldn't go with the command: it answers the first challenge, which is empty."""
        self._held_back = self.initial

    def respond(self, challenge: bytes) -> bytes | None:
        """The response to a challenge in base64; None: give up, after which the server refuses the login."""
        try:
            self._said = decode_base64(challenge.strip())
            if self._held_back is not None:
                response, self._held_back = self._held_back, None
                return response
            response = self._exchange.send(self._said) or b""
            self._responses += 1
            return response
        except StopIteration:
            self._failure = RemoteProtocolError(f"the server asks for more than {self.mechanism.name} has to say")
        except RemoteProtocolError as error:
            self._failure = error
        except LoginRefused:
            pass  # it said so within the dialogue; its refusal follows
        return None

    def let_in(self) -> None:
        """The server says that we are in. `RemoteProtocolError` where it had to prove that it knows us, and hasn't."""
        if not self.mechanism.mutual:
            return
        try:
            self._exchange.send(b"")
        except StopIteration:
            if self._failure is None:
                return
        except (LoginRefused, RemoteProtocolError):
            pass
        raise self._unproved()

    def refused(self) -> None:
        """The server has refused us. `RemoteProtocolError` where it was rather we who didn't believe the server."""
        if self.mechanism.mutual and self._failure is not None:
            raise self._unproved()

    @property
    def disproved(self) -> bool:
        """Whether the server, when it refused us, had the proof of a password in hand, and keys to hold it against."""
        said_why = self._said.startswith(b"e=") and self._said != b"e=invalid-proof"
        return self.mechanism.mutual and self._responses > 0 and not said_why

    @property
    def explanation(self) -> str:
        """What the server said of a token that it didn't take; empty if nothing."""
        return explain(self._said)

    def _unproved(self) -> RemoteProtocolError:
        error = self._failure or RemoteProtocolError("the server could not prove that it knows the account")
        error.advice = (
            "Somebody may stand between this computer and the server; use another network, and ask the provider."
        )
        return error
