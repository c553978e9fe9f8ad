"""What is read as the past grows: as many rows as are asked for, however many there are. Times are
`bench scale`'s."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import (
    audit,
    deletions,
    events,
    generations,
    ledger,
    managed_deliveries,
    managed_generations,
    overview,
    webhook_deliveries,
    webhook_endpoints,
)
from app.db.events import Whose
from app.db.session import Database, Tx
from app.db.webhook_endpoints import Owner
from app.domain.generation import State
from app.domain.webhooks import DeliveryState
from app.runtime import open_runtime
from app.settings import Settings
from bench.filling import fill
from tests.harness.database import Server

_GENERATIONS = 20_000
_LIMIT = 20

#: Rows that this transaction has read of our tables, but for those of members and teams.
_READ = text(
    """
    SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables
     WHERE relname IN ('generations', 'assets', 'events', 'ledger_entries', 'webhook_deliveries',
                       'webhook_attempts', 'audit_log', 'idempotency_keys')
    """
)


@pytest.fixture(scope="module")
def filled(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database with a past; nobody writes to it."""
    with postgres.fresh() as address:
        asyncio.run(_fill(address, tmp_path_factory.mktemp("filled")))
        yield address


async def _fill(address: str, folder: Path) -> None:
    settings = Settings.model_validate(
        {"database_url": address, "data_dir": folder, "onemin_api_key": "unused"}
    )
    async with open_runtime(settings) as rt:
        await fill(rt, generations=_GENERATIONS, members_=20)


@pytest.fixture
async def database(filled: str) -> AsyncIterator[Database]:
    opened = Database(filled, pool_size=1)
    yield opened
    await opened.close()


class Past:
    """The busiest member, who has a tenth of all, with its team, and a generation and an instant in
    the middle of the past."""

    def __init__(self, member: UUID, team: UUID, generation: UUID, middle: datetime) -> None:
        self.member = member
        self.team = team
        self.generation = generation
        self.middle = middle


@pytest.fixture
async def past(database: Database) -> Past:
    async with database.single() as tx:
        row = (
            await tx.execute(
                text("SELECT m.id, m.team_id FROM generations g JOIN members m ON m.id ="
                     " g.member_id GROUP BY m.id ORDER BY count(*) DESC LIMIT 1")
            )
        ).one()  # fmt: skip
        at, one = (
            await tx.execute(
                text("SELECT created_at, id FROM generations WHERE member_id = :member"
                     " ORDER BY created_at OFFSET 300 LIMIT 1"),
                {"member": row.id},
            )
        ).one()  # fmt: skip
    return Past(row.id, row.team_id, one, at)


Read = Callable[[Tx, Past], Awaitable[object]]

