"""Prices with effective dates: which one counts at an instant, and that no process admits anything
at another one."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.billing.prices import set_price
from app.db import api_keys
from app.db.prices import ListedPrice
from app.domain.prices import Quote
from app.errors import InvalidRequest, Unavailable
from app.generations import admission
from app.runtime import ApiRuntime
from app.secrets import digest_of
from tests.harness.actors import TESTER
from tests.harness.clock import HandClock
from tests.harness.gateway import Gateway, body, gateway, opened, settings_for
from tests.harness.specs import luma
from tests.harness.traces import one

DEFAULT = 150_000
START = datetime(2026, 3, 30, 12, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
RAY = {"model": "ray-v3"}
LION = luma(prompt="a lion", model="ray-v3", duration="5s")
EVERYTHING: dict[str, Any] = {
    "rate_burst": 1000, "rate_per_minute": 60_000, "max_open": 1000, "credit_limit": 10**12,
}  # fmt: skip


@pytest.fixture
async def timed(database_url: str, tmp_path: Path) -> AsyncIterator[tuple[Gateway, HandClock]]:
    clock = HandClock()
    clock.at = START
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        yield gate, clock


async def put(
    gate: Gateway,
    credits_: int | None,
    match: Mapping[str, Any] = RAY,
    *,
    effective_at: datetime | None = None,
) -> ListedPrice:
    return await set_price(
        gate.rt, match, credits_=credits_, effective_at=effective_at, actor=TESTER
    )


async def charged(gate: Gateway, key: str, **values: Any) -> tuple[int, UUID | None]:
    """What a new generation is charged, and by which price."""
    answer = await gate.create(key, body(**values))
    assert answer.status_code == 202, answer.text
    row = await one(
        gate,
        """
        SELECT e.held, g.quote, g.price_id FROM generations g
          JOIN ledger_entries e ON e.generation_id = g.id ORDER BY e.id DESC LIMIT 1
        """,
    )
    assert row["held"] == row["quote"]
    return row["quote"], row["price_id"]


async def test_a_price_counts_from_its_instant_on(timed: tuple[Gateway, HandClock]) -> None:
    gate, clock = timed
    key = await gate.member(**EVERYTHING)
    assert await charged(gate, key) == (DEFAULT, None)
    now = await put(gate, 7)
    assert await charged(gate, key) == (7, now.id)
    soon = START + timedelta(hours=1)
    later = await put(gate, 8, effective_at=soon)
    ended = await put(gate, None, effective_at=soon + timedelta(hours=1))
    for at, price in (
        (soon - MICROSECOND, (7, now.id)),
        (soon, (8, later.id)),
        (ended.effective_at - MICROSECOND, (8, later.id)),
        (ended.effective_at, (DEFAULT, None)),
    ):
        clock.at = at
        assert await charged(gate, key) == price


async def test_the_price_with_the_most_values_counts(timed: tuple[Gateway, HandClock]) -> None:
    gate, _ = timed
    key = await gate.member(**EVERYTHING)
    model = await put(gate, 5)
    long = await put(gate, 9, {**RAY, "duration": "10s"})
    sharp = await put(gate, 20, {**RAY, "duration": "10s", "resolution": "1080p"})
    assert await charged(gate, key, duration="5s") == (5, model.id)
    assert await charged(gate, key, duration="10s", resolution="720p") == (9, long.id)
    assert await charged(gate, key, duration="10s", resolution="1080p") == (20, sharp.id)
    assert await charged(gate, key, duration="5s", resolution="1080p") == (5, model.id)
    assert await charged(gate, key, modelName="ray-v2") == (DEFAULT, None)


async def hear_nothing() -> None:
    """In place of what notifications and the slow poll lead to."""


async def test_a_process_that_was_told_nothing_charges_the_new_price(
    timed: tuple[Gateway, HandClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, _ = timed
    key = await gate.member(**EVERYTHING)
    assert await charged(gate, key) == (DEFAULT, None)
    monkeypatch.setattr(gate.rt.prices, "look", hear_nothing)
    old = await gate.rt.prices.known()
    new = await put(gate, 7)
    assert await gate.rt.prices.known() is old
    assert await charged(gate, key) == (7, new.id)
    assert await gate.rt.prices.known() is not old


async def test_a_process_whose_clock_is_wrong_charges_the_price_of_the_database(
    database_url: str, tmp_path: Path
) -> None:
    class Wrong(HandClock):
        ahead = timedelta()

        def now(self) -> datetime:
            return self.at + self.ahead

    clock = Wrong()
    clock.at = START
    async with gateway(database_url, tmp_path, worker=False, clock=clock) as gate:
        key = await gate.member(**EVERYTHING)
        price = await put(gate, 7, effective_at=START + timedelta(minutes=1))
        for ahead in (timedelta(minutes=5), -timedelta(minutes=5)):
            clock.ahead = ahead
            clock.at = price.effective_at - MICROSECOND
            assert await charged(gate, key) == (DEFAULT, None)
            clock.at = price.effective_at
            assert await charged(gate, key) == (7, price.id)
            clock.at = START


async def test_prices_that_never_stop_changing_refuse_in_the_end(
    timed: tuple[Gateway, HandClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, _ = timed
    key = await gate.member(**EVERYTHING)
    more = iter(range(1, 100))

    def then_changed(really: Callable[..., Awaitable[Quote]]) -> Callable[..., Awaitable[Quote]]:
        async def quote(*asked: Any) -> Quote:
            found = await really(*asked)
            await put(gate, 7, effective_at=START + timedelta(seconds=next(more)))
            return found

        return quote

    for name in ("quote", "quote_again"):
        monkeypatch.setattr(gate.rt.prices, name, then_changed(getattr(gate.rt.prices, name)))
    refused = await gate.create(key)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert (await one(gate, "SELECT count(*) AS found FROM generations"))["found"] == 0


@pytest.mark.parametrize("processes", [3])
async def test_every_hold_is_at_the_price_of_its_instant(
    database_url: str, tmp_path: Path, processes: int
) -> None:
    """Several processes, each with its own connections and its own list, admit while prices
    change."""
    async with AsyncExitStack() as stack:
        rts: list[ApiRuntime] = []
        for number in range(processes):
            folder = tmp_path / str(number)
            folder.mkdir()
            settings = settings_for(database_url, folder, database_pool_size=4)
            rts.append((await stack.enter_async_context(opened(settings)))[0])
        gate = Gateway(rts[0], None, None)  # type: ignore[arg-type]
        keys = [await gate.member(f"member{number}", **EVERYTHING) for number in range(6)]
        changing = True

        async def admit(rt: ApiRuntime, key: str) -> int:
            async with rt.db.single() as tx:
                caller = await api_keys.find_caller(tx, digest_of(key), now=None)
            assert caller is not None
            admitted = 0
            while changing:
                try:
                    await admission.admit(rt, caller, LION, dialect="rest")
                except Unavailable:
                    # Prices changed too often for this one.
                    pass
                else:
                    admitted += 1
            return admitted

        async def change() -> None:
            nonlocal changing
            try:
                for number in range(1, 61):
                    ahead = timedelta(milliseconds=random.randint(0, 30))
                    match = {**RAY, "duration": "5s"} if number > 40 else RAY
                    at = None if number % 2 else datetime.now(UTC) + ahead
                    with contextlib.suppress(InvalidRequest):  # its instant has passed
                        await set_price(rts[number % processes], match, credits_=number,
                                        effective_at=at, actor=TESTER)  # fmt: skip
            finally:
                changing = False

        tasks = [admit(rts[number % processes], key) for number, key in enumerate(keys)]
        changes = asyncio.create_task(change())
        counts = await asyncio.gather(*tasks)
        await changes
        async with rts[0].db.single() as tx:
            rows = (
                await tx.execute(
                    text(
                        """
                        SELECT g.quote, g.price_id, e.held, right_one.id, right_one.credits
                          FROM generations g
                          JOIN ledger_entries e ON e.generation_id = g.id
                          LEFT JOIN LATERAL (
                            SELECT * FROM prices p WHERE p.effective_at <= g.created_at
                             ORDER BY p.match ? 'duration' DESC, p.effective_at DESC LIMIT 1
                          ) right_one ON true
                        """
                    )
                )
            ).all()
        assert len(rows) == sum(counts)
        assert len({row.quote for row in rows}) > 10, "prices changed while this was admitted"
        for row in rows:
            assert (row.quote, row.price_id) == (row.credits or DEFAULT, row.id)
            assert row.held == row.quote
