"""What silence and slowness of the upstream are, on a clock that only the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from app.upstream.inflight import (
    LEAST_OVERDUE_SECONDS,
    OVERDUE_TIMES,
    SILENCE_SECONDS,
    UNPROVEN_SECONDS,
    InFlight,
)

FEW = 3


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Rig:
    """A in_flight and the submissions that wait, oldest first."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.in_flight = InFlight(self.clock)
        self.waiting: list[
            tuple[AbstractContextManager[Callable[[], None]], Callable[[], None]]
        ] = []

    def send(self, number: int = 1) -> None:
        for _ in range(number):
            one = self.in_flight.submission()
            self.waiting.append((one, one.__enter__()))

    def answer(self, *, refused: bool = False) -> None:
        one, taken = self.waiting.pop(0)
        self.in_flight.hear()
        if not refused:
            taken()
        one.__exit__(None, None, None)

    def after(self, seconds: float) -> tuple[bool, bool]:
        self.clock.now += seconds
        return self.in_flight.is_silent(FEW), self.in_flight.is_overdue(FEW)


def test_one_that_waits_says_nothing() -> None:
    rig = Rig()
    rig.send(FEW - 1)
    assert rig.after(1e6) == (False, False)


def test_silence_counts_from_the_last_that_makes_it_a_few() -> None:
    rig = Rig()
    rig.send(FEW - 1)
    rig.after(100)
    rig.send(5)
    assert rig.after(SILENCE_SECONDS) == (False, False)
    assert rig.after(0.1) == (True, False)


def test_anything_that_is_heard_ends_a_silence_and_it_begins_anew() -> None:
    rig = Rig()
    rig.send(FEW)
    assert rig.after(SILENCE_SECONDS + 1) == (True, False)
    rig.in_flight.hear()
    assert rig.after(SILENCE_SECONDS) == (False, False)
    assert rig.after(0.1) == (True, False)


def test_an_upstream_that_holds_every_connection_for_minutes_is_never_overdue() -> None:
    rig = Rig()
    rig.send(2 * FEW)
    for _ in range(FEW):
        assert rig.after(420)[1] is False
        rig.answer()
    rig.send(FEW)
    assert rig.after(900)[1] is False


def test_a_refusal_is_no_measure_of_how_long_a_render_is_waited_for() -> None:
    rig = Rig()
    rig.send()
    rig.after(0.2)
    rig.answer(refused=True)
    rig.send(2 * FEW)
    assert rig.after(420)[1] is False


@pytest.mark.parametrize("took", [0.5, 10.0])
def test_overdue_is_what_waits_much_longer_than_those_before(took: float) -> None:
    rig = Rig()
    rig.send()
    rig.after(took)
    rig.answer()
    rig.send(FEW)
    limit = max(LEAST_OVERDUE_SECONDS, OVERDUE_TIMES * took)
    assert rig.after(limit)[1] is False
    assert rig.after(0.1)[1] is True
    rig.answer()
    # A few are too few again; and that one took as long as it took.
    assert rig.after(0)[1] is False
    rig.send(FEW)
    assert rig.after(limit)[1] is False


def test_what_breaks_off_waits_no_more_and_is_no_measure() -> None:
    rig = Rig()
    rig.send(FEW)
    assert rig.after(900) == (True, False)
    for one, _ in rig.waiting:
        assert not one.__exit__(OSError, OSError("reset"), None)
    assert rig.after(0) == (False, False)
    rig.send(FEW)
    assert rig.after(1e6) == (True, False)


def test_a_few_that_were_lost_on_their_way_hold_up_nobody_while_later_ones_are_answered() -> None:
    rig = Rig()
    rig.send()
    rig.after(1)
    rig.answer()
    rig.send(FEW)
    rig.after(1)
    with rig.in_flight.submission() as taken:
        rig.after(1)
        taken()
    assert rig.after(600)[1] is False
    # As many again, and nothing answered behind them.
    rig.send(FEW)
    assert rig.after(LEAST_OVERDUE_SECONDS)[1] is False
    assert rig.after(0.1)[1] is True


def test_answers_count_for_as_long_as_a_submission_is_unproven() -> None:
    rig = Rig()
    rig.send(3)
    assert rig.in_flight.answers_lately() == 0
    rig.answer()
    rig.answer(refused=True)
    rig.clock.now += UNPROVEN_SECONDS - 0.1
    rig.answer()
    assert rig.in_flight.answers_lately() == 3
    rig.clock.now += 0.2
    assert rig.in_flight.answers_lately() == 1


async def test_each_proof_calls_two_that_wait_in_their_order() -> None:
    in_flight, called = InFlight(), []

    async def wait(number: int) -> None:
        await in_flight.wait_for_proof(3600)
        called.append(number)

    waiting = [asyncio.create_task(wait(number)) for number in range(5)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    await asyncio.gather(waiting[1], return_exceptions=True)
    in_flight.prove()
    await asyncio.gather(waiting[0], waiting[2])
    assert called == [0, 2]
    in_flight.prove()
    in_flight.prove()
    await asyncio.gather(*waiting[3:])
    # Nobody calls: the time is over.
    await in_flight.wait_for_proof(0.01)
