"""Webhook deliveries, each to one receiver, with all their attempts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db import backlog, jobs
from app.db.backlog import Backlog
from app.db.session import Tx
from app.db.webhook_attempts import Attempt
from app.db.webhook_endpoints import Owner
from app.domain.generation import Generation
from app.domain.webhooks import (
    STARTED_DIALECTS,
    DeliveryState,
    Event,
    PayloadFormat,
    UnlistedEvent,
    WebhookEvent,
    event_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """`endpoint_id` None: to the callback address of its generation. `generation_id` None: it is
    about credits, which have another `content`, or a test. `member_id` None: the event is the
    team's."""

    id: UUID
    team_id: UUID
    member_id: UUID | None
    endpoint_id: UUID | None
    generation_id: UUID | None
    content: Mapping[str, Any] | None
    event: Event
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_error: str | None
    happened_at: datetime
    created_at: datetime
    next_attempt_at: datetime | None
    finished_at: datetime | None

    @property
    def is_test(self) -> bool:
        return self.generation_id is None and self.content is None


async def make(tx: Tx, generation_id: UUID, event: Event, *, cause: str) -> None:
    """Makes a delivery and its job for each receiver of the event. `cause` is the type of the row
    in `events` that it reports: the generation's latest. One statement, in the transaction of the
    transition. A callback address gets no `video.archived`: no dialect knows it."""
    await tx.execute(_MAKE, deliveries_values(generation_id, event, cause=cause))


def deliveries_values(generation_id: UUID, event: Event, *, cause: str) -> dict[str, Any]:
    # OpenAI's API has no event for a cancellation: there it is a failure.
    as_openai = WebhookEvent.FAILED if event is WebhookEvent.CANCELED else event
    return {
        "id": generation_id, "type": cause, "kind": event.value,
        "openai": PayloadFormat.OPENAI.value, "as_openai": as_openai.value,
        "start": event is UnlistedEvent.STARTED, "called": event is not WebhookEvent.ARCHIVED,
        "started_dialects": list(STARTED_DIALECTS),
    }  # fmt: skip


#: Follows `event`, the row of `events` that is reported. Its values are `deliveries_values`.
DELIVERIES_OF_EVENT = """
    receivers AS (
        SELECT w.id FROM webhook_endpoints w JOIN event e ON w.team_id = e.team_id
         WHERE (w.member_id IS NULL OR w.member_id = e.member_id)
           AND w.state = 'enabled'
           AND (w.event_types ? :kind OR w.format = :openai AND w.event_types ? :as_openai)
           -- One that is being deleted is waited for: a row that points to it would undo the move.
           FOR KEY SHARE OF w
    ), made AS (
        INSERT INTO webhook_deliveries
               (id, team_id, member_id, endpoint_id, event_id, generation_id, type, next_attempt_at)
        SELECT gen_random_uuid(), e.team_id, e.member_id, r.id, e.id, e.generation_id, :kind, now()
          FROM event e CROSS JOIN (
               SELECT id FROM receivers
                UNION ALL
               SELECT NULL FROM generations g
                WHERE g.id = :id AND g.callback_url IS NOT NULL AND :called
                  AND (NOT :start OR g.dialect = ANY(:started_dialects))) r
        RETURNING id
    )
    SELECT reelgate_enqueue('deliver', id, 0, NULL) FROM made
"""
_MAKE = text(
    f"""
    WITH event AS (
        SELECT id, generation_id, team_id, member_id FROM events
         WHERE generation_id = :id AND type = :type ORDER BY id DESC LIMIT 1
    ), {DELIVERIES_OF_EVENT}
    """  # noqa: S608 - a constant
)


