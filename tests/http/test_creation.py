"""What a create answers with: the generation as it is at the answer, in every dialect."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from app.domain.generation import State
from app.domain.operators import Pause
from app.live.watch import Watch
from app.operators import pauses
from tests.api.test_generations import call
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, gateway
from tests.harness.traces import execute, traces
from tests.http.creates import CREATES, Create
from tests.simulator.conftest import until

#: What each dialect calls a generation that is being made.
RUNNING = {
    "1min.ai": "PROCESSING",
    "own REST": "running",
    "own REST, retry": "running",
    "OpenAI": "in_progress",
    "OpenAI, remix": "in_progress",
    "Luma Dream Machine": "dreaming",
    "Luma Dream Machine, first SDKs": "dreaming",
    "Luma Agents": "processing",
    "OpenRouter": "in_progress",
}
every = pytest.mark.parametrize("name", CREATES)
own = pytest.mark.parametrize("create", [CREATES["own REST"], CREATES["own REST, retry"]],
                              ids=["create", "retry"])  # fmt: skip


def _waits_four_seconds(monkeypatch: pytest.MonkeyPatch, gate: Gateway, clock: HandClock) -> None:
    """A wait ends without news four seconds after the upstream began."""

    async def running(_watch: Watch, generation_id: UUID, *, seconds: float) -> bool:
        assert seconds == 4

        async def begun() -> bool:
            return (await gate.generation(generation_id)).state is State.RUNNING

        await until(begun)
        clock.move(4)
        return False

    monkeypatch.setattr(Watch, "until_closed", running)


@every
async def test_a_create_that_waited_shows_what_became_of_it_meanwhile(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    create, clock = CREATES[name], HandClock()
    async with gateway(database_url, tmp_path, speed=1, clock=clock, worker=False) as gate:
        key = await gate.member()
        ready = await create.ready(gate, key)
        _waits_four_seconds(monkeypatch, gate, clock)
        gate.start_worker()
        answer = await ready.post(gate, key, Prefer="wait=4")
        assert answer.is_success, answer.text
        assert answer.headers["Preference-Applied"] == "wait=4"
        assert create.state_of(answer) == RUNNING[name]
        if name.startswith("own REST"):
            assert answer.status_code == 202
            assert answer.json()["progress"]["elapsed_seconds"] == 4
            assert answer.json()["submitted_at"] is not None
            assert answer.json()["waiting"] is None
        if name.startswith("OpenAI"):
            assert answer.json()["progress"] > 0
        if name == "1min.ai":
            assert answer.status_code == 202


@own
async def test_a_create_during_a_pause_says_that_it_waits_for_an_operator(
    still_gate: Gateway, create: Create
) -> None:
    key = await still_gate.member()
    await _pause(still_gate, paused=True)
    answer = await create.post(still_gate, key)
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "queued"
    waiting = answer.json()["waiting"]
    assert (waiting["reason"], waiting["retry_after_seconds"]) == ("paused", 60)
    assert waiting["queue_position"] >= 1
    assert answer.headers["Retry-After"] == "60"
    await _pause(still_gate, paused=False)
    assert (await create.post(still_gate, key)).json()["waiting"] is None


async def _pause(gate: Gateway, *, paused: bool) -> None:
    await pauses.set_paused(
        gate.rt, Pause.SUBMISSION, paused=paused, reason="maintenance", actor="test"
    )


@own
@pytest.mark.parametrize(
    "away",
    ["state = 'set_aside', return_at = now() + interval '30 s'",
     "breaker = 'open', breaker_until = now() + interval '30 s'"],
    ids=["set aside", "breaker"],
)  # fmt: skip
async def test_a_create_while_no_upstream_key_can_be_used_says_so(
    still_gate: Gateway, create: Create, away: str
) -> None:
    key = await still_gate.member()
    await still_gate.worker.upstream_key_ids_now()
    assert (await create.post(still_gate, key)).json()["waiting"] is None
    await execute(still_gate, f"UPDATE upstream_keys SET {away}")
    waiting = (await create.post(still_gate, key)).json()["waiting"]
    assert waiting["reason"] == "upstream_unavailable"
    assert 25 <= waiting["retry_after_seconds"] <= 30


async def test_a_create_that_was_asked_for_before_says_what_it_waits_for(
    still_gate: Gateway,
) -> None:
    key, create = await still_gate.member(), CREATES["own REST"]
    first = await create.post(still_gate, key)
    await create.post(still_gate, key, Idempotency_Key="once")
    again = await create.post(still_gate, key, Idempotency_Key="once")
    assert first.json()["waiting"] is None
    assert again.json()["waiting"] == {
        "queue_position": 2, "reason": "queue", "retry_after_seconds": 5,
    }  # fmt: skip


async def test_the_attempts_of_one_retry_are_one_generation(still_gate: Gateway) -> None:
    """A generated client that counts its attempts, as the SDKs do, pays once for a retry too."""
    key = await still_gate.member()
    create = CREATES["own REST"]
    failed = (await create.post(still_gate, key, x_stainless_retry_count="0")).json()["id"]
    await call(still_gate, key, f"/generations/{failed}/cancel", "POST")
    ids = []
    for count in ("0", "1", "2"):
        answer = await still_gate.http.post(
            f"/api/v1/generations/{failed}/retry",
            headers={"API-KEY": key, "x-stainless-retry-count": count},
        )
        assert answer.status_code == 202, answer.text
        ids.append(answer.json()["id"])
    assert len(set(ids)) == 1
    assert failed not in ids
    assert (await traces(still_gate)).generations == 2


async def test_a_preference_to_wait_is_not_applied_where_the_body_says_not_to(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    native = CREATES["1min.ai"]
    at_once = replace(native, body={**native.body, "async": True})
    answer = await at_once.post(still_gate, key, Prefer="wait=30")
    assert (answer.status_code, native.state_of(answer)) == (200, "PROCESSING")
    assert answer.headers["Preference-Applied"] == "wait=0"
