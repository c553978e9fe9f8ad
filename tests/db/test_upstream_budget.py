"""The budget of requests that an upstream key has, shared by all workers."""

from __future__ import annotations

import pytest

from app.db import upstream_keys
from app.worker.polls import POLL_AHEAD
from app.worker.turns import SUBMIT_AHEAD
from tests.harness.gateway import Gateway


async def granted(gate: Gateway, *, per_minute: int, ahead: int) -> int:
    """Requests of one key that are let through in a row."""
    async with gate.rt.db.begin() as tx:
        (key_id,) = (await upstream_keys.register(tx, {"one": "fingerprint"})).values()
        for number in range(100):
            slot = await upstream_keys.take_slot(tx, [key_id], per_minute=per_minute, ahead=ahead)
            if slot.key_id is None:
                assert 0 < slot.wait_seconds <= 60 / per_minute + ahead
                return number
    return 100


@pytest.mark.parametrize(
    ("per_minute", "ahead", "most"),
    [
        (180, SUBMIT_AHEAD, 20),
        (180, POLL_AHEAD, 10),
        (60, SUBMIT_AHEAD, 20),
        # A small budget is one too: what may run ahead of it shrinks with it.
        (30, SUBMIT_AHEAD, 10),
        (6, SUBMIT_AHEAD, 2),
        (6, POLL_AHEAD, 1),
        (1, SUBMIT_AHEAD, 1),
    ],
)
async def test_a_key_runs_ahead_of_its_rate_by_so_much_and_no_more(
    still_gate: Gateway, per_minute: int, ahead: int, most: int
) -> None:
    # One more, where the steps are no whole microseconds.
    assert await granted(still_gate, per_minute=per_minute, ahead=ahead) in (most, most + 1)
