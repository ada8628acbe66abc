"""What threads are made of: message ids (RFC 5322 §3.6.4) and the base subject (RFC 5256 §2.1)."""

from __future__ import annotations

import re

from .header import Headers

# Ids of one letter that are kept: the first (the thread's beginning) and the last (its way to here). Real References
# of the longest discussions have a few hundred; each mail program may cut them, too.
MAX_REFERENCES = 200
# A base subject is read from so many characters: subjects are lines.
MAX_SUBJECT = 1_000
# An id may fill a line (RFC 5322 §2.1.1); a longer one identifies nothing.
MAX_ID = 998

_MESSAGE_ID = re.compile(r"<[^<>]{1,998}>")
_BLANKS = re.compile(r"\s+")

_SUBJECT_BLANKS = re.compile(r"[ \t]+")
# subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":";  subj-blob = "[" *BLOBCHAR "]" *WSP
_REFWD = re.compile(r"(?:\[[^\[\]]*\][ \t]*)*(?:re|fwd?)[ \t]*(?:\[[^\[\]]*\][ \t]*)?:[ \t]*", re.IGNORECASE)
_BLOB = re.compile(r"\[[^\[\]]*\][ \t]*(?=\S)")


def message_ids(value: str) -> list[str]:
    """The ids in a Message-ID, In-Reply-To or References field, with their angle brackets; blanks inside are dropped.

    A field without angle brackets is taken for one bare id if it is one word with an "@": "none" is no id that letters
    could have in common.
    """
    found: list[str] = _MESSAGE_ID.findall(value)
    if found:
        return [_BLANKS.sub("", one) if " " in one else one for one in found]
    word = value.strip(" <>")
    if "@" in word and len(word) <= MAX_ID and not _BLANKS.search(word):
        return [f"<{word}>"]
    return []


def id_field(fields: Headers, name: bytes) -> tuple[str, ...]:
    """The ids in the header field ``name`` (lower case): where there are too many, the first and the last of them."""
    return ids(fields.raw_text(name))


def ids(value: str | None) -> tuple[str, ...]:
    """The same of a field by ``header.raw_text``, or of None."""
    if value is None:
        return ()
    found = message_ids(value)
    # Twice the same one stays: the last is what is answered, wherever else it stands (RFC 5256 §3, REFERENCES (1)).
    if len(found) > MAX_REFERENCES:
        found = list(dict.fromkeys(found))
    if len(found) > MAX_REFERENCES:
        found = [found[0], *found[1 - MAX_REFERENCES :]]
    return tuple(found)


def base_subject(subject: str) -> tuple[str, bool]:
    """The base subject, and whether the letter is an answer or forwarded, by its subject (RFC 5256 §2.1)."""
    text = subject[:MAX_SUBJECT]
    if "  " in text or "\t" in text:
        text = _SUBJECT_BLANKS.sub(" ", text)  # (1)
    is_reply = False
    while True:
        text = text.strip(" ")
        while text[-5:].lower() == "(fwd)":  # (2)
            text = text[:-5].rstrip(" ")
            is_reply = True
        while True:
            if leader := _REFWD.match(text):  # (3)
                text = text[leader.end() :]
                is_reply = True
            elif blob := _BLOB.match(text):  # (4): "if removal leaves a non-empty subj-base"
                text = text[blob.end() :]
            else:
                break  # (5)
        if text[:5].lower() == "[fwd:" and text.endswith("]"):  # (6)
            text = text[5:-1]
            is_reply = True
        else:
            return text, is_reply
