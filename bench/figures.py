"""What the kernel says of a process, and what a list of numbers comes to."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads; counted in steps of 10 ms."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def tree_cpu_seconds(pid: int) -> float:
    """The same with children, living and reaped: for Postgres, a process per connection."""
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
    """The fields from `state` on: the name before them may have spaces in it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def memory_mb(pid: int) -> dict[str, float]:
    """PSS counts a page that n processes share as 1/n; RSS counts it whole. In 10^6 bytes."""
    wanted = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("Rss", "Pss"):
            wanted[name.lower()] = int(value.split()[0]) * 1024 / 1e6
    return wanted


def percentile(values: Sequence[float], percent: float) -> float:
    """The least value that `percent` of all do not exceed."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
