"""A process of the last release admits beside this one until a rolling update is through."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.domain.generation import State
from tests.harness.gateway import Gateway
from tests.worker.test_submissions import PRICE, submissions_of, used

#: As that release calls it.
_ADMIT = text(
    """
    SELECT v.* FROM api_keys k, reelgate_admit_v1(
        :generation_id, k.member_id, k.id, 'onemin', 'TEXT_TO_VIDEO', 'luma',
        CAST('{"prompt": "of the last release", "model": "ray-v3", "duration": "5s"}' AS jsonb),
        CAST('\\x00' AS bytea), :quote, :idempotency_key, 3600, 3600, NULL) v
    """
)


async def admitted(gate: Gateway, idempotency_key: str | None = None) -> tuple[str, UUID]:
    async with gate.rt.db.single() as tx:
        values = {"generation_id": uuid4(), "quote": PRICE, "idempotency_key": idempotency_key}
        row = (await tx.execute(_ADMIT, values)).one()
    return row.outcome, row.generation_id


async def test_what_it_admits_is_made_and_told_of_here(gate: Gateway) -> None:
    key = await gate.member()
    outcome, made = await admitted(gate)
    assert outcome == "accepted"
    assert (await gate.rested(str(made))).state is State.SUCCEEDED
    assert (await gate.archived(str(made))).asset is not None
    assert await used(gate, key) == PRICE
    assert len(await submissions_of(gate, "of the last release")) == 1
    seen = await gate.http.get(f"/api/v1/generations/{made}", headers={"API-KEY": key})
    assert seen.json()["state"] == "succeeded"


@pytest.mark.parametrize("limits", [{"max_open": 1}, {"credit_limit": PRICE}, {"rate_burst": 1}])
async def test_both_keep_to_the_same_limits_and_keys(still_gate: Gateway, limits: Any) -> None:
    key = await still_gate.member(rate_per_minute=1, **limits)
    outcome, made = await admitted(still_gate, "order-1")
    assert outcome == "accepted"
    assert await admitted(still_gate, "order-1") == ("replayed", made)
    refused = await still_gate.create(key)
    assert refused.status_code in (402, 403, 429), refused.text
    assert await used(still_gate, key) == PRICE
