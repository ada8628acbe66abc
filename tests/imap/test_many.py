"""NOTIFY (RFC 5465), MULTISEARCH (RFC 7377), CONTEXT (RFC 5267)."""

from __future__ import annotations

import pytest

from imap_session import refused, said
from posthouse.imap.command import (
    CancelUpdate,
    EventGroup,
    MailboxFilter,
    MailboxGroup,
    MultiSearch,
    Notify,
    NotifyEvent,
    SearchOptions,
)
from posthouse.imap.fetch import Attribute
from posthouse.imap.search import HasFlag, InEnvelope, Not

NEW, GONE, CHANGED = NotifyEvent.MESSAGE_NEW, NotifyEvent.MESSAGE_EXPUNGE, NotifyEvent.FLAG_CHANGE
BOTH = frozenset({NEW, GONE})
UNSEEN = Not(HasFlag("\\Seen"))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("NOTIFY NONE", Notify()),
        ("NOTIFY SET (SELECTED (MessageNew MessageExpunge))",
         Notify((EventGroup(MailboxFilter(MailboxGroup.SELECTED), BOTH),))),
        # RFC 5465 §3.1
        ("notify set status (selected (MessageNew (uid envelope) MessageExpunge flagchange)) "
         '(subtree Lists (MessageNew MessageExpunge)) (mailboxes ("a b" inbox) NONE) (personal (MailboxName))',
         Notify((
             EventGroup(MailboxFilter(MailboxGroup.SELECTED), BOTH | {CHANGED}, (Attribute.UID, Attribute.ENVELOPE)),
             EventGroup(MailboxFilter(MailboxGroup.SUBTREE, ("Lists",)), BOTH),
             EventGroup(MailboxFilter(MailboxGroup.MAILBOXES, ("a b", "INBOX")), frozenset()),
             EventGroup(MailboxFilter(MailboxGroup.PERSONAL), frozenset({NotifyEvent.MAILBOX_NAME})),
         ), status=True)),
        # RFC 7377 §2.4
        ('ESEARCH IN (mailboxes "folder1" subtree "folder2") unseen',
         MultiSearch((MailboxFilter(MailboxGroup.MAILBOXES, ("folder1",)),
                      MailboxFilter(MailboxGroup.SUBTREE, ("folder2",))),
                     UNSEEN, SearchOptions(every=True))),
        ('ESEARCH IN (selected subtree-one (a b)) RETURN (COUNT) SUBJECT "x"',
         MultiSearch((MailboxFilter(MailboxGroup.SELECTED), MailboxFilter(MailboxGroup.SUBTREE_ONE, ("a", "b"))),
                     InEnvelope("SUBJECT", "x"), SearchOptions(count=True))),
        ("ESEARCH UNSEEN", MultiSearch((), UNSEEN, SearchOptions(every=True))),
        ('CANCELUPDATE "A1" "A2"', CancelUpdate(("A1", "A2"))),
    ],
)  # fmt: skip
def test_commands(line: str, command: object) -> None:
    assert said(line) == command


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("NOTIFY", "BAD NOTIFY:..."),
        ("NOTIFY SET", "BAD NOTIFY:..."),
        ("NOTIFY SET STATUS", "BAD NOTIFY:..."),
        ("NOTIFY SET (FOO NONE)", "BAD NOTIFY: expected which mailboxes (SELECTED..."),
        ("NOTIFY SET (INBOXES ())", "BAD NOTIFY: expected..."),
        (
            "NOTIFY SET (INBOXES (AnnotationChange))",
            "NO [BADEVENT (MessageNew MessageExpunge FlagChange...",
        ),
        ("NOTIFY SET (INBOXES (MessageNew))", "BAD NOTIFY: MessageNew and MessageExpunge go together..."),
        ("NOTIFY SET (INBOXES (FlagChange))", "BAD NOTIFY: MessageNew and MessageExpunge go together..."),
        ("NOTIFY SET (SELECTED (MailboxName))", "BAD NOTIFY: of the selected mailbox only message events..."),
        ("NOTIFY SET (INBOXES (MessageNew (UID) MessageExpunge))", "BAD NOTIFY: new messages are fetched in the..."),
        ("NOTIFY SET (SELECTED NONE) (SELECTED-DELAYED NONE)", "BAD NOTIFY: only one group..."),
        ("NOTIFY SET (MAILBOXES () NONE)", "BAD NOTIFY:..."),
        ("NOTIFY SET " + "(INBOXES NONE) " * 100 + "(INBOXES NONE)", "BAD NOTIFY: NOTIFY takes at most 100 groups"),
        ("ESEARCH IN () ALL", "BAD ESEARCH:..."),
        ("ESEARCH IN (SELECTED-DELAYED) ALL", "BAD ESEARCH: SELECTED-DELAYED is for NOTIFY..."),
        ("ESEARCH IN (INBOXES)", "BAD ESEARCH:..."),
        ("ESEARCH", "BAD ESEARCH:..."),
        ("CANCELUPDATE", "BAD CANCELUPDATE:..."),
        ("CANCELUPDATE A1", "BAD CANCELUPDATE:..."),
        ("CANCELUPDATE" + ' "a"' * 101, "BAD CANCELUPDATE: CANCELUPDATE takes at most 100..."),
    ],
)
def test_malformed(line: str, answer: str) -> None:
    refused(line, answer)
