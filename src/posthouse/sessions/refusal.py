"""What an SMTP peer is told of an error of the store."""

from __future__ import annotations

import logging

from posthouse.errors import InvalidMessage, NotFound, OverQuota, StoreError, StoreFull, sentence
from posthouse.smtp import reply
from posthouse.smtp.reply import Reply

log = logging.getLogger("posthouse.smtp")


def refusal(error: StoreError | InvalidMessage) -> Reply:
    """The reply; the log has the rest."""
    if isinstance(error, InvalidMessage):
        return Reply(554, "5.6.0", sentence(error))
    if isinstance(error, NotFound):
        return reply.NO_SUCH_MAILBOX
    if isinstance(error, OverQuota):  # the log of letters has it
        return reply.MAILBOX_TOO_SMALL if error.never else reply.MAILBOX_FULL
    log.error("the store refused a letter: %s (%s)", error, error.__cause__)
    return reply.NO_SPACE if isinstance(error, StoreFull) else reply.LOCAL_ERROR
