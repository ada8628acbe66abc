"""ESEARCH, a search in several mailboxes: RFC 7377."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.sessions import imap_multisearch
from posthouse.store import mail
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter


@pytest.fixture
def full(talk: Conversation, house: House, inbox: Mailbox) -> Conversation:
    """The mailboxes of the example (§3)."""
    for name in ("folder1", "folder2", "folder2/banana", "folder2/peach", "folder2/salmon", "folder2/salmon/sub"):
        talk.say(f"c CREATE {name}")
    fill(talk, house, "folder1", "chad", "x", "chad", "chad")
    fill(talk, house, "folder2/banana", "x", "y")
    fill(talk, house, "folder2/peach", "z")
    fill(talk, house, "folder2/salmon", "chad", "x", "Re: Chad")
    fill(talk, house, "folder2/salmon/sub", "chad")
    fill(talk, house, "INBOX", "chad", "w", "x", "chad")
    house.store.run(mail.store_flags, house.box(talk.account, "folder2/salmon").id, mail.ALL, "add", ["\\Seen"])
    return talk


def fill(talk: Conversation, house: House, name: str, *subjects: str) -> None:
    for subject in subjects:
        house.append(house.box(talk.account, name), raw=letter(subject))


def told(talk: Conversation, line: str) -> list[str]:
    """What is told, without the beginning that all have, and with names for numbers that change."""
    answers = talk.say(f"tag1 {line}")
    assert answers[-1].startswith("tag1 OK"), answers
    assert all(one.startswith('* ESEARCH (TAG "tag1" MAILBOX ') for one in answers[:-1]), answers
    return [
        one.removeprefix('* ESEARCH (TAG "tag1" MAILBOX ').split(" UIDVALIDITY ")[0] + " " + one.split(") ", 1)[1]
        for one in answers[:-1]
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            'IN (mailboxes "folder1" subtree "folder2") unseen',
            [
                "folder1 UID ALL 1:4",
                "folder2/banana UID ALL 1:2",
                "folder2/peach UID ALL 1",
                "folder2/salmon/sub UID ALL 1",
            ],
        ),
        (
            'IN (mailboxes "folder1" subtree-one "folder2") subject "chad"',
            ["folder1 UID ALL 1,3:4", "folder2/salmon UID ALL 1,3"],
        ),
        ("IN (personal) RETURN (COUNT) SUBJECT x", [
            "INBOX UID COUNT 1", "folder1 UID COUNT 1", "folder2/banana UID COUNT 1", "folder2/salmon UID COUNT 1"]),
        ("IN (mailboxes (folder1 folder1 nowhere)) RETURN (MIN MAX) SUBJECT chad", ["folder1 UID MIN 1 MAX 4"]),
        ("IN (mailboxes folder1) SUBJECT nothing", []),
        ("IN (mailboxes folder1) RETURN (COUNT) SUBJECT nothing", []),
        ("IN (mailboxes folder1) 1:2 SUBJECT chad", ["folder1 UID ALL 1"]),
        ("IN (mailboxes folder1) 3:100 SUBJECT chad", ["folder1 UID ALL 3:4"]),
        ("IN (mailboxes folder1) 101:200", []),
        ("IN (subtree folder2) RETURN (PARTIAL 2:9) ALL", [
            "folder2/banana UID PARTIAL (2:9 2)", "folder2/peach UID PARTIAL (2:9 NIL)",
            "folder2/salmon UID PARTIAL (2:9 2:3)", "folder2/salmon/sub UID PARTIAL (2:9 NIL)"]),
        ("IN (mailboxes folder2/salmon) BODY hello", ["folder2/salmon UID ALL 1:3"]),
        ("IN (mailboxes folder1 mailboxes folder2/peach) CHARSET UTF-8 SUBJECT z", ["folder2/peach UID ALL 1"]),
    ],
)  # fmt: skip
def test_where_and_what(full: Conversation, line: str, found: list[str]) -> None:
    assert told(full, f"ESEARCH {line}") == found
    full.say("s SELECT folder1")
    assert told(full, f"ESEARCH {line}") == found


def test_names_in_each_form_that_commands_take(full: Conversation, house: House) -> None:
    """RFC 9051 §5.1: INBOX in any case, and NFC."""
    for name in ("INBOX/s1", "INBOX/s1/t", "&AOk-x"):
        full.say(f"c CREATE {name}")
    fill(full, house, "INBOX/s1/t", "chad")
    fill(full, house, "\xe9x", "chad")
    assert told(full, 'ESEARCH IN (subtree "inbox/s1" mailboxes "e&AwE-x") subject "chad"') == [
        "INBOX/s1/t UID ALL 1",
        "&AOk-x UID ALL 1",
    ]


def test_in_the_selected_mailbox(full: Conversation) -> None:
    full.say("s SELECT INBOX")
    assert told(full, "ESEARCH SUBJECT chad") == ["INBOX UID ALL 1,4"]
    assert told(full, "ESEARCH IN (selected mailboxes INBOX) SUBJECT chad") == ["INBOX UID ALL 1,4"]
    assert told(full, "ESEARCH RETURN (COUNT) SUBJECT nothing") == []
    assert told(full, "ESEARCH RETURN (SAVE) SUBJECT chad") == []
    assert full.say("a UID SEARCH $")[0] == "* SEARCH 1 4"
    assert told(full, "ESEARCH RETURN (SAVE COUNT) SUBJECT nothing") == []
    assert full.say("a UID SEARCH $")[0] == "* SEARCH"


def test_kept_up_to_date(full: Conversation, house: House) -> None:
    """§2.2: UPDATE applies to the selected mailbox only; §2.1: each ESEARCH names it."""
    full.say("s SELECT INBOX")
    of_inbox = f'* ESEARCH (TAG "u" MAILBOX INBOX UIDVALIDITY {house.box(full.account).uidvalidity}) UID'
    full.run("""
        1: u ESEARCH IN (personal) RETURN (UPDATE) SUBJECT chad
        1< u OK SEARCH completed, changes will be told
    """)
    fill(full, house, "folder1", "chad")
    fill(full, house, "INBOX", "chad")
    assert full.say("n NOOP")[:-1] == ["* 5 EXISTS", f"{of_inbox} ADDTO (0 5)"]
    full.say("d STORE 5 +FLAGS.SILENT (\\Deleted)")
    assert full.say("e EXPUNGE")[:-1] == [f"{of_inbox} REMOVEFROM (0 5)", "* 5 EXPUNGE"]


@pytest.mark.parametrize(
    "line",
    [
        "ESEARCH ALL",
        "ESEARCH IN (selected) ALL",
        "ESEARCH IN (personal) RETURN (UPDATE) ALL",
        "ESEARCH IN (selected-delayed) ALL",
        "ESEARCH IN (mailboxes) ALL",
        "ESEARCH IN () ALL",
        "ESEARCH IN (everywhere) ALL",
    ],
)
def test_without_a_selected_mailbox(full: Conversation, line: str) -> None:
    assert full.say(f"a {line}")[-1].startswith("a BAD")


def test_saving_is_for_the_selected_mailbox(full: Conversation) -> None:
    full.say("s SELECT INBOX")
    assert full.say("a ESEARCH IN (mailboxes folder1) RETURN (SAVE) ALL")[-1].startswith("a BAD")
    assert full.say("a ESEARCH IN (selected personal) RETURN (SAVE) ALL")[-1].startswith("a BAD")


def test_others_mailboxes_need_a_right(full: Conversation, house: House) -> None:
    """§2.2: what may not be read is left out, without a word."""
    ada = "ada@example.org"
    bob = Conversation(house.store, house.account("bob@example.org"))
    fill(bob, house, "INBOX", "chad")
    name = '"Other Users/bob@example.org/INBOX"'
    for rights, count in (('""', 0), ("l", 0), ("r", 1), ("lr", 1)):
        bob.say(f"g SETACL INBOX {ada} {rights}")
        assert len(told(full, f"ESEARCH IN (mailboxes {name}) ALL")) == count
    assert told(full, f"ESEARCH IN (subtree {name}) ALL") == [f"{name} UID ALL 1"]
    bob.close()


def test_there_is_a_limit(full: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_multisearch, "MAX_MAILBOXES", 5)
    assert full.say("a ESEARCH IN (personal) ALL")[-1].startswith("a NO [LIMIT]")
