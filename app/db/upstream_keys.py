"""Upstream keys: which may be used, and the request budget that all workers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.db.session import Tx
from app.db.upstream_watermarks import Mark
from app.domain.upstream_keys import BreakerState, Figures, KeyCheck, KeyState

#: When to ask again while no key may be used.
NO_KEY_SECONDS = 10.0
#: The longest time between two probes of a breaker.
MAX_OPEN_SECONDS = 300.0
#: Condition on a row: a submission may go through this key now.
USABLE = "state = 'active' AND breaker_until IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamKey:
    """`set_aside_at` and `reason` are those of a pause, too. `breaker_failures` counts consecutive
    submissions without an answer. `breaker_until` is when the next probe is due. While half open it
    is when the trial is given up, or None before the trial. `minute_requests` are those of this
    minute of the clock. `test_result` is that of the latest test that was done."""

    id: int
    label: str
    fingerprint: str
    state: KeyState
    reason: str | None
    set_aside_at: datetime | None
    return_at: datetime | None
    breaker: BreakerState
    breaker_failures: int
    breaker_until: datetime | None
    minute_requests: int
    test_requested_at: datetime | None
    tested_at: datetime | None
    test_result: KeyCheck | None


COLUMNS = (
    "id, label, fingerprint, state, reason, set_aside_at, return_at, breaker, breaker_failures,"
    " breaker_until, test_requested_at, tested_at, test_result, CASE WHEN minute_at ="
    " date_trunc('minute', now()) THEN minute_requests ELSE 0 END AS minute_requests"
)


def key_from(row: Row[Any]) -> UpstreamKey:
    return UpstreamKey(**{
        **row._mapping,
        "state": KeyState(row.state),
        "breaker": BreakerState(row.breaker),
        "test_result": row.test_result and KeyCheck(row.test_result),
    })  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slot:
    """One request of a key's budget, or how long to wait for one. `mark` is what is known of the
    key's account before that request."""

    key_id: int | None
    wait_seconds: float = 0.0
    mark: Mark | None = None


async def register(tx: Tx, fingerprints: Mapping[str, str]) -> dict[str, int]:
    """Makes a row for each configured key (label → fingerprint); returns label → id."""
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
    """Records that a worker has these keys configured."""
    await tx.execute(
        text("UPDATE upstream_keys SET seen_at = now() WHERE id = ANY(:ids)"), {"ids": list(ids)}
    )


async def list_keys(tx: Tx) -> list[UpstreamKey]:
    """The keys that some worker has configured now."""
    rows = await tx.execute(
        text(
            f"SELECT {COLUMNS} FROM upstream_keys"  # noqa: S608
            " WHERE seen_at > now() - interval '2 minutes' ORDER BY id"
        )
    )
    return [key_from(row) for row in rows]


async def is_known(tx: Tx, label: str) -> bool:
    found = await tx.scalar(
        text("SELECT EXISTS (SELECT FROM upstream_keys WHERE label = :label)"), {"label": label}
    )
    return bool(found)


