"""text/plain; format=flowed (RFC 3676): lines that a sender's program broke are paragraphs again.

A line that ends in a blank flows into the next one of the same quoting depth. The signature's separator ``-- `` is a
line of its own (§4.3).
"""

from __future__ import annotations

import re

# One line: its quote marks, a blank that is no part of it (§4.4: stuffing; §4.5: between marks and text), its text.
_LINE = re.compile(r"^(>*) ?([^\n]*)", re.MULTILINE)
_STUFFED = re.compile(r"^ ", re.MULTILINE)
_SIGNATURE = "-- "


def unflow(text: str, *, delsp: bool = False) -> str:
    """``text`` (with ``\\n`` line ends) with soft line breaks undone and space-stuffing removed.

    ``delsp`` is the parameter DelSp=yes: the blank that marks a soft break is no part of the text (§4.1).
    """
    if " \n" not in text and not text.endswith(" "):  # nothing flows
        return _STUFFED.sub("", text) if " " in text else text
    lines: list[str] = []
    pieces: list[str] = []  # of the paragraph that is still flowing
    flowing = ""  # its quote marks
    for marks, line in _LINE.findall(text):
        if pieces and (marks != flowing or line == _SIGNATURE):  # §4.5: "improperly flowed": it ends all the same
            lines.append(_quoted(flowing, pieces))
            pieces = []
        if line[-1:] == " " and line != _SIGNATURE:
            pieces.append(line[:-1] if delsp else line)
            flowing = marks
        elif pieces:
            lines.append(_quoted(marks, [*pieces, line]))
            pieces = []
        else:
            lines.append(f"{marks} {line}" if marks else line)
    if pieces:
        lines.append(_quoted(flowing, pieces))
    return "\n".join(lines)


def _quoted(marks: str, pieces: list[str]) -> str:
    line = "".join(pieces)
    return f"{marks} {line}" if marks else line
