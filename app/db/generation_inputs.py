"""What generations are made of, and where their inputs are at the upstream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx


async def list_ids(tx: Tx, generation_id: UUID) -> list[UUID]:
    rows = await tx.execute(
        text("SELECT input_id FROM generation_inputs WHERE generation_id = :id ORDER BY input_id"),
        {"id": generation_id},
    )
    return [row.input_id for row in rows]


async def release(tx: Tx, generation_id: UUID) -> list[UUID]:
    """The generation keeps its inputs no longer; returns them."""
    rows = await tx.execute(
        text(
            "UPDATE generation_inputs SET released_at = now()"
            " WHERE generation_id = :id AND released_at IS NULL RETURNING input_id"
        ),
        {"id": generation_id},
    )
    return [row.input_id for row in rows]


async def release_expired(tx: Tx, *, now: datetime | None, limit: int) -> list[UUID]:
    """Releases the inputs of generations that ended before their team's retention began, each
    team's oldest first."""
    rows = await tx.execute(
        text(
            """
            WITH due AS (
                SELECT d.* FROM teams t
                 CROSS JOIN LATERAL (
                    SELECT gi.generation_id, gi.input_id FROM generation_inputs gi
                      JOIN generations g ON g.id = gi.generation_id
                     WHERE gi.team_id = t.id AND gi.released_at IS NULL
                       AND g.finished_at < coalesce(CAST(:now AS timestamptz), now())
                                           - make_interval(days => t.retention_days)
                     ORDER BY gi.created_at LIMIT :limit FOR NO KEY UPDATE OF gi SKIP LOCKED) d
                 WHERE t.retention_days IS NOT NULL LIMIT :limit
            )
            UPDATE generation_inputs gi SET released_at = now() FROM due d
             WHERE gi.generation_id = d.generation_id AND gi.input_id = d.input_id
            RETURNING gi.input_id
            """
        ),
        {"now": now, "limit": limit},
    )
    return [row.input_id for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """What is known of a generation's uploads: input → path, for each key whose account has some,
    and how many were tried, with all keys."""

    paths: Mapping[int, Mapping[UUID, str]]
    attempts: int

    def complete(self, inputs: Sequence[UUID]) -> list[int]:
        """The keys whose accounts have all of these inputs."""
        return [key for key, there in self.paths.items() if all(one in there for one in inputs)]


async def uploads_of(tx: Tx, generation_id: UUID) -> Uploads:
    rows = await tx.execute(
        text(
            "SELECT input_id, upstream_key_id, upstream_path, attempts FROM input_uploads"
            " WHERE generation_id = :id"
        ),
        {"id": generation_id},
    )
    paths: dict[int, dict[UUID, str]] = {}
    attempts = 0
    for row in rows:
        attempts += row.attempts
        if row.upstream_path is not None:
            paths.setdefault(row.upstream_key_id, {})[row.input_id] = row.upstream_path
    return Uploads(paths=paths, attempts=attempts)


async def begin_upload(
    tx: Tx, generation_id: UUID, input_id: UUID, *, upstream_key_id: int
) -> None:
    """Counts an upload before it begins, so that it counts even if its process is killed."""
    await tx.execute(
        text(
            """
            INSERT INTO input_uploads AS u (generation_id, input_id, upstream_key_id, attempts,
                                            last_error)
            VALUES (:generation, :input, :key, 1, 'interrupted')
            ON CONFLICT (generation_id, input_id, upstream_key_id) DO UPDATE
               SET attempts = u.attempts + 1, last_error = 'interrupted'
            """
        ),
        {"generation": generation_id, "input": input_id, "key": upstream_key_id},
    )


async def record_upload(
    tx: Tx, generation_id: UUID, input_id: UUID, *, upstream_key_id: int, path: str
) -> None:
    await tx.execute(
        text(
            """
            UPDATE input_uploads SET upstream_path = :path, uploaded_at = now(), last_error = NULL
             WHERE generation_id = :generation AND input_id = :input AND upstream_key_id = :key
            """
        ),
        {"generation": generation_id, "input": input_id, "key": upstream_key_id, "path": path},
    )


async def record_failed_upload(
    tx: Tx, generation_id: UUID, input_id: UUID, *, upstream_key_id: int, error: str
) -> None:
    await tx.execute(
        text(
            """
            UPDATE input_uploads SET last_error = :error
             WHERE generation_id = :generation AND input_id = :input AND upstream_key_id = :key
            """
        ),
        {"generation": generation_id, "input": input_id, "key": upstream_key_id, "error": error},
    )
