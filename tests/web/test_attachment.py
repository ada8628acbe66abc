"""Files that came with a letter: their octets, and that none of them can do anything."""

from __future__ import annotations

import io
import zipfile

import pytest

from posthouse.client.message import Message
from store_helpers import letter
from web_browser import Browser, Web

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 5


def with_files(*files: tuple[str, bytes]) -> bytes:
    return bytes(Message(from_="eve@example.net", to="ada@example.org", subject="Files/..", text="See.", files=files))


def test_listed_and_saved(web: Web, ada: Browser) -> None:
    message = web.put(with_files(("p.png", PNG), ("Überblick 1.pdf", b"%PDF-1.4")))
    page = ada.get(f"/letter/{message}").text
    assert "p.png" in page
    assert "Überblick 1.pdf" in page
    saved = ada.get(f"/letter/{message}/file/1")
    assert saved.content == b"%PDF-1.4"
    assert saved.headers["content-type"] == "application/octet-stream"
    assert saved.headers["content-disposition"].startswith('attachment; filename="_berblick 1.pdf"; filename*=UTF-8')
    assert "sandbox" in saved.headers["content-security-policy"]
    assert saved.headers["x-content-type-options"] == "nosniff"


def test_large_ones_come_whole(web: Web, ada: Browser) -> None:
    content = bytes(range(256)) * 10_000
    message = web.put(with_files(("a.bin", content)))
    assert ada.get(f"/letter/{message}/file/0").content == content


def test_a_picture_is_looked_at(web: Web, ada: Browser) -> None:
    message = web.put(with_files(("p.png", PNG)))
    shown = ada.get(f"/letter/{message}/file/0/view")
    assert (shown.headers["content-type"], shown.content) == ("image/png", PNG)
    assert "sandbox" in shown.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "page.xhtml", "x.js", "page.xml"])
def test_what_could_run_is_text_or_nothing(web: Web, ada: Browser, name: str) -> None:
    message = web.put(with_files((name, b"<script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script>")))
    shown = ada.get(f"/letter/{message}/file/0/view")
    if shown.status_code == 200:
        assert shown.headers["content-type"] == "text/plain; charset=utf-8"
        assert "sandbox" in shown.headers["content-security-policy"]
    else:
        assert shown.status_code == 415


def test_all_in_one(web: Web, ada: Browser) -> None:
    message = web.put(with_files(("a.txt", b"one"), ("a.txt", b"two"), ("../../etc/passwd", b"three"), ("p.png", PNG)))
    response = ada.get(f"/letter/{message}/files.zip")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "a.txt": b"one", "a (2).txt": b"two", "passwd": b"three", "p.png": PNG,
        }  # fmt: skip


@pytest.mark.parametrize("name", ['a"b.txt', "a\r\nX: y.txt", "a;b=c.txt", "%41.txt", "‮fdp.exe", "x" * 400 + ".txt"])
def test_names_end_no_header(web: Web, ada: Browser, name: str) -> None:
    raw = letter().replace(
        b"Content-Type: text/plain; charset=utf-8\r\n",
        b"Content-Type: application/x; name*=utf-8''"
        + "".join(f"%{octet:02x}" for octet in name.encode()).encode()
        + b"\r\n",
    )
    message = web.put(raw)
    disposition = ada.get(f"/letter/{message}/file/0").headers["content-disposition"]
    assert disposition.count('"') == 2
    assert "\n" not in disposition
    assert disposition.isascii()


def test_nobody_gets_another_s_files(web: Web, ada: Browser) -> None:
    message = web.put(with_files(("p.png", PNG)), owner=web.bob)
    for path in ("file/0", "file/0/view", "files.zip"):
        assert ada.get(f"/letter/{message}/{path}").status_code == 404


def test_no_such_file(web: Web, ada: Browser) -> None:
    message = web.put(with_files(("p.png", PNG)))
    for number in ("1", "999999999999999999999"):
        assert ada.get(f"/letter/{message}/file/{number}").status_code == 404
