"""Commands for requests of members for more credits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import acting, day, group, require, show, with_runtime
from app.domain.credit_requests import RequestState

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Requests of members for more credits.")

Id = Annotated[UUID, typer.Argument(metavar="REQUEST", help="Its id, as `request list` shows it.")]


@cli.command("list")
def request_list(
    team: Annotated[str | None, typer.Option(help="Only of members of this team.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also those that are granted, refused or withdrawn.")
    ] = False,
) -> None:
    """List open requests for credits, newest first."""
    from app.db import credit_requests

    async def act(rt: Runtime) -> None:
        state = None if every else RequestState.OPEN
        async with rt.db.single() as tx:
            found = await credit_requests.list_requests(tx, team=team, state=state, limit=None)
        show(
            ["request", "state", "team", "member", "key", "credits", "until", "made", "reason",
             "by", "decision"],
            [
                [r.id, r.state, r.team, r.member, r.key_prefix and f"{r.key_prefix}…", r.credits,
                 day(r.ends_at), day(r.created_at), r.reason, r.decided_by, r.decision]
                for r in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("grant")
def request_grant(
    request_id: Id,
    reason: Annotated[str, typer.Option(help="Why; shown to the member and kept.")],
    credits_: Annotated[
        int | None, typer.Option("--credits", help="How many. Default: as asked for.")
    ] = None,
    days: Annotated[
        float | None,
        typer.Option(max=36_500, help="Days until they end. Default: as asked for."),
    ] = None,
) -> None:
    """Grant credits to a member that asked for them."""
    from app.billing import credit_requests

    require(days is None or days > 0, "--days must be more than 0")

    async def act(rt: Runtime) -> None:
        granted = await credit_requests.grant(
            rt, request_id, credits_=credits_,
            ends_at=None if days is None else rt.clock.now() + timedelta(days=days),
            actor=acting(rt, reason),
        )  # fmt: skip
        end = granted.granted_until
        until = "for good" if end is None else f"until {day(end)} UTC"
        typer.echo(f"Granted {granted.granted_credits} credits to {granted.member} {until}.")

    with_runtime(act)


@cli.command("refuse")
def request_refuse(
    request_id: Id,
    reason: Annotated[str, typer.Option(help="Why; shown to the member and kept.")],
) -> None:
    """Refuse a request for credits."""
    from app.billing import credit_requests

    async def act(rt: Runtime) -> None:
        refused = await credit_requests.refuse(rt, request_id, actor=acting(rt, reason))
        typer.echo(f"Refused the request of {refused.member}.")

    with_runtime(act)
