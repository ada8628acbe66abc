"""ID: RFC 2971."""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse import __version__


def test_examples(talk: Conversation) -> None:
    """§3.1, examples: who one is matters to nobody; NIL says nothing."""
    talk.run(f"""
        1: a023 ID ("name" "sodr" "version" "19.34" "vendor" "Pink Floyd Music Limited")
        1< * ID ("name" "Posthouse" "version" "{__version__}")
        1< a023 OK ID completed
        1: a042 ID NIL
        1< * ID ("name" "Posthouse" "version" "{__version__}")
        1< a042 OK ID completed
    """)


def test_limits(talk: Conversation) -> None:
    """§3.3: at most 30 fields, names of at most 30 octets and values of at most 1,024."""
    many = " ".join(f'"f{number}" "v"' for number in range(31))
    for wrong in (
        f"({many})",
        f'("{"n" * 31}" "v")',
        f'("name" "{"v" * 1025}")',
        '("name")',
    ):
        assert talk.say(f"a ID {wrong}")[-1].startswith("a BAD"), wrong
