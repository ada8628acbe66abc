"""The client library and its peers on the same work, in one run, in turn; medians and ratios.

    python -m bench library [--only listing,sending,postfix] [--messages 20000] [--letters 2000] [--delay 20]

listing: the subjects of a mailbox, decoded, from Dovecot (Debian's dovecot-imapd) and from Posthouse, without TLS. Each
way of asking is a process of its own, so that its memory can be told; all of them must find the same subjects.

sending: letters over one connection to Postfix's smtp-sink, which takes everything and keeps nothing; directly, and
over a line with so many milliseconds from one end to the other and back. Before it counts, each way sends some to a
sink that compares what arrives. postfix: the same to a real Postfix, which queues each letter and throws it away: most
of the time is Postfix's, whoever sends.

The peers are a dependency group: pip install --group bench. Who isn't there doesn't take part.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email
import importlib.util
import multiprocessing.pool
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP
from multiprocessing.connection import Connection
from pathlib import Path

from postfix import postfix

from .imap import DOVECOT, USER, Server, dovecot, free_port, letters, posthouse

# -- listing ---------------------------------------------------------------------------------------------------------

SUBJECT = "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"


def decoded(header: bytes) -> str:
    """The subject, as a careful program reads it with the standard library."""
    return str(make_header(decode_header(email.message_from_bytes(header)["Subject"] or "")))


def imaplib_one_by_one(port: int, password: str) -> Iterator[str]:
    import imaplib

    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(USER, password)
        client.select("INBOX", readonly=True)
        _, (numbers, *_) = client.search(None, "ALL")
        for number in numbers.split():
            _, data = client.fetch(number, f"({SUBJECT})")
            yield decoded(data[0][1])


def imap_tools(port: int, password: str) -> Iterator[str]:
    from imap_tools import MailBoxUnencrypted

    with MailBoxUnencrypted("127.0.0.1", port).login(USER, password, "INBOX") as box:
        for one in box.fetch(mark_seen=False, headers_only=True, bulk=500, reverse=True):
            yield one.subject


def by_500(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (uids[start : start + 500] for start in range(0, len(uids), 500))


def imapclient_envelopes(port: int, password: str) -> Iterator[str]:
    from imapclient import IMAPClient

    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login(USER, password)
        client.select_folder("INBOX", readonly=True)
        for some in by_500(client.search("ALL")):
            for told in client.fetch(some, ["ENVELOPE"]).values():
                yield str(make_header(decode_header((told[b"ENVELOPE"].subject or b"").decode("utf-8", "replace"))))


def imapclient_subjects(port: int, password: str) -> Iterator[str]:
    from imapclient import IMAPClient

    with IMAPClient("127.0.0.1", port, ssl=False) as client:
        client.login(USER, password)
        client.select_folder("INBOX", readonly=True)
        for some in by_500(client.search("ALL")):
            for told in client.fetch(some, [SUBJECT]).values():
                yield decoded(told[b"BODY[HEADER.FIELDS (SUBJECT)]"])


def ours(port: int, password: str) -> Iterator[str]:
    from posthouse import Account

    place = f"imap://127.0.0.1:{port}?tls=none"
    with Account(USER, password=password, imap=place, smtp="smtp://127.0.0.1:1?tls=none").open() as box:
        for mail in box.inbox:
            yield mail.subject


OURS = "posthouse"
LISTING: dict[str, tuple[str, Callable[[int, str], Iterator[str]]]] = {
    "imaplib, one by one": ("imaplib", imaplib_one_by_one),
    "imap_tools, by 500": ("imap_tools", imap_tools),
    "IMAPClient, by 500, ENVELOPE": ("imapclient", imapclient_envelopes),
    "IMAPClient, by 500, Subject": ("imapclient", imapclient_subjects),
    OURS: ("posthouse.client.sync", ours),
}


def list_subjects(name: str, port: int, password: str, limit: int, answer: Connection) -> None:
    """In a process of its own, once what the way needs is loaded. The subjects are told by a sum, whatever their order:
    a list of them would be the memory that counts."""
    module, way = LISTING[name]
    importlib.import_module(module)
    began, used = time.perf_counter(), time.process_time()
    before = peak()
    count = total = 0
    for count, subject in enumerate(way(port, password), 1):
        total += zlib.crc32(subject.encode())
        if count == limit:
            break
    answer.send((count, total, time.perf_counter() - began, time.process_time() - used, peak() - before, peak()))


def peak() -> float:
    """The most memory that this program ever had, in MB. Not ru_maxrss: Linux hands that on to a process's children."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def asked(name: str, server: Server, limit: int = 0) -> tuple[int, int, float, float, float, float]:
    spawn = multiprocessing.get_context("spawn")
    reading, writing = spawn.Pipe()
    process = spawn.Process(target=list_subjects, args=(name, server.port, server.password, limit, writing))
    process.start()
    writing.close()
    found: tuple[int, int, float, float, float, float] = reading.recv()
    process.join()
    return found


