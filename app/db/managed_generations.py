"""Generations as those see them who manage teams: whose they are, and their way upstream."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.generations import FROM, HAS_TAGS, SELECTED, generation_of, in_one_of
from app.db.searches import HAS_WORDS, Position, last_looked_at, looked_at, of_generations
from app.db.session import Tx
from app.domain.generation import Generation, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A generation with its owner, and what is known of its way upstream. `unknown_since` is None
    unless it is unknown."""

    generation: Generation
    team: str
    member: str
    key_id: UUID
    key_prefix: str
    attempts: int
    polls: int
    upstream_key: str | None
    upstream_id: str | None
    unknown_reason: str | None
    unknown_since: datetime | None
    has_upstream_answer: bool

    @property
    def id(self) -> UUID:
        return self.generation.id

    @property
    def created_at(self) -> datetime:
        return self.generation.created_at

    @property
    def whose(self) -> str:
        return f"{self.team}/{self.member}"


#: The columns of `Details` beside those of its generation.
_DETAILS = {
    "team": "t.name",
    "member": "m.name",
    "key_id": "k.id",
    "key_prefix": "k.prefix",
    "attempts": "g.attempts",
    "polls": "g.polls",
    "upstream_key": "u.label",
    "upstream_id": "g.upstream_id",
    "unknown_reason": "g.unknown_reason",
    "unknown_since": "CASE WHEN g.state = 'unknown' THEN"
    " (SELECT max(e.created_at) FROM events e"
    " WHERE e.generation_id = g.id AND e.type = 'generation.unknown') END",
    "has_upstream_answer": "g.upstream_answer IS NOT NULL",
}
_SELECT_DETAILS = f"""
    SELECT {SELECTED}, {", ".join(f"{of} AS details_{name}" for name, of in _DETAILS.items())}
           {FROM}
      JOIN teams t ON t.id = g.team_id JOIN members m ON m.id = g.member_id
      JOIN api_keys k ON k.id = g.api_key_id
      LEFT JOIN upstream_keys u ON u.id = g.upstream_key_id
"""


