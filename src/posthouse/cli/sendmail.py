"""`posthouse sendmail`, and `posthouse-sendmail` to be linked as /usr/sbin/sendmail: for cron, PHP, mutt, git.

Whoever may write to the store puts the letter into it, beside a running server or without one; root becomes the user
that the store belongs to, so that no file is left that the server can't open. All others hand it to the running server,
at the socket that `[listen] sendmail` names. Either way it is on disk before the exit code is 0.

A letter goes to all recipients or to none, so that a program that tries again sends nothing twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from posthouse.errors import (
    ConfigError,
    ConnectionFailed,
    InvalidMessage,
    PosthouseError,
    ProtocolError,
    SmtpRefused,
    StoreError,
    StoreVersionError,
)

from .report import say_error, wait_for_streams
from .sendmail_options import Mode, Options, WrongUsage, parse

if TYPE_CHECKING:
    from posthouse.config import Config
    from posthouse.message.address import Address
    from posthouse.smtp.dsn import Notify, Return
    from posthouse.smtp.envelope import Envelope

# Where the configuration is when neither the command line nor POSTHOUSE_CONFIG says it. Not in the current folder:
# whose that is, a program like cron doesn't choose.
CONFIG = "/etc/posthouse/posthouse.toml"
# RFC 5321 §4.5.3.1.7: a line of any length is read, and the server says what it thinks of it.
PIECE = 64 * 1024
# Of a letter that is kept in memory until it is complete.
IN_MEMORY = 1024 * 1024
CONNECT_SECONDS = 30.0
# The largest header whose recipients are read (delivery/submit.py has the same).
MAX_HEADER = 256 * 1024
# Fields whose addresses are completed.
QUALIFIED = frozenset({b"from", b"sender", b"reply-to", b"to", b"cc", b"resent-from", b"resent-to", b"resent-cc"})
# RFC 3463's codes for what the exit codes of sysexits.h tell apart.
EXITS = {
    "5.1.1": os.EX_NOUSER,
    "5.1.2": os.EX_NOHOST,
    "5.1.3": os.EX_DATAERR,
    "5.3.4": os.EX_UNAVAILABLE,
    "5.6.0": os.EX_DATAERR,
    "5.7.1": os.EX_NOPERM,
}


def main() -> None:
    """The entry point of `posthouse-sendmail`, which may also be called mailq or newaliases."""
    wait_for_streams()
    sys.exit(run(sys.argv[1:], os.path.basename(sys.argv[0])))  # noqa: PTH119


def sendmail(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[OPTION | RECIPIENT]...", help="As sendmail has them.", show_default=False),
    ] = None,
) -> None:
    """Send the letter on standard input, as programs call /usr/sbin/sendmail.

    Options: -t (recipients from To, Cc, Bcc), -i or -oi (a line with a dot alone is no end), -f SENDER, -F NAME,
    -N, -R, -V (reports), -bp (list the queue), -q (try again now). Others of sendmail's are taken, and mean nothing.

    Exit codes are those of sysexits.h: 0 accepted, 64 wrong usage, 67 no such user, 75 try again later, 77 not allowed.

    Example: posthouse sendmail -i ada@example.org < letter.eml
    """
    raise typer.Exit(run(arguments or []))


def run(arguments: Sequence[str], name: str = "sendmail") -> int:
    """Do it; the exit code."""
    try:
        options = parse(arguments, name)
        return _do(options)
    except WrongUsage as error:
        say_error(str(error))
        return os.EX_USAGE
    except PosthouseError as error:
        say_error(str(error), error.advice)
        return _exit_code(error)
    except OSError as error:
        say_error(f"{error.filename or 'standard input'}: {error.strerror or error}")
        return os.EX_IOERR
    except KeyboardInterrupt:
        return os.EX_TEMPFAIL


def _exit_code(error: PosthouseError) -> int:
    match error:
        case SmtpRefused():
            return os.EX_TEMPFAIL if error.temporary else EXITS.get(error.enhanced, os.EX_UNAVAILABLE)
        case ConfigError() | StoreVersionError():
            return os.EX_CONFIG
        case InvalidMessage():
            return os.EX_DATAERR
        case StoreError() | ConnectionFailed():
            return os.EX_TEMPFAIL
        case ProtocolError():
            return os.EX_PROTOCOL
    return os.EX_SOFTWARE


def _do(options: Options) -> int:
    from posthouse.config import load

    if options.mode is Mode.NOTHING:
        return os.EX_OK
    path = Path(options.config or os.environ.get("POSTHOUSE_CONFIG") or CONFIG)
    if options.mode is not Mode.SEND:
        from . import queue

        _become_owner(load(path))
        command = queue.list_queue if options.mode is Mode.LIST else queue.retry
        with contextlib.suppress(typer.Exit):
            command(config=path)
            return os.EX_OK
        return os.EX_UNAVAILABLE
    config = load(path)
    user = pwd.getpwuid(os.getuid())
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        _read(cast("IO[bytes]", spool), options, config.limits.message_size)
        envelope, letter = _letter(cast("IO[bytes]", spool), options, config.hostname, user)
        if len(envelope.recipients) > config.limits.recipients:
            raise WrongUsage(f"a letter has at most {config.limits.recipients} recipients here")
        if (uid := _become_owner(config)) is None:
            _hand_over(config, envelope, letter)
        else:
            asyncio.run(_put(config, uid, envelope, letter))
    return os.EX_OK


class Letter:
    """A letter's octets, read as they are sliced: ``header``, then what the spool has behind ``at``."""

    def __init__(self, spool: IO[bytes], header: bytes, at: int) -> None:
        self._spool = spool
        self._header = header
        self._at = at
        self._size = len(header) + spool.seek(0, os.SEEK_END) - at

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, where: slice, /) -> bytes:
        start, end, _ = where.indices(self._size)
        head = self._header[start:end]
        start = max(start - len(self._header), 0)
        self._spool.seek(self._at + start)
        return head + self._spool.read(max(end - len(self._header) - start, 0))


