"""Reads the audit log."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import INSTANTS, acting, day, in_utc, require, show, with_runtime

if TYPE_CHECKING:
    from app.db.audit import AuditLine
    from app.runtime import Runtime

cli = typer.Typer()


@cli.command("audit")
def audit_log(
    since: Annotated[
        datetime | None, typer.Option(formats=INSTANTS, help="From then on, in UTC.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=INSTANTS, help="What was before then, in UTC.")
    ] = None,
    member: Annotated[
        str | None, typer.Option(metavar="TEAM/MEMBER", help="What it did, or was done to it.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only this, as `key.revoke`, or this family, as `key`.")
    ] = None,
    team: Annotated[str | None, typer.Option(help="About this team.")] = None,
    by: Annotated[
        str | None, typer.Option(metavar="ACTOR", help="Done by this one, as lines name it.")
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="Done to this one, a name or an id, as lines have it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    everything: Annotated[bool, typer.Option("--all", help="However many there are.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="For a spreadsheet: no cell of it is taken for a formula."),
    ] = False,
) -> None:
    """Show who changed what, newest first."""
    from app.db.audit import Wanted
    from app.members import teams
    from app.operators import audit

    require(not (as_json and as_csv), "give one of --json and --csv")
    require(not everything or as_json or as_csv, "--all needs --json or --csv")

    async def act(rt: Runtime) -> None:
        who = acting(rt, None)
        wanted = Wanted(
            team_id=None if team is None else (await teams.get_team(rt, team, actor=who)).id,
            actor=by, member=member, action=action, subject=subject, since=in_utc(since),
            until=in_utc(until),
        )  # fmt: skip
        if as_csv:
            typer.echo(audit.as_csv([audit.COLUMNS]), nl=False)
        if everything:
            async for line in audit.all_lines(rt, wanted, actor=who):
                _write(line, as_csv=as_csv)
            return
        found = await audit.list_lines(rt, wanted, actor=who, limit=limit)
        if as_json or as_csv:
            for line in found:
                _write(line, as_csv=as_csv)
        else:
            show(["at", "who", "action", "subject", "key", "address", "detail"],
                 [_cells(line) for line in found])  # fmt: skip

    with_runtime(act)


def _write(line: AuditLine, *, as_csv: bool) -> None:
    from app.operators import audit

    if as_csv:
        typer.echo(audit.as_csv([audit.cells(line)]), nl=False)
    else:
        typer.echo(audit.as_json(line))


def _cells(line: AuditLine) -> list[object]:
    detail = json.dumps(line.detail, ensure_ascii=False) if line.detail else None
    key = line.key_prefix and f"{line.key_prefix}…"
    return [day(line.created_at), line.actor, line.action, line.subject, key, line.address, detail]
