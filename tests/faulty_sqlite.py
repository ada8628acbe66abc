"""Makes the disk fail under SQLite: its own writing, syncing and truncating, at a step that a test chooses.

Every file that SQLite opens from now on gets methods of ours in front of its own (sqlite3_io_methods), by way of its
file system layer (sqlite3_vfs). What fails doesn't reach the disk, as if the system had refused it.
"""

from __future__ import annotations

import _sqlite3
import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

STEPS = ("write", "truncate", "sync")
# What SQLite's own layer answers when the system says ENOSPC or EIO. A full disk is found out by writing, or at last,
# where room is given late, by syncing: then it is an error like others.
FULL = {"write": 13, "truncate": 1546, "sync": 1034}
EIO = {"write": 778, "truncate": 1546, "sync": 1034}


class Methods(Structure):
    """sqlite3_io_methods."""

    _fields_ = (("version", c_int), *((name, c_void_p) for name in (
        "close", "read", "write", "truncate", "sync", "size", "lock", "unlock", "reserved", "control", "sector",
        "characteristics", "shm_map", "shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch",
    )))  # fmt: skip


class File(Structure):
    """sqlite3_file."""

    _fields_ = (("methods", POINTER(Methods)),)


class Vfs(Structure):
    """The beginning of sqlite3_vfs."""

    _fields_ = (
        ("version", c_int), ("file_size", c_int), ("longest_path", c_int), ("next", c_void_p), ("name", c_char_p),
        ("data", c_void_p), ("open", c_void_p),
    )  # fmt: skip


FILE = POINTER(File)
SIGNATURES: dict[str, Any] = {
    "write": CFUNCTYPE(c_int, FILE, c_void_p, c_int, c_int64),
    "truncate": CFUNCTYPE(c_int, FILE, c_int64),
    "sync": CFUNCTYPE(c_int, FILE, c_int),
}
OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, FILE, c_int, c_void_p)


@dataclass
class Faults:
    """Of the steps named `fails`, `after` more work; then they fail, `times` of them. `failed` counts those."""

    fails: str = ""
    after: int = 0
    times: int = 1
    codes: dict[str, int] | None = None
    failed: int = 0

    def arm(self, step: str, after: int, codes: dict[str, int], times: int = 1) -> None:
        self.fails, self.after, self.times, self.codes, self.failed = step, after, times, codes, 0

    def clear(self) -> None:
        self.fails = ""

    def code(self, step: str) -> int:
        """What this step comes to; 0: it is to be done."""
        if step != self.fails or self.failed == self.times or self.codes is None:
            return 0
        if self.after > 0:
            self.after -= 1
            return 0
        self.failed += 1
        return self.codes[step]


class Layer:
    """SQLite's file system layer, with our methods in front."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = POINTER(Vfs)
        library.sqlite3_vfs_find.argtypes = [c_char_p]
        self._vfs = library.sqlite3_vfs_find(None).contents
        self._real_open = self._vfs.open
        self._open = OPEN(self._opened)
        # By the address of SQLite's: open files point into these, so they stay for as long as the process.
        self._known: dict[int, Methods] = KEPT.setdefault("methods", {})
        self._kept = KEPT.setdefault("callbacks", [])
        self._kept.append(self._open)

    def install(self) -> None:
        self._vfs.open = ctypes.cast(self._open, c_void_p).value

    def remove(self) -> None:
        self._vfs.open = self._real_open

    def _opened(self, vfs: int, name: int, file: Any, flags: int, out: int) -> int:
        code: int = OPEN(self._real_open)(vfs, name, file, flags, out)
        methods = file.contents.methods
        if code == 0 and methods:
            address = ctypes.addressof(methods.contents)
            ours = self._known.get(address) or self._in_front(methods.contents)
            self._known[address] = self._known[ctypes.addressof(ours)] = ours
            file.contents.methods = ctypes.pointer(ours)
        return code

    def _in_front(self, real: Methods) -> Methods:
        ours = Methods.from_buffer_copy(real)
        for step, signature in SIGNATURES.items():
            setattr(ours, step, ctypes.cast(self._failing(step, signature(getattr(real, step))), c_void_p).value)
        return ours

    def _failing(self, step: str, real: Any) -> Any:
        def call(*arguments: Any) -> int:
            code = self._faults.code(step)
            return code or int(real(*arguments))

        callback = SIGNATURES[step](call)
        self._kept.append(callback)
        return callback


KEPT: dict[str, Any] = {}


@contextmanager
def faulty_sqlite() -> Iterator[Faults]:
    """Databases that are opened meanwhile fail as they are told to."""
    faults = Faults()
    KEPT.pop("methods", None)  # those of another test ask its faults
    layer = Layer(faults)
    KEPT.setdefault("layers", []).append(layer)
    layer.install()
    try:
        yield faults
    finally:
        faults.clear()
        layer.remove()
