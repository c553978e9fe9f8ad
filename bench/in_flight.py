"""What a worker with thousands of generations in flight costs, while nothing ends.

The calls return at once and the results are looked up, or they are held until the video exists:
both ways of the upstream are measured.
"""

from __future__ import annotations

import http.client
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg

from app.db.session import driver_conninfo
from bench import processes, targets
from bench.figures import cpu_seconds, memory_mb, tree_cpu_seconds
from bench.load import Outcome, Plan
from bench.processes import Postgres, Server

#: The budget of a key by default.
RATE = 180
#: Enough to get all in flight soon.
_FAST = 60_000
_MOST_SECONDS = 600.0
_MEMBERS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What happened in some seconds. Shares are of one core."""

    what: str
    in_flight: int
    seconds: float
    worker_percent: float
    postgres_percent: float
    looks: int
    submissions: int
    worker_mb: float


@dataclass(slots=True, kw_only=True)
class Found:
    calls: int
    windows: list[Window] = field(default_factory=list)
    #: PSS of a worker with all calls held, without what it had before, for each.
    held_call_bytes: float = 0.0
    reached_seconds: dict[str, float] = field(default_factory=dict)
    #: Of a worker with all calls held, and how many it recorded as unknown within it.
    stop_seconds: float = 0.0
    recorded: int = 0
    problems: list[str] = field(default_factory=list)


class Site:
    """One database, its API and its upstream, for workers that come and go."""

    def __init__(self, found: Found, folder: Path, database: Postgres, env: dict[str, str]) -> None:
        self.found = found
        self.database = database
        self._folder = folder
        self.env = env
        self._address = driver_conninfo(database.address)

    def create(self, gateway: Server, keys: list[str]) -> None:
        target = targets.create(gateway, keys)
        plan = Plan(
            port=gateway.port, requests=target.requests, connections=8, seconds=_MOST_SECONDS,
            most=self.found.calls,
        )  # fmt: skip
        outcome = Outcome(**processes.run_module("bench.load", env=self.env, stdin=asdict(plan)))
        if outcome.statuses != {"202": self.found.calls}:
            self.found.problems.append(f"creates were answered with {outcome.statuses}")

    def query(self, statement: str) -> int:
        with psycopg.connect(self._address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return int(row[0]) if row else cursor.rowcount

    def window(self, what: str, worker: Server, upstream: Server, seconds: float) -> Window:
        print(f"in flight: {what}", file=sys.stderr)
        began, earlier = time.perf_counter(), counts(upstream)
        before = cpu_seconds(worker.pid), tree_cpu_seconds(self.database.pid)
        # What a waiting worker costs is what is measured.
        time.sleep(seconds)
        after = cpu_seconds(worker.pid), tree_cpu_seconds(self.database.pid)
        took, since = time.perf_counter() - began, counts(upstream)
        made = Window(
            what=what,
            in_flight=self.in_flight(upstream),
            seconds=took,
            worker_percent=(after[0] - before[0]) * 100 / took,
            postgres_percent=(after[1] - before[1]) * 100 / took,
            looks=since["looks"] - earlier["looks"],
            submissions=since["submissions"] - earlier["submissions"],
            worker_mb=memory_mb(worker.pid)["pss"],
        )
        self.found.windows.append(made)
        print(_line(made), file=sys.stderr)
        return made

    def in_flight(self, upstream: Server) -> int:
        held = counts(upstream)["held"]
        return held or self.query("SELECT count(*) FROM generations WHERE state = 'running'")


def measure(calls: int, *, seconds: float) -> Found:
    found = Found(calls=calls)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        upstream = stack.enter_context(processes.upstream(folder))
        env = {
            **processes.environment(folder, database.address),
            "ONEMIN_BASE_URL": f"http://127.0.0.1:{upstream.port}",
            "REELGATE_WORKER_CONCURRENCY": str(calls),
            # A look is due when the bench says so.
            "REELGATE_POLL_FIRST_SECONDS": "86400",
            "REELGATE_RUNNING_SECONDS": "86400",
            "REELGATE_UPSTREAM_READ_SECONDS": "86400",
            "REELGATE_DRAIN_SECONDS": "5",
        }
        site = Site(found, folder, database, env)
        count = f"--members={_MEMBERS}"
        keys: list[str] = processes.run_module("bench.seeding", "prepare", count, env=env)
        with processes.gateway(folder, env) as gateway:
            site.create(gateway, keys)
            _queued(site, folder, upstream, seconds)
            _looked_up(site, folder, upstream, seconds)
            site.create(gateway, keys)
        _held(site, folder, upstream, seconds)
    return found


def _queued(site: Site, folder: Path, upstream: Server, seconds: float) -> None:
    """All wait for the budget of one key."""
    with processes.worker(folder, _at(site, RATE)) as worker:
        _until(lambda: counts(upstream)["submissions"] > 0)
        site.window("queued: the first seconds", worker, upstream, seconds)
        site.window("queued, waiting for the budget", worker, upstream, seconds)


def _looked_up(site: Site, folder: Path, upstream: Server, seconds: float) -> None:
    calls = site.found.calls
    began = time.perf_counter()
    site.query("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE queue_name = 'submit'")
    with processes.worker(folder, _at(site, _FAST)) as worker:
        _until(lambda: site.in_flight(upstream) >= calls)
        site.found.reached_seconds["looked up"] = time.perf_counter() - began
        site.window("running, no look due", worker, upstream, seconds)
    site.query("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE queue_name = 'poll'")
    before = counts(upstream)["looks"]
    with processes.worker(folder, _at(site, RATE)) as worker:
        _until(lambda: counts(upstream)["looks"] > before)
        site.window("all looks due at once", worker, upstream, seconds)
        site.window("looks, spread", worker, upstream, seconds)
    site.query("UPDATE procrastinate_jobs SET scheduled_at = 'infinity' WHERE status = 'todo'")


def _held(site: Site, folder: Path, upstream: Server, seconds: float) -> None:
    calls = site.found.calls
    with processes.worker(
        folder, _at(site, _FAST) | {"REELGATE_UPSTREAM_ASYNC": "false"}
    ) as worker:
        idle = memory_mb(worker.pid)["pss"]
        began = time.perf_counter()
        _until(lambda: counts(upstream)["held"] >= calls)
        site.found.reached_seconds["held"] = time.perf_counter() - began
        window = site.window("calls held", worker, upstream, seconds)
        site.found.held_call_bytes = (window.worker_mb - idle) * 1e6 / calls
        began = time.perf_counter()
    site.found.stop_seconds = time.perf_counter() - began
    # What could not be recorded in time, the next worker finds as its worker left it.
    site.found.recorded = site.query("SELECT count(*) FROM generations WHERE state = 'unknown'")
    open_ = site.query("SELECT count(*) FROM generations WHERE state = 'submitting'")
    if site.found.recorded + open_ != calls or counts(upstream)["submissions"] != 2 * calls:
        site.found.problems.append("a stop has lost calls, or sent some again")


def _at(site: Site, rate: int) -> dict[str, str]:
    return {**site.env, "REELGATE_UPSTREAM_RATE_PER_MINUTE": str(rate)}


def counts(upstream: Server) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=30)
    try:
        connection.request("GET", "/counts")
        answer: dict[str, int] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def _until(true: Callable[[], bool]) -> None:
    """Polls, because other processes give no event."""
    last = time.perf_counter() + _MOST_SECONDS
    while not true():
        if time.perf_counter() > last:
            raise SystemExit("The generations did not get in flight in time.")
        time.sleep(0.5)


def markdown(found: Found) -> str:
    lines = [
        "| what | in flight | worker, % of a core | Postgres, % | looks/s | submissions/s |"
        " worker PSS MB |",
        "| --- | --: | --: | --: | --: | --: | --: |",
        *map(_line, found.windows),
        "",
        f"- A held call costs {found.held_call_bytes / 1000:.1f} kB.",
        *(
            f"- {found.calls:,} were in flight after {seconds:.0f} s ({how})."
            for how, seconds in found.reached_seconds.items()
        ),
        f"- The stop took {found.stop_seconds:.1f} s; {found.recorded:,} of the held calls were"
        " recorded as unknown in that time, the others are left to another worker.",
    ]
    return "\n".join(lines)


def _line(w: Window) -> str:
    return (
        f"| {w.what} | {w.in_flight:,} | {w.worker_percent:.1f} | {w.postgres_percent:.1f} |"
        f" {w.looks / w.seconds:.1f} | {w.submissions / w.seconds:.1f} | {w.worker_mb:.0f} |"
    )
