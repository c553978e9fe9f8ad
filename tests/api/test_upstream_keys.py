"""Upstream keys and pauses over REST."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db import upstream_watermarks
from app.worker import upkeep
from tests.api.desk import Desk, operator
from tests.harness.gateway import UPSTREAM_KEY, Gateway, gateway
from tests.harness.traces import execute, one
from tests.worker.test_submissions import created, submissions_of
from tests.worker.test_watermarks import PRICE, change, make

KEYS = "/api/v1/admin/upstream-keys"


async def main_key(desk: Desk) -> dict[str, Any]:
    (found,) = (await desk("GET", KEYS)).json()["data"]
    assert found["label"] == "main"
    return dict(found)


async def test_operators_see_what_is_left(gate: Gateway) -> None:
    root = await operator(gate)
    await gate.worker.upstream_key_ids_now()
    assert (await main_key(root))["watermark"] is None
    key = await gate.member()
    await make(gate, key, "a film")
    await make(gate, key, "another")
    found = await main_key(root)
    assert found["state"] == "active"
    assert len(found["fingerprint"]) == 8
    minute = found["minute"]
    assert minute["used"] >= 1 or minute["remaining"] == minute["limit"], "a new minute may begin"
    assert minute["remaining"] == minute["limit"] - minute["used"]
    mark = found["watermark"]
    assert (mark["used_credits"], mark["credit_limit"]) == (2 * PRICE, 100_000_000)
    assert 100_000_000 - 4 * PRICE <= mark["remaining_credits"] <= 100_000_000 - 2 * PRICE
    assert (mark["credits_per_day"], mark["days_left"]) == (None, None), "too young for a pace"
    assert UPSTREAM_KEY not in (await root("GET", KEYS)).text


async def test_operators_see_what_is_open_and_what_is_left_in_money(
    database_url: str, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {
        "upstream_reserve_credits": 7, "money_per_1000_credits": "0.35 EUR",
    }  # fmt: skip
    async with gateway(database_url, tmp_path, **changes) as gate:
        root, key = await operator(gate), await gate.member()
        await make(gate, key, "a film")
        assert (await main_key(root))["open_generations"] == 0, "it has ended"
        lost = await created(gate, key, "[sim:reset_after] a fox")
        assert (await gate.closed(lost)).state == "unknown"
        assert (await main_key(root))["open_generations"] == 1
        body = {"outcome": "not_made", "reason": "no record of it"}
        await root("POST", f"/api/v1/admin/unknown/{lost}/resolve", body)
        assert (await main_key(root))["open_generations"] == 0
        assert (await root("GET", KEYS)).json()["reserve_credits"] == 7
        mark = (await main_key(root))["watermark"]
        exact = Decimal(mark["remaining_credits"]) * 35 / 100_000
        money = exact.quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert mark["remaining_money"] == {"amount": f"{money:f}", "currency": "EUR"}


async def test_days_left_at_the_pace_of_the_last_days(gate: Gateway) -> None:
    root, key = await operator(gate), await gate.member()
    await make(gate, key, "a film")
    await change(gate, used_credit_change=-PRICE)
    await make(gate, key, "another")
    await execute(
        gate,
        "UPDATE upstream_watermark_history SET observed_at = observed_at - interval '4 days'"
        " WHERE id = (SELECT min(id) FROM upstream_watermark_history)",
    )
    mark = (await main_key(root))["watermark"]
    assert mark["credits_per_day"] * 4 in range(PRICE - 8, 2 * PRICE + 8)
    assert mark["days_left"] == pytest.approx(
        mark["remaining_credits"] / mark["credits_per_day"], rel=0.01
    )
    metrics = (await gate.http.get("/metrics")).text
    for name in ("remaining_credits", "days_left"):
        (line,) = (
            line for line in metrics.splitlines()
            if line.startswith(f'reelgate_upstream_{name}{{label="main"}} ')
        )  # fmt: skip
        assert float(line.split()[-1]) == pytest.approx(mark[name], rel=0.01)


async def test_drift_is_shown_as_intervals(gate: Gateway) -> None:
    root, key = await operator(gate), await gate.member()
    await make(gate, key, "before")
    await change(gate, used_credit_change=40 * PRICE)
    await make(gate, key, "after")
    await change(gate, credit_limit_change=15_000)
    await make(gate, key, "a bonus")
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await root("GET", f"{KEYS}/main/watermarks?limit=2{cursor}")).json()
        found += page["data"]
        if not page["has_more"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found[-1]["since"] is None
    for each in found[:-1]:
        low, high = each["ledger_least_credits"], each["ledger_most_credits"]
        assert low <= high
        # What is not explained is beyond the bounds, and nothing else is.
        beyond = max(each["upstream_credits"] - high, low - each["upstream_credits"], 0)
        assert beyond == 0 or each["unexplained_credits"] + each["added_credits"] > 0
    assert sum(each["unexplained_credits"] for each in found) in range(38 * PRICE, 40 * PRICE + 1)
    assert sum(each["limit_change"] or 0 for each in found) == 15_000
    spent = next(each for each in found if each["unexplained_credits"])
    assert spent["unexplained_credits"] + spent["uncertain_credits"] >= 40 * PRICE
    shown = (await main_key(root))["watermark"]["unexplained_credits"]
    assert shown == sum(each["unexplained_credits"] for each in found)


async def test_a_worker_tests_a_key_with_a_look_up_that_is_free(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker_stalled_seconds=3600) as gate:
        root, key = await operator(gate), await gate.member()
        await make(gate, key, "a film")
        await change(gate, credit_limit_change=7)
        for rejected, result in ((None, "ok"), ("inactive", "rejected")):
            await gate.simulator.http.post("/_simulator/account", json={"rejected": rejected})
            asked = await root("POST", f"{KEYS}/main/test")
            assert asked.status_code == 202
            assert asked.json()["data"][0]["test"]["result"] is None
            await upkeep.one_round(gate.worker)
            test = (await main_key(root))["test"]
            assert test["result"] == result
            assert test["tested_at"] >= test["requested_at"]
        assert (await main_key(root))["watermark"]["credit_limit"] == 100_000_007
        assert len((await gate.simulator.summary())["submissions"]) == 1
        assert (await gate.simulator.summary())["billed_credits"] == PRICE


async def test_a_paused_key_is_not_submitted_with_until_it_is_returned(gate: Gateway) -> None:
    root, key = await operator(gate), await gate.member()
    await gate.worker.upstream_key_ids_now()
    paused = await root("POST", f"{KEYS}/main/pause", {"reason": "audit at 1min.ai"})
    (shown,) = paused.json()["data"]
    assert (shown["state"], shown["reason"]) == ("paused", "audit at 1min.ai")
    uuid = await created(gate, key, "waits")
    await upkeep.one_round(gate.worker)
    seen = await gate.http.get(f"/api/v1/generations/{uuid}", headers={"API-KEY": key})
    assert seen.json()["waiting"]["reason"] == "upstream_unavailable"
    assert await submissions_of(gate, "waits") == []
    assert (await root("POST", f"{KEYS}/main/return")).status_code == 422, "a reason is required"
    await root("POST", f"{KEYS}/main/return", {"reason": "done"})
    await gate.closed(uuid)
    told = await one(
        gate,
        "SELECT array_agg(action || ' ' || (detail ->> 'reason') ORDER BY id) AS told"
        " FROM audit_log WHERE action LIKE 'upstream_key.%'",
    )
    assert told["told"] == ["upstream_key.pause audit at 1min.ai", "upstream_key.return done"]


async def test_old_rows_are_thinned_and_their_events_are_kept(still_gate: Gateway) -> None:
    await still_gate.worker.upstream_key_ids_now()
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                """
                INSERT INTO upstream_watermark_history (
                    upstream_key_id, observed_at, used, credit_limit, ledger_low, ledger_high,
                    unexplained, added, uncertain)
                SELECT k.id, now() - make_interval(days => 100) + make_interval(hours => n), n,
                       1000, n, n, 1, 2, 3
                  FROM upstream_keys k, generate_series(0, 100 * 24 - 1) n
                """
            )
        )
        await upstream_watermarks.prune(tx, days=90)
        await upstream_watermarks.prune(tx, days=90)
    kept = await one(
        still_gate,
        "SELECT count(*) AS rows, sum(unexplained) AS unexplained, sum(added) AS added,"
        " sum(uncertain) AS uncertain, count(*) FILTER (WHERE observed_at > now() - interval"
        " '7 days') AS young FROM upstream_watermark_history",
    )
    assert kept["young"] == 7 * 24 - 1 or kept["young"] == 7 * 24
    assert kept["rows"] < 7 * 24 + 6 + 4 * 84
    assert (kept["added"], kept["uncertain"]) == (2 * kept["unexplained"], 3 * kept["unexplained"])
    assert kept["unexplained"] in (90 * 24 - 1, 90 * 24)
