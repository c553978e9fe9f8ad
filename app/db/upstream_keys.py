"""Upstream keys: which are in use, and the budget of requests all workers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db.session import Tx

#: How soon to ask again while every key is set aside or its breaker is open.
NO_KEY_SECONDS = 10.0
#: A breaker stays open for no longer than this before the upstream is asked again.
MOST_OPEN_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamKey:
    id: int
    label: str
    state: str
    reason: str | None
    set_aside_at: datetime | None
    return_at: datetime | None
    failures: int
    open_until: datetime | None


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the budget of a key, taken; or how long to wait for one."""

    key_id: int | None
    wait_seconds: float = 0.0


async def register(tx: Tx, fingerprints: Mapping[str, str]) -> dict[str, int]:
    """Makes a row for each configured key (label → fingerprint) and returns label → id."""
    found: dict[str, int] = {}
    for label, fingerprint in fingerprints.items():
        found[label] = await tx.scalar(
            text(
                """
                INSERT INTO upstream_keys (label, fingerprint) VALUES (:label, :fingerprint)
                ON CONFLICT (fingerprint) DO UPDATE SET label = excluded.label, seen_at = now()
                RETURNING id
                """
            ),
            {"label": label, "fingerprint": fingerprint},
        )
    return found


async def mark_seen(tx: Tx, ids: Sequence[int]) -> None:
    """Says that a worker has these keys configured."""
    await tx.execute(
        text("UPDATE upstream_keys SET seen_at = now() WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )


async def list_keys(tx: Tx) -> list[UpstreamKey]:
    """The keys that some worker has configured now."""
    rows = await tx.execute(
        text(
            """
            SELECT id, label, state, reason, set_aside_at, return_at, failures, open_until
              FROM upstream_keys
             WHERE seen_at > now() - interval '2 minutes' ORDER BY id
            """
        )
    )
    return [UpstreamKey(**row._mapping) for row in rows]


async def take_slot(
    tx: Tx,
    ids: Sequence[int],
    *,
    per_minute: int,
    ahead: int,
    trial_seconds: float = 0.0,
    any_state: bool = False,
) -> Slot:
    """Takes one request out of the budget of the least busy of these keys.

    The budget is GCRA on the database's clock: a key may run `ahead` requests before it has to
    keep to `per_minute`, and where that is less than one a second, `ahead` seconds. Submissions
    pass a larger `ahead` than polls, so they go first when it is tight. An
    arrival more than a minute ahead means that the clock was set back, and is cut. `any_state` also
    takes keys that are set aside: a generation is polled with the key that made it.

    Where a look-up was answered since the breaker opened, the one that takes the slot is on trial:
    the breaker is open again, `trial_seconds` and twice as long each time, until it is answered.
    """
    step = 60.0 / per_minute
    # Below the minute after which an arrival is cut, or a small budget would never be used up.
    pause = min(step, 1.0)
    allowed = ahead * pause
    taken = (
        await tx.execute(
            text(
                """
                WITH candidate AS (
                    SELECT id, least(greatest(arrival_at, now()), now() + interval '1 minute')
                               AS arrival
                      FROM upstream_keys
                     WHERE id = ANY(:ids)
                       AND (:any_state OR (state = 'active' AND open_until IS NULL))
                     ORDER BY arrival_at LIMIT 1 FOR UPDATE
                ), taken AS (
                    UPDATE upstream_keys k
                       SET arrival_at = c.arrival + make_interval(secs => :step),
                           open_until = CASE WHEN :any_state OR openings = 0 THEN open_until
                               ELSE now() + make_interval(
                                   secs => least(:trial * 2 ^ least(openings, 20), :most)) END
                      FROM candidate c
                     WHERE k.id = c.id AND c.arrival < now() + make_interval(secs => :allowed)
                    RETURNING k.id
                )
                SELECT (SELECT id FROM taken) AS id,
                       (SELECT extract(epoch FROM arrival - now())::double precision
                          FROM candidate) AS backlog
                """
            ),
            {
                "ids": list(ids),
                "any_state": any_state,
                "step": step,
                "allowed": allowed,
                "trial": trial_seconds,
                "most": MOST_OPEN_SECONDS,
            },
        )
    ).one()
    if taken.id is not None:
        return Slot(taken.id)
    if taken.backlog is None:
        return Slot(None, NO_KEY_SECONDS)
    return Slot(None, max(taken.backlog - allowed, 0.0) + pause)


async def set_aside(tx: Tx, key_id: int, *, reason: str, return_seconds: float | None) -> bool:
    """Stops submissions through a key; True where it was in use. Null return: by hand only."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'set_aside', reason = :reason, set_aside_at = now(),
                   return_at = now() + make_interval(secs => CAST(:seconds AS double precision))
             WHERE id = :id AND state = 'active'
            """
        ),
        {"id": key_id, "reason": reason, "seconds": return_seconds},
    )
    return result.rowcount == 1


