"""NOTIFY: RFC 5465, example by example. Client 1 is told; client 2 does it.

The document's examples have lists of events without the parentheses that its grammar (§8) wants around them, and
MessageNew without MessageExpunge, which §5 forbids: these are refused, and held here as they should be.
"""

from __future__ import annotations

from imap_conversation import Conversation
from posthouse.store.mailbox import Mailbox
from store_helpers import House, letter

MORNING = b"Subject: Re: good morning\r\nFrom: alice@example.org\r\nTo: bob@example.org\r\n\r\nHello.\r\n"


def test_the_conversation_of_section_3_1(talk: Conversation, house: House, inbox: Mailbox) -> None:
    for name in ("Lists", "Lists/Lemonade", "Lists/Im2000", "misc"):
        talk.say(f"c CREATE {name}", "2")
    assert "NOTIFY" in talk.say("c CAPABILITY")[0].split()
    talk.run(r"""
        1: b notify set status (selected MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge) (subtree Lists MessageNew)
        1< b BAD...
        1: b notify set status (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge))
        1< * STATUS Lists (MESSAGES 0 UIDNEXT 1 UIDVALIDITY...
        1< * STATUS Lists/Im2000 (MESSAGES 0 UIDNEXT 1 UIDVALIDITY...
        1< * STATUS Lists/Lemonade (MESSAGES 0 UIDNEXT 1 UIDVALIDITY...
        1< b OK NOTIFY completed
        1: c select inbox
        1< ...
        1< c OK...
        2: d APPEND Lists/Lemonade {3+}
        2: abc
        2< d OK...
        1< * STATUS Lists/Lemonade (UIDNEXT 2 MESSAGES 1)
    """)  # noqa: E501
    house.append(inbox, raw=MORNING)
    told = talk.runner.run(talk.client("1").listen()).decode().split("\r\n")
    assert told == [
        "* 1 EXISTS",
        f"* 1 FETCH (UID 1 BODY[HEADER.FIELDS (from to subject)] {{{len(MORNING) - 8}}}",
        *MORNING.decode().split("\r\n")[:-2],
        ")",
        "",
    ]
    talk.run(r"""
        1: d STATUS misc (UIDVALIDITY UIDNEXT MESSAGES)
        1< * STATUS misc (UIDVALIDITY...
        1< d OK STATUS completed
        1: e notify set (selected (MessageNew (uid body.peek[header.fields (from to subject)]) MessageExpunge)) (subtree Lists (MessageNew MessageExpunge)) (mailboxes misc (MessageNew MessageExpunge))
        1< e OK NOTIFY completed
        2: f APPEND misc {3+}
        2: abc
        2< f OK...
        1< * STATUS misc (UIDNEXT 2 MESSAGES 1)
    """)  # noqa: E501


def test_message_events(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.1 to §5.3: in the selected mailbox and in another one."""
    talk.say("c CREATE misc", "2")
    misc = house.box(talk.account, "misc")
    house.fill(inbox, 3)
    house.fill(misc, 2)
    talk.run(rf"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: a NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) (MAILBOXES misc (MessageNew MessageExpunge FlagChange))
        1< a OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: t STORE 3 +FLAGS ($Junk)
        2< ...
        2< t OK...
        1< * 3 FETCH (UID 3 FLAGS ($Junk))
        2: t STORE 2 +FLAGS.SILENT (\Deleted)
        2< t OK...
        1< * 2 FETCH (UID 2 FLAGS (\Deleted))
        2: t EXPUNGE
        2< ...
        2< t OK...
        1< * 2 EXPUNGE
        2: s SELECT misc
        2< ...
        2< s OK...
        2: t STORE 1 +FLAGS.SILENT (\Seen \Deleted)
        2< t OK...
        1< * STATUS misc (UIDVALIDITY {misc.uidvalidity} UNSEEN 1)
        2: t EXPUNGE
        2< ...
        2< t OK...
        1< * STATUS misc (UIDNEXT 3 MESSAGES 1)
    """)  # noqa: E501


