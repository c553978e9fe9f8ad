"""Commands for webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from app.cli.terminal import (
    actor,
    day,
    endpoint_id,
    group,
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
    from app.webhooks import endpoints
    from app.webhooks.delivery import attempt, record
    from app.webhooks.payloads import PAYLOAD_FORMATS

    delivered = False

    async def act(rt: Runtime) -> None:
        nonlocal delivered
        test = await endpoints.make_operators_test(rt, endpoint, actor=actor(rt))
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
    from app.webhooks import endpoints

    async def act(rt: Runtime) -> None:
        await endpoints.disable(rt, endpoint, reason=reason, actor=actor(rt))
        typer.echo(f"Webhook endpoint {endpoint} is disabled.")

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
) -> None:
    """Send deliveries again as soon as possible, with the same `webhook-id`."""
    from app.webhooks import endpoints

    require((delivery is None) != (endpoint is None), "give either --delivery or --endpoint")

    async def act(rt: Runtime) -> None:
        count = 1
        if endpoint is not None:
            count = await endpoints.resend_failed(rt, endpoint, actor=actor(rt))
        elif delivery is not None:
            await endpoints.resend_one(rt, delivery, actor=actor(rt))
        typer.echo(f"Sent again as soon as possible: {count}.")

    with_runtime(act)
