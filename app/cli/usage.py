"""Shows what a team used."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import TeamOption, actor, show, with_runtime

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = typer.Typer()

_DAY = ["%Y-%m-%d"]


@cli.command("usage")
def usage(
    team: TeamOption,
    member: Annotated[str | None, typer.Option(help="Only this member's.")] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DAY, help="First day, in the team's time zone. Default: "
                     "30 days ago."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="Last day. Default: today.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="What each row is of: day, month, model, state, team, member, key, or a "
                     "tag, as in metadata[cost_centre]. Several: --by day --by member. Default: "
                     "day, model and state."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
) -> None:  # fmt: skip
    """Show what a team created and what it cost."""
    from app.billing import usage as report
    from app.domain.authority import Actor
    from app.domain.usage import Question, read_groups
    from app.members.members import get_member

    try:
        dimensions, by_tag = read_groups(by or ())
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None

    async def act(rt: Runtime) -> None:
        acting = Actor(name=actor(rt))
        member_id = None
        if member is not None:
            member_id = (await get_member(rt, team, member, actor=acting)).id
        question = Question(
            first=_day(first), last=_day(last), dimensions=dimensions, by_tag=by_tag,
            member_id=member_id,
        )  # fmt: skip
        found = await report.usage_of_team(rt, team, question, actor=acting)
        if as_csv:
            typer.echo(report.usage_csv(question, found.rows), nl=False)
            return
        names, lines = report.table(question, found.rows)
        show(names, lines)
        typer.echo(
            f"{found.first} to {found.last} ({found.time_zone}): {found.generations} generations, "
            f"{found.settled_credits} credits spent, {found.held_credits} set aside."
        )

    with_runtime(act)


def _day(given: datetime | None) -> date | None:
    return None if given is None else given.date()
