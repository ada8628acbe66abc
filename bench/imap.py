"""IMAP: Posthouse and Dovecot (Maildir), the same letters, in one run, command for command in turn; and the ratios.

    python -m bench imap [--messages 20000] [--rounds 3] [--idle 500] [--only FETCH,SEARCH]

A raw socket reads the answers and counts their octets. Dovecot (Debian's dovecot-imapd) runs as it does for its
administrators, with a master and logins; its index and cache are warm but where "cold" stands: there its cache is
deleted before, as it is for mail that nobody has listed yet.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import pwd
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import encodebytes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from live import PASSWORDS
from posthouse.files import Item, MaildirWriter
from posthouse.store import account, bundle, fresh, transfer
from posthouse.store.engine import Store, Tx
from processes import serving

DOVECOT = Path("/usr/sbin/dovecot")
USER = "ada@example.org"
FIRST = datetime(2015, 1, 1, tzinfo=UTC)
SYLLABLES = ("ba", "do", "fi", "ku", "la", "me", "no", "pi", "re", "su", "ta", "ve", "wi", "ing", "ion", "con", "str")
LIST = "FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)"
HEADERS = "FETCH 1:* BODY.PEEK[HEADER.FIELDS (FROM TO SUBJECT DATE MESSAGE-ID)]"
SELECT = "SELECT INBOX"
PLENTY = 600.0  # seconds


# -- the letters -----------------------------------------------------------------------------------------------------


def letters(count: int) -> Iterator[Item]:
    """Letters as people get them: plain, with HTML beside the text, with files; the same in every run."""
    chance = random.Random(2_718)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))) for _ in range(15_000)]
    words += ["meeting", "invoice", "Größe", "budget"]
    weights = [1 / (place + 2) for place in range(len(words))]
    pool = chance.choices(words, weights, k=200_000)
    for number in range(count):
        yield Item(_letter(chance, pool, number), frozenset({"\\Seen"}), FIRST + timedelta(minutes=7 * number))


def _letter(chance: random.Random, pool: list[str], number: int) -> bytes:
    def text(count: int) -> str:
        start = chance.randrange(len(pool) - count)
        some = pool[start : start + count]
        return "\r\n".join(" ".join(some[at : at + 9]).capitalize() + "." for at in range(0, count, 9)) + "\r\n"

    plain = text(min(40 + int(chance.expovariate(1 / 250)), 5_000))
    date = format_datetime(FIRST + timedelta(minutes=7 * number))
    header = "".join(
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n"
        f"\tby mail.example.org with ESMTPS id {chance.randrange(10**9):x};\r\n\t{date}\r\n"
        for hop in range(chance.randint(1, 4))
    )
    answers = number > 10 and chance.random() < 0.4
    subject = f"{'Re: ' if answers else ''}{' '.join(chance.choices(pool, k=4))}"
    header += (
        f"DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=x;\r\n\th=From:To:Subject; b={'A' * 300}\r\n"
        f"From: Person {number % 900} <p{number % 900}@example.net>\r\nTo: Ada Lovelace <{USER}>\r\n"
        f"Subject: {encoded(subject)}\r\nDate: {date}\r\nMessage-ID: <{number}.letter@example.net>\r\n"
    )
    if answers:
        other = number - chance.randint(1, 10)
        header += f"In-Reply-To: <{other}.letter@example.net>\r\nReferences: <{other}.letter@example.net>\r\n"
    header += "MIME-Version: 1.0\r\n"
    utf8 = "; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    kind = chance.random()
    if kind < 0.4:
        return f"{header}Content-Type: text/plain{utf8}{plain}".encode()
    paragraphs = "".join(f'<p style="color:#333">{line}</p>\r\n' for line in plain.split("\r\n"))
    both = (
        f'Content-Type: multipart/alternative; boundary="in{number}"\r\n\r\n'
        f"--in{number}\r\nContent-Type: text/plain{utf8}{plain}"
        f"--in{number}\r\nContent-Type: text/html{utf8}<html>{paragraphs}</html>\r\n--in{number}--\r\n"
    )
    if kind < 0.85:
        return f"{header}{both}".encode()
    file = encodebytes(chance.randbytes(min(int(chance.expovariate(1 / 30_000)), 400_000))).replace(b"\n", b"\r\n")
    return (
        f'{header}Content-Type: multipart/mixed; boundary="out{number}"\r\n\r\n--out{number}\r\n{both}--out{number}\r\n'
        f'Content-Type: application/pdf; name="file{number}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    ).encode() + b"%b--out%d--\r\n" % (file, number)


def encoded(subject: str) -> str:
    return (
        subject
        if subject.isascii()
        else f"=?utf-8?Q?{subject.replace(' ', '_').encode().hex('=', 1)}?=".replace("Q?", "Q?=", 1)
    )


# -- the two servers -------------------------------------------------------------------------------------------------


@dataclass
class Server:
    """One that runs, and how to talk to it."""

    name: str
    port: int
    password: str
    memory: Callable[[], int]  # octets that its processes have for themselves
    make_cold: Callable[[], None]
    lmtp: int = 0


def index_is_ready(tx: Tx) -> bool:
    return bool(tx.value("SELECT (SELECT done FROM search.state) >= (SELECT max(id) FROM message)"))


def settle(store: Store) -> None:
    """Wait until all is made that is made behind deliveries."""
    while not store.look(index_is_ready) or store.look(bundle.missing, 1) is not None or store.look(fresh.waiting):
        time.sleep(0.2)


@contextlib.contextmanager
def posthouse(folder: Path, count: int) -> Iterator[Server]:
    """Posthouse as `posthouse serve` runs it, with all made that is made behind deliveries."""
    folder.mkdir()
    more = "[login]\nclear_text_on_loopback = true\n[limits]\nconversations_per_account = 10000"
    with serving(folder, 1, more) as house:
        store = Store.open(house.config.data)
        ada = store.look(account.existing, USER)
        for _ in transfer.import_mail(store, ada.id, letters(count)):
            pass
        settle(store)
        store.close()
        memory = functools.partial(memory_of, [house.parent.pid])  # the steward knows of no connection
        yield Server("Posthouse", house.port("imap"), PASSWORDS[USER], memory, lambda: None, house.port("lmtp"))


@contextlib.contextmanager
def dovecot(folder: Path, count: int) -> Iterator[Server]:
    """Dovecot with a configuration of its own, which knows one user, whatever the password."""
    maildir = folder / "mail" / "Maildir"
    maildir.parent.mkdir(parents=True)
    with MaildirWriter(maildir) as writer:
        for item in letters(count):
            writer.add(item)
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for place in (maildir.parent, maildir, *maildir.glob("*/")):
        os.chown(place, nobody.pw_uid, nobody.pw_gid)
    for path in maildir.glob("cur/*"):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    ports = free_port(), free_port()
    config = folder / "dovecot.conf"
    config.write_text(
        CONFIG.format(folder=folder, imap=ports[0], lmtp=ports[1], uid=nobody.pw_uid, gid=nobody.pw_gid), "utf-8"
    )
    process = subprocess.Popen([DOVECOT, "-F", "-c", config], stderr=subprocess.DEVNULL)

    def make_cold() -> None:
        for path in maildir.glob("dovecot.index.cache*"):
            path.unlink()

    try:
        wait_for(ports[0])
        yield Server("Dovecot", ports[0], "x", lambda: memory_of(tree(process.pid)), make_cold, ports[1])
    finally:
        process.terminate()
        process.wait()


CONFIG = """
protocols = imap lmtp
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
mail_max_userip_connections = 10000
default_process_limit = 6000
default_client_limit = 12000
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  process_limit = 6000
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail allow_all_users=yes
}}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for one in found:
        with contextlib.suppress(OSError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text("ascii").split())
    return found


