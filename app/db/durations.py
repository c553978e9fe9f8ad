"""How long recent successful generations were queued and how long they took."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How long similar generations took from submission to result, in seconds; 0 if unknown."""

    samples: int
    p10_seconds: float
    p50_seconds: float
    p90_seconds: float


async def history_of(tx: Tx, kind: str) -> History:
    """From the last 50 of this kind that succeeded."""
    row = (
        await tx.execute(
            text(
                """
                SELECT count(*) AS samples,
                       coalesce(percentile_cont(0.1) WITHIN GROUP (ORDER BY took), 0)
                         AS p10_seconds,
                       coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY took), 0)
                         AS p50_seconds,
                       coalesce(percentile_cont(0.9) WITHIN GROUP (ORDER BY took), 0)
                         AS p90_seconds
                  FROM (
                    SELECT extract(epoch FROM finished_at - submitted_at)::double precision AS took
                      FROM generations
                     WHERE state = 'succeeded' AND submitted_at IS NOT NULL AND kind = :kind
                     ORDER BY finished_at DESC LIMIT 50
                  ) AS latest
                """
            ),
            {"kind": kind},
        )
    ).one()
    return History(**row._mapping)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long recent similar generations were queued before they were sent."""

    samples: int
    p50_seconds: float
    p90_seconds: float


_WAITS = text(
    """
    SELECT count(*) AS samples,
           coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY waited), 0) AS p50_seconds,
           coalesce(percentile_cont(0.9) WITHIN GROUP (ORDER BY waited), 0) AS p90_seconds
      FROM (
        SELECT extract(epoch FROM submitted_at - created_at)::double precision AS waited
          FROM generations
         WHERE state = 'succeeded' AND submitted_at IS NOT NULL AND kind = :kind
         ORDER BY finished_at DESC LIMIT 50
      ) AS latest
    """
)


async def waits_of(tx: Tx, kind: str) -> Waits:
    """From the last 50 of this kind that succeeded."""
    row = (await tx.execute(_WAITS, {"kind": kind})).one()
    return Waits(**row._mapping)
