"""The attempts an SDK makes at one call: one generation, whichever gets through, and when."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.errors import MaxOpenReached, Paused, RateLimited
from app.generations.admission import Extras, SdkAttempt
from app.members import keys
from tests.generations.test_admission import OTHER, PRICE, ask
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import TEAM, Gateway, gateway
from tests.harness.traces import execute, traces, used_credits
from tests.worker.test_upkeep import until

#: The client's own timeout and the slack, as the edge makes them.
WINDOW = 720.0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def timed(database_url: str, tmp_path: Path, clock: HandClock) -> AsyncIterator[Gateway]:
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as running:
        yield running


async def attempt(
    gate: Gateway, key: str, count: int, *, waited: float = 0.0, window: float = WINDOW, **more: Any
) -> UUID:
    made = SdkAttempt(count=count, arrived_at=time.perf_counter() - waited, window_seconds=window)
    return (await ask(gate, key, attempt=made, **more)).generation_id


async def test_every_try_of_a_call_is_the_same_generation(timed: Gateway, clock: HandClock) -> None:
    key = await timed.member()
    first = await attempt(timed, key, 0)
    before = await traces(timed)
    for count in (1, 2, 3):
        clock.move(601)
        made = SdkAttempt(count=count, arrived_at=time.perf_counter(), window_seconds=WINDOW)
        again = await ask(timed, key, attempt=made)
        assert again.generation_id == first
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.fresh is None
    assert await traces(timed) == before
    assert await used_credits(timed) == PRICE


async def test_a_first_try_is_always_a_call_of_its_own(timed: Gateway) -> None:
    key = await timed.member()
    assert len({await attempt(timed, key, 0) for _ in range(3)}) == 3
    assert await used_credits(timed) == 3 * PRICE


async def test_of_identical_calls_each_second_try_finds_one_of_its_own(timed: Gateway) -> None:
    key = await timed.member()
    made = {await attempt(timed, key, 0) for _ in range(3)}
    for count in (1, 2):
        assert {await attempt(timed, key, count) for _ in range(3)} == made
    assert await used_credits(timed) == 3 * PRICE


async def test_attempts_of_identical_calls_that_come_mixed_keep_to_their_own(
    timed: Gateway, clock: HandClock
) -> None:
    key = await timed.member()
    first = await attempt(timed, key, 0)
    clock.move(1)
    second = await attempt(timed, key, 0)
    assert await attempt(timed, key, 1) == first
    assert await attempt(timed, key, 2) == first
    assert await attempt(timed, key, 1) == second
    assert await attempt(timed, key, 2) == second


async def test_a_try_that_never_got_here_leaves_no_gap(timed: Gateway, clock: HandClock) -> None:
    """The second met a gateway that was restarting; the third finds what the first has made."""
    key = await timed.member()
    first = await attempt(timed, key, 0)
    clock.move(2 * 601)
    assert await attempt(timed, key, 2) == first
    assert await used_credits(timed) == PRICE


async def test_the_first_try_to_get_here_makes_the_generation(timed: Gateway) -> None:
    key = await timed.member()
    made = await attempt(timed, key, 1)
    assert await attempt(timed, key, 2) == made
    assert await used_credits(timed) == PRICE


@pytest.mark.parametrize(("made_by", "late"), [(1, 0), (2, 0), (2, 1)])
async def test_a_try_that_was_held_up_belongs_to_what_a_later_one_made(
    timed: Gateway, clock: HandClock, made_by: int, late: int
) -> None:
    """It came in before; its body, or the database, was slow."""
    key = await timed.member()
    made = await attempt(timed, key, made_by)
    clock.move(5)
    assert await attempt(timed, key, late, waited=6) == made
    assert await used_credits(timed) == PRICE


async def test_a_try_is_as_old_as_it_is_when_it_is_sent(timed: Gateway) -> None:
    """Whatever it waits for behind the edge counts too: a look at prices, a free connection."""
    key = await timed.member()
    first = SdkAttempt(count=0, arrived_at=time.perf_counter(), window_seconds=WINDOW)
    made = await attempt(timed, key, 1)
    assert (await ask(timed, key, attempt=first)).generation_id == made
    assert await used_credits(timed) == PRICE


async def test_a_try_that_waited_for_a_lock_belongs_to_what_a_later_one_made(
    timed: Gateway,
) -> None:
    """Both wait for the member's other admissions, and the later one is first to get through."""
    key = await timed.member()
    waiting = "SELECT count(*) = {} FROM pg_locks WHERE NOT granted"
    async with timed.rt.db.begin() as tx:
        await tx.execute(text("SELECT FROM rate_states FOR UPDATE"))
        later = asyncio.create_task(attempt(timed, key, 1))
        await until(timed, waiting.format(1))
        first = asyncio.create_task(attempt(timed, key, 0))
        await until(timed, waiting.format(2))
    assert await first == await later
    assert await used_credits(timed) == PRICE


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))), ids=str)
async def test_attempts_that_were_all_on_their_way_get_through_in_any_order(
    timed: Gateway, clock: HandClock, order: tuple[int, ...]
) -> None:
    key, made = await timed.member(), set()
    for passed, count in enumerate(order):
        made.add(await attempt(timed, key, count, waited=60 + passed))
        clock.move(1)
    assert len(made) == 1
    assert await used_credits(timed) == PRICE


