"""Large pages are asked for where memory is in use, and for nothing else."""

from __future__ import annotations

import subprocess
import sys

from posthouse.server import large_pages
from posthouse.server.large_pages import SETTINGS, Area

ASK = """
from posthouse.server import large_pages
held = [bytearray(5_000) for _ in range(4_000)]
print(large_pages.ask(), large_pages.ask())
"""
SMAPS = b"""\
55852b5b0000-55852b5ba000 r--p 00000000 fe:00 1234                       /usr/bin/python3.11
Rss:                  40 kB
VmFlags: rd mr mw me dw
55852b5ba000-55852c2f0000 rw-p 00000000 00:00 0                          [heap]
Size:              13528 kB
Rss:               13000 kB
Pss:                 100 kB
VmFlags: rd wr mr mw me ac
7f3ca8000000-7f3ca8400000 rw-p 00000000 00:00 0
Rss:                4096 kB
VmFlags: rd wr mr mw me ac hg
7f3ca8400000-7f3ca8800000 rw-s 00000000 00:01 77                         /dev/zero\x85\x0b (deleted)
Rss:                4096 kB
VmFlags: rd wr sh mr mw me ms
7f3ca9000000-7f3ca9400000 ---p 00000000 00:00 0
Rss:                   0 kB
VmFlags: mr mw me nr
7ffd1f3de000-7ffd1f3ff000 rw-p 00000000 00:00 0                          [stack]
Rss:                 120 kB
VmFlags: rd wr mr mw me gd ac
"""


def test_what_a_program_works_with() -> None:
    assert list(large_pages._own(SMAPS)) == [
        Area(0x55852B5BA000, 0x55852C2F0000, 13_000 * 1024, frozenset([b"rd", b"wr", b"mr", b"mw", b"me", b"ac"])),
        Area(
            0x7F3CA8000000, 0x7F3CA8400000, 4_096 * 1024, frozenset([b"rd", b"wr", b"mr", b"mw", b"me", b"ac", b"hg"])
        ),
    ]


def test_they_are_asked_for_once() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    first, second = done.stdout.split()
    setting = SETTINGS / "enabled"
    if not setting.is_file() or "[madvise]" not in setting.read_text():
        assert (first, second) == ("None", "None")
    else:
        assert int(first) > 10_000_000
        assert int(second) < int(first) / 4
