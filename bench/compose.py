"""Personal copies of a letter with HTML and an attachment: composed, rendered, and what sending them costs.

    python -m bench compose [--copies 1000] [--attachment 100000] [--rounds 5]

`email.message.EmailMessage` is used in the two ways one meets: each copy made anew, as the documentation shows it, and
one letter whose subject, recipient and texts are set again for every copy. Sending is with our client and with smtplib
to a sink in another process on this machine: the least that sending can cost.
"""

from __future__ import annotations

import argparse
import random
import smtplib
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from bench.client import sink

from posthouse import Message, SmtpClient

FROM = "Ann Ö <ann@example.org>"
SUBJECT = "Your invitation, {name}"
TEXT = "Dear {name},\n\n" + "we'd like to see you on the third floor, with a slice of cake.\n" * 20
HTML = "<html><body><h1>Dear {name}</h1>\n" + "<p>We'd like to see you on the <b>third floor</b>: käme gut.</p>\n" * 80
Copies = Iterator[tuple[str, bytes]]


def people(copies: int) -> list[tuple[str, str]]:
    return [(f"Zoë <{number}>", f"user{number}@example.org") for number in range(copies)]


def with_posthouse(copies: int, content: bytes) -> Copies:
    letter = Message(from_=FROM, subject=SUBJECT, text=TEXT, html=HTML + "</body></html>\n", files=[("a.pdf", content)])
    for name, address in people(copies):
        yield address, bytes(letter.fill(to=address, name=name))


def with_email_anew(copies: int, content: bytes) -> Copies:
    for name, address in people(copies):
        letter = EmailMessage(policy=SMTP)
        letter["From"] = FROM
        fill(letter, name, address)
        letter.set_content(TEXT.format(name=name))
        letter.add_alternative(HTML.format(name=name), subtype="html")
        letter.add_attachment(content, "application", "pdf", filename="a.pdf")
        yield address, letter.as_bytes()


def with_email_again(copies: int, content: bytes) -> Copies:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = FROM
    letter.set_content("")
    letter.add_alternative("", subtype="html")
    letter.add_attachment(content, "application", "pdf", filename="a.pdf")
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    for name, address in people(copies):
        fill(letter, name, address)
        text.set_content(TEXT.format(name=name))
        html.set_content(HTML.format(name=name), subtype="html")
        yield address, letter.as_bytes()


def fill(letter: EmailMessage, name: str, address: str) -> None:
    for field, value in {
        "To": address, "Subject": SUBJECT.format(name=name), "Date": formatdate(localtime=True),
        "Message-ID": make_msgid(domain="example.org"),
    }.items():  # fmt: skip
        del letter[field]
        letter[field] = value


def send_with_posthouse(port: int, copies: list[tuple[str, bytes]]) -> None:
    with SmtpClient.connect(f"smtp://127.0.0.1:{port}?tls=none") as client:
        for result in client.send_many(("ann@example.org", [address], octets) for address, octets in copies):
            result.check()


def send_with_smtplib(port: int, copies: list[tuple[str, bytes]]) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        for address, octets in copies:
            client.sendmail("ann@example.org", [address], octets)


COMPOSERS: dict[str, Callable[[int, bytes], Copies]] = {
    "posthouse, fill": with_posthouse,
    "email, a letter set again": with_email_again,
    "email, made anew": with_email_anew,
}
SENDERS = {"sending, posthouse": send_with_posthouse, "sending, smtplib": send_with_smtplib}


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench compose")
    parser.add_argument("--copies", type=int, default=1000)
    parser.add_argument("--attachment", type=int, default=100_000, help="octets of the attached file")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args(arguments)
    content = random.Random(1).randbytes(options.attachment)
    seconds: dict[str, list[float]] = {name: [] for name in [*COMPOSERS, *SENDERS]}
    made = list(with_posthouse(options.copies, content))
    with sink(0.0) as port:
        for _ in range(options.rounds):
            for name, compose in COMPOSERS.items():
                begin = time.perf_counter()
                for _copy in compose(options.copies, content):
                    pass
                seconds[name].append(time.perf_counter() - begin)
            for name, send in SENDERS.items():
                begin = time.perf_counter()
                send(port, made)
                seconds[name].append(time.perf_counter() - begin)
    base = statistics.median(seconds["posthouse, fill"])
    print(f"{options.copies} copies of {len(made[0][1])} octets, made and rendered; medians of {options.rounds} rounds")
    for name, measured in seconds.items():
        median = statistics.median(measured)
        print(
            f"  {name:<26} {median:>8.3f} s   {median / options.copies * 1e6:>8.0f} µs each   {median / base:>6.1f} ×"
        )