#: Each with the most rows that it may read.
READS: dict[str, tuple[int, Read]] = {
    "the ledger of a generation": (3, lambda tx, _: _ledger_of_one(tx)),
    "retention, while none is due": (
        2, lambda tx, _: deletions.delete_expired(tx, now=None, limit=100)),
    "a page far inside, by its number": (
        2 * _LIMIT + 10, lambda tx, past: _skipped(tx, past, 400)),
    "a page in a rare state": (
        200, lambda tx, past: generations.list_visible(
            tx, team_id=past.team, member_id=None, states=[State.UNKNOWN], limit=_LIMIT)),
    "a member's newest event": (
        1, lambda tx, past: events.newest_position(tx, Whose(member_id=past.member))),
    "a team's newest event": (
        2, lambda tx, past: events.newest_position(tx, Whose(team_id=past.team))),
    "a member's events from the beginning": (
        _LIMIT, lambda tx, past: events.replay(
            tx, Whose(member_id=past.member), (-1, 0), limit=_LIMIT)),
    "a team's events from the beginning": (
        2 * _LIMIT, lambda tx, past: events.replay(
            tx, Whose(team_id=past.team), (-1, 0), limit=_LIMIT)),
    "a member's deliveries, where only the team's endpoint gets any": (
        2, lambda tx, past: webhook_deliveries.list_visible(
            tx, _owner(past, is_admin=False), limit=_LIMIT)),
    "a team's deliveries": (
        10 * _LIMIT, lambda tx, past: webhook_deliveries.list_visible(
            tx, _owner(past, is_admin=True), limit=_LIMIT)),
    "a team's deliveries that failed": (
        2 * _LIMIT + 10, lambda tx, past: webhook_deliveries.list_visible(
            tx, _owner(past, is_admin=True), state=DeliveryState.FAILED, limit=_LIMIT)),
    "the deliveries about a generation": (
        10, lambda tx, past: webhook_deliveries.list_visible(
            tx, _owner(past, is_admin=True), generation_id=past.generation, limit=_LIMIT)),
    "failed deliveries of everybody": (
        3 * _LIMIT, lambda tx, _: managed_deliveries.list_named(
            tx, managed_deliveries.Wanted(state=DeliveryState.FAILED), after=None, limit=_LIMIT)),
    "deliveries of everybody": (
        4 * _LIMIT, lambda tx, _: managed_deliveries.list_named(
            tx, managed_deliveries.Wanted(), after=None, limit=_LIMIT)),
    "a generation by its id or the upstream's": (
        5, lambda tx, past: managed_generations.list_details(
            tx, managed_generations.Wanted(
                generation_id=past.generation, upstream_id=str(past.generation)), limit=_LIMIT)),
    "how long generations of each kind took": (
        2_000, lambda tx, _: overview.took(tx)),
    "how today went": (
        0, lambda tx, _: overview.ended(tx, None, days=1)),
    "videos that are in danger": (
        400, lambda tx, _: overview.endangered(tx, None)),
    "how many deliveries wait or failed": (
        400, lambda tx, _: webhook_endpoints.summaries(tx)),
    "audit: nobody's deeds": (
        2, lambda tx, _: audit.lines(
            tx, audit.Wanted(member="team-1/nobody"), limit=_LIMIT)),
    "audit: a member's deeds": (
        2 * _LIMIT + 2, lambda tx, _: audit.lines(
            tx, audit.Wanted(member="team-1/member-1"), limit=_LIMIT)),
    "audit: deeds that nobody does": (
        2, lambda tx, _: audit.lines(
            tx, audit.Wanted(action="ledger.rebuild"), limit=_LIMIT)),
    "audit: long ago": (
        _LIMIT + 5, lambda tx, past: audit.lines(
            tx, audit.Wanted(until=past.middle), limit=_LIMIT)),
    "audit: a page far inside": (
        _LIMIT + 5, lambda tx, past: audit.lines(
            tx, audit.Wanted(), after=(past.middle, 0), limit=_LIMIT)),
}  # fmt: skip


@pytest.mark.parametrize("what", READS)
async def test_no_more_is_read_than_asked_for(database: Database, past: Past, what: str) -> None:
    most, act = READS[what]
    async with database.begin() as tx:
        before = await tx.scalar(_READ) or 0
        await act(tx, past)
        assert (await tx.scalar(_READ) or 0) - before <= most


def _owner(past: Past, *, is_admin: bool) -> Owner:
    return Owner(team_id=past.team, member_id=past.member, is_admin=is_admin)


async def _ledger_of_one(tx: Tx) -> None:
    one = await tx.scalar(text("SELECT generation_id FROM ledger_entries WHERE id = 4711"))
    assert len(await ledger.entries_of(tx, one)) == 2


async def _skipped(tx: Tx, past: Past, skipped: int) -> None:
    after = await generations.position_after(tx, past.member, skipped=skipped)
    found = await generations.list_visible(
        tx, team_id=past.team, member_id=past.member, after=after, limit=_LIMIT
    )
    assert len(found) == _LIMIT
