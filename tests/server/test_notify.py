"""IDLE and NOTIFY tell at once of what another process did in the store, over real sockets."""

from __future__ import annotations

import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from live import PASSWORDS, Live

ADA = "ada@example.org"
# A server in a process of its own, over a store that exists already.
SERVE = """
import sys
from pathlib import Path
from posthouse import config
from posthouse.server.app import serving
settings = config.load(Path(sys.argv[1]))
with serving(settings) as server:
    print(server.endpoints["smtp"][0].port, flush=True)
    sys.stdin.read()
"""


class Listener:
    """A client that is told without asking."""

    def __init__(self, house: Live) -> None:
        plain = socket.create_connection((house.host, house.port("imaps")), timeout=20)
        self.socket = house.tls.wrap_socket(plain, server_hostname="localhost")
        self.heard = b""
        self.say(f'a LOGIN {ADA} "{PASSWORDS[ADA]}"', "a OK")

    def say(self, line: str, answer: str) -> None:
        self.socket.sendall(line.encode() + b"\r\n")
        self.until(answer)

    def until(self, wanted: str) -> float:
        """Seconds until a line that begins so has come."""
        began = time.monotonic()
        while b"\r\n" + wanted.encode() not in b"\r\n" + self.heard:
            data = self.socket.recv(65_536)
            assert data, self.heard
            self.heard += data
        self.heard = b""
        return time.monotonic() - began


@pytest.fixture
def other_process(posthouse: Live) -> Iterator[int]:
    """The SMTP port of a second process over the same store."""
    folder = posthouse.config.path.parent
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(posthouse.config.path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    with process:
        yield int(process.stdout.readline())
        process.stdin.close()


def test_new_mail_is_told_across_processes(posthouse: Live, other_process: int) -> None:
    idling, watching = Listener(posthouse), Listener(posthouse)
    idling.say("b SELECT INBOX", "b OK")
    idling.say("c IDLE", "+ idling")
    watching.say("b NOTIFY SET (PERSONAL (MessageNew MessageExpunge))", "b OK")
    with idling.socket, watching.socket:
        for number in (1, 2):
            with smtplib.SMTP("127.0.0.1", other_process) as client:
                client.sendmail(ADA, ADA, f"Subject: {number}\n\nhello\n")
            assert idling.until(f"* {number} EXISTS") < 1
            assert watching.until(f"* STATUS INBOX (UIDNEXT {number + 1} MESSAGES {number})") < 1