async def return_due(tx: Tx) -> list[str]:
    """Takes keys whose time aside is over back into use; returns their labels."""
    rows = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'active', reason = NULL, set_aside_at = NULL,
                   return_at = NULL
             WHERE state = 'set_aside' AND return_at <= now() RETURNING label
            """
        )
    )
    return [row.label for row in rows]


async def take_back(tx: Tx, label: str) -> bool:
    """Takes a key back into use by hand; True where there is one with this label."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'active', reason = NULL, set_aside_at = NULL,
                   return_at = NULL, failures = 0, open_until = NULL, openings = 0
             WHERE label = :label
            """
        ),
        {"label": label},
    )
    return result.rowcount > 0


async def count_failure(tx: Tx, key_id: int, *, threshold: int, open_seconds: float) -> bool:
    """Counts a submission that got no answer. True where that opened the key's breaker: from
    `threshold` in a row on nothing is sent through it until a harmless look-up is answered."""
    opened = await tx.scalar(
        text(
            """
            WITH before AS (
                SELECT id, open_until FROM upstream_keys WHERE id = :id FOR UPDATE
            )
            UPDATE upstream_keys k SET failures = failures + 1,
                   open_until = CASE WHEN failures + 1 >= :threshold OR k.open_until IS NOT NULL
                                     THEN coalesce(k.open_until,
                                                   now() + make_interval(secs => :seconds)) END
              FROM before b WHERE k.id = b.id
            RETURNING b.open_until IS NULL AND k.open_until IS NOT NULL
            """
        ),
        {"id": key_id, "threshold": threshold, "seconds": open_seconds},
    )
    return bool(opened)


async def count_answer(tx: Tx, key_id: int) -> bool:
    """An answer ends a row of failures; True where it ended the trial of a breaker. Writes only
    where there is something to end."""
    closed = await tx.scalar(
        text(
            """
            WITH before AS (
                SELECT id, openings FROM upstream_keys
                 WHERE id = :id AND (openings > 0 OR (failures > 0 AND open_until IS NULL))
                   FOR UPDATE
            )
            UPDATE upstream_keys k SET failures = 0, open_until = NULL, openings = 0
              FROM before b WHERE k.id = b.id RETURNING b.openings > 0
            """
        ),
        {"id": key_id},
    )
    return bool(closed)


async def lease_probes(tx: Tx, *, first_seconds: float) -> list[UpstreamKey]:
    """The keys whose breaker should be probed now; each opening waits twice as long as the last,
    so nobody else probes them meanwhile."""
    rows = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET openings = openings + 1,
                   open_until = now() + make_interval(
                       secs => least(:first * 2 ^ least(openings + 1, 20), :most))
             WHERE open_until <= now()
            RETURNING id, label, state, reason, set_aside_at, return_at, failures, open_until
            """
        ),
        {"first": first_seconds, "most": MOST_OPEN_SECONDS},
    )
    return [UpstreamKey(**row._mapping) for row in rows]


async def begin_trial(tx: Tx, probed: UpstreamKey) -> bool:
    """A look-up was answered: one submission may show whether submissions are, too. False where
    the lease of the probe has run out, and another one's trial or answer came first."""
    result = await tx.execute(
        text(
            "UPDATE upstream_keys SET failures = 0, open_until = NULL"
            " WHERE id = :id AND open_until = :leased"
        ),
        {"id": probed.id, "leased": probed.open_until},
    )
    return bool(result.rowcount)
