"""Rows of generations as workers and `lifecycle` read and write them.

Only `lifecycle` may call `move`; a test checks that.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.catalog.spec import Spec
from app.domain.generation import State
from app.domain.inputs import InputUse

#: Where a closed generation is announced; the payload is its id. It only wakes waiters: the truth
#: is a slow poll of the table.
CHANNEL = "reelgate_generation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a worker needs to know about a generation."""

    id: UUID
    feature: str
    provider: str
    spec: Spec
    inputs: tuple[InputUse, ...] = ()
    state: State
    priority: int
    quote: int
    attempt: UUID | None
    attempts: int
    upstream_key_id: int | None
    upstream_id: str | None
    unknown_reason: str | None
    polls: int
    created_at: datetime
    queue_deadline_at: datetime
    submitted_at: datetime | None
    running_at: datetime | None


WORK_COLUMNS: Final[LiteralString] = """
    id, feature, provider, spec, inputs, state, priority, quote, attempt, attempts,
    upstream_key_id, upstream_id, unknown_reason, polls, created_at, queue_deadline_at,
    submitted_at, running_at
"""
#: Of an upstream key, a query.
_RUNNING_OF = (
    "SELECT count(*) FROM generations r WHERE r.state = 'running' AND r.upstream_key_id = {}"
)
_COUNT_POLL = text(
    f"""
    UPDATE generations g SET polls = g.polls + 1 WHERE g.id = :id
    RETURNING ({_RUNNING_OF.format("g.upstream_key_id")})
    """  # noqa: S608
)
_WORK = f"SELECT {WORK_COLUMNS} FROM generations WHERE id = :id"  # noqa: S608 - a constant


async def find_work(tx: Tx, generation_id: UUID, *, lock: bool = False) -> Work | None:
    """The row as it is now. With `lock`, nobody else changes it before this transaction ends."""
    query = text(f"{_WORK} FOR NO KEY UPDATE" if lock else _WORK)
    row = (await tx.execute(query, {"id": generation_id})).one_or_none()
    return None if row is None else work_from(row._mapping)


def work_from(row: Mapping[Any, Any]) -> Work:
    """From a row with `WORK_COLUMNS`, and perhaps others."""
    named = {each.name: row[each.name] for each in fields(Work)}
    return Work(**{
        **named,
        "spec": Spec.from_json(row["spec"]),
        "inputs": tuple(InputUse.from_json(each) for each in row["inputs"]),
        "state": State(row["state"]),
    })  # fmt: skip


async def find_by_upstream_id(tx: Tx, upstream_id: str) -> Work | None:
    """The generation that has this upstream record, with whatever key, locked."""
    found = await tx.scalar(
        text("SELECT id FROM generations WHERE lower(upstream_id) = lower(:upstream_id)"),
        {"upstream_id": upstream_id},
    )
    return None if found is None else await find_work(tx, found, lock=True)


async def set_unknown_reason(tx: Tx, generation_id: UUID, reason: str) -> None:
    await tx.execute(
        text(
            "UPDATE generations SET unknown_reason = :reason WHERE id = :id AND state = 'unknown'"
        ),
        {"id": generation_id, "reason": reason},
    )


#: Columns that a transition may set besides the state.
_COLUMNS = frozenset(
    {
        "attempt", "upstream_key_id", "upstream_id", "result_paths", "unknown_reason",
        "error_code", "error_message", "submitted_at", "running_at", "finished_at",
    }
)  # fmt: skip


