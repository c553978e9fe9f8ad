"""Generations as their owners see them, and admission's one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.queue_position import SUBMISSION_HELD_UP
from app.db.session import Tx
from app.domain.generation import Asset, Generation, Spec, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What `reelgate_admit_v2` decided. Seconds are durations; the rate figures describe the
    member's window after this request. Where it accepted, `used_value` are the member's used
    credits with this hold. `submission_held_up`: nothing is being sent upstream now."""

    outcome: str
    generation_id: UUID | None
    limit_value: int | None
    used_value: int | None
    retry_after_seconds: float | None
    rate_limit: int
    rate_window_seconds: float
    rate_remaining: int
    rate_reset_seconds: float
    accepted_at: datetime | None
    submission_held_up: bool


_ADMIT = text(
    f"""
    SELECT v.*, {SUBMISSION_HELD_UP} AS submission_held_up
      FROM reelgate_admit_v2(
        :generation_id, :member_id, :api_key_id, :dialect, :feature, :provider,
        CAST(:spec AS jsonb), :fingerprint, :quote, :idempotency_key, :idempotency_seconds,
        :queue_seconds, CAST(:asked AS jsonb), :remixed_from, :callback_url, :sdk_retry,
        :sdk_waited_seconds, :sdk_window_seconds, CAST(:now AS timestamptz)) v
    """  # noqa: S608 - a constant
)


async def admit(
    tx: Tx,
    generation_id: UUID,
    *,
    member_id: UUID,
    api_key_id: UUID,
    dialect: str,
    feature: str,
    provider: str,
    spec: str,
    fingerprint: bytes,
    quote: int,
    idempotency_key: str | None,
    idempotency_seconds: float,
    queue_seconds: float,
    asked: str,
    remixed_from: UUID | None,
    callback_url: str | None,
    sdk_retry: int | None,
    sdk_waited_seconds: float,
    sdk_window_seconds: float,
    now: datetime | None,
) -> Verdict:
    """Decides and, where it accepts, inserts generation, hold and job. `spec` and `asked` are JSON
    text. `sdk_retry` counts the attempts of an SDK's call from 0; this one came in
    `sdk_waited_seconds` ago, and one before it at most `sdk_window_seconds` ago."""
    row = (
        await tx.execute(
            _ADMIT,
            {
                "generation_id": generation_id, "member_id": member_id, "api_key_id": api_key_id,
                "dialect": dialect, "feature": feature, "provider": provider, "spec": spec,
                "fingerprint": fingerprint, "quote": quote, "idempotency_key": idempotency_key,
                "idempotency_seconds": idempotency_seconds, "queue_seconds": queue_seconds,
                "asked": asked, "remixed_from": remixed_from, "callback_url": callback_url,
                "sdk_retry": sdk_retry, "sdk_waited_seconds": sdk_waited_seconds,
                "sdk_window_seconds": sdk_window_seconds, "now": now,
            },
        )
    ).one()  # fmt: skip
    return Verdict(**row._mapping)


_SELECT = """
    SELECT g.id, g.team_id, g.member_id, g.dialect, g.feature, g.provider, g.spec, g.state, g.quote,
           g.settled, g.result_paths, g.error_code, g.error_message, g.created_at, g.submitted_at,
           g.running_at, g.finished_at, g.asked, g.remixed_from, g.callback_url,
           a.state AS asset_state, a.path, a.size_bytes, a.sha256,
           a.content_type, a.duration_seconds, a.width, a.height, a.codec, a.mismatch, a.archived_at
      FROM generations g LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video'
"""
_FIND = text(_SELECT + " WHERE g.id = :id")
_FIND_MANY = text(_SELECT + " WHERE g.id = ANY(:ids)")
_FIND_OF_MEMBER = text(_SELECT + " WHERE g.id = :id AND g.member_id = :member_id")
_FIND_OF_TEAM = text(_SELECT + " WHERE g.id = :id AND g.team_id = :team_id")


def _generation(row: Row[Any]) -> Generation:
    asset = None
    if row.asset_state is not None:
        asset = Asset(
            state=row.asset_state, path=row.path, size_bytes=row.size_bytes, sha256=row.sha256,
            content_type=row.content_type, duration_seconds=row.duration_seconds, width=row.width,
            height=row.height, codec=row.codec, mismatch=row.mismatch, archived_at=row.archived_at,
        )  # fmt: skip
    return Generation(
        id=row.id, team_id=row.team_id, member_id=row.member_id, dialect=row.dialect,
        feature=row.feature, provider=row.provider, spec=Spec.from_json(row.spec),
        state=State(row.state), quote=row.quote, settled=row.settled,
        result_paths=tuple(row.result_paths), error_code=row.error_code,
        error_message=row.error_message, created_at=row.created_at,
        submitted_at=row.submitted_at, running_at=row.running_at, finished_at=row.finished_at,
        asset=asset, asked=row.asked, remixed_from=row.remixed_from, callback_url=row.callback_url,
    )  # fmt: skip


