"""The generated face is what the written one makes it, and the check sees every difference."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[1] / "tools" / "unasync.py"


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The tool, working on a copy: a folder with a face that uses every word it knows."""
    spec = importlib.util.spec_from_file_location("unasync", TOOL)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "aio").mkdir()
    (tmp_path / "aio" / "face.py").write_text(
        "# " + "\n# ".join(module.SUBSTITUTIONS) + "\nasync def f():\n    await g()\n"
    )
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "FOLDERS", {"aio": "sync"})
    return module


def test_generated_then_current(tool: Any, tmp_path: Path) -> None:
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    text = (tmp_path / "sync" / "face.py").read_text()
    assert text.startswith("# DO NOT CHANGE! Generated from aio/face.py")
    assert text.endswith("\ndef f():\n    g()\n")


def test_a_line_that_was_appended_is_seen(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool.main([])
    generated = tmp_path / "sync" / "face.py"
    generated.write_text(generated.read_text() + "x = 1\n")
    assert tool.main(["--check"]) == 1
    assert "sync/face.py is stale" in capsys.readouterr().err


def test_a_file_without_its_source_goes(tool: Any, tmp_path: Path) -> None:
    tool.main([])
    left_over = tmp_path / "sync" / "old.py"
    left_over.write_text("x = 1\n")
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert not left_over.exists()


def test_a_substitution_without_use_is_an_error(tool: Any, tmp_path: Path) -> None:
    (tmp_path / "aio" / "face.py").write_text("async def f(): ...\n")
    with pytest.raises(tool.Unused, match="nothing to substitute for"):
        tool.main(["--check"])


def test_only_whole_words_are_substituted(tool: Any) -> None:
    assert tool.substitute("my_adrive = xAsyncStream", set()) == "my_adrive = xAsyncStream"


def test_wrong_usage(tool: Any) -> None:
    assert tool.main(["--chekc"]) == 2
