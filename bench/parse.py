"""Reading a message whole: structure, ENVELOPE, BODYSTRUCTURE, text and attachments, against other Python readers.

The same messages for all, in one run, turn by turn; medians and ratios. The peers besides the standard library's are
installed by `.venv/bin/python -m pip install --group bench`; those that are missing are left out.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import email
import email.policy
import importlib.util
import logging
import quopri
import random
import statistics
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from operator import truediv
from pathlib import Path
from typing import Any

from posthouse.message.message import ParsedMessage

Reader = Callable[[bytes], object]
# Many short rounds, and ratios within each: a machine that others use as well changes its speed meanwhile.
ROUNDS = 25
# A round of one reader over one set of messages lasts about this long (seconds).
ROUND = 0.03


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench parse")
    parser.add_argument("--folder", type=Path, help="of .eml files to read as well")
    options = parser.parse_args(arguments)
    logging.disable(logging.WARNING)  # mail-parser has something to say about every signed letter
    sets = {name: [make()] for name, make in SAMPLES.items()}
    if options.folder:
        sets[f"{options.folder.name}/"] = [path.read_bytes() for path in sorted(options.folder.glob("*.eml"))]
    readers: dict[str, Reader] = {"posthouse": read_posthouse, "with decoded fields": read_all_fields} | {
        name: reader for name, (module, reader) in PEERS.items() if importlib.util.find_spec(module)
    }
    for name, (module, _) in PEERS.items():
        if not importlib.util.find_spec(module):
            print(f"{name} isn't installed: .venv/bin/python -m pip install --group bench")
    print(f"{'messages':<12} {'octets':>9}  " + "  ".join(f"{name:>24}" for name in readers))
    for name, messages in sets.items():
        times = measure(messages, readers)
        cells = [
            f"{statistics.median(taken) * 1e6:>10.1f} µs"
            f" {statistics.median(map(truediv, taken, times['posthouse'])):>8.1f} ×"
            for taken in times.values()
        ]
        print(
            f"{name:<12} {sum(map(len, messages)) // len(messages):>9}  " + "  ".join(f"{cell:>24}" for cell in cells)
        )


def measure(messages: list[bytes], readers: dict[str, Reader]) -> dict[str, list[float]]:
    """Seconds of CPU a message in each round, for each reader."""
    for reader in readers.values():  # imports, caches
        timed(reader, messages, 3)
    repeats = {name: max(1, int(ROUND / timed(reader, messages, 1))) for name, reader in readers.items()}
    times: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(ROUNDS):
        for name, reader in readers.items():
            times[name].append(timed(reader, messages, repeats[name]) / repeats[name] / len(messages))
    return times


def timed(reader: Reader, messages: list[bytes], repeats: int) -> float:
    begin = time.process_time()  # not what others took of the machine meanwhile
    for _ in range(repeats):
        for raw in messages:
            reader(raw)
    return time.process_time() - begin


# -- the readers: each gives all that a list and a reading pane show ------------------------------------------------


def read_posthouse(raw: bytes) -> object:
    """What a server needs to show it: the header's fields are in ENVELOPE as they were sent."""
    message = ParsedMessage(raw)
    return message, message.envelope, message.bodystructure, *_contents(message)


def read_all_fields(raw: bytes) -> object:
    """The same, and what a program needs to show it."""
    message = ParsedMessage(raw)
    fields = (message.subject, message.from_, message.to, message.cc, message.bcc, message.reply_to, message.date)
    return fields, message.message_id, message.envelope, message.bodystructure, *_contents(message)


def _contents(message: ParsedMessage) -> tuple[object, object, object]:
    return message.text, message.html, [(one.filename, one.type, one.size) for one in message.attachments]


ADDRESSES = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")


def read_policy_default(raw: bytes) -> object:
    message: Any = email.message_from_bytes(raw, policy=email.policy.default)
    header = [str(message[name]) for name in ("Subject", "Message-ID", "In-Reply-To")]
    with contextlib.suppress(IndexError, AttributeError):  # known defects of the header parser
        header += [message["Date"] and message["Date"].datetime]
        for name in ADDRESSES:
            header += [[(one.display_name, one.addr_spec) for one in message[name].addresses] if message[name] else []]
    return header, *_walk(message, lambda part: part.get_content())


