"""How many small videos a second one worker archives, and what each costs, beside a floor."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg

from app.db.session import driver_conninfo
from app.simulator import video
from bench import processes
from bench.figures import cpu_seconds, memory_mb, tree_cpu_seconds
from bench.filling import SPEC
from bench.finished import FINISHED, values
from bench.processes import Postgres

WORKER = "one worker"
FLOOR = "floor: download, hash, flush, two commits"
_WAIT_SECONDS = 600.0
_POLL_SECONDS = 0.05
#: Videos that a worker archives before it is measured: it loads libraries and prepares statements.
_FIRST = 20
_Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """CPU in milliseconds for one video: of the process itself, of its children, which probe files,
    and of Postgres."""

    target: str
    per_second: float
    cpu_ms: float
    probe_cpu_ms: float
    postgres_cpu_ms: float


@dataclass(slots=True, kw_only=True)
class Found:
    """`worker_mb` is the PSS of the worker at the end of the last round."""

    videos: int
    video_bytes: int
    samples: list[Sample] = field(default_factory=list)
    worker_mb: float = 0.0


@dataclass(slots=True, kw_only=True)
class _Place:
    folder: Path
    env: dict[str, str]
    database: Postgres
    connection: _Connection
    host: str
    found: Found


def measure(videos: int, *, rounds: int) -> Found:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        processes.run_module("bench.seeding", "prepare", "--members=20", env=env)
        film = folder / "film.mp4"
        video.render(film, SPEC, uuid4())
        host = stack.enter_context(_file_host(film, folder, env))
        connection = stack.enter_context(
            psycopg.connect(driver_conninfo(database.address), autocommit=True)
        )
        place = _Place(
            folder=folder, database=database, connection=connection, host=host,
            # The one address on this machine that a worker downloads from.
            env=env | {"REELGATE_SIMULATOR_URL": host, "REELGATE_SIMULATOR_SPEED": "1"},
            found=Found(videos=videos, video_bytes=film.stat().st_size),
        )  # fmt: skip
        for number in range(rounds):
            place.found.samples += [_floor(place, number), _worker(place)]
    return place.found


@contextmanager
def _file_host(film: Path, folder: Path, env: dict[str, str]) -> Iterator[str]:
    port = processes.free_port()
    command = [sys.executable, "-m", "bench.file_host", str(film), str(port)]
    with processes.running("file host", command, port, "/", folder, env):
        yield f"http://127.0.0.1:{port}"


def _floor(place: _Place, number: int) -> Sample:
    videos, postgres = place.found.videos, tree_cpu_seconds(place.database.pid)
    used = processes.run_module(
        "bench.archive_floor", str(videos), place.host, str(place.folder / f"floor-{number}"),
        env=place.env,
    )  # fmt: skip
    postgres = tree_cpu_seconds(place.database.pid) - postgres
    return Sample(
        target=FLOOR, per_second=videos / used["seconds"], probe_cpu_ms=0.0,
        cpu_ms=used["cpu_seconds"] * 1000 / videos, postgres_cpu_ms=postgres * 1000 / videos,
    )  # fmt: skip


def _worker(place: _Place) -> Sample:
    """From its first videos to its last."""
    connection, found = place.connection, place.found
    before = _archived(connection)
    wanted = values(found.videos + _FIRST, link=place.host)
    connection.execute(_PENDING.encode(), wanted)
    connection.execute("VACUUM ANALYZE")
    with _process(place) as pid:
        first = _until(connection, before + _FIRST) - before
        used, started = _cpu(place, pid), time.perf_counter()
        _until(connection, before + found.videos + _FIRST)
        seconds = time.perf_counter() - started
        used = [now - then for now, then in zip(_cpu(place, pid), used, strict=True)]
        found.worker_mb = memory_mb(pid)["pss"]
    videos = found.videos + _FIRST - first
    own, probe, postgres = (each * 1000 / videos for each in used)
    return Sample(
        target=WORKER, per_second=videos / seconds, cpu_ms=own, probe_cpu_ms=probe,
        postgres_cpu_ms=postgres,
    )  # fmt: skip


def _cpu(place: _Place, pid: int) -> list[float]:
    own = cpu_seconds(pid)
    return [own, tree_cpu_seconds(pid) - own, tree_cpu_seconds(place.database.pid)]


def _until(connection: _Connection, least: int) -> int:
    until = time.perf_counter() + _WAIT_SECONDS
    while time.perf_counter() < until:
        if (count := _archived(connection)) >= least:
            return count
        # Another process gives no event.
        time.sleep(_POLL_SECONDS)
    raise SystemExit("The videos were not archived in time.")


def _archived(connection: _Connection) -> int:
    row = connection.execute("SELECT count(*) FROM assets WHERE state = 'archived'").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _process(place: _Place) -> Iterator[int]:
    command = [str(Path(sys.executable).with_name("reelgate")), "worker"]
    with (place.folder / "worker.log").open("wb") as output:
        process = subprocess.Popen(
            command, env=place.env, cwd=place.folder, stdout=output, stderr=output
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def markdown(found: Found) -> str:
    lines = [
        "| target | videos/s | CPU ms | CPU ms of probing | Postgres CPU ms | videos/s ÷ floor |",
        "| --- | --: | --: | --: | --: | --: |",
    ]
    rates = {name: _median(found, name, "per_second") for name in (FLOOR, WORKER)}
    for name, rate in rates.items():
        cpu, probe, postgres = (
            _median(found, name, what) for what in ("cpu_ms", "probe_cpu_ms", "postgres_cpu_ms")
        )
        lines.append(
            f"| {name} | {rate:.1f} | {cpu:.1f} | {probe:.1f} | {postgres:.1f} |"
            f" {rate / rates[FLOOR]:.2f} |"
        )
    of = f"{found.videos} videos of {found.video_bytes / 1000:.0f} kB"
    return "\n".join([*lines, "", f"{of}. PSS of the worker: {found.worker_mb:.0f} MB."])


def _median(found: Found, target: str, what: str) -> float:
    measured: list[float] = [getattr(s, what) for s in found.samples if s.target == target]
    return median(measured)


_PENDING = f"""
WITH made AS ({FINISHED}), pending AS (
    INSERT INTO assets (generation_id, team_id, kind, source_link, source_expires_at)
    SELECT id, team_id, 'video', %(link)s || '/' || id || '.mp4', now() + interval '7 days'
      FROM made
    RETURNING id
)
SELECT reelgate_enqueue('archive', id, 0, NULL), (SELECT count(*) FROM pending) FROM made
"""
