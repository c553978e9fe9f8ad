"""A worker that is told to stop at any moment of its start."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness.gateway import Gateway


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8, 16, 32, 64])
async def test_a_worker_that_is_stopped_while_it_starts_ends(
    still_gate: Gateway, steps: int
) -> None:
    still_gate.start_worker()
    for _ in range(steps):
        await asyncio.sleep(0)  # one turn of the loop, not a time
    async with asyncio.timeout(60):
        await still_gate.stop_workers()
