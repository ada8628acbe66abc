"""Every letter of the corpora: each page of it is shown, and nothing in it runs, loads or breaks anything."""

from __future__ import annotations

import html
import os
import re
from pathlib import Path

import pytest

from web_browser import Browser, Web, fields

CORPORA = os.environ.get("POSTHOUSE_CORPORA", "")
# Letters that are shown, of all that there are: the odd ones are few, and stand among the small.
MOST = 250
RUNS = re.compile(r"<(?:script|iframe|object|embed|svg|form|link|meta http|base)\b|\son[a-z]+=", re.IGNORECASE)


def letters() -> list[Path]:
    found = [path for path in Path(CORPORA).rglob("*") if path.suffix in (".eml", ".msg", ".txt") and path.is_file()]
    sized = sorted((path for path in found if path.stat().st_size < 300_000), key=lambda path: path.name)
    return sized[:: max(1, len(sized) // MOST)]


@pytest.mark.skipif(not CORPORA, reason="the corpora aren't at hand (POSTHOUSE_CORPORA)")
def test_every_letter_is_shown(web: Web, ada: Browser) -> None:
    files = letters()
    assert len(files) > 20
    for path in files:
        message = web.put(path.read_bytes())
        for end in ("", "/headers", "/source", "/html"):
            response = ada.get(f"/letter/{message}{end}", **{"x-part": "letter"})
            assert response.status_code == 200, (path, end, response.text[:300])
            if end == "/html":
                body = response.text.partition('<div id="letter">')[2].rpartition("</div><script>")[0]
                assert not RUNS.search(re.sub(r'"[^"]*"', '""', body)), path
        assert ada.get(f"/conversation/{web.thread(message)}").status_code == 200, path
        for way in ("reply", "forward"):
            page = ada.get(f"/write?{way}={message}")
            assert page.status_code == 200, (path, way)
            form = {**fields(page.text), "to": "bob@example.org"}
            if looks := re.search(r'data-html="([^"]*)"', page.text):
                form |= {"rich": "1", "text": html.unescape(looks[1])}
            sent = ada.post("/send", form, **{"x-part": "facts"})
            assert sent.status_code == 200, (path, way, sent.text)
        assert ada.get(f"/letter/{message}/files.zip").status_code in (200, 404), path
    assert ada.get("/").status_code == 200