def memory_of(pids: Sequence[int]) -> int:
    """Their proportional share of memory, in octets."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"), re.MULTILINE)
            total += int(found[1]) * 1024 if found else 0
    return total


# -- the client ------------------------------------------------------------------------------------------------------


class Client:
    """A connection that counts what it reads, and takes nothing apart."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=PLENTY)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(1 << 20)
        self._tag = 0
        self._until(b"* OK", begin=True)
        self.say(f'LOGIN {USER} "{server.password}"')

    def say(self, command: str | bytes) -> tuple[float, int]:
        """Seconds, and octets of the answer."""
        octets = command if isinstance(command, bytes) else command.encode()
        self._tag += 1
        tag = b"t%d" % self._tag
        began = time.perf_counter()
        self.socket.sendall(b"%b %b\r\n" % (tag, octets))
        count, last = self._until(tag + b" ")
        took = time.perf_counter() - began
        assert last.startswith(tag + b" OK"), (octets[:100], last[:300])
        return took, count

    def idle(self) -> None:
        self.socket.sendall(b"i IDLE\r\n")
        self._until(b"+ ", begin=True)

    def hear(self, word: bytes) -> None:
        """Wait until something that holds the word is told."""
        heard = b""
        while word not in heard:
            heard = heard[-100:] + self.socket.recv(65_536)

    def _until(self, key: bytes, *, begin: bool = False) -> tuple[int, bytes]:
        """Octets up to a line that begins with the key; and that line."""
        count = 0
        tail = b"\r\n"
        view = memoryview(self._buffer)
        while True:
            got = self.socket.recv_into(view)
            assert got, "the server has closed the connection"
            count += got
            tail = (tail + bytes(view[max(0, got - 1_000) : got]))[-1_500:]
            at = tail.rfind(b"\r\n" + key)
            if at >= 0 and tail.endswith(b"\r\n") and tail.find(b"\r\n", at + 2) >= 0:
                return count, tail[at + 2 :].rstrip()


