"""When the jobs come back that found no request left in an upstream key's budget.

The first that finds none decides for all that are due. If each tried for itself, a worker with
thousands of them would do nothing else: one transaction each, for a budget of a few requests a
second. Jobs that another session has locked at the moment decide for themselves.
"""

from __future__ import annotations

import math

from sqlalchemy import text

from app.db.session import Tx

#: Recompute a waiting submission's turn at least this often: those before it may be canceled.
LONGEST_SECONDS = 30.0


async def postpone_submissions(tx: Tx, *, wait_seconds: float, per_minute: int) -> None:
    """Postpones each submission that is due until about its turn: each one before it takes one of
    the requests `per_minute` that all keys together may make, the next in `wait_seconds`."""
    a_second = per_minute / 60
    await tx.execute(
        text(
            """
            WITH due AS (
                SELECT id FROM procrastinate_jobs
                 WHERE queue_name = 'submit' AND status = 'todo'
                   AND (scheduled_at IS NULL OR scheduled_at <= now())
                   FOR NO KEY UPDATE SKIP LOCKED
            ), waiting AS (
                -- In the order in which the library fetches jobs, no further than matters.
                SELECT id, priority FROM procrastinate_jobs
                 WHERE queue_name = 'submit' AND status = 'todo'
                 ORDER BY priority DESC, id LIMIT :most
            ), places AS (
                SELECT id, row_number() OVER (ORDER BY priority DESC, id) - 1 AS ahead FROM waiting
            )
            UPDATE procrastinate_jobs j
               SET scheduled_at = now() + make_interval(secs => greatest(
                       :wait, least(:wait + coalesce(p.ahead, :most) / :a_second, :longest)))
              FROM due d LEFT JOIN places p ON p.id = d.id
             WHERE j.id = d.id
            """
        ),
        {
            "wait": wait_seconds,
            "a_second": a_second,
            "most": math.ceil(LONGEST_SECONDS * a_second),
            "longest": LONGEST_SECONDS,
        },
    )


async def spread_polls(
    tx: Tx, upstream_key_id: int, *, wait_seconds: float, over_seconds: float
) -> None:
    """Spreads the polls of a key that are due over a time in which the budget allows all of them,
    so that each finds a request. Those that came back for the next one would not."""
    await tx.execute(
        text(
            """
            WITH due AS (
                SELECT j.id FROM procrastinate_jobs j
                  JOIN generations g ON g.id = (j.args->>'subject_id')::uuid
                 WHERE j.queue_name = 'poll' AND j.status = 'todo'
                   AND (j.scheduled_at IS NULL OR j.scheduled_at <= now())
                   AND g.upstream_key_id = :key
                   FOR NO KEY UPDATE OF j SKIP LOCKED
            )
            UPDATE procrastinate_jobs j
               SET scheduled_at = now() + make_interval(secs => :wait + random() * :over)
              FROM due WHERE j.id = due.id
            """
        ),
        {"key": upstream_key_id, "wait": wait_seconds, "over": over_seconds},
    )
