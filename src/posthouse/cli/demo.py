"""`posthouse demo`: a letter with a picture travels through the whole system, and every step is told."""

from __future__ import annotations

import shutil
import signal
import ssl
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from posthouse.errors import StoreError

from .report import reported
from .server_extra import server_extra

if TYPE_CHECKING:
    from posthouse.config import Config

ADA, BOB = "ada@example.org", "bob@example.org"
PASSWORDS = {ADA: "difference-engine", BOB: "geheim"}
SUBJECT = "A picture for you ✉"
TEXT = "Dear Bob,\n\nthis letter has a text, an HTML form and a picture. Can you see it?\n\nAda\n"
HTML = """\
<p>Dear Bob,</p>
<p>this letter has a <b>text</b>, an <b>HTML form</b> and a <b>picture</b>. Can you see it?</p>
<p><img src="cid:envelope" alt="a sealed envelope" width="240" height="160"></p>
<p>Ada</p>
"""
# Seconds in which a letter gets its file, also on a busy machine.
FILE_SECONDS = 30
ENDINGS = {signal.SIGINT, signal.SIGTERM}
# Any host name will do: everything stays on this machine.
HOSTNAME, DOMAIN = "mail.example.org", "example.org"


@reported
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep the demo's server in this folder.", show_default="a folder that is removed"
        ),
    ] = None,
    base_port: Annotated[
        int, typer.Option(metavar="N", min=1, max=64000, help="Listen at N + each standard port.")
    ] = 20000,
    once: Annotated[bool, typer.Option("--once", help="Stop after the letter has been read.")] = False,
) -> None:
    """Watch a letter travel: a throw-away server on this machine, a letter with a picture, an inbox listed.

    Then the demo keeps serving until Ctrl-C, and tells how to do the same by hand. Example: posthouse demo --once
    """
    with server_extra(), ExitStack() as stack:
        from posthouse.config import STANDARD_PORTS
        from posthouse.server.app import serving

        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="posthouse-demo-")))
        settings = furnish(folder, base_port)
        step(1, "A server starts on this machine, in a folder of its own.")
        # The signals are for this thread: the server's begins with them blocked, and keeps them so.
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
        stack.enter_context(serving(settings))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        tell(f"configuration  {settings.path}")
        tell(f"store          {settings.data}")
        for name in STANDARD_PORTS:
            for endpoint in getattr(settings.listen, name):
                tell(f"{name:<14} {endpoint}")
        for address, password in PASSWORDS.items():
            tell(f"account        {address}, password {password}")
        travel(settings)
        by_hand(settings)
        if not once:
            typer.echo("The server keeps running. Ctrl-C stops it.")
            signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
            signal.sigwait(ENDINGS)
            typer.echo("Stopped.")


def furnish(folder: Path, base_port: int) -> Config:
    """The demo's server with its two accounts; what an earlier run left in the folder is used again."""
    from posthouse import config
    from posthouse.server.setup import create
    from posthouse.store import account
    from posthouse.store.engine import Store
    from posthouse.store.password import hash_password, make_keys

    path = folder / "posthouse.toml"
    settings = config.load(path) if path.exists() else create(folder, DOMAIN, HOSTNAME, base_port)
    store = Store.open(settings.data)
    try:
        for address, password in PASSWORDS.items():
            if store.look(account.find, address) is None:
                store.run(account.add, address, hash_password(password), make_keys(password))
    finally:
        store.close()
    return settings


def _newest_file(folder: Path) -> Path:
    """The letter's file, which is made a moment after its octets are on disk (store/fresh.py)."""
    for _ in range(FILE_SECONDS * 50):
        if found := list(folder.rglob("*.eml")):
            return max(found, key=lambda path: path.stat().st_mtime_ns)
        time.sleep(0.02)
    raise StoreError("the letter has no file", advice="The server's log tells why.")


