"""What the metric of transitions has counted."""

from __future__ import annotations

from collections import Counter

from app.domain.generation import State
from tests.harness.gateway import Gateway


def counted(gate: Gateway) -> Counter[State]:
    """How often each state was entered, by this process's metric."""
    value = gate.rt.metrics.registry.get_sample_value
    return Counter(
        {
            state: int(value("reelgate_transitions_total", {"state": state.value}) or 0)
            for state in State
        }
    )
