"""Commands for statements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import Reason, TeamOption, acting, day, group, show, with_runtime
from app.domain.statements import MONTH, GroupBy, Statement, first_day, month_of

if TYPE_CHECKING:
    from datetime import date

    from app.runtime import Runtime

cli = group("What teams spent, month by month.")

#: A table of more is no use to a reader; the CSV has them all.
_MOST_TOTALS = 50
_MOST_STATEMENTS = 1200


def _month(text: str) -> date:
    if not re.fullmatch(MONTH, text):
        raise typer.BadParameter(f"{text!r} is no month: give one as in 2026-03")
    return first_day(text)


Month = Annotated[
    str, typer.Option("--month", metavar="MONTH", help="As in 2026-03, in the team's time zone.")
]


@cli.command("close")
def statement_close(team: TeamOption, month: Month, reason: Reason = None) -> None:
    """Close a month that has ended, for good. Months are closed in their order; closing one again
    changes nothing."""
    from app.billing import statements

    first = _month(month)

    async def act(rt: Runtime) -> None:
        closed, is_new = await statements.close(rt, team, first, actor=acting(rt, reason))
        typer.echo(f"{month} of team {team} is closed{'' if is_new else ' already'}.")
        _print(closed)

    with_runtime(act)


@cli.command("list")
def statement_list(team: TeamOption) -> None:
    """List the statements of a team, in the order of their months."""
    from app.billing import statements

    async def act(rt: Runtime) -> None:
        found = await statements.list_statements(
            rt, team, actor=acting(rt, None), limit=_MOST_STATEMENTS
        )
        show(
            ["month", "credits", "of earlier months", "lines", "unknown", "open", "closed", "by"],
            [
                [month_of(s.month), s.credits, s.earlier_credits, s.lines, s.unknown_credits,
                 s.open_credits, day(s.created_at), s.actor]
                for s in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("show")
def statement_show(
    team: TeamOption,
    month: Month,
    by: Annotated[GroupBy, typer.Option(help="What to add up by.")] = GroupBy.MEMBER,
    tag: Annotated[str | None, typer.Option(help="With `--by tag`, the key of the tag.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="All lines, as CSV.")] = False,
) -> None:
    """Show a statement and its totals, or all its lines."""
    from app.billing import statements

    first = _month(month)

    async def act(rt: Runtime) -> None:
        who = acting(rt, None)
        found = await statements.get_statement(rt, team, first, actor=who)
        if as_csv:
            async for part in statements.csv_of(rt, found):
                typer.echo(part, nl=False)
            return
        _print(found)
        totals = await statements.list_totals(
            rt, team, first, actor=who, by=by, tag=tag, limit=_MOST_TOTALS + 1
        )
        typer.echo()
        show(
            [tag or by.value, "lines", "credits", "held"],
            [[t.value, t.lines, t.credits, t.held] for t in totals[:_MOST_TOTALS]],
        )
        if len(totals) > _MOST_TOTALS:
            typer.echo("There are more: --csv has them all.")

    with_runtime(act)


@cli.command("verify")
def statement_verify(
    team: Annotated[str | None, typer.Option(help="Only this team's.")] = None,
) -> None:
    """Compute every statement again, compare it with the ledger, and look for entries that are not
    in exactly one. Exits with 1 if something differs."""
    from app.billing import statements

    async def act(rt: Runtime) -> None:
        findings = await statements.verify(rt, team, actor=acting(rt, None))
        if not findings:
            typer.echo("Every statement is what the ledger says.")
            return
        show(
            ["team", "month", "what is wrong"],
            [[f.team, f.month and month_of(f.month), f.what] for f in findings],
        )
        raise typer.Exit(1)

    with_runtime(act)


def _print(statement: Statement) -> None:
    show(
        ["", ""],
        [
            ["credits", statement.credits],
            ["of earlier months", statement.earlier_credits],
            ["lines", statement.lines],
            ["held by unknown generations", statement.unknown_credits],
            ["held by open generations", statement.open_credits],
            ["time zone", statement.time_zone],
            ["closed", f"{day(statement.created_at)} UTC by {statement.actor}"],
            ["SHA-256 of the CSV", statement.csv_sha256.hex()],
        ],
    )
