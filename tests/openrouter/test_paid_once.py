"""OpenRouter's SDKs repeat a create for an hour, and say nothing of it: one call pays once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db import unmarked_calls
from app.errors import Unavailable
from app.http.answered import EndsCall
from app.worker import upkeep
from tests.generations.test_round_trips import _UNTIL_PREPARED, _trips, followed
from tests.harness.gateway import Gateway, gateway
from tests.harness.sockets import listening
from tests.harness.traces import execute, one, traces, used_credits
from tests.openrouter.calling import AI_SDK, BASE, WAVE, ask, bearer, look
from tests.simulator.conftest import until

PRICE = 150_000


async def _unanswered(gate: Gateway) -> int:
    row = await one(gate, "SELECT count(*) AS calls FROM unmarked_calls WHERE answered_at IS NULL")
    return int(row["calls"])


async def _until_committed(gate: Gateway) -> None:
    async def committed() -> bool:
        return bool((await traces(gate)).generations)

    await until(committed)


def _begun(http: httpx.AsyncClient, key: str, *, wait: int) -> asyncio.Task[httpx.Response]:
    """A create that is committed and not answered yet: it waits for a video that nobody makes."""
    headers = bearer(key, Prefer=f"wait={wait}")
    return asyncio.create_task(http.post(f"{BASE}/videos", json=WAVE, headers=headers))


async def test_calls_one_after_the_other_are_videos_of_their_own(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with listening(still_gate) as http:
        made = [
            (await http.post(f"{BASE}/videos", json=WAVE, headers=bearer(key))).json()["id"]
            for _ in range(5)
        ]
    assert len(set(made)) == 5
    assert await _unanswered(still_gate) == 0


async def test_a_connection_that_ends_after_the_answer_got_it(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with listening(still_gate) as http:
        headers = bearer(key, Connection="close")
        answer = await http.post(f"{BASE}/videos", json=WAVE, headers=headers)
        assert answer.status_code == 202
    assert await _unanswered(still_gate) == 0


async def test_a_call_whose_client_left_before_the_answer_is_joined(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()
    given, answers = asyncio.Event(), EndsCall.__call__

    async def answering(*answer: Any) -> None:
        await answers(*answer)
        given.set()

    monkeypatch.setattr(EndsCall, "__call__", answering)
    async with listening(still_gate) as http:
        first = _begun(http, key, wait=100)
        await _until_committed(still_gate)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        # To nobody.
        await given.wait()
        again = await http.post(f"{BASE}/videos", json=WAVE, headers=bearer(key))
        assert again.headers["Idempotent-Replayed"] == "true"
        [kept] = (await http.get("/api/v1/generations", headers=bearer(key))).json()["data"]
        assert again.json()["id"] == kept["id"]
        other = await http.post(f"{BASE}/videos", json=WAVE, headers=bearer(key))
        assert other.json()["id"] != kept["id"]
    assert await used_credits(still_gate) == 2 * PRICE


async def test_so_is_one_that_is_still_being_answered(still_gate: Gateway) -> None:
    """A proxy in between may keep the connection of a client that has left."""
    key = await still_gate.member()
    async with listening(still_gate) as http:
        first = _begun(http, key, wait=2)
        await _until_committed(still_gate)
        second = await http.post(f"{BASE}/videos", json=WAVE, headers=bearer(key))
        assert second.json()["id"] == (await first).json()["id"]
    assert await used_credits(still_gate) == PRICE


async def test_equal_requests_at_the_same_time_are_one_video_or_more_and_never_too_many(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member(rate_burst=50, max_open=50)
    answers = await asyncio.gather(*(ask(still_gate, key) for _ in range(8)))
    made = {answer.json()["id"] for answer in answers}
    assert (await traces(still_gate)).generations == len(made) <= 8
    assert await used_credits(still_gate) == len(made) * PRICE


async def test_what_cannot_be_recorded_counts_as_not_answered(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still_gate.member()

    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(unmarked_calls, "end", away)
    first = await ask(still_gate, key)
    monkeypatch.undo()
    again = await ask(still_gate, key)
    assert (first.status_code, again.json()["id"]) == (202, first.json()["id"])
    # For an hour: the SDKs repeat nothing longer.
    await execute(
        still_gate, "UPDATE unmarked_calls SET answered_at = NULL, created_at = created_at"
        " - interval '2 hours'",
    )  # fmt: skip
    assert (await ask(still_gate, key)).json()["id"] != first.json()["id"]


async def test_a_call_of_the_ai_sdk_lasts_until_it_was_told_the_end(gate: Gateway) -> None:
    """It begins again with the create if a look fails, or none shows a video for ten minutes."""
    key = await gate.member()
    first = (await ask(gate, key, user_agent=AI_SDK)).json()
    again = await ask(gate, key, user_agent=AI_SDK)
    assert again.json()["id"] == first["id"]
    await gate.closed(first["id"])
    # What ended while nobody looked is not made again either.
    again = await ask(gate, key, user_agent=AI_SDK)
    assert (again.json()["id"], again.json()["status"]) == (first["id"], "completed")
    assert (await look(gate, key, first["id"])).json()["status"] == "completed"
    another = await ask(gate, key, user_agent=AI_SDK)
    assert another.json()["id"] != first["id"]
    assert await used_credits(gate) == 2 * PRICE


async def test_another_key_user_or_trace_is_another_call(still_gate: Gateway) -> None:
    ada, bob = await still_gate.member("ada"), await still_gate.member("bob")
    asked: list[tuple[str, dict[str, Any]]] = [
        (ada, WAVE), (bob, WAVE), (ada, {**WAVE, "user": "reader-1"}),
        (ada, {**WAVE, "trace": {"variant": "2"}}), (ada, {**WAVE, "duration": 10}),
    ]  # fmt: skip
    made = [
        (await ask(still_gate, key, what, user_agent=AI_SDK)).json()["id"] for key, what in asked
    ]
    assert len(set(made)) == len(asked)
    same = [
        (await ask(still_gate, key, what, user_agent=AI_SDK)).json()["id"] for key, what in asked
    ]
    assert same == made


async def test_a_key_of_the_caller_decides_alone(still_gate: Gateway) -> None:
    key = await still_gate.member()
    first = await ask(still_gate, key, user_agent=AI_SDK)
    named = await ask(still_gate, key, user_agent=AI_SDK, idempotency_key="order-1")
    assert named.json()["id"] != first.json()["id"]
    again = await ask(still_gate, key, user_agent=AI_SDK, idempotency_key="order-1")
    assert again.json()["id"] == named.json()["id"]
    joined = await ask(still_gate, key, user_agent=AI_SDK)
    assert joined.json()["id"] == first.json()["id"]


async def test_a_call_that_is_joined_passes_limits_that_are_used_up(still_gate: Gateway) -> None:
    """It asks for nothing new."""
    key = await still_gate.member(rate_per_minute=1, rate_burst=1, max_open=1, credit_limit=PRICE)
    first = await ask(still_gate, key, user_agent=AI_SDK)
    again = await ask(still_gate, key, user_agent=AI_SDK)
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    other = await ask(still_gate, key, {**WAVE, "prompt": "a hill"}, user_agent=AI_SDK)
    assert other.status_code == 429


async def test_a_create_takes_one_trip_and_notes_its_answer_with_another(
    database_url: str, tmp_path: Path
) -> None:
    with followed(tmp_path) as wire:
        async with gateway(database_url, tmp_path, worker=False) as gate:
            key = await gate.member(rate_burst=100, max_open=100)
            for _ in range(_UNTIL_PREPARED):
                await ask(gate, key)
            assert await _trips(wire, ask(gate, key), status=202) == 2
            asked = ask(gate, key, {**WAVE, "prompt": "a hill"}, user_agent=AI_SDK)
            assert await _trips(wire, asked, status=202) == 1


async def test_calls_are_forgotten_when_nobody_repeats_them_any_more(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    for prompt in ("a wave", "a hill"):
        await ask(still_gate, key, {**WAVE, "prompt": prompt})
    await execute(
        still_gate,
        "UPDATE unmarked_calls SET created_at = created_at - interval '3 hours'"
        " WHERE generation_id = (SELECT min(id::text)::uuid FROM generations)",
    )
    await upkeep.one_round(still_gate.worker)
    assert (await one(still_gate, "SELECT count(*) AS calls FROM unmarked_calls"))["calls"] == 1
