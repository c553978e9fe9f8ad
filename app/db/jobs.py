"""Jobs: rows in the job library's tables, written in the caller's transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


class Job(StrEnum):
    """Kinds of work. Each has its own queue."""

    SUBMIT = "submit"
    POLL = "poll"
    ARCHIVE = "archive"
    #: Its subject is a webhook delivery; that of all other kinds is a generation.
    DELIVER = "deliver"


async def enqueue(
    tx: Tx, job: Job, subject_id: UUID, *, priority: int = 0, at: datetime | None = None
) -> None:
    """Adds a job in the caller's transaction. Does nothing while one of its kind is waiting for
    this subject."""
    await tx.execute(
        text("SELECT reelgate_enqueue(:kind, :id, :priority, CAST(:at AS timestamptz))"),
        {"kind": job.value, "id": subject_id, "priority": priority, "at": at},
    )


async def run_now(tx: Tx, job: Job, subject_id: UUID) -> None:
    """Makes the job due now, if it waits for a later time."""
    await tx.execute(
        text(
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE queueing_lock = :lock AND status = 'todo' AND scheduled_at > now()"
        ),
        {"lock": f"{job.value}:{subject_id}"},
    )


async def run_all_now(tx: Tx, job: Job) -> None:
    """Makes every job of this kind due now that waits for a later time."""
    await tx.execute(
        text(
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE queue_name = :kind AND status = 'todo' AND scheduled_at > now()"
        ),
        {"kind": job.value},
    )


async def count_ahead(tx: Tx, *, priority: int, most: int | None = None) -> int:
    """How many waiting submissions go before one of this priority, or have the same; counts up to
    `most`."""
    # 2^63 - 1: it gets a greater number than all that wait.
    counted = await tx.scalar(
        text("SELECT reelgate_count_ahead('submit', :priority, 9223372036854775807, :most)"),
        {"priority": priority, "most": most},
    )
    return int(counted or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    kind: str
    status: str
    jobs: int


async def depths(tx: Tx) -> list[Depth]:
    rows = await tx.execute(
        text(
            "SELECT queue_name AS kind, status::text, count(*) AS jobs FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') GROUP BY queue_name, status"
        )
    )
    return [Depth(**row._mapping) for row in rows]


async def worker_seen_seconds(tx: Tx) -> float | None:
    """Seconds since the latest heartbeat of any worker; None if no worker is registered."""
    seen = await tx.scalar(
        text("SELECT extract(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
    )
    return None if seen is None else float(seen)


async def rescue(tx: Tx, *, stalled_seconds: float, longest_seconds: float) -> list[str]:
    """Returns the jobs of dead workers, and jobs that run too long, to the queue.

    A worker without a heartbeat for `stalled_seconds` counts as dead. No job may run longer than
    `longest_seconds`. Returns the kinds of the rescued jobs. If a job of the same kind already
    waits for the subject, the dead one is only removed.
    """
    rows = await tx.execute(
        text(
            """
            WITH dead AS (
                DELETE FROM procrastinate_workers
                 WHERE last_heartbeat < now() - make_interval(secs => :stalled)
                   -- While Postgres itself was away nobody could give a sign of life.
                   AND pg_postmaster_start_time() < now() - make_interval(secs => :stalled)
                RETURNING id
            ), orphans AS (
                SELECT j.id, j.queueing_lock, j.queue_name FROM procrastinate_jobs j
                 WHERE (j.status = 'doing'
                        AND (j.worker_id IS NULL OR j.worker_id IN (SELECT id FROM dead)))
                    OR j.status IN ('failed', 'aborted')
                    -- Its worker lives but could not report its end.
                    OR (j.status = 'doing' AND NOT EXISTS (
                        SELECT FROM procrastinate_events e WHERE e.job_id = j.id
                           AND e.type = 'started'
                           AND e.at > now() - make_interval(secs => :longest)))
                   FOR UPDATE SKIP LOCKED
            ), twins AS (
                DELETE FROM procrastinate_jobs j USING orphans o
                 WHERE j.id = o.id AND EXISTS (
                    SELECT FROM procrastinate_jobs other
                     WHERE other.queueing_lock = o.queueing_lock AND other.status = 'todo')
                RETURNING j.id
            ), firsts AS (
                SELECT DISTINCT ON (queueing_lock) id FROM orphans
                 WHERE id NOT IN (SELECT id FROM twins) ORDER BY queueing_lock, id
            )
            UPDATE procrastinate_jobs j
               SET status = 'todo', worker_id = NULL, abort_requested = false,
                   scheduled_at = now()
              FROM firsts f WHERE j.id = f.id RETURNING j.queue_name
            """
        ),
        {"stalled": stalled_seconds, "longest": longest_seconds},
    )
    return [row.queue_name for row in rows]


async def enqueue_missing(tx: Tx, wanted: str, **values: object) -> list[str]:
    """Makes a job for each row (`id`, `kind`, `priority`) of the query `wanted` that has none. Each
    noun has its own query. Returns the kinds of the new jobs."""
    rows = await tx.execute(
        text(
            f"""
            WITH busy AS (
                SELECT (args->>'subject_id')::uuid AS id, queue_name FROM procrastinate_jobs
                 WHERE status IN ('todo', 'doing')
            ), wanted AS ({wanted})
            SELECT w.kind, reelgate_enqueue(w.kind, w.id, w.priority, NULL) FROM wanted w
             WHERE NOT EXISTS (SELECT FROM busy b WHERE b.id = w.id AND b.queue_name = w.kind)
            """  # noqa: S608 - a constant of a module beside this one
        ),
        values,
    )
    return [row.kind for row in rows]


async def prune(tx: Tx) -> None:
    """Deletes jobs that have succeeded but were left behind."""
    await tx.execute(
        text("DELETE FROM procrastinate_jobs WHERE status IN ('succeeded', 'cancelled')")
    )


async def lead_upkeep(tx: Tx) -> bool:
    """True for one transaction at a time among all workers."""
    return bool(
        await tx.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('reelgate upkeep'))"))
    )
