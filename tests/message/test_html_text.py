"""HTML as a person reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posthouse.message.html_text import to_text, unescape


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("one<br>two<BR/>three<br >four", "one\ntwo\nthree\nfour"),
        ("one<br><br>two<br><br><br><br>three", "one\n\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("a <b>bold</b>, <i>sl</i>anted\n   word", "a bold, slanted word"),
        ("<div>one<br></div><div><br></div><div>two</div>", "one\n\ntwo"),
        ("<div><div><div>one</div></div></div>two", "one\ntwo"),
        ("<h1>Head</h1>text", "Head\n\ntext"),
        ("<ul><li>one</li><li>two</li></ul>end", "- one\n- two\n\nend"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>  keep\n   this</pre>not\n   this", "  keep\n   this\n\nnot this"),
        (
            "&lt;p&gt; &amp;amp; &uuml; &#252; &#xFC; &nbsp; &copy 2024 & so on &nosuch;",
            "<p> &amp; ü ü ü © 2024 & so on &nosuch;",
        ),
        ("<head><title>t</title><style>p { x }</style></head>body<script>var x = '<p>'</script>!", "body!"),
        ("a<!-- comment <p> -->b<!doctype html>c<?xml?>d<![CDATA[e]]>", "abcd"),
        ("<noscript>shown</noscript><template>not</template>", "shown"),
        ('<img src="x" alt="A &amp; B"><img alt=logo><img alt="">', "A & Blogo"),
        ('<a title="a > b" href="x">link</a>', "link"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p unclosed", ""),
        ("text <", "text <"),
        ('text <a href="never closed>more', "text more"),
        ("a<!-- never closed <p>b", "a never closed\n\nb"),
        ("a<script>never closed", "a"),
        ("a\u200bb", "a\u200bb"),
    ],
)
def test_to_text(html: str, text: str) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('see <a href="https://x.org/?a=1&amp;b=2">here</a>.', "see here <https://x.org/?a=1&b=2>."),
        ('<a href="https://x.org">https://x.org</a>', "https://x.org"),
        ('<a href="mailto:a@x.org">a@x.org</a>', "a@x.org"),
        ('<a href="mailto:a@x.org">Ann</a>', "Ann <mailto:a@x.org>"),
        ('<a href="javascript:alert(1)">x</a>', "x"),
        ('<a href="#top">x</a><a name="y">z</a>', "xz"),
        ("<a href=https://x.org>x", "x"),
    ],
)
def test_links(html: str, text: str) -> None:
    assert to_text(html, links=True) == text


def test_a_limit_reads_no_more_than_it_needs() -> None:
    long = "<p>word</p>" * 10_000
    assert to_text(long, limit=50).startswith("word\n\nword")
    assert len(to_text(long, limit=50)) < 2_000
    behind = "<style>" + "x" * 10_000 + "</style><p>word</p>"
    assert to_text(behind, limit=50) == "word"
    sparse = "<b></b>" * 10_000 + "word"
    assert to_text(sparse, limit=50) == "word"


def test_numbers_of_a_thousand_digits() -> None:
    assert unescape("&#" + "9" * 5_000 + ";") == "&#" + "9" * 5_000 + ";"
    assert unescape("&#x110000;&#0;&#55296;") == "\ufffd\ufffd\ufffd"


@given(
    st.lists(
        st.sampled_from(
            ["<", ">", "<p>", "</p>", "<a href='", '"', "'", "<!--", "-->", "&", "&lt;", "x", " ", "<pre>", "</script"]
        )
    )
)
def test_anything_is_read(tokens: list[str]) -> None:
    to_text("".join(tokens), links=True, limit=10)
    to_text("".join(tokens))
