"""How long a create holds its caller, and what it says when it lets go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from app.db import api_keys, generations
from app.db.transitions import CHANNEL
from app.generations.queries import wait_until_closed
from app.live import watch
from app.secrets import digest_of
from tests.harness.gateway import Gateway, body, gateway
from tests.harness.traces import execute, one
from tests.simulator.conftest import until

#: Longer than a busy machine takes, and far shorter than the wait that is asked for.
PATIENCE_SECONDS = 120.0


async def post(
    gate: Gateway, key: str, asked: dict[str, Any] | None = None, **headers: str
) -> httpx.Response:
    return await gate.http.post(
        "/api/features",
        json=asked or body(),
        headers={"API-KEY": key, **{n.replace("_", "-"): v for n, v in headers.items()}},
    )


@asynccontextmanager
async def waiting_post(gate: Gateway, key: str) -> AsyncIterator[asyncio.Task[httpx.Response]]:
    """A create that is waiting."""
    before = gate.rt.watch.waiting

    async def held() -> bool:
        return gate.rt.watch.waiting > before

    task = asyncio.create_task(post(gate, key))
    try:
        await until(held)
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def look_later(answer: httpx.Response) -> str:
    """The uuid of a 202 after all about it has been checked."""
    assert answer.status_code == 202, answer.text
    record = answer.json()["aiRecord"]
    assert record["status"] == "PROCESSING"
    assert record["temporaryUrl"] is None
    assert answer.headers["Location"].endswith(f"/api/results/{record['uuid']}")
    assert int(answer.headers["Retry-After"]) > 0
    return str(record["uuid"])


async def test_a_create_waits_for_the_video_by_default(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with waiting_post(still_gate, key) as creating:
        assert not creating.done()
        still_gate.start_worker()
        answer = await creating
    assert answer.status_code == 200
    assert answer.json()["aiRecord"]["status"] == "SUCCESS"
    assert "Location" not in answer.headers
    assert "Preference-Applied" not in answer.headers


async def test_the_wait_ends_at_the_configured_bound(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, worker=False, wait_seconds=0.05) as gate:
        uuid = look_later(await post(gate, await gate.member()))
        gate.start_worker()
        await gate.closed(uuid)


async def test_the_202s_location_leads_to_the_video(gate: Gateway) -> None:
    key = await gate.member()
    answer = await post(gate, key, Prefer="respond-async")
    uuid = look_later(answer)
    assert answer.headers["Preference-Applied"] == "respond-async"
    await gate.closed(uuid)
    path = httpx.URL(answer.headers["Location"]).path
    found = await gate.http.get(path, headers={"API-KEY": key})
    assert found.json()["aiRecord"]["status"] == "SUCCESS"
    assert (await gate.http.get(found.json()["aiRecord"]["temporaryUrl"])).status_code == 200


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=0", "wait=0"),
        ("Wait=0, handling=lenient", "wait=0"),
        ('respond-async, wait="0"', "respond-async, wait=0"),
        ("respond-async; foo=bar", "respond-async"),
    ],
)
async def test_a_preference_not_to_wait_is_kept(
    still_gate: Gateway, prefer: str, applied: str
) -> None:
    answer = await post(still_gate, await still_gate.member(), Prefer=prefer)
    look_later(answer)
    assert answer.headers["Preference-Applied"] == applied


async def test_a_preference_bounds_the_wait(still_gate: Gateway) -> None:
    key = await still_gate.member()
    began = asyncio.get_running_loop().time()
    answer = await post(still_gate, key, Prefer="wait=1")
    look_later(answer)
    assert 1 <= asyncio.get_running_loop().time() - began < still_gate.rt.settings.wait_seconds
    assert answer.headers["Preference-Applied"] == "wait=1"


async def test_a_preferred_wait_that_is_long_enough_gets_the_video(gate: Gateway) -> None:
    answer = await post(gate, await gate.member(), Prefer="respond-async, wait=500")
    assert answer.status_code == 200
    assert answer.json()["aiRecord"]["status"] == "SUCCESS"


async def test_a_preference_cannot_wait_longer_than_the_setting(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, wait_seconds=0.05) as gate:
        async with asyncio.timeout(PATIENCE_SECONDS):
            look_later(await post(gate, await gate.member(), Prefer="wait=900"))


async def test_async_in_the_body_answers_200_at_once_as_the_upstream_does(
    still_gate: Gateway,
) -> None:
    answer = await post(still_gate, await still_gate.member(), {**body(), "async": True})
    assert answer.status_code == 200
    assert answer.json()["aiRecord"]["status"] == "PROCESSING"
    assert answer.headers["Location"].endswith(answer.json()["aiRecord"]["uuid"])


async def test_async_false_in_the_body_waits(gate: Gateway) -> None:
    answer = await post(gate, await gate.member(), {**body(), "async": False})
    assert (answer.status_code, answer.json()["aiRecord"]["status"]) == (200, "SUCCESS")


async def test_when_as_many_wait_as_may_the_next_is_not_kept(
    database_url: str, tmp_path: Path
) -> None:
    async with gateway(database_url, tmp_path, worker=False, max_waiting=1) as gate:
        key = await gate.member()
        async with waiting_post(gate, key) as creating:
            look_later(await post(gate, key))
            assert not creating.done()
        assert gate.rt.watch.waiting == 0


async def test_a_stopping_process_lets_its_waiting_callers_go(still_gate: Gateway) -> None:
    key = await still_gate.member()
    async with waiting_post(still_gate, key) as creating:
        still_gate.rt.drain()
        uuid = look_later(await creating)
    look_later(await post(still_gate, key))
    row = await one(still_gate, "SELECT state FROM generations WHERE id = :id", id=UUID(uuid))
    assert row["state"] == "queued"


async def test_a_create_answers_202_although_the_database_goes_away_at_the_end_of_its_wait(
    still_gate: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error here would be sent again by the caller, and paid a second time."""
    looked = asyncio.Event()

    async def looking(*asked: Any) -> list[UUID]:
        found = await generations.in_states(*asked)
        looked.set()
        return found

    monkeypatch.setattr(watch, "generations", SimpleNamespace(in_states=looking))
    key = await still_gate.member()
    async with waiting_post(still_gate, key) as creating:
        await looked.wait()
        await until(lambda: _listens(still_gate))
        row = await one(still_gate, "SELECT id FROM generations")
        async with _locked_generations(still_gate):
            await execute(still_gate, "SELECT pg_notify(:to, :id)", to=CHANNEL, id=str(row["id"]))
            await _cut_off_until(still_gate, creating)
            uuid = look_later(await creating)
    assert UUID(uuid) == row["id"]


