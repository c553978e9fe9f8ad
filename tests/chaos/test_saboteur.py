"""The saboteur carries out a plan, however slow the machine is."""

from __future__ import annotations

import math
from collections import Counter

from tests.chaos.plan import Disruption
from tests.chaos.saboteur import Saboteur


class Late(Saboteur):
    """Notes until when each disruption may begin, and disruptions nothing."""

    def __init__(self) -> None:
        self.done, self.last = Counter(), list[tuple[int, float]]()

    async def _roll(self, disruption: Disruption, until: float) -> bool:
        self.last.append((disruption.target, until))
        return True

    _kill_api = _roll


async def test_the_first_of_each_kind_is_struck_even_after_the_end() -> None:
    saboteur = Late()
    disruptions = [
        Disruption(0.0, kind, target, 1.0)
        for target, kind in enumerate(("roll", "kill_api", "roll", "kill_api"))
    ]
    await saboteur.run(disruptions, until=7.0)
    assert saboteur.last == [(0, math.inf), (1, math.inf), (2, 7.0), (3, 7.0)]
    assert saboteur.done == {"roll": 2, "kill_api": 2}
