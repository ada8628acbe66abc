"""URLAUTH (RFC 4467): how its commands are asked and answered. What a URL means isn't said here."""

from __future__ import annotations

from collections.abc import Iterable

from . import encode
from .command import GenUrlAuth, ResetKey, UrlFetch
from .syntax import Cursor, Malformed

# URLs in one command. A program that forwards a message names its parts.
MAX_URLS = 100


def read_reset_key(cursor: Cursor) -> ResetKey:
    """resetkey = "RESETKEY" [SP mailbox *(SP mechanism)]"""
    if not cursor.skip(b" "):
        return ResetKey()
    mailbox = cursor.mailbox()
    mechanisms: list[str] = []
    while cursor.skip(b" "):
        mechanisms.append(cursor.word("a mechanism"))
    return ResetKey(mailbox, tuple(dict.fromkeys(mechanisms)))


def read_generate(cursor: Cursor) -> GenUrlAuth:
    """genurlauth = "GENURLAUTH" 1*(SP url-rump SP mechanism)"""
    urls: list[tuple[str, str]] = []
    while not cursor.at_end or not urls:
        cursor.space()
        url = _url(cursor)
        cursor.space()
        urls.append((url, cursor.word("a mechanism")))
    _check_count(len(urls))
    return GenUrlAuth(tuple(urls))


def read_fetch(cursor: Cursor) -> UrlFetch:
    """urlfetch = "URLFETCH" 1*(SP url-full)"""
    urls: list[str] = []
    while not cursor.at_end or not urls:
        cursor.space()
        urls.append(_url(cursor))
    _check_count(len(urls))
    return UrlFetch(tuple(urls))


def _url(cursor: Cursor) -> str:
    """url-full, url-rump = astring; a URL is ASCII (RFC 3986 §2)"""
    start = cursor.at
    url = cursor.astring("a URL")
    if not url.isascii() or not url.decode("ascii").isprintable() or b" " in url:
        cursor.at = start
        raise cursor.expected("a URL")
    return url.decode("ascii")


def _check_count(count: int) -> None:
    if count > MAX_URLS:
        raise Malformed(f"at most {MAX_URLS} URLs in one command")


def generated(urls: Iterable[str]) -> bytes:
    """genurlauth-data = "GENURLAUTH" 1*(SP url-full)"""
    return b" ".join([b"GENURLAUTH", *map(written, urls)])


def written(url: str) -> bytes:
    """A URL as urlfetch-data repeats it: "URLFETCH" 1*(SP url-full SP nstring)."""
    return encode.quoted(url.encode("ascii"))
