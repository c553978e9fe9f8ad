"""Reads the audit log."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.terminal import INSTANTS, day, in_utc, show, with_runtime

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
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show who changed what, newest first."""
    from app.db import audit

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await audit.lines(
                tx, since=in_utc(since), until=in_utc(until), member=member, action=action,
                limit=limit,
            )  # fmt: skip
        if as_json:
            for line in found:
                typer.echo(json.dumps({**asdict(line), "created_at": line.created_at.isoformat()}))
        else:
            show(["at", "who", "action", "subject", "key", "address", "detail"],
                 [_cells(line) for line in found])  # fmt: skip

    with_runtime(act)


def _cells(line: AuditLine) -> list[object]:
    detail = json.dumps(line.detail, ensure_ascii=False) if line.detail else None
    key = line.key_prefix and f"{line.key_prefix}…"
    return [day(line.created_at), line.actor, line.action, line.subject, key, line.address, detail]
