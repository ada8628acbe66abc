"""CHILDREN: RFC 3348."""

from __future__ import annotations

from imap_conversation import Conversation


def test_example(talk: Conversation) -> None:
    """§4, first example."""
    for name in ("ITEM_1", "ITEM_1/ITEM_1A", "ITEM_2", "ITEM_2/TEST"):
        talk.say(f"c CREATE {name}")
    told = talk.say('A001 LIST "" *')
    assert r'* LIST (\HasNoChildren) "/" INBOX' in told
    assert r'* LIST (\HasChildren) "/" ITEM_1' in told
    assert r'* LIST (\HasNoChildren) "/" ITEM_1/ITEM_1A' in told
    assert r'* LIST (\HasChildren) "/" ITEM_2' in told
    talk.say("d DELETE ITEM_2/TEST")
    assert r'* LIST (\HasNoChildren) "/" ITEM_2' in talk.say('A002 LIST "" ITEM_2')
