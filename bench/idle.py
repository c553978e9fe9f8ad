"""What waiting connections cost: creates are measured without and with them."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from bench import processes, targets
from bench.figures import cpu_seconds, memory_mb, percentile
from bench.load import Outcome, Plan
from bench.processes import Server
from bench.waiting import waiting

#: The number of waiting requests that a member may have by default.
_WAITING_PER_MEMBER = 200
_LOADS: tuple[float | None, ...] = (100.0, None)
_CONNECTIONS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    waiting: int
    load: str
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(slots=True, kw_only=True)
class Found:
    connections: int
    samples: list[Sample] = field(default_factory=list)
    connection_bytes: float = 0.0
    idle_cpu_percent: float = 0.0
    problems: list[str] = field(default_factory=list)


def measure(connections: int, *, seconds: float) -> Found:
    found = Found(connections=connections)
    waiting_members = -(-connections // _WAITING_PER_MEMBER)
    groups = 2 * len(_LOADS) + 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        count = f"--members={waiting_members + groups * 20}"
        keys: list[str] = processes.run_module("bench.seeding", "prepare", count, env=env)
        waiting_keys, keys = keys[:waiting_members], keys[waiting_members:]
        gateway = stack.enter_context(processes.gateway(folder, env))

        def creates(beside: int) -> None:
            for rate in _LOADS:
                found.samples.append(_sample(found, gateway, env, keys, rate, seconds, beside))
                del keys[:20]

        _sample(found, gateway, env, keys, None, min(2.0, seconds), 0)
        del keys[:20]
        creates(0)
        before = memory_mb(gateway.pid)["pss"]
        with _waiting_clients(gateway, env, waiting_keys, connections, found):
            found.connection_bytes = (memory_mb(gateway.pid)["pss"] - before) * 1e6 / connections
            before_cpu = cpu_seconds(gateway.pid)
            # The idle gateway is what is measured.
            time.sleep(seconds)
            found.idle_cpu_percent = (cpu_seconds(gateway.pid) - before_cpu) * 100 / seconds
            creates(connections)
    return found


@contextmanager
def _waiting_clients(
    gateway: Server, env: dict[str, str], keys: list[str], connections: int, found: Found
) -> Iterator[None]:
    """Opens the connections and yields once the gateway's metrics show that all of them wait."""
    requests = [targets.waiting_create(key) for key in keys]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.waiting", str(gateway.port), str(connections)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=processes.ROOT,
    ) as clients:  # fmt: skip
        assert clients.stdin is not None
        assert clients.stdout is not None
        clients.stdin.write(json.dumps(requests) + "\n")
        clients.stdin.flush()
        if clients.stdout.readline().strip() != "ready":
            raise SystemExit("The waiting connections could not be opened.")
        yield
        if (count := waiting(gateway.port)) != connections:
            found.problems.append(f"only {count} of {connections} connections wait at the end")
        clients.stdin.close()
        printed = clients.stdout.readline().strip()
        if printed != "lost 0":
            found.problems.append(f"waiting connections: {printed}")


def _sample(
    found: Found, gateway: Server, env: dict[str, str], keys: list[str], rate: float | None,
    seconds: float, beside: int,
) -> Sample:  # fmt: skip
    target = targets.create(gateway, keys[:20])
    plan = Plan(
        port=gateway.port, requests=target.requests, seconds=seconds, connections=_CONNECTIONS,
        rate=rate,
    )  # fmt: skip
    before_cpu = cpu_seconds(gateway.pid)
    outcome = Outcome(**processes.run_module("bench.load", env=env, stdin=asdict(plan)))
    used_cpu = cpu_seconds(gateway.pid) - before_cpu
    count = len(outcome.latencies_ms)
    for status, times in outcome.statuses.items():
        if status != str(target.expected):
            found.problems.append(f"{beside} waiting: {times} answers had status {status}")
    return Sample(
        waiting=beside,
        load=f"{_CONNECTIONS} connections" if rate is None else f"{rate:g}/s",
        per_second=count / max(outcome.seconds, seconds),
        p50_ms=percentile(outcome.latencies_ms, 50),
        p99_ms=percentile(outcome.latencies_ms, 99),
        cpu_ms=used_cpu * 1000 / count,
    )


def markdown(found: Found) -> str:
    lines = [
        "| waiting | load | creates/s | p50 ms | p99 ms | CPU ms |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {s.waiting:,} | {s.load} | {s.per_second:.0f} | {s.p50_ms:.1f} | {s.p99_ms:.1f} |"
            f" {s.cpu_ms:.1f} |"
            for s in found.samples
        ),
        "",
        f"Memory of one waiting connection: {found.connection_bytes / 1000:.1f} kB. "
        f"CPU of {found.connections:,} idle connections: "
        f"{found.idle_cpu_percent:.1f} % of one core.",
    ]
    return "\n".join(lines)
