"""What is remembered of accounts: whole, private, and forgotten when that is wanted."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from posthouse.client.keeper import Keeper, Known
from posthouse.errors import ConfigError

ADA = Known("ada@x.org", "smtps://smtp.x.org:465?tls=implicit", "imaps://imap.x.org:993?tls=implicit")


def test_remembered_and_forgotten(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "home")
    assert (keeper.accounts(), keeper.find("ada@x.org"), keeper.password("ada@x.org")) == ([], None, "")
    where = keeper.remember(ADA, "secret")
    assert keeper.find("Ada@X.org") == ADA
    assert keeper.password("ADA@x.org") == "secret"
    keeper.remember(Known("bob@x.org"), "geheim")
    keeper.remember(ADA, "changed")
    assert [one.address for one in Keeper(tmp_path / "home").accounts()] == ["bob@x.org", "ada@x.org"]
    assert keeper.password("ada@x.org") == "changed"
    assert stat.S_IMODE(Path(where).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert "changed" not in (tmp_path / "home" / "accounts.json").read_text("utf-8")
    assert keeper.forget("ada@x.org") and not keeper.forget("ada@x.org")
    assert keeper.password("ada@x.org") == ""


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "\xff"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "accounts.json").write_text(text, "latin-1")
    with pytest.raises(ConfigError, match=r"accounts\.json") as broken:
        Keeper(tmp_path).accounts()
    assert broken.value.advice