async def make_test(
    tx: Tx, delivery_id: UUID, *, endpoint_id: UUID, event: Event, member_id: UUID | None = None
) -> None:
    """A test by a member, or by an operator: then it counts as the endpoint owner's, or as that of
    the team's first member."""
    await tx.execute(
        text(
            """
            INSERT INTO webhook_deliveries (id, team_id, member_id, endpoint_id, type)
            SELECT :id, w.team_id, coalesce(CAST(:member_id AS uuid), w.member_id, first.id), w.id,
                   :kind
              FROM webhook_endpoints w
             CROSS JOIN LATERAL (SELECT id FROM members WHERE team_id = w.team_id
                                  ORDER BY created_at, id LIMIT 1) first
             WHERE w.id = :endpoint_id
            """
        ),
        {
            "id": delivery_id, "member_id": member_id, "endpoint_id": endpoint_id,
            "kind": event.value,
        },
    )  # fmt: skip


_READ = tuple(field.name for field in fields(Delivery) if field.name != "event")
#: What `delivery_of` reads.
SELECT_DELIVERIES = """
    SELECT d.id, d.team_id, d.member_id, d.endpoint_id, d.generation_id, d.data AS content, d.type,
           d.state,
           d.attempts, d.last_status, d.last_error, d.created_at, d.next_attempt_at, d.finished_at,
           coalesce(e.created_at, d.created_at) AS happened_at
      FROM webhook_deliveries d LEFT JOIN events e ON e.id = d.event_id
"""
#: Deliveries to endpoints that the owner may see, and to the callback addresses of its own
#: generations or, for administrators, of the team's.
_VISIBLE = """
    d.team_id = :team_id
    AND ((d.endpoint_id IS NULL AND (d.member_id = :member_id OR :is_admin))
         OR EXISTS (SELECT FROM webhook_endpoints w
                     WHERE w.id = d.endpoint_id
                       AND (w.member_id = :member_id OR (w.member_id IS NULL AND :is_admin))))
"""

#: The same as a list: the newest of each receiver, from its index. So at most a page of each is
#: read, however many deliveries there are.
_TO_ENDPOINTS = """
    SELECT d.* FROM webhook_endpoints w CROSS JOIN LATERAL (
        SELECT d.id, d.created_at FROM webhook_deliveries d WHERE d.endpoint_id = w.id AND {}
         ORDER BY d.created_at DESC, d.id DESC LIMIT :limit) d
     WHERE w.team_id = :team_id AND (w.id = :endpoint_id OR CAST(:endpoint_id AS uuid) IS NULL)
       AND (w.member_id = :member_id OR (w.member_id IS NULL AND :is_admin))
"""
_TO_CALLBACKS = """
    SELECT d.* FROM members m CROSS JOIN LATERAL (
        SELECT d.id, d.created_at FROM webhook_deliveries d
         WHERE d.endpoint_id IS NULL AND d.member_id = m.id AND {}
         ORDER BY d.created_at DESC, d.id DESC LIMIT :limit) d
     WHERE m.team_id = :team_id AND (m.id = :member_id OR :is_admin)
"""


def delivery_of(row: Row[Any]) -> Delivery:
    named = {name: row._mapping[name] for name in _READ}
    state = DeliveryState(row.state)
    return Delivery(**{**named, "state": state, "event": event_of(row.type)})


def _owner(owner: Owner) -> dict[str, Any]:
    return {"team_id": owner.team_id, "member_id": owner.member_id, "is_admin": owner.is_admin}


async def find_any(tx: Tx, delivery_id: UUID) -> Delivery | None:
    """Of any owner: for workers."""
    row = (
        await tx.execute(text(SELECT_DELIVERIES + " WHERE d.id = :id"), {"id": delivery_id})
    ).one_or_none()
    return None if row is None else delivery_of(row)


async def is_early(tx: Tx, delivery_id: UUID, *, now: datetime | None) -> bool:
    """Whether its next attempt is not due yet. `now` None: by the database's clock."""
    return bool(
        await tx.scalar(
            text(
                "SELECT next_attempt_at > coalesce(CAST(:now AS timestamptz), now())"
                " FROM webhook_deliveries WHERE id = :id"
            ),
            {"id": delivery_id, "now": now},
        )
    )


