"""Webhook endpoints and deliveries of teams, for operators and their administrators."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.api import cursor as cursors
from app.api.documents import Document
from app.api.management_documents import Deed, Reasoned
from app.api.parameters import (
    AnyFormOfEndpointId,
    AnyFormOfId,
    Cursor,
    DeliveryId,
    EndpointId,
    Instant,
    TeamId,
    Whole,
    refusals,
)
from app.api.story_documents import ManagedDeliveryDocument, managed_delivery
from app.api.webhook_documents import (
    WebhookDeliveryDocument,
    WebhookEndpointDocument,
    delivery_fields,
    endpoint_fields,
)
from app.db.managed_deliveries import Named, Wanted
from app.db.webhook_deliveries import Delivery
from app.db.webhook_endpoints import NamedEndpoint
from app.domain.authority import Actor
from app.domain.webhooks import DeliveryState, Endpoint
from app.http.access import Manager, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.runtime import ApiRuntime
from app.webhooks import managed

router = APIRouter(prefix="/admin", tags=["admin"], route_class=BoundedRoute)

_OF_TEAM = "/teams/{team_id}/webhooks"
_ENDPOINT = "/webhooks/endpoints/{endpoint_id}"
_DELIVERY = "/webhooks/deliveries/{delivery_id}"


class ManagedEndpointDocument(WebhookEndpointDocument):
    """An endpoint of a team or of one of its members. `url` has no query, which may carry the
    receiver's password."""

    team_id: UUID
    member_id: UUID | None = Field(description="Whose it is. Null: the team's.")


class NamedEndpointDocument(ManagedEndpointDocument):
    """An endpoint, with the names of those whose it is."""

    team: str
    member: str | None = Field(description="Null: it is the team's.")


class ManagedEndpointList(Document):
    """One page, oldest first."""

    object: Literal["list"]
    data: list[NamedEndpointDocument]
    has_more: bool
    next_cursor: str | None


class TeamDeliveryDocument(WebhookDeliveryDocument):
    """A delivery to an endpoint or a callback address."""

    member_id: UUID | None = Field(description="Whose it is about. Null: the team's credits.")


class NamedDeliveryDocument(TeamDeliveryDocument):
    """A delivery, with the names of those whose it is, and where it goes."""

    team_id: UUID
    team: str
    member: str | None
    url: str | None = Field(
        description="Of its endpoint, without its query. Null: to a callback address."
    )


class TeamDeliveryList(Document):
    """One page, newest first."""

    object: Literal["list"]
    data: list[NamedDeliveryDocument]
    has_more: bool
    next_cursor: str | None


class ResendRequest(Deed):
    """Which failed deliveries to send again."""

    since: Instant | None = Field(None, description="Made at or after. Null: as old as are kept.")
    until: Instant | None = Field(None, description="Made before. Null: now.")
    endpoint_id: Annotated[UUID | None, AnyFormOfEndpointId] = Field(
        None, description="Only to this endpoint. Null: to all, and to callback addresses."
    )
    limit: Whole = Field(
        100, ge=1, le=managed.MAX_BATCH, description="How many at most; go on with `cursor`."
    )
    cursor: str | None = Field(None, description="`next_cursor` of the previous batch.")


class ResentDocument(Document):
    """One batch."""

    object: Literal["resent"]
    count: int = Field(description="Deliveries of this batch that are sent again.")
    has_more: bool
    next_cursor: str | None = Field(
        description="Send it as `cursor` to go on. Null: this was the last batch."
    )


