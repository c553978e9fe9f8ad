"""Lists of generations by what no index has in order: words of prompts, models, favorites.

A page looks at a bounded number of generations, newest first. Where those do not fill it, the list
goes on behind the last one that was looked at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app.db.generations import HAS_TAGS, SELECTED, generation_of, in_one_of, list_visible
from app.db.session import Tx
from app.domain.generation import Generation, State

#: How many generations a page looks at.
LOOKED = 5_000

Position = tuple[datetime, UUID]

#: The prompt of a generation `g` matches all of `:patterns`, which are those of a search.
HAS_WORDS = "g.spec->>'prompt' ~ ALL(CAST(:patterns AS text[]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """SQL of what is looked at, in the order of its (created_at, id): conditions on `source` and
    their values. An index has `source` in this order."""

    source: str
    created_at: str
    id: str
    clauses: tuple[str, ...]
    values: Mapping[str, Any]

    def after(self, position: Position | None) -> Scope:
        if position is None:
            return self
        return self.further(f"({self.created_at}, {self.id}) < (:after_at, :after_id)",
                             after_at=position[0], after_id=position[1])  # fmt: skip

    def down_to(self, position: Position | None) -> Scope:
        if position is None:
            return self
        return self.further(f"({self.created_at}, {self.id}) >= (:last_at, :last_id)",
                             last_at=position[0], last_id=position[1])  # fmt: skip

    def further(self, clause: str, **values: Any) -> Scope:
        return Scope(
            source=self.source, created_at=self.created_at, id=self.id,
            clauses=(*self.clauses, clause), values={**self.values, **values},
        )  # fmt: skip

    @property
    def where(self) -> str:
        return " AND ".join(self.clauses)

    @property
    def newest_first(self) -> str:
        return f"ORDER BY {self.created_at} DESC, {self.id} DESC"


def of_generations(clauses: Sequence[str], values: Mapping[str, Any]) -> Scope:
    return Scope(
        source="generations g", created_at="g.created_at", id="g.id", clauses=tuple(clauses),
        values=values,
    )  # fmt: skip


def _of_favorites(member_id: UUID) -> Scope:
    return Scope(
        source="favorites f JOIN generations g ON g.id = f.generation_id",
        created_at="f.created_at", id="f.generation_id",
        clauses=("f.member_id = :favorites_of",), values={"favorites_of": member_id},
    )  # fmt: skip


async def last_looked_at(tx: Tx, scope: Scope) -> Position | None:
    """The last one that a page looks at; None if there are no more than that. Counts in the index
    alone. Asked before the page is read, so that what is made meanwhile moves nothing."""
    source = scope.source.partition(" JOIN ")[0]
    rows = await tx.execute(
        text(
            f"SELECT {scope.created_at} AS at, {scope.id} AS id FROM {source}"  # noqa: S608
            f" WHERE {scope.where} {scope.newest_first} OFFSET {LOOKED - 1} LIMIT 1"
        ),
        dict(scope.values),
    )
    row = rows.one_or_none()
    return None if row is None else (row.at, row.id)


def looked_at(scope: Scope) -> str:
    """SQL of generations `g` with their place as `listed_at` and `listed_id`. The limit keeps
    Postgres from finding them by what is asked of them."""
    return (
        f"(SELECT g.*, {scope.created_at} AS listed_at, {scope.id} AS listed_id"  # noqa: S608
        f" FROM {scope.source} WHERE {scope.where} {scope.newest_first} LIMIT {LOOKED}) g"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Of this member, or of the team if that is None. `favorites_of`: only those that this member
    marked. None, or empty: all."""

    team_id: UUID
    member_id: UUID | None
    favorites_of: UUID | None = None
    patterns: Sequence[str] = ()
    model: str | None = None
    states: Sequence[State] = ()
    created_from: datetime | None = None
    created_before: datetime | None = None
    end_user: str | None = None
    metadata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """`looked_to` is the last one that was looked at, if there are older ones."""

    generations: list[Generation]
    looked_to: Position | None


async def list_wanted(tx: Tx, wanted: Wanted, *, after: Position | None, limit: int) -> Found:
    """At most `limit`, newest first. `after` is the (created_at, id) of the last row before the
    page."""
    if wanted.patterns or wanted.model is not None or wanted.favorites_of is not None:
        return await _search(tx, wanted, after=after, limit=limit)
    found = await list_visible(
        tx, team_id=wanted.team_id, member_id=wanted.member_id, states=wanted.states,
        created_from=wanted.created_from, created_before=wanted.created_before,
        end_user=wanted.end_user, metadata=wanted.metadata, after=after, limit=limit,
    )  # fmt: skip
    return Found(generations=found, looked_to=None)


_IN_ORDER = "ORDER BY g.listed_at DESC, g.listed_id DESC"


async def _search(tx: Tx, wanted: Wanted, *, after: Position | None, limit: int) -> Found:
    scope = _scope(wanted).after(after)
    looked_to = await last_looked_at(tx, scope)
    scope = scope.down_to(looked_to)
    clauses, values = _conditions(wanted)
    rows = await tx.execute(
        text(
            # The page is cut before it is joined: after a join Postgres may sort, and to sort it
            # reads all that is looked at.
            f"SELECT {SELECTED} FROM (SELECT g.* FROM {looked_at(scope)}"  # noqa: S608
            f" WHERE {' AND '.join(clauses)} {_IN_ORDER} LIMIT :limit) g"
            f" LEFT JOIN assets a ON a.generation_id = g.id AND a.kind = 'video' {_IN_ORDER}"
        ),
        {**scope.values, **values, "limit": limit},
    )
    return Found(generations=[generation_of(row) for row in rows], looked_to=looked_to)


def _scope(wanted: Wanted) -> Scope:
    if wanted.favorites_of is not None:
        scope = _of_favorites(wanted.favorites_of)
    elif wanted.member_id is not None:
        scope = of_generations(["g.member_id = :member_id"], {"member_id": wanted.member_id})
    else:
        scope = of_generations(["g.team_id = :team_id"], {"team_id": wanted.team_id})
    if wanted.created_from is not None:
        scope = scope.further(f"{scope.created_at} >= :from", **{"from": wanted.created_from})
    if wanted.created_before is not None:
        scope = scope.further(f"{scope.created_at} < :before", before=wanted.created_before)
    return scope


def _conditions(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    clauses = ["g.team_id = :of_team"]
    values: dict[str, Any] = {"of_team": wanted.team_id}
    given: dict[str, tuple[str, Any]] = {
        "of_member": ("g.member_id = :of_member", wanted.member_id),
        "model": ("g.model = :model", wanted.model),
        "end_user": ("g.end_user = :end_user", wanted.end_user),
        "metadata": (HAS_TAGS, wanted.metadata and json.dumps(dict(wanted.metadata))),
        "patterns": (HAS_WORDS, list(wanted.patterns) or None),
    }
    for name, (clause, value) in given.items():
        if value:
            clauses.append(clause)
            values[name] = value
    if wanted.states:
        clauses.append(in_one_of(wanted.states))
    return clauses, values
