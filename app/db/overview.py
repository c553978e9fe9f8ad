"""What those who manage see first: how it goes lately, and what needs a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.assets import AssetState

#: How many kinds of generations, and how many videos, are told one by one.
_MOST_KINDS = 20
_MOST_VIDEOS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Generations of some days that have ended, and what they cost."""

    succeeded: int
    failed: int
    canceled: int
    settled: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """How long recent generations of a kind were queued, and took from being sent to their end."""

    kind: str
    samples: int
    p50_seconds: float
    p90_seconds: float
    waited_p50_seconds: float
    waited_p90_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endangered:
    """A video that is not archived yet although it was tried, or that is set aside.
    `link_expires_at`: then the upstream's link ends. None where no link is needed any more."""

    generation_id: UUID
    team: str
    member: str
    state: AssetState
    attempts: int
    created_at: datetime
    link_expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """People and receivers that wait for somebody."""

    sign_ins: int
    credit_requests: int
    failing_endpoints: int
    disabled_endpoints: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What still goes on, of everybody. `drained`: nothing does, and nothing more comes, so whoever
    stops the gateway interrupts nothing."""

    admission_paused: bool
    submission_paused: bool
    queued: int
    submitting: int
    running: int
    archiving: int
    drained: bool


#: A create that was decided just before the pause may still commit for so long: its statement and
#: its transaction may each take fifteen seconds (`app.db.session`).
_DECIDED_SECONDS = 30
#: One statement, so that nothing moves between its counts.
_DRAIN = text(
    """
    SELECT admission_paused, submission_paused, queued, submitting, running, archiving,
           admission_paused AND lasting AND queued + submitting + running + archiving = 0 AS drained
      FROM (SELECT bool_or(paused) FILTER (WHERE name = 'admission') AS admission_paused,
                   bool_or(paused) FILTER (WHERE name = 'submission') AS submission_paused,
                   bool_or(changed_at <= now() - make_interval(secs => :seconds))
                     FILTER (WHERE name = 'admission') AS lasting
              FROM pauses) p
     CROSS JOIN (SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
                        count(*) FILTER (WHERE state = 'submitting') AS submitting,
                        count(*) FILTER (WHERE state = 'running') AS running
                   FROM generations WHERE state IN ('queued', 'submitting', 'running')) g
     CROSS JOIN (SELECT count(*) AS archiving FROM assets WHERE state = 'pending') a
    """
)

#: From the roll-up by day, each team's in its own time zone.
_ENDED = text(
    """
    SELECT coalesce(sum(u.generations) FILTER (WHERE u.state = 'succeeded'), 0)::bigint
             AS succeeded,
           coalesce(sum(u.generations) FILTER (WHERE u.state = 'failed'), 0)::bigint AS failed,
           coalesce(sum(u.generations) FILTER (WHERE u.state = 'canceled'), 0)::bigint AS canceled,
           coalesce(sum(u.settled), 0)::bigint AS settled
      FROM teams t JOIN team_usage u ON u.team_id = t.id
       AND u.day > (now() AT TIME ZONE t.time_zone)::date - CAST(:days AS integer)
     WHERE CAST(:team_id AS uuid) IS NULL OR t.id = :team_id
    """
)
#: Steps from kind to kind in the index of what succeeded, and reads the newest of each.
_TOOK = text(
    """
    WITH RECURSIVE kinds AS (
        (SELECT kind FROM generations WHERE state = 'succeeded' ORDER BY kind LIMIT 1)
         UNION ALL
        SELECT (SELECT g.kind FROM generations g
                 WHERE g.state = 'succeeded' AND g.kind > k.kind ORDER BY g.kind LIMIT 1)
          FROM kinds k WHERE k.kind IS NOT NULL
    )
    SELECT k.kind, count(*) AS samples,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY l.took) AS p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY l.took) AS p90_seconds,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY l.waited) AS waited_p50_seconds,
           percentile_cont(0.9) WITHIN GROUP (ORDER BY l.waited) AS waited_p90_seconds
      FROM kinds k CROSS JOIN LATERAL (
          SELECT extract(epoch FROM finished_at - submitted_at)::double precision AS took,
                 extract(epoch FROM submitted_at - created_at)::double precision AS waited,
                 finished_at
            FROM generations g
           WHERE g.state = 'succeeded' AND g.submitted_at IS NOT NULL AND g.kind = k.kind
             AND g.finished_at > now() - interval '7 days'
           ORDER BY g.finished_at DESC LIMIT 50) l
     GROUP BY k.kind ORDER BY max(l.finished_at) DESC LIMIT :most
    """
)
_ENDANGERED = text(
    """
    SELECT a.generation_id, t.name AS team, m.name AS member, a.state, a.attempts, a.created_at,
           a.source_expires_at AS link_expires_at
      FROM (
        SELECT * FROM assets
         WHERE state IN ('pending', 'set_aside') AND kind = 'video'
           AND (CAST(:team_id AS uuid) IS NULL OR team_id = :team_id)
           -- One whose first attempt goes on is on its way.
           AND (state = 'set_aside' OR attempts > 1 OR created_at < now() - interval '10 minutes')
         ORDER BY source_expires_at NULLS LAST, created_at LIMIT :most) a
      JOIN generations g ON g.id = a.generation_id
      JOIN teams t ON t.id = g.team_id JOIN members m ON m.id = g.member_id
     ORDER BY a.source_expires_at NULLS LAST, a.created_at
    """
)
_WAITING = text(
    """
    SELECT (SELECT count(*) FROM sign_in_requests WHERE refused_at IS NULL) AS sign_ins,
           (SELECT count(*) FROM credit_requests WHERE state = 'open'
               AND (CAST(:team_id AS uuid) IS NULL OR team_id = :team_id)) AS credit_requests,
           -- Whoever misses one message is tried again before anybody is called.
           count(*) FILTER (WHERE w.state = 'enabled'
                              AND w.failing_since < now() - interval '1 hour')
             AS failing_endpoints,
           count(*) FILTER (WHERE w.state = 'disabled' AND w.disabled_reason IN ('gone', 'failing'))
             AS disabled_endpoints
      FROM webhook_endpoints w WHERE CAST(:team_id AS uuid) IS NULL OR w.team_id = :team_id
    """
)


async def ended(tx: Tx, team_id: UUID | None, *, days: int) -> Ended:
    """Of one team or of all. 1 day: today."""
    row = (await tx.execute(_ENDED, {"team_id": team_id, "days": days})).one()
    return Ended(**row._mapping)


async def took(tx: Tx) -> list[Took]:
    """Of all teams, what ended last first: the latest 50 of each kind, of a week."""
    return [Took(**row._mapping) for row in await tx.execute(_TOOK, {"most": _MOST_KINDS})]


async def endangered(tx: Tx, team_id: UUID | None) -> list[Endangered]:
    """Of one team or of all; those whose link ends first. At most twenty."""
    rows = await tx.execute(_ENDANGERED, {"team_id": team_id, "most": _MOST_VIDEOS})
    return [Endangered(**{**row._mapping, "state": AssetState(row.state)}) for row in rows]


async def drain(tx: Tx) -> Drain:
    return Drain(**(await tx.execute(_DRAIN, {"seconds": _DECIDED_SECONDS})).one()._mapping)


async def waiting(tx: Tx, team_id: UUID | None) -> Waiting:
    """Of one team or of all; people who sign in for the first time are of no team."""
    return Waiting(**(await tx.execute(_WAITING, {"team_id": team_id})).one()._mapping)
