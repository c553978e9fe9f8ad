"""What is left of each limit, as the database computes it for estimates and a member's own view."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db.limits import limits_of, status_from
from app.domain.accounts import AccountKind
from app.domain.caller import Status
from app.domain.keys import Restrictions
from app.domain.limits import Limit, LimitStatus
from app.domain.operators import Pause
from app.members.keys import limit_key
from app.members.members import change_member
from app.members.teams import change_team
from app.operators import pauses
from tests.harness.actors import TESTER
from tests.harness.gateway import TEAM, Gateway
from tests.harness.traces import execute

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PRICE = 150_000


async def status(gate: Gateway, *, quote: int = 1) -> LimitStatus:
    """Of the only member."""
    async with gate.rt.db.single() as tx:
        member: UUID | None = await tx.scalar(text("SELECT id FROM members"))
        assert member is not None
        key = await tx.scalar(text("SELECT id FROM api_keys"))
        return await limits_of(tx, member, key_id=key, quote=quote, now=NOW)


async def ahead(gate: Gateway, seconds: float) -> None:
    """As if its requests ran so far ahead of the clock."""
    at = (NOW + timedelta(seconds=seconds)).isoformat()
    await execute(gate, f"UPDATE rate_states SET arrival_at = '{at}'")
    await execute(gate, f"UPDATE key_rate_states SET arrival_at = '{at}'")


@pytest.mark.parametrize(
    ("seconds", "remaining", "limit", "wait"),
    [(-5.0, 2, None, None), (0.0, 2, None, None), (0.5, 1, None, None), (1.0, 1, None, None),
     (1.001, 0, Limit.RATE_PER_MINUTE, 0.001), (2.0, 0, Limit.RATE_PER_MINUTE, 1.0),
     # A clock that was set back.
     (7200.0, 0, Limit.RATE_PER_MINUTE, 1.0)],
)  # fmt: skip
async def test_a_burst_ends_at_the_very_edge(
    still_gate: Gateway, seconds: float, remaining: int, limit: Limit | None, wait: float | None
) -> None:
    """One step of room admits, a hair less does not."""
    await still_gate.member(rate_per_minute=60, rate_burst=2)
    await ahead(still_gate, seconds)
    found = await status(still_gate)
    assert (found.binding_limit, found.rate_remaining) == (limit, remaining)
    assert found.retry_after_seconds == pytest.approx(wait)
    assert found.rate_reset_seconds == pytest.approx(min(max(seconds, 0), 2))


async def test_the_first_limit_that_binds_is_named_and_every_figure_is_there(
    still_gate: Gateway,
) -> None:
    """Each is lifted in turn, and the next one binds."""
    key = await still_gate.member(rate_per_minute=60, rate_burst=1, max_open=1, credit_limit=PRICE)
    await change_team(still_gate.rt, TEAM, credit_limit=PRICE, actor=TESTER)
    await limit_key(
        still_gate.rt, key, credit_limit=PRICE, actor=TESTER,
        restrict=lambda _: Restrictions(rate_per_minute=60, rate_burst=1, max_open=1),
    )  # fmt: skip
    assert (await still_gate.create(key)).status_code == 202
    await ahead(still_gate, 1)
    await pauses.set_paused(still_gate.rt, Pause.ADMISSION, paused=True, reason=None, actor="test")
    await change_member(still_gate.rt, TEAM, "ada", status=Status.SUSPENDED, actor=TESTER)
    bound = []
    for lift in (
        "UPDATE members SET status = 'ACTIVE'",
        "UPDATE pauses SET paused = false",
        "UPDATE rate_states SET arrival_at = '2026-01-01'",
        "UPDATE api_keys SET rate_per_minute = NULL, rate_burst = NULL",
        "UPDATE members SET max_open = 2",
        "UPDATE api_keys SET max_open = NULL",
        "UPDATE api_keys SET credit_limit = NULL",
        "UPDATE members SET credit_limit = 10 * credit_limit",
        "UPDATE teams SET credit_limit = NULL",
    ):
        found = await status(still_gate)
        bound.append((found.binding_limit, found.retry_after_seconds))
        assert found.open_generations == 1
        assert [account.kind for account in found.accounts] == list(AccountKind)
        assert {account.held for account in found.accounts} == {PRICE}
        assert found.account(AccountKind.TEAM).credit_limit == PRICE
        await execute(still_gate, lift)
    assert [limit for limit, _ in bound] == list(Limit)
    assert [wait for _, wait in bound] == [
        None,
        60,
        pytest.approx(1),
        pytest.approx(1),
        10,
        10,
        None,
        None,
        None,
    ]
    assert (await status(still_gate)).binding_limit is None


async def test_a_credit_limit_is_met_at_the_last_credit(still_gate: Gateway) -> None:
    await still_gate.member(credit_limit=PRICE)
    assert (await status(still_gate, quote=PRICE)).binding_limit is None
    found = await status(still_gate, quote=PRICE + 1)
    assert found.binding_limit is Limit.MEMBER_CREDIT_LIMIT


async def test_a_figure_of_the_next_release_is_left_out(still_gate: Gateway) -> None:
    """Functions are applied before the last process of this release has ended."""
    await still_gate.member()
    known = await status(still_gate)
    row = {name: getattr(known, name) for name in LimitStatus.__dataclass_fields__}
    accounts = [{**asdict(account), "next_figure": 5} for account in known.accounts]
    assert status_from({**row, "accounts": accounts, "month_credit_limit": 5}) == known
