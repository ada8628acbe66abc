"""IMAP operations that change mailboxes, and those that hear of changes: RFC 9051 §6.3 and §6.4, RFC 7162, RFC 2177.

Messages are named by UID only: numbers move while one looks away. Nothing here sends a plain EXPUNGE, which would
remove whatever anybody has marked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from posthouse.errors import ConnectionFailed, ImapRefused, LocalProtocolError
from posthouse.imap.answer import Condition, Continue, Fetched, Listed, MailboxStatus, Tagged, Untagged, Vanished
from posthouse.imap.sequence import STAR, SequenceSet
from posthouse.wire.steps import Steps

from .imap import (
    MAX_SET,
    Conversation,
    attempt,
    capability,
    execute,
    list_mailboxes,
    merged,
    next_answer,
    next_response,
    refusal,
    settle,
)
from .special import special_mailbox

DELETED = "\\Deleted"


# -- mailboxes -------------------------------------------------------------------------------------------------------


def create(imap: Conversation, mailbox: str, use: str = "") -> Steps[None]:
    r"""CREATE (RFC 9051 §6.3.4), and subscribe; ``use``: its special use (``\Archive``), where the server notes it."""
    marked = use and "CREATE-SPECIAL-USE" in (yield from capability(imap))
    yield from execute(
        imap, "CREATE", imap.mailbox_name(mailbox), *([b"(USE (%b))" % use.encode("ascii")] if marked else [])
    )
    with contextlib.suppress(ImapRefused):  # whoever shows subscribed mailboxes only, shows this one, too
        yield from execute(imap, "SUBSCRIBE", imap.mailbox_name(mailbox))


def create_special(imap: Conversation, name: str, use: str) -> Steps[str]:
    r"""Make the mailbox for a special use (``\Sent``) that the account lacks, and return its name.

    Courier and others keep all mailboxes below INBOX: there it becomes ``INBOX.Sent``.
    """
    try:
        yield from create(imap, name, use)
    except ImapRefused:
        listed = yield from list_mailboxes(imap)
        made = special_mailbox(listed, use)  # another program was quicker
        if made is not None:
            return made.name
        inbox = next((one for one in listed if one.name == "INBOX"), None)
        if inbox is None or not inbox.delimiter:
            raise
        name = f"INBOX{inbox.delimiter}{name}"
        yield from create(imap, name, use)
    return name


def remove(imap: Conversation, mailbox: str) -> Steps[None]:
    """DELETE a mailbox with all that is in it (RFC 9051 §6.3.5)."""
    yield from execute(imap, "DELETE", imap.mailbox_name(mailbox))


def rename(imap: Conversation, mailbox: str, new: str) -> Steps[None]:
    """RENAME (RFC 9051 §6.3.6), also of those below. Servers leave subscriptions to the old names: they come along."""
    subscribed = yield from _subscribed(imap, mailbox)
    yield from execute(imap, "RENAME", imap.mailbox_name(mailbox), imap.mailbox_name(new))
    for old in subscribed:
        with contextlib.suppress(ImapRefused):
            yield from execute(imap, "SUBSCRIBE", imap.mailbox_name(new + old[len(mailbox) :]))
            if old != "INBOX":  # it stays, and what is below it
                yield from execute(imap, "UNSUBSCRIBE", imap.mailbox_name(old))


def _subscribed(imap: Conversation, mailbox: str) -> Steps[list[str]]:
    """The names that RENAME changes and somebody is subscribed to: LSUB, or what a 4rev2 server has for it."""
    command = "LSUB" if "IMAP4REV1" in (yield from capability(imap)) else "LIST (SUBSCRIBED)"
    try:
        _, responses = yield from execute(imap, command, b'""', imap.mailbox_name(f"{mailbox}*"))
    except ImapRefused:
        return []
    told = [one for one in responses if isinstance(one, Listed)]
    return [
        one.name
        for one in told
        if one.name == mailbox
        or (mailbox != "INBOX" and one.delimiter and one.name.startswith(mailbox + one.delimiter))
    ]


def status(imap: Conversation, mailbox: str, items: Iterable[str] = ("MESSAGES", "UNSEEN")) -> Steps[MailboxStatus]:
    """STATUS (RFC 9051 §6.3.11)."""
    wanted = b"(%b)" % " ".join(items).encode("ascii")
    _, responses = yield from execute(imap, "STATUS", imap.mailbox_name(mailbox), wanted)
    told = [response for response in responses if isinstance(response, MailboxStatus)]
    return told[-1] if told else MailboxStatus(mailbox, {})


# -- messages --------------------------------------------------------------------------------------------------------


def change_flags(
    imap: Conversation, uids: SequenceSet, *, add: Iterable[str] = (), take: Iterable[str] = ()
) -> Steps[None]:
    """STORE: add flags, and take others away (RFC 9051 §6.4.6)."""
    for sign, flags in ((b"+", add), (b"-", take)):
        words = " ".join(flags)
        if words and not words.isascii():
            raise LocalProtocolError(f"{words!r} can't be flags: they are ASCII")
        if words:
            for part in uids.split(MAX_SET):
                yield from execute(
                    imap, "UID STORE", bytes(part), sign + b"FLAGS.SILENT", b"(%b)" % words.encode("ascii")
                )


def copy(imap: Conversation, uids: SequenceSet, mailbox: str) -> Steps[None]:
    """COPY into another mailbox (RFC 9051 §6.4.7)."""
    for part in uids.split(MAX_SET):
        yield from _transfer(imap, "UID COPY", part, mailbox)


def move(imap: Conversation, uids: SequenceSet, mailbox: str) -> Steps[None]:
    """MOVE into another mailbox (RFC 9051 §6.4.8); with an old server a copy, after which the originals are deleted."""
    moves = bool((yield from capability(imap)) & {"MOVE", "IMAP4REV2"})
    for part in uids.split(MAX_SET):
        yield from _transfer(imap, "UID MOVE" if moves else "UID COPY", part, mailbox)
        if not moves:
            yield from delete(imap, part)


def _transfer(imap: Conversation, name: str, uids: SequenceSet, mailbox: str) -> Steps[None]:
    answered, _ = yield from attempt(imap, name, bytes(uids), imap.mailbox_name(mailbox))
    if answered.condition != "OK":
        raise refusal(f"putting messages into {mailbox} was refused", answered)


def delete(imap: Conversation, uids: SequenceSet) -> Steps[bool]:
    """Remove these messages and no others (RFC 9051 §6.4.9, UID EXPUNGE).

    A server without UIDPLUS can't: there they are marked as deleted, and the result is False.
    """
    yield from change_flags(imap, uids, add=[DELETED])
    if not (yield from capability(imap)) & {"UIDPLUS", "IMAP4REV2"}:
        return False
    for part in uids.split(MAX_SET):
        yield from execute(imap, "UID EXPUNGE", bytes(part))
    return True


# -- what has changed ------------------------------------------------------------------------------------------------


def enable_qresync(imap: Conversation) -> Steps[bool]:
    """Have vanished messages told by UID (RFC 7162 §3.2.3); False where the server can't."""
    capabilities = yield from capability(imap)
    if "QRESYNC" in imap.enabled:
        return True
    if "QRESYNC" not in capabilities or "ENABLE" not in capabilities:
        return False
    yield from execute(imap, "ENABLE", b"QRESYNC")
    return "QRESYNC" in imap.enabled


