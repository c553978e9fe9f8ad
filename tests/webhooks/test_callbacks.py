"""The address of one request, in the form of the dialect it was asked in."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

from tests.harness.gateway import Gateway
from tests.webhooks.receiving import Receiver, call, verified


async def asked(gate: Gateway, key: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await gate.http.post(path, json=body, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code in (200, 201, 202), answer.text
    made: dict[str, Any] = answer.json()
    return made


async def secret_of(gate: Gateway, key: str) -> str:
    return str((await call(gate, key, "GET", "/callback-secret"))["secret"])


async def test_luma_is_called_when_it_begins_and_when_it_is_done(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    made = await asked(
        webhook_gate, key, "/dream-machine/v1/generations",
        {"prompt": "a lion", "model": "ray-2", "callback_url": receiver.url},
    )  # fmt: skip
    requests = await receiver.until(2)
    secret = await secret_of(webhook_gate, key)
    bodies = [verified(request, secret) for request in requests]
    assert {body["id"] for body in bodies} == {made["id"]}
    assert bodies[-1]["state"] == "completed" or bodies[0]["state"] == "completed"
    done = next(body for body in bodies if body["state"] == "completed")
    assert done["assets"]["video"].startswith(f"{webhook_gate.rt.settings.link_base}/media/")
    assert len({request.headers["webhook-id"] for request in requests}) == 2


async def test_openai_gets_its_event(webhook_gate: Gateway, receiver: Receiver) -> None:
    key = await webhook_gate.member()
    made = await asked(
        webhook_gate, key, "/v1/videos", {"prompt": "a lion", "callback_url": receiver.url}
    )
    (request,) = await receiver.until(1)
    body = verified(request, await secret_of(webhook_gate, key))
    assert body == {
        "id": request.headers["webhook-id"], "object": "event", "type": "video.completed",
        "created_at": body["created_at"], "data": {"id": made["id"]},
    }  # fmt: skip
    assert isinstance(body["created_at"], int)


async def test_our_own_gets_the_whole_generation(webhook_gate: Gateway, receiver: Receiver) -> None:
    key = await webhook_gate.member()
    made = await asked(
        webhook_gate, key, "/api/v1/generations",
        {"feature": "TEXT_TO_VIDEO", "prompt": "a lion", "model": "ray-v3", "duration": "5s",
         "callback_url": receiver.url},
    )  # fmt: skip
    (request,) = await receiver.until(1)
    body = verified(request, await secret_of(webhook_gate, key))
    assert (body["type"], body["data"]["id"]) == ("video.completed", made["id"])
    listed = await call(webhook_gate, key, "GET", f"/deliveries?generation_id={made['id']}")
    assert [each["endpoint_id"] for each in listed["data"]] == [None]


async def test_each_member_has_a_secret_of_its_own(webhook_gate: Gateway) -> None:
    ada, bob = await webhook_gate.member("ada"), await webhook_gate.member("bob")
    assert await secret_of(webhook_gate, ada) == await secret_of(webhook_gate, ada)
    assert await secret_of(webhook_gate, ada) != await secret_of(webhook_gate, bob)


async def test_openrouters_receivers_verify_it_as_its_documentation_says(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    made = await asked(
        webhook_gate, key, "/openrouter/api/v1/videos",
        {"prompt": "a lion", "model": "ray-3", "callback_url": receiver.url},
    )  # fmt: skip
    (request,) = await receiver.until(1)
    secret = await secret_of(webhook_gate, key)
    event = verified(request, secret)
    stamp, signature = request.headers["x-openrouter-signature"].split(",")
    assert stamp == f"t={request.headers['webhook-timestamp']}"
    message = stamp.removeprefix("t=").encode() + b"," + request.body
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    assert signature == f"v1={expected}"
    assert request.headers["x-openrouter-idempotency-key"] == f"{made['id']}-completed"
    assert (event["type"], event["data"]["id"]) == ("video.generation.completed", made["id"])
    assert event["data"]["model"] == "ray-3"
    assert event["data"]["unsigned_urls"][0].startswith(webhook_gate.rt.settings.link_base)
    # What is kept of an attempt signs nothing.
    listed = await call(webhook_gate, key, "GET", f"/deliveries?generation_id={made['id']}")
    whole = await call(webhook_gate, key, "GET", f"/deliveries/{listed['data'][0]['id']}")
    assert expected not in str(whole)


async def test_openrouter_is_told_of_a_failure(webhook_gate: Gateway, receiver: Receiver) -> None:
    key = await webhook_gate.member()
    made = await asked(
        webhook_gate, key, "/openrouter/api/v1/videos",
        {"prompt": "a lion [sim:fail_later]", "model": "ray-3", "callback_url": receiver.url},
    )  # fmt: skip
    (request,) = await receiver.until(1)
    event = verified(request, await secret_of(webhook_gate, key))
    assert (event["type"], event["data"]["status"]) == ("video.generation.failed", "failed")
    assert (event["data"]["id"], bool(event["data"]["error"])) == (made["id"], True)
