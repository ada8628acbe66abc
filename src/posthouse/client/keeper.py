"""What is remembered of a person's accounts: the servers in a file, passwords and tokens in the system's keyring.

Where there is no keyring (a server, a container) secrets stand in a file that only its owner can read. The folder is
the system's for settings, or what the environment's POSTHOUSE_HOME names.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from posthouse.errors import ConfigError

from .grant import Grant

HOME = "POSTHOUSE_HOME"
# Under which name the keyring has our passwords.
SERVICE = "posthouse"
# What comes behind an address in the name of its tokens.
TOKENS = " OAuth 2"


@dataclass(frozen=True, slots=True)
class Known:
    """One account: its address, and where its servers are (as `Server.parse` reads it; empty: there is none)."""

    address: str
    smtp: str = ""
    imap: str = ""
    pop3: str = ""


class Keeper:
    """The accounts that `login` has remembered. ``folder``: where; the user's own if none is named."""

    def __init__(self, folder: Path | None = None) -> None:
        named = os.environ.get(HOME)
        self.folder = folder or (Path(named) if named else platformdirs.user_config_path("posthouse"))

    def accounts(self) -> list[Known]:
        """All accounts, in the order in which they came."""
        return [Known(address, **servers) for address, servers in self._load("accounts.json").items()]

    def find(self, address: str) -> Known | None:
        """The account with this address."""
        return next((one for one in self.accounts() if one.address.lower() == address.lower()), None)

    def remember(self, known: Known, password: str = "") -> str:
        """Keep an account, and its password if there is one; returns where the password went, in words."""
        accounts = {one.address: one for one in self.accounts() if one.address.lower() != known.address.lower()}
        accounts[known.address] = known
        servers = {
            one.address: {"smtp": one.smtp, "imap": one.imap} | ({"pop3": one.pop3} if one.pop3 else {})
            for one in accounts.values()
        }
        self._save("accounts.json", servers)
        if not password:
            return ""
        self._drop(known.address.lower() + TOKENS)
        return self._keep(known.address, password)

    def password(self, address: str) -> str:
        """The password of an account; empty if none is kept."""
        known = self.find(address)
        return self._kept(known.address if known else address)

    def grant(self, address: str) -> Grant | None:
        """What the account's owner has granted by OAuth 2; None if nothing."""
        kept = self._kept(address.lower() + TOKENS)
        return Grant.from_json(kept) if kept else None

    def keep_grant(self, address: str, grant: Grant) -> str:
        """Keep a grant, in place of a password; returns where it went, in words."""
        known = self.find(address)
        self._drop(known.address if known else address)
        return self._keep(address.lower() + TOKENS, grant.to_json())

    @contextlib.contextmanager
    def renewing(self) -> Iterator[None]:
        """Nobody else renews a token meanwhile: many issuers take a refresh token once, and count a second use as theft
        (RFC 9700 §4.14.2)."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "tokens.lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def forget(self, address: str) -> bool:
        """Forget an account with its password and tokens; False if it wasn't known."""
        known = self.find(address)
        granted = self._drop(address.lower() + TOKENS)
        if known is None:
            return granted
        self._drop(known.address)
        table = self._load("accounts.json")
        table.pop(known.address, None)
        self._save("accounts.json", table)
        return True

    # -- secrets, by name --------------------------------------------------------------------------------------------

    def _keep(self, name: str, secret: str) -> str:
        keyring = _keyring()
        if keyring is not None:
            try:
                keyring.set_password(SERVICE, name, secret)
            except Exception:  # it is locked, or too small for a token: then the file, and nothing older here
                with contextlib.suppress(Exception):
                    keyring.delete_password(SERVICE, name)
            else:
                self._drop_from_file(name)
                return "the keyring"
        self._save("passwords.json", {**self._load("passwords.json"), name: secret})
        return str(self.folder / "passwords.json")

    def _kept(self, name: str) -> str:
        keyring = _keyring()
        kept = None
        if keyring is not None:
            with contextlib.suppress(Exception):  # locked
                kept = keyring.get_password(SERVICE, name)
        return str(kept or self._load("passwords.json").get(name, ""))

    def _drop(self, name: str) -> bool:
        keyring = _keyring()
        dropped = False
        if keyring is not None:
            with contextlib.suppress(Exception):  # there is none: what was to be done is done
                keyring.delete_password(SERVICE, name)
                dropped = True
        return self._drop_from_file(name) or dropped

    def _drop_from_file(self, name: str) -> bool:
        table = self._load("passwords.json")
        if table.pop(name, None) is None:
            return False
        self._save("passwords.json", table)
        return True

    # -- files -------------------------------------------------------------------------------------------------------

    def _load(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        try:
            table = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path} can't be read: {error}", advice="Remove it, and log in again.") from error
        if not isinstance(table, dict):
            raise ConfigError(f"{path} holds no accounts", advice="Remove it, and log in again.")
        return table

    def _save(self, name: str, table: dict[str, Any]) -> None:
        """Write a file anew, readable by its owner alone (mkstemp makes it so); it is there whole, or as it was."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, written = tempfile.mkstemp(dir=self.folder, prefix=f".{name}.")
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123  (it is a descriptor)
            json.dump(table, file, indent=1, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        Path(written).replace(self.folder / name)


def _keyring() -> Any:
    """The library for the system's keyring, where it is installed and has one to talk to."""
    try:
        import keyring
        import keyring.backends.fail
    except ImportError:
        return None
    return None if isinstance(keyring.get_keyring(), keyring.backends.fail.Keyring) else keyring