async def test_a_wait_that_cannot_begin_because_the_database_is_away_is_no_error(
    still_gate: Gateway,
) -> None:
    key = await still_gate.member()
    uuid = UUID(look_later(await post(still_gate, key, Prefer="respond-async")))
    async with still_gate.rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, digest_of(key))
    assert caller is not None
    async with _locked_generations(still_gate):
        waiting = asyncio.create_task(
            wait_until_closed(still_gate.rt, caller, uuid, seconds=30, gone=_never_hangs_up)
        )
        await _cut_off_until(still_gate, waiting)
        assert await waiting is False


async def _never_hangs_up() -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def _locked_generations(gate: Gateway) -> AsyncIterator[None]:
    async with gate.rt.db.begin() as tx:
        await tx.execute(text("LOCK TABLE generations IN ACCESS EXCLUSIVE MODE"))
        yield


async def _listens(gate: Gateway) -> bool:
    row = await one(
        gate,
        """
        SELECT count(*) AS listening FROM pg_stat_activity
         WHERE datname = current_database() AND state = 'idle' AND query LIKE 'LISTEN %'
        """,
    )
    return bool(row["listening"])


async def _cut_off_until(gate: Gateway, done: asyncio.Future[Any]) -> None:
    """Cuts off whoever waits for the lock, again and again: the first need not be the one whose
    answer is waited for, for the process looks at all that wait every few seconds."""

    async def cut_off() -> bool:
        await one(
            gate,
            """
            SELECT count(pg_terminate_backend(pid)) AS cut FROM pg_stat_activity
             WHERE datname = current_database() AND wait_event_type = 'Lock'
            """,
        )
        return done.done()

    await until(cut_off)
