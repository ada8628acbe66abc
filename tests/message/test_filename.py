"""File names from strangers become names that every system takes, and that lead nowhere else."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.filename import LONGEST_NAME, safe_name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.pdf", "report.pdf"), ("Bericht März.pdf", "Bericht März.pdf"), ("報告書.xlsx", "報告書.xlsx"),
        ("../../etc/passwd", "passwd"), ("/etc/passwd", "passwd"), ("C:\\Windows\\system.ini", "system.ini"),
        ("..", "attachment"), (".", "attachment"), ("", "attachment"), ("a/", "attachment"), ("???", "attachment"),
        (".bashrc", "bashrc"), (" a. ", "a"), ("a:b*c?.txt", "a_b_c_.txt"), ("a\0b\r\nc.txt", "a_b__c.txt"),
        ("CON", "_CON"), ("nul.txt", "_nul.txt"), ("com1.tar.gz", "_com1.tar.gz"), ("console", "console"),
        ("invoice\u202efdp.exe", "invoice_fdp.exe"), ("half \udce9.txt", "half _.txt"),
    ],
)  # fmt: skip
def test_names(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_suffix() -> None:
    for name in ("x" * 500 + ".pdf", "日" * 500 + ".pdf", "a." + "b" * 500):
        safe = safe_name(name)
        assert len(safe.encode("utf-8")) <= LONGEST_NAME
        assert safe.endswith(".pdf") or name.startswith("a.")


@given(st.text())
def test_any_name_is_one_visible_component(name: str) -> None:
    safe = safe_name(name)
    assert safe == PurePosixPath(safe).name == PureWindowsPath(safe).name
    assert safe.partition(".")[0].strip().lower() not in {"con", "prn", "aux", "nul", "com1", "lpt9"}
    assert safe.strip(" .") == safe
    assert safe_name(safe) == safe
    assert 0 < len(safe.encode("utf-8")) <= LONGEST_NAME
