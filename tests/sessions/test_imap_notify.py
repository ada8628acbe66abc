"""NOTIFY: RFC 5465. Client 1 is told; client 2 does it, from another session of the same account; Bob (3) is somebody
else."""

from __future__ import annotations

import pytest

from imap_conversation import Conversation
from posthouse.sessions import imap_notify
from posthouse.store import mailbox
from posthouse.store.engine import Tx
from posthouse.store.mailbox import Mailbox
from store_helpers import House

BOB = "bob@example.org"


def test_the_example(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3.1: STATUS of what is watched at once, and then of what comes; FETCH of what comes into the selected one."""
    lists = talk.say("z CREATE Lists/Lemonade", "2")
    assert lists[-1].startswith("z OK")
    talk.run("""
        1: b NOTIFY SET STATUS (selected (MessageNew (uid body.peek[header.fields (subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
        1< * STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY...
        1< * STATUS Lists/Lemonade (MESSAGES 0 UIDNEXT 1 UIDVALIDITY...
        1< b OK NOTIFY completed
        1: c SELECT INBOX
        1< ...
        1< c OK...
        2: d APPEND Lists/Lemonade {3+}
        2: abc
        2< d OK...
        1< * STATUS Lists/Lemonade (UIDNEXT 2 MESSAGES 1)
        2: e APPEND INBOX {21+}
        2: Subject: good morning
        2< e OK...
        1< * 1 EXISTS
        1< * 1 FETCH (UID 1 BODY[HEADER.FIELDS (subject)] {25}
        1< Subject: good morning
        1<
        1< )
        2: f STATUS Archive (MESSAGES)
        2< ...
        2< f OK...
    """)  # noqa: E501


def test_selected_is_told_at_once(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.1, §5.3, §6.1.1: flags with UIDs, and what is gone, without any command."""
    house.fill(inbox, 3)
    talk.run(r"""
        1: a1 NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))
        1< a1 OK...
        1: a2 SELECT INBOX
        1< ...
        1< a2 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 STORE 2 +FLAGS (\Deleted)
        2< ...
        2< b2 OK...
        1< * 2 FETCH (UID 2 FLAGS (\Deleted))
        2: b3 EXPUNGE
        2< * 2 EXPUNGE
        2< b3 OK...
        1< * 2 EXPUNGE
    """)


def test_selected_delayed(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6.1.2: what is gone waits for a command that may tell it; and IDLE is one (§4)."""
    house.fill(inbox, 3, flags=["\\Deleted"])
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
        1: a2 NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge))
        1< a2 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 UID EXPUNGE 1
        2< ...
        2< b2 OK...
        2: b3 APPEND INBOX {3+}
        2: abc
        2< ...
        2< b3 OK...
        1< * 4 EXISTS
        1: a3 FETCH 1 UID
        1< * 1 FETCH (UID 1)
        1< a3 OK...
        1: a4 NOOP
        1< * 1 EXPUNGE
        1< a4 OK...
        1: a5 IDLE
        1< + idling
        2: b4 UID EXPUNGE 2
        2< ...
        2< b4 OK...
        1< * 1 EXPUNGE
        2: b5 STORE 1 +FLAGS (\Seen)
        2< ...
        2< b5 OK...
        1: DONE
        1< a5 OK...
    """)


def test_nothing_is_nothing(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3.1: NOTIFY NONE is silent about the selected mailbox too; what gathers is told when it is wanted again."""
    house.fill(inbox, 2)
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 STORE 1 +FLAGS (\Deleted)
        2< ...
        2< b2 OK...
        1: a2 NOTIFY NONE
        1< * 1 FETCH (FLAGS (\Deleted))
        1< a2 OK...
        2: b3 STORE 2 +FLAGS (\Flagged)
        2< ...
        2< b3 OK...
        1: a3 NOOP
        1< a3 OK NOOP completed
        1: a4 EXPUNGE
        1< * 1 EXPUNGE
        1< ...
        1< a4 OK...
        2: b4 APPEND INBOX {3+}
        2: abc
        2< ...
        2< b4 OK...
        1: a5 NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        1< * 2 EXISTS
        1< a5 OK...
    """)


def test_names_and_subscriptions(talk: Conversation) -> None:
    """§5.4 and §5.5; not what the client does itself."""
    talk.run(r"""
        1: a1 NOTIFY SET (PERSONAL (MailboxName SubscriptionChange))
        1< a1 OK...
        1: a2 CREATE Mine
        1< a2 OK...
        2: b1 CREATE Mine/New
        2< b1 OK...
        1< * LIST (\HasNoChildren) "/" Mine/New
        1< * LIST (\HasChildren) "/" Mine
        2: b2 SUBSCRIBE Mine/New
        2< b2 OK...
        1< * LIST (\HasNoChildren \Subscribed) "/" Mine/New
        2: b3 RENAME Mine Yours
        2< b3 OK...
        1< * LIST (\HasChildren) "/" Yours ("OLDNAME" (Mine))
        1: a3 NOOP
        1< a3 OK...
        2: b4 DELETE Yours/New
        2< b4 OK...
        1< * LIST (\NonExistent \HasNoChildren...
        1< * LIST (\HasNoChildren) "/" Yours
        2: b5 UNSUBSCRIBE Mine/New
        2< b5 OK...
        1< * LIST (\NonExistent \HasNoChildren) "/" Mine/New
        1: a4 DELETE Yours
        1< a4 OK...
        1: a5 NOOP
        1< a5 OK...
    """)


def test_names_in_each_form_that_commands_take(talk: Conversation) -> None:
    """RFC 9051 §5.1: INBOX in any case, and NFC; in filters, and where the client changes something itself."""
    talk.run(r"""
        1: a1 NOTIFY SET (SUBTREE (inbox/s1 e&AwE-x) (MailboxName))
        1< a1 OK...
        1: a2 CREATE inbox/s1
        1< a2 OK...
        1: a3 RENAME inbox/s1 e&AwE-x
        1< a3 OK...
        2: b1 CREATE &AOk-x/below
        2< b1 OK...
        1< * LIST (\HasNoChildren) "/" &AOk-x/below
        1< * LIST (\HasChildren) "/" &AOk-x
        2: b2 CREATE INBOX/s1
        2< b2 OK...
        1< * LIST (\HasNoChildren) "/" INBOX/s1
    """)


def test_flags_elsewhere(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.1: by UNSEEN, and with CONDSTORE by HIGHESTMODSEQ."""
    house.fill(inbox, 2)
    talk.run(rf"""
        1: a1 NOTIFY SET (MAILBOXES (INBOX Nowhere) (MessageNew MessageExpunge FlagChange))
        1< a1 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 STORE 1 +FLAGS (\Seen)
        2< ...
        2< b2 OK...
        1< * STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UNSEEN 1)
        1: a2 ENABLE CONDSTORE
        1< ...
        1< a2 OK...
        1: a3 NOTIFY SET STATUS (MAILBOXES INBOX (MessageNew MessageExpunge FlagChange))
        1< * STATUS INBOX (MESSAGES 2 UIDNEXT 3 UIDVALIDITY {inbox.uidvalidity} HIGHESTMODSEQ...
        1< a3 OK...
        2: b3 STORE 1 +FLAGS (\Flagged)
        2< ...
        2< b3 OK...
        1< * STATUS INBOX (UIDVALIDITY {inbox.uidvalidity} UNSEEN 1 HIGHESTMODSEQ...
    """)


def test_metadata(talk: Conversation) -> None:
    """§5.6 and §5.7."""
    talk.run("""
        1: a1 NOTIFY SET (MAILBOXES INBOX (MailboxMetadataChange ServerMetadataChange))
        1< a1 OK...
        2: b1 SETMETADATA Sent (/private/comment "x")
        2< b1 OK...
        2: b2 SETMETADATA INBOX (/shared/comment "x")
        2< b2 OK...
        1< * METADATA INBOX /shared/comment
        2: b3 SETMETADATA "" (/private/comment "x")
        2< b3 OK...
        1< * METADATA "" /private/comment
    """)


def test_ones_own_metadata(talk: Conversation) -> None:
    """§5: "The server SHOULD omit notifying the client if the event is caused by this client": whenever the store's
    word of it comes."""
    talk.run("""
        1: a1 NOTIFY SET (PERSONAL (MailboxName MailboxMetadataChange))
        1< a1 OK...
        1: a2 CREATE own
        1< a2 OK...
        1: a3 SETMETADATA INBOX (/private/comment "v0")
        1< a3 OK...
        1: a4 DELETE own
        1< a4 OK...
        2: b1 SETMETADATA INBOX (/private/comment "v1")
        2< b1 OK...
        1< * METADATA INBOX /private/comment
    """)


def test_what_others_share(talk: Conversation, house: House) -> None:
    """Rights that come and go are names that come and go (§5.4); letters there are told like one's own."""
    bob = house.account(BOB)
    talk.guests["3"] = bob
    talk.run(rf"""
        1: a1 NOTIFY SET (SUBTREE "Other Users" (MailboxName MessageNew MessageExpunge))
        1< a1 OK...
        3: c1 SETACL INBOX ada@example.org lr
        3< c1 OK...
        1< * LIST (\HasNoChildren) "/" "Other Users/{BOB}/INBOX"
        3: c2 APPEND INBOX {{3+}}
        3: abc
        3< c2 OK...
        1< * STATUS "Other Users/{BOB}/INBOX" (UIDNEXT 2 MESSAGES 1)
        3: c3 DELETEACL INBOX ada@example.org
        3< c3 OK...
        1< * LIST (\NonExistent \HasNoChildren) "/" "Other Users/{BOB}/INBOX"
        3: c4 SETACL INBOX ada@example.org l
        3< c4 OK...
        1< * LIST (\Noselect \HasNoChildren) "/" "Other Users/{BOB}/INBOX"
        1: a2 NOTIFY SET (SUBTREE "Other Users" (MessageNew MessageExpunge))
        1< * LIST (\NoAccess) "/" "Other Users/{BOB}/INBOX"
        1< a2 OK...
    """)


def test_events_that_are_not_known(talk: Conversation) -> None:
    assert talk.say("a1 NOTIFY SET (PERSONAL (AnnotationChange))")[0].startswith("a1 NO [BADEVENT (MessageNew ")
    assert talk.say("a2 NOTIFY SET (PERSONAL (MessageNew))")[0].startswith("a2 BAD")


def test_too_much(talk: Conversation, monkeypatch: pytest.MonkeyPatch) -> None:
    """§5.8, at the beginning and later."""
    monkeypatch.setattr(imap_notify, "MAX_WATCHED", 6)
    talk.run("""
        1: a1 NOTIFY SET (PERSONAL (MailboxName))
        1< a1 OK...
        2: b1 CREATE more
        2< b1 OK...
        1< * LIST (\\HasNoChildren) "/" more
        1< * OK [NOTIFICATIONOVERFLOW] There are too many mailboxes to watch
        2: b2 CREATE more/and/more
        2< b2 OK...
        1: a2 NOOP
        1< a2 OK NOOP completed
        1: a3 NOTIFY SET (PERSONAL (MailboxName))
        1< a3 NO [NOTIFICATIONOVERFLOW]...
    """)


def test_messages_in_mailboxes_that_are_new_or_renamed(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.2, also where the name was made or changed a moment before, and is told of to nobody."""
    archive = house.box(talk.account, "Archive")
    talk.say("a1 NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")

    def change(tx: Tx) -> Mailbox:
        mailbox.rename(tx, talk.account.id, "Archive", "Attic")
        return mailbox.create(tx, talk.account.id, "New")

    new = house.store.run(change)
    house.append(archive)
    house.append(new)
    house.store.run(mailbox.create, talk.account.id, "Empty")
    told = talk.say("a2 NOOP")
    assert told == [
        "* STATUS Attic (UIDNEXT 2 MESSAGES 1)",
        "* STATUS New (UIDNEXT 2 MESSAGES 1)",
        "a2 OK NOOP completed",
    ]


def test_condstore_is_enabled_later(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.2: HIGHESTMODSEQ is told to whoever has enabled CONDSTORE by then."""
    talk.say("a1 NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")
    talk.say("a2 ENABLE CONDSTORE")
    house.append(inbox)
    assert talk.say("a3 NOOP")[0].startswith("* STATUS INBOX (UIDNEXT 2 MESSAGES 1 HIGHESTMODSEQ ")


def test_what_gathered_is_told_before_silence(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§3.1: NOTIFY SET implies NOOP, whatever was wanted before, and whatever is from now on."""
    house.fill(inbox, 2)
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
        1: a2 NOTIFY NONE
        1< a2 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 STORE 1 +FLAGS.SILENT (\Deleted)
        2< b2 OK...
        2: b3 EXPUNGE
        2< ...
        2< b3 OK...
        2: b4 STORE 1 +FLAGS.SILENT (\Seen)
        2< b4 OK...
        1: a3 NOTIFY SET (PERSONAL (MailboxName))
        1< * 1 EXPUNGE
        1< * 1 FETCH (FLAGS (\Seen))
        1< a3 OK...
        2: b5 STORE 1 -FLAGS.SILENT (\Seen)
        2< b5 OK...
        1: a4 NOOP
        1< a4 OK NOOP completed
    """)


def test_flags_and_a_search(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.1: "the FETCH response MUST precede the ESEARCH response"; which precedes EXPUNGE (RFC 5267 §4.3.4)."""
    house.fill(inbox, 3)
    talk.run(r"""
        1: a1 SELECT INBOX
        1< ...
        1< a1 OK...
        1: a2 SEARCH RETURN (UPDATE) UNSEEN
        1< a2 OK...
        2: b1 SELECT INBOX
        2< ...
        2< b1 OK...
        2: b2 STORE 1 +FLAGS.SILENT (\Deleted)
        2< b2 OK...
        2: b3 EXPUNGE
        2< ...
        2< b3 OK...
        2: b4 STORE 2 +FLAGS.SILENT (\Seen)
        2< b4 OK...
        1: a3 NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange))
        1< * 3 FETCH (FLAGS (\Seen))
        1< * ESEARCH (TAG "a2") REMOVEFROM (0 1,3)
        1< * 1 EXPUNGE
        1< a3 OK...
        2: b5 STORE 1 +FLAGS.SILENT (\Seen)
        2< b5 OK...
        1< * 1 FETCH (UID 2 FLAGS (\Seen))
        1< * ESEARCH (TAG "a2") REMOVEFROM (0 1)
    """)
