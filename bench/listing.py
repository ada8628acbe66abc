"""Date, writer and subject of every message of a mailbox, decoded: the client library against others.

    python -m bench listing [--messages 20000] [--rounds 3]

Our own server keeps the mailbox, in a process of its own; every way of asking is a fresh process, so that its memory
can be told. imap_tools and IMAPClient take part if they are installed.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import importlib
import importlib.util
import multiprocessing
import resource
import ssl
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from email.header import decode_header, make_header
from email.utils import parseaddr, parsedate_to_datetime
from multiprocessing.connection import Connection
from pathlib import Path

USER, PASSWORD = "bob@example.org", "geheim"
FIELDS = "BODY.PEEK[HEADER.FIELDS (DATE FROM SUBJECT)]"

Way = Callable[[int, str], int]


def serve(folder: str, count: int, answer: Connection) -> None:
    from live import live
    from posthouse.store import account
    from posthouse.store.engine import Store
    from store_helpers import House, letter

    with live(Path(folder)) as server:
        store = Store.open(server.config.data)
        house = House(store)
        bob = store.look(account.find, USER)
        assert bob is not None
        box = house.box(bob)
        for number in range(count):
            subject = f"=?utf-8?q?Message_=C3=A4?= number {number}"
            house.append(box, raw=letter(subject, body="Hello. " * 400, sender=f"Person {number} <p{number}@x.org>"))
        store.close()
        answer.send((server.port("imaps"), str(server.certificate)))
        answer.recv()


def decoded(headers: bytes) -> tuple[object, str, str]:
    """The three fields, as a careful program reads them with the standard library."""
    message = email.message_from_bytes(headers)
    subject = str(make_header(decode_header(message["Subject"] or "")))
    return (
        parsedate_to_datetime(message["Date"]),
        str(make_header(decode_header(parseaddr(message["From"])[0]))),
        subject,
    )


def imaplib_one_by_one(port: int, certificate: str) -> int:
    import imaplib

    with imaplib.IMAP4_SSL("localhost", port, ssl_context=ssl.create_default_context(cafile=certificate)) as client:
        client.login(USER, PASSWORD)
        client.select("INBOX", readonly=True)
        _, (numbers, *_) = client.search(None, "ALL")
        for number in numbers.split():
            _, data = client.fetch(number, f"({FIELDS})")
            decoded(data[0][1])
        return len(numbers.split())


def imaplib_in_one_go(port: int, certificate: str) -> int:
    import imaplib

    with imaplib.IMAP4_SSL("localhost", port, ssl_context=ssl.create_default_context(cafile=certificate)) as client:
        client.login(USER, PASSWORD)
        client.select("INBOX", readonly=True)
        _, data = client.fetch("1:*", f"(UID FLAGS {FIELDS})")
        return len([decoded(item[1]) for item in data if isinstance(item, tuple)])


def imap_tools(port: int, certificate: str) -> int:
    from imap_tools import MailBox

    context = ssl.create_default_context(cafile=certificate)
    with MailBox("localhost", port, ssl_context=context).login(USER, PASSWORD, "INBOX") as box:
        messages = box.fetch(mark_seen=False, headers_only=True, bulk=500, reverse=True)
        return sum(1 for one in messages if (one.date, one.from_, one.subject))


def imapclient(port: int, certificate: str) -> int:
    from imapclient import IMAPClient

    with IMAPClient("localhost", port, ssl_context=ssl.create_default_context(cafile=certificate)) as client:
        client.login(USER, PASSWORD)
        client.select_folder("INBOX", readonly=True)
        uids = client.search("ALL")
        count = 0
        for start in range(0, len(uids), 500):
            for item in client.fetch(uids[start : start + 500], ["FLAGS", FIELDS]).values():
                decoded(item[b"BODY[HEADER.FIELDS (DATE FROM SUBJECT)]"])
                count += 1
        return count


def posthouse(port: int, certificate: str) -> int:
    from posthouse import ImapClient
    from posthouse.client.summary import ITEMS, summary

    context = ssl.create_default_context(cafile=certificate)
    with ImapClient.connect(f"imaps://localhost:{port}", context=context) as client:
        client.login(USER, PASSWORD)
        client.select("INBOX", read_only=True)
        return sum(1 for one in map(summary, client.newest(ITEMS)) if (one.date, one.sender, one.subject))


WAYS: dict[str, tuple[str, Way]] = {
    "imaplib, one by one": ("imaplib", imaplib_one_by_one),
    "imaplib, in one go": ("imaplib", imaplib_in_one_go),
    "imap_tools, by 500": ("imap_tools", imap_tools),
    "IMAPClient, by 500": ("imapclient", imapclient),
    "posthouse, newest": ("posthouse", posthouse),
}


def measure(name: str, port: int, certificate: str, answer: Connection) -> None:
    """In a process of its own, once what the way needs is loaded."""
    module, way = WAYS[name]
    for needed in (module, "posthouse.client.sync", "posthouse.client.summary")[: 3 if module == "posthouse" else 1]:
        importlib.import_module(needed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.perf_counter()
    count = way(port, certificate)
    seconds = time.perf_counter() - begin
    answer.send((count, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench listing")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    spawn = multiprocessing.get_context("spawn")
    ways = {name: way for name, (module, way) in WAYS.items() if importlib.util.find_spec(module)}
    times: dict[str, list[float]] = {name: [] for name in ways}
    memory: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = spawn.Pipe()
        server = spawn.Process(target=serve, args=(folder, options.messages, theirs))
        server.start()
        port, certificate = ours.recv()
        for _ in range(options.rounds):
            for name in ways:
                reading, writing = spawn.Pipe()
                process = spawn.Process(target=measure, args=(name, port, certificate, writing))
                process.start()
                count, seconds, kilobytes = reading.recv()
                process.join()
                assert count == options.messages, f"{name} found {count}"
                times[name].append(seconds)
                memory[name] = kilobytes
        ours.send("stop")
        server.join()
    base = statistics.median(times["posthouse, newest"])
    print(f"date, writer and subject of {options.messages} messages")
    for name, measured in times.items():
        median = statistics.median(measured)
        more = memory[name] / 1024
        print(f"  {name:<22} {median:>7.2f} s   {median / base:>5.2f} × posthouse   {more:>6.0f} MB more memory")