def read_compat32(raw: bytes) -> object:
    message: Any = email.message_from_bytes(raw)
    header = [_decoded(message[name]) for name in ("Subject", "Message-ID", "In-Reply-To")]
    with contextlib.suppress(TypeError, ValueError):
        header += [parsedate_to_datetime(message["Date"])]
    header += [
        [(_decoded(name), spec) for name, spec in getaddresses([str(value) for value in message.get_all(field, [])])]
        for field in ADDRESSES
    ]

    def text(part: Message) -> str:
        payload: Any = part.get_payload(decode=True)
        return payload.decode(part.get_content_charset() or "utf-8", "replace")

    return header, *_walk(message, text)


def _decoded(value: object) -> str:
    try:
        return str(email.header.make_header(email.header.decode_header(str(value))))  # type: ignore[attr-defined]
    except (LookupError, UnicodeError):
        return str(value)


def _walk(message: Any, text: Callable[[Any], object]) -> tuple[list[object], list[object], list[object]]:
    shape, texts, files = [], [], []
    for part in message.walk():
        shape.append((part.get_content_type(), part["Content-ID"], part["Content-Description"]))
        if part.is_multipart():
            continue
        if part.get_content_maintype() == "text" and part.get_content_disposition() != "attachment":
            with contextlib.suppress(LookupError, UnicodeError):  # unknown charsets stop the standard library
                texts.append(text(part))
        else:
            files.append((part.get_filename(), part.get_content_type(), len(part.get_payload(decode=True) or b"")))
    return shape, texts, files


# All that its messages have but what only a server knows (uid, flags) and ``size``, which writes the message anew.
IMAP_TOOLS_FIELDS = (
    "subject", "from_", "from_values", "to", "to_values", "cc", "cc_values", "bcc", "bcc_values", "reply_to",
    "reply_to_values", "date", "date_str", "text", "html",
)  # fmt: skip
IMAP_TOOLS_ATTACHMENT = ("filename", "content_id", "content_type", "content_disposition", "size")


def read_imap_tools(raw: bytes) -> object:
    from imap_tools import MailMessage

    message = MailMessage.from_bytes(raw)
    return (
        [getattr(message, name) for name in IMAP_TOOLS_FIELDS],
        dict(message.headers),
        [[getattr(one, name) for name in IMAP_TOOLS_ATTACHMENT] for one in message.attachments],
    )


def read_mail_parser(raw: bytes) -> object:
    import mailparser

    message = mailparser.parse_from_bytes(raw)
    return (
        (message.subject, message.from_, message.to, message.cc, message.bcc, message.reply_to, message.date),
        (message.headers, message.text_plain, message.text_html, message.attachments),
    )


def read_fast_mail_parser(raw: bytes) -> object:
    import fast_mail_parser

    message = fast_mail_parser.parse_email(raw)
    return message.subject, message.date, message.headers, message.text_plain, message.text_html, message.attachments


PEERS: dict[str, tuple[str, Reader]] = {
    "email policy.default": ("email", read_policy_default),
    "email compat32": ("email", read_compat32),
    "imap_tools": ("imap_tools", read_imap_tools),
    "mail-parser": ("mailparser", read_mail_parser),
    "fast-mail-parser (Rust)": ("fast_mail_parser", read_fast_mail_parser),
}


# -- the messages ---------------------------------------------------------------------------------------------------

PROSE = """
the letter came with morning post and nobody knew who had sent it from so far away although every house on that road
was asked twice before the snow began to fall again über größere Straßen café naïve résumé
"""
WORDS = PROSE.split()


def plain() -> bytes:
    return header("text/plain; charset=utf-8", "8bit") + prose(1_000).encode()


def alternative() -> bytes:
    return header('multipart/alternative; boundary="=_alt"') + alternatives(5_500)


