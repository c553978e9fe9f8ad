"""Everything the seed's table allows is taken, and nothing is added to it."""

from __future__ import annotations

import asyncio

from app.dialects.onemin import wire
from app.domain.catalog.catalog import BUILT_IN
from app.upstream.wire import request_body
from tests.harness.gateway import Gateway
from tests.native.legal import OPTIONS, prompt_objects, request


def test_every_legal_combination_is_accepted_and_sent_as_it_came() -> None:
    seen = 0
    for prompt_object in prompt_objects():
        asked = wire.parse(request(prompt_object), BUILT_IN)
        sent = request_body(BUILT_IN.models[asked.spec.model], asked.spec, run_async=False)
        assert sent == request(prompt_object)
        seen += 1
    assert seen == 5 * 2 * 8 * 3 * 3 == 720


def test_async_is_asked_of_the_upstream_only_where_the_gateway_wants_it() -> None:
    asked = wire.parse({**request(next(prompt_objects())), "async": True}, BUILT_IN)
    assert asked.run_async is True
    assert "async" not in request_body(
        BUILT_IN.models[asked.spec.model], asked.spec, run_async=False
    )
    assert (
        request_body(BUILT_IN.models[asked.spec.model], asked.spec, run_async=True)["async"] is True
    )


async def test_legal_combinations_arrive_at_the_upstream_and_come_back_as_they_were_asked(
    gate: Gateway,
) -> None:
    key = await gate.member(
        credit_limit=100_000_000, rate_per_minute=60_000, rate_burst=100, max_open=100
    )
    # 31 shares no factor with the product's rhythm: every value of every field turns up.
    sample = [each for number, each in enumerate(prompt_objects()) if number % 31 == 30]
    for field, values in OPTIONS.items():
        assert {asked.get(field) for asked in sample} == set(values)
    answers = await asyncio.gather(
        *(
            gate.http.post("/api/features", json=request(asked), headers={"API-KEY": key})
            for asked in sample
        )
    )
    for asked, answer in zip(sample, answers, strict=True):
        assert answer.status_code == 200, answer.text
        record = answer.json()["aiRecord"]
        assert record["status"] == "SUCCESS"
        assert record["aiRecordDetail"]["promptObject"] == asked
    books = await gate.simulator.summary()
    assert books["billed_credits"] == 150_000 * len(sample)


async def test_a_prompt_of_any_script_and_of_full_length_survives_the_round_trip(
    gate: Gateway,
) -> None:
    key = await gate.member()
    for prompt in ('ライオン 🦁 اَلْأَسَد\n\t"quoted" \\ %s {} \x7f', "é" * 32_000):
        asked = {"prompt": prompt, "modelName": "ray-v2", "duration": "5s"}
        answer = await gate.http.post(
            "/api/features", json=request(asked), headers={"API-KEY": key}
        )
        assert answer.status_code == 200, answer.text
        record = answer.json()["aiRecord"]
        assert record["aiRecordDetail"]["promptObject"] == asked
        looked_up = await gate.http.get(f"/api/results/{record['uuid']}", headers={"API-KEY": key})
        assert looked_up.json()["aiRecord"]["aiRecordDetail"]["promptObject"] == asked
