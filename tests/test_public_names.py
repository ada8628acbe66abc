"""What `import posthouse` offers, and that it costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import posthouse
from posthouse import aio


def test_every_name_is_there_in_both_faces() -> None:
    for name in posthouse.__all__:
        assert getattr(posthouse, name)
    assert set(posthouse.__all__) <= set(dir(posthouse))
    for name in aio.__all__:
        assert getattr(aio, name).__name__ == getattr(posthouse, name).__name__


def test_what_is_not_there() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        posthouse.Nothing  # noqa: B018


def test_importing_it_loads_nothing_of_it() -> None:
    program = "import sys, posthouse; print([name for name in sys.modules if name.startswith('posthouse.')])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert loaded.stdout == "[]\n"
