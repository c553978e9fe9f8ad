"""What the size of a member's past costs the member's next create, and a look at what is left.

Calls admission in this process, over one connection, for members with different numbers of settled
generations.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from app.db import api_keys, migrate
from app.db.limits import limits_of
from app.db.session import driver_conninfo
from app.domain.caller import Caller
from app.domain.catalog.catalog import BUILT_IN
from app.domain.catalog.spec import Facts
from app.generations.admission import admit
from app.generations.queries import find_own
from app.runtime import ApiRuntime, Runtime, open_api, open_runtime
from app.secrets import digest_of
from app.settings import Settings
from bench import processes
from bench.figures import tree_cpu_seconds
from bench.seeding import make_members

SIZES = (10, 10_000, 100_000, 1_000_000)
_ROUNDS = 5
_ADMISSIONS = 40

#: Settled generations: each has its row, and a hold and a settlement in the ledger.
_SETTLED = """
WITH made AS (
    INSERT INTO generations (
        id, team_id, member_id, api_key_id, dialect, feature, provider, spec, model, kind,
        fingerprint, state, quote, settled, created_at, queue_deadline_at, finished_at)
    SELECT gen_random_uuid(), %(team)s, %(member)s, %(key)s, 'onemin', 'TEXT_TO_VIDEO', 'luma',
           '{}', 'ray-v3', 'ray-v3 5s', '', 'succeeded', 150000, 150000,
           now() - make_interval(mins => n), now(), now()
      FROM generate_series(1, %(count)s) n
    RETURNING id
)
INSERT INTO ledger_entries
    (generation_id, team_id, member_id, api_key_id, kind, held, settled, counts_at)
SELECT id, %(team)s, %(member)s, %(key)s, kind, held, settled, now()
  FROM made,
       (VALUES ('hold', 150000, 0), ('settle', -150000, 150000)) AS kinds (kind, held, settled)
"""
_BALANCES = """
INSERT INTO balances (account_id, period_on, member_id, held, settled)
SELECT * FROM ledger_by_account
"""


def measure(sizes: Sequence[int]) -> dict[str, list[dict[str, float]]]:
    """Measures before and after the VACUUM that autovacuum does in production."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        migrate.upgrade(database.address)
        for name in [n for n in os.environ if n.startswith(("REELGATE_", "ONEMIN_"))]:
            del os.environ[name]
        settings = Settings.model_validate(
            {"database_url": database.address, "data_dir": folder, "onemin_api_key": "unused"}
        )
        return asyncio.run(_measure(settings, database, sizes))


async def _measure(
    settings: Settings, database: processes.Postgres, sizes: Sequence[int]
) -> dict[str, list[dict[str, float]]]:
    found = {}
    async with open_runtime(settings) as shared, open_api(shared, formats={}) as rt:
        keys = await make_members(rt, len(sizes))
        callers = [await _caller(rt, key) for key in keys]
        with psycopg.connect(driver_conninfo(database.address), autocommit=True) as connection:
            for caller, count in zip(callers, sizes, strict=True):
                values = {
                    "team": caller.team_id, "member": caller.member_id, "key": caller.key_id,
                    "count": count,
                }  # fmt: skip
                connection.execute(_SETTLED, values)
            connection.execute(_BALANCES)
            found["before VACUUM"] = await _rounds(rt, database.pid, callers, sizes)
            connection.execute("VACUUM (ANALYZE) ledger_entries, generations, balances")
            found["after VACUUM"] = await _rounds(rt, database.pid, callers, sizes)
    return found


async def _caller(rt: Runtime, key: str) -> Caller:
    async with rt.db.single() as tx:
        caller = await api_keys.find_caller(tx, digest_of(key))
    assert caller is not None
    return caller


async def _rounds(
    rt: ApiRuntime, postgres_pid: int, callers: Sequence[Caller], sizes: Sequence[int]
) -> list[dict[str, float]]:
    spec = BUILT_IN.models["ray-v3"].spec_of(
        Facts(
            prompt="a majestic lion", seconds=5, aspect_ratio=(16, 9), lines=720, loop=False,
        )
    )  # fmt: skip
    times: dict[int, dict[str, list[float]]] = {
        size: {"create": [], "look": [], "me": []} for size in sizes
    }
    cpu = dict.fromkeys(sizes, 0.0)
    for number in range(_ROUNDS):
        print(f"round {number + 1}", file=sys.stderr)
        for caller, size in zip(callers, sizes, strict=True):
            before = tree_cpu_seconds(postgres_pid)
            for _ in range(_ADMISSIONS):
                with _timed(times[size]["create"]):
                    made = await admit(rt, caller, spec, dialect="onemin")
            cpu[size] += tree_cpu_seconds(postgres_pid) - before
            for _ in range(_ADMISSIONS):
                with _timed(times[size]["look"]):
                    await find_own(rt, caller, made.generation_id)
                with _timed(times[size]["me"]):
                    async with rt.db.single() as tx:
                        await limits_of(tx, caller.member_id, key_id=caller.key_id, now=None)
    return [
        {
            "settled": size,
            **{f"{what}_p50_ms": median(took) for what, took in times[size].items()},
            "postgres_cpu_ms": cpu[size] * 1000 / len(times[size]["create"]),
        }
        for size in sizes
    ]


@contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    """Adds the milliseconds that the block takes."""
    started = time.perf_counter()
    yield
    times.append((time.perf_counter() - started) * 1000)


def markdown(found: dict[str, list[dict[str, Any]]]) -> str:
    lines = [
        "| ledger | settled generations | create p50 ms | its Postgres CPU ms | look p50 ms"
        " | limits p50 ms |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    for when, sizes in found.items():
        lines += [
            f"| {when} | {s['settled']:,} | {s['create_p50_ms']:.2f} | {s['postgres_cpu_ms']:.2f} "
            f"| {s['look_p50_ms']:.2f} | {s['me_p50_ms']:.2f} |"
            for s in sizes
        ]
    return "\n".join(lines)
