"""File names made from what strangers wrote: one path component, visible, allowed on every system."""

from __future__ import annotations

import re

# NAME_MAX of Linux, macOS and Windows file systems is 255 octets; " (9999)" has to fit behind.
LONGEST_NAME = 255 - 8
_LONGEST_SUFFIX = 40

_SEPARATOR = re.compile(r"[/\\]")
# What Windows forbids in names, control characters, half surrogate pairs, and the marks that turn the direction of
# writing, with which "exe.fdp" is made to look like "pdf.exe".
_FORBIDDEN = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])\s*(?:\.|\Z)", re.IGNORECASE)  # on Windows


def safe_name(name: str, fallback: str = "attachment") -> str:
    """``name`` without folders and without what some system forbids or hides; ``fallback`` if nothing is left."""
    name = _FORBIDDEN.sub("_", _SEPARATOR.split(name)[-1]).strip(" .")
    if _DEVICE.match(name):
        name = f"_{name}"
    if not name.strip("_"):
        name = fallback
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or len(suffix.encode("utf-8")) > _LONGEST_SUFFIX:
        stem, dot, suffix = name, "", ""
    return _cut(stem, LONGEST_NAME - len((dot + suffix).encode("utf-8"))) + dot + suffix


def _cut(text: str, octets: int) -> str:
    """``text``, at most that many octets long in UTF-8."""
    encoded = text.encode("utf-8")
    return text if len(encoded) <= octets else encoded[:octets].decode("utf-8", "ignore").rstrip(" .")
