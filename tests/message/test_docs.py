"""docs/parsing.md tells every defect and every limit, as they are."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from posthouse.message.defect import Defect

DOCS = (Path(__file__).parents[2] / "docs" / "parsing.md").read_text("utf-8")
READERS = ("address", "header", "mime", "parameter", "report", "summary", "thread")


@pytest.mark.parametrize("defect", list(Defect))
def test_every_defect_is_explained(defect: Defect) -> None:
    assert f"| `{defect.name}` | {defect} |" in DOCS


def test_every_limit_is_told() -> None:
    limits = {
        f"{module}.{name}": value
        for module in READERS
        for name, value in vars(import_module(f"posthouse.message.{module}")).items()
        if re.fullmatch(r"MAX_[A-Z]+(_[A-Z]+)*|PREVIEW_LENGTH", name)
    }
    told = {name: int(value.replace(",", "")) for value, name in re.findall(r"\| ([\d,]+) \| `(\w+\.\w+)` \|", DOCS)}
    del limits["address.MAX_LOCAL_OCTETS"], limits["address.MAX_DOMAIN_OCTETS"]  # of what we send
    assert told == limits
