"""What a person has granted by OAuth 2: tokens, and what it takes to renew them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from posthouse.errors import ConfigError

from .issuer import OAuth

# A token is renewed so long before its end.
EARLY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What the program of ``oauth`` may use: ``access`` is good until ``until`` (seconds since 1970), and ``refresh``
    gets another one at ``endpoint``.

    ``basic``: the program's secret goes there in a header (RFC 6749 §2.3.1).
    """

    oauth: OAuth
    endpoint: str
    refresh: str
    access: str = ""
    until: float = 0.0
    basic: bool = False

    def __repr__(self) -> str:
        """Without the tokens: they must not get into a log by accident."""
        return f"Grant({self.oauth!r}, endpoint={self.endpoint!r})"

    def fresh(self, now: float) -> bool:
        """Whether the access token is good for a while."""
        return now < self.until - EARLY_SECONDS

    def to_json(self) -> str:
        """As `from_json` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Grant:
        """What `to_json` wrote. `ConfigError` for anything else."""
        try:
            kept = json.loads(text)
            grant = cls(OAuth(**kept.pop("oauth")), **kept)
            if not all(isinstance(one, str) for one in (grant.endpoint, grant.access, grant.refresh)):
                raise TypeError("tokens are missing")
            grant.fresh(0.0)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError("what is kept of the login can't be read", advice="Log in again.") from error
        return grant
