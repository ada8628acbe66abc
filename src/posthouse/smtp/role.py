"""What tells an MX, a submission server and an LMTP server apart, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Role:
    """One of the services that speak SMTP."""

    name: str
    # The protocol's name in the greeting and, with its letters added, in trace lines (RFC 3848).
    protocol: str
    # Verbs of the command table that this service doesn't know.
    without: frozenset[bytes]
    # Whether MAIL is refused before a login (RFC 6409 §4.3).
    login_required: bool
    # Whether the end of the letter is answered for each recipient (RFC 2033 §4.2).
    answers_each_recipient: bool
    # Extensions that are not for this service, whatever stands behind it.
    withholds: frozenset[str] = frozenset()

    @property
    def hello(self) -> str:
        """The verb with which a client begins."""
        return "LHLO" if self.protocol == "LMTP" else "EHLO"


# RFC 4865 §4.2: FUTURERELEASE is for the submission port. RFC 6710 §4.1: strangers are given no priority.
TRUSTED_ONLY = frozenset({"FUTURERELEASE", "MT-PRIORITY"})

SUBMISSION = Role("submission", "ESMTP", frozenset({b"LHLO"}), login_required=True, answers_each_recipient=False)
# Mail programs log in on the SMTP port too: a session that has logged in there becomes a submission.
MX = Role(
    "mx", "ESMTP", frozenset({b"LHLO"}), login_required=False, answers_each_recipient=False, withholds=TRUSTED_ONLY
)
# Programs on this machine: who they are, the kernel tells.
LOCAL = Role("sendmail", "ESMTP", frozenset({b"LHLO"}), login_required=False, answers_each_recipient=False)
# RFC 2033 §4.1: HELO and EHLO are no commands of LMTP.
LMTP = Role(
    "lmtp",
    "LMTP",
    frozenset({b"HELO", b"EHLO"}),
    login_required=False,
    answers_each_recipient=True,
    withholds=TRUSTED_ONLY,
)