async def find(tx: Tx, delivery_id: UUID, owner: Owner) -> Delivery | None:
    row = (
        await tx.execute(
            text(f"{SELECT_DELIVERIES} WHERE d.id = :id AND {_VISIBLE}"),
            {"id": delivery_id, **_owner(owner)},
        )
    ).one_or_none()
    return None if row is None else delivery_of(row)


async def list_visible(
    tx: Tx,
    owner: Owner,
    *,
    endpoint_id: UUID | None = None,
    generation_id: UUID | None = None,
    state: DeliveryState | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Delivery]:
    """Newest first. `after` is the (created_at, id) of the last row before the page."""
    clauses, values = ["true"], {**_owner(owner), "limit": limit, "endpoint_id": endpoint_id}
    if generation_id is not None:
        clauses.append("d.generation_id = :generation_id")
        values["generation_id"] = generation_id
    if state is not None:
        # Written out, so that the indexes of pending and failed ones cover it.
        clauses.append(f"d.state = '{state.value}' AND d.team_id = :team_id")
    if after is not None:
        clauses.append("(d.created_at, d.id) < (:after_at, :after_id)")
        values["after_at"], values["after_id"] = after
    receivers = [_TO_ENDPOINTS] if endpoint_id is not None else [_TO_ENDPOINTS, _TO_CALLBACKS]
    found = " UNION ALL ".join(each.format(" AND ".join(clauses)) for each in receivers)
    page = f"SELECT id FROM ({found}) f ORDER BY created_at DESC, id DESC LIMIT :limit"  # noqa: S608
    rows = await tx.execute(
        text(
            f"{SELECT_DELIVERIES} WHERE d.id IN (SELECT id FROM ({page}) page)"  # noqa: S608
            " ORDER BY d.created_at DESC, d.id DESC"
        ),
        values,
    )
    return [delivery_of(row) for row in rows]


async def of_generation(tx: Tx, generation: Generation, *, limit: int = 1_000) -> list[Delivery]:
    """To every receiver, oldest first."""
    rows = await tx.execute(
        text(
            SELECT_DELIVERIES + " WHERE d.generation_id = :id"
            " ORDER BY d.created_at, d.id LIMIT :limit"
        ),
        {"id": generation.id, "limit": limit},
    )
    return [delivery_of(row) for row in rows]


async def record(
    tx: Tx,
    delivery: Delivery,
    attempt: Attempt,
    *,
    state: DeliveryState,
    next_attempt_at: datetime | None,
    finished_at: datetime | None,
) -> bool:
    """Records an attempt. False if another process has recorded this attempt already."""
    result = await tx.execute(
        text(
            """
            WITH attempted AS (
                UPDATE webhook_deliveries
                   SET attempts = attempts + 1, last_status = :status, last_error = :error,
                       state = :state, next_attempt_at = :next, finished_at = :finished
                 WHERE id = :id AND state = 'pending' AND attempts = :attempts
                RETURNING id, attempts
            )
            INSERT INTO webhook_attempts (delivery_id, number, created_at, seconds,
                                          request_headers, request_body, status, error, answer)
            SELECT id, :number, :at, :seconds, CAST(:headers AS jsonb), :body, :status, :error,
                   :answer
              FROM attempted
            """
        ),
        {
            "id": delivery.id, "attempts": delivery.attempts, "state": state,
            "next": next_attempt_at, "finished": finished_at, "number": attempt.number,
            "at": attempt.created_at, "seconds": attempt.seconds,
            "headers": json.dumps(dict(attempt.request_headers)), "body": attempt.request_body,
            "status": attempt.status, "error": attempt.error, "answer": attempt.answer,
        },
    )  # fmt: skip
    return result.rowcount == 1


