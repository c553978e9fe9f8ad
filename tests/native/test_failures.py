"""Failures are records: 200, FAILED, with a code and a message of our own."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.simulator.config import CANARIES
from tests.harness.gateway import Gateway, body
from tests.harness.traces import one, traces, used_credits


async def post(gate: Gateway, key: str, prompt: str, **headers: str) -> httpx.Response:
    return await gate.http.post(
        "/api/features", json=body(prompt), headers={"API-KEY": key, **headers}
    )


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("unsupported_model", "upstream_refused"),
        ("validation", "upstream_refused"),
        ("missing_fields", "upstream_refused"),
        ("external_error", "upstream_refused"),
        ("failed_200", "upstream_failed"),
        ("fail_later", "upstream_failed"),
    ],
)
async def test_a_definite_failure_is_a_failed_record_that_cost_nothing(
    gate: Gateway, fault: str, code: str
) -> None:
    key = await gate.member()
    answer = await post(gate, key, f"a lion [sim:{fault}]")
    assert answer.status_code == 200, answer.text
    record = answer.json()["aiRecord"]
    assert record["status"] == "FAILED"
    assert record["aiRecordDetail"]["resultObject"]["code"] == code
    assert record["aiRecordDetail"]["resultObject"]["message"].startswith("The ")
    assert record["additionalData"] == {"billed": False, "credits": 0}
    assert record["temporaryUrl"] is None
    assert record["teamUser"]["usedCredit"] == 0
    assert await used_credits(gate) == 0
    assert not [canary for canary in CANARIES if canary in answer.text]
    again = await gate.http.get(f"/api/results/{record['uuid']}", headers={"API-KEY": key})
    assert again.json() == answer.json()


async def test_a_failure_that_was_billed_says_so_and_keeps_the_credits(gate: Gateway) -> None:
    await gate.simulator.fault(
        "status",
        status=200,
        body={
            "aiRecord": {
                "uuid": str(uuid4()),
                "status": "FAILED",
                "metadata": {"credit": 150_000},
                "aiRecordDetail": {"resultObject": {"code": "GENERATION_FAILED"}},
            }
        },
    )
    answer = await post(gate, await gate.member(), "a lion")
    record = answer.json()["aiRecord"]
    assert record["status"] == "FAILED"
    assert record["additionalData"] == {"billed": True, "credits": 150_000}
    assert record["teamUser"]["usedCredit"] == 150_000


async def test_an_outcome_nobody_knows_is_202_processing_with_the_credits_set_aside(
    gate: Gateway,
) -> None:
    key = await gate.member()
    answer = await post(gate, key, "a lion [sim:reset_after]")
    assert answer.status_code == 202
    record = answer.json()["aiRecord"]
    assert record["status"] == "PROCESSING"
    assert record["additionalData"]["state"] == "unknown"
    assert "set aside" in record["additionalData"]["message"]
    assert record["teamUser"]["usedCredit"] == 150_000
    assert answer.headers["Location"].endswith(record["uuid"])
    hold = await one(
        gate,
        "SELECT kind, held, settled FROM ledger_entries WHERE generation_id = :id",
        id=UUID(record["uuid"]),
    )
    assert hold == {"kind": "hold", "held": 150_000, "settled": 0}
    books = await gate.simulator.summary()
    assert books["requests"]["features"] == 1


async def test_results_are_the_callers_own_and_null_for_everything_else(
    still_gate: Gateway,
) -> None:
    ada = await still_gate.member("ada")
    others = {
        "of the same team": await still_gate.member("bob"),
        "of another team": await still_gate.member("eve", team="rivals"),
    }
    made = (await still_gate.create(ada)).json()

    async def result(uuid: str, key: str) -> Any:
        answer = await still_gate.http.get(f"/api/results/{uuid}", headers={"API-KEY": key})
        assert answer.status_code == 200
        return answer.json()

    uuid = made["aiRecord"]["uuid"]
    assert await result(uuid, ada) == made
    assert await result(uuid.upper(), ada) == made
    for whose, key in others.items():
        assert await result(uuid, key) == {"aiRecord": None}, whose
    for unknown in (str(uuid4()), "not-a-uuid", "%00", "a" * 5000, "%F0%9F%A6%81", "1"):
        assert await result(unknown, ada) == {"aiRecord": None}, unknown


async def test_looking_at_results_changes_nothing(still_gate: Gateway) -> None:
    key = await still_gate.member(rate_per_minute=1, rate_burst=1)
    uuid = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    before = await traces(still_gate)
    for _ in range(5):
        answer = await still_gate.http.get(f"/api/results/{uuid}", headers={"API-KEY": key})
        assert answer.json()["aiRecord"]["uuid"] == uuid
    assert await traces(still_gate) == before


async def test_a_canceled_generation_is_a_canceled_record(still_gate: Gateway) -> None:
    key = await still_gate.member()
    uuid = (await still_gate.create(key)).json()["aiRecord"]["uuid"]
    canceled = await still_gate.http.post(
        f"/api/v1/generations/{uuid}/cancel", headers={"API-KEY": key}
    )
    assert canceled.status_code == 200
    answer = await still_gate.http.get(f"/api/results/{uuid}", headers={"API-KEY": key})
    record = answer.json()["aiRecord"]
    assert record["status"] == "CANCELED"
    assert record["aiRecordDetail"]["resultObject"]["code"] == "canceled"
    assert record["teamUser"]["usedCredit"] == 0
