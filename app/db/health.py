"""What operators look at: readiness, and the figures behind the gauges."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db import assets
from app.db.session import Tx
from app.db.upstream_keys import USABLE
from app.domain.assets import AssetState


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    generations: dict[str, int]
    oldest_seconds: dict[str, float]
    hold_credits: int
    assets: dict[str, int]
    pending_asset_seconds: float
    upstream_keys: dict[str, bool]


async def clock_offset_seconds(tx: Tx, now_epoch: float) -> float:
    """How far this machine's clock is ahead of the database's."""
    theirs = await tx.scalar(text("SELECT extract(epoch FROM clock_timestamp())"))
    return now_epoch - float(theirs or 0)


async def server_version(tx: Tx) -> int:
    """As Postgres counts it: 180000 is 18.0."""
    return int(await tx.scalar(text("SHOW server_version_num")) or 0)


async def figures(tx: Tx) -> Figures:
    """What waited in the queue is not old at the upstream: there it counts from when it came."""
    states = await tx.execute(
        text(
            """
            SELECT state, count(*) AS rows,
                   extract(epoch FROM now() - min(CASE state
                       WHEN 'submitting' THEN coalesce(submitted_at, created_at)
                       WHEN 'running' THEN coalesce(running_at, created_at)
                       ELSE created_at END))::double precision AS oldest
              FROM generations WHERE state IN ('queued', 'submitting', 'running', 'unknown')
             GROUP BY state
            """
        )
    )
    by_state = {row.state: (row.rows, row.oldest) for row in states}
    holds = await tx.scalar(
        text("SELECT coalesce(sum(credits), 0) FROM ledger_entries WHERE counted AND kind = 'hold'")
    )
    files = await assets.unarchived_figures(tx)
    keys = await tx.execute(
        text(
            f"SELECT label, {USABLE} AS usable FROM upstream_keys"  # noqa: S608
            " WHERE seen_at > now() - interval '2 minutes'"
        )
    )
    return Figures(
        generations={state: count for state, (count, _) in by_state.items()},
        oldest_seconds={state: oldest for state, (_, oldest) in by_state.items()},
        hold_credits=int(holds or 0),
        assets={state.value: count for state, (count, _) in files.items()},
        pending_asset_seconds=files.get(AssetState.PENDING, (0, 0.0))[1],
        upstream_keys={row.label: row.usable for row in keys},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFigures:
    generations: int
    oldest_seconds: float


async def unknown_figures(tx: Tx) -> UnknownFigures:
    row = (
        await tx.execute(
            text(
                "SELECT count(*) AS generations,"
                " coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision"
                " AS oldest_seconds FROM generations WHERE state = 'unknown'"
            )
        )
    ).one()
    return UnknownFigures(**row._mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrances:
    """What keeps a gateway that is ready from working: what an operator has paused, and how many
    of the configured upstream keys are in use."""

    paused: list[str]
    keys: int
    usable_keys: int


async def hindrances(tx: Tx) -> Hindrances:
    row = (
        await tx.execute(
            text(
                f"""
                SELECT ARRAY(SELECT name FROM pauses WHERE paused ORDER BY name) AS paused,
                       count(*) AS keys, count(*) FILTER (WHERE {USABLE}) AS usable_keys
                  FROM upstream_keys WHERE seen_at > now() - interval '2 minutes'
                """  # noqa: S608
            )
        )
    ).one()
    return Hindrances(**row._mapping)


async def prune_idempotency_keys(tx: Tx) -> int:
    result = await tx.execute(
        text(
            "DELETE FROM idempotency_keys WHERE (member_id, scope, key) IN"
            " (SELECT member_id, scope, key FROM idempotency_keys WHERE expires_at < now()"
            " LIMIT 1000)"
        )
    )
    return int(result.rowcount)


async def lead_upkeep(tx: Tx) -> bool:
    """True for one transaction at a time among all workers."""
    return bool(
        await tx.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('reelgate upkeep'))"))
    )
