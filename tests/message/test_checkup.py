"""Defects: each kind is found in a letter that has it, and none in a sound one."""

from __future__ import annotations

import pytest

from posthouse.message.defect import Defect
from posthouse.message.message import ParsedMessage

SOUND = """\
From: =?utf-8?Q?J=C3=BCrgen?= <j@x.org>, "root" <root>, Büro <büro@x.org>
To: undisclosed-recipients:;
Subject: =?iso-2022-jp?B?GyRCRnxLXBsoQg==?= =?utf-8*en?Q?x?=
Date: Mon, 16 Mar 2009 12:00:00 +0000
Received: once
Received: twice
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/plain; charset=utf-8

grün
--b
Content-Type: text/plain; charset=utf-16le
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename*=utf-8''%E2%82%AC.txt

YQANAA0ACgA=
--b
Content-Type: image/png; name="a picture.png"
Content-Transfer-Encoding: binary

\r\0\n\r
--b--
"""


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_sound_letter_has_none(line_end: str) -> None:
    assert ParsedMessage(SOUND.replace("\n", line_end).encode()).defects == ()


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"Subject: a\nSubject: b\n\n", Defect.REPEATED_FIELD),
        (b"From: a@x.org\nX: y\nfrom : b@x.org\n\n", Defect.REPEATED_FIELD),
        (b"Content-Type: text/plain\nContent-Type: text/html\n\n", Defect.REPEATED_FIELD),
        (b"Subject: gr\xfcn\n\n", Defect.RAW_HEADER),
        (b"To: ann at example\n\n", Defect.ADDRESS),
        (b"To: " + b"a@x.org, " * 10_000 + b"b@x.org\n\n", Defect.HEADER_TOO_LONG),
        (b"Subject: =?nonsense?Q?x?=\n\n", Defect.CHARSET),
        (b"Content-Type: text/plain; charset=nonsense\n\nx", Defect.CHARSET),
        (b"Content-Type: text/plain; charset=utf-8\n\n\xff", Defect.TEXT),
        (b"Content-Type: text/plain\n\ngr\xc3\xbcn", Defect.TEXT),
        (b"Content-Type: text/plain; charset=us-ascii\n\n\xff", Defect.TEXT),
        (b"Subject: x\n\na\r\nb\n", Defect.LINE_ENDS),
        (b"Subject: x\r\n\r\na\rb\r\n", Defect.LINE_ENDS),
        (b"Subject: x\r\ry\r", Defect.LINE_ENDS),
        (b"Subject: x\0\n\n", Defect.NUL),
        (b"Subject: x\n\n\0", Defect.NUL),
        (b'Content-Type: a/b; name="../x"\n\n', Defect.FILE_NAME),
        (b"Content-Disposition: attachment; filename=aux.txt\n\n", Defect.FILE_NAME),
        (b"Date: 16.03.09\n\n", Defect.DATE),
    ],
)
def test_each_kind(raw: bytes, defect: Defect) -> None:
    assert defect in ParsedMessage(raw).defects


def test_each_kind_is_told_once() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n\xff\0\n" * 3 + b"--b--\n"
    assert ParsedMessage(raw).defects == (Defect.TEXT, Defect.NUL)