async def find(tx: Tx, generation_id: UUID) -> Generation | None:
    """Whoever owns it: for signed links and workers, where no caller is known."""
    row = (await tx.execute(_FIND, {"id": generation_id})).one_or_none()
    return None if row is None else _generation(row)


async def find_many(tx: Tx, ids: Sequence[UUID]) -> list[Generation]:
    """Whoever owns them, in no order."""
    rows = await tx.execute(_FIND_MANY, {"ids": list(ids)})
    return [_generation(row) for row in rows]


async def find_visible(
    tx: Tx, generation_id: UUID, *, member_id: UUID, team_id: UUID | None
) -> Generation | None:
    """A generation of this member; with `team_id`, of anybody in that team."""
    if team_id is not None:
        rows = await tx.execute(_FIND_OF_TEAM, {"id": generation_id, "team_id": team_id})
    else:
        rows = await tx.execute(_FIND_OF_MEMBER, {"id": generation_id, "member_id": member_id})
    row = rows.one_or_none()
    return None if row is None else _generation(row)


async def list_visible(
    tx: Tx,
    *,
    team_id: UUID,
    member_id: UUID | None,
    states: Sequence[State] = (),
    created_from: datetime | None = None,
    created_before: datetime | None = None,
    after: tuple[datetime, UUID] | None = None,
    offset: int = 0,
    limit: int,
    oldest_first: bool = False,
) -> list[Generation]:
    """At most `limit`, newest first unless `oldest_first`; `after` is the (created_at, id) of the
    last row before, `offset` how many rows are left out for those who count instead."""
    clauses = ["g.team_id = :team_id"]
    values: dict[str, Any] = {"team_id": team_id, "limit": limit, "offset": offset}
    if member_id is not None:
        clauses.append("g.member_id = :member_id")
        values["member_id"] = member_id
    if states:
        clauses.append("g.state = ANY(:states)")
        values["states"] = [state.value for state in states]
    if created_from is not None:
        clauses.append("g.created_at >= :created_from")
        values["created_from"] = created_from
    if created_before is not None:
        clauses.append("g.created_at < :created_before")
        values["created_before"] = created_before
    if after is not None:
        beyond = ">" if oldest_first else "<"
        clauses.append(f"(g.created_at, g.id) {beyond} (:after_at, :after_id)")
        values["after_at"], values["after_id"] = after
    order = "ASC" if oldest_first else "DESC"
    rows = await tx.execute(
        text(
            f"{_SELECT} WHERE {' AND '.join(clauses)}"
            f" ORDER BY g.created_at {order}, g.id {order} LIMIT :limit OFFSET :offset"
        ),
        values,
    )
    return [_generation(row) for row in rows]


async def which_rest(tx: Tx, ids: Sequence[UUID], resting: Sequence[State]) -> list[UUID]:
    """Those of `ids` that are in one of the `resting` states."""
    rows = await tx.execute(
        text("SELECT id FROM generations WHERE id = ANY(:ids) AND state = ANY(:states)"),
        {"ids": list(ids), "states": [state.value for state in resting]},
    )
    return [row.id for row in rows]


async def list_unknown(tx: Tx, *, limit: int) -> list[Generation]:
    """Of every team, oldest first."""
    rows = await tx.execute(
        text(_SELECT + " WHERE g.state = 'unknown' ORDER BY g.created_at, g.id LIMIT :limit"),
        {"limit": limit},
    )
    return [_generation(row) for row in rows]


async def kept(tx: Tx, generation_id: UUID, *, member_id: UUID) -> bool:
    """Whether an admission that broke off was committed.

    Takes the member's admission lock first: an admission that is still under way in the server
    ends before the look, so that the answer stays true.
    """
    await tx.execute(
        text("SELECT FROM rate_states WHERE member_id = :id FOR UPDATE"), {"id": member_id}
    )
    return bool(
        await tx.scalar(
            text("SELECT EXISTS (SELECT FROM generations WHERE id = :id)"), {"id": generation_id}
        )
    )


async def count_open(tx: Tx, member_id: UUID) -> int:
    counted = await tx.scalar(
        text(
            "SELECT count(*) FROM generations WHERE member_id = :id"
            " AND state IN ('queued', 'submitting', 'running')"
        ),
        {"id": member_id},
    )
    return int(counted or 0)
