"""What ends a generation is told: signed, once it can be, and again for as long as it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text
from standardwebhooks.webhooks import WebhookVerificationError

from app.domain.ids import video_id
from app.domain.webhooks import GIVE_UP_SECONDS, MOST_ATTEMPTS
from app.worker import upkeep
from app.worker.deliveries import deliver
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway
from tests.webhooks.receiving import (
    Answer,
    Receiver,
    call,
    endpoint,
    verified,
    webhook_gateway,
)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def still(
    database_url: str, tmp_path: Path, receiver: Receiver, clock: HandClock
) -> AsyncIterator[Gateway]:
    """Without a worker: a test takes each step, at the time it says."""
    async with webhook_gateway(database_url, tmp_path, receiver, worker=False, clock=clock) as gate:
        yield gate


async def made(gate: Gateway, key: str) -> str:
    answer = await gate.create(key)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["aiRecord"]["uuid"])


async def canceled(gate: Gateway, key: str) -> str:
    """The quickest end there is."""
    uuid = await made(gate, key)
    answer = await gate.http.post(f"/api/v1/generations/{uuid}/cancel", headers={"API-KEY": key})
    assert answer.status_code == 200, answer.text
    return uuid


async def deliveries(gate: Gateway) -> list[UUID]:
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(text("SELECT id FROM webhook_deliveries ORDER BY created_at, id"))
        return [row.id for row in rows]


async def jobs(gate: Gateway) -> int:
    async with gate.rt.db.single() as tx:
        count = await tx.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'deliver'")
        )
        return int(count or 0)


async def test_a_finished_video_is_told_with_its_document(
    webhook_gate: Gateway, receiver: Receiver
) -> None:
    key = await webhook_gate.member()
    hook = await endpoint(webhook_gate, key, receiver.url)
    uuid = await made(webhook_gate, key)
    (request,) = await receiver.until(1)
    body = verified(request, hook["secret"])
    assert (request.method, request.path) == ("POST", "/hook?who=ada")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("reelgate")
    assert request.headers["webhook-id"].startswith("msg_")
    assert "." not in request.headers["webhook-id"]
    assert body["type"] == "video.completed"
    assert body["timestamp"].endswith("Z")
    assert (body["data"]["id"], body["data"]["state"]) == (uuid, "succeeded")
    assert len(request.body) < 20_000
    # The link in it works without a key.
    link = body["data"]["video"]["url"].removeprefix(webhook_gate.rt.settings.link_base)
    await webhook_gate.archived(uuid)
    assert (await webhook_gate.http.get(link)).status_code == 200
    with pytest.raises(WebhookVerificationError):
        verified(request, "whsec_" + "A" * 32)


async def test_only_what_was_asked_for_and_only_of_whom_it_was_asked(
    still: Gateway, receiver: Receiver
) -> None:
    ada, bob = await still.member("ada"), await still.member("bob")
    await endpoint(still, ada, receiver.url, event_types=["video.completed"])
    await endpoint(still, bob, receiver.url)
    await canceled(still, ada)
    assert await deliveries(still) == []
    assert await jobs(still) == 0
    await canceled(still, bob)
    assert len(await deliveries(still)) == 1
    assert await jobs(still) == 1


async def test_who_listens_as_openais_sdks_do_hears_of_a_cancellation(
    still: Gateway, receiver: Receiver
) -> None:
    """They know two types and would wait for ever: to them it is a failure."""
    key = await still.member()
    two = ["video.completed", "video.failed"]
    hook = await endpoint(still, key, receiver.url, format="openai", event_types=two)
    await endpoint(still, key, receiver.url, format="openai", event_types=two[:1])
    await endpoint(still, key, receiver.url, event_types=two)
    uuid = await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    (request,) = receiver.requests
    body = verified(request, hook["secret"])
    assert (body["type"], body["data"]) == ("video.failed", {"id": video_id(UUID(uuid))})


async def test_the_schedule_of_a_day_under_one_message_id(
    still: Gateway, receiver: Receiver, clock: HandClock
) -> None:
    key = await still.member()
    hook = await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(500)] * MOST_ATTEMPTS
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    began, waits = clock.now(), []
    for number in range(MOST_ATTEMPTS):
        await deliver(still.worker, delivery)
        assert len(receiver.requests) == number + 1
        shown = await call(still, key, "GET", f"/deliveries/{delivery}")
        if shown["next_attempt_at"] is None:
            break
        async with still.rt.db.single() as tx:
            due = await tx.scalar(text("SELECT next_attempt_at FROM webhook_deliveries"))
            job = await tx.scalar(
                text("SELECT max(scheduled_at) FROM procrastinate_jobs WHERE queue_name = 'deliver'"
                     " AND scheduled_at IS NOT NULL")
            )  # fmt: skip
        assert due is not None
        waits.append((due - clock.now()).total_seconds())
        assert number or job is None or job <= due
        # A job that comes too early sends nothing.
        await deliver(still.worker, delivery)
        assert len(receiver.requests) == number + 1
        clock.at = due
    least = [5, 295, 1_500, 5_400, 10_800, 18_000, 50_400]
    assert [low <= wait <= low * 1.1 for low, wait in zip(least, waits, strict=True)] == [True] * 7
    assert 86_400 <= (clock.now() - began).total_seconds() <= 86_400 * 1.1
    assert shown["state"] == "failed"
    assert shown["attempt_count"] == MOST_ATTEMPTS
    assert [each["status"] for each in shown["attempts"]] == [500] * MOST_ATTEMPTS
    ids = {request.headers["webhook-id"] for request in receiver.requests}
    stamps = [request.headers["webhook-timestamp"] for request in receiver.requests]
    assert len(ids) == 1
    assert stamps == sorted(set(stamps), key=int), "each try is signed at its own time"
    assert hook["secret"] not in str(shown)


async def test_a_second_try_that_works_ends_it(
    still: Gateway, receiver: Receiver, clock: HandClock
) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(503, body=b"later, please")]
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    clock.move(10)
    await deliver(still.worker, delivery)
    shown = await call(still, key, "GET", f"/deliveries/{delivery}")
    assert (shown["state"], shown["attempt_count"], shown["last_status"]) == ("delivered", 2, 204)
    first, second = shown["attempts"]
    assert (first["status"], first["error"], first["answer"]) == (
        503, "answered 503", "later, please",
    )  # fmt: skip
    assert second["error"] is None
    assert second["request_headers"].keys() == {
        "Content-Type", "webhook-id", "webhook-timestamp",
    }  # fmt: skip
    await deliver(still.worker, delivery)
    assert len(receiver.requests) == 2


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("120", 120, 120), ("999999", 3_600, 3_600), ("soon", 5, 5.6),
        ("1 Jan 99999999999999999999 00:00:00 GMT", 5, 5.6),
    ],
)  # fmt: skip
async def test_a_pause_that_a_receiver_asks_for_is_kept_within_bounds(
    still: Gateway, receiver: Receiver, clock: HandClock, said: str, least: float, most: float
) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(429, (f"Retry-After: {said}",))]
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    async with still.rt.db.single() as tx:
        due = await tx.scalar(text("SELECT next_attempt_at FROM webhook_deliveries"))
    assert due is not None
    assert least <= (due - clock.now()).total_seconds() <= most


async def test_an_endpoint_that_is_gone_is_disabled(still: Gateway, receiver: Receiver) -> None:
    key = await still.member()
    hook = await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(410)]
    await canceled(still, key)
    await canceled(still, key)
    first, second = await deliveries(still)
    await deliver(still.worker, first)
    shown = await call(still, key, "GET", f"/endpoints/{hook['id']}")
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "gone")
    # What waited for it is not sent any more, and nothing new is made for it.
    await deliver(still.worker, second)
    assert len(receiver.requests) == 1
    states = await call(still, key, "GET", "/deliveries")
    assert {each["state"] for each in states["data"]} == {"failed"}
    await canceled(still, key)
    assert len(await deliveries(still)) == 2
    await call(still, key, "PATCH", f"/endpoints/{hook['id']}", json={"enabled": True})
    await canceled(still, key)
    assert len(await deliveries(still)) == 3


async def test_an_endpoint_that_failed_for_days_is_disabled_with_its_last_try(
    still: Gateway, receiver: Receiver, clock: HandClock
) -> None:
    key = await still.member()
    hook = await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(500)] * 100
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    shown = await call(still, key, "GET", f"/endpoints/{hook['id']}")
    assert shown["failing_since"] is not None
    clock.move(GIVE_UP_SECONDS + 1)
    for _ in range(MOST_ATTEMPTS - 1):
        await deliver(still.worker, delivery)
        clock.move(100_000)
    shown = await call(still, key, "GET", f"/endpoints/{hook['id']}")
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "failing")
    counted = still.rt.metrics.registry.get_sample_value(
        "reelgate_webhook_endpoints_disabled_total", {"reason": "failing"}
    )
    assert counted == 1


async def test_a_redirect_is_a_failure_and_is_not_followed(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(302, (f"Location: {receiver.origin}/elsewhere",))]
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    assert [request.path for request in receiver.requests] == ["/hook?who=ada"]
    shown = await call(still, key, "GET", f"/deliveries/{delivery}")
    assert (shown["state"], shown["last_error"]) == ("pending", "answered 302")


async def test_an_answer_without_an_end_is_read_for_a_few_kilobytes(
    still: Gateway, receiver: Receiver
) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(200, body=b"\x00\xff" + b"x" * 5_000_000)]
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    shown = await call(still, key, "GET", f"/deliveries/{delivery}")
    assert shown["state"] == "delivered"
    assert len(shown["attempts"][0]["answer"]) == 1_000


async def test_a_receiver_that_says_nothing_is_given_up_on(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.webhooks.delivery.ATTEMPT_SECONDS", 0.2)
    key = await still.member()
    await endpoint(still, key, receiver.url)
    receiver.held = asyncio.Event()
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    shown = await call(still, key, "GET", f"/deliveries/{delivery}")
    assert shown["last_error"] == "no whole answer within 0.2 s"
    assert shown["state"] == "pending"


async def test_a_name_that_turns_inside_is_refused_when_it_is_called(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def turned(host: str, port: int) -> tuple[str, ...]:
        return ("169.254.169.254",)

    key = await still.member()
    await endpoint(still, key, "https://hooks.example/x")
    monkeypatch.setattr(still.worker.sender.client, "_resolver", turned)
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    shown = await call(still, key, "GET", f"/deliveries/{delivery}")
    assert shown["last_error"] == "hooks.example leads to an address that is not public."
    assert receiver.requests == []


async def test_both_secrets_sign_while_they_overlap(
    still: Gateway, receiver: Receiver, clock: HandClock
) -> None:
    key = await still.member()
    hook = await endpoint(still, key, receiver.url)
    path = f"/endpoints/{hook['id']}"
    rotated = await call(still, key, "POST", f"{path}/rotate", json={"overlap_seconds": 60})
    assert rotated["secret"] != hook["secret"]
    assert rotated["secret"].startswith("whsec_")
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    await deliver(still.worker, delivery)
    verified(receiver.requests[0], rotated["secret"], hook["secret"])
    clock.move(61)
    await call(still, key, "POST", f"/deliveries/{delivery}/resend")
    await deliver(still.worker, delivery)
    (_, later) = receiver.requests
    assert later.headers["webhook-signature"].count("v1,") == 1
    assert later.headers["webhook-id"] == receiver.requests[0].headers["webhook-id"]
    at_once = await call(still, key, "POST", f"{path}/rotate", json={"overlap_seconds": 0})
    assert at_once["previous_secret_until"] is None


async def test_a_delivery_without_a_job_gets_one(still: Gateway, receiver: Receiver) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    await canceled(still, key)
    async with still.rt.db.begin() as tx:
        await tx.execute(text("DELETE FROM procrastinate_jobs"))
    await upkeep.one_round(still.worker)
    assert await jobs(still) == 1


async def test_what_is_old_and_ended_is_forgotten(still: Gateway, receiver: Receiver) -> None:
    key = await still.member()
    await endpoint(still, key, receiver.url)
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    waiting = await made(still, key)
    long_ago = timedelta(days=still.rt.settings.history_days + 1)
    async with still.rt.db.begin() as tx:
        for table in ("events", "webhook_deliveries"):
            await tx.execute(
                text(f"UPDATE {table} SET created_at = created_at - CAST(:ago AS interval)"),
                {"ago": long_ago},
            )
    await upkeep.one_round(still.worker)
    assert await deliveries(still) == [delivery], "it is still to be sent"
    async with still.rt.db.single() as tx:
        kept = await tx.scalars(text("SELECT DISTINCT generation_id FROM events"))
        assert list(kept) == [UUID(waiting)]
    await deliver(still.worker, delivery)
    assert len(receiver.requests) == 1
    await upkeep.one_round(still.worker)
    assert await deliveries(still) == []