async def test_a_first_try_that_came_in_after_is_another_call(
    timed: Gateway, clock: HandClock
) -> None:
    key = await timed.member()
    made = await attempt(timed, key, 1)
    clock.move(5)
    assert await attempt(timed, key, 0, waited=4) != made


async def test_all_attempts_in_any_order_while_the_first_is_held_up(
    timed: Gateway, clock: HandClock
) -> None:
    key = await timed.member()
    made = await attempt(timed, key, 1)
    clock.move(1)
    assert await attempt(timed, key, 0, waited=600) == made
    clock.move(600)
    assert await attempt(timed, key, 2) == made
    clock.move(1)
    assert await attempt(timed, key, 0) != made


async def test_outside_its_time_a_try_is_a_new_call(timed: Gateway, clock: HandClock) -> None:
    key = await timed.member()
    first = await attempt(timed, key, 0, window=130)
    clock.move(129.9)
    assert await attempt(timed, key, 1, window=130) == first
    clock.move(130.1)
    later = await attempt(timed, key, 2, window=130)
    assert later != first
    assert await used_credits(timed) == 2 * PRICE


async def test_another_key_member_or_body_is_another_call(timed: Gateway) -> None:
    ada = await timed.member("ada", rate_burst=50, max_open=50)
    first = await attempt(timed, ada, 0)
    second_key = await keys.create_key(timed.rt, TEAM, "ada", name="second", actor=TESTER)
    bob = await timed.member("bob")
    found = {
        await attempt(timed, second_key.secret, 1),
        await attempt(timed, bob, 1),
        await attempt(timed, ada, 1, spec=OTHER),
        await attempt(timed, ada, 1, extras=Extras(callback_url="https://a.example/")),
        await attempt(timed, ada, 1, extras=Extras(remixed_from=first)),
        first,
    }
    assert len(found) == 6
    assert await attempt(timed, ada, 1) == first
    assert await attempt(timed, ada, 2, extras=Extras(echo={"model": "sora-2"})) == first


async def test_what_no_sdk_counted_is_nobodys_twin(timed: Gateway) -> None:
    key = await timed.member()
    plain = (await ask(timed, key)).generation_id
    assert await attempt(timed, key, 1) != plain
    assert (await ask(timed, key)).generation_id != plain


async def test_a_key_of_the_caller_decides_alone(timed: Gateway) -> None:
    key = await timed.member()
    first = await attempt(timed, key, 0, idempotency_key="order-1")
    assert await attempt(timed, key, 1, idempotency_key="order-1") == first
    assert await attempt(timed, key, 1, idempotency_key="order-2") != first


