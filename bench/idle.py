"""What a crowd of waiting connections costs: creates beside none of them and beside all of them."""

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
from bench.crowd import waiting
from bench.figures import cpu_seconds, memory_mb, percentile
from bench.load import Outcome, Plan
from bench.processes import Server

#: As many waiting requests as one member may have by default.
_EACH = 200
_LOADS: tuple[float | None, ...] = (100.0, None)
_AT_A_TIME = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    beside: int
    load: str
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float


@dataclass(slots=True, kw_only=True)
class Found:
    connections: int
    samples: list[Sample] = field(default_factory=list)
    bytes_each: float = 0.0
    idle_cpu_percent: float = 0.0
    wrong: list[str] = field(default_factory=list)


def measure(connections: int, *, seconds: float) -> Found:
    found = Found(connections=connections)
    crowd_members = -(-connections // _EACH)
    groups = 2 * len(_LOADS) + 1
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        count = f"--members={crowd_members + groups * 20}"
        keys: list[str] = processes.called("bench.seeding", "prepare", count, env=env)
        crowd_keys, keys = keys[:crowd_members], keys[crowd_members:]
        gateway = stack.enter_context(processes.gateway(folder, env))

        def creates(beside: int) -> None:
            for rate in _LOADS:
                found.samples.append(_sample(found, gateway, env, keys, rate, seconds, beside))
                del keys[:20]

        _sample(found, gateway, env, keys, None, min(2.0, seconds), 0)
        del keys[:20]
        creates(0)
        before = memory_mb(gateway.pid)["pss"]
        with _crowd(gateway, env, crowd_keys, connections, found):
            found.bytes_each = (memory_mb(gateway.pid)["pss"] - before) * 1e6 / connections
            begin = cpu_seconds(gateway.pid)
            # Nothing happens: that is what is measured.
            time.sleep(seconds)
            found.idle_cpu_percent = (cpu_seconds(gateway.pid) - begin) * 100 / seconds
            creates(connections)
    return found


@contextmanager
def _crowd(
    gateway: Server, env: dict[str, str], keys: list[str], connections: int, found: Found
) -> Iterator[None]:
    """Until the gateway itself says that all of them wait."""
    asked = [targets.waiting_create(key) for key in keys]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.crowd", str(gateway.port), str(connections)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env, cwd=processes.ROOT,
    ) as crowd:  # fmt: skip
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        crowd.stdin.write(json.dumps(asked) + "\n")
        crowd.stdin.flush()
        if crowd.stdout.readline().strip() != "standing":
            raise SystemExit("The crowd did not come together.")
        yield
        if (there := waiting(gateway.port)) != connections:
            found.wrong.append(f"{there} of {connections} wait at the end")
        crowd.stdin.close()
        said = crowd.stdout.readline().strip()
        if said != "lost 0":
            found.wrong.append(f"of those who waited: {said}")


def _sample(
    found: Found, gateway: Server, env: dict[str, str], keys: list[str], rate: float | None,
    seconds: float, beside: int,
) -> Sample:  # fmt: skip
    target = targets.create(gateway, keys[:20])
    plan = Plan(
        port=gateway.port, requests=target.requests, seconds=seconds, connections=_AT_A_TIME,
        rate=rate,
    )  # fmt: skip
    begin = cpu_seconds(gateway.pid)
    outcome = Outcome(**processes.called("bench.load", env=env, stdin=asdict(plan)))
    spent = cpu_seconds(gateway.pid) - begin
    count = len(outcome.latencies_ms)
    for status, times in outcome.statuses.items():
        if status != str(target.expected):
            found.wrong.append(f"beside {beside}: {times} answers were {status}")
    return Sample(
        beside=beside,
        load=f"{_AT_A_TIME} at a time" if rate is None else f"{rate:g}/s",
        per_second=count / max(outcome.seconds, seconds),
        p50_ms=percentile(outcome.latencies_ms, 50),
        p99_ms=percentile(outcome.latencies_ms, 99),
        cpu_ms=spent * 1000 / count,
    )


def markdown(found: Found) -> str:
    lines = [
        "| waiting beside | load | creates/s | p50 ms | p99 ms | CPU ms |",
        "| ---: | --- | ---: | ---: | ---: | ---: |",
        *(
            f"| {s.beside:,} | {s.load} | {s.per_second:.0f} | {s.p50_ms:.1f} | {s.p99_ms:.1f} |"
            f" {s.cpu_ms:.1f} |"
            for s in found.samples
        ),
        "",
        f"One waiting connection: {found.bytes_each / 1000:.1f} kB. "
        f"All {found.connections:,}, while nothing happens: "
        f"{found.idle_cpu_percent:.1f} % of one core.",
    ]
    return "\n".join(lines)
