"""Commands for teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import (
    CreditPeriod,
    Credits,
    Name,
    NewName,
    Reason,
    TimeZone,
    acting,
    group,
    require,
    show,
    status_of,
    with_runtime,
)
from app.domain.accounts import Period

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Teams and their limits.")


@cli.command("create")
def team_create(
    name: Name,
    credit_limit: Credits = None,
    period: CreditPeriod = None,
    time_zone: TimeZone = None,
    reason: Reason = None,
) -> None:
    """Create a team. Without a credit limit, only its members' limits apply."""
    from app.members import teams

    async def act(rt: Runtime) -> None:
        await teams.create_team(
            rt, name, credit_limit=credit_limit, credit_period=period or Period.NONE,
            time_zone=time_zone, actor=acting(rt, reason),
        )  # fmt: skip
        typer.echo(f"Team {name} is there.")

    with_runtime(act)


@cli.command("list")
def team_list() -> None:
    """List all teams."""
    from app.db import teams as rows

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_teams(tx)
        show(
            ["team", "status", "members", "credit limit", "granted", "period", "time zone", "used",
             "set aside", "days kept", "required tags"],
            [
                [t.name, "ENDED" if t.ended_at else t.status, t.members, t.credit_limit,
                 t.granted_credits, t.credit_period, t.time_zone, t.settled_credits, t.held_credits,
                 t.retention_days, ", ".join(t.required_tags)]
                for t in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("limit")
def team_limit(
    name: Name,
    credit_limit: Credits = None,
    unlimited: Annotated[bool, typer.Option(help="Remove the team's limit.")] = False,
    period: CreditPeriod = None,
    time_zone: TimeZone = None,
    retention_days: Annotated[
        int | None,
        typer.Option(help="Days its videos are kept. Older ones are deleted within minutes."),
    ] = None,
    keep_forever: Annotated[bool, typer.Option(help="Keep its videos for ever.")] = False,
    require_tag: Annotated[
        list[str] | None,
        typer.Option(help="A tag that its creates must have; repeat it for several."),
    ] = None,
    require_no_tags: Annotated[bool, typer.Option(help="Its creates may have no tags.")] = False,
    reason: Reason = None,
) -> None:
    """Change a team's credit limit, when it begins anew, how long its videos are kept, or which
    tags its creates must have."""
    from app.members import teams

    require(
        unlimited
        or keep_forever
        or require_no_tags
        or any(
            each is not None
            for each in (credit_limit, period, time_zone, retention_days, require_tag)
        ),
        "give --credit-limit, --unlimited, --period, --time-zone, --retention-days, "
        "--keep-forever, --require-tag or --require-no-tags",
    )
    require(
        not (keep_forever and retention_days is not None),
        "give --retention-days or --keep-forever, not both",
    )
    require(
        not (require_tag and require_no_tags),
        "give --require-tag or --require-no-tags, not both",
    )

    async def act(rt: Runtime) -> None:
        await teams.change_team(
            rt, name, credit_limit=credit_limit, unlimited=unlimited, actor=acting(rt, reason),
            credit_period=period, time_zone=time_zone,
            retention_days=retention_days, keep_forever=keep_forever,
            required_tags=[] if require_no_tags else require_tag or None,
        )  # fmt: skip
        typer.echo(f"Team {name} is changed.")

    with_runtime(act)


@cli.command("suspend")
def team_suspend(
    name: Name,
    undo: Annotated[bool, typer.Option(help="End the suspension.")] = False,
    reason: Reason = None,
) -> None:
    """Suspend a team: refuse new videos. Generations in progress continue, and its members can
    still read and download."""
    from app.members import teams

    async def act(rt: Runtime) -> None:
        await teams.change_team(rt, name, status=status_of(undo), actor=acting(rt, reason))
        typer.echo(f"Team {name} is {status_of(undo).value.lower()}.")

    with_runtime(act)


@cli.command("rename")
def team_rename(name: Name, new_name: NewName, reason: Reason = None) -> None:
    """Rename a team. Its members, keys and videos stay as they are."""
    from app.members import teams

    async def act(rt: Runtime) -> None:
        await teams.rename_team(rt, name, new_name=new_name, actor=acting(rt, reason))
        typer.echo(f"Team {name} is now {new_name}.")
        if name == rt.settings.operator_team:
            typer.echo(
                f"Set REELGATE_OPERATOR_TEAM={new_name} and start the gateway again: until then "
                "nobody may operate it over the API."
            )

    with_runtime(act)


@cli.command("end")
def team_end(name: Name, reason: Reason = None) -> None:
    """End a team for ever, with its members: their keys end, and they get no others. Generations in
    progress continue. Its name stays taken."""
    from app.members import teams

    async def act(rt: Runtime) -> None:
        keys = await teams.end_team(rt, name, actor=acting(rt, reason))
        typer.echo(f"Team {name} has ended. Keys revoked: {len(keys)}.")

    with_runtime(act)