def changed_since(imap: Conversation, modseq: int, *, vanished: bool) -> Steps[tuple[list[Fetched], list[SequenceSet]]]:
    """The messages whose flags changed after ``modseq``, the new ones among them (RFC 7162 §3.1.4.1).

    ``vanished``: and the UIDs of those that are gone since, some of which nobody may have known (§3.2.6).
    """
    modifier = b"(CHANGEDSINCE %d%b)" % (modseq, b" VANISHED" if vanished else b"")
    every = SequenceSet(((1, STAR),))
    _, responses = yield from execute(imap, "UID FETCH", bytes(every), b"(UID FLAGS)", modifier)
    changed: dict[int, Fetched] = {}
    gone = []
    for response in responses:
        if isinstance(response, Fetched) and response.uid is not None:
            known = changed.get(response.uid)
            changed[response.uid] = merged(known, response) if known else response
        elif isinstance(response, Vanished):
            gone.append(response.uids)
    return list(changed.values()), gone


def idle(imap: Conversation, seconds: float) -> Steps[list[Untagged]]:
    """Wait until the server tells something of the selected mailbox, at most ``seconds`` (RFC 2177).

    The result is what it told; empty when the time is over.
    """
    yield from settle(imap)
    sending = imap.command("IDLE")
    yield sending.pieces[0]
    told: list[Untagged] = []
    started = yield from next_answer(imap, sending.tag, told)
    if isinstance(started, Tagged):
        raise refusal("waiting for news was refused", started)
    while not any(map(_is_news, told)):
        response = yield from next_response(imap, seconds)
        if response is None:
            break
        if isinstance(response, Tagged):
            raise ConnectionFailed(f"{imap.server.host} ended the waiting by itself", advice="Try again.")
        if not isinstance(response, Continue):  # some servers repeat it to keep the line alive
            told.append(response)
    yield b"DONE\r\n"
    ended = yield from next_answer(imap, sending.tag, told)
    if not isinstance(ended, Tagged) or ended.condition != "OK":
        raise ConnectionFailed(f"{imap.server.host} does not end the waiting", advice="Try again.")
    return [one for one in told if _is_news(one)]


def poll(imap: Conversation) -> Steps[list[Untagged]]:
    """NOOP: what the server has to tell of the selected mailbox (RFC 9051 §6.1.2)."""
    _, told = yield from execute(imap, "NOOP")
    return [one for one in told if _is_news(one)]


def _is_news(response: Untagged) -> bool:
    """Whether it tells of the mailbox: not "OK Still here", which some servers say every two minutes."""
    return not isinstance(response, Condition)
