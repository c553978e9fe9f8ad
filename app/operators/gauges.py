"""Gauges read from the database: by an API process when it is scraped, by a worker now and then."""

from __future__ import annotations

from app.db import health, jobs, migrate, pauses, webhook_deliveries
from app.domain.assets import AssetState
from app.runtime import Runtime


async def refresh(rt: Runtime) -> None:
    """Raises `Unavailable`; `reelgate_database_up` says so by itself."""
    rt.metrics.database_up.set(0)
    async with rt.db.single() as tx:
        if not (await migrate.schema_of(tx)).serves:
            rt.metrics.database_up.set(1)
            return
        figures = await health.figures(tx)
        depths = await jobs.depths(tx)
        paused = await pauses.states(tx)
        pending = await webhook_deliveries.pending_figures(tx)
    gauges = rt.metrics
    gauges.database_up.set(1)
    for state in ("queued", "submitting", "running", "unknown"):
        gauges.generations.labels(state).set(figures.generations.get(state, 0))
        gauges.oldest_seconds.labels(state).set(figures.oldest_seconds.get(state, 0))
    gauges.hold_credits.set(figures.hold_credits)
    for state in (AssetState.PENDING, AssetState.SET_ASIDE, AssetState.LOST):
        gauges.assets.labels(state).set(figures.assets.get(state, 0))
    gauges.assets_oldest_seconds.set(figures.pending_asset_seconds)
    gauges.upstream_keys.clear()
    for label, usable in figures.upstream_keys.items():
        gauges.upstream_keys.labels(label).set(usable)
    for pause in paused:
        gauges.paused.labels(pause.name.value).set(pause.paused)
    gauges.webhooks_pending.set(pending.deliveries)
    gauges.webhooks_oldest_seconds.set(pending.oldest_seconds)
    gauges.jobs.clear()
    for depth in depths:
        gauges.jobs.labels(depth.kind, depth.status).set(depth.jobs)