# -- the letter ------------------------------------------------------------------------------------------------------


def _read(spool: IO[bytes], options: Options, most: int) -> None:
    """Standard input, up to its end, or to a line with a dot alone. `SmtpRefused` for more than ``most`` octets."""
    size = 0
    begins_line = True
    while line := sys.stdin.buffer.readline(PIECE):
        if options.dot_ends and begins_line and line in (b".\n", b".\r\n", b"."):
            break
        begins_line = line.endswith(b"\n")
        size += len(line)
        if size > most:
            raise SmtpRefused(f"the letter has more than {most} octets", code=552, enhanced="5.3.4")
        spool.write(line)


def _letter(spool: IO[bytes], options: Options, hostname: str, user: pwd.struct_passwd) -> tuple[Envelope, Letter]:
    """The envelope, and the letter, with From where it had none."""
    from posthouse.message.complete import complete, split_header
    from posthouse.message.encode import address_field
    from posthouse.smtp.envelope import Envelope, Recipient
    from posthouse.smtp.path import parse_mailbox

    spool.seek(0)
    start = spool.read(MAX_HEADER)
    at = split_header(start)
    to = [one for text in options.recipients for one in _addresses(text)]
    if options.from_header:
        to += _named(start[:at])
    if not to:
        raise WrongUsage("no letter without recipients: name some, or write To, Cc or Bcc into its header and say -t")
    own = f"{user.pw_name}@{hostname}"
    sender = own if options.sender is None else options.sender
    full_name = options.full_name or os.environ.get("NAME") or user.pw_gecos.partition(",")[0]
    author = address_field("From", [(full_name, _spec(sender or own, hostname))])
    mailboxes = dict.fromkeys(parse_mailbox(_spec(one, hostname)) for one in to)
    header = complete(
        _qualified(start[:at], hostname),
        date="",
        message_id="",
        sender=author.decode().removeprefix("From: ").rstrip("\r\n"),
        bcc=False,
    )
    letter = Letter(spool, header, at)
    notify = cast("frozenset[Notify]", options.notify)
    return (
        Envelope(
            parse_mailbox(_spec(sender, hostname)) if sender else None,
            [Recipient(mailbox, notify) for mailbox in mailboxes],
            size=len(letter),
            body="8BITMIME",
            smtputf8=True,
            ret=cast("Return", options.ret) if options.ret else None,
            envid=_envid(options.envid),
        ),
        letter,
    )


def _addresses(text: str) -> list[str]:
    """What an argument names: an address, some with commas between, or as a header has them."""
    from posthouse.message.address import mailboxes, parse_addresses

    found: list[Address] = mailboxes(parse_addresses(text))
    if not found:
        raise WrongUsage(f'"{text}" is no mail address')
    return [one.spec for one in found]


def _named(header: bytes) -> list[str]:
    """The recipients in a header: of the Resent- fields, where somebody hands a letter on (RFC 5322 §3.6.6)."""
    from posthouse.message.address import mailboxes, parse_addresses
    from posthouse.message.header import Headers

    headers = Headers(header)
    resent = any(f"resent-{name}" in headers for name in ("to", "cc", "bcc"))
    fields = [f"resent-{name}" if resent else name for name in ("to", "cc", "bcc")]
    texts = [text for name in fields for text in headers.get_all(name)]
    return [one.spec for text in texts for one in mailboxes(parse_addresses(text))]


