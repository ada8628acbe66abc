"""Octets in a named character set become text: whatever the name, whatever the octets, always, and at once.

Names are looked up in our own table and never handed to Python's codec machinery as they come: that would import
modules by a stranger's word, remember every unknown name for ever, and accept codecs that aren't character sets
(``punycode``, ``unicode_escape``, ``zlib``). Nothing is guessed by statistics: a library that did so took minutes over
one attachment.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Python codecs that decode mail, by the numbers that follow `cp`, `ibm`, `dos`, `windows` and so on.
_CODE_PAGES = frozenset(
    (
        37, 273, 424, 437, 500, 720, 737, 775, 850, 852, 855, 856, 857, 858, 860, 861, 862, 863, 864, 865, 866, 869,
        874, 875, 932, 949, 950, 1006, 1026, 1125, 1140, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258,
    )
)  # fmt: skip
_CODE_PAGE = re.compile(r"(?:x-)?(?:cp|ibm|dos|windows|win|ms|oem|codepage)-?(\d{2,5})")
_ISO_8859 = re.compile(r"(?:x-)?iso-?8859-?(\d{1,2})(?:-[ei]|:\d{4})?")

# Label -> Python codec. Subsets are read as their supersets, as browsers do (WHATWG Encoding Standard §4.2): a letter
# that says iso-8859-1 and holds octets 0x80 to 0x9F means windows-1252, one that says gb2312 may hold all of gb18030.
_LABELS = {
    "utf-8": "utf-8", "utf8": "utf-8", "u8": "utf-8", "unicode-1-1-utf-8": "utf-8", "utf-8-sig": "utf-8",
    "utf8mb4": "utf-8", "cp65001": "utf-8", "65001": "utf-8", "utf": "utf-8",
    "utf-7": "utf-7", "utf7": "utf-7", "unicode-1-1-utf-7": "utf-7", "csunicode11utf7": "utf-7",
    "utf-16": "utf-16", "utf16": "utf-16", "unicode": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "iso-10646-ucs-2": "utf-16", "ucs-2": "utf-16", "utf-32": "utf-32", "utf-32le": "utf-32-le",
    "utf-32be": "utf-32-be", "iso-10646-ucs-4": "utf-32",
    "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "iso-ir-100": "cp1252", "ibm819": "cp1252",
    "cp819": "cp1252", "csisolatin1": "cp1252", "latin2": "iso8859-2", "latin-2": "iso8859-2", "l2": "iso8859-2",
    "csisolatin2": "iso8859-2", "latin3": "iso8859-3", "latin4": "iso8859-4", "latin5": "cp1254", "latin-5": "cp1254",
    "csisolatin5": "cp1254", "latin6": "iso8859-10", "latin9": "iso8859-15", "latin-9": "iso8859-15",
    "l9": "iso8859-15", "cyrillic": "iso8859-5", "csisolatincyrillic": "iso8859-5", "arabic": "iso8859-6",
    "csisolatinarabic": "iso8859-6", "asmo-708": "iso8859-6", "greek": "iso8859-7", "greek8": "iso8859-7",
    "csisolatingreek": "iso8859-7", "hebrew": "iso8859-8", "csisolatinhebrew": "iso8859-8", "visual": "iso8859-8",
    "logical": "iso8859-8",
    "koi8-r": "koi8-r", "koi8r": "koi8-r", "koi8": "koi8-r", "koi": "koi8-r", "cskoi8r": "koi8-r",
    "koi8-u": "koi8-u", "koi8-ru": "koi8-u", "koi8u": "koi8-u", "koi8-t": "koi8-t", "ptcp154": "ptcp154",
    "pt154": "ptcp154", "kz-1048": "kz1048",
    "gb2312": "gb18030", "gb-2312": "gb18030", "gb2312-80": "gb18030", "gb-2312-80": "gb18030", "euc-cn": "gb18030",
    "euccn": "gb18030", "eucgb2312-cn": "gb18030", "chinese": "gb18030", "csgb2312": "gb18030",
    "csiso58gb231280": "gb18030", "iso-ir-58": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "gb-18030": "gb18030",
    "gb": "gb18030", "cp936": "gb18030", "ms936": "gb18030", "windows-936": "gb18030", "cn-gb": "gb18030",
    "hz-gb-2312": "hz", "hz": "hz", "iso-2022-cn": "gb18030",
    "big5": "big5hkscs", "big-5": "big5hkscs", "big5-hkscs": "big5hkscs", "big5hkscs": "big5hkscs",
    "csbig5": "big5hkscs", "cn-big5": "big5hkscs", "big5-eten": "big5hkscs", "euc-tw": "big5hkscs",
    "shift-jis": "cp932", "shiftjis": "cp932", "sjis": "cp932", "s-jis": "cp932", "ms-kanji": "cp932",
    "csshiftjis": "cp932", "windows-31j": "cp932", "cswindows31j": "cp932",
    "euc-jp": "euc-jp", "eucjp": "euc-jp", "ujis": "euc-jp", "cseucpkdfmtjapanese": "euc-jp",
    "iso-2022-jp": "iso2022_jp_ext", "iso2022-jp": "iso2022_jp_ext", "iso2022jp": "iso2022_jp_ext",
    "csiso2022jp": "iso2022_jp_ext", "jis": "iso2022_jp_ext", "iso-2022-jp-1": "iso2022_jp_ext",
    "iso-2022-jp-2": "iso2022_jp_2", "iso-2022-jp-3": "iso2022_jp_3", "iso-2022-jp-ms": "iso2022_jp_ext",
    "cp50220": "iso2022_jp_ext", "cp50221": "iso2022_jp_ext", "cp50222": "iso2022_jp_ext",
    "euc-kr": "cp949", "euckr": "cp949", "ks-c-5601-1987": "cp949", "ks-c-5601": "cp949", "ksc5601": "cp949",
    "ks-c-5601-1989": "cp949", "ksc-5601": "cp949", "kscksc5601": "cp949", "ks-x-1001": "cp949", "korean": "cp949",
    "csksc56011987": "cp949", "cseuckr": "cp949", "iso-ir-149": "cp949", "uhc": "cp949", "windows-949": "cp949",
    "iso-2022-kr": "iso2022_kr", "csiso2022kr": "iso2022_kr", "johab": "johab",
    "tis-620": "cp874", "tis620": "cp874", "tis-62": "cp874", "iso-8859-11": "cp874", "thai": "cp874",
    "viscii": "cp1258", "tcvn": "cp1258",
    "macintosh": "mac-roman", "mac": "mac-roman", "macroman": "mac-roman", "mac-roman": "mac-roman",
    "csmacintosh": "mac-roman", "mac-cyrillic": "mac-cyrillic", "maccyrillic": "mac-cyrillic",
    "mac-ce": "mac-latin2", "mac-centraleurroman": "mac-latin2", "mac-greek": "mac-greek", "mac-turkish": "mac-turkish",
    "mac-iceland": "mac-iceland", "hp-roman8": "hp-roman8", "roman8": "hp-roman8",
}  # fmt: skip

# Names that promise nothing: what comes with them is ASCII if it's true, and anything if it isn't.
_ASCII = frozenset({"us-ascii", "ascii", "ansi-x3.4-1968", "ansi_x3.4-1968", "iso646-us", "7bit"})
# No label is longer; what is, isn't looked at.
_LONGEST_LABEL = 64
_LABEL = re.compile(r"[a-z0-9:-]+")
_ESCAPES = (b"\x1b$", b"\x1b(")  # ISO-2022-JP shifting into and out of kanji


def codec_for(charset: str) -> str | None:
    """The Python codec for a MIME charset name, or None: unknown, or a name that promises nothing ("us-ascii")."""
    return _codec(charset) if len(charset) <= _LONGEST_LABEL else None


@lru_cache(maxsize=256)
def _codec(charset: str) -> str | None:
    found = _LABEL.search(charset.lower().replace("_", "-"))  # the first word: "'utf-8'", "utf-8 euao6y", "utf-8*en"
    if found is None:
        return None
    label = found[0]
    codec = _LABELS.get(label) or _LABELS.get(label.removeprefix("x-"))
    if codec is not None:
        return codec
    if match := _ISO_8859.fullmatch(label):
        number = int(match[1])
        return {1: "cp1252", 9: "cp1254", 11: "cp874"}.get(number, f"iso8859-{number}") if _is_part(number) else None
    if (match := _CODE_PAGE.fullmatch(label)) and int(match[1]) in _CODE_PAGES:
        return f"cp{int(match[1]):03d}"
    return None


def is_known(charset: str) -> bool:
    """Whether the name is one of ASCII or of a character set that can be decoded."""
    return charset.strip("\"' ").lower() in _ASCII or codec_for(charset) is not None


def _is_part(number: int) -> bool:
    """Whether ISO 8859 has this part: there is no twelfth."""
    return 1 <= number <= 16 and number != 12


def decode(octets: bytes, charset: str = "") -> str:
    """``octets`` as text. Never raises.

    The named character set is tried, then UTF-8 (the usual truth behind a wrong name); then what doesn't fit becomes
    U+FFFD. Without a usable name, see ``guess``.
    """
    codec = codec_for(charset)
    if codec is None:
        return guess(octets)
    try:
        text = octets.decode(codec)
    except UnicodeError:
        try:
            text = octets.decode("utf-8")
        except UnicodeError:
            text = octets.decode(codec, "replace")
    if codec == "utf-7":
        # Python's decoder lets half surrogate pairs through, which no one could encode again.
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.removeprefix("\ufeff")


def fits(octets: bytes, charset: str = "") -> bool:
    """Whether the octets are text in that character set; without a name, or one that promises nothing, in ASCII."""
    codec = codec_for(charset) or "ascii"
    try:
        octets.decode(codec)
    except UnicodeError:
        return False
    return True


def is_wide(charset: str) -> bool:
    """Whether its characters are two or four octets each, NULs among them."""
    return (codec_for(charset) or "").startswith(("utf-16", "utf-32"))


def guess(octets: bytes) -> str:
    """Text of which nobody says how it is encoded: ASCII, raw ISO-2022-JP, UTF-8, or else Windows-1252."""
    if octets.isascii():
        if b"\x1b" in octets and any(escape in octets for escape in _ESCAPES):
            return octets.decode("iso2022_jp_ext", "replace")
        return octets.decode("ascii")
    try:
        return octets.decode("utf-8").removeprefix("\ufeff")
    except UnicodeError:
        return octets.decode("cp1252", "replace")
