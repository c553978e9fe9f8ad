"""A commit and the news of it are two things: every write of a worker may be made twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.db import assets as rows
from app.db.session import Database, Tx
from app.domain.generation import State
from app.errors import Unavailable
from app.worker import archiving, polls, submissions
from tests.harness.gateway import Gateway
from tests.worker.test_submissions import PRICE, created, submissions_of, used


@pytest.fixture
def lost_news(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """While it is on (a number in it), every other commit is made and reported as not."""
    commits: list[int] = []
    begin = Database.begin

    @contextlib.asynccontextmanager
    async def losing(self: Database) -> AsyncIterator[Tx]:
        async with begin(self) as tx:
            yield tx
        if commits:
            commits[0] += 1
            if commits[0] % 2:
                raise Unavailable("The connection broke after the commit.", retry_after_seconds=1)

    monkeypatch.setattr(Database, "begin", losing)
    return commits


async def finished(gate: Gateway, key: str) -> UUID:
    """A generation whose video waits to be archived; no worker runs."""
    uuid = UUID(await created(gate, key))
    await submissions.submit(gate.worker, uuid)
    async with asyncio.timeout(60):
        while not (await gate.generation(uuid)).finished_at:
            await polls.poll(gate.worker, uuid)
    return uuid


async def kept(gate: Gateway, uuid: UUID) -> list[Path]:
    """The one file there is, which the generation's row names."""
    generation = await gate.generation(uuid)
    assert generation.asset is not None
    assert (generation.asset.state, generation.asset.path is None) == ("archived", False)
    assert await gate.rt.archive.size(str(generation.asset.path)) == generation.asset.size_bytes
    folder = gate.rt.settings.data_dir / "archive" / "videos"
    return [file for file in folder.rglob("*") if file.is_file()]


async def test_a_video_whose_archiving_was_committed_unheard_stays(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    uuid = await finished(still_gate, await still_gate.member())
    mark, marked = rows.mark_archived, []

    async def unheard(tx: Tx, *args: Any, **values: Any) -> bool:
        marked.append(await mark(tx, *args, **values))
        if len(marked) == 1:
            await tx.commit()
            raise Unavailable("The connection broke after the commit.", retry_after_seconds=1)
        return marked[-1]

    monkeypatch.setattr(rows, "mark_archived", unheard)
    await archiving.archive(still_gate.worker, uuid)
    assert marked == [True, True]
    assert len(await kept(still_gate, uuid)) == 1


async def test_unheard_commits_cost_neither_a_video_nor_a_second_render(
    still_gate: Gateway, lost_news: list[int]
) -> None:
    key = await still_gate.member()
    asked = [await created(still_gate, key, f"wave {number}") for number in range(3)]
    await still_gate.worker.upstream_key_ids_now()
    lost_news.append(0)
    still_gate.start_worker()
    for uuid in asked:
        assert (await still_gate.closed(uuid, seconds=240)).state is State.SUCCEEDED
        await still_gate.archived(uuid, seconds=240)
    await still_gate.stop_workers()
    assert lost_news.pop() > 6
    assert await used(still_gate, key) == 3 * PRICE
    for number, uuid in enumerate(asked):
        assert len(await kept(still_gate, UUID(uuid))) == 3
        assert len(await submissions_of(still_gate, f"wave {number}")) == 1
