"""MULTISEARCH: RFC 7377 §3, example by example; the mailboxes have other UIDs."""

from __future__ import annotations

import re

from imap_conversation import Conversation
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


def test_examples(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """Two commands at once; what is told names its command, its mailbox and that mailbox's UIDVALIDITY."""
    for name in ("folder1", "folder2", "folder2/banana", "folder2/peach", "folder2/salmon", "folder2/salmon/deep"):
        talk.say(f"c CREATE {name}")
    for name, subjects in (
        ("folder1", ("chad", "x", "chad", "x", "Chad")),
        ("folder2/banana", ("x", "y")),
        ("folder2/peach", ("x",)),
        ("folder2/salmon", ("chad", "x", "chad")),
        ("folder2/salmon/deep", ("chad",)),
    ):
        for subject in subjects:
            house.append(house.box(talk.account, name), raw=letter(subject))
    for name in ("folder2/salmon", "folder2/salmon/deep"):
        house.store.run(mail.store_flags, house.box(talk.account, name).id, mail.ALL, "add", ["\\Seen"])
    told = talk.say(
        b'tag1 ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen\r\n'
        b'tag2 ESEARCH IN (mailboxes "folder1" subtree-one "folder2") subject "chad"\r\n'
    )
    valid = {name: house.box(talk.account, name).uidvalidity for name in ("folder1", "folder2/salmon")}
    assert f'* ESEARCH (TAG "tag1" MAILBOX folder1 UIDVALIDITY {valid["folder1"]}) UID ALL 1:5' in told
    found = [re.sub(r" UIDVALIDITY \d+", "", line) for line in told]
    assert found == [
        '* ESEARCH (TAG "tag1" MAILBOX folder1) UID ALL 1:5',
        '* ESEARCH (TAG "tag1" MAILBOX folder2/banana) UID ALL 1:2',
        '* ESEARCH (TAG "tag1" MAILBOX folder2/peach) UID ALL 1',
        "tag1 OK ESEARCH completed",
        '* ESEARCH (TAG "tag2" MAILBOX folder1) UID ALL 1,3,5',
        '* ESEARCH (TAG "tag2" MAILBOX folder2/salmon) UID ALL 1,3',
        "tag2 OK ESEARCH completed",
    ]


def test_a_portion_at_a_time(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§2.1: ESEARCH in the selected mailbox, by ranges. (The document's "UID ESEARCH" isn't in its grammar: ESEARCH
    is about UIDs as it is, and ranges of UIDs have the word UID before them.)"""
    for number in range(6):
        house.append(inbox, raw=letter(sender="frobozz@example.org" if number % 2 else "a@example.org"))
    valid = f"MAILBOX INBOX UIDVALIDITY {inbox.uidvalidity}"
    talk.run(f"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: tag1 ESEARCH FROM "frobozz" UID 1:3
        1< * ESEARCH (TAG "tag1" {valid}) UID ALL 2
        1< tag1 OK...
        1: tag1 ESEARCH FROM "frobozz" UID 4:6
        1< * ESEARCH (TAG "tag1" {valid}) UID ALL 4,6
        1< tag1 OK...
    """)