async def move(
    tx: Tx,
    generation_id: UUID,
    *,
    to: State,
    sources: Iterable[State],
    attempt: UUID | None,
    upstream_id: str | None = None,
    event: Mapping[str, Any],
    columns: Mapping[str, Any],
) -> bool:
    """One guarded transition and its event. False if the generation has left these states, has
    another attempt, or by now has another upstream record than the given one."""
    unknown = columns.keys() - _COLUMNS
    if unknown:
        raise ValueError(f"not columns a move may set: {sorted(unknown)}")
    values = dict(columns)
    if "result_paths" in values:
        values["result_paths"] = json.dumps(values["result_paths"])
    assignments = ["state = :to", *(
        f"{name} = CAST(:{name} AS jsonb)" if name == "result_paths" else f"{name} = :{name}"
        for name in values
    )]  # fmt: skip
    if to is State.SUBMITTING:
        assignments.append("attempts = attempts + 1")
    result = await tx.execute(
        text(
            f"""
            WITH moved AS (
                UPDATE generations SET {", ".join(assignments)}
                 WHERE id = :id AND state = ANY(:sources)
                   AND (CAST(:guard AS uuid) IS NULL OR attempt = :guard)
                   AND (CAST(:of_record AS text) IS NULL OR upstream_id = :of_record)
                RETURNING id, team_id, member_id
            )
            INSERT INTO events (generation_id, team_id, member_id, type, data)
            SELECT id, team_id, member_id, :type, CAST(:data AS jsonb) FROM moved
            """  # noqa: S608 - the names come from the constant set above
        ),
        {
            **values,
            "id": generation_id,
            "to": to.value,
            "sources": [state.value for state in sources],
            "guard": attempt,
            "of_record": upstream_id,
            "type": f"generation.{to.value}",
            "data": json.dumps(dict(event)),
        },
    )
    return result.rowcount == 1


async def announce(tx: Tx, generation_id: UUID) -> None:
    """Wakes those who wait for this generation, once the transaction commits."""
    await tx.execute(
        text("SELECT pg_notify(:channel, :id)"), {"channel": CHANNEL, "id": str(generation_id)}
    )


async def count_poll(tx: Tx, generation_id: UUID) -> int:
    """Counts a poll. Returns how many generations of the same upstream key are running."""
    counted = await tx.scalar(_COUNT_POLL, {"id": generation_id})
    return int(counted or 0)


async def set_upstream_id(tx: Tx, generation_id: UUID, *, upstream_id: str, upstream_key_id: int,
                   at: datetime) -> None:  # fmt: skip
    """Gives an unknown generation its upstream record. Raises `Conflict` if another one has it."""
    await tx.execute(
        text(
            """
            UPDATE generations
               SET upstream_id = :upstream_id, upstream_key_id = :upstream_key_id, running_at = :at,
                   unknown_reason = 'looked_up'
             WHERE id = :id AND state = 'unknown'
            """
        ),
        {"id": generation_id, "upstream_id": upstream_id, "upstream_key_id": upstream_key_id,
         "at": at},
    )  # fmt: skip


async def keep_late_upstream_id(tx: Tx, generation_id: UUID, *, attempt: UUID, upstream_id: str,
                            at: datetime) -> bool:  # fmt: skip
    """Keeps an upstream id that arrived after the generation became unknown, so that it can be
    polled."""
    result = await tx.execute(
        text(
            """
            UPDATE generations SET upstream_id = :upstream_id, running_at = :at
             WHERE id = :id AND attempt = :attempt AND state = 'unknown' AND upstream_id IS NULL
            """
        ),
        {"id": generation_id, "attempt": attempt, "upstream_id": upstream_id, "at": at},
    )
    return result.rowcount == 1


async def count_running(tx: Tx, upstream_key_id: int) -> int:
    counted = await tx.scalar(text(_RUNNING_OF.format(":id")), {"id": upstream_key_id})
    return int(counted or 0)


async def list_unsent(tx: Tx, *, limit: int) -> list[UUID]:
    """Generations that have not ended and have no upstream id, oldest first, locked."""
    rows = await tx.execute(
        text(
            """
            SELECT id FROM generations WHERE state IN ('queued', 'submitting')
             ORDER BY created_at, id LIMIT :limit FOR NO KEY UPDATE
            """
        ),
        {"limit": limit},
    )
    return [row.id for row in rows]