def travel(settings: Config) -> None:
    """The letter: written, sent, kept, listed, read."""
    from posthouse.client.message import Message
    from posthouse.client.sync import ImapClient, SmtpClient
    from posthouse.client.url import Protocol, Security, Server
    from posthouse.imap.fetch import Attribute
    from posthouse.message.header import decode_text

    from .picture import envelope

    context = trusting(settings)
    picture = envelope()

    step(2, "Ada writes a letter: a text, an HTML form, and a picture that the HTML shows.")
    letter = Message(
        from_=f"Ada <{ADA}>",
        to=f"Bob <{BOB}>",
        subject=SUBJECT,
        text=TEXT,
        html=HTML,
        inline={"envelope": ("envelope.png", picture)},
    )
    octets = bytes(letter)
    tell(f"picture        envelope.png, {len(picture)} octets, drawn by the demo")
    tell(f"letter         {len(octets)} octets, composed by the standards (RFC 5322, MIME)")

    step(3, "Her program hands it to her server: SMTP, made private by STARTTLS, with her password.")
    submission, imap = settings.listen.submission[0], settings.listen.imap[0]
    with SmtpClient.connect(
        Server(Protocol.SMTP, "localhost", submission.port, Security.STARTTLS), context=context
    ) as smtp:
        smtp.login(ADA, PASSWORDS[ADA])
        result = smtp.send(ADA, [BOB], octets)
    tell(f"server said    {result.reply}")

    step(4, "The server has put it into Bob's mailbox before it said so: its rows, and one text file.")
    newest = _newest_file(settings.data / "messages")
    tell(f"file           {newest} ({newest.stat().st_size} octets)")
    for line in newest.read_text("utf-8", errors="replace").splitlines()[:8]:
        tell(f"               | {line}")

    step(5, "Bob's program lists the subjects of his inbox: IMAP, made private by STARTTLS, with his password.")
    with ImapClient.connect(Server(Protocol.IMAP, "localhost", imap.port, Security.STARTTLS), context=context) as box:
        box.login(BOB, PASSWORDS[BOB])
        inbox = box.select("INBOX", read_only=True)
        tell(f"inbox          {inbox.exists} message{'s' if inbox.exists != 1 else ''}")
        for message in box.newest([Attribute.ENVELOPE]):
            if message.envelope is not None:
                tell(f"subject        {decode_text(message.envelope.subject or b'')}")


def by_hand(settings: Config) -> None:
    """The lines with which a newcomer does the same."""
    certificate, program = settings.tls.certificate, command()
    submission, imap, imaps = (
        settings.listen.submission[0].port, settings.listen.imap[0].port, settings.listen.imaps[0].port,
    )  # fmt: skip
    for endpoint in settings.listen.http:
        typer.echo(f"""
Bob's mail in the browser, on this machine: http://localhost:{endpoint.port}/

  log in as {BOB}, password {PASSWORDS[BOB]}""")
    typer.echo(f"""
The same by hand, in another terminal:

  export SSL_CERT_FILE={certificate}
  echo "Tea at five?" | POSTHOUSE_PASSWORD={PASSWORDS[ADA]} \\
      {program} send --to {BOB} --subject Tea --smtp smtp://{ADA}@localhost:{submission}
  POSTHOUSE_PASSWORD={PASSWORDS[BOB]} {program} list --imap imap://{BOB}@localhost:{imap}

and in Python, as every textbook has it:

  import imaplib, smtplib, ssl
  context = ssl.create_default_context(cafile="{certificate}")
  with smtplib.SMTP("localhost", {submission}) as server:
      server.starttls(context=context)
      server.login("{ADA}", "{PASSWORDS[ADA]}")
      server.sendmail("{ADA}", ["{BOB}"], "Subject: Hello\\n\\nHello Bob")
  with imaplib.IMAP4_SSL("localhost", {imaps}, ssl_context=context) as mail:
      mail.login("{BOB}", "{PASSWORDS[BOB]}")
      print(mail.select("Inbox"), mail.search(None, "ALL"))
""")


def command() -> str:
    """What to type for `posthouse`: the name where the shell finds it, else the path that was typed."""
    typed = Path(sys.argv[0])
    found = shutil.which("posthouse")
    return "posthouse" if found and typed.exists() and Path(found).samefile(typed) else str(typed)


def trusting(settings: Config) -> ssl.SSLContext:
    """A client's TLS context that trusts the demo's certificate."""
    return ssl.create_default_context(cafile=str(settings.tls.certificate))


def step(number: int, what: str) -> None:
    """The heading of a step."""
    typer.secho(f"\n{number}. {what}", bold=True)


def tell(what: str) -> None:
    """A detail of a step."""
    typer.echo(f"   {what}")
