"""Tidying up: what is done to conversations, one or many, and undone.

A form names them as ``pick``: the thread and the mailbox in which it was seen, ``17-3``. Where letters are moved, those
go that lie in that mailbox: an answer of one's own stays in Sent. Flags are set on all letters of the conversation that
are seen from there. The same form works without a script: then the answer leads back to the page, which offers to undo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response

from posthouse.errors import NotFound
from posthouse.store import conversation, flag, mail, mailbox
from posthouse.store.conversation import Placed
from posthouse.store.mailbox import Mailbox

from . import page, undo
from .login import back_to
from .problem import Problem
from .undo import Step

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from posthouse.store.engine import Tx

    from .visit import Visit

PICK = re.compile(r"(\d{1,18})-(\d{1,18})")
# Conversations of one form; a page has 50, a person may have scrolled through some of them.
MAX_PICKS = 1_000
# Where letters go when nobody names a mailbox, and what it is called where there is none yet.
PLACES = {"archive": ("\\Archive", "Archive"), "trash": ("\\Trash", "Trash"), "spam": ("\\Junk", "Junk")}
KEYWORD_LENGTH = 50


@dataclass(slots=True)
class Done:
    """What was done: in words, how it is undone, and which conversations are no longer where they were seen."""

    words: str
    steps: list[Step] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    boxes: list[Mailbox] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Picked:
    """A conversation that a form names; where its letters lie, as seen from the mailbox."""

    text: str
    mailbox_id: int
    everywhere: Sequence[Placed]

    @property
    def here(self) -> list[Placed]:
        """Its letters in the mailbox where it was seen."""
        return [placed for placed in self.everywhere if placed.mailbox_id == self.mailbox_id]


async def act(visit: Visit) -> Response:
    """Do what a form asks for."""
    form = await visit.form()
    done = await visit.write(_act, visit.account.id, form)
    return _answer(visit, form, done)


async def take_back(visit: Visit) -> Response:
    """Undo what a token tells."""
    form = await visit.form()
    steps, words = undo.read(str(form.get("undo", "")), visit.csrf, visit.now)
    boxes = await visit.write(_take_back, visit.account.id, steps)
    return _answer(visit, form, Done(f"Undone: {words[:1].lower()}{words[1:]}", boxes=boxes))


def _take_back(tx: Tx, account_id: int, steps: list[Step]) -> list[Mailbox]:
    undo.take_back(tx, account_id, steps)
    return mailbox.list_all(tx, account_id)


def _answer(visit: Visit, form: FormData, done: Done) -> Response:
    token = undo.write(done.steps, done.words, visit.csrf, visit.now) if done.steps else ""
    if visit.wants_part:
        counts = {str(box.id): page.count(box) for box in done.boxes}
        return JSONResponse({"words": done.words, "undo": token, "gone": done.gone, "counts": counts})
    back = back_to(str(form.get("back", "")))
    if token and len(token) <= undo.LONGEST_IN_PATH:
        back += ("&" if "?" in back else "?") + urlencode({"undo": token})
    return RedirectResponse(back, 303)


# -- the actions ---------------------------------------------------------------------------------------------------


def _act(tx: Tx, account_id: int, form: FormData) -> Done:
    """Errors: Problem, NotFound, StoreError."""
    star = form.get("star")  # of one row, whatever else is chosen
    picked = _picked(tx, account_id, [str(one) for one in ([star] if star else form.getlist("pick"))])
    if star:
        done = _star(tx, picked)
    elif target := form.get("to"):
        done = _move(tx, picked, _own(tx, account_id, str(target)), "Moved {} to {}")
    elif label := form.get("label"):
        done = _label(tx, picked, str(label))
    else:
        what = str(form.get("do", ""))
        if what not in ACTIONS:
            raise Problem(
                400, "nothing was chosen to be done", advice="Choose conversations, then what to do with them."
            )
        done = ACTIONS[what](tx, account_id, picked)
    done.boxes = mailbox.list_all(tx, account_id)
    return done


def _picked(tx: Tx, account_id: int, texts: list[str]) -> list[Picked]:
    """The conversations of a form; those that somebody has moved away meanwhile are left out."""
    if not texts:
        raise Problem(400, "no conversation is chosen", advice="Mark some with the box in front of them.")
    if len(texts) > MAX_PICKS:
        raise Problem(400, f"more than {MAX_PICKS} conversations are chosen", advice="Take some at a time.")
    own = {box.id for box in mailbox.list_all(tx, account_id)}
    found = []
    for text in dict.fromkeys(texts):
        match = PICK.fullmatch(text)
        if match is None or int(match[2]) not in own:
            continue
        if placed := conversation.placements(tx, account_id, int(match[1]), int(match[2])):
            found.append(Picked(text, int(match[2]), placed))
    if not found:
        raise Problem(409, "these letters are no longer there", advice="Another program of yours has moved them.")
    return found


def _flag(tx: Tx, picked: list[Picked], words: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()) -> Done:
    """Set and take flags on all letters of these conversations."""
    done = Done(words.format(_count(picked)))
    placements = [placed for one in picked for placed in one.everywhere]
    _set_flags(tx, done, placements, "add", add)
    _set_flags(tx, done, placements, "remove", remove)
    return done


def _set_flags(tx: Tx, done: Done, placements: Sequence[Placed], op: str, flags: Sequence[str]) -> None:
    """Where it makes a difference, with the step back."""
    for name in flags:
        by_mailbox: dict[int, list[int]] = {}
        for placed in placements:
            has = name.lower() in {one.lower() for one in placed.flags}
            if has != (op == "add"):
                by_mailbox.setdefault(placed.mailbox_id, []).append(placed.uid)
        for mailbox_id, uids in by_mailbox.items():
            ranges = undo.spans(uids)
            mail.store_flags(tx, mailbox_id, ranges, "add" if op == "add" else "remove", [name])
            done.steps.append(Step(mailbox_id, ranges, "remove" if op == "add" else "add", (name,)))


def _star(tx: Tx, picked: list[Picked]) -> Done:
    """The other way round: a star for the newest letter, or none for any."""
    if any("\\Flagged" in placed.flags for one in picked for placed in one.everywhere):
        return _flag(tx, picked, "Took the star from {}", remove=["\\Flagged"])
    return _starred(tx, 0, picked)


def _starred(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    done = Done(f"Starred {_count(picked)}")
    newest = [max(one.here or one.everywhere, key=lambda placed: placed.uid) for one in picked]
    _set_flags(tx, done, newest, "add", ["\\Flagged"])
    return done


def _unread(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    """The newest letter that somebody else wrote is unread again, so that the conversation is."""
    done = Done(f"Marked {_count(picked)} as unread")
    newest = [max(one.here or one.everywhere, key=lambda placed: placed.uid) for one in picked]
    _set_flags(tx, done, newest, "remove", ["\\Seen"])
    return done


def _move(tx: Tx, picked: list[Picked], target: Mailbox, words: str) -> Done:
    """What lies in the mailbox where it was seen goes to another."""
    done = Done(words.format(_count(picked), page.title(target)))
    by_mailbox: dict[int, list[int]] = {}
    for one in picked:
        if one.mailbox_id != target.id:
            by_mailbox.setdefault(one.mailbox_id, []).extend(placed.uid for placed in one.here)
            done.gone.append(one.text)
    for mailbox_id, uids in by_mailbox.items():
        moved = mail.move(tx, mailbox_id, undo.spans(uids), target.id)
        if moved.target:
            done.steps.append(Step(target.id, undo.spans(moved.target), "move", target=mailbox_id))
    return done


def _moved(what: str, words: str) -> Callable[[Tx, int, list[Picked]], Done]:
    def do(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
        return _move(tx, picked, mailbox.for_use(tx, account_id, *PLACES[what]), words)

    return do


def _spam(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    """To Junk, with the keywords by which filters learn (IANA's registry of IMAP keywords)."""
    done = _move(tx, picked, mailbox.for_use(tx, account_id, *PLACES["spam"]), "Marked {} as spam")
    return _judged(tx, done, "$Junk", "$NotJunk")


def _no_spam(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    done = _move(tx, picked, mailbox.existing(tx, account_id, "INBOX"), "{}: not spam, back in {}")
    return _judged(tx, done, "$NotJunk", "$Junk")


def _judged(tx: Tx, done: Done, keyword: str, opposite: str) -> Done:
    """Mark what was just moved, where it is now."""
    placements = [
        Placed(step.mailbox_id, uid, 0, flag.parse(line), "")
        for step in done.steps
        for uid, line in mail.fetch(tx, step.mailbox_id, step.ranges, ("flags",))
    ]
    _set_flags(tx, done, placements, "add", [keyword])
    _set_flags(tx, done, placements, "remove", [opposite])
    return done


def _to_inbox(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    return _move(tx, picked, mailbox.existing(tx, account_id, "INBOX"), "Moved {} to the {}")


def _delete(tx: Tx, account_id: int, picked: list[Picked]) -> Done:
    """For good: from Trash or Junk only, and there is no way back."""
    specials = {box.id: box.special_use for box in mailbox.list_all(tx, account_id)}
    if any(specials[one.mailbox_id] not in conversation.HIDDEN for one in picked):
        raise Problem(409, "only what lies in Trash or Junk is deleted for good", advice="Move it to Trash first.")
    done = Done(f"Deleted {_count(picked)} for good")
    for one in picked:
        mail.remove(tx, one.mailbox_id, undo.spans([placed.uid for placed in one.here]))
        done.gone.append(one.text)
    return done


def _label(tx: Tx, picked: list[Picked], name: str) -> Done:
    """Every conversation gets the keyword; if all have it, none has it any longer."""
    keyword = "_".join(name.split())[:KEYWORD_LENGTH]
    if not keyword or keyword.startswith(("\\", "$")):
        raise Problem(400, "a label is a word", advice="Write one of letters and digits.")
    shown = keyword.replace("_", " ")
    if all(any(_has(placed, keyword) for placed in one.everywhere) for one in picked):
        return _flag(tx, picked, f"Took the label {_quoted(shown)} from {{}}", remove=[keyword])
    return _flag(tx, picked, f"Labelled {{}} {_quoted(shown)}", add=[keyword])


def _has(placed: Placed, keyword: str) -> bool:
    return keyword.lower() in {one.lower() for one in placed.flags}


def _quoted(text: str) -> str:
    """For a format string."""
    return "“" + text.replace("{", "{{").replace("}", "}}") + "”"


Action = Callable[["Tx", int, list[Picked]], Done]
ACTIONS: dict[str, Action] = {
    "read": lambda tx, _, picked: _flag(tx, picked, "Marked {} as read", add=["\\Seen"]),
    "unread": _unread,
    "star": _starred,
    "unstar": lambda tx, _, picked: _flag(tx, picked, "Took the star from {}", remove=["\\Flagged"]),
    "archive": _moved("archive", "Archived {}"),
    "trash": _moved("trash", "Moved {} to Trash"),
    "spam": _spam,
    "nospam": _no_spam,
    "inbox": _to_inbox,
    "delete": _delete,
}


def _own(tx: Tx, account_id: int, text: str) -> Mailbox:
    """The account's mailbox with this id. Errors: NotFound."""
    for box in mailbox.list_all(tx, account_id):
        if str(box.id) == text:
            return box
    raise NotFound("there is no such mailbox")


def _count(picked: Sequence[Picked]) -> str:
    return "1 conversation" if len(picked) == 1 else f"{len(picked)} conversations"
