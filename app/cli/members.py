"""Commands for members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import (
    Burst,
    CreditPeriod,
    Credits,
    MaxOpen,
    Name,
    NewName,
    Rate,
    Reason,
    TeamOption,
    acting,
    credits_a,
    group,
    show,
    status_of,
    with_runtime,
)
from app.domain.caller import Role

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Members and their limits.")


@cli.command("create")
def member_create(
    name: Name,
    team: TeamOption,
    admin: Annotated[bool, typer.Option(help="May see and manage the whole team.")] = False,
    credit_limit: Credits = None,
    period: CreditPeriod = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    max_open: MaxOpen = None,
    reason: Reason = None,
) -> None:
    """Create a member. Limits that are not given get the configured defaults."""
    from app.domain.limits import Limits
    from app.members import members

    limits = Limits(credit_limit=credit_limit, credit_period=period,
                    rate_per_minute=rate_per_minute,
                    rate_burst=rate_burst, max_open=max_open)  # fmt: skip

    async def act(rt: Runtime) -> None:
        role = Role.ADMIN if admin else Role.MEMBER
        await members.create_member(
            rt, team, name, role=role, limits=limits, actor=acting(rt, reason)
        )
        typer.echo(f"Member {name} of team {team} is there; give it a key: "
                   f"reelgate key create --team {team} --member {name}")  # fmt: skip

    with_runtime(act)


@cli.command("list")
def member_list(
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
) -> None:
    """List members with their limits and usage."""
    from app.db import members as rows

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await rows.list_members(tx, team=team)
        show(
            ["team", "member", "role", "status", "credit limit", "granted", "period", "used",
             "set aside", "per minute", "burst", "max open"],
            [
                [m.team_name, m.name, m.role, "ENDED" if m.ended_at else m.status,
                 m.credit_limit, m.granted_credits, m.credit_period, m.settled_credits,
                 m.held_credits, m.rate_per_minute, m.rate_burst, m.max_open]
                for m in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("limit")
def member_limit(
    name: Name,
    team: TeamOption,
    credit_limit: Credits = None,
    period: CreditPeriod = None,
    rate_per_minute: Rate = None,
    rate_burst: Burst = None,
    max_open: MaxOpen = None,
    reason: Reason = None,
) -> None:
    """Change a member's limits. What is not given stays as it is."""
    from app.domain.limits import Limits
    from app.members import members

    limits = Limits(credit_limit=credit_limit, credit_period=period,
                    rate_per_minute=rate_per_minute,
                    rate_burst=rate_burst, max_open=max_open)  # fmt: skip

    async def act(rt: Runtime) -> None:
        m = await members.change_member(rt, team, name, limits=limits, actor=acting(rt, reason))
        typer.echo(
            f"Member {name} of team {team}: {credits_a(m.credit_period, m.credit_limit)} "
            f"({m.settled_credits} used, {m.held_credits} set aside), "
            f"{m.rate_per_minute} per minute, burst {m.rate_burst}, {m.max_open} open."
        )

    with_runtime(act)


@cli.command("suspend")
def member_suspend(
    name: Name,
    team: TeamOption,
    undo: Annotated[bool, typer.Option(help="End the suspension.")] = False,
    reason: Reason = None,
) -> None:
    """Suspend a member: refuse new videos. Generations in progress continue, and the member can
    still read and download."""
    from app.members import members

    async def act(rt: Runtime) -> None:
        await members.change_member(
            rt, team, name, status=status_of(undo), actor=acting(rt, reason)
        )
        typer.echo(f"Member {name} of team {team} is {status_of(undo).value.lower()}.")

    with_runtime(act)


@cli.command("rename")
def member_rename(name: Name, new_name: NewName, team: TeamOption, reason: Reason = None) -> None:
    """Rename a member. Its keys and videos stay as they are."""
    from app.members import members

    async def act(rt: Runtime) -> None:
        await members.rename_member(rt, team, name, new_name=new_name, actor=acting(rt, reason))
        typer.echo(f"Member {name} of team {team} is now {new_name}.")

    with_runtime(act)


@cli.command("role")
def member_role(
    name: Name,
    role: Annotated[
        Role,
        typer.Argument(case_sensitive=False, help="An admin may see and manage the whole team."),
    ],
    team: TeamOption,
    reason: Reason = None,
) -> None:
    """Promote a member to administrator of its team, or demote it, from the next request on."""
    from app.members import members

    async def act(rt: Runtime) -> None:
        await members.change_member(rt, team, name, role=role, actor=acting(rt, reason))
        typer.echo(f"Member {name} of team {team} has the role {role.value}.")

    with_runtime(act)


@cli.command("end")
def member_end(name: Name, team: TeamOption, reason: Reason = None) -> None:
    """End a member for ever: its keys end, and it gets no others. Generations in progress continue.
    Its name stays taken."""
    from app.members import members

    async def act(rt: Runtime) -> None:
        keys = await members.end_member(rt, team, name, actor=acting(rt, reason))
        typer.echo(f"Member {name} of team {team} has ended. Keys revoked: {len(keys)}.")

    with_runtime(act)