# -- what is measured ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """A command that is timed; ``before`` and ``after`` are not. ``goal``: how many times as quick as Dovecot."""

    name: str
    command: str
    goal: float = 1.0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cold: bool = False
    rounds: int | None = None


def works(word: str) -> list[Work]:
    return [
        Work("SELECT", SELECT),
        Work("first listing, cold", LIST, 20, cold=True, rounds=3),
        Work("FETCH flags", "FETCH 1:* (UID FLAGS)"),
        Work("FETCH list", LIST, 4),
        Work("FETCH headers", HEADERS, 1.5),
        Work("FETCH HEADER", "FETCH 1:* BODY.PEEK[HEADER]"),
        Work("FETCH bodies", "FETCH 1:* BODY.PEEK[]"),
        Work("SEARCH SUBJECT", f"SEARCH SUBJECT {word}"),
        Work("SEARCH HEADER", "SEARCH HEADER MESSAGE-ID 4711.letter"),
        Work("SEARCH FROM SINCE", "SEARCH FROM p17 SINCE 1-Feb-2015 NOT DELETED"),
        Work("SEARCH BODY", f"SEARCH BODY {word}", 50, rounds=1),
        Work("SEARCH TEXT nowhere", 'SEARCH TEXT "nowhere to be found"', 50, rounds=1),
        Work("SORT DATE", "SORT (REVERSE DATE) UTF-8 ALL"),
        Work("SORT SUBJECT", "SORT (SUBJECT) UTF-8 ALL"),
        Work("THREAD", "THREAD REFERENCES UTF-8 ALL"),
        Work("STORE", "STORE 1:* +FLAGS (\\Flagged)", after=("STORE 1:* -FLAGS.SILENT (\\Flagged)",)),
        Work("STORE silent", "STORE 1:* +FLAGS.SILENT (\\Flagged)", after=("STORE 1:* -FLAGS.SILENT (\\Flagged)",)),
        Work("COPY", "COPY 1:* Copied", before=("CREATE Copied",), after=("DELETE Copied",), rounds=2),
        Work(
            "MOVE",
            "MOVE 1:* Moved",
            before=("CREATE Here", "CREATE Moved", "COPY 1:* Here", "SELECT Here"),
            after=("SELECT INBOX", "DELETE Here", "DELETE Moved"),
            rounds=2,
        ),
        Work(
            "EXPUNGE",
            "EXPUNGE",
            before=("CREATE Gone", "COPY 1:* Gone", "SELECT Gone", "STORE 1:* +FLAGS.SILENT (\\Deleted)"),
            after=("SELECT INBOX", "DELETE Gone"),
            rounds=2,
        ),
    ]


def measure(work: Work, servers: Sequence[Server], clients: dict[str, Client], rounds: int) -> None:
    times: dict[str, list[float]] = {server.name: [] for server in servers}
    sizes: dict[str, int] = {}
    for _ in range(work.rounds or rounds):
        for server in servers:
            if work.cold:
                server.make_cold()
                clients[server.name] = Client(server)
                clients[server.name].say(SELECT)
            client = clients[server.name]
            for command in work.before:
                client.say(command)
            took, sizes[server.name] = client.say(work.command)
            times[server.name].append(took)
            for command in work.after:
                client.say(command)
    report(work.name, times, work.goal, f"{sizes['Posthouse'] / 1e6:8.2f} MB")


def report(name: str, times: dict[str, list[float]], goal: float, more: str = "") -> None:
    ours, theirs = statistics.median(times["Posthouse"]), statistics.median(times["Dovecot"])
    mark = "" if theirs / ours >= goal else f"  below {goal}"
    if len(times["Posthouse"]) > 1:  # what the later ones find kept, the first has to make
        more += f" first {times['Dovecot'][0] / times['Posthouse'][0]:6.2f}"
    print(
        f"{name:22} Dovecot {theirs * 1e3:10.2f} ms  Posthouse {ours * 1e3:9.2f} ms "
        f" {theirs / ours:7.2f} times {more}{mark}",
        flush=True,
    )


