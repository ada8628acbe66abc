"""Templates into pages: HTML with everything escaped, and the few words that all of them use."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from posthouse.message.address import Address, mailboxes, parse_addresses
from posthouse.store.conversation import Sender
from posthouse.store.mailbox import Mailbox

DAY = 86_400
KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "webmanifest": "application/manifest+json"}
IMPORTED = re.compile(r'^import (?:[^;]* from )?"\./([a-z]+\.js)";$', re.MULTILINE)
# What a mailbox is for, as an icon and as an order: those that every account has come first.
ICONS = {"": "folder", "\\Drafts": "draft", "\\Sent": "sent", "\\Archive": "archive", "\\Junk": "junk",
         "\\Trash": "trash", "\\Important": "important"}  # fmt: skip
# Keywords of mail programs, from before there was a registry.
OF_PROGRAMS = {"junk", "nonjunk", "notjunk", "receipthandled", "forwarded", "redirected", "mdnsent"}
ORDER = ("\\Drafts", "\\Sent", "\\Archive", "\\Important", "\\Junk", "\\Trash")


def _read_files() -> dict[str, tuple[bytes, str]]:
    folder = resources.files(__package__).joinpath("static")
    return {
        path.name: (path.read_bytes(), KINDS[path.name.rpartition(".")[2]])
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.rpartition(".")[2] in KINDS
    }


FILES = _read_files()
# In the path of every file: a new version of the program is a new path, so browsers may keep files for ever.
VERSION = hashlib.sha256(b"".join(name.encode() + octets for name, (octets, _) in FILES.items())).hexdigest()[:12]


def static(name: str) -> str:
    """Where a file of ours is."""
    return f"/static/{VERSION}/{name}"


@lru_cache(maxsize=len(FILES))
def modules(name: str) -> list[str]:
    """The modules that one imports, and those that these import: a page names them all, so they come in one breath."""
    found: dict[str, None] = {}
    waiting = [name]
    while waiting:
        for one in IMPORTED.findall(FILES[waiting.pop()][0].decode()):
            if one != name and one not in found:
                found[one] = None
                waiting.append(one)
    return list(found)


def icon(name: str) -> Markup:
    """An icon, without a name of its own for those who hear the page: what it stands on has one."""
    return Markup('<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>').format(
        static("icons.svg"), name
    )


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone of this name; UTC where there is none."""
    return ZoneInfo(name) if name in _zones() else UTC


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones()


def when(seconds: int, where: tzinfo, now: int) -> str:
    """A time as a list shows it: the hour today, the day this year, else the whole date."""
    then, today = datetime.fromtimestamp(seconds, where), datetime.fromtimestamp(now, where)
    if then.date() == today.date():
        return f"{then:%H:%M}"
    if then.year == today.year or 0 <= now - seconds < 180 * DAY:
        return f"{then.day} {then:%b}"
    return f"{then.day} {then:%b %Y}"


def when_exactly(seconds: int, where: tzinfo) -> str:
    """A time as a letter shows it."""
    then = datetime.fromtimestamp(seconds, where)
    return f"{then:%A}, {then.day} {then:%B %Y}, {then:%H:%M}"


def iso(seconds: int) -> str:
    """A time for programs: of <time datetime=…>."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def people(text: str) -> list[Address]:
    """Addresses from the text that the store has of them."""
    return mailboxes(parse_addresses(text))


def name_of(text: str) -> str:
    """Who that is, in a word or two: the name of the first of some addresses, else what stands before the "@"."""
    found = people(text)
    return (found[0].name or found[0].local or text) if found else text


def senders(found: Iterable[Sender], own: str) -> list[tuple[str, bool]]:
    """Who wrote a conversation, each once, in the order in which they joined: short names, whether unread.

    ``own``: the reader's address, who is "me".
    """
    names: dict[str, tuple[str, bool]] = {}
    for one in found:
        who = people(one.text)
        address = who[0].addr.lower() if who else one.text
        if one.draft:
            address, name = "draft", "Draft"
        elif address == own.lower():
            name = "me"
        else:
            name = name_of(one.text) or "(nobody)"
        unread = one.unread or names.get(address, ("", False))[1]
        names[address] = name, unread
    listed = list(names.values())
    if len(listed) > 1:
        listed = [(name.split()[0].rstrip(",") if " " in name else name, unread) for name, unread in listed]
    return listed if len(listed) <= 4 else [listed[0], ("…", False), *listed[-2:]]


def size(octets: int) -> str:
    """A size in the unit that people would choose."""
    if octets < 1_000:
        return f"{octets} B"
    for unit in ("KB", "MB", "GB"):
        octets_in_unit = octets / 1_000
        if octets_in_unit < 999.5 or unit == "GB":
            return f"{octets_in_unit:.1f} {unit}" if octets_in_unit < 9.95 else f"{octets_in_unit:.0f} {unit}"
        octets = int(octets_in_unit)
    raise AssertionError(octets)


def is_label(keyword: str) -> bool:
    """Whether a flag is a word that a person gave, not one of the system or of a program."""
    return not keyword.startswith(("\\", "$")) and keyword.lower() not in OF_PROGRAMS


def browser(agent: str) -> str:
    """A browser and its system as people call them, from what it says of itself."""
    names = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    systems = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
               ("Mac OS", "macOS"), ("Linux", "Linux"))  # fmt: skip
    name = next((name for sign, name in names if sign in agent), "A browser")
    system = next((name for sign, name in systems if sign in agent), "")
    return f"{name} on {system}" if system else name


def in_order(boxes: Iterable[Mailbox]) -> list[Mailbox]:
    """Mailboxes as a person wants them: INBOX, those with a purpose, then the others by name."""
    return sorted(
        boxes,
        key=lambda box: (
            0 if box.name == "INBOX" else 1 + ORDER.index(box.special_use) if box.special_use in ORDER else 9,
            box.name.lower().split("/"),
        ),
    )


def title(box: Mailbox) -> str:
    """What people call a mailbox: its last level."""
    return "Inbox" if box.name == "INBOX" else box.name.rpartition("/")[2]


def count(box: Mailbox) -> int:
    """The number beside a mailbox: drafts that wait, or letters that nobody has read."""
    return (
        box.exists if box.special_use == "\\Drafts" else 0 if box.special_use in ("\\Trash", "\\Sent") else box.unseen
    )


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(__package__),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=static, modules=modules, icon=icon, icons=ICONS, title=title, count=count)
    made.filters.update(
        when=when,
        when_exactly=when_exactly,
        iso=iso,
        people=people,
        name_of=name_of,
        senders=senders,
        browser=browser,
        size=size,
        is_label=is_label,
    )
    return made


ENVIRONMENT = _environment()


def render(template: str, values: Mapping[str, Any]) -> str:
    """A template's HTML."""
    return ENVIRONMENT.get_template(template).render(values)


def response(template: str, status: int, values: Mapping[str, Any]) -> Response:
    """A template as an answer."""
    return HTMLResponse(render(template, values), status)
