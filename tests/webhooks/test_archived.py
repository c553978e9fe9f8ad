"""`video.archived`: told once, to those who ask for it."""

from __future__ import annotations

from app.db import assets
from app.domain.assets import Probe, Stored
from tests.harness.gateway import Gateway
from tests.harness.traces import one
from tests.webhooks.receiving import Receiver, endpoint, verified


async def test_only_an_endpoint_that_asks_for_it_gets_it(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    asking = await endpoint(webhook_gate, key, receiver.url, event_types=["video.archived"])
    other = await endpoint(webhook_gate, key, receiver.url)
    assert other["event_types"] == ["video.completed", "video.failed", "video.canceled"]
    answer = await webhook_gate.http.post(
        "/api/v1/generations",
        json={
            "feature": "TEXT_TO_VIDEO", "model": "ray-v2", "prompt": "a lion", "duration": "5s",
            "callback_url": receiver.url,
        },
        headers={"API-KEY": key},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    uuid = answer.json()["id"]
    await webhook_gate.archived(uuid)
    # The two others are told how it ended: the other endpoint, and the address of the request.
    requests = await receiver.until(3)
    sent = await one(
        webhook_gate,
        "SELECT count(*) AS made, count(*) FILTER (WHERE type = 'video.archived') AS archived"
        " FROM webhook_deliveries",
    )
    assert sent == {"made": 3, "archived": 1}
    [told] = [each for each in requests if b'"video.archived"' in each.body]
    data = verified(told, asking["secret"])["data"]
    assert (data["id"], data["video"]["state"]) == (uuid, "archived")
    assert data["video"]["sha256"]
    assert (await webhook_gate.http.get(data["video"]["thumbnail_url"])).status_code == 200


async def test_a_write_that_is_repeated_tells_nothing_again(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    await endpoint(webhook_gate, key, receiver.url, event_types=["video.archived"])
    generation = await webhook_gate.archived(
        (await webhook_gate.create(key)).json()["aiRecord"]["uuid"]
    )
    kept = generation.asset
    assert kept is not None
    assert kept.path
    assert kept.sha256
    assert kept.size_bytes
    stored = Stored(path=kept.path, sha256=kept.sha256, size_bytes=kept.size_bytes)
    seen = Probe(5.0, 1280, 720, "h264", frame_rate=24.0, has_audio=False)
    async with webhook_gate.rt.db.begin() as tx:
        assert await assets.mark_archived(tx, generation.id, stored, seen, mismatch=None)
    told = await one(
        webhook_gate,
        "SELECT (SELECT count(*) FROM events WHERE type = 'video.archived') AS events,"
        " (SELECT count(*) FROM webhook_deliveries) AS deliveries",
    )
    assert told == {"events": 1, "deliveries": 1}
