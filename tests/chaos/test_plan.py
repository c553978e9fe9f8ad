from __future__ import annotations

import itertools
from pathlib import Path

from app.simulator.fault_rules import FaultRules
from app.simulator.faults import ASSETS, FAULTS, PATHS
from tests.chaos import plan
from tests.chaos.faults import EVERY, PROVIDER_LIMITED
from tests.chaos.saboteur import Saboteur


def test_a_seed_makes_the_same_plan_again_and_another_seed_another() -> None:
    first, again, other = (plan.make(generations=50, minutes=2, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert (first.asks, first.disruptions) != (other.asks, other.disruptions)


def test_every_kind_of_strike_comes_and_can_be_carried_out() -> None:
    disruptions = plan.make(generations=10, minutes=1, seed=1).disruptions
    assert {disruption.kind for disruption in disruptions} == set(plan.DISRUPTIONS)
    assert all(hasattr(Saboteur, f"_{kind}") for kind in plan.DISRUPTIONS)
    assert all(early.at <= late.at for early, late in itertools.pairwise(disruptions))


def test_every_kind_of_strike_is_told_of() -> None:
    told = Path("docs/reliability.md").read_text()
    assert [kind for kind in plan.DISRUPTIONS if f"`{kind}`" not in told] == []


def test_every_fault_the_simulator_knows_is_met() -> None:
    assert {fault.name for fault in EVERY} == FAULTS.keys()
    assert {fault.path for fault in EVERY} == {*PATHS, ASSETS}
    assert PROVIDER_LIMITED in EVERY
    asks = plan.make(generations=400, minutes=5, seed=1).asks
    assert {fault.label for fault in EVERY} <= {fault.label for ask in asks for fault in ask.faults}


def test_every_fault_is_one_the_simulator_takes() -> None:
    rules = FaultRules()
    for fault in EVERY:
        assert rules.add(fault.rule("00001#")).times == 1


def test_prompts_tell_asks_apart() -> None:
    asks = plan.make(generations=400, minutes=5, seed=1).asks
    for ask, other in itertools.pairwise(asks):
        assert ask.token in ask.prompt
        assert ask.token not in other.prompt
        assert ask.token not in ask.other_prompt