async def take_slot(
    tx: Tx,
    ids: Sequence[int],
    *,
    per_minute: int,
    ahead: int,
    trial_seconds: float | None = None,
    any_state: bool = False,
) -> Slot:
    """Takes one request from the budget of the least busy of these keys.

    The budget is GCRA on the database's clock: a key may send `ahead` requests before it is held to
    `per_minute`; with a budget below one request a second, `ahead` is in seconds. Submissions pass
    a larger `ahead` than polls, so they go first when the budget is tight. An arrival more than a
    minute ahead means that the clock was set back, and is cut. `any_state` also allows keys that
    are set aside or whose breaker is open, because a generation is polled with the key that created
    it.

    The submission that takes the slot of a half-open breaker is its trial. No other submission goes
    until it is answered, or until its time is over: `trial_seconds`, doubled by each probe so far.
    What is no submission has none and is no trial.
    """
    step = 60.0 / per_minute
    # Below the minute at which arrivals are cut; otherwise a small budget would never run out.
    pause = min(step, 1.0)
    allowed = ahead * pause
    taken = (
        await tx.execute(
            text(
                f"""
                WITH candidate AS (
                    SELECT id, least(greatest(arrival_at, now()), now() + interval '1 minute')
                               AS arrival
                      FROM upstream_keys
                     WHERE id = ANY(:ids) AND (:any_state OR {USABLE})
                     ORDER BY arrival_at LIMIT 1 FOR NO KEY UPDATE
                ), taken AS (
                    UPDATE upstream_keys k
                       SET arrival_at = c.arrival + make_interval(secs => :step),
                           minute_at = date_trunc('minute', now()),
                           minute_requests = 1 + CASE WHEN minute_at = date_trunc('minute', now())
                               THEN minute_requests ELSE 0 END,
                           breaker_until = CASE
                               WHEN CAST(:trial AS double precision) IS NULL
                                    OR breaker <> 'half_open' THEN breaker_until
                               ELSE now() + make_interval(
                                   secs => least(:trial * 2 ^ least(breaker_probes, 20), :most))
                               END
                      FROM candidate c
                     WHERE k.id = c.id AND c.arrival < now() + make_interval(secs => :allowed)
                    RETURNING k.id
                )
                SELECT t.id, coalesce(w.number, 0) AS number, w.used, w.credit_limit,
                       coalesce(w.ledger_low < w.settled
                                OR w.observed_at < now() - interval '1 minute', true) AS due,
                       (SELECT extract(epoch FROM arrival - now())::double precision
                          FROM candidate) AS backlog
                  FROM (SELECT) AS always LEFT JOIN taken t ON true
                  LEFT JOIN upstream_watermarks w ON w.upstream_key_id = t.id
                """  # noqa: S608
            ),
            {
                "ids": list(ids),
                "any_state": any_state,
                "step": step,
                "allowed": allowed,
                "trial": trial_seconds,
                "most": MAX_OPEN_SECONDS,
            },
        )
    ).one()
    if taken.id is not None:
        return Slot(taken.id, mark=_mark(taken))
    if taken.backlog is None:
        return Slot(None, NO_KEY_SECONDS)
    return Slot(None, max(taken.backlog - allowed, 0.0) + pause)


def _mark(row: Row[Any]) -> Mark:
    known = None
    if row.used is not None:
        known = Figures(used=row.used, credit_limit=row.credit_limit)
    return Mark(number=row.number, figures=known, due=row.due)


async def count_unproven(tx: Tx, key_id: int, *, since: datetime, at_most: int) -> int:
    """The number of consecutive failures of a key, plus the submissions sent since then that have
    no answer yet; counts up to `at_most`. Exact once the caller has taken a slot of the key, since
    then no other submission begins."""
    counted = await tx.scalar(
        text(
            """
            SELECT breaker_failures + (
                       SELECT count(*) FROM (
                           SELECT FROM generations g
                            WHERE g.state = 'submitting' AND g.upstream_key_id = k.id
                              AND g.submitted_at > :since LIMIT :at_most) AS sent)
              FROM upstream_keys k WHERE k.id = :id
            """
        ),
        {"id": key_id, "since": since, "at_most": at_most},
    )
    return int(counted or 0)


async def set_aside(
    tx: Tx,
    key_id: int,
    *,
    reason: str,
    return_seconds: float | None = None,
    needed: int | None = None,
) -> bool:
    """Stops submissions through a key. True if it was in use. It returns after `return_seconds`, or
    once its account can pay `needed` credits above the reserve."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'set_aside', reason = :reason, set_aside_at = now(),
                   return_at = now() + make_interval(secs => CAST(:seconds AS double precision)),
                   needed = :needed
             WHERE id = :id AND state = 'active'
            """
        ),
        {"id": key_id, "reason": reason, "seconds": return_seconds, "needed": needed},
    )
    return result.rowcount == 1


async def pause(tx: Tx, label: str, *, reason: str) -> bool:
    """Stops submissions through a key until it is returned by hand. False if no key has this
    label."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'paused', reason = :reason, set_aside_at = now(),
                   return_at = NULL, needed = NULL
             WHERE label = :label
            """
        ),
        {"label": label, "reason": reason},
    )
    return result.rowcount > 0


