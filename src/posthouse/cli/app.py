"""The commands, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from posthouse import __version__

from . import (
    account,
    alias,
    answer,
    app_password,
    ban,
    demo,
    domain,
    list,
    login,
    queue,
    read,
    send,
    sendmail,
    setup,
    tidy,
    transfer,
    upkeep,
    watch,
)
from .report import wait_for_streams

app = typer.Typer(
    name="posthouse",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The whole of email: a server that takes letters in and keeps them, and the commands to write and read them.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"posthouse {__version__}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


app.command("demo", rich_help_panel="Try it")(demo.demo)
app.command("init", rich_help_panel="Server")(setup.init)
app.command("serve", rich_help_panel="Server")(setup.serve)
app.command("config", rich_help_panel="Server")(setup.config)
app.add_typer(account.account, name="account", rich_help_panel="Server")
account.account.add_typer(app_password.app_password, name="app-password")
app.add_typer(alias.alias, name="alias", rich_help_panel="Server")
app.add_typer(domain.domain, name="domain", rich_help_panel="Server")
app.add_typer(ban.ban, name="ban", rich_help_panel="Server")
app.command(
    "sendmail",
    rich_help_panel="Server",
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "allow_interspersed_args": False},
)(sendmail.sendmail)
app.add_typer(queue.queue, name="queue", rich_help_panel="Server")
app.command("import", rich_help_panel="Server")(transfer.import_mail)
app.command("export", rich_help_panel="Server")(transfer.export_mail)
app.command("verify", rich_help_panel="Server")(upkeep.verify)
app.command("backup", rich_help_panel="Server")(upkeep.backup)
app.command("restore", rich_help_panel="Server")(upkeep.restore)
app.command("reindex", rich_help_panel="Server")(upkeep.reindex)
app.command("login", rich_help_panel="Mail")(login.login)
app.command("logout", rich_help_panel="Mail")(login.logout)
app.command("send", rich_help_panel="Mail")(send.send)
app.command("list", rich_help_panel="Mail")(list.list_subjects)
app.command("search", rich_help_panel="Mail")(list.search)
app.command("mailboxes", rich_help_panel="Mail")(list.mailboxes)
app.command("read", rich_help_panel="Mail")(read.read)
app.command("save", rich_help_panel="Mail")(read.save)
app.command("reply", rich_help_panel="Mail")(answer.reply)
app.command("forward", rich_help_panel="Mail")(answer.forward)
app.command("move", rich_help_panel="Mail")(tidy.move)
app.command("delete", rich_help_panel="Mail")(tidy.delete)
app.command("flag", rich_help_panel="Mail")(tidy.flag)
app.command("watch", rich_help_panel="Mail")(watch.watch)


def run() -> None:
    """Run the command line."""
    wait_for_streams()
    app()