def listing(options: argparse.Namespace) -> None:
    if not DOVECOT.exists():
        sys.exit("Dovecot isn't here: apt-get install dovecot-imapd dovecot-lmtpd")
    names = [name for name, (module, _) in LISTING.items() if importlib.util.find_spec(module.partition(".")[0])]
    subjects = (email.message_from_bytes(one.octets.split(b"\r\n\r\n")[0]) for one in letters(options.messages))
    right = options.messages, sum(zlib.crc32(decoded(bytes(one)).encode()) for one in subjects)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        for start in (dovecot, posthouse):
            server = stack.enter_context(start(folder / start.__name__, options.messages))
            asked(OURS, server)  # what was never listed is read once
            took: dict[str, list[float]] = {one: [] for one in names}
            cpu: dict[str, list[float]] = {one: [] for one in names}
            memory: dict[str, str] = {}
            for _ in range(options.rounds):
                for one in names:
                    count, total, seconds, used, more, most = asked(one, server)
                    assert (count, total) == right, f"{one} found {count} messages, or other subjects"
                    took[one].append(seconds)
                    cpu[one].append(used)
                    memory[one] = f"{more:4.0f} MB more, {most:4.0f} in all"
            *_, more, _ = asked(OURS, server, options.messages // 10)
            print(f"the subjects of {options.messages} messages, from {server.name}")
            tell(took, lambda one: f"   CPU {statistics.median(cpu[one]):6.2f} s   {memory[one]}")  # noqa: B023
            print(f"  a tenth of them takes {OURS} {more:.0f} MB more", flush=True)
        shutil.rmtree(folder / "dovecot" / "mail", ignore_errors=True)


def tell(took: dict[str, list[float]], more: Callable[[str], str] = lambda _: "") -> None:
    """Medians, and how many times as fast we are as each other one."""
    medians = {one: statistics.median(seconds) for one, seconds in took.items()}
    for one, seconds in medians.items():
        ratio = "" if one.startswith(OURS) else f"{seconds / medians[OURS]:7.2f} ×"
        print(f"  {one:<30} {seconds:7.2f} s {ratio:>10}{more(one)}")
    best = min(seconds for one, seconds in medians.items() if not one.startswith(OURS))
    ratio = best / medians[OURS]
    print(f"  {OURS} is {ratio:.2f} times as fast as the fastest other{'' if ratio >= 3 else ': below 3'}", flush=True)


# -- sending ---------------------------------------------------------------------------------------------------------

SENDER, TO = "ada@x.org", "bob@x.org"
TEXT = "Lorem ipsum dolor sit amet, consectetur adipiscing elit.\n" * 70
OCTETS = (
    b"From: ada@x.org\r\nTo: bob@x.org\r\nSubject: hi\r\nDate: Thu, 1 Jan 2026 12:00:00 +0000\r\n"
    b"Message-ID: <1@x.org>\r\n\r\n" + TEXT.replace("\n", "\r\n").encode()
)


def smtplib_sendmail(port: int, count: int) -> None:
    import smtplib

    with smtplib.SMTP("127.0.0.1", port) as client:
        for _ in range(count):
            client.sendmail(SENDER, [TO], OCTETS)


def smtplib_composed(port: int, count: int) -> None:
    import smtplib
    from email.utils import formatdate, make_msgid

    with smtplib.SMTP("127.0.0.1", port) as client:
        for number in range(count):
            message = EmailMessage(policy=SMTP)
            message["From"], message["To"], message["Subject"] = SENDER, TO, f"Letter {number}"
            message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="x.org")
            message.set_content(TEXT)
            client.send_message(message)


def aiosmtplib_sendmail(port: int, count: int) -> None:
    import aiosmtplib

    async def run() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
            for _ in range(count):
                await client.sendmail(SENDER, [TO], OCTETS)

    asyncio.run(run())


def yagmail_send(port: int, count: int) -> None:
    """What its send() does, without a new connection for each letter."""
    import yagmail

    client = yagmail.SMTP(
        SENDER, "", host="127.0.0.1", port=port, smtp_starttls=False, smtp_ssl=False, smtp_skip_login=True
    )
    client.login()
    for number in range(count):
        client.smtp.sendmail(SENDER, *client.prepare_send(TO, f"Letter {number}", TEXT))
    client.close()


def ours_octets(port: int, count: int) -> None:
    from posthouse import SmtpClient

    with SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
        for result in client.send_many((SENDER, [TO], OCTETS) for _ in range(count)):
            result.check()


def ours_asyncio(port: int, count: int) -> None:
    from posthouse.aio import SmtpClient

    async def run() -> None:
        async with await SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
            async for result in client.send_many((SENDER, [TO], OCTETS) for _ in range(count)):
                result.check()

    asyncio.run(run())


def ours_composed(port: int, count: int) -> None:
    from posthouse import Message, SmtpClient

    made = (Message(from_=SENDER, to=TO, subject=f"Letter {number}", text=TEXT).as_bytes() for number in range(count))
    with SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
        for result in client.send_many((SENDER, [TO], octets) for octets in made):
            result.check()