async def return_due(tx: Tx, *, reserve: int | None) -> list[str]:
    """Returns keys to use whose time aside is over, or whose accounts have enough above the
    reserve; returns their labels. `reserve` None: there is none any more."""
    rows = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'active', reason = NULL, set_aside_at = NULL,
                   return_at = NULL, needed = NULL
             WHERE state = 'set_aside' AND (return_at <= now() OR needed IS NOT NULL AND coalesce(
                   reelgate_upstream_remaining(id) >= needed + CAST(:reserve AS bigint), true))
            RETURNING label
            """
        ),
        {"reserve": reserve},
    )
    return [row.label for row in rows]


async def return_to_use(tx: Tx, label: str) -> bool:
    """Returns a key to use by hand, with its breaker closed. False if no key has this label."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys SET state = 'active', reason = NULL, set_aside_at = NULL,
                   return_at = NULL, needed = NULL, breaker = 'closed', breaker_failures = 0,
                   breaker_probes = 0, breaker_until = NULL
             WHERE label = :label
            """
        ),
        {"label": label},
    )
    return result.rowcount > 0


async def record_failure(tx: Tx, key_id: int, *, threshold: int, open_seconds: float) -> bool:
    """Records a submission without an answer. It opens the breaker if it is the trial, or the
    `threshold`th in a row. True if that opened a closed breaker. A breaker that is open, or on
    trial, keeps its `breaker_until`."""
    opened = await tx.scalar(
        text(
            """
            WITH before AS (
                SELECT id, breaker_until IS NOT NULL
                           OR breaker_failures + 1 >= :threshold AS opens, breaker_until
                  FROM upstream_keys WHERE id = :id FOR NO KEY UPDATE
            )
            UPDATE upstream_keys k
               SET breaker_failures = breaker_failures + 1,
                   breaker = CASE WHEN b.opens THEN 'open' ELSE breaker END,
                   breaker_until = CASE WHEN b.opens THEN coalesce(
                       k.breaker_until, now() + make_interval(secs => :seconds)) END
              FROM before b WHERE k.id = b.id
            RETURNING b.opens AND b.breaker_until IS NULL
            """
        ),
        {"id": key_id, "threshold": threshold, "seconds": open_seconds},
    )
    return bool(opened)


async def record_answer(tx: Tx, key_id: int) -> bool:
    """Records that a submission was answered. True if that closed a breaker that had been probed;
    one that has not been probed yet stays open. Writes nothing if there is nothing to change."""
    closed = await tx.scalar(
        text(
            """
            WITH before AS (
                SELECT id, breaker_probes FROM upstream_keys
                 WHERE id = :id
                   AND (breaker_probes > 0 OR (breaker_failures > 0 AND breaker = 'closed'))
                   FOR NO KEY UPDATE
            )
            UPDATE upstream_keys k
               SET breaker = 'closed', breaker_failures = 0, breaker_probes = 0,
                   breaker_until = NULL
              FROM before b WHERE k.id = b.id RETURNING b.breaker_probes > 0
            """
        ),
        {"id": key_id},
    )
    return bool(closed)


async def claim_due_probes(tx: Tx, *, first_seconds: float) -> list[UpstreamKey]:
    """The keys to probe now: those whose breaker has been open for long enough, or whose trial was
    never answered. Nobody else probes them before the next probe is due: after `first_seconds`,
    doubled by each probe so far."""
    rows = await tx.execute(
        text(
            f"""
            UPDATE upstream_keys
               SET breaker = 'open', breaker_probes = breaker_probes + 1,
                   breaker_until = now() + make_interval(
                       secs => least(:first * 2 ^ least(breaker_probes + 1, 20), :most))
             WHERE breaker_until <= now() RETURNING {COLUMNS}
            """  # noqa: S608
        ),
        {"first": first_seconds, "most": MAX_OPEN_SECONDS},
    )
    return [key_from(row) for row in rows]


async def half_open(tx: Tx, probed: UpstreamKey) -> bool:
    """The probe was answered: one submission may go as the trial. False if the next probe is due
    already, since then another worker's trial or answer may have come first."""
    result = await tx.execute(
        text(
            """
            UPDATE upstream_keys
               SET breaker = 'half_open', breaker_failures = 0, breaker_until = NULL
             WHERE id = :id AND breaker = 'open' AND breaker_until = :due
            """
        ),
        {"id": probed.id, "due": probed.breaker_until},
    )
    return bool(result.rowcount)


async def usable(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Those through which a submission may go now."""
    rows = await tx.execute(
        text(f"SELECT id FROM upstream_keys WHERE id = ANY(:ids) AND {USABLE} ORDER BY id"),  # noqa: S608
        {"ids": list(ids)},
    )
    return [row.id for row in rows]


async def usable_by_label(tx: Tx) -> dict[str, bool]:
    """For each key that some worker has configured: whether a submission may go through it now."""
    rows = await tx.execute(
        text(
            f"SELECT label, {USABLE} AS usable FROM upstream_keys"  # noqa: S608
            " WHERE seen_at > now() - interval '2 minutes'"
        )
    )
    return {row.label: row.usable for row in rows}
