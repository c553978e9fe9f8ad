"""Commands for webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import (
    INSTANTS,
    Reason,
    acting,
    day,
    endpoint_id,
    group,
    in_utc,
    printable,
    require,
    show,
    with_runtime,
)
from app.errors import NotFound

if TYPE_CHECKING:
    from app.runtime import Runtime

cli = group("Webhook endpoints of all teams, and their deliveries.")

EndpointId = Annotated[
    UUID,
    typer.Argument(
        parser=endpoint_id, metavar="ENDPOINT", help="Its id, from `webhooks list` or an API."
    ),
]


@cli.command("list")
def webhooks_list(
    team: Annotated[str | None, typer.Option("--team", help="Only this team's.")] = None,
) -> None:
    """List endpoints, without the query of their addresses, with their pending and failed
    deliveries."""
    from app.db import webhook_endpoints

    async def act(rt: Runtime) -> None:
        async with rt.db.single() as tx:
            found = await webhook_endpoints.summaries(tx, team=team)
        show(
            ["endpoint", "team", "member", "address", "state", "failing since", "pending",
             "failed"],
            [
                [e.id, e.team_name, e.member_name, e.url.partition("?")[0],
                 "enabled" if e.enabled else f"disabled ({e.disabled_reason})",
                 day(e.failing_since), e.pending, e.failed]
                for e in found
            ],
        )  # fmt: skip

    with_runtime(act)


@cli.command("test")
def webhooks_test(endpoint: EndpointId) -> None:
    """Send a test to an endpoint, even a disabled one, and show the response. Exits with 1 if it
    was not accepted."""
    from app.runtime import make_sender
    from app.webhooks import managed
    from app.webhooks.delivery import attempt, record
    from app.webhooks.payloads import PAYLOAD_FORMATS

    delivered = False

    async def act(rt: Runtime) -> None:
        nonlocal delivered
        test = await managed.make_test(rt, endpoint, actor=acting(rt, None))
        result = await attempt(rt, make_sender(rt, PAYLOAD_FORMATS), test)
        if result is None:
            # A test is always due, so the endpoint was deleted meanwhile.
            raise NotFound(f"There is no webhook endpoint {endpoint}.")
        await record(rt, result)
        delivered = result.delivered
        said = result.attempt
        typer.echo(f"{said.error or f'answered {said.status}'} after {said.seconds:.1f} s")
        if said.answer:
            typer.echo(printable(said.answer))

    with_runtime(act)
    if not delivered:
        raise typer.Exit(1)


@cli.command("disable")
def webhooks_disable(
    endpoint: EndpointId, reason: Annotated[str, typer.Option(help="Why, for the audit log.")]
) -> None:
    """Disable an endpoint. Its pending deliveries fail; its owner may enable it again."""
    from app.webhooks import managed

    async def act(rt: Runtime) -> None:
        await managed.disable(rt, endpoint, actor=acting(rt, reason))
        typer.echo(f"Webhook endpoint {endpoint} is disabled.")

    with_runtime(act)


@cli.command("enable")
def webhooks_enable(endpoint: EndpointId, reason: Reason = None) -> None:
    """Enable an endpoint again, whoever disabled it."""
    from app.webhooks import managed

    async def act(rt: Runtime) -> None:
        await managed.enable(rt, endpoint, actor=acting(rt, reason))
        typer.echo(f"Webhook endpoint {endpoint} is enabled.")

    with_runtime(act)


@cli.command("resend")
def webhooks_resend(
    delivery: Annotated[
        UUID | None, typer.Option(help="A delivery's id, from the log or the API.")
    ] = None,
    endpoint: Annotated[
        UUID | None,
        typer.Option(parser=endpoint_id, help="All failed deliveries of this endpoint."),
    ] = None,
    team: Annotated[str | None, typer.Option(help="All failed deliveries of this team.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=INSTANTS, help="Of --endpoint or --team, only from then on, in UTC."),
    ] = None,
    reason: Reason = None,
) -> None:
    """Send deliveries again as soon as possible, with the same `webhook-id`."""
    from app.db.managed_deliveries import Wanted
    from app.members import teams
    from app.webhooks import managed

    named = [each for each in (delivery, endpoint, team) if each is not None]
    require(len(named) == 1, "give one of --delivery, --endpoint and --team")
    require(since is None or delivery is None, "--since goes with --endpoint or --team")

    async def act(rt: Runtime) -> None:
        who, count = acting(rt, reason), 1
        if delivery is not None:
            await managed.resend(rt, delivery, actor=who)
        else:
            if endpoint is not None:
                team_id = (await managed.get_endpoint(rt, endpoint, actor=who)).team_id
            else:
                team_id = (await teams.get_team(rt, team or "", actor=who)).id
            wanted = Wanted(team_id=team_id, endpoint_id=endpoint, created_from=in_utc(since))
            batch = await managed.resend_failed(rt, wanted, actor=who)
            count = batch.count
            while batch.next is not None:
                batch = await managed.resend_failed(rt, wanted, actor=who, after=batch.next)
                count += batch.count
        typer.echo(f"Sent again as soon as possible: {count}.")

    with_runtime(act)