def mixed() -> bytes:
    picture = random.Random(1).randbytes(20_000)
    document = random.Random(2).randbytes(75_000)
    return header('multipart/mixed; boundary="=_mix"') + b"".join(
        (
            b'--=_mix\r\nContent-Type: multipart/alternative; boundary="=_alt"\r\n\r\n', alternatives(6_000),
            b"\r\n--=_mix\r\n", file("image/jpeg", "Häuser am Weg.jpg", picture),
            b"\r\n--=_mix\r\n", file("application/pdf", "report.pdf", document), b"\r\n--=_mix--\r\n",
        )
    )  # fmt: skip


def large() -> bytes:
    archive = random.Random(3).randbytes(5_100_000)
    return header('multipart/mixed; boundary="=_mix"') + b"".join(
        (
            b"--=_mix\r\nContent-Type: text/plain; charset=utf-8\r\n",
            b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", quoted(prose(2_000)),
            b"\r\n--=_mix\r\n", file("application/zip", "archive.zip", archive), b"\r\n--=_mix--\r\n",
        )
    )  # fmt: skip


SAMPLES: dict[str, Callable[[], bytes]] = {"2 KB": plain, "15 KB": alternative, "150 KB": mixed, "7 MB": large}


def header(media: str, encoding: str = "7bit") -> bytes:
    hops = "".join(
        f"Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\r\n"
        f"\tby mail.example.org (Postfix) with ESMTPS id 4WxYz{hop}abcdZ\r\n"
        f"\tfor <ann@example.org>; Mon, 03 Jun 2024 09:1{hop}:07 +0200 (CEST)\r\n"
        for hop in (3, 2, 1)
    )
    return (
        f"Return-Path: <bounces+1234-ann=example.org@news.example.net>\r\n{hops}"
        "From: =?utf-8?Q?J=C3=BCrgen_M=C3=BCller?= <juergen.mueller@example.net>\r\n"
        'To: "Ann Author" <ann@example.org>, Bob Builder <bob@example.org>\r\n'
        "Cc: team@example.org\r\n"
        "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?= from the post house, with the\r\n minutes of Monday\r\n"
        "Date: Mon, 03 Jun 2024 09:10:00 +0200\r\n"
        "Message-ID: <4b0a7a0e-7a39-4a6c-9b7e-0f0d7ce7a1c2@example.net>\r\n"
        "In-Reply-To: <CAF+abc123@mail.example.org>\r\n"
        "References: <CAF+abc122@mail.example.org>\r\n <CAF+abc123@mail.example.org>\r\n"
        "User-Agent: Example Mail 5.2\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: {media}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode()


def prose(characters: int) -> str:
    choice = random.Random(characters)
    lines, line = [], ""
    while sum(map(len, lines)) < characters:
        line = f"{line} {choice.choice(WORDS)}" if line else choice.choice(WORDS)
        if len(line) > 66:
            lines.append(line)
            line = ""
    return "\r\n".join(lines) + "\r\n"


def alternatives(characters: int) -> bytes:
    text = prose(characters)
    rows = "".join(f'<p style="margin:0 0 1em 0;color:#333">{line}</p>\r\n' for line in text.splitlines())
    page = f"<html><head><style>p {{ font: 14px sans-serif }}</style></head><body>\r\n{rows}</body></html>\r\n"
    parts = (("plain", text), ("html", page))
    return b"".join(
        b"--=_alt\r\nContent-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n%b\r\n"
        % (kind.encode(), quoted(content))
        for kind, content in parts
    ) + b"--=_alt--\r\n"  # fmt: skip


def quoted(text: str) -> bytes:
    return quopri.encodestring(text.replace("\r\n", "\n").encode()).replace(b"\n", b"\r\n")


def file(media: str, name: str, content: bytes) -> bytes:
    message = EmailMessage()
    message["Content-Type"] = media
    message.add_header("Content-Disposition", "attachment", filename=name)
    message["Content-Transfer-Encoding"] = "base64"
    head = message.as_bytes(policy=email.policy.SMTP)
    return head + base64.encodebytes(content).replace(b"\n", b"\r\n")
