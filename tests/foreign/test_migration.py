"""A mailbox moves from Dovecot to Posthouse, and back to a second Dovecot mailbox, by mbsync: nothing has changed."""

from __future__ import annotations

import imaplib
import re
from pathlib import Path

import pytest

from dovecot import PASSWORD as DOVE
from dovecot import dovecot
from foreign_house import BOB, PASSWORD, ForeignHouse
from live import Live
from programs import run
from store_helpers import letter

pytestmark = pytest.mark.foreign

# Mailboxes, and in each the flags and the octets of letters.
Mail = dict[str, list[tuple[str, str, bytes]]]
# The line by which mbsync finds its copies again, should it be interrupted; it stays in them.
TUID = re.compile(rb"^X-TUID: .{12}\r\n", re.MULTILINE)
LETTERS = [
    ("INBOX", "", letter("plain")),
    ("INBOX", "\\Seen \\Answered", letter("flags", "x" * 100_000)),
    ("INBOX", "\\Flagged \\Draft", letter("more flags", "Grüße")),
    ("INBOX", "\\Seen", b"Subject: no end of line\r\n\r\nlast"),
    ("INBOX", "", b"Subject: raw \xe4\xf6\xfc\r\nX-Odd : yes\r\n\r\n8-bit \xff\r\n\r\n\r\n"),
    ("Archive/2023/Q4", "\\Seen", letter("deep below")),
    ("Entw&APw-rfe", "\\Draft", letter("a name that isn't ASCII")),
    ("Lists/a & b", "\\Seen", letter("a name that has to be quoted")),
]


def fill(client: imaplib.IMAP4) -> None:
    for number, (mailbox, flags, octets) in enumerate(LETTERS):
        name = quoted(mailbox)
        if mailbox != "INBOX":
            client.create(name)
        date = f'"0{number + 1}-Feb-2003 12:13:14 +0000"'
        assert client.append(name, f"({flags})", date, octets)[0] == "OK"


def quoted(mailbox: str) -> str:
    return '"' + mailbox.replace(" & ", " &- ") + '"'


def everything(client: imaplib.IMAP4) -> Mail:
    """What is in all mailboxes that hold something."""
    mail: Mail = {}
    _, listed = client.list('""', "*")
    for line in listed:
        assert isinstance(line, bytes)
        name = line.decode().partition(' "/" ')[2]
        status, count = client.select(name, readonly=True)
        if status != "OK" or count == [b"0"]:
            continue  # only a level above others
        _, data = client.fetch("1:*", "(FLAGS INTERNALDATE BODY.PEEK[])")
        for one in data:
            if isinstance(one, tuple):
                flags = re.search(rb"FLAGS \(([^)]*)\)", one[0])
                date = re.search(rb'INTERNALDATE "([^"]*)"', one[0])
                assert flags is not None and date is not None
                kept = sorted(flags[1].decode().replace("\\Recent", "").split())
                # A day below ten may be written with a space or a zero (RFC 9051 §9, date-day-fixed).
                received = date[1].decode().strip().rjust(len("01-Feb-2003 12:13:14 +0000"), "0")
                mail.setdefault(name.strip('"'), []).append((" ".join(kept), received, TUID.sub(b"", one[1])))
    return {name: sorted(letters) for name, letters in mail.items()}


def mbsync(folder: Path, far: str, near: str) -> None:
    """Copy everything from one server to the other; afterwards there is nothing left to do."""
    rc = folder / "mbsyncrc"
    rc.write_text(
        f"IMAPAccount far\n{far}\nAuthMechs LOGIN\n\nIMAPStore far\nAccount far\n\n"
        f"IMAPAccount near\n{near}\nAuthMechs LOGIN\n\nIMAPStore near\nAccount near\n\n"
        "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Both\nSync Pull\nCopyArrivalDate yes\n"
        f"SyncState {folder}/state/\n",
        "utf-8",
    )
    for _ in range(2):
        run("mbsync", "-c", str(rc), "all")


def test_there_and_back(posthouse: Live, tmp_path: Path) -> None:
    house = ForeignHouse(posthouse)
    ours = (
        f'Host localhost\nPort {house.port}\nUser {BOB}\nPass "{PASSWORD}"\nSSLType IMAPS\n'
        f"CertificateFile {house.certificate}"
    )
    with dovecot() as port:
        theirs = f"Host 127.0.0.1\nPort {port}\nUser %s\nPass {DOVE}\nSSLType None"
        with imaplib.IMAP4("127.0.0.1", port) as client:
            client.login("before", DOVE)
            fill(client)
            before = everything(client)
        (tmp_path / "there").mkdir()
        mbsync(tmp_path / "there", theirs % "before", ours)
        with imaplib.IMAP4_SSL("localhost", house.port, ssl_context=posthouse.tls) as client:
            client.login(BOB, PASSWORD)
            here = everything(client)
        (tmp_path / "back").mkdir()
        mbsync(tmp_path / "back", ours, theirs % "after")
        with imaplib.IMAP4("127.0.0.1", port) as client:
            client.login("after", DOVE)
            after = everything(client)
    assert sum(map(len, before.values())) == len(LETTERS)
    assert here == before
    assert after == before