def _qualified(header: bytes, hostname: str) -> bytes:
    """A header in which names alone have become addresses at this machine: cron writes "From: root (Cron Daemon)"."""
    from posthouse.message.address import mailboxes, parse_addresses
    from posthouse.message.encode import address_field
    from posthouse.message.header import Headers, decode_text

    pieces, done = [], 0
    for one in Headers(header).fields():
        if one.name.lower() not in QUALIFIED:
            continue
        found = mailboxes(parse_addresses(decode_text(one.body)))
        if any(address.local and not address.domain for address in found):
            specs = [(address.name, _spec(address.spec, hostname)) for address in found if address.local]
            pieces += [header[done : one.start], address_field(one.name.decode(), specs)]
            done = one.end
    return b"".join([*pieces, header[done:]])


def _spec(address: str, hostname: str) -> str:
    """An address with its domain: a name alone is somebody on this machine."""
    return address if "@" in address else f"{address}@{hostname}"


def _envid(text: str) -> str | None:
    from posthouse.smtp.dsn import encode_xtext

    return encode_xtext(text)[:100] if text else None


# -- where it goes ---------------------------------------------------------------------------------------------------


def _become_owner(config: Config) -> int | None:
    """Whether this user may write to the store; then the number of whoever called. Root becomes the store's owner."""
    caller = os.getuid()
    try:
        owner = config.data.stat()
    except PermissionError:
        return None
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no store at {config.data}", advice="Make one with `posthouse init`, or name the configuration."
        ) from error
    if caller == 0 and owner.st_uid != 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
        return caller
    return caller if os.access(config.data, os.R_OK | os.W_OK | os.X_OK) else None


async def _put(config: Config, uid: int, envelope: Envelope, letter: Letter) -> None:
    """Into the store, in one transaction. Errors: SmtpRefused, StoreError."""
    from posthouse.delivery.accept import Arrival
    from posthouse.server.app import furnish
    from posthouse.sessions.local import LocalTransaction, LocalUser
    from posthouse.sessions.refusal import refusal
    from posthouse.smtp.client import refusal as refused
    from posthouse.store.engine import Store

    if not Store.exists(config.data):
        raise ConfigError(
            f"there is no store in {config.data}",
            advice="Is it the right configuration? `posthouse init` makes a store.",
        )
    store = await asyncio.to_thread(Store.open, config.data, readers=1)
    try:
        house = furnish(config, store)
        transaction = LocalTransaction(house, LocalUser.find(uid, house))
        now = int(time.time())
        arrival = Arrival(
            greeting="", peer="", hostname=config.hostname, protocol="ESMTP", cipher="", at=now, priority=0
        )
        try:
            answer = await transaction.sender(envelope, now)
            for recipient in envelope.recipients:
                if answer.positive:
                    answer = await transaction.recipient(recipient)
                if not answer.positive:
                    raise refused(answer, f"nothing was sent, because of {recipient}")
            transaction.begin(now, counted=True, binary=False)
            for start in range(0, len(letter), PIECE):
                await transaction.write(letter[start : start + PIECE])
            (answer,) = await transaction.end(envelope, arrival)
        except (StoreError, InvalidMessage) as error:
            answer = refusal(error)
        finally:
            transaction.discard()
        if not answer.positive:
            raise refused(answer, "nothing was sent")
    finally:
        await asyncio.to_thread(store.close)


def _hand_over(config: Config, envelope: Envelope, letter: Letter) -> None:
    """To the running server. Errors: ConnectionFailed, SmtpRefused, ProtocolError."""
    from posthouse.client import smtp
    from posthouse.client.drive import drive
    from posthouse.client.url import Protocol, Security, Server
    from posthouse.net.stream import Stream
    from posthouse.net.tls import client_context
    from posthouse.smtp.client import refusal as refused_by

    if not config.listen.sendmail:
        raise ConfigError(
            f"this user may not write to {config.data}, and the server has no socket for letters",
            advice='Let the operator write [listen] sendmail = "unix:/run/posthouse/sendmail" into posthouse.toml.',
        )
    try:
        stream = Stream.connect_path(config.listen.sendmail[0].path, CONNECT_SECONDS)
    except ConnectionFailed as error:
        raise ConnectionFailed("the mail server isn't running", advice="Try again when it is.") from error
    try:
        conversation = smtp.Conversation(Server(Protocol.SMTP, "localhost", 25, Security.NONE), config.hostname)
        context = client_context()
        drive(stream, smtp.connect(conversation), context)
        refused = drive(stream, smtp.rehearse(conversation, envelope), context)
        for address, reply in refused.items():
            raise refused_by(reply, f"nothing was sent, because of {address}")
        result = drive(stream, smtp.send(conversation, envelope, letter), context)
        if result.refused:
            raise refused_by(result.reply, "nothing was sent")
        drive(stream, smtp.quit(conversation), context)
    finally:
        stream.close()