@router.get(f"{_OF_TEAM}/endpoints", name="list_team_endpoints", responses=refusals(404, 422, 429))
async def list_team_endpoints(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Endpoints per page.")] = 50,
) -> ManagedEndpointList:
    """Lists the webhook endpoints of a team and of its members, oldest first."""
    after = cursors.read(cursor)
    found = await managed.list_endpoints(rt, team_id, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return ManagedEndpointList(
        object="list",
        data=[_named_endpoint(each) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get("/webhooks/endpoints", name="list_managed_endpoints", responses=refusals(404, 422, 429))
async def list_managed_endpoints(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    team_id: Annotated[UUID | None, Query(description="Only of this team.")] = None,
    enabled: Annotated[
        bool | None, Query(description="Only enabled ones, or only disabled ones.")
    ] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Endpoints per page.")] = 50,
) -> ManagedEndpointList:
    """Lists the webhook endpoints of everybody, oldest first. Administrators of a team see those of
    their team."""
    found = await managed.list_endpoints(
        rt, team_id, actor=actor, enabled=enabled, after=cursors.read(cursor), limit=limit + 1
    )
    page, next_cursor = cursors.page_of(found, limit=limit)
    return ManagedEndpointList(
        object="list",
        data=[_named_endpoint(each) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.post(f"{_ENDPOINT}/disable", name="disable_endpoint", responses=refusals(404, 408, 413))
async def disable_endpoint(
    endpoint_id: EndpointId, body: Reasoned, rt: Rt, actor: Manager
) -> ManagedEndpointDocument:
    """Sends nothing to an endpoint any more: its pending deliveries fail. Its owner may enable it
    again."""
    endpoint = await managed.disable(rt, endpoint_id, actor=actor.because(body.reason))
    with after_commit("The endpoint was disabled"):
        return _endpoint(endpoint)


@router.post(f"{_ENDPOINT}/enable", name="enable_endpoint", responses=refusals(404, 408, 413))
async def enable_endpoint(
    endpoint_id: EndpointId, rt: Rt, actor: Manager, body: Deed | None = None
) -> ManagedEndpointDocument:
    """Sends to an endpoint again what happens from now on. What failed meanwhile is sent by
    `resend_failed_deliveries`."""
    endpoint = await managed.enable(rt, endpoint_id, actor=actor.because((body or Deed()).reason))
    with after_commit("The endpoint was enabled"):
        return _endpoint(endpoint)


@router.get(
    f"{_OF_TEAM}/deliveries", name="list_team_deliveries", responses=refusals(404, 422, 429)
)
async def list_team_deliveries(
    team_id: TeamId,
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    endpoint_id: Annotated[
        UUID | None, AnyFormOfEndpointId, Query(description="Only to this endpoint.")
    ] = None,
    state: Annotated[DeliveryState | None, Query(description="Only in this state.")] = None,
    since: Annotated[Instant | None, Query(description="Made at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Made before.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries per page.")] = 20,
) -> TeamDeliveryList:
    """Lists the webhook deliveries of a team and of its members, newest first."""
    wanted = Wanted(
        team_id=team_id, endpoint_id=endpoint_id, state=state, created_from=since,
        created_before=until,
    )  # fmt: skip
    return await _deliveries(rt, wanted, actor=actor, cursor=cursor, limit=limit)


async def _deliveries(
    rt: ApiRuntime, wanted: Wanted, *, actor: Actor, cursor: str | None, limit: int
) -> TeamDeliveryList:
    after = cursors.read(cursor)
    found = await managed.list_deliveries(rt, wanted, actor=actor, after=after, limit=limit + 1)
    page, next_cursor = cursors.page_of(found, limit=limit)
    return TeamDeliveryList(
        object="list",
        data=[_named_delivery(each) for each in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get(
    "/webhooks/deliveries", name="list_managed_deliveries", responses=refusals(404, 422, 429)
)
async def list_managed_deliveries(
    rt: Rt,
    actor: Manager,
    _caller: ReadLimited,
    team_id: Annotated[UUID | None, Query(description="Only of this team.")] = None,
    endpoint_id: Annotated[
        UUID | None, AnyFormOfEndpointId, Query(description="Only to this endpoint.")
    ] = None,
    generation_id: Annotated[
        UUID | None, AnyFormOfId, Query(description="Only about this generation.")
    ] = None,
    state: Annotated[DeliveryState | None, Query(description="Only in this state.")] = None,
    since: Annotated[Instant | None, Query(description="Made at or after.")] = None,
    until: Annotated[Instant | None, Query(description="Made before.")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries per page.")] = 20,
) -> TeamDeliveryList:
    """Lists the webhook deliveries of everybody, newest first. Administrators of a team see those
    of their team."""
    wanted = Wanted(
        team_id=team_id, endpoint_id=endpoint_id, generation_id=generation_id, state=state,
        created_from=since, created_before=until,
    )  # fmt: skip
    return await _deliveries(rt, wanted, actor=actor, cursor=cursor, limit=limit)


@router.get(_DELIVERY, name="get_team_delivery", responses=refusals(404, 422, 429))
async def get_team_delivery(
    delivery_id: DeliveryId, rt: Rt, actor: Manager, _caller: ReadLimited
) -> ManagedDeliveryDocument:
    """Returns a delivery with its newest attempts, at most 500. What was sent and what came back is
    for the owner of the endpoint."""
    delivery, attempts = await managed.get_delivery(rt, delivery_id, actor=actor)
    return managed_delivery(delivery, attempts)


@router.post(
    f"{_DELIVERY}/resend", name="resend_team_delivery", status_code=202,
    responses=refusals(404, 408, 413),
)  # fmt: skip
async def resend_team_delivery(
    delivery_id: DeliveryId, rt: Rt, actor: Manager, body: Deed | None = None
) -> TeamDeliveryDocument:
    """Sends a delivery again as soon as possible, under the same `webhook-id`, and retries it for a
    day if it fails."""
    delivery = await managed.resend(rt, delivery_id, actor=actor.because((body or Deed()).reason))
    with after_commit("The delivery will be sent again"):
        return _delivery(delivery)


@router.post(
    f"{_OF_TEAM}/resend", name="resend_failed_deliveries", status_code=202,
    responses=refusals(404, 408, 413),
)  # fmt: skip
async def resend_failed_deliveries(
    team_id: TeamId, body: ResendRequest, rt: Rt, actor: Manager
) -> ResentDocument:
    """Sends failed deliveries of a team again, oldest first, one batch at a time: repeat it with
    `next_cursor` until that is null. Those to disabled endpoints stay failed."""
    wanted = Wanted(
        team_id=team_id, endpoint_id=body.endpoint_id, created_from=body.since,
        created_before=body.until,
    )  # fmt: skip
    batch = await managed.resend_failed(
        rt, wanted, actor=actor.because(body.reason), after=cursors.read(body.cursor),
        limit=body.limit,
    )  # fmt: skip
    with after_commit(f"{batch.count} deliveries will be sent again"):
        return ResentDocument(
            object="resent",
            count=batch.count,
            has_more=batch.next is not None,
            next_cursor=None if batch.next is None else cursors.write(batch.next),
        )


def _of_endpoint(endpoint: Endpoint) -> dict[str, Any]:
    return {
        **endpoint_fields(endpoint),
        "url": _shown(endpoint.url),
        "team_id": endpoint.team_id,
        "member_id": endpoint.member_id,
    }


def _shown(url: str) -> str:
    return url.partition("?")[0]


def _endpoint(endpoint: Endpoint) -> ManagedEndpointDocument:
    return ManagedEndpointDocument(**_of_endpoint(endpoint))


def _named_endpoint(named: NamedEndpoint) -> NamedEndpointDocument:
    return NamedEndpointDocument(
        **_of_endpoint(named.endpoint), team=named.team, member=named.member
    )


def _delivery(delivery: Delivery) -> TeamDeliveryDocument:
    return TeamDeliveryDocument(**delivery_fields(delivery), member_id=delivery.member_id)


def _named_delivery(named: Named) -> NamedDeliveryDocument:
    return NamedDeliveryDocument(
        **delivery_fields(named.delivery), member_id=named.delivery.member_id,
        team_id=named.delivery.team_id, team=named.team, member=named.member,
        url=named.url and _shown(named.url),
    )  # fmt: skip
