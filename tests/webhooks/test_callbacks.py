"""The address of one request, in the form of the dialect it was asked in."""

from __future__ import annotations

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
