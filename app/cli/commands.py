"""All commands."""

from __future__ import annotations

from typing import Annotated

import typer

from app import __version__
from app.cli import (
    archive,
    audit,
    catalog,
    gateway,
    generations,
    grants,
    keys,
    ledger,
    members,
    prices,
    requests,
    running,
    sign_in,
    statements,
    teams,
    unknown,
    usage,
    webhooks,
)
from app.cli.terminal import act_as

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
cli.add_typer(running.cli)
cli.add_typer(gateway.cli)
cli.add_typer(audit.cli)
cli.add_typer(usage.cli)
cli.add_typer(teams.cli, name="team")
cli.add_typer(members.cli, name="member")
cli.add_typer(keys.cli, name="key")
cli.add_typer(sign_in.cli, name="sign-in")
cli.add_typer(grants.cli, name="grant")
cli.add_typer(prices.cli, name="prices")
cli.add_typer(catalog.cli, name="catalog")
cli.add_typer(requests.cli, name="request")
cli.add_typer(ledger.cli, name="ledger")
cli.add_typer(statements.cli, name="statement")
cli.add_typer(gateway.upstream_cli, name="upstream")
cli.add_typer(generations.cli, name="generation")
cli.add_typer(unknown.cli, name="unknown")
cli.add_typer(archive.cli, name="archive")
cli.add_typer(webhooks.cli, name="webhooks")


def _say_version(given: bool) -> None:
    if given:
        typer.echo(f"reelgate {__version__}")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_say_version, is_eager=True
        ),
    ] = False,
    _as: Annotated[
        str | None,
        typer.Option(
            "--as",
            callback=act_as,
            metavar="NAME",
            help="Who the audit log names for this; default: REELGATE_OPERATOR, or the user of the "
            "operating system.",
        ),
    ] = None,
) -> None:
    """Reelgate: a gateway for AI video."""