def test_with_qresync(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§5.1, §5.3: VANISHED, and HIGHESTMODSEQ of another mailbox."""
    talk.say("c CREATE misc", "2")
    house.fill(inbox, 2)
    talk.run(r"""
        1: e ENABLE QRESYNC
        1< ...
        1< e OK...
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: a NOTIFY SET (SELECTED (MessageNew MessageExpunge FlagChange)) (MAILBOXES misc (MessageNew MessageExpunge))
        1< a OK...
        2: s SELECT INBOX
        2< ...
        2< s OK...
        2: t STORE 2 +FLAGS.SILENT (\Deleted)
        2< t OK...
        1< * 2 FETCH (UID 2 FLAGS (\Deleted) MODSEQ...
        2: t EXPUNGE
        2< ...
        2< t OK...
        1< * VANISHED 2
        2: t APPEND misc {3+}
        2: abc
        2< t OK...
        1< * STATUS misc (UIDNEXT 2 MESSAGES 1 HIGHESTMODSEQ...
    """)


def test_mailbox_and_user_events(talk: Conversation) -> None:
    """§5.4 to §5.7."""
    talk.run(r"""
        1: a NOTIFY SET (PERSONAL (MailboxName SubscriptionChange MailboxMetadataChange ServerMetadataChange))
        1< a OK...
        2: b CREATE NewMailbox
        2< b OK...
        1< * LIST (\HasNoChildren) "/" NewMailbox
        2: b RENAME NewMailbox Renamed
        2< b OK...
        1< * LIST (\HasNoChildren) "/" Renamed ("OLDNAME" (NewMailbox))
        2: b SUBSCRIBE Renamed
        2< b OK...
        1< * LIST (\HasNoChildren \Subscribed) "/" Renamed
        2: b SETMETADATA INBOX (/shared/comment "x")
        2< b OK...
        1< * METADATA INBOX /shared/comment
        2: b SETMETADATA "" (/private/comment "x")
        2< b OK...
        1< * METADATA "" /private/comment
        2: b UNSUBSCRIBE Renamed
        2< b OK...
        1< * LIST (\HasNoChildren) "/" Renamed
        2: b DELETE Renamed
        2< b OK...
        1< * LIST (\NonExistent \HasNoChildren) "/" Renamed
    """)


def test_which_mailboxes(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§6: groups in one command; the first that has a mailbox counts for it (§3.1)."""
    talk.run(r"""
        1: a notify set (mailboxes INBOX (Messagenew messageExpunge)) (personal (SubscriptionChange))
        1< a OK NOTIFY completed
        2: b APPEND INBOX {3+}
        2: abc
        2< b OK...
        1< * STATUS INBOX (UIDNEXT 2 MESSAGES 1)
        2: b UNSUBSCRIBE Sent
        2< b OK...
        1< * LIST (\HasNoChildren \Sent) "/" Sent
        1: a notify set (selected (Messagenew (uid flags) messageExpunge)) (personal (MessageNew FlagChange MessageExpunge))
        1< a OK NOTIFY completed
        1: s SELECT INBOX
        1< ...
        1< s OK...
        2: b APPEND INBOX (\Flagged) {3+}
        2: abc
        2< b OK...
        1< * 2 EXISTS
        1< * 2 FETCH (UID 2 FLAGS (\Flagged))
        1: a NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (SELECTED-DELAYED (MessageNew MessageExpunge))
        1< a BAD...
        1: a NOTIFY NONE
        1< a OK NOTIFY completed
    """)  # noqa: E501


def test_with_a_search_that_is_kept_up_to_date(talk: Conversation, house: House, inbox: Mailbox) -> None:
    """§7: EXISTS, FETCH, ESEARCH, at once."""
    house.append(inbox, raw=letter("old", sender="boss@example.org"))
    talk.run(r"""
        1: s SELECT INBOX
        1< ...
        1< s OK...
        1: n NOTIFY SET (SELECTED (MessageNew MessageExpunge))
        1< n OK...
        1: a00 SEARCH RETURN (COUNT UPDATE (UID BODY[HEADER.FIELDS (TO FROM SUBJECT)])) FROM "boss"
        1< * ESEARCH (TAG "a00") COUNT 1
        1< a00 OK...
    """)
    house.append(inbox, raw=letter("Re: good morning", sender="myboss@example.org"))
    told = talk.runner.run(talk.client("1").listen()).decode().split("\r\n")
    assert told[0] == "* 2 EXISTS"
    assert told[1].startswith("* 2 FETCH (UID 2 BODY[HEADER.FIELDS (TO FROM SUBJECT)] {")
    assert told[-2] == '* ESEARCH (TAG "a00") ADDTO (0 2)'
    assert house.flags(inbox)[2] == "", "what is told without being asked for sets no flag"
