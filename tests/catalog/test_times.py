"""The list of models says how long their videos wait and take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import text

from app.db import durations
from app.db.session import Tx
from app.domain.catalog.catalog import BUILT_IN
from tests.api.test_create import asked, create
from tests.harness.gateway import Gateway

NOT_KNOWN = dict.fromkeys(
    ["wait_p50_seconds", "wait_p90_seconds", "duration_p50_seconds", "duration_p90_seconds"]
)


async def listed(gate: Gateway, key: str) -> dict[str, Any]:
    answer = await gate.http.get("/api/v1/models", headers={"API-KEY": key})
    return {each["id"]: each["expected"] for each in answer.json()["data"]}


async def test_models_say_how_long_theirs_took(gate: Gateway) -> None:
    """Of every length of the model, of the last 50, and only once enough have ended."""
    key = await gate.member()
    for duration in ("5s", "10s", "5s", "10s", "5s"):
        assert await listed(gate, key) == dict.fromkeys(BUILT_IN.enabled, NOT_KNOWN)
        made = await create(gate, key, asked(duration=duration), Prefer="wait=500")
        assert made.json()["state"] == "succeeded"
        gate.rt.durations.forget()
    async with gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                """
                UPDATE generations
                   SET submitted_at = created_at + place * interval '1 s',
                       finished_at = created_at + place * interval '11 s'
                  FROM (SELECT id, row_number() OVER (ORDER BY created_at, id) AS place
                          FROM generations) AS placed
                 WHERE placed.id = generations.id
                """
            )
        )
    gate.rt.durations.forget()
    found = await listed(gate, key)
    assert found.pop("ray-v3") == {
        "wait_p50_seconds": 3, "wait_p90_seconds": 4.6,
        "duration_p50_seconds": 30, "duration_p90_seconds": 46,
    }  # fmt: skip
    assert set(map(str, found.values())) == {str(NOT_KNOWN)}
    # Fifty newer ones of both lengths count alone, whatever was before them.
    async with gate.rt.db.begin() as tx:
        await tx.execute(
            text(
                """
                INSERT INTO generations
                SELECT (jsonb_populate_record(NULL::generations, whole || jsonb_build_object(
                         'id', gen_random_uuid(), 'kind', length, 'upstream_id', NULL,
                         'created_at', at, 'submitted_at', at + interval '2 s',
                         'finished_at', at + interval '2 s' + took))).*
                  FROM (SELECT to_jsonb(made) AS whole FROM generations AS made LIMIT 1) AS one,
                       (VALUES (timestamptz '2126-02-01', interval '100 s', 60),
                               ('2126-03-01', '7 s', 25)) AS batch (at, took, many),
                       unnest(ARRAY['ray-v3 5s', 'ray-v3 10s']) AS length,
                       generate_series(1, many)
                """
            )
        )
        times = await durations.times_of_models(tx, {"ray-v3": BUILT_IN.models["ray-v3"].kinds})
        await tx.rollback()
    assert times == {
        "ray-v3": durations.ModelTimes(
            samples=50, wait_p50_seconds=2, wait_p90_seconds=2,
            duration_p50_seconds=7, duration_p90_seconds=7,
        )
    }  # fmt: skip


async def test_many_lists_read_the_past_once(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = durations.times_of_models

    async def counted(tx: Tx, kinds_of: Mapping[str, Sequence[str]]) -> Any:
        nonlocal reads
        reads += 1
        return await read(tx, kinds_of)

    monkeypatch.setattr(durations, "times_of_models", counted)
    key = await still_gate.member()
    found = await asyncio.gather(*(listed(still_gate, key) for _ in range(5)))
    assert len(found) == 5
    assert reads == 1
