"""Generations as their owners see them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db import backlog, jobs
from app.db.backlog import Backlog
from app.db.session import Tx
from app.domain.assets import AssetState
from app.domain.catalog.spec import Spec
from app.domain.generation import DISPUTED, Asset, Generation, State
from app.domain.inputs import InputUse

#: Their fields are the columns of their tables.
_COLUMNS = tuple(field.name for field in fields(Generation) if field.name != "asset")
_ASSET_COLUMNS = tuple(field.name for field in fields(Asset))

#: What `generation_of` reads, of `FROM`; the id first.
SELECTED = ", ".join(
    [f"g.{name}" for name in _COLUMNS] + [f"a.{name} AS asset_{name}" for name in _ASSET_COLUMNS]
)
SELECTED_COUNT = len(_COLUMNS) + len(_ASSET_COLUMNS)
FROM = "FROM generations g LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video'"
_SELECT = f"SELECT {SELECTED} {FROM}"
_FIND = text(_SELECT + " WHERE g.id = :id")
_FIND_MANY = text(_SELECT + " WHERE g.id = ANY(:ids)")
_FIND_OF_MEMBER = text(_SELECT + " WHERE g.id = :id AND g.member_id = :member_id")
_FIND_OF_TEAM = text(_SELECT + " WHERE g.id = :id AND g.team_id = :team_id")

#: Has all tags of `:metadata`, a JSON object. The first half is what the index of tags covers.
HAS_TAGS = "g.metadata <> '{}' AND g.metadata @> CAST(:metadata AS jsonb)"


def generation_of(values: Sequence[Any]) -> Generation:
    """From `SELECTED`, whatever follows it."""
    named = dict(zip(_COLUMNS, values, strict=False))
    columns = dict(zip(_ASSET_COLUMNS, values[len(_COLUMNS) :], strict=False))
    asset = None
    if columns["state"] is not None:
        asset = Asset(**{**columns, "state": AssetState(columns["state"])})
    return Generation(**{
        **named,
        "spec": Spec.from_json(named["spec"]),
        "state": State(named["state"]),
        "result_paths": tuple(named["result_paths"]),
        "inputs": tuple(InputUse.from_json(each) for each in named["inputs"]),
        "asset": asset,
    })  # fmt: skip


def columns_of(generation: Generation) -> dict[str, Any]:
    """The columns as admission stores them, with the Spec as JSON."""
    stored = {name: getattr(generation, name) for name in _COLUMNS}
    return stored | {
        "spec": generation.spec.to_json(),
        "echo": dict(generation.echo),
        "metadata": dict(generation.metadata),
        "inputs": [use.to_json() for use in generation.inputs],
    }


async def find(tx: Tx, generation_id: UUID) -> Generation | None:
    """Of any owner: for signed links and workers, which have no caller."""
    row = (await tx.execute(_FIND, {"id": generation_id})).one_or_none()
    return None if row is None else generation_of(row)


async def find_many(tx: Tx, ids: Sequence[UUID]) -> list[Generation]:
    """Of any owner, in no order."""
    rows = await tx.execute(_FIND_MANY, {"ids": list(ids)})
    return [generation_of(row) for row in rows]


async def find_visible(
    tx: Tx, generation_id: UUID, *, member_id: UUID, team_id: UUID | None
) -> Generation | None:
    """A generation of this member or, with `team_id`, of anybody in that team."""
    if team_id is not None:
        rows = await tx.execute(_FIND_OF_TEAM, {"id": generation_id, "team_id": team_id})
    else:
        rows = await tx.execute(_FIND_OF_MEMBER, {"id": generation_id, "member_id": member_id})
    row = rows.one_or_none()
    return None if row is None else generation_of(row)


def in_one_of(states: Sequence[State]) -> str:
    """SQL: a generation `g` is in one of them. Written out, because the index of those that have
    not ended is found by their names alone."""
    names = ", ".join(f"'{state.value}'" for state in states)
    return f"g.state IN ({names})"


async def list_visible(
    tx: Tx,
    *,
    team_id: UUID,
    member_id: UUID | None,
    states: Sequence[State] = (),
    created_from: datetime | None = None,
    created_before: datetime | None = None,
    end_user: str | None = None,
    metadata: Mapping[str, str] | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
    oldest_first: bool = False,
) -> list[Generation]:
    """At most `limit`, newest first unless `oldest_first`. `after` is the (created_at, id) of the
    last row before the page."""
    clauses = ["g.team_id = :team_id"]
    values: dict[str, Any] = {"team_id": team_id, "limit": limit}
    if member_id is not None:
        # Asked of the member once. As a condition on each generation it would tell Postgres that
        # few meet both, and where few are found, indexes are not read in order.
        in_team = "(SELECT team_id FROM members WHERE id = :member_id) = :team_id"
        clauses = ["g.member_id = :member_id", in_team]
        values["member_id"] = member_id
    if states:
        clauses.append(in_one_of(states))
    if created_from is not None:
        clauses.append("g.created_at >= :created_from")
        values["created_from"] = created_from
    if created_before is not None:
        clauses.append("g.created_at < :created_before")
        values["created_before"] = created_before
    if end_user is not None:
        clauses.append("g.end_user = :end_user")
        values["end_user"] = end_user
    if metadata:
        clauses.append(HAS_TAGS)
        values["metadata"] = json.dumps(dict(metadata))
    if after is not None:
        beyond = ">" if oldest_first else "<"
        clauses.append(f"(g.created_at, g.id) {beyond} (:after_at, :after_id)")
        values["after_at"], values["after_id"] = after
    order = "ASC" if oldest_first else "DESC"
    rows = await tx.execute(
        text(
            f"{_SELECT} WHERE {' AND '.join(clauses)}"
            f" ORDER BY g.created_at {order}, g.id {order} LIMIT :limit"
        ),
        values,
    )
    return [generation_of(row) for row in rows]


async def position_after(tx: Tx, member_id: UUID, *, skipped: int) -> tuple[datetime, UUID] | None:
    """Where a page begins that leaves out a member's newest, for APIs that count instead of naming
    the last one: the (created_at, id) of the last one that is `skipped`, which is at least 1. None
    if there are fewer. Counts in the index, without reading what it skips."""
    rows = await tx.execute(
        text(
            "SELECT created_at, id FROM generations WHERE member_id = :member_id"
            " ORDER BY created_at DESC, id DESC OFFSET :before LIMIT 1"
        ),
        {"member_id": member_id, "before": skipped - 1},
    )
    row = rows.one_or_none()
    return None if row is None else (row.created_at, row.id)


async def in_states(tx: Tx, ids: Sequence[UUID], states: Sequence[State]) -> list[UUID]:
    """Those of `ids` that are in one of the states."""
    rows = await tx.execute(
        text("SELECT id FROM generations WHERE id = ANY(:ids) AND state = ANY(:states)"),
        {"ids": list(ids), "states": [state.value for state in states]},
    )
    return [row.id for row in rows]


async def unsettled(tx: Tx, *, team_id: UUID | None = None) -> dict[str, Backlog]:
    """Generations that have not ended, by state. A later state counts from when it was entered, so
    that time in the queue does not make a generation old at the upstream."""
    return await backlog.by_state(
        tx,
        "generations WHERE state IN ('queued', 'submitting', 'running', 'unknown')",
        since="""CASE state WHEN 'submitting' THEN coalesce(submitted_at, created_at)
                            WHEN 'running' THEN coalesce(running_at, created_at)
                            ELSE created_at END""",
        team_id=team_id,
    )


async def count_sent(tx: Tx) -> dict[int, int]:
    """How many have not ended that were sent with each upstream key, by its id."""
    rows = await tx.execute(
        text(
            "SELECT upstream_key_id, count(*) AS rows FROM generations"
            " WHERE state IN ('submitting', 'running', 'unknown')"
            "   AND upstream_key_id IS NOT NULL GROUP BY upstream_key_id"
        )
    )
    return {row.upstream_key_id: row.rows for row in rows}


async def unknown(tx: Tx) -> Backlog:
    found = await backlog.by_state(tx, "generations WHERE state = 'unknown'")
    return found.get(State.UNKNOWN, Backlog())


async def enqueue_missing(tx: Tx, *, unknown_seconds: float) -> list[str]:
    """Makes a job for every generation that is in progress and has none, and for unknown ones that
    can still be polled: for `unknown_seconds`, if their upstream id is not disputed."""
    return await jobs.enqueue_missing(
        tx,
        """
        SELECT id, priority,
               CASE WHEN state IN ('running', 'unknown') THEN 'poll' ELSE 'submit' END AS kind
          FROM generations
         WHERE state IN ('queued', 'submitting', 'running')
            OR (state = 'unknown' AND upstream_id IS NOT NULL
                AND coalesce(unknown_reason, '') <> ALL(:disputed)
                AND running_at > now() - make_interval(secs => :unknown))
        """,
        unknown=unknown_seconds,
        disputed=list(DISPUTED),
    )
