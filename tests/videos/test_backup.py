"""docs/backup.md, done: a dump of a running gateway, restored elsewhere, goes on working."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from psycopg import sql

from app.db import jobs
from app.db.jobs import Job
from app.db.session import driver_conninfo
from app.domain.generation import Generation, State
from app.domain.operators import Pause
from app.main import create_app
from app.operators import pauses, restore
from app.videos import verify
from app.worker import upkeep
from tests.harness.database import TOOLS, Server
from tests.harness.gateway import Gateway, gateway, opened, settings_for
from tests.simulator.conftest import until
from tests.videos.videos import archived, path_of, run
from tests.worker.test_submissions import PRICE, created, submissions_of, used

#: Looks are far apart, so that what is running stays so until a test asks for a look.
PACE: dict[str, Any] = {"poll_first_seconds": 3600}
PROMPTS = ("finished", "under way", "waiting")


@pytest.fixture
def elsewhere(postgres: Server) -> Iterator[str]:
    """An empty database."""
    name = f"restored_{uuid4().hex}"
    with psycopg.connect(driver_conninfo(postgres.address), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgres.named(name)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def tool(name: str, *arguments: str) -> None:
    command = await asyncio.create_subprocess_exec(
        TOOLS / name, *arguments, stderr=asyncio.subprocess.PIPE
    )
    _, said = await command.communicate()
    assert command.returncode == 0, said.decode()


async def three(gate: Gateway, key: str) -> list[UUID]:
    """One that succeeded, one that runs, one that is queued."""
    await gate.simulator.fault("early_success")
    finished = await archived(gate, key, PROMPTS[0])
    running = UUID(await created(gate, key, PROMPTS[1]))
    await in_state(gate, running, State.RUNNING)
    await turn(gate, paused=True)
    return [finished.id, running, UUID(await created(gate, key, PROMPTS[2]))]


async def in_state(gate: Gateway, generation_id: UUID, state: State) -> None:
    async def there() -> bool:
        return (await gate.generation(generation_id)).state is state

    await until(there)


async def turn(gate: Gateway, *, paused: bool) -> None:
    await pauses.set_paused(gate.rt, Pause.SUBMISSION, paused=paused, reason="backup", actor="op")


async def back_up(gate: Gateway, folder: Path) -> None:
    """The database first: every file it speaks of is in a copy that is made afterwards."""
    await tool(
        "pg_dump", "--format=custom", f"--file={folder / 'reelgate.dump'}",
        f"--dbname={driver_conninfo(gate.rt.db.address)}",
    )  # fmt: skip
    await asyncio.to_thread(
        shutil.copytree, gate.rt.settings.data_dir / "archive", folder / "archive"
    )


@contextlib.asynccontextmanager
async def restored(old: Gateway, address: str, folder: Path) -> AsyncIterator[Gateway]:
    """A gateway on the backup in `folder`, without a worker, with the same upstream."""
    await tool(
        "pg_restore", "--exit-on-error", "--no-owner", f"--dbname={driver_conninfo(address)}",
        str(folder / "reelgate.dump"),
    )  # fmt: skip
    settings = settings_for(address, folder, simulator_url=str(old.simulator.http.base_url), **PACE)
    async with opened(settings) as (rt, worker):
        transport = httpx.ASGITransport(create_app(rt))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
            gate = Gateway(rt, worker, http, old.simulator)
            try:
                yield gate
            finally:
                await gate.stop_workers()


async def look_now(gate: Gateway) -> None:
    async with gate.rt.db.begin() as tx:
        await jobs.run_all_now(tx, Job.POLL)


async def content_of(gate: Gateway, key: str, generation: Generation) -> bytes:
    answer = await gate.http.get(
        f"/api/v1/generations/{generation.id}/content", headers={"API-KEY": key}
    )
    assert answer.status_code == 200
    return answer.content


async def sent(gate: Gateway) -> list[int]:
    """How often each prompt was submitted, from the simulator's own books."""
    return [len(await submissions_of(gate, prompt)) for prompt in PROMPTS]


async def test_a_gateway_that_was_paused_and_stopped_goes_on_elsewhere(
    database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    async with gateway(database_url, tmp_path, **PACE) as old:
        key = await old.member()
        finished, running, waiting = await three(old, key)
        await back_up(old, backup)
        await old.stop_workers()
        async with restored(old, elsewhere, backup) as new:
            assert (await verify.verify(new.rt)).sound
            kept = await new.generation(finished)
            assert (backup / "archive" / path_of(kept)).read_bytes() == await content_of(
                new, key, kept
            )
            assert await sent(new) == [1, 1, 0]

            new.start_worker()
            await turn(new, paused=False)
            await in_state(new, waiting, State.RUNNING)
            await look_now(new)
            for generation_id in (running, waiting):
                generation = await new.archived(str(generation_id))
                assert generation.state is State.SUCCEEDED
            assert await sent(new) == [1, 1, 1]
            assert await used(new, key) == 3 * PRICE
            assert (await new.simulator.summary())["billed_credits"] == 3 * PRICE
            assert (await verify.verify(new.rt)).sound


async def test_what_was_sent_after_the_dump_is_not_sent_again_by_a_restore(
    database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    async with gateway(database_url, tmp_path, **PACE) as old:
        key = await old.member()
        finished, running, waiting = await three(old, key)
        await back_up(old, backup)
        await turn(old, paused=False)
        await in_state(old, waiting, State.RUNNING)
        await old.stop_workers()
        assert await sent(old) == [1, 1, 1]
        async with restored(old, elsewhere, backup) as new:
            assert (await new.generation(waiting)).state is State.QUEUED
            assert await unknown_once_the_dump_is_old_enough(new) == 1
            assert (await new.generation(waiting)).state is State.UNKNOWN

            new.start_worker()
            await turn(new, paused=False)
            await look_now(new)
            assert (await new.archived(str(running))).state is State.SUCCEEDED
            await upkeep.one_round(new.worker)
            await all_submissions_ran(new)
            assert (await new.generation(waiting)).state is State.UNKNOWN
            assert await sent(new) == [1, 1, 1]
            # Paid or not: the credits of what is not known stay set aside.
            assert await used(new, key) == 3 * PRICE
            assert (await new.generation(finished)).state is State.SUCCEEDED


async def unknown_once_the_dump_is_old_enough(gate: Gateway) -> int:
    """The dump speaks of a worker that was alive a moment ago; that is waited out."""
    a_moment_ago = "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '14 seconds'"
    await run(gate, a_moment_ago)
    unknown = await restore.mark_unsent_unknown(gate.rt, actor="op")
    async with gate.rt.db.single() as tx:
        seen = await jobs.worker_seen_seconds(tx)
    assert seen is not None
    assert seen >= 15
    return unknown


async def all_submissions_ran(gate: Gateway) -> None:
    async def none_left() -> bool:
        async with gate.rt.db.single() as tx:
            return not [depth for depth in await jobs.depths(tx) if depth.kind == "submit"]

    await until(none_left)
