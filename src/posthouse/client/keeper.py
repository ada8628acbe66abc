"""What is remembered of a person's accounts: the servers in a file, the passwords in the system's keyring.

Where there is no keyring (a server, a container) passwords stand in a file that only its owner can read. The folder is
the system's for settings, or what the environment's POSTHOUSE_HOME names.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from posthouse.errors import ConfigError

HOME = "POSTHOUSE_HOME"
# Under which name the keyring has our passwords.
SERVICE = "posthouse"


@dataclass(frozen=True, slots=True)
class Known:
    """One account: its address, and where its servers are (as `Server.parse` reads it; empty: there is none)."""

    address: str
    smtp: str = ""
    imap: str = ""


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

    def remember(self, known: Known, password: str) -> str:
        """Keep an account and its password; returns where the password went, in words."""
        accounts = {one.address: one for one in self.accounts() if one.address.lower() != known.address.lower()}
        accounts[known.address] = known
        self._save("accounts.json", {one.address: {"smtp": one.smtp, "imap": one.imap} for one in accounts.values()})
        keyring = _keyring()
        if keyring is not None:
            keyring.set_password(SERVICE, known.address, password)
            return "the keyring"
        self._save("passwords.json", {**self._load("passwords.json"), known.address: password})
        return str(self.folder / "passwords.json")

    def password(self, address: str) -> str:
        """The password of an account; empty if none is kept."""
        known = self.find(address)
        name = known.address if known else address
        keyring = _keyring()
        kept = keyring.get_password(SERVICE, name) if keyring is not None else None
        return str(kept or self._load("passwords.json").get(name, ""))

    def forget(self, address: str) -> bool:
        """Forget an account and its password; False if it wasn't known."""
        known = self.find(address)
        if known is None:
            return False
        keyring = _keyring()
        if keyring is not None:
            with contextlib.suppress(Exception):  # there is none: what was to be done is done
                keyring.delete_password(SERVICE, known.address)
        for name in ("accounts.json", "passwords.json"):
            table = self._load(name)
            if table.pop(known.address, None) is not None:
                self._save(name, table)
        return True

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