def append(servers: Sequence[Server], clients: dict[str, Client], count: int = 300) -> None:
    """One by one, each waited for; then fifty at a time. Fifty letters to one server, then to the other, and so on: for
    what else the machine does meets both."""
    some = [item.octets for item in letters(count)]
    one: dict[str, list[float]] = {server.name: [] for server in servers}
    many: dict[str, list[float]] = {server.name: [] for server in servers}
    for client in clients.values():
        client.say("CREATE Added")
    for start in range(0, count, 50):
        for server in servers:
            for raw in some[start : start + 50]:
                command = b"APPEND Added (\\Seen) {%d+}\r\n%b" % (len(raw), raw)
                one[server.name].append(clients[server.name].say(command)[0])
    for start in range(0, count, 50):
        for server in servers:
            parts = (b" (\\Seen) {%d+}\r\n%b" % (len(raw), raw) for raw in some[start : start + 50])
            many[server.name].append(clients[server.name].say(b"APPEND Added" + b"".join(parts))[0])
    for client in clients.values():
        client.say("DELETE Added")
    report("APPEND", one, 1)
    report("APPEND of 50", many, 1)


def idle(servers: Sequence[Server], count: int) -> None:
    """Memory of connections that wait, and how soon one of them hears of a new letter."""
    each: dict[str, float] = {}
    delays: dict[str, list[float]] = {}
    for server in servers:
        before = server.memory()
        waiting = [Client(server) for _ in range(count)]
        for client in waiting:
            client.say(SELECT)
            client.idle()
        time.sleep(1)
        each[server.name] = (server.memory() - before) / count
        delays[server.name] = [deliver(server, waiting[0]) for _ in range(5)]
        for client in waiting:
            client.socket.close()
        time.sleep(1)
    ratio = each["Dovecot"] / max(each["Posthouse"], 1)
    print(
        f"{'IDLE memory':22} Dovecot {each['Dovecot'] / 1024:10.1f} KB  Posthouse {each['Posthouse'] / 1024:9.1f} KB "
        f" {ratio:7.2f} times{'' if ratio >= 10 else '  below 10'}"
    )
    report("IDLE delay", delays, 1)


def deliver(server: Server, waiting: Client) -> float:
    """Seconds between the answer to a delivery by LMTP, and the EXISTS of who waits."""
    with socket.create_connection(("127.0.0.1", server.lmtp)) as lmtp, lmtp.makefile("rb") as answers:
        answers.readline()
        lines = (b"LHLO x", b"MAIL FROM:<p@example.net>", f"RCPT TO:<{USER}>".encode(), b"DATA")
        for line in lines:
            lmtp.sendall(line + b"\r\n")
            while answers.readline()[3:4] == b"-":
                pass
        lmtp.sendall(b"Subject: news\r\n\r\nHello.\r\n.\r\n")
        answers.readline()
        began = time.perf_counter()
        waiting.hear(b" EXISTS")
        took = time.perf_counter() - began
        time.sleep(0.7)  # the next one comes when all is quiet
        return took


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench imap")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=500, help="connections that wait")
    parser.add_argument("--only", default="", help="names that begin so, with commas")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: a temporary one")
    options = parser.parse_args(arguments)
    if not DOVECOT.exists():
        sys.exit("Dovecot isn't here: apt-get install dovecot-imapd dovecot-lmtpd")
    names = tuple(options.only.split(",")) if options.only else ("",)
    with tempfile.TemporaryDirectory(dir=options.folder) as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        servers = [
            stack.enter_context(dovecot(folder / "dovecot", options.messages)),
            stack.enter_context(posthouse(folder / "posthouse", options.messages)),
        ]
        clients = {server.name: Client(server) for server in servers}
        for client in clients.values():  # warm
            for command in (SELECT, LIST, HEADERS, "SORT (DATE) UTF-8 ALL"):
                client.say(command)
        if options.idle and "IDLE".startswith(names):  # before there is memory that other work has left free
            idle(servers, options.idle)
        for work in works("meeting"):
            if work.name.startswith(names):
                measure(work, servers, clients, options.rounds)
        if "APPEND".startswith(names):
            append(servers, clients)
        shutil.rmtree(folder / "dovecot" / "mail", ignore_errors=True)
