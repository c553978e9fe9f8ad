"""Every way the one POST can end, against a simulator that is told to misbehave."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from app.db import transitions, upstream_keys
from app.domain.generation import State
from app.domain.operators import Outcome
from app.generations import lifecycle, unknown
from app.upstream.answers import NotProcessed, Running, Succeeded
from app.worker import submissions
from tests.harness.gateway import Gateway, body, gateway
from tests.simulator.conftest import until

PRICE = 150_000


async def created(gate: Gateway, key: str, prompt: str = "a wave") -> str:
    answer = await gate.create(key, body(prompt))
    assert answer.status_code == 202, answer.text
    return str(answer.json()["aiRecord"]["uuid"])


async def used(gate: Gateway, key: str) -> int:
    me = await gate.http.get("/api/v1/me", headers={"API-KEY": key})
    return int(me.json()["credits"]["binding"]["used_credits"])


async def submissions_of(gate: Gateway, prompt: str) -> list[dict[str, Any]]:
    return [s for s in (await gate.simulator.summary())["submissions"] if s["prompt"] == prompt]


@pytest.mark.parametrize(
    ("fault", "options", "code"),
    [
        ("unsupported_model", {}, "upstream_refused"),
        ("missing_fields", {}, "upstream_refused"),
        ("validation", {}, "upstream_refused"),
        ("unknown_error", {}, "upstream_refused"),
        ("external_error", {"provider_status": 400}, "upstream_refused"),
        ("external_error", {"provider_status": 500}, "upstream_failed"),
        ("failed_200", {"status": "FAILED", "shape": "object"}, "upstream_failed"),
        ("failed_200", {"status": "FAILURE", "shape": "array"}, "upstream_failed"),
        ("failed_200", {"status": "ERROR", "shape": "string"}, "upstream_failed"),
        ("not_acceptable_406", {}, "upstream_refused"),
    ],
)
async def test_a_definite_no_fails_and_releases_the_hold(
    gate: Gateway, fault: str, options: dict[str, Any], code: str
) -> None:
    key = await gate.member()
    await gate.simulator.fault(fault, **options)
    uuid = await created(gate, key)
    generation = await gate.closed(uuid)
    assert (generation.state, generation.error_code) == (State.FAILED, code)
    assert generation.settled == 0
    assert await used(gate, key) == 0
    assert len(await submissions_of(gate, "a wave")) == 1


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("reset_before", {}),
        ("reset_after", {}),
        ("half_body", {}),
        ("html_200", {}),
        ("http_500", {}),
        ("http_502", {}),
        ("http_503", {}),
        ("http_504", {}),
        ("http_522", {}),
        ("http_524", {}),
    ],
)
async def test_no_certain_answer_is_unknown_keeps_the_hold_and_is_never_sent_again(
    gate: Gateway, fault: str, options: dict[str, Any]
) -> None:
    key = await gate.member()
    await gate.simulator.fault(fault, **options)
    uuid = await created(gate, key)
    generation = await gate.closed(uuid)
    assert (generation.state, generation.error_code) == (State.UNKNOWN, "outcome_unknown")
    assert await used(gate, key) == PRICE
    # The one fault is used up: a second POST would be made, and would succeed.
    after = await created(gate, key, "another")
    assert (await gate.closed(after)).state is State.SUCCEEDED
    assert len(await submissions_of(gate, "a wave")) == 1


@pytest.mark.parametrize(
    ("fault", "options"),
    [("rate_limited", {"retry_after": 1}), ("rate_limited", {"bare": True, "retry_after": 1})],
)
async def test_what_surely_was_not_processed_is_sent_again(
    gate: Gateway, fault: str, options: dict[str, Any]
) -> None:
    key = await gate.member()
    await gate.simulator.fault(fault, **options)
    uuid = await created(gate, key)
    assert (await gate.closed(uuid)).state is State.SUCCEEDED
    outcomes = [s["outcome"] for s in await submissions_of(gate, "a wave")]
    assert outcomes == ["rate_limited", "accepted"]
    assert await used(gate, key) == PRICE


async def test_an_upstream_that_cannot_be_reached_leaves_the_generation_queued(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, onemin_base_url="http://127.0.0.1:9") as gate:
        # The simulator's address wins where both are set; here nothing may listen.
        gate.worker.upstream._base_url = "http://127.0.0.1:9"
        key = await gate.member()
        uuid = await created(gate, key)
        await returned_to_queue(gate, uuid)
        assert await used(gate, key) == PRICE


async def returned_to_queue(gate: Gateway, uuid: str) -> None:
    """Tried once and queued again: a step that announces itself to nobody."""

    async def there() -> bool:
        work = await work_of(gate, uuid)
        return work.attempts > 0 and work.state is State.QUEUED

    await until(there)


async def work_of(gate: Gateway, uuid: str) -> transitions.Work:
    async with gate.rt.db.single() as tx:
        work = await transitions.find_work(tx, UUID(uuid))
    assert work is not None
    return work


@pytest.mark.parametrize("fault", ["key_deleted", "key_inactive", "insufficient_credits"])
async def test_a_refused_key_is_set_aside_and_another_takes_over(
    database_url: str, tmp_path: Path, fault: str
) -> None:
    keys = SecretStr("first=canary-key-first,second=canary-key-second")
    async with gateway(database_url, tmp_path, onemin_api_key=keys) as gate:
        key = await gate.member()
        await gate.simulator.fault(fault, match={"account": "canary-key-first"}, times=None)
        await gate.simulator.fault(fault, match={"account": "canary-key-none"}, times=None)
        for number in range(4):
            uuid = await created(gate, key, f"wave {number}")
            assert (await gate.closed(uuid)).state is State.SUCCEEDED
        async with gate.rt.db.single() as tx:
            found = {k.label: k.state for k in await upstream_keys.list_keys(tx)}
        assert found == {"first": "set_aside", "second": "active"}
        books = await gate.simulator.summary()
        assert len([s for s in books["submissions"] if s["billed"]]) == 4


async def test_out_of_credits_said_with_200_is_no_failure_of_the_generation(
    gate: Gateway,
) -> None:
    key = await gate.member()
    await gate.simulator.fault("insufficient_credits", form="record")
    uuid = await created(gate, key)
    await returned_to_queue(gate, uuid)
    async with gate.rt.db.begin() as tx:
        found = await upstream_keys.list_keys(tx)
        assert [(k.state, k.reason) for k in found] == [("set_aside", "out_of_credits")]
    assert await used(gate, key) == PRICE


async def test_the_held_mode_waits_for_the_video_in_the_post_itself(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, upstream_async=False) as gate:
        key = await gate.member()
        uuid = await created(gate, key)
        assert (await gate.closed(uuid)).state is State.SUCCEEDED
        await gate.archived(uuid)
        requests = (await gate.simulator.summary())["requests"]
        assert (requests["features"], requests["results"]) == (1, 0)


async def test_an_early_success_needs_no_poll(gate: Gateway) -> None:
    key = await gate.member()
    await gate.simulator.fault("early_success")
    uuid = await created(gate, key)
    assert (await gate.closed(uuid)).state is State.SUCCEEDED
    assert (await gate.simulator.summary())["requests"]["results"] == 0


async def test_an_upstream_id_that_is_anothers_already_is_not_taken(gate: Gateway) -> None:
    key = await gate.member()
    first = await created(gate, key, "first")
    assert (await gate.closed(first)).state is State.SUCCEEDED
    await gate.simulator.fault("same_uuid")
    second = await created(gate, key, "second")
    generation = await gate.closed(second)
    assert generation.state is State.UNKNOWN
    assert await used(gate, key) == 2 * PRICE


async def test_past_its_deadline_a_queued_generation_fails_unsent(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, queue_seconds=0.001) as gate:
        key = await gate.member()
        uuid = await created(gate, key)
        gate.start_worker()
        generation = await gate.closed(uuid)
        assert (generation.state, generation.error_code) == (State.FAILED, "upstream_unavailable")
        assert await used(gate, key) == 0
        assert await submissions_of(gate, "a wave") == []


class TestLateAnswers:
    """A worker that was frozen comes back after its generation was given up."""

    async def claim(self, gate: Gateway, key: str) -> tuple[Any, str]:
        uuid = await created(gate, key)
        claim = await submissions._claim(gate.worker, UUID(uuid), uuid4())
        assert claim is not None
        async with lifecycle.begin(gate.rt) as transaction:
            work = await transitions.find_work(transaction.tx, UUID(uuid), lock=True)
            assert work is not None
            assert await lifecycle.mark_unknown(
                transaction, work, attempt=work.attempt, reason="test"
            )
        return claim, uuid

    async def test_a_success_is_news(self, still_gate: Gateway) -> None:
        key = await still_gate.member()
        claim, uuid = await self.claim(still_gate, key)
        answer = Succeeded(upstream_id="u-1", paths=("a.mp4",), link=None)
        await submissions.record(still_gate.worker, claim, answer)
        assert (await work_of(still_gate, uuid)).state is State.SUCCEEDED
        assert await used(still_gate, key) == PRICE

    async def test_an_id_is_kept_and_polled_on(self, still_gate: Gateway) -> None:
        key = await still_gate.member()
        claim, uuid = await self.claim(still_gate, key)
        await submissions.record(still_gate.worker, claim, Running(upstream_id="u-2"))
        work = await work_of(still_gate, uuid)
        assert (work.state, work.upstream_id) == (State.UNKNOWN, "u-2")
        async with still_gate.rt.db.single() as tx:
            kinds = await tx.execute(
                text("SELECT queue_name FROM procrastinate_jobs WHERE args->>'subject_id' = :i"),
                {"i": uuid},
            )
            assert "poll" in [row.queue_name for row in kinds]

    async def test_that_it_was_never_processed_frees_the_credits(self, still_gate: Gateway) -> None:
        key = await still_gate.member()
        claim, uuid = await self.claim(still_gate, key)
        await submissions.record(still_gate.worker, claim, NotProcessed(reason="unreachable"))
        assert (await work_of(still_gate, uuid)).state is State.FAILED
        assert await used(still_gate, key) == 0

    async def test_one_that_comes_after_an_operators_word_leaves_its_id_in_the_log(
        self, still_gate: Gateway
    ) -> None:
        claim, uuid = await self.claim(still_gate, await still_gate.member())
        await unknown.resolve(
            still_gate.rt, UUID(uuid), Outcome.NOT_MADE, reason="not there yet", actor="test"
        )
        with capture_logs() as logged:
            await submissions.record(still_gate.worker, claim, Running(upstream_id="u-4"))
        assert [line["upstream_id"] for line in logged if line["event"] == "late_answer"] == ["u-4"]
        assert (await work_of(still_gate, uuid)).state is State.FAILED

    async def test_another_attempts_answer_changes_nothing(self, still_gate: Gateway) -> None:
        key = await still_gate.member()
        uuid = await created(still_gate, key)
        claim = await submissions._claim(still_gate.worker, UUID(uuid), uuid4())
        assert claim is not None
        stranger = replace(claim, attempt=uuid4())
        answer = Succeeded(upstream_id="u-3", paths=("a.mp4",), link=None)
        await submissions.record(still_gate.worker, stranger, answer)
        assert (await work_of(still_gate, uuid)).state is State.SUBMITTING

    async def test_a_second_run_of_the_job_never_sends_it_again(self, still_gate: Gateway) -> None:
        key = await still_gate.member()
        uuid = await created(still_gate, key)
        assert await submissions._claim(still_gate.worker, UUID(uuid), uuid4()) is not None
        await submissions.submit(still_gate.worker, UUID(uuid))
        assert (await work_of(still_gate, uuid)).state is State.UNKNOWN
        assert await submissions_of(still_gate, "a wave") == []

    async def test_news_of_its_own_lost_commit_lets_the_claim_go_on(
        self, still_gate: Gateway
    ) -> None:
        key = await still_gate.member()
        uuid, attempt = await created(still_gate, key), uuid4()
        first = await submissions._claim(still_gate.worker, UUID(uuid), attempt)
        again = await submissions._claim(still_gate.worker, UUID(uuid), attempt)
        assert first is not None
        assert again is not None
        assert again.attempt == attempt