SENDING: dict[str, dict[str, tuple[str, Callable[[int, int], None]]]] = {
    "finished letters": {
        "smtplib, sendmail": ("smtplib", smtplib_sendmail),
        "aiosmtplib, sendmail": ("aiosmtplib", aiosmtplib_sendmail),
        OURS: ("posthouse", ours_octets),
        f"{OURS}.aio": ("posthouse", ours_asyncio),
    },
    "letters composed one by one": {
        "smtplib, EmailMessage": ("smtplib", smtplib_composed),
        "yagmail": ("yagmail", yagmail_send),
        OURS: ("posthouse", ours_composed),
    },
}


def sending(options: argparse.Namespace) -> None:
    ways = {
        kind: {name: way for name, (module, way) in some.items() if importlib.util.find_spec(module)}
        for kind, some in SENDING.items()
    }
    for kind, some in ways.items():
        for name, way in some.items():
            compare(f"{name}, {kind}", way)
    if "sending" in options.only:
        hand_over(options, ways, sink())
    if "postfix" in options.only:
        print("to Postfix:")
        hand_over(options, ways, discarding())


Ways = dict[str, dict[str, Callable[[int, int], None]]]


def hand_over(options: argparse.Namespace, ways: Ways, server: contextlib.AbstractContextManager[int]) -> None:
    with server as port, line(port, options.delay / 2000) as far:
        for kind, some in ways.items():
            for where, count, rounds in ((port, options.letters, options.rounds), (far, options.letters // 20, 1)):
                took: dict[str, list[float]] = {name: [] for name in some}
                for _ in range(rounds):
                    for name, way in some.items():
                        began = time.perf_counter()
                        way(where, count)
                        took[name].append(time.perf_counter() - began)
                print(f"{count} {kind}" + (f", {options.delay:g} ms there and back" if where == far else ""))
                tell(took, lambda name: f"   {count / statistics.median(took[name]):8,.0f} letters/s")  # noqa: B023


def compare(name: str, way: Callable[[int, int], None]) -> None:
    """Ten letters arrive as they should: each once, with its text."""
    with socket.create_server(("127.0.0.1", 0)) as listener, multiprocessing.pool.ThreadPool(1) as pool:
        taken = pool.apply_async(take, (listener,))
        way(listener.getsockname()[1], 10)
        got = taken.get(PATIENCE)
    assert len(got) == 10, f"{name}: {len(got)} letters of 10 arrived"
    for octets in got:
        text = email.message_from_bytes(octets, policy=SMTP).get_body(("plain",))
        said = "" if text is None else text.get_content().replace("<br>", "\n")  # yagmail writes them even there
        assert said.split() == TEXT.split(), f"{name}: another letter"


PATIENCE = 10.0  # seconds
ANSWERS = {b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME", b"DATA": b"354 go on", b"QUIT": b"221 bye"}


def take(listener: socket.socket) -> list[bytes]:
    """One conversation: the letters that came."""
    listener.settimeout(PATIENCE)
    connection, _ = listener.accept()
    connection.settimeout(PATIENCE)
    letters, letter = [], None
    with connection, connection.makefile("rb") as lines:
        connection.sendall(b"220 sink\r\n")
        for said in lines:
            if letter is not None:
                if said != b".\r\n":
                    letter.append(said.removeprefix(b"."))
                    continue
                letters.append(b"".join(letter))
                letter = None
                connection.sendall(b"250 2.0.0 taken\r\n")
                continue
            verb = said[:4].upper()
            letter = [] if verb == b"DATA" else None
            answers = {
                b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME",
                b"DATA": b"354 go on",
                b"QUIT": b"221 bye",
            }
            connection.sendall(answers.get(verb, b"250 2.1.0 ok") + b"\r\n")
            if verb == b"QUIT":
                break
    return letters


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Postfix's sink: it is written in C, so that what counts is the client."""
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    if program is None:
        sys.exit("smtp-sink isn't here: apt-get install postfix")
    port = free_port()
    with subprocess.Popen([program, "-u", "nobody", f"127.0.0.1:{port}", "100"]) as process:
        try:
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


@contextlib.contextmanager
def discarding() -> Iterator[int]:
    with postfix(default_transport="discard:", smtpd_recipient_restrictions="permit_mynetworks,reject") as server:
        yield server.port


@contextlib.contextmanager
def line(port: int, delay: float) -> Iterator[int]:
    """A port that leads to another one, ``delay`` seconds away."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=carry, args=(port, delay, there), daemon=True)
    process.start()
    yield here.recv()
    process.terminate()
    process.join()


def carry(port: int, delay: float, answer: Connection) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(later(reader, far_writer, delay), later(far_reader, writer, delay))

    async def run() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        answer.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            loop.call_later(delay, writer.write, data)
    loop.call_later(delay, writer.close)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench library")
    parser.add_argument("--only", default="listing,sending", help="listing, sending, postfix")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--letters", type=int, default=2000, help="a twentieth of them where the line is slow")
    parser.add_argument("--delay", type=float, default=20.0, help="milliseconds there and back")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    if "listing" in options.only:
        listing(options)
    if "sending" in options.only or "postfix" in options.only:
        sending(options)