async def abandon(tx: Tx, delivery_id: UUID, *, error: str, at: datetime) -> None:
    """Fails a delivery whose receiver no longer exists."""
    await tx.execute(
        text(
            "UPDATE webhook_deliveries SET state = 'failed', last_error = :error,"
            " next_attempt_at = NULL, finished_at = :at WHERE id = :id AND state = 'pending'"
        ),
        {"id": delivery_id, "error": error, "at": at},
    )


async def begin_again(tx: Tx, delivery_id: UUID, *, now: datetime | None) -> None:
    """Makes a delivery due now. One that has ended gets all its attempts again. `now` None: by the
    database's clock."""
    await tx.execute(
        text(
            """
            UPDATE webhook_deliveries d
               SET state = 'pending', attempts = CASE WHEN b.state = 'pending' THEN d.attempts
                                                      ELSE 0 END,
                   next_attempt_at = coalesce(CAST(:now AS timestamptz), now()),
                   finished_at = NULL
              FROM (SELECT id, state FROM webhook_deliveries WHERE id = :id FOR NO KEY UPDATE) b
             WHERE d.id = b.id
            """
        ),
        {"id": delivery_id, "now": now},
    )


async def pending(tx: Tx, *, team_id: UUID | None = None) -> Backlog:
    """Deliveries with an attempt to come. A test has only one: if that was interrupted, none is to
    come."""
    found = await backlog.by_state(
        tx, "webhook_deliveries WHERE state = 'pending' AND next_attempt_at IS NOT NULL",
        team_id=team_id,
    )  # fmt: skip
    return found.get(DeliveryState.PENDING, Backlog())


async def enqueue_missing(tx: Tx) -> list[str]:
    """Makes a job for every delivery that has an attempt to come and no job."""
    return await jobs.enqueue_missing(
        tx,
        "SELECT id, 'deliver' AS kind, 0 AS priority FROM webhook_deliveries"
        " WHERE state = 'pending' AND next_attempt_at IS NOT NULL",
    )


async def prune(tx: Tx, *, days: int, limit: int = 1_000) -> int:
    """Deletes old deliveries with their attempts: those that ended, and tests that were
    interrupted. Returns how many."""
    result = await tx.execute(
        text(
            "DELETE FROM webhook_deliveries WHERE id IN ("
            " SELECT id FROM webhook_deliveries"
            " WHERE created_at < now() - make_interval(days => :days)"
            " AND (state <> 'pending' OR next_attempt_at IS NULL)"
            " ORDER BY created_at LIMIT :limit)"
        ),
        {"days": days, "limit": limit},
    )
    return int(result.rowcount)


#: The jobs of one receiver: an endpoint, or the callback addresses of a member. Skips a job that a
#: worker is fetching at this moment.
_RESCHEDULE = """
    UPDATE procrastinate_jobs SET scheduled_at = now() + make_interval(secs => :seconds)
     WHERE id IN (SELECT j.id FROM procrastinate_jobs j JOIN webhook_deliveries d
                      ON j.queueing_lock = 'deliver:' || d.id
                   WHERE j.status = 'todo' AND d.state = 'pending' AND d.next_attempt_at <= now()
                     AND (d.endpoint_id = :receiver
                          OR (d.endpoint_id IS NULL AND d.member_id = :receiver))
                     AND {} FOR UPDATE OF j SKIP LOCKED)
"""
_POSTPONE = text(_RESCHEDULE.format("coalesce(j.scheduled_at, now()) <= now()"))
_RUN_NEXT = text(_RESCHEDULE.format("j.scheduled_at > now() ORDER BY j.id LIMIT 1"))


async def postpone(tx: Tx, receiver: UUID, *, seconds: float) -> None:
    """Postpones everything that is due for this receiver, which has enough attempts in flight."""
    await tx.execute(_POSTPONE, {"receiver": receiver, "seconds": seconds})


async def run_next(tx: Tx, receiver: UUID) -> bool:
    """Makes the first postponed delivery due now. False if there is none."""
    result = await tx.execute(_RUN_NEXT, {"receiver": receiver, "seconds": 0.0})
    return bool(result.rowcount)
