"""Teams. Raises `Conflict` if a name is taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import members
from app.db.accounts import PRESENT_BALANCE
from app.db.session import Tx
from app.domain.accounts import Period
from app.domain.caller import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """`settled_credits` and `held_credits` are those of the present period, which `resets_at` ends,
    if it ends; `granted_credits` are added to its limit for now."""

    id: UUID
    name: str
    status: Status
    created_at: datetime
    ended_at: datetime | None
    credit_limit: int | None
    credit_period: Period
    time_zone: str
    retention_days: int | None
    required_tags: list[str]
    members: int
    settled_credits: int
    held_credits: int
    resets_at: datetime | None
    granted_credits: int


async def create_team(
    tx: Tx,
    team_id: UUID,
    *,
    name: str,
    credit_limit: int | None,
    credit_period: Period,
    time_zone: str,
    retention_days: int | None,
) -> None:
    await tx.execute(
        text(
            "INSERT INTO teams (id, name, credit_limit, credit_period, time_zone, retention_days)"
            " VALUES (:id, :name, :credit_limit, :credit_period, :time_zone, :retention_days)"
        ),
        {
            "id": team_id, "name": name, "credit_limit": credit_limit, "time_zone": time_zone,
            "credit_period": credit_period.value, "retention_days": retention_days,
        },
    )  # fmt: skip


async def list_teams(
    tx: Tx,
    *,
    team_id: UUID | None = None,
    name: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Team]:
    """Oldest first: all, or the one with this id or name. `after` is the time and id of the last
    one of the previous page."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            f"""
            SELECT t.id, t.name, t.status, t.created_at, t.ended_at, t.credit_limit,
                   t.credit_period, t.time_zone, t.retention_days, t.required_tags,
                   (SELECT count(*) FROM members m WHERE m.team_id = t.id) AS members,
                   b.settled AS settled_credits, b.held AS held_credits, b.resets_at,
                   g.granted AS granted_credits
              FROM teams t {PRESENT_BALANCE.format(owner="t", account="t.id")}
             WHERE (CAST(:id AS uuid) IS NULL OR t.id = :id)
               AND (CAST(:name AS text) IS NULL OR t.name = :name)
               AND (CAST(:at AS timestamptz) IS NULL OR (t.created_at, t.id) > (:at, :after_id))
             ORDER BY t.created_at, t.id LIMIT :limit
            """  # noqa: S608 - a constant
        ),
        {"id": team_id, "name": name, "at": at, "after_id": after_id, "limit": limit},
    )
    return [
        Team(**{
            **row._mapping, "status": Status(row.status), "credit_period": Period(row.credit_period)
        })
        for row in rows
    ]  # fmt: skip


async def find_team(tx: Tx, team: UUID | str) -> Team | None:
    """By its id or its name."""
    if isinstance(team, UUID):
        found = await list_teams(tx, team_id=team)
    else:
        found = await list_teams(tx, name=team)
    return found[0] if found else None


async def find_team_id(tx: Tx, name: str) -> UUID | None:
    found: UUID | None = await tx.scalar(text("SELECT id FROM teams WHERE name = :n"), {"n": name})
    return found


async def update_team(
    tx: Tx,
    team_id: UUID,
    *,
    credit_limit: int | None,
    unlimited: bool,
    retention_days: int | None,
    keep_forever: bool,
    required_tags: list[str] | None,
    status: Status | None,
) -> None:
    """Changes what is given. `unlimited` removes the credit limit, `keep_forever` the retention."""
    await tx.execute(
        text(
            """
            UPDATE teams SET
                credit_limit = CASE WHEN :unlimited THEN NULL
                                    ELSE coalesce(CAST(:credit_limit AS bigint), credit_limit) END,
                retention_days = CASE WHEN :keep_forever THEN NULL
                    ELSE coalesce(CAST(:retention_days AS integer), retention_days) END,
                required_tags = coalesce(CAST(:required_tags AS text[]), required_tags),
                status = coalesce(CAST(:status AS text), status), updated_at = now()
             WHERE id = :id
            """
        ),
        {
            "id": team_id, "credit_limit": credit_limit, "unlimited": unlimited, "status": status,
            "retention_days": retention_days, "keep_forever": keep_forever,
            "required_tags": required_tags,
        },
    )  # fmt: skip


async def rename_team(tx: Tx, team_id: UUID, *, name: str) -> None:
    await tx.execute(
        text("UPDATE teams SET name = :name, updated_at = now() WHERE id = :id"),
        {"id": team_id, "name": name},
    )


async def has_team_ended(tx: Tx, team_id: UUID) -> bool:
    """If not, ending it waits for this transaction."""
    ended_at = await tx.scalar(
        text("SELECT ended_at FROM teams WHERE id = :id FOR KEY SHARE"), {"id": team_id}
    )
    return ended_at is not None


async def end_team(tx: Tx, team_id: UUID) -> list[str] | None:
    """Ends it with its members and returns the prefixes of the revoked keys; None if it has ended
    already.

    Admission takes the lock of a member before that of its team, so this does too. Whoever was
    added before the team was locked is locked afterwards.
    """
    await members.lock_admission(tx, await _members_of(tx, team_id))
    await tx.execute(text("SELECT FROM teams WHERE id = :id FOR UPDATE"), {"id": team_id})
    everybody = await _members_of(tx, team_id)
    await members.lock_admission(tx, everybody)
    changed = await tx.execute(
        text(
            "UPDATE teams SET ended_at = now(), updated_at = now()"
            " WHERE id = :id AND ended_at IS NULL RETURNING id"
        ),
        {"id": team_id},
    )
    return None if changed.one_or_none() is None else await members.end_members(tx, everybody)


async def _members_of(tx: Tx, team_id: UUID) -> list[UUID]:
    rows = await tx.scalars(text("SELECT id FROM members WHERE team_id = :id"), {"id": team_id})
    return list(rows)
