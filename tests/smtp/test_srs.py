"""SRS: a forwarded sender's address, and whom a report to it is for."""

from __future__ import annotations

import pytest

from posthouse.errors import InvalidMessage
from posthouse.smtp.path import Mailbox, parse_mailbox
from posthouse.smtp.srs import forwarded, is_forwarded, original

KEY, DAY = b"key", 20_000
ANN = parse_mailbox("Ann.Other@far.example")


@pytest.mark.parametrize("address", ["Ann.Other@far.example", '"a b"@far.example', "a=b+c@x.example"])
def test_there_and_back(address: str) -> None:
    sender = parse_mailbox(address)
    there = forwarded(sender, "ours.example", KEY, DAY)
    assert there.domain == "ours.example" and is_forwarded(there.local)
    assert original(there.local, KEY, DAY + 5) == sender
    lowered = original(there.local.lower(), KEY, DAY)
    assert str(lowered).lower() == str(sender).lower(), "servers on the way may change the case"


def test_forwarded_again_the_report_goes_to_the_first_forwarder() -> None:
    first = forwarded(ANN, "one.example", b"one", DAY)
    second = forwarded(first, "two.example", b"two", DAY)
    third = forwarded(second, "three.example", b"three", DAY)
    assert second.local.startswith("SRS1=") and third.local.startswith("SRS1=")
    assert len(third.local) == len(second.local), "it doesn't grow"
    assert original(third.local, b"three", DAY) == first
    assert original(second.local, b"two", DAY) == first
    assert original(first.local, b"one", DAY) == ANN


def test_what_was_not_made_here() -> None:
    there = forwarded(ANN, "ours.example", KEY, DAY).local
    for wrong in (there.replace("far.example", "evil.example"), there.replace("SRS0=", "SRS0=A"), "SRS0=x", "SRS1=a=b"):
        with pytest.raises(InvalidMessage):
            original(wrong, KEY, DAY)
    with pytest.raises(InvalidMessage):
        original(there, b"another", DAY)
    with pytest.raises(InvalidMessage, match="its time is over"):
        original(there, KEY, DAY + 22)
    assert not is_forwarded("srsly") and not is_forwarded("ann")


def test_the_day_goes_round() -> None:
    there = forwarded(ANN, "ours.example", KEY, 1023)
    assert original(there.local, KEY, 1024 + 3) == Mailbox("Ann.Other", "far.example")
