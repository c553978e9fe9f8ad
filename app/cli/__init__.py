"""The command line of Reelgate: one file for each family of commands."""

from __future__ import annotations

import sys

import typer

from app.cli import archive, gateway, keys, members, running, teams, unknown, webhooks

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  help="Reelgate: a gateway for AI video.")  # fmt: skip
cli.add_typer(running.cli)
cli.add_typer(gateway.cli)
cli.add_typer(teams.cli, name="team")
cli.add_typer(members.cli, name="member")
cli.add_typer(keys.cli, name="key")
cli.add_typer(gateway.upstream_cli, name="upstream")
cli.add_typer(unknown.cli, name="unknown")
cli.add_typer(archive.cli, name="archive")
cli.add_typer(webhooks.cli, name="webhooks")


def main() -> None:
    sys.exit(cli())
