"""Webhook endpoints, deliveries and their attempts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from app.api import cursor as cursors
from app.api.parameters import (
    AnyFormOfEndpointId,
    AnyFormOfId,
    DeliveryId,
    EndpointId,
    refusals,
)
from app.api.webhook_documents import (
    CallbackSecretDocument,
    WebhookDeliveryDetail,
    WebhookDeliveryDocument,
    WebhookDeliveryList,
    WebhookEndpointChange,
    WebhookEndpointDocument,
    WebhookEndpointList,
    WebhookEndpointRequest,
    WebhookEndpointWithSecret,
    WebhookRotation,
    attempt_document,
    delivery_fields,
    endpoint_fields,
    in_order,
)
from app.db import webhook_attempts, webhook_deliveries, webhook_endpoints
from app.domain.caller import Caller as CallerRecord
from app.domain.webhooks import DeliveryState, UnlistedEvent
from app.errors import InvalidRequest, Issue
from app.http.access import Active, Caller, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import BoundedRoute
from app.http.repeats import MADE, ONCE, Once, mark
from app.http.webhooks import Changing, send_test
from app.runtime import ApiRuntime
from app.webhooks import endpoints
from app.webhooks.endpoints import Issued
from app.webhooks.urls import check_callback_url

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=BoundedRoute)


_ONE = "/endpoints/{endpoint_id}"


@router.post("/endpoints", name="create_webhook_endpoint", status_code=201,
             responses={**refusals(408, 413, 422, 429), **MADE}, openapi_extra=ONCE)  # fmt: skip
async def create_webhook_endpoint(
    body: WebhookEndpointRequest, rt: Rt, caller: Changing, once: Once, response: Response
) -> WebhookEndpointWithSecret:
    """Creates an endpoint that receives events of your videos. The response shows the secret that
    signs them; only a repetition with the same Idempotency-Key shows it again."""
    issued = await endpoints.create(
        rt,
        caller,
        url=check_callback_url(rt, body.url, "url"),
        description=body.description,
        events=in_order(body.event_types),
        payload_format=body.format,
        team_wide=body.team_wide,
        once=once,
    )
    with after_commit("The endpoint was created"):
        mark(response, once)
        return _with_secret(issued)


@router.get("/endpoints", name="list_webhook_endpoints", responses=refusals(429))
async def list_webhook_endpoints(rt: Rt, caller: ReadLimited) -> WebhookEndpointList:
    """Lists your endpoints, oldest first; administrators also see those of the team."""
    async with rt.db.single() as tx:
        found = await webhook_endpoints.list_owned(tx, endpoints.owner_of(caller))
    return WebhookEndpointList(data=[WebhookEndpointDocument(**endpoint_fields(e)) for e in found])


@router.get(_ONE, name="get_webhook_endpoint", responses=refusals(404, 422))
async def get_webhook_endpoint(
    endpoint_id: EndpointId, rt: Rt, caller: Caller
) -> WebhookEndpointDocument:
    """Returns one endpoint, without its secret."""
    return WebhookEndpointDocument(**endpoint_fields(await endpoints.get(rt, caller, endpoint_id)))


@router.patch(_ONE, name="update_webhook_endpoint", responses=refusals(404, 408, 413, 422, 429))
async def update_webhook_endpoint(
    endpoint_id: EndpointId, body: WebhookEndpointChange, rt: Rt, caller: Changing
) -> WebhookEndpointDocument:
    """Changes the fields that you send."""
    changes = _changes(rt, body)
    endpoint = await endpoints.change(rt, caller, endpoint_id, changes)
    with after_commit("The endpoint was changed"):
        return WebhookEndpointDocument(**endpoint_fields(endpoint))


@router.delete(_ONE, name="delete_webhook_endpoint", status_code=204, response_class=Response,
               responses=refusals(404, 422, 429))  # fmt: skip
async def delete_webhook_endpoint(endpoint_id: EndpointId, rt: Rt, caller: Changing) -> None:
    """Deletes the endpoint and its delivery log. Pending deliveries are not sent."""
    await endpoints.delete(rt, caller, endpoint_id)


@router.post(_ONE + "/rotate", name="rotate_webhook_secret",
             responses=refusals(404, 408, 413, 422, 429))  # fmt: skip
async def rotate_webhook_secret(
    endpoint_id: EndpointId, rt: Rt, caller: Changing, body: WebhookRotation | None = None
) -> WebhookEndpointWithSecret:
    """Makes a new secret, shown only once. The old one signs too for `overlap_seconds`, so that no
    delivery is refused while you put the new one in place."""
    overlap = (body or WebhookRotation()).overlap_seconds
    issued = await endpoints.rotate(rt, caller, endpoint_id, overlap_seconds=overlap)
    with after_commit("The secret was rotated"):
        return _with_secret(issued)


@router.post(_ONE + "/test", name="test_webhook_endpoint", responses=refusals(404, 422, 429))
async def test_webhook_endpoint(
    endpoint_id: EndpointId, rt: Rt, caller: Changing
) -> WebhookDeliveryDetail:
    """Sends a `webhook.test` event now and returns the response. It is not retried."""
    sent = await send_test(rt, caller, endpoint_id, UnlistedEvent.TEST)
    with after_commit(f"The test is delivery {sent.delivery.id}"):
        return await _detail(rt, caller, sent.delivery.id)


@router.get("/callback-secret", name="get_callback_secret")
async def get_callback_secret(rt: Rt, caller: Active) -> CallbackSecretDocument:
    """Returns the secret that signs requests to the `callback_url` of your generations."""
    return CallbackSecretDocument(secret=await endpoints.callback_secret(rt, caller))


@router.post("/callback-secret/rotate", name="rotate_callback_secret",
             responses=refusals(408, 413, 422, 429))  # fmt: skip
async def rotate_callback_secret(
    rt: Rt, caller: Changing, body: WebhookRotation | None = None
) -> CallbackSecretDocument:
    """Makes a new callback secret. The old one signs too for `overlap_seconds`, so that no request
    is refused while you put the new one in place."""
    overlap = (body or WebhookRotation()).overlap_seconds
    secret = await endpoints.rotate_callback_secret(rt, caller, overlap_seconds=overlap)
    with after_commit("The callback secret was rotated"):
        return CallbackSecretDocument(secret=secret)


@router.get("/deliveries", name="list_webhook_deliveries", responses=refusals(422, 429))
async def list_webhook_deliveries(
    rt: Rt,
    caller: ReadLimited,
    endpoint_id: Annotated[
        UUID | None, AnyFormOfEndpointId, Query(description="Only to this endpoint.")
    ] = None,
    generation_id: Annotated[
        UUID | None, AnyFormOfId, Query(description="Only about this generation.")
    ] = None,
    state: Annotated[DeliveryState | None, Query(description="Only in this state.")] = None,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the previous page.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries per page.")] = 20,
) -> WebhookDeliveryList:
    """Lists deliveries to your endpoints and callbacks, newest first; administrators also see those
    of the team."""
    async with rt.db.single() as tx:
        found = await webhook_deliveries.list_visible(
            tx,
            endpoints.owner_of(caller),
            endpoint_id=endpoint_id,
            generation_id=generation_id,
            state=state,
            after=cursors.read(cursor),
            limit=limit + 1,
        )
    page, next_cursor = cursors.page_of(found, limit=limit)
    return WebhookDeliveryList(
        data=[WebhookDeliveryDocument(**delivery_fields(delivery)) for delivery in page],
        has_more=next_cursor is not None,
        next_cursor=next_cursor,
    )


@router.get("/deliveries/{delivery_id}", name="get_webhook_delivery",
            responses=refusals(404, 422))  # fmt: skip
async def get_webhook_delivery(
    delivery_id: DeliveryId, rt: Rt, caller: Caller
) -> WebhookDeliveryDetail:
    """Returns one delivery with every attempt: the request and the response."""
    return await _detail(rt, caller, delivery_id)


@router.post("/deliveries/{delivery_id}/resend", name="resend_webhook_delivery", status_code=202,
             responses=refusals(404, 422, 429))  # fmt: skip
async def resend_webhook_delivery(
    delivery_id: DeliveryId, rt: Rt, caller: Changing
) -> WebhookDeliveryDocument:
    """Sends a delivery again as soon as possible, under the same `webhook-id`, and retries it for a
    day if it fails."""
    delivery = await endpoints.resend(rt, caller, delivery_id)
    with after_commit("The delivery will be sent again"):
        return WebhookDeliveryDocument(**delivery_fields(delivery))


def _changes(rt: ApiRuntime, body: WebhookEndpointChange) -> dict[str, Any]:
    named = body.model_dump(exclude_unset=True)
    empty = [name for name, value in named.items() if value is None and name != "description"]
    if empty:
        message = "may be left out, but not be null"
        raise InvalidRequest(issues=[Issue(name, "type", message) for name in empty])
    changes: dict[str, Any] = {n: v for n, v in named.items() if n not in ("url", "event_types")}
    if body.url is not None:
        changes["url"] = check_callback_url(rt, body.url, "url")
    if body.event_types is not None:
        changes["events"] = in_order(body.event_types)
    return changes


def _with_secret(issued: Issued) -> WebhookEndpointWithSecret:
    return WebhookEndpointWithSecret(**endpoint_fields(issued.endpoint), secret=issued.secret)


async def _detail(rt: ApiRuntime, caller: CallerRecord, delivery_id: UUID) -> WebhookDeliveryDetail:
    delivery = await endpoints.get_delivery(rt, caller, delivery_id)
    async with rt.db.single() as tx:
        attempts = await webhook_attempts.attempts_of(tx, delivery_id)
    return WebhookDeliveryDetail(
        **delivery_fields(delivery), attempts=[attempt_document(each) for each in attempts]
    )
