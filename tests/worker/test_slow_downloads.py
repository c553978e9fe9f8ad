"""Downloads that hardly move, and the others that wait for their places."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.worker import downloads
from tests.standin.gateway import before, succeeded
from tests.standin.oddities import downloads as odd
from tests.standin.raw import KEY
from tests.standin.script import Point
from tests.standin.server import StandIn
from tests.worker.test_archiving import trouble


async def test_eight_at_a_byte_a_second_do_not_keep_a_good_one_waiting(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "_BEHIND_SECONDS", 2.0)
    drip = next(each for each in odd.ODDITIES if each.name == "film_byte_by_byte")
    async with AsyncExitStack() as stack:
        stand_in = await stack.enter_async_context(
            StandIn([KEY], render_seconds=0.01, rate_per_minute=10**6)
        )
        gate = await stack.enter_async_context(
            before(stand_in, database_url, tmp_path, archive_concurrency=4)
        )
        gate.start_worker()
        key = await gate.member()
        prompts = [f"slow {number}" for number in range(8)]
        for prompt in prompts:
            stand_in.script.on(Point.DOWNLOAD, drip, prompt=prompt, times=None)
        slow = await asyncio.gather(*(succeeded(gate, key, prompt) for prompt in prompts))
        await gate.archived(str(await succeeded(gate, key, "good")))
        state, attempts, reason = await trouble(gate, str(slow[0]))
        assert state == "pending"
        assert attempts >= 1
        assert reason in ("slow", "interrupted")
