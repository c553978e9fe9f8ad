"""Databases that fail in odder ways than by being away, and reports that come twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from sqlalchemy import text

from app.db import api_keys, transitions
from app.db.faults import Fault
from app.db.jobs import Job
from app.db.session import driver_conninfo
from app.domain.caller import Role, Status
from app.domain.generation import State
from app.errors import Unavailable
from app.jobs import Workers
from app.members import members, teams
from app.operators import bootstrap
from app.upstream.answers import NotProcessed, Running
from app.worker import submissions, upkeep
from app.worker.persist import persisted
from tests.harness.actors import TESTER
from tests.harness.gateway import Gateway, gateway
from tests.worker.test_submissions import PRICE, created, used, work_of


async def claimed(gate: Gateway, key: str) -> tuple[Any, str]:
    uuid = await created(gate, key)
    claim = await submissions._claim(gate.worker, UUID(uuid), uuid4())
    assert claim is not None
    return claim, uuid


async def read_only(gate: Gateway, on: bool) -> None:
    """As a primary that was demoted, and promoted again: for connections made from now on."""
    async with gate.rt.db.single() as tx:
        await tx.execute(text("SET default_transaction_read_only = off"))
        name = await tx.scalar(text("SELECT current_database()"))
        setting = "on" if on else "off"
        await tx.execute(
            text(f"ALTER DATABASE {name} SET default_transaction_read_only = {setting}")
        )
    await gate.rt.db.close()


async def test_an_answer_waits_for_a_database_that_may_be_written(still_gate: Gateway) -> None:
    gate = still_gate
    claim, uuid = await claimed(gate, await gate.member())
    await read_only(gate, on=True)
    with pytest.raises(Unavailable):
        await submissions.record(gate.worker, claim, Running(upstream_id="u-1"))
    writing = asyncio.create_task(
        persisted(lambda: submissions.record(gate.worker, claim, Running(upstream_id="u-1")))
    )
    await read_only(gate, on=False)
    async with asyncio.timeout(60):
        await writing
    work = await work_of(gate, uuid)
    assert (work.state, work.upstream_id) == (State.RUNNING, "u-1")


async def test_upkeep_outlives_a_fault(still_gate: Gateway) -> None:
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("ALTER TABLE procrastinate_workers RENAME TO elsewhere"))
    with pytest.raises(Fault):
        await upkeep.one_round(still_gate.worker)
    stopping = asyncio.Event()
    keeping = asyncio.create_task(upkeep.keep(still_gate.worker, stopping))
    await asyncio.wait({keeping}, timeout=0.5)
    assert not keeping.done()
    stopping.set()
    await keeping


async def test_a_fault_is_named_without_what_the_statement_carried(still_gate: Gateway) -> None:
    with pytest.raises(Fault) as raised:
        async with still_gate.rt.db.single() as tx:
            await tx.execute(text("SELECT :prompt FROM nowhere"), {"prompt": "canary-prompt"})
    told = f"{raised.value} {raised.value.__cause__}"
    assert "42P01" in told
    assert "canary-prompt" not in told


async def test_a_repeated_report_of_not_processed_leaves_it_queued(still_gate: Gateway) -> None:
    key = await still_gate.member()
    claim, uuid = await claimed(still_gate, key)
    for _ in range(2):
        await submissions.record(still_gate.worker, claim, NotProcessed(reason="rate_limited"))
    assert (await work_of(still_gate, uuid)).state is State.QUEUED
    assert await used(still_gate, key) == PRICE


async def test_the_wait_after_ever_so_many_attempts_is_bounded(still_gate: Gateway) -> None:
    claim, uuid = await claimed(still_gate, await still_gate.member())
    async with still_gate.rt.db.begin() as tx:
        await tx.execute(text("UPDATE generations SET attempts = 5000"))
        work = await transitions.find_work(tx, UUID(uuid))
    assert work is not None
    again = replace(claim, work=work)
    await submissions.record(still_gate.worker, again, NotProcessed(reason="unreachable"))
    assert (await work_of(still_gate, uuid)).state is State.QUEUED


async def test_workers_outlast_a_database_that_is_away_longer_than_the_library_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """After half a minute the library's pool gives up, with an error that is not the library's."""
    tried = asyncio.Event()

    async def give_up(*_: object, **__: object) -> None:
        tried.set()
        raise PoolTimeout("pool initialization incomplete after 30.0 sec")

    async def nothing(generation_id: UUID) -> None:
        raise AssertionError(generation_id)

    monkeypatch.setattr(AsyncConnectionPool, "open", give_up)
    workers = Workers(
        driver_conninfo("postgresql://nobody@127.0.0.1:9/none"),
        acts=dict.fromkeys(Job, nothing),
        lanes={(Job.SUBMIT,): 1},
        poll_seconds=1,
        drain_seconds=1,
        heartbeat_seconds=3,
        stalled_seconds=15,
    )
    running = asyncio.create_task(workers.run())
    await tried.wait()
    done, _ = await asyncio.wait({running}, timeout=0.2)
    assert not done
    workers.stop()
    async with asyncio.timeout(60):
        await running


async def test_a_first_start_that_broke_off_is_taken_up(database_url: str, tmp_path: Path) -> None:
    async with gateway(database_url, tmp_path, worker=False) as gate:
        await teams.create_team(
            gate.rt, gate.rt.settings.operator_team, credit_limit=None, actor=TESTER
        )
        printed = await bootstrap.ensure_first_key(gate.rt)
        assert printed is not None
        # The key, twice, and the link to the pages.
        assert printed.count("rg_") == 3
        assert await bootstrap.ensure_first_key(gate.rt) is None
        async with gate.rt.db.single() as tx:
            assert len(await api_keys.list_keys(tx)) == 1


async def test_a_suspended_operator_has_no_power_left(still_gate: Gateway) -> None:
    key = await still_gate.member("op", team="default", role=Role.ADMIN)
    await members.change_member(
        still_gate.rt, "default", "op", status=Status.SUSPENDED, actor=TESTER
    )
    answer = await still_gate.http.post(
        "/api/v1/admin/pauses/admission/pause", json={"reason": "spite"}, headers={"API-KEY": key}
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "suspended")


async def test_what_postgres_cannot_keep_is_a_bad_request(still_gate: Gateway) -> None:
    key = await still_gate.member("op", team="default", role=Role.ADMIN)
    headers = {"API-KEY": key}
    path, asked = "/api/v1/admin/pauses/admission/pause", {"reason": "a\u0000b"}
    assert (await still_gate.http.post(path, json=asked, headers=headers)).status_code == 422
    path, asked = "/api/v1/admin/upstream-keys/a%00b/return", {"reason": "odd"}
    assert (await still_gate.http.post(path, json=asked, headers=headers)).status_code == 422
