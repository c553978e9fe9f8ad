"""Webhook endpoints and their deliveries, as their owners manage them. Each action has a line in
the audit log."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from app.db import api_keys, audit, members, repeats, webhook_deliveries, webhook_endpoints
from app.db.jobs import Job, enqueue, run_now
from app.db.repeats import Repeat
from app.db.session import Tx
from app.db.webhook_deliveries import Delivery
from app.db.webhook_endpoints import Owner
from app.domain.caller import Caller
from app.domain.webhooks import (
    DeliveryState,
    Endpoint,
    Event,
    PayloadFormat,
    WebhookEvent,
)
from app.errors import Forbidden, InvalidRequest, Issue, NotFound, Unauthenticated
from app.runtime import ApiRuntime, Runtime
from app.secrets import make_seed

#: Endpoints of a member, and of a team. Each event makes a delivery for every one of them.
MAX_ENDPOINTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """An endpoint with its secret, at the only times it is shown."""

    endpoint: Endpoint
    secret: str


def owner_of(caller: Caller) -> Owner:
    return Owner(team_id=caller.team_id, member_id=caller.member_id, is_admin=caller.is_admin)


async def create(
    rt: ApiRuntime,
    caller: Caller,
    *,
    url: str,
    description: str | None,
    events: Collection[WebhookEvent],
    payload_format: PayloadFormat,
    team_wide: bool,
    repeats_seconds: float = 0.0,
    once: Repeat | None = None,
) -> Issued:
    """Raises `Forbidden` if a member asks for events of the whole team, and `InvalidRequest` if
    there are too many endpoints already. `url` has been checked. A request that repeats one of at
    most `repeats_seconds` ago gets the endpoint that this one made, with its secret; so does one
    that repeats another by its Idempotency-Key."""
    if team_wide and not caller.is_admin:
        raise Forbidden("Only an administrator of the team may have a team-wide endpoint.")
    endpoint_id, seed, most = uuid4(), make_seed(), MAX_ENDPOINTS
    member_id = None if team_wide else caller.member_id
    async with rt.db.begin() as tx:
        await webhook_endpoints.lock_owner(tx, caller.team_id, member_id)
        earlier = await repeats.earlier(tx, once, endpoint_id)
        if earlier is not None:
            return _issued(rt, await _get(tx, caller, earlier))
        if repeats_seconds:
            found = await webhook_endpoints.find_untouched(
                tx, key_id=caller.key_id, member_id=member_id, url=url, description=description,
                events=events, payload_format=payload_format, within_seconds=repeats_seconds,
            )  # fmt: skip
            if found is not None:
                return _issued(rt, found)
        made = await webhook_endpoints.create(
            tx, endpoint_id, team_id=caller.team_id, member_id=member_id, url=url,
            description=description, events=events, payload_format=payload_format, seed=seed,
            most=most,
        )  # fmt: skip
        if not made:
            message = f"there are {most} endpoints already, which is the limit; delete one first"
            raise InvalidRequest(
                f"No endpoint can be created: {message}.", issues=[Issue("url", "value", message)]
            )
        await _set_up(rt, tx, caller, endpoint_id)
        await audit.record(
            tx,
            caller.actor,
            "webhook.create",
            str(endpoint_id),
            team_wide=team_wide,
            team_id=caller.team_id,
        )
        endpoint = await _get(tx, caller, endpoint_id)
    return _issued(rt, endpoint)


async def change(
    rt: Runtime, caller: Caller, endpoint_id: UUID, changes: Mapping[str, Any]
) -> Endpoint:
    """`changes` are fields of `Endpoint`. Those that have this value already are left alone, so
    that `updated_at` is the time of a change. Raises `NotFound`."""
    async with rt.db.begin() as tx:
        known = await _get(tx, caller, endpoint_id)
        changes = {
            name: value for name, value in changes.items()
            if name == "enabled" or getattr(known, name) != value
        }  # fmt: skip
        await webhook_endpoints.change(tx, endpoint_id, changes)
        if "url" in changes:
            await _set_up(rt, tx, caller, endpoint_id)
        await audit.record(
            tx,
            caller.actor,
            "webhook.change",
            str(endpoint_id),
            fields=sorted(changes),
            team_id=caller.team_id,
        )
        return await _get(tx, caller, endpoint_id)


async def rotate(
    rt: ApiRuntime,
    caller: Caller,
    endpoint_id: UUID,
    *,
    overlap_seconds: float,
    repeats_seconds: float = 0.0,
) -> Issued:
    """A new secret. The previous one signs too for `overlap_seconds`. Raises `NotFound`. A request
    that repeats one of at most `repeats_seconds` ago gets the secret that this one made: another
    rotation would end the overlap of the only secret that the receiver has."""
    seed, until = make_seed(), None
    if overlap_seconds:
        until = rt.clock.now() + timedelta(seconds=overlap_seconds)
    async with rt.db.begin() as tx:
        await _get(tx, caller, endpoint_id)
        await webhook_endpoints.rotate(
            tx, endpoint_id, seed=seed, previous_until=until, unless_seconds=repeats_seconds
        )
        await _set_up(rt, tx, caller, endpoint_id)
        await audit.record(
            tx,
            caller.actor,
            "webhook.rotate",
            str(endpoint_id),
            overlap_seconds=overlap_seconds,
            team_id=caller.team_id,
        )
        endpoint = await _get(tx, caller, endpoint_id)
    return _issued(rt, endpoint)


def _issued(rt: ApiRuntime, endpoint: Endpoint) -> Issued:
    return Issued(endpoint=endpoint, secret=rt.sender.secrets.of_endpoint(endpoint.seed))


async def callback_secret(rt: ApiRuntime, caller: Caller) -> str:
    async with rt.db.single() as tx:
        seeds = await members.callback_seeds(tx, caller.member_id, now=rt.clock.now())
    return rt.sender.secrets.of_member(caller.member_id, seeds[0])


async def rotate_callback_secret(rt: ApiRuntime, caller: Caller, *, overlap_seconds: float) -> str:
    """The new secret; the previous one signs too for `overlap_seconds`."""
    seed = make_seed()
    until = rt.clock.now() + timedelta(seconds=overlap_seconds) if overlap_seconds else None
    async with rt.db.begin() as tx:
        await _require_key(rt, tx, caller)
        await members.rotate_callback_seed(tx, caller.member_id, seed=seed, previous_until=until)
        await audit.record(
            tx, caller.actor, "callback_secret.rotate", caller.actor,
            overlap_seconds=overlap_seconds, team_id=caller.team_id,
        )  # fmt: skip
    return rt.sender.secrets.of_member(caller.member_id, seed)


async def delete(rt: Runtime, caller: Caller, endpoint_id: UUID) -> None:
    """Deletes it with the log of its deliveries. If a long one is interrupted, the endpoint is left
    disabled, and may be deleted again. Raises `NotFound`."""
    gone = False
    while not gone:
        async with rt.db.begin() as tx:
            await _get(tx, caller, endpoint_id)
            gone = await webhook_endpoints.delete(tx, endpoint_id)
            if gone:
                await audit.record(
                    tx, caller.actor, "webhook.delete", str(endpoint_id), team_id=caller.team_id
                )


async def get(rt: Runtime, caller: Caller, endpoint_id: UUID) -> Endpoint:
    async with rt.db.single() as tx:
        return await _get(tx, caller, endpoint_id)


async def make_test(rt: Runtime, caller: Caller, endpoint_id: UUID, event: Event) -> UUID:
    """A test delivery, without a job: the caller sends it. `event` is the one it pretends to be.
    Raises `NotFound`."""
    delivery_id = uuid4()
    async with rt.db.begin() as tx:
        await _get(tx, caller, endpoint_id)
        await webhook_deliveries.make_test(
            tx, delivery_id, endpoint_id=endpoint_id, event=event, member_id=caller.member_id
        )
        await audit.record(
            tx,
            caller.actor,
            "webhook.test",
            str(endpoint_id),
            team_id=caller.team_id,
        )
    return delivery_id


async def get_delivery(rt: Runtime, caller: Caller, delivery_id: UUID) -> Delivery:
    """Raises `NotFound`."""
    async with rt.db.single() as tx:
        delivery = await webhook_deliveries.find(tx, delivery_id, owner_of(caller))
    if delivery is None:
        raise NotFound(f"There is no delivery {delivery_id}.")
    return delivery


async def resend(rt: Runtime, caller: Caller, delivery_id: UUID) -> Delivery:
    """Due now, with the same message id and a full set of attempts. Raises `NotFound`, and
    `InvalidRequest` if its endpoint is disabled."""
    delivery = await get_delivery(rt, caller, delivery_id)
    async with rt.db.begin() as tx:
        await require_deliverable(tx, delivery)
        await begin_again(rt, tx, delivery.id)
        await audit.record(
            tx,
            caller.actor,
            "webhook.resend",
            str(delivery_id),
            team_id=caller.team_id,
        )
    return replace(
        delivery, state=DeliveryState.PENDING, finished_at=None, next_attempt_at=rt.clock.now()
    )


async def _set_up(rt: Runtime, tx: Tx, caller: Caller, endpoint_id: UUID) -> None:
    """Notes the key, so that an operator who revokes it finds what it leaves behind."""
    await _require_key(rt, tx, caller)
    await webhook_endpoints.set_up_by(tx, endpoint_id, caller.key_id)


async def _require_key(rt: Runtime, tx: Tx, caller: Caller) -> None:
    """Whoever revokes it waits for this transaction, or this one is refused."""
    if not await api_keys.lock_valid_key(tx, caller.key_id, now=rt.clock.for_database()):
        raise Unauthenticated()


async def begin_again(rt: Runtime, tx: Tx, delivery_id: UUID) -> None:
    """Makes it due now."""
    await webhook_deliveries.begin_again(tx, delivery_id, now=rt.clock.for_database())
    await enqueue(tx, Job.DELIVER, delivery_id)
    await run_now(tx, Job.DELIVER, delivery_id)


async def require_deliverable(tx: Tx, delivery: Delivery) -> None:
    """A test also goes to a disabled endpoint; anything else would fail there at once. Raises
    `InvalidRequest`."""
    if delivery.endpoint_id is not None and not delivery.is_test:
        await require_enabled(tx, delivery.endpoint_id)


async def require_enabled(tx: Tx, endpoint_id: UUID) -> None:
    """Raises `NotFound` and `InvalidRequest`."""
    if not (await get_any(tx, endpoint_id)).enabled:
        raise InvalidRequest(
            f"Webhook endpoint {endpoint_id} is disabled; its owner can enable it again."
        )


async def get_any(tx: Tx, endpoint_id: UUID) -> Endpoint:
    """Of any owner. Raises `NotFound`."""
    endpoint = await webhook_endpoints.find_any(tx, endpoint_id)
    if endpoint is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.")
    return endpoint


async def _get(tx: Tx, caller: Caller, endpoint_id: UUID) -> Endpoint:
    endpoint = await webhook_endpoints.find(tx, endpoint_id, owner_of(caller))
    if endpoint is None:
        raise NotFound(f"There is no webhook endpoint {endpoint_id}.")
    return endpoint
