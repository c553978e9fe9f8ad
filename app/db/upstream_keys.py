"""Upstream keys: which are in use, and the budget of requests all workers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from app.db.session import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamKey:
    id: int
    label: str
    state: str
    reason: str | None


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
                ON CONFLICT (fingerprint) DO UPDATE SET label = excluded.label RETURNING id
                """
            ),
            {"label": label, "fingerprint": fingerprint},
        )
    return found


async def list_keys(tx: Tx, ids: Sequence[int]) -> list[UpstreamKey]:
    rows = await tx.execute(
        text("SELECT id, label, state, reason FROM upstream_keys WHERE id = ANY(:ids) ORDER BY id"),
        {"ids": list(ids)},
    )
    return [UpstreamKey(**row._mapping) for row in rows]


async def take_slot(
    tx: Tx, ids: Sequence[int], *, per_minute: int, ahead: int, any_state: bool = False
) -> Slot:
    """Takes one request out of the budget of the least busy of these keys.

    The budget is GCRA on the database's clock: a key may run `ahead` requests before it has to
    keep to `per_minute`. Submissions pass a larger `ahead` than polls, so they go first when it is
    tight. An arrival more than a minute ahead means that the clock was set back, and is cut.
    `any_state` also takes keys that are set aside: a generation is polled with the key that
    made it.
    """
    step = 60.0 / per_minute
    taken = (
        await tx.execute(
            text(
                """
                WITH candidate AS (
                    SELECT id, least(greatest(arrival_at, now()), now() + interval '1 minute')
                               AS arrival
                      FROM upstream_keys
                     WHERE id = ANY(:ids) AND (:any_state OR state = 'active')
                     ORDER BY arrival_at LIMIT 1 FOR UPDATE
                ), taken AS (
                    UPDATE upstream_keys k
                       SET arrival_at = c.arrival + make_interval(secs => :step)
                      FROM candidate c
                     WHERE k.id = c.id AND c.arrival < now() + make_interval(secs => :allowed)
                    RETURNING k.id
                )
                SELECT (SELECT id FROM taken) AS id,
                       (SELECT extract(epoch FROM arrival - now())::double precision
                          FROM candidate) AS backlog
                """
            ),
            {"ids": list(ids), "any_state": any_state, "step": step, "allowed": step * ahead},
        )
    ).one()
    if taken.id is not None:
        return Slot(taken.id)
    if taken.backlog is None:
        return Slot(None, 30.0)
    return Slot(None, max(taken.backlog - step * ahead, 0.0) + step)


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
