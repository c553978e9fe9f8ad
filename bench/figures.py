"""CPU and memory of a process, as the kernel counts them, and percentiles."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its threads so far, in steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def tree_cpu_seconds(pid: int) -> float:
    """The same, including running and reaped children: Postgres has a process per connection."""
    fields = _stat(pid)
    ticks = sum(int(field) for field in fields[11:15])
    for stat in Path("/proc").glob("[0-9]*"):
        try:
            child = _stat(int(stat.name))
        except OSError:
            continue
        if int(child[1]) == pid:
            ticks += sum(int(field) for field in child[11:15])
    return ticks / _TICKS_PER_SECOND


def _stat(pid: int) -> list[str]:
    """The fields from `state` on. They follow the name, which may contain spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def memory_mb(pid: int) -> dict[str, float]:
    """In 10^6 bytes. PSS counts a page shared by n processes as 1/n, RSS counts it in full."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("Rss", "Pss"):
            found[name.lower()] = int(value.split()[0]) * 1024 / 1e6
    return found


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` of all values do not exceed."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
