"""A house with letters in it, and a look into it from outside."""

from __future__ import annotations

import smtplib

import pytest

from foreign_house import ADA, BOB, ForeignHouse
from live import Live


@pytest.fixture
def house(posthouse: Live) -> ForeignHouse:
    """A server with three letters for Bob."""
    with smtplib.SMTP(posthouse.host, posthouse.port("smtp")) as client:
        for number in range(1, 4):
            client.sendmail(ADA, BOB, f"From: {ADA}\nTo: {BOB}\nSubject: letter {number}\n\nNumber {number}\n")
    return ForeignHouse(posthouse)
