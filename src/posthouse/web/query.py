"""What people type into the search field, as the store understands it: the words of the command line, and a few more.

``in:`` names a mailbox, or what it is for; without it Trash and Junk are left out. So a query means another key in each
mailbox, where ``in:`` is true or not. Days are those of the reader's own time zone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo
from datetime import time as clock
from typing import TYPE_CHECKING

from posthouse.errors import ConfigError, StoreError
from posthouse.message.query import Language, one_line, parse, read_day, read_size
from posthouse.store import flag, search
from posthouse.store.conversation import HIDDEN
from posthouse.store.search import Key

if TYPE_CHECKING:
    from posthouse.store.mailbox import Mailbox

NOTHING: Key = search.Or(())
SEEN, FLAGGED = search.HasFlag("\\Seen"), search.HasFlag("\\Flagged")
ANSWERED, DRAFT = search.HasFlag("\\Answered"), search.HasFlag("\\Draft")
STATES: Mapping[str, Key] = {
    "unread": search.Not(SEEN), "unseen": search.Not(SEEN), "read": SEEN, "seen": SEEN, "flagged": FLAGGED,
    "starred": FLAGGED, "answered": ANSWERED, "replied": ANSWERED, "draft": DRAFT,
    "deleted": search.HasFlag("\\Deleted"),
}  # fmt: skip
SPECIAL = {"drafts": "\\Drafts", "sent": "\\Sent", "archive": "\\Archive", "junk": "\\Junk", "spam": "\\Junk",
           "trash": "\\Trash", "important": "\\Important"}  # fmt: skip


def key_for(text: str, box: Mailbox, zone: tzinfo) -> Key:
    """What the query means in this mailbox. Errors: ConfigError for what can't be asked."""
    words = _Words(box, zone)
    key = parse(text, words.language) if text.strip() else search.All()
    return NOTHING if box.special_use in HIDDEN and not words.named else key


class _Words:
    """The words of a query, in one mailbox."""

    def __init__(self, box: Mailbox, zone: tzinfo) -> None:
        self._box = box
        self._zone = zone
        self.named = False  # the query names this mailbox
        self.language: Language[Key] = Language(
            self._words(),
            all_of=lambda keys: search.And(tuple(keys)),
            any_of=lambda keys: search.Or(tuple(keys)),
            negate=search.Not,
        )

    def _words(self) -> Mapping[str, Callable[[str], Key]]:
        return {
            "is": _state,
            "from": lambda text: search.Field("from", one_line(text)),
            "to": lambda text: search.Field("to", one_line(text)),
            "cc": lambda text: search.Field("cc", one_line(text)),
            "bcc": lambda text: search.Field("bcc", one_line(text)),
            "subject": lambda text: search.Field("subject", one_line(text)),
            "body": lambda text: search.Body(one_line(text)),
            "text": lambda text: search.Text(one_line(text)),
            "since": lambda text: search.Received(start=self._midnight(read_day(text))),
            "after": lambda text: search.Received(start=self._midnight(read_day(text))),
            "before": lambda text: search.Received(end=self._midnight(read_day(text))),
            "on": self._on,
            "larger": lambda text: search.Larger(read_size(text)),
            "smaller": lambda text: search.Smaller(read_size(text)),
            "keyword": _keyword,
            "label": _keyword,
            "has": _has,
            "in": self._in,
        }

    def _midnight(self, day: date) -> int:
        try:
            return int(datetime.combine(day, clock.min, self._zone).timestamp())
        except (OverflowError, ValueError):
            raise ConfigError(f"there was no mail on {day}", advice="Write a day like 2026-01-31.") from None

    def _on(self, text: str) -> Key:
        day = read_day(text)
        try:
            following = day + timedelta(days=1)
        except OverflowError:
            raise ConfigError(f"there is no mail on {day}", advice="Write a day like 2026-01-31.") from None
        return search.Received(start=self._midnight(day), end=self._midnight(following))

    def _in(self, text: str) -> Key:
        wanted = text.strip().lower()
        name = self._box.name.lower()
        names = ("anywhere", name, name.replace(" ", "_"), name.rpartition("/")[2])
        here = wanted in names or SPECIAL.get(wanted, "-") == self._box.special_use
        self.named = self.named or here
        return search.All() if here else NOTHING


def _state(value: str) -> Key:
    try:
        return STATES[value.lower()]
    except KeyError:
        raise ConfigError(f"no message is {value[:100]}", advice=f"There are is:{', is:'.join(STATES)}.") from None


def _keyword(value: str) -> Key:
    try:
        return search.HasFlag(next(iter(flag.canonical(["_".join(value.split())]))))
    except (StoreError, StopIteration):
        raise ConfigError(f"{value[:100]!r} is no label", advice="A label is a word of letters and digits.") from None


def _has(value: str) -> Key:
    if value.lower() in ("attachment", "attachments", "file"):
        return search.HasAttachment()
    raise ConfigError(f"has:{value[:100]} is no word of a search", advice="There is has:attachment.")
