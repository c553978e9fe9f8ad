"""Gauges read from the database: by an API process when it is scraped, by a worker now and then."""

from __future__ import annotations

from app.db import (
    assets,
    generations,
    jobs,
    migrate,
    pauses,
    upstream_keys,
    upstream_watermarks,
    usage,
    webhook_deliveries,
)
from app.db.backlog import Backlog
from app.domain.assets import AssetState
from app.runtime import Runtime


async def refresh(rt: Runtime) -> None:
    """Raises `Unavailable`; `reelgate_database_up` says so by itself."""
    gauges = rt.metrics
    gauges.database_up.set(0)
    async with rt.db.single() as tx:
        if not (await migrate.schema_of(tx)).serves:
            gauges.database_up.set(1)
            return
        unsettled = await generations.unsettled(tx)
        sums = await usage.sums(tx)
        unarchived = await assets.unarchived(tx)
        keys = await upstream_keys.usable_by_label(tx)
        accounts = await upstream_watermarks.by_label(tx)
        depths = await jobs.depths(tx)
        paused = await pauses.states(tx)
        pending = await webhook_deliveries.pending(tx)
    gauges.database_up.set(1)
    for state in ("queued", "submitting", "running", "unknown"):
        found = unsettled.get(state, Backlog())
        gauges.generations.labels(state).set(found.count)
        gauges.oldest_seconds.labels(state).set(found.oldest_seconds)
    for gauge in (gauges.videos, gauges.spent_credits, gauges.hold_credits):
        gauge.clear()
    for each in sums:
        gauges.videos.labels(each.team, each.dialect).set(each.videos)
        gauges.spent_credits.labels(each.team, each.dialect).set(each.spent_credits)
        gauges.hold_credits.labels(each.team, each.dialect).set(each.held_credits)
    for file_state in (AssetState.PENDING, AssetState.SET_ASIDE, AssetState.LOST):
        gauges.assets.labels(file_state).set(unarchived.get(file_state, Backlog()).count)
    gauges.assets_oldest_seconds.set(unarchived.get(AssetState.PENDING, Backlog()).oldest_seconds)
    gauges.upstream_keys.clear()
    for label, usable in keys.items():
        gauges.upstream_keys.labels(label).set(usable)
    of_accounts = (
        gauges.upstream_remaining, gauges.upstream_days_left, gauges.upstream_unexplained,
    )  # fmt: skip
    for gauge in of_accounts:
        gauge.clear()
    for label, account in accounts.items():
        gauges.upstream_remaining.labels(label).set(account.remaining)
        gauges.upstream_unexplained.labels(label).set(account.unexplained)
        if account.days_left is not None:
            gauges.upstream_days_left.labels(label).set(account.days_left)
    for pause in paused:
        gauges.paused.labels(pause.name.value).set(pause.paused)
    gauges.webhooks_pending.set(pending.count)
    gauges.webhooks_oldest_seconds.set(pending.oldest_seconds)
    gauges.jobs.clear()
    for depth in depths:
        gauges.jobs.labels(depth.kind, depth.status).set(depth.jobs)
