"""`posthouse init`, `serve` and `config`: setting up a server and running it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .report import reported
from .server_extra import server_extra

if TYPE_CHECKING:
    from posthouse.config import Config

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The configuration; else POSTHOUSE_CONFIG, else posthouse.toml in this folder.",
        show_default=False,
    ),
]


def load_config(path: Path | None) -> Config:
    """The configuration that a command works with."""
    from posthouse import config

    return config.load(path or config.default_path())


@reported
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the new server.", show_default=False)],
    domain: Annotated[
        str, typer.Option(metavar="DOMAIN", help="The domain whose letters it takes.", show_default=False)
    ],
    hostname: Annotated[
        str, typer.Option(metavar="NAME", help="The server's own name.", show_default="mail.DOMAIN")
    ] = "",
    base_port: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=64000,
            help="Listen on 127.0.0.1 only, at N + each standard port: 20000 gives smtp 20025.",
            show_default=False,
        ),
    ] = 0,
) -> None:
    """Make a server: its configuration, its store, a self-signed certificate; print the DNS records it needs.

    Example: posthouse init ./mail --domain example.org
    """
    with server_extra():
        from posthouse.server.setup import create, host_name

        config = create(folder, domain, hostname, base_port)
        domain = host_name(domain, "domain")
    say = typer.echo
    say(f"Made {config.path}, a store in {config.data} and a self-signed certificate in {config.tls.certificate}.")
    if base_port:
        say(f"It listens on 127.0.0.1 at {base_port} + the standard ports.")
    else:
        say("\nDNS records for the domain (with the server's addresses for 192.0.2.1 and 2001:db8::1):\n")
        for record in dns_records(domain, config.hostname):
            say(f"  {record}")
        say("\nOther servers want the address to resolve back to the name (PTR), which your provider sets.")
    say("\nNext:")
    path = shlex.quote(str(config.path))  # to be copied
    say(f"  posthouse account add you@{domain} --config {path}")
    say(f"  posthouse serve --config {path}")


def dns_records(domain: str, hostname: str) -> Iterator[str]:
    """The records that let others find the server, and believe that a letter is from it."""
    yield f"{hostname}.  A     192.0.2.1"
    yield f"{hostname}.  AAAA  2001:db8::1"
    yield f"{domain}.  MX    10 {hostname}."
    yield f'{domain}.  TXT   "v=spf1 mx -all"'  # RFC 7208: only the MX hosts send in the domain's name
    yield f'_dmarc.{domain}.  TXT   "v=DMARC1; p=quarantine"'  # RFC 7489
    # RFC 6186 and RFC 8314 §5.1: how mail programs find the doors.
    for service, port in (("submissions", 465), ("submission", 587), ("imaps", 993), ("pop3s", 995)):
        yield f"_{service}._tcp.{domain}.  SRV   0 1 {port} {hostname}."


@reported
def serve(config: ConfigOption = None) -> None:
    """Run the server until SIGTERM or Ctrl-C; print "ready" when every listener accepts.

    SIGHUP takes up a renewed certificate. Example: posthouse serve --config ./mail/posthouse.toml
    """
    with server_extra():
        from posthouse.server import log
        from posthouse.server.serve import serve as run
    settings = load_config(config)
    log.setup()
    run(settings, ready=lambda: print("ready", flush=True))


@reported
def config(config: ConfigOption = None) -> None:
    """Print the whole configuration, defaults included, as a file that could be used.

    Example: posthouse config --config ./mail/posthouse.toml
    """
    settings = load_config(config)
    section = ""
    for name, key, value, meaning in settings.settings():
        if name != section:
            section = name
            typer.echo(f"\n[{section}]")
        written = toml(value)
        # A key without a value has no form in TOML: it is shown as the comment that it is.
        typer.echo(f"{key} = {written}  # {meaning}" if written else f"# {key}: not set; {meaning}")


def toml(value: object) -> str:
    """A setting as TOML writes it; empty for one that is not set."""
    import json

    if value is None or value == ():
        return ""
    if isinstance(value, tuple):
        return json.dumps([str(item) for item in value]) if len(value) > 1 else json.dumps(str(value[0]))
    if isinstance(value, bool | int):
        return json.dumps(value)
    # JSON's strings are TOML basic strings.
    return json.dumps(str(value), ensure_ascii=False)