async def test_a_recognised_try_passes_limits_that_are_used_up(timed: Gateway) -> None:
    """It asks for nothing new."""
    key = await timed.member(rate_per_minute=1, rate_burst=1, max_open=1, credit_limit=PRICE)
    first = await attempt(timed, key, 0)
    assert await attempt(timed, key, 1) == first
    with pytest.raises(RateLimited):
        await attempt(timed, key, 0)
    assert await attempt(timed, key, 2) == first


@pytest.mark.parametrize(
    ("limits", "refusal"),
    [({"rate_per_minute": 6, "rate_burst": 2}, RateLimited), ({"max_open": 2}, MaxOpenReached)],
    ids=["rate", "open"],
)
async def test_an_attempt_after_a_refused_one_shares_the_video_of_an_equal_call(
    timed: Gateway, clock: HandClock, limits: Any, refusal: type[Exception]
) -> None:
    """Nothing tells it from a second attempt of the accepted call, so it is not paid for."""
    key = await timed.member(**limits)
    first = await attempt(timed, key, 0)
    clock.move(1)
    second = await attempt(timed, key, 0)
    with pytest.raises(refusal):
        await attempt(timed, key, 0)
    await execute(timed, "UPDATE members SET max_open = 50")
    clock.move(10)
    assert await attempt(timed, key, 1) == first
    assert await used_credits(timed) == 2 * PRICE
    # The calls that were accepted make theirs again: three calls, never more than three videos.
    assert await attempt(timed, key, 1) == second
    third = await attempt(timed, key, 1)
    assert {await attempt(timed, key, 2) for _ in range(3)} == {first, second, third}
    assert await used_credits(timed) == 3 * PRICE


async def test_so_does_one_after_a_pause(timed: Gateway, clock: HandClock) -> None:
    key = await timed.member()
    first = await attempt(timed, key, 0)
    await execute(timed, "UPDATE pauses SET paused = true WHERE name = 'admission'")
    with pytest.raises(Paused):
        await attempt(timed, key, 0)
    await execute(timed, "UPDATE pauses SET paused = false WHERE name = 'admission'")
    clock.move(60)
    assert await attempt(timed, key, 1) == first
    assert await used_credits(timed) == PRICE


async def test_a_try_that_was_held_up_while_the_next_one_was_refused_is_the_same_call(
    timed: Gateway, clock: HandClock
) -> None:
    key = await timed.member(max_open=1)
    await attempt(timed, key, 0, idempotency_key="another call")
    clock.move(10)
    with pytest.raises(MaxOpenReached):
        await attempt(timed, key, 1)
    await execute(timed, "UPDATE members SET max_open = 50")
    clock.move(1)
    first = await attempt(timed, key, 0, waited=11.5)
    clock.move(10)
    assert await attempt(timed, key, 2) == first


async def test_a_try_without_a_key_belongs_to_no_call_with_one(timed: Gateway) -> None:
    key = await timed.member()
    named = await attempt(timed, key, 0, idempotency_key="k")
    other = await attempt(timed, key, 1)
    assert other != named
    assert await attempt(timed, key, 1, idempotency_key="k") == named
    assert await attempt(timed, key, 2) == other


async def test_attempts_that_come_together_share_one_generation(still_gate: Gateway) -> None:
    key = await still_gate.member(rate_burst=50, max_open=50)
    for _ in range(5):
        before = await used_credits(still_gate)
        attempts = [attempt(still_gate, key, count, waited=10) for count in (1, 0, 2)]
        assert len(set(await asyncio.gather(*attempts))) == 1
        assert await used_credits(still_gate) == before + PRICE
        # The next round is another call: what is made so far is older than its attempts are.
        await execute(
            still_gate,
            "UPDATE generations SET created_at = created_at - interval '1 day',"
            " sdk_last_at = sdk_last_at - interval '1 day'",
        )
