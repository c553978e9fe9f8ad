"""Creates members before a run and counts rows after it.

Runs as `python -m bench.seeding …` in processes that end before memory is measured, because memory
shared with them would be counted only in part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

import psycopg

from app.db import migrate
from app.db.session import driver_conninfo
from app.domain.authority import Actor
from app.domain.caller import Role
from app.domain.limits import Limits
from app.members import keys, members, teams
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from bench.floors import TABLE

SEEDER = Actor(name="bench")
TEAM = "bench"
#: High enough that every create is accepted.
LIMITS = Limits(
    credit_limit=10**15, rate_per_minute=60_000, rate_burst=60_000, max_open=1_000_000
)  # fmt: skip

#: Each count must equal the number of creates that were answered with 202.
_COUNTS = {
    "generations": "SELECT count(*) FROM generations",
    "holds": "SELECT count(*) FROM ledger_entries WHERE kind = 'hold'",
    "jobs": "SELECT count(*) FROM procrastinate_jobs WHERE queue_name = 'submit'",
    "floor": "SELECT count(*) FROM bench_floor",
}


async def make_members(rt: Runtime, count: int) -> list[str]:
    """The keys of `count` new members."""
    await teams.create_team(rt, TEAM, credit_limit=None, actor=SEEDER)
    secrets = []
    for number in range(count):
        name = f"member-{number}"
        await members.create_member(
            rt, TEAM, name, role=Role.MEMBER, limits=LIMITS, actor=SEEDER
        )  # fmt: skip
        secrets.append((await keys.create_key(rt, TEAM, name, name=TEAM, actor=SEEDER)).secret)
    return secrets


async def _prepare(count: int) -> list[str]:
    async with open_runtime(Settings().checked()) as rt:
        return await make_members(rt, count)


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("what", choices=["prepare", "count"])
    arguments.add_argument("--members", type=int, default=0)
    given = arguments.parse_args()
    address = driver_conninfo(os.environ["DATABASE_URL"])
    if given.what == "prepare":
        migrate.upgrade(os.environ["DATABASE_URL"])
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(TABLE.encode())
        json.dump(asyncio.run(_prepare(given.members)), sys.stdout)
        return
    with psycopg.connect(address, autocommit=True) as connection:
        found = {
            name: connection.execute(query.encode()).fetchone() for name, query in _COUNTS.items()
        }
    json.dump({name: row[0] if row else 0 for name, row in found.items()}, sys.stdout)


if __name__ == "__main__":
    main()