def _details(row: Row[Any]) -> Details:
    values = {name: row._mapping[f"details_{name}"] for name in _DETAILS}
    return Details(generation=generation_of(row), **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list is to have. None, or empty: all."""

    team_id: UUID | None = None
    member_id: UUID | None = None
    key_id: UUID | None = None
    #: The beginning of a key, as it is shown.
    key_prefix: str | None = None
    #: Its own id, or the upstream's in lower case. With both, either of them.
    generation_id: UUID | None = None
    upstream_id: str | None = None
    states: Sequence[State] = ()
    model: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    metadata: Mapping[str, str] | None = None
    #: Those of a search in prompts, which is of one key, one member or one team.
    patterns: Sequence[str] = ()

    @property
    def of_all(self) -> bool:
        return self.team_id is None and self.member_id is None and self.key_id is None


async def find_details(tx: Tx, generation_id: UUID) -> Details | None:
    rows = await tx.execute(text(_SELECT_DETAILS + " WHERE g.id = :id"), {"id": generation_id})
    row = rows.one_or_none()
    return None if row is None else _details(row)


async def list_details(
    tx: Tx, wanted: Wanted, *, after: tuple[datetime, UUID] | None = None, limit: int
) -> list[Details]:
    """At most `limit`, newest first. `after` is the (created_at, id) of the last row before the
    page."""
    clauses, values = _conditions(wanted)
    if after is not None:
        clauses.append("(g.created_at, g.id) < (:after_at, :after_id)")
        values["after_at"], values["after_id"] = after
    each_of = _each_of(wanted)
    if each_of is not None:
        clauses.append(each_of[1])
    matching = "".join(f" AND {clause}" for clause in clauses)
    page = (
        f"SELECT g.id, g.created_at FROM generations g WHERE true{matching}"  # noqa: S608
        " ORDER BY g.created_at DESC, g.id DESC LIMIT :limit"
    )
    if each_of is not None:
        page = (
            f"SELECT n.id FROM {each_of[0]} CROSS JOIN LATERAL ({page}) n"  # noqa: S608
            " ORDER BY n.created_at DESC, n.id DESC LIMIT :limit"
        )
    return await _page(tx, page, {**values, "limit": limit})


async def _page(tx: Tx, page: str, values: Mapping[str, Any]) -> list[Details]:
    """`page` is SQL that finds the ids of one."""
    rows = await tx.execute(
        text(
            f"{_SELECT_DETAILS} WHERE g.id IN (SELECT id FROM ({page}) page)"  # noqa: S608
            " ORDER BY g.created_at DESC, g.id DESC"
        ),
        dict(values),
    )
    return [_details(row) for row in rows]


def _each_of(wanted: Wanted) -> tuple[str, str] | None:
    """Rows whose newest generations are put together, with what ties a generation to one of them.
    None: one index has all of them in order, or they are few."""
    if wanted.generation_id is not None or wanted.upstream_id is not None:
        return None
    if wanted.key_prefix is not None:
        keys = "(SELECT id, member_id FROM api_keys WHERE prefix = :key_prefix) k"
        return keys, "g.api_key_id = k.id AND g.member_id = k.member_id"
    if wanted.of_all:
        # No index has all teams in order, since every create would pay for it: each team's newest
        # come from the index of teams.
        return "teams t", "g.team_id = t.id"
    return None


async def search_details(
    tx: Tx, wanted: Wanted, *, after: Position | None = None, limit: int
) -> tuple[list[Details], Position | None]:
    """As `list_details`, of those with `patterns` in their prompt; and where the search goes on, if
    it has not looked at all."""
    looks_at = next(name for name in _LOOKED_AT if getattr(wanted, name) is not None)
    scope = of_generations([_LOOKED_AT[looks_at]], {looks_at: getattr(wanted, looks_at)})
    for name in ("created_from", "created_before"):
        if getattr(wanted, name) is not None:
            scope = scope.further(_CONDITIONS[name], **{name: getattr(wanted, name)})
    scope = scope.after(after)
    looked_to = await last_looked_at(tx, scope)
    scope = scope.down_to(looked_to)
    clauses, values = _conditions(wanted)
    if wanted.key_prefix is not None:
        clauses.append("g.api_key_id IN (SELECT id FROM api_keys WHERE prefix = :key_prefix)")
    values |= {**scope.values, "patterns": list(wanted.patterns), "limit": limit}
    page = (
        f"SELECT g.id FROM {looked_at(scope)} WHERE {' AND '.join([*clauses, HAS_WORDS])}"  # noqa: S608
        " ORDER BY g.listed_at DESC, g.listed_id DESC LIMIT :limit"
    )
    return await _page(tx, page, values), looked_to


#: Field of `Wanted` → what an index has in order. The first that is given is searched.
_LOOKED_AT = {
    "key_id": "g.member_id = (SELECT member_id FROM api_keys WHERE id = :key_id)",
    "member_id": "g.member_id = :member_id",
    "team_id": "g.team_id = :team_id",
}
#: Field of `Wanted` → the condition on a generation `g`. That of a key names its member, for whose
#: generations there is an index.
_CONDITIONS = {
    "team_id": "g.team_id = :team_id",
    "member_id": "g.member_id = :member_id",
    "key_id": "g.api_key_id = :key_id"
    " AND g.member_id = (SELECT member_id FROM api_keys WHERE id = :key_id)",
    "model": "g.model = :model",
    "created_from": "g.created_at >= :created_from",
    "created_before": "g.created_at < :created_before",
    "metadata": HAS_TAGS,
}


#: Field of `Wanted` → the ids of the generations that it names.
_NAMES = {
    "generation_id": "SELECT CAST(:generation_id AS uuid)",
    "upstream_id": "SELECT id FROM generations WHERE lower(upstream_id) = :upstream_id",
}


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    values = {name: getattr(wanted, name) for name in _CONDITIONS if getattr(wanted, name)}
    clauses = [_CONDITIONS[name] for name in values]
    named = {name: getattr(wanted, name) for name in _NAMES if getattr(wanted, name)}
    if named:
        # Each name has an index of its own; an OR over both would be read without any.
        clauses.append(f"g.id IN ({' UNION ALL '.join(_NAMES[name] for name in named)})")
    if wanted.key_prefix is not None:
        values["key_prefix"] = wanted.key_prefix
    if wanted.states:
        clauses.append(in_one_of(wanted.states))
    if "metadata" in values:
        values["metadata"] = json.dumps(dict(values["metadata"]))
    return clauses, values | named


async def unknown_details(
    tx: Tx,
    *,
    team_id: UUID | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int,
) -> list[Details]:
    """Of one team or of all, oldest first, after the (created_at, id) of the last row before the
    page."""
    clauses = ["g.state = 'unknown'"]
    values: dict[str, Any] = {"limit": limit, "team_id": team_id}
    if team_id is not None:
        clauses.append("g.team_id = :team_id")
    if after is not None:
        clauses.append("(g.created_at, g.id) > (:after_at, :after_id)")
        values |= {"after_at": after[0], "after_id": after[1]}
    rows = await tx.execute(
        text(
            f"{_SELECT_DETAILS} WHERE {' AND '.join(clauses)}"
            " ORDER BY g.created_at, g.id LIMIT :limit"
        ),
        values,
    )
    return [_details(row) for row in rows]
