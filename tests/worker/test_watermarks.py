"""What the upstream's answers say of the account that pays is kept, and shown to no caller."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.upstream.answers import Running
from tests.harness.gateway import Gateway
from tests.harness.traces import one
from tests.simulator.conftest import until
from tests.upstream.calling import ID
from tests.upstream.reading import read
from tests.worker.test_submissions import created

PRICE = 150_000


async def mark_of(gate: Gateway) -> dict[str, Any]:
    return await one(gate, "SELECT * FROM upstream_watermarks")


async def rows_of(gate: Gateway) -> dict[str, Any]:
    return await one(
        gate,
        "SELECT count(*) AS rows, coalesce(sum(unexplained), 0)::bigint AS unexplained,"
        " coalesce(sum(added), 0)::bigint AS added FROM upstream_watermark_history",
    )


async def change(gate: Gateway, **figures: int) -> None:
    answer = await gate.simulator.http.post("/_simulator/account", json=figures)
    assert answer.status_code == 200, answer.text


async def make(gate: Gateway, key: str, prompt: str) -> None:
    await gate.closed(await created(gate, key, prompt))


async def test_the_figures_of_answers_are_kept_beside_the_ledger(gate: Gateway) -> None:
    key = await gate.member()
    for number in range(3):
        await make(gate, key, f"film {number}")
    mark = await mark_of(gate)
    assert (mark["settled"], mark["released"]) == (3 * PRICE, 0)
    assert (mark["credit_limit"], mark["used"]) == (100_000_000, 3 * PRICE)
    assert mark["offset_low"] <= 0 <= mark["offset_high"]
    assert await rows_of(gate) == {"rows": 4, "unexplained": 0, "added": 0}
    metrics = (await gate.http.get("/metrics")).text
    assert 'reelgate_upstream_figures_total{outcome="unreadable"} 0.0' in metrics


async def test_credits_that_are_added_and_spent_elsewhere_are_seen(gate: Gateway) -> None:
    key = await gate.member()
    await make(gate, key, "before")
    await change(gate, used_credit_change=7_000_000)
    await make(gate, key, "spent elsewhere")
    seen = await rows_of(gate)
    assert 7_000_000 - PRICE <= seen["unexplained"] <= 7_000_000
    await change(gate, used_credit_change=-5_000_000, credit_limit_change=15_000)
    await make(gate, key, "added")
    assert 5_000_000 - 2 * PRICE <= (await rows_of(gate))["added"] <= 5_000_000
    assert (await mark_of(gate))["credit_limit"] == 100_015_000


@pytest.mark.parametrize(
    "user",
    [None, 5, {}, {"usedCredit": 5}, {"usedCredit": "5", "creditLimit": "9"},
     {"usedCredit": True, "creditLimit": 9}, {"usedCredit": -1, "creditLimit": 9},
     {"usedCredit": 5, "creditLimit": None}, {"usedCredit": 5.5, "creditLimit": 9},
     {"usedCredit": 5, "creditLimit": 10**40}],
)  # fmt: skip
def test_figures_that_cannot_be_read_are_none(user: Any) -> None:
    record = {"aiRecord": {"uuid": ID, "status": "PROCESSING", "teamUser": user}}
    for answer in read(200, {}, json.dumps(record).encode()):
        assert isinstance(answer, Running)
        assert answer.figures is None


async def test_answers_without_figures_are_counted_and_nothing_else(gate: Gateway) -> None:
    key = await gate.member()
    for path in ("features", "results"):
        await gate.simulator.fault("no_team_user", match={"path": path}, times=None)
    await make(gate, key, "a film")

    async def counted() -> bool:
        metrics = (await gate.http.get("/metrics")).text
        return 'reelgate_upstream_figures_total{outcome="unreadable"} 0.0' not in metrics

    await until(counted)
    assert (await mark_of(gate))["observed_at"] is None
