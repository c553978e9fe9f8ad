"""What those who manage see first. Every figure comes from a roll-up, or from rows of which there
are few, however long the past is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.db import (
    assets,
    generations,
    overview,
    pauses,
    upstream_keys,
    upstream_watermarks,
    webhook_deliveries,
)
from app.db.backlog import Backlog
from app.db.overview import Drain, Endangered, Ended, Took, Waiting
from app.db.pauses import PauseState
from app.domain.authority import Actor
from app.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """What is left of the accounts whose figures are known. `days_left` is the least of them."""

    keys: int
    usable_keys: int
    remaining: int | None
    days_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Of the actor's team, for operators of all. `upstream`, `paused` and `drain` are for
    operators."""

    in_flight: Mapping[str, Backlog]
    unarchived: Mapping[str, Backlog]
    endangered: Sequence[Endangered]
    today: Ended
    week: Ended
    took: Sequence[Took]
    deliveries: Backlog
    waiting: Waiting
    upstream: Upstream | None
    paused: Sequence[PauseState] | None
    drain: Drain | None


async def drain_of(rt: Runtime) -> Drain:
    async with rt.db.single() as tx:
        return await overview.drain(tx)


async def overview_of(rt: Runtime, *, actor: Actor) -> Overview:
    """Raises `Forbidden`."""
    actor.require_manager()
    team_id = actor.only_team
    async with rt.db.single() as tx:
        return Overview(
            in_flight=await generations.unsettled(tx, team_id=team_id),
            unarchived=await assets.unarchived(tx, team_id=team_id),
            endangered=await overview.endangered(tx, team_id),
            today=await overview.ended(tx, team_id, days=1),
            week=await overview.ended(tx, team_id, days=7),
            took=await overview.took(tx),
            deliveries=await webhook_deliveries.pending(tx, team_id=team_id),
            waiting=await overview.waiting(tx, team_id),
            upstream=_upstream(
                await upstream_keys.usable_by_label(tx), await upstream_watermarks.by_label(tx)
            ) if actor.unbound else None,
            paused=await pauses.states(tx) if actor.unbound else None,
            drain=await overview.drain(tx) if actor.unbound else None,
        )  # fmt: skip


def _upstream(
    keys: Mapping[str, bool], accounts: Mapping[str, upstream_watermarks.Watermark]
) -> Upstream:
    days = [each.days_left for each in accounts.values() if each.days_left is not None]
    return Upstream(
        keys=len(keys),
        usable_keys=sum(keys.values()),
        remaining=sum(each.remaining for each in accounts.values()) if accounts else None,
        days_left=min(days, default=None),
    )
