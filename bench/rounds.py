"""One run: every target under every load, in turns, several times over."""

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
from bench.load import Outcome, Plan
from bench.processes import Postgres, Server
from bench.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`members` share the creates of one measurement; each measurement gets new ones, so that what
    they have open does not grow from one to the next."""

    seconds: float = 5.0
    rounds: int = 3
    rates: tuple[float, ...] = (20.0, 100.0)
    connections: int = 8
    members: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One target under one load in one round. CPU is of the answering process and of Postgres with
    all its children."""

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
    """`wrong` is everything that makes the figures worthless; empty where all is well."""

    samples: list[Sample] = field(default_factory=list)
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    start_seconds: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Bench:
    def __init__(self, options: Options, env: dict[str, str], database: Postgres) -> None:
        self._options = options
        self._env = env
        self._database = database
        self._answered: Counter[str] = Counter()
        self.run = Run()

    def measure(self, gateway: Server, bare: Server, insert: Server, keys: list[str]) -> None:
        each = self._options.members
        groups = [keys[i : i + each] for i in range(0, len(keys), each)]
        made = targets.first_creates(gateway, groups.pop())
        self._answered[targets.CREATE] += len(made)

        def all_targets() -> list[Target]:
            return [
                targets.bare(bare),
                targets.insert(insert),
                targets.create(gateway, groups.pop()),
                targets.result(gateway, made),
                targets.generation(gateway, made),
            ]

        warming = min(1.0, self._options.seconds)
        for target in all_targets():
            self._drive(target, None, seconds=warming)
        for number in range(1, self._options.rounds + 1):
            for rate in (*self._options.rates, None):
                for target in all_targets():
                    self._sample(target, rate, number)

    def groups(self) -> int:
        """How many groups of members `measure` uses up."""
        return 2 + self._options.rounds * (len(self._options.rates) + 1)

    def _sample(self, target: Target, rate: float | None, number: int) -> None:
        load = f"{self._options.connections} at a time" if rate is None else f"{rate:g}/s"
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
        outcome = Outcome(**processes.called("bench.load", env=self._env, stdin=asdict(plan)))
        for status, count in outcome.statuses.items():
            if status == str(target.expected):
                self._answered[target.name] += count
            else:
                self.run.wrong.append(f"{target.name}: {count} answers were {status}")
        return outcome

    def check(self) -> None:
        """A fast answer is worth nothing if what it confirms is not there."""
        rows: dict[str, int] = processes.called("bench.seeding", "count", env=self._env)
        self.run.rows, self.run.answered = rows, dict(self._answered)
        for name, count in rows.items():
            expected = self._answered[targets.INSERT if name == "floor" else targets.CREATE]
            if count != expected:
                self.run.wrong.append(f"{expected} creates were confirmed, {name}: {count}")


def run(options: Options) -> Run:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reelgate-bench-")))
        database = stack.enter_context(processes.postgres(folder))
        env = processes.environment(folder, database.address)
        bench = Bench(options, env, database)
        count = bench.groups() * options.members
        keys = processes.called("bench.seeding", "prepare", f"--members={count}", env=env)
        gateway = stack.enter_context(processes.gateway(folder, env))
        bench.run.start_seconds = {gateway.name: gateway.start_seconds}
        bench.run.memory["at start"] = memory_mb(gateway.pid)
        with (
            processes.floor("bare", folder, env) as bare,
            processes.floor("insert", folder, env) as insert,
        ):
            bench.measure(gateway, bare, insert, keys)
        # After the floors are gone: pages shared with them would count for less.
        bench.run.memory["after the run"] = memory_mb(gateway.pid)
        bench.check()
        return bench.run
