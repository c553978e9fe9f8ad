"""A short run of a fixed seed: each disruption at least once, and nothing lost."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.chaos import plan
from tests.chaos.run import run

#: Its slow disruptions come early, so that a busy machine comes to them while clients still ask.
SEED = 14


def test_a_short_run_loses_nothing() -> None:
    # Not under pytest's own folder: another test run that starts closes that to the database.
    folder = Path(tempfile.mkdtemp(prefix="reelgate-chaos-"))
    print(f"Logs, books and archive are in {folder} where it fails.")
    short = plan.make(generations=50, minutes=0.8, seed=SEED)
    result = run(short, folder, print)
    assert {name: found for name, found in result.found.items() if found} == {}
    assert set(result.disruptions) == set(plan.DISRUPTIONS)
    assert len(result.evidence.generations) >= 20
    assert len(result.evidence.files) >= 10
    assert result.hooks["taken"] >= 3
    assert result.altered
    assert result.periods["turning"] == 2, "a day ends in the middle"
    assert result.hooks.total() > result.hooks["taken"], "some refuse first, or hang"
    shutil.rmtree(folder)
