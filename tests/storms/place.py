"""A gateway of one API and two workers, before the stand-in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from app.db.jobs import Job
from app.db.session import driver_conninfo
from app.domain.limits import Limits
from tests.harness.processes import Api, Process, until
from tests.promises.site import UPSTREAM_KEYS, Caller, Site, site
from tests.standin.server import StandIn
from tests.standin.threads import running

Row = Mapping[str, Any]
WORKERS = 2
_ROOM = Limits(credit_limit=10**12, rate_per_minute=60_000, rate_burst=60_000, max_open=10_000)
#: Deadlines that a storm meets. The rate is another test's matter.
SETTINGS = {
    "REELGATE_UPSTREAM_RATE_PER_MINUTE": "60000",
    "REELGATE_UPSTREAM_READ_SECONDS": "2",
    "REELGATE_RUNNING_SECONDS": "6",
    "REELGATE_BREAKER_FAILURES": "1000",
    "REELGATE_POLL_FIRST_SECONDS": "0.1",
    "REELGATE_POLL_SECONDS": "0.3",
    "REELGATE_LOG_FORMAT": "json",
}

_ROWS: LiteralString = """
    SELECT g.id::text, g.spec->>'prompt' AS prompt, g.state, g.quote, g.settled, g.upstream_id,
           g.upstream_answer,
           a.state AS asset, a.sha256, a.attempts, a.last_error,
           (SELECT e.data->>'reason' FROM events e
             WHERE e.generation_id = g.id AND e.type = 'generation.unknown'
             ORDER BY e.id DESC LIMIT 1) AS reason,
           (SELECT sum(l.held) > 0 FROM ledger_entries l WHERE l.generation_id = g.id) AS held
      FROM generations g
      LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video'
     WHERE g.id = ANY(%s::uuid[])
"""


@dataclass(slots=True)
class Place:
    """`workers` are those that run; one that is killed is replaced by the next."""

    site: Site
    stand_in: StandIn
    api: Api
    caller: Caller
    workers: list[Process]
    database_url: str

    def rows(self, ids: Sequence[str]) -> Sequence[Row]:
        with self._connection() as connection:
            return connection.execute(_ROWS, [list(ids)]).fetchall()

    def hasten(self, queue: str) -> None:
        """What waits to be tried again is due: a storm does not last as long as a pause."""
        with self._connection() as connection:
            connection.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now()"
                " WHERE queue_name = %s AND status = 'todo' AND scheduled_at > now()",
                [queue],
            )

    def _connection(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(
            driver_conninfo(self.database_url), autocommit=True, row_factory=dict_row
        )

    def kill_worker(self) -> None:
        """`kill -9` of one, which is taken for dead at once, and a new one."""
        self.workers.pop(0).kill()
        with self._connection() as connection:
            (now,) = connection.execute("SELECT now()").fetchall()
            # Each of its lanes has a row.
            living = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > %(now)s"
            until(
                lambda: connection.execute(living, now).fetchall()[0]["count"] >= len(Job),
                "every lane of the living worker gives a sign of life",
            )
            connection.execute(
                "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
                " WHERE last_heartbeat <= %(now)s",
                now,
            )
        self.workers.append(self.site.start_worker())


def memory(process: Process) -> int:
    """The most bytes it has ever had resident."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def place(database_url: str, folder: Path, **settings: str) -> Iterator[Place]:
    keys = list(UPSTREAM_KEYS.values())
    stand_in = StandIn(keys, render_seconds=0.3, rate_per_minute=10**6)
    with contextlib.ExitStack() as stack:
        stack.enter_context(running(stand_in))
        own = {**SETTINGS, "REELGATE_SIMULATOR_URL": stand_in.address, **settings}
        built = stack.enter_context(site(database_url, folder, upstream=False, **own))
        api, workers = built.start_api(), [built.start_worker() for _ in range(WORKERS)]
        api.ready()
        for worker in workers:
            worker.logged("worker_started")
        caller = built.caller(api, "storms", limits=_ROOM)
        yield Place(built, stand_in, api, caller, workers, database_url)
