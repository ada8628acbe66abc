# DO NOT CHANGE! Generated from src/posthouse/client/aio/mailing.py by tools/unasync.py:
# change that file, then run `make format`.
# ruff: noqa: UP028, C416, RUF100 (there is no `yield from` and no `list` under asyncio)
"""Many letters over one connection: pipelined, as fast as allowed, tried again, and never sent twice."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from posthouse.errors import ConfigError, ConnectionFailed, InvalidMessage, SmtpRefused
from posthouse.smtp.envelope import Envelope

from .. import smtp
from ..ahead import Ahead
from ..journal import Journal
from ..message import Message
from ..receipt import Outcome
from ..smtp import SendResult
from .protocol import SmtpClient

# How often a letter is offered whose recipient was refused for now (4yz), and the seconds between two attempts.
ATTEMPTS = 3
AGAIN_SECONDS = 60.0
# Seconds before each attempt to reach the server again.
BACKOFF = (0.0, 5.0, 30.0)

_RATE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*/\s*(s|sec|second|m|min|minute|h|hour)")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def interval(rate: str | float | None) -> float:
    """Seconds between two letters: ``"20/s"``, ``"100/h"``, or letters a second; 0 without a limit."""
    if rate is None:
        return 0.0
    if isinstance(rate, str):
        match = _RATE.fullmatch(rate.strip().lower())
        letters, seconds = (float(match[1]), _SECONDS[match[2][0]]) if match else (0.0, 1)
    else:
        letters, seconds = float(rate), 1
    if not letters > 0:
        raise ConfigError(f"{rate!r} is no rate", advice='Write it like "20/s", "100/min" or "500/h".')
    return seconds / letters


@dataclass(slots=True)
class Pending:
    """A letter that waits to be sent, to those who haven't got it yet."""

    letter: Message
    recipients: list[str]
    octets: bytes
    envelope: Envelope
    attempt: int = 1
    due: float = 0.0


class Mailing:
    """One run over many letters. ``connect`` makes a connection that is logged in."""

    def __init__(
        self,
        connect: Callable[[], SmtpClient],
        sender: str,
        letters: Iterable[Message],
        *,
        rate: str | float | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> None:
        self._connect = connect
        self._sender = sender
        self._letters = iter(letters)
        self._interval = interval(rate)
        self._journal_path = journal
        self._again: deque[Pending] = deque()
        self._told: deque[Outcome] = deque()
        self._client: SmtpClient | None = None
        self._next_at = 0.0

    def run(self) -> Iterator[Outcome]:
        """Send them; an outcome for each recipient, in no promised order.

        `ConnectionFailed` when the server can't be reached any longer: with a journal the same call goes on later.
        """
        with Journal(self._journal_path) as journal:
            ahead = Ahead(self._pending(journal))
            try:
                while True:
                    while self._told:
                        yield self._told.popleft()
                    present = ahead.take()
                    if present is None and not self._told:
                        if not self._again:
                            break
                        present = self._again.popleft()
                        time.sleep(max(0.0, present.due - time.monotonic()))
                    if present is not None:
                        self._send(present, ahead, journal)
            finally:
                if self._client is not None:
                    self._client.close()

    def _pending(self, journal: Journal) -> Iterator[Pending]:
        """The letters that are such, and that somebody hasn't got."""
        for letter in self._letters:
            try:
                wanted = [one.spec for one in letter.recipients]
                if not wanted:
                    raise InvalidMessage("the letter has no recipient", advice="Name one in To, Cc or Bcc.")
                recipients = []
                for recipient in wanted:
                    if journal.knows(letter, recipient):
                        self._told.append(
                            Outcome(recipient, letter.message_id, True, "it was sent before", earlier=True)
                        )
                    else:
                        recipients.append(recipient)
                if recipients:
                    octets = letter.as_bytes(smtputf8=letter.needs_smtputf8)
                    envelope = smtp.envelope_for(self._sender, recipients, octets)
                    yield Pending(letter, recipients, octets, envelope)
            except InvalidMessage as error:
                named = ", ".join(one.spec for one in letter.recipients)
                self._told.append(Outcome(named, letter.message_id, False, str(error)))

    def _send(self, present: Pending, ahead: Ahead[Pending], journal: Journal) -> None:
        """Offer one letter, again and again if connections break before the server has it."""
        self._wait_for_turn()
        following = None if self._interval else ahead.next
        early = 0 if self._interval else 2  # letters that are composed before it is their turn
        for pause in (*BACKOFF, None):
            try:
                if self._client is None or self._client.closed:
                    self._client = self._connect()
                result = self._client.send_ahead(
                    present.envelope,
                    present.octets,
                    (following.envelope, following.octets) if following else None,
                    lambda: ahead.look(early),
                )
            except (ConnectionFailed, SmtpRefused) as error:
                if isinstance(error, SmtpRefused) and not error.temporary:  # 4yz: busy, when we came or logged in
                    raise
                # 421 is an answer: the server has not taken the letter.
                if isinstance(error, ConnectionFailed) and self._client is not None and self._client.in_doubt:
                    self._client = None
                    self._unsure(present, str(error), journal)
                    return
                self._client = None
                if pause is None:
                    raise
                time.sleep(pause)
            else:
                self._answered(present, result, journal)
                return

    def _wait_for_turn(self) -> None:
        if self._interval:
            now = time.monotonic()
            time.sleep(max(0.0, self._next_at - now))
            self._next_at = max(now, self._next_at) + self._interval

    def _answered(self, pending: Pending, result: SendResult, journal: Journal) -> None:
        ident = pending.letter.message_id
        for recipient in result.accepted:
            journal.note(pending.letter, recipient)
            self._told.append(Outcome(recipient, ident, True, str(result.reply)))
        later = []
        for recipient, reply in result.refused.items():
            if reply.code // 100 == 4 and pending.attempt < ATTEMPTS:
                later.append(recipient)
            else:
                self._told.append(Outcome(recipient, ident, False, str(reply)))
        if later:
            envelope = smtp.envelope_for(self._sender, later, pending.octets)
            due = time.monotonic() + AGAIN_SECONDS
            self._again.append(Pending(pending.letter, later, pending.octets, envelope, pending.attempt + 1, due))

    def _unsure(self, pending: Pending, why: str, journal: Journal) -> None:
        for recipient in pending.recipients:
            journal.note(pending.letter, recipient)
            self._told.append(Outcome(recipient, pending.letter.message_id, False, why, unsure=True))
