"""How long recent successful generations were queued and how long they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTimes:
    """How long recent generations of a model were queued, and how long they took, in seconds."""

    samples: int
    wait_p50_seconds: float
    wait_p90_seconds: float
    duration_p50_seconds: float
    duration_p90_seconds: float


_OF_MODELS = text(
    """
    SELECT model, count(*) AS samples,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY waited) AS wait_p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY waited) AS wait_p90_seconds,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS duration_p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY took) AS duration_p90_seconds
      FROM (
        SELECT model, waited, took,
               row_number() OVER (PARTITION BY model ORDER BY finished_at DESC) AS place
          FROM unnest(CAST(:models AS text[]), CAST(:kinds AS text[])) AS asked (model, kind)
         CROSS JOIN LATERAL (
            SELECT finished_at,
                   extract(epoch FROM submitted_at - created_at)::double precision AS waited,
                   extract(epoch FROM finished_at - submitted_at)::double precision AS took
              FROM generations
             WHERE state = 'succeeded' AND submitted_at IS NOT NULL
               AND generations.kind = asked.kind
             ORDER BY finished_at DESC LIMIT 50
         ) AS of_kind
      ) AS latest
     WHERE place <= 50
     GROUP BY model
    """
)


async def times_of_models(tx: Tx, kinds_of: Mapping[str, Sequence[str]]) -> dict[str, ModelTimes]:
    """From the last 50 of each model that succeeded, of the kinds that it has; without the models
    that made none. One statement, whose work does not grow with the past."""
    pairs = [(model, kind) for model, kinds in kinds_of.items() for kind in kinds]
    found = await tx.execute(
        _OF_MODELS, {"models": [pair[0] for pair in pairs], "kinds": [pair[1] for pair in pairs]}
    )
    times: dict[str, ModelTimes] = {}
    for row in found:
        figures = dict(row._mapping)
        model = figures.pop("model")
        times[model] = ModelTimes(**figures)
    return times
