"""Webhook endpoints and deliveries of a team, for those who manage it. Each action has a line in
the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from app.db import (
    audit,
    managed_deliveries,
    webhook_attempts,
    webhook_deliveries,
    webhook_endpoints,
)
from app.db.managed_deliveries import Named, Wanted
from app.db.session import Tx
from app.db.webhook_attempts import Tried
from app.db.webhook_deliveries import Delivery
from app.db.webhook_endpoints import NamedEndpoint
from app.domain.authority import Actor
from app.domain.webhooks import DeliveryState, Endpoint, UnlistedEvent
from app.errors import InvalidRequest, NotFound
from app.members.teams import managed_team
from app.runtime import Runtime
from app.webhooks.endpoints import begin_again, get_any, require_deliverable, require_enabled

#: How many deliveries are sent again in one transaction.
MAX_BATCH = 500
_MAX_ATTEMPTS = 500

Position = tuple[datetime, UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`next` is where the next batch goes on; None: all have been sent again."""

    count: int
    next: Position | None


async def list_endpoints(
    rt: Runtime,
    team_id: UUID | None = None,
    *,
    actor: Actor,
    enabled: bool | None = None,
    after: Position | None = None,
    limit: int,
) -> list[NamedEndpoint]:
    """Of a team and its members, or of all that the actor manages; oldest first. Raises `Forbidden`
    and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await webhook_endpoints.list_named(
            tx, team_id=await _only_team(tx, team_id, actor), enabled=enabled, after=after,
            limit=limit,
        )  # fmt: skip


async def list_deliveries(
    rt: Runtime, wanted: Wanted, *, actor: Actor, after: Position | None = None, limit: int
) -> list[Named]:
    """Of a team, or of all that the actor manages; newest first. Raises `Forbidden` and
    `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        wanted = replace(wanted, team_id=await _only_team(tx, wanted.team_id, actor))
        return await managed_deliveries.list_named(tx, wanted, after=after, limit=limit)


async def _only_team(tx: Tx, team_id: UUID | None, actor: Actor) -> UUID | None:
    """None: all teams."""
    return actor.only_team if team_id is None else (await managed_team(tx, team_id, actor)).id


async def get_delivery(
    rt: Runtime, delivery_id: UUID, *, actor: Actor
) -> tuple[Delivery, Sequence[Tried]]:
    """With its newest attempts. Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        delivery = await _managed_delivery(tx, delivery_id, actor)
        return delivery, await webhook_attempts.tried(tx, [delivery_id], limit=_MAX_ATTEMPTS)


async def make_test(rt: Runtime, endpoint_id: UUID, *, actor: Actor) -> UUID:
    """A test delivery, without a job: the caller sends it. Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    delivery_id = uuid4()
    async with rt.db.begin() as tx:
        endpoint = await _managed_endpoint(tx, endpoint_id, actor)
        await webhook_deliveries.make_test(
            tx, delivery_id, endpoint_id=endpoint_id, event=UnlistedEvent.TEST
        )
        await audit.record(
            tx,
            actor.name,
            "webhook.test",
            str(endpoint_id),
            reason=actor.reason,
            team_id=endpoint.team_id,
        )
    return delivery_id


async def disable(rt: Runtime, endpoint_id: UUID, *, actor: Actor) -> Endpoint:
    """Sends nothing there until somebody enables it again. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest` without a reason or if it is disabled already."""
    actor.require_manager()
    async with rt.db.begin() as tx:
        endpoint = await _managed_endpoint(tx, endpoint_id, actor)
        actor.require_reason("to disable an endpoint")
        if not await webhook_endpoints.disable(tx, endpoint_id, reason="operator"):
            raise InvalidRequest(f"Webhook endpoint {endpoint_id} is disabled already.")
        await audit.record(
            tx,
            actor.name,
            "webhook.disable",
            str(endpoint_id),
            reason=actor.reason,
            team_id=endpoint.team_id,
        )
        return await get_any(tx, endpoint_id)


async def enable(rt: Runtime, endpoint_id: UUID, *, actor: Actor) -> Endpoint:
    """Sends there again what happens from now on. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest` if it is enabled already."""
    actor.require_manager()
    async with rt.db.begin() as tx:
        endpoint = await _managed_endpoint(tx, endpoint_id, actor)
        if endpoint.enabled:
            raise InvalidRequest(f"Webhook endpoint {endpoint_id} is enabled already.")
        await webhook_endpoints.change(tx, endpoint_id, {"enabled": True})
        await audit.record(
            tx,
            actor.name,
            "webhook.enable",
            str(endpoint_id),
            reason=actor.reason,
            team_id=endpoint.team_id,
        )
        return await get_any(tx, endpoint_id)


async def resend(rt: Runtime, delivery_id: UUID, *, actor: Actor) -> Delivery:
    """Due now, with the same message id and a full set of attempts. Raises `Forbidden`, `NotFound`,
    and `InvalidRequest` if its endpoint is disabled."""
    actor.require_manager()
    async with rt.db.begin() as tx:
        delivery = await _managed_delivery(tx, delivery_id, actor)
        await require_deliverable(tx, delivery)
        await begin_again(rt, tx, delivery_id)
        await audit.record(
            tx, actor.name, "webhook.resend", str(delivery_id), reason=actor.reason,
            team_id=delivery.team_id,
        )  # fmt: skip
    return replace(
        delivery, state=DeliveryState.PENDING, finished_at=None, next_attempt_at=rt.clock.now()
    )


async def resend_failed(
    rt: Runtime,
    wanted: Wanted,
    *,
    actor: Actor,
    after: Position | None = None,
    limit: int = MAX_BATCH,
) -> Batch:
    """Sends failed deliveries of the team in `wanted` again, oldest first, at most `limit` of them.
    Those to disabled endpoints stay as they are. Raises `Forbidden`, `NotFound`, and
    `InvalidRequest` if the one endpoint in `wanted` is disabled."""
    actor.require_manager()
    assert wanted.team_id is not None
    async with rt.db.begin() as tx:
        team = await managed_team(tx, wanted.team_id, actor)
        subject = f"failed deliveries of {team.name}"
        if wanted.endpoint_id is not None:
            endpoint = await _managed_endpoint(tx, wanted.endpoint_id, actor)
            if endpoint.team_id != team.id:
                raise NotFound(f"There is no webhook endpoint {wanted.endpoint_id}.")
            await require_enabled(tx, wanted.endpoint_id)
            subject = str(wanted.endpoint_id)
        begun = await managed_deliveries.begin_failed_again(
            tx, wanted, after=after, now=rt.clock.for_database(), limit=limit
        )
        await audit.record(
            tx, actor.name, "webhook.resend", subject, deliveries=len(begun), reason=actor.reason,
            team_id=team.id,
        )  # fmt: skip
    return Batch(count=len(begun), next=begun[-1] if len(begun) == limit else None)


async def get_endpoint(rt: Runtime, endpoint_id: UUID, *, actor: Actor) -> Endpoint:
    """Raises `Forbidden` and `NotFound`."""
    actor.require_manager()
    async with rt.db.single() as tx:
        return await _managed_endpoint(tx, endpoint_id, actor)


async def _managed_endpoint(tx: Tx, endpoint_id: UUID, actor: Actor) -> Endpoint:
    endpoint = await get_any(tx, endpoint_id)
    if not actor.manages(endpoint.team_id):
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.")
    return endpoint


async def _managed_delivery(tx: Tx, delivery_id: UUID, actor: Actor) -> Delivery:
    delivery = await webhook_deliveries.find_any(tx, delivery_id)
    if delivery is None or not actor.manages(delivery.team_id):
        raise NotFound(f"There is no delivery {delivery_id}.")
    return delivery
