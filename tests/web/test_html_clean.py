"""What HTML of strangers can't do. The cases are those by which web mail programs were broken into."""

from __future__ import annotations

import re

import pytest

from posthouse.web.html_clean import clean

RUNS = re.compile(
    r"<\s*(?:script|svg|math|iframe|object|embed|form|input|button|link|meta|base|video|audio|portal)\b"
    r"|\son\w+\s*=|javascript:|vbscript:|srcdoc|formaction|xlink",
    re.IGNORECASE,
)


def cleaned(source: str, *, remote: bool = False) -> str:
    return clean(
        source,
        link=lambda url: f"/leave?to={url}",
        picture={"a": "data:image/png;base64,AA"}.get,  # type: ignore[arg-type]
        remote_pictures=remote,
    ).html


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        '<svg><animate href="#x" attributeName=href values=javascript:alert(1) /><a id=x><text>x</text></a></svg>',
        '<svg><use href="data:image/svg+xml;base64,PHN2Zz4=#x"></svg>',
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
        '<a href="javascript:alert(1)">x</a>',
        '<a href=" java\tscript:alert(1)">x</a>',
        '<a href="&#106;avascript:alert(1)">x</a>',
        '<a href="data:text/html,<script>alert(1)</script>">x</a>',
        '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
        '<object data="data:text/html;base64,PHNjcmlwdD4="></object><embed src="x">',
        '<meta http-equiv="refresh" content="0;url=https://evil.example"><base href="https://evil.example/">',
        '<link rel="stylesheet" href="https://evil.example/x.css">',
        '<form action="https://evil.example"><input name=p><button formaction="javascript:alert(1)">x</button></form>',
        '<video poster="javascript:alert(1)"><source onerror="alert(1)"></video>',
        # Roundcube: CVE-2020-35730, CVE-2023-5631, CVE-2024-42008, CVE-2025-68461
        '<a href="https://x.example/?[<script>alert(1)</script>](https://x)">x</a>',
        "<svg id='x'><use href='data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=#x'/></svg>",
        '<body title="bgcolor=foo" name="bar style=animation-name:a onanimationstart=alert(1) foo=bar">x</body>',
        '<svg><animate attributeName="href" dur="1s" to="javascript:alert(1)"/></svg>',
        "<style><img src=x onerror=alert(1)></style>",
        "<style></style/><img src=x onerror=alert(1)>",
        "<title><img title='</title><img src=x onerror=alert(1)>'></title>",
        "<textarea><img title='</textarea><img src=x onerror=alert(1)>'></textarea>",
        "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<template><img src=x onerror=alert(1)></template>",
        '<p style="background:url(javascript:alert(1))">x</p>',
        "<a\x00href=javascript:alert(1)>x</a>",
    ],
)
def test_nothing_runs(source: str) -> None:
    assert not RUNS.search(re.sub(r'="[^"]*"', '=""', cleaned(source))), cleaned(source)
    assert not re.search(r'(?:href|src)="\s*(?:javascript|vbscript|data:text)', cleaned(source), re.IGNORECASE)


@pytest.mark.parametrize(
    "source",
    [
        '<img src="https://evil.example/x.png">',
        '<img src="//evil.example/x.png">',
        '<img srcset="https://evil.example/x.png 1x">',
        '<p style="background-image:url(https://evil.example/x.png)">x</p>',
        '<p style="background:\\75rl(https://evil.example/x.png)">x</p>',
        "<style>p{background:url(https://evil.example/x.png)}</style>",
        "<style>@import 'https://evil.example/x.css';</style>",
        "<style>@im\\port 'https://evil.example/x.css';</style>",
        "<style>p{background:image-set('https://evil.example/x.png' 1x)}</style>",
        "<style>@font-face{font-family:x;src:url(https://evil.example/x.woff)}</style>",
        '<table background="https://evil.example/x.png"><tr><td>x</td></tr></table>',
        '<body background="https://evil.example/x.png">x</body>',
        '<input type="image" src="https://evil.example/x.png">',
        '<video src="https://evil.example/x.mp4" poster="https://evil.example/x.png"></video>',
        '<link rel="prefetch" href="https://evil.example/x">',
    ],
)
def test_nothing_is_loaded(source: str) -> None:
    assert "evil.example" not in cleaned(source)


def test_a_style_sheet_can_t_end_itself() -> None:
    html = cleaned("<style>p{color:red}/*</style><script>alert(1)</script>*/</style><p>x</p>")
    assert html.count("</style>") == 1
    assert "<script" not in html
    assert html.startswith("<style>p{color:red}")


def test_what_people_write_stays() -> None:
    source = """<style>.x{color:red;background:url(x)}</style><h1 class="x" style="color:blue;margin:0">T</h1>
        <table width="100%" bgcolor="#fff"><tr><td colspan="2" align="center"><font face="Arial">x</font></td></tr>
        </table><ol start="3"><li>a</li></ol><img src="cid:a" alt="A" width="10">"""
    html = cleaned(source)
    kept = [
        ".x{color:red;}", 'style="color:blue;margin:0"', 'width="100%"', 'bgcolor="#fff"', 'colspan="2"',
        'face="Arial"', 'start="3"', 'src="data:image/png;base64,AA"', 'alt="A"',
    ]  # fmt: skip
    assert [part for part in kept if part not in html] == []


def test_links_lead_through_the_page_that_shows_them() -> None:
    outside = '<a href=" https://a.example/ ">x</a><a href="mailto:b@example.org">y</a>'
    html = cleaned(f'{outside}<a href="/logout">z</a><a href="#a">w</a>')
    assert re.findall(r'href="([^"]*)"', html) == ["/leave?to=https://a.example/", "/leave?to=mailto:b@example.org"]
    assert html.count('rel="noopener noreferrer"') == 4


def test_it_is_quick_whatever_comes() -> None:
    for source in (
        "<div>" * 20_000,
        "<style>" * 20_000,
        "<style>" + "/*" * 100_000,
        "<a href='" * 20_000,
        "<style>" + "a{" * 50_000,
    ):
        cleaned(source)
