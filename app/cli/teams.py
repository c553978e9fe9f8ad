"""Commands for teams."""

from __future__ import annotations

from typing import Annotated

import typer

from app import members
from app.cli.terminal import ACTOR, Credits, Name, group, require, show, status_of, with_runtime
from app.db import members as rows
from app.runtime import Runtime

cli = group("Teams and their limits.")


@cli.command("create")
def team_create(name: Name, credit_limit: Credits = None) -> None:
    """Make a team. Without a credit limit only its members' limits bind."""

    async def act(rt: Runtime) -> None:
        await members.create_team(rt, name, credit_limit=credit_limit, actor=ACTOR)
        typer.echo(f"Team {name} is there.")

    with_runtime(act)


@cli.command("list")
def team_list() -> None:
    """Show all teams."""

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_teams(tx)
        show(
            ["team", "status", "members", "credit limit", "used"],
            [[t.name, t.status, t.members, t.credit_limit, t.used_credits] for t in found],
        )

    with_runtime(act)


@cli.command("limit")
def team_limit(
    name: Name,
    credit_limit: Credits = None,
    unlimited: Annotated[bool, typer.Option(help="Take the team's limit away.")] = False,
) -> None:
    """Change a team's credit limit."""
    require(unlimited or credit_limit is not None, "give --credit-limit or --unlimited")

    async def act(rt: Runtime) -> None:
        await members.change_team(
            rt, name, credit_limit=credit_limit, unlimited=unlimited, actor=ACTOR
        )
        typer.echo(f"Team {name} is changed.")

    with_runtime(act)


@cli.command("suspend")
def team_suspend(
    name: Name, undo: Annotated[bool, typer.Option(help="Let it in again.")] = False
) -> None:
    """Refuse every request of a team. What is under way goes on."""

    async def act(rt: Runtime) -> None:
        await members.change_team(rt, name, status=status_of(undo), actor=ACTOR)
        typer.echo(f"Team {name} is {status_of(undo).value.lower()}.")

    with_runtime(act)
