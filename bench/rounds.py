"""One run: measures every target under every load, in several rounds."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench import processes, targets
from bench.figures import cpu_seconds, memory_mb, percentile, tree_cpu_seconds
from bench.floors import FLOORS
from bench.load import Outcome, Plan
from bench.processes import Postgres, Server
from bench.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`members` share the creates of one measurement. Each measurement has new members, so that
    none starts with open generations of an earlier one."""

    seconds: float = 5.0
    rounds: int = 3
    rates: tuple[float, ...] = (20.0, 100.0)
    connections: int = 8
    members: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One target under one load in one round. `postgres_cpu_ms` includes all Postgres processes."""

    target: str
    load: str
    round: int
    requests: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    postgres_cpu_ms: float
    generator_late_p99_ms: float


@dataclass(slots=True, kw_only=True)
class Run:
    """`problems` lists what invalidates the figures."""

    samples: list[Sample] = field(default_factory=list)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    start_seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Bench:
    def __init__(self, options: Options, env: dict[str, str], database: Postgres) -> None:
        self._options = options
        self._env = env
        self._database = database
        self._answered: Counter[str] = Counter()
        self.run = Run()

    def measure(self, gateway: Server, floors: dict[str, Server], keys: list[str]) -> None:
        each = self._options.members
        groups = [keys[i : i + each] for i in range(0, len(keys), each)]
        made = targets.first_creates(gateway, groups.pop())
        self._answered[targets.CREATE] += len(made)

        def all_targets() -> list[Target]:
            return [
                targets.bare(floors["bare"]),
                targets.insert(floors["insert"]),
                targets.commits(floors["commits"]),
                targets.create(gateway, groups.pop()),
                targets.result(gateway, made),
                targets.generation(gateway, made),
                targets.video(gateway, made),
            ]

        warm_up = min(1.0, self._options.seconds)
        for target in all_targets():
            self._drive(target, None, seconds=warm_up)
        for number in range(1, self._options.rounds + 1):
            for rate in (*self._options.rates, None):
                for target in all_targets():
                    self._sample(target, rate, number)

    def groups(self) -> int:
        """How many groups of members `measure` needs."""
        return 2 + self._options.rounds * (len(self._options.rates) + 1)

    def _sample(self, target: Target, rate: float | None, number: int) -> None:
        load = f"{self._options.connections} connections" if rate is None else f"{rate:g}/s"
        print(f"round {number}: {load}: {target.name}", file=sys.stderr)
        before = cpu_seconds(target.server.pid), tree_cpu_seconds(self._database.pid)
        outcome = self._drive(target, rate, seconds=self._options.seconds)
        after = cpu_seconds(target.server.pid), tree_cpu_seconds(self._database.pid)
        count = len(outcome.latencies_ms)
        self.run.samples.append(
            Sample(
                target=target.name,
                load=load,
                round=number,
                requests=count,
                per_second=count / max(outcome.seconds, self._options.seconds),
                p50_ms=percentile(outcome.latencies_ms, 50),
                p95_ms=percentile(outcome.latencies_ms, 95),
                p99_ms=percentile(outcome.latencies_ms, 99),
                cpu_ms=(after[0] - before[0]) * 1000 / count,
                postgres_cpu_ms=(after[1] - before[1]) * 1000 / count,
                generator_late_p99_ms=percentile(outcome.late_ms, 99) if outcome.late_ms else 0,
            )
        )

    def _drive(self, target: Target, rate: float | None, *, seconds: float) -> Outcome:
        plan = Plan(
            port=target.server.port,
            requests=target.requests,
            seconds=seconds,
            connections=self._options.connections,
            rate=rate,
        )
        outcome = Outcome(**processes.run_module("bench.load", env=self._env, stdin=asdict(plan)))
        for status, count in outcome.statuses.items():
            if status == str(target.expected):
                self._answered[target.name] += count
            else:
                self.run.problems.append(f"{target.name}: {count} answers had status {status}")
        return outcome

    def check(self) -> None:
        """Compares the rows in the database with the answers that confirmed them."""
        rows: dict[str, int] = processes.run_module("bench.seeding", "count", env=self._env)
        self.run.rows, self.run.answered = rows, dict(self._answered)
        for name, count in rows.items():
            confirmed = (targets.INSERT, targets.COMMITS) if name == "floor" else (targets.CREATE,)
            expected = sum(self._answered[target] for target in confirmed)
            if count != expected:
                self.run.problems.append(f"{expected} creates were confirmed, {name}: {count}")


def run(options: Options) -> Run:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        bench = Bench(options, env, database)
        count = bench.groups() * options.members
        keys = processes.run_module("bench.seeding", "prepare", f"--members={count}", env=env)
        gateway = stack.enter_context(processes.gateway(folder, env))
        bench.run.start_seconds = {gateway.name: gateway.start_seconds}
        bench.run.memory["at start"] = memory_mb(gateway.pid)
        with ExitStack() as beside:
            floors = {
                which: beside.enter_context(processes.floor(which, folder, env)) for which in FLOORS
            }
            bench.measure(gateway, floors, keys)
        # Measured after the floors have ended: PSS counts shared pages only in part.
        bench.run.memory["after the run"] = memory_mb(gateway.pid)
        bench.check()
        return bench.run
