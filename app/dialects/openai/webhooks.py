"""Webhook endpoints, as `client.webhooks` of OpenAI's SDKs manages them.

Only endpoints in OpenAI's payload format are found here: a program that looks for its own must not
take one for it whose events it cannot read.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path, Query, Request
from starlette.responses import JSONResponse, Response

from app.db import webhook_endpoints
from app.dialects.openai import document, webhook_wire, wire
from app.domain.caller import Caller as CallerRecord
from app.domain.ids import parse_webhook_id
from app.domain.text import shown
from app.domain.webhooks import Endpoint, PayloadFormat
from app.errors import InvalidRequest, Issue, NotFound
from app.http.access import Caller, ReadLimited, Rt
from app.http.after_commit import after_commit
from app.http.bodies import read_json_object
from app.http.sdk_retries import sdk_attempt
from app.http.webhooks import Changing, send_test
from app.runtime import ApiRuntime
from app.webhooks import endpoints
from app.webhooks.urls import check_callback_url

EndpointId = Annotated[
    str, Path(description="The `id` of an endpoint; those of the REST API are accepted too.")
]


def add_routes(app: FastAPI) -> None:
    every, one = "/webhook_endpoints", "/webhook_endpoints/{webhook_endpoint_id}"
    app.post(every, name="create_webhook", **document.WEBHOOK_CREATE)(create_webhook)
    app.get(every, name="list_webhooks", **document.WEBHOOK_LIST)(list_webhooks)
    app.get(one, name="get_webhook", **document.WEBHOOK)(get_webhook)
    app.post(one, name="update_webhook", **document.WEBHOOK_UPDATE)(update_webhook)
    app.delete(one, name="delete_webhook", **document.WEBHOOK_DELETE)(delete_webhook)
    rotate, test = f"{one}/rotate_secret", f"{one}/test"
    app.post(rotate, name="rotate_secret", **document.WEBHOOK_ROTATE)(rotate_secret)
    app.post(test, name="test_webhook", **document.WEBHOOK_TEST)(send_webhook_test)
    types = app.get(
        "/webhook_event_types", name="list_webhook_event_types", **document.WEBHOOK_EVENT_TYPES
    )
    types(list_event_types)


async def create_webhook(request: Request, rt: Rt, caller: Changing) -> Response:
    """An endpoint for the events of the caller's own videos. Only this answer, and that of a
    rotation, shows its secret."""
    given = webhook_wire.parse(await read_json_object(request), complete=True)
    issued = await endpoints.create(
        rt,
        caller,
        url=check_callback_url(rt, given["url"], "url"),
        description=given["description"],
        events=given["events"],
        payload_format=PayloadFormat.OPENAI,
        team_wide=False,
        repeats_seconds=_repeats_seconds(request),
    )
    with after_commit("The endpoint was created"):
        return _shown(rt, issued.endpoint, issued=True)


async def list_webhooks(
    rt: Rt,
    caller: ReadLimited,
    after: Annotated[str | None, Query(description="`last_id` of the page before.")] = None,
    limit: Annotated[int, Query(ge=0, le=100, description="Endpoints per page.")] = 20,
) -> Response:
    """Newest first. An owner has so few endpoints that all of them are read for each page."""
    async with rt.db.single() as tx:
        owned = await webhook_endpoints.list_owned(tx, endpoints.owner_of(caller))
    found = [each for each in reversed(owned) if each.format is PayloadFormat.OPENAI]
    if after is not None:
        places = [each.id for each in found]
        endpoint_id = parse_webhook_id(after)
        if endpoint_id not in places:
            message = "is not the id of one of your webhook endpoints"
            raise InvalidRequest(
                f"after {message}.", issues=[Issue("after", "value", message, shown(after))]
            )
        found = found[places.index(endpoint_id) + 1 :]
    page = [_rendered(rt, endpoint) for endpoint in found[:limit]]
    return JSONResponse(wire.render_page(page, has_more=len(found) > limit))


async def get_webhook(webhook_endpoint_id: EndpointId, rt: Rt, caller: Caller) -> Response:
    """An endpoint, without its secret."""
    return _shown(rt, await _get(rt, caller, webhook_endpoint_id))


async def update_webhook(
    webhook_endpoint_id: EndpointId, request: Request, rt: Rt, caller: Changing
) -> Response:
    """Changes the fields that are sent."""
    endpoint = await _get(rt, caller, webhook_endpoint_id)
    changes = webhook_wire.parse(await read_json_object(request), complete=False)
    if "url" in changes:
        check_callback_url(rt, changes["url"], "url")
    endpoint = await endpoints.change(rt, caller, endpoint.id, changes)
    with after_commit("The endpoint was changed"):
        return _shown(rt, endpoint)


async def delete_webhook(webhook_endpoint_id: EndpointId, rt: Rt, caller: Changing) -> Response:
    """Deletes the endpoint and its delivery log. Pending deliveries are not sent."""
    endpoint = await _get(rt, caller, webhook_endpoint_id)
    await endpoints.delete(rt, caller, endpoint.id)
    with after_commit("The endpoint was deleted"):
        return JSONResponse(webhook_wire.render_deleted(endpoint.id))


async def rotate_secret(
    webhook_endpoint_id: EndpointId, request: Request, rt: Rt, caller: Changing
) -> Response:
    """A new secret. The old one signs no more, or for another day."""
    endpoint = await _get(rt, caller, webhook_endpoint_id)
    overlap = webhook_wire.parse_rotation(await read_json_object(request, optional=True))
    issued = await endpoints.rotate(
        rt, caller, endpoint.id, overlap_seconds=overlap, repeats_seconds=_repeats_seconds(request)
    )
    with after_commit("The secret was rotated"):
        return _shown(rt, issued.endpoint, issued=True)


async def send_webhook_test(
    webhook_endpoint_id: EndpointId, request: Request, rt: Rt, caller: Changing
) -> Response:
    """Sends an example of an event now, once, and says what came back. It is about no video."""
    endpoint = await _get(rt, caller, webhook_endpoint_id)
    event = webhook_wire.parse_test(await read_json_object(request))
    sent = await send_test(rt, caller, endpoint.id, event)
    status = sent.attempt.status
    if status is None:
        raise InvalidRequest(f"The endpoint did not answer: {sent.attempt.error}.")
    with after_commit(f"The test is delivery {sent.delivery.id}"):
        return JSONResponse(webhook_wire.render_test(endpoint.id, event, status=status))


async def list_event_types(_caller: Caller) -> Response:
    """The events that an endpoint can receive."""
    return JSONResponse(webhook_wire.render_event_types())


async def _get(rt: ApiRuntime, caller: CallerRecord, text: str) -> Endpoint:
    endpoint_id = parse_webhook_id(text)
    if endpoint_id is not None:
        endpoint = await endpoints.get(rt, caller, endpoint_id)
        if endpoint.format is PayloadFormat.OPENAI:
            return endpoint
    raise NotFound("There is no webhook endpoint with this id.")


def _repeats_seconds(request: Request) -> float:
    """How long ago the SDK may have sent this request for the first time; 0 for a first one. It
    repeats a request whose answer is late or lost, and nobody has seen the secret in it."""
    attempt = sdk_attempt(request)
    return 0.0 if attempt is None else (attempt.count or 0) * attempt.window_seconds


def _shown(rt: ApiRuntime, endpoint: Endpoint, *, issued: bool = False) -> Response:
    return JSONResponse(_rendered(rt, endpoint, issued=issued))


def _rendered(rt: ApiRuntime, endpoint: Endpoint, *, issued: bool = False) -> dict[str, object]:
    secret = rt.sender.secrets.of_endpoint(endpoint.seed)
    return webhook_wire.render(endpoint, secret=secret, issued=issued)
