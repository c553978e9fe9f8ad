"""Renders the figures of a run as Markdown, as medians over its rounds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from bench import targets
from bench.rounds import Run, Sample

_COLUMNS = (
    "load", "target", "p50 ms", "p95 ms", "p99 ms", "requests/s", "CPU ms", "Postgres CPU ms",
    "p50 ÷ bare", "CPU ÷ bare", "CPU ÷ INSERT", "p50 ÷ commits", "p99 ÷ commits",
    "requests/s ÷ commits", "CPU ÷ commits",
)  # fmt: skip
#: If the generator is later than this, its own delay distorts the figures.
_LATE_MS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    p50: float
    p95: float
    p99: float
    rate: float
    cpu: float
    postgres: float
    late: float


def figures(samples: Iterable[Sample]) -> Figures:
    found = list(samples)
    return Figures(
        p50=median(s.p50_ms for s in found),
        p95=median(s.p95_ms for s in found),
        p99=median(s.p99_ms for s in found),
        rate=median(s.per_second for s in found),
        cpu=median(s.cpu_ms for s in found),
        postgres=median(s.postgres_cpu_ms for s in found),
        late=median(s.generator_late_p99_ms for s in found),
    )


def markdown(run: Run) -> str:
    loads = list(dict.fromkeys(sample.load for sample in run.samples))
    names = list(dict.fromkeys(sample.target for sample in run.samples))
    lines = [_row(_COLUMNS), _row("---" if i < 2 else "--:" for i in range(len(_COLUMNS)))]
    remarks, late = [], 0.0
    for load in loads:
        by_name = {
            name: figures(s for s in run.samples if (s.load, s.target) == (load, name))
            for name in names
        }
        for name, found in by_name.items():
            lines.append(_row(_cells(load, name, found, by_name)))
            late = max(late, found.late)
    if late > _LATE_MS:
        remarks.append(
            f"The load generator itself was up to {late:.1f} ms late (p99), since the machine was "
            "busy. Rely on CPU and ratios, not on times."
        )
    for when, memory in run.memory.items():
        remarks.append(f"Memory {when}: PSS {memory['pss']:.0f} MB, RSS {memory['rss']:.0f} MB.")
    for name, seconds in run.start_seconds.items():
        remarks.append(f"Time from the start of the {name} to its first answer: {seconds:.2f} s.")
    creates = run.answered.get(targets.CREATE, 0)
    counted = ", ".join(f"{count} {name}" for name, count in run.rows.items() if name != "floor")
    remarks.append(f"{creates} creates were confirmed; the database has {counted}.")
    return "\n".join([*lines, "", *(f"- {remark}" for remark in remarks)])


def _cells(load: str, name: str, found: Figures, beside: dict[str, Figures]) -> list[str]:
    bare, insert, commits = (
        beside[name] for name in (targets.BARE, targets.INSERT, targets.COMMITS)
    )
    return [
        load, name, f"{found.p50:.2f}", f"{found.p95:.2f}", f"{found.p99:.2f}",
        f"{found.rate:.0f}", f"{found.cpu:.2f}", f"{found.postgres:.2f}",
        _ratio(found.p50, bare.p50), _ratio(found.cpu, bare.cpu), _ratio(found.cpu, insert.cpu),
        _ratio(found.p50, commits.p50), _ratio(found.p99, commits.p99),
        _ratio(found.rate, commits.rate), _ratio(found.cpu, commits.cpu),
    ]  # fmt: skip


def _ratio(value: float, floor: float) -> str:
    return f"{value / floor:.2f}" if floor > 0 else "–"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
