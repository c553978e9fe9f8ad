"""Teams and members. Raises `Conflict` if a name is taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.accounts import Period
from app.domain.caller import Role, Status
from app.domain.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """`settled_credits` and `held_credits` are those of the present period."""

    id: UUID
    name: str
    status: Status
    ended_at: datetime | None
    credit_limit: int | None
    credit_period: Period
    time_zone: str
    retention_days: int | None
    members: int
    settled_credits: int
    held_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`settled_credits` and `held_credits` are those of the present period."""

    id: UUID
    team_id: UUID
    team_name: str
    name: str
    role: Role
    status: Status
    ended_at: datetime | None
    credit_limit: int
    credit_period: Period
    rate_per_minute: int
    rate_burst: int
    max_open: int
    settled_credits: int
    held_credits: int


async def create_team(
    tx: Tx,
    team_id: UUID,
    *,
    name: str,
    credit_limit: int | None,
    credit_period: Period,
    time_zone: str,
) -> None:
    await tx.execute(
        text(
            "INSERT INTO teams (id, name, credit_limit, credit_period, time_zone)"
            " VALUES (:id, :name, :credit_limit, :credit_period, :time_zone)"
        ),
        {
            "id": team_id, "name": name, "credit_limit": credit_limit,
            "credit_period": credit_period.value, "time_zone": time_zone,
        },
    )  # fmt: skip


async def create_member(
    tx: Tx,
    member_id: UUID,
    *,
    team_id: UUID,
    name: str,
    role: Role,
    limits: Limits,
) -> None:
    """Every limit must be given."""
    await tx.execute(
        text(
            """
            WITH member AS (
                INSERT INTO members (id, team_id, name, role, credit_limit, credit_period,
                                     rate_per_minute, rate_burst, max_open)
                VALUES (:id, :team_id, :name, :role, :credit_limit, :credit_period,
                        :rate_per_minute, :rate_burst, :max_open)
            )
            INSERT INTO rate_states (member_id, arrival_at) VALUES (:id, to_timestamp(0))
            """
        ),
        {
            "id": member_id, "team_id": team_id, "name": name, "role": role.value,
            **asdict(limits),
        },
    )  # fmt: skip


def _present(owner: str) -> str:
    """SQL that joins `b`, the balance of this row's account in the present period."""
    return f"""
      CROSS JOIN LATERAL (
        SELECT coalesce(sum(x.settled), 0)::bigint AS settled,
               coalesce(sum(x.held), 0)::bigint AS held
          FROM balances x
         WHERE x.account_id = {owner}.id
           AND x.period_on = reelgate_period_on({owner}.credit_period, t.time_zone, now())) b
    """  # noqa: S608 - a constant


async def list_teams(tx: Tx) -> list[Team]:
    rows = await tx.execute(
        text(
            f"""
            SELECT t.id, t.name, t.status, t.ended_at, t.credit_limit, t.credit_period,
                   t.time_zone, t.retention_days,
                   (SELECT count(*) FROM members m WHERE m.team_id = t.id) AS members,
                   b.settled AS settled_credits, b.held AS held_credits
              FROM teams t {_present("t")} ORDER BY t.created_at, t.name
            """  # noqa: S608 - a constant
        )
    )
    return [
        Team(**{
            **row._mapping, "status": Status(row.status), "credit_period": Period(row.credit_period)
        })
        for row in rows
    ]  # fmt: skip


_MEMBERS = f"""
    SELECT m.id, m.team_id, t.name AS team_name, m.name, m.role, m.status, m.ended_at,
           m.credit_limit, m.credit_period, m.rate_per_minute, m.rate_burst, m.max_open,
           b.settled AS settled_credits, b.held AS held_credits
      FROM members m JOIN teams t ON t.id = m.team_id {_present("m")}
"""  # noqa: S608 - a constant


async def list_members(tx: Tx, *, team: str | None = None) -> list[Member]:
    rows = await tx.execute(
        text(
            _MEMBERS + " WHERE CAST(:team AS text) IS NULL OR t.name = :team"
            " ORDER BY t.name, m.created_at, m.name"
        ),
        {"team": team},
    )
    return [_member(row) for row in rows]


async def find_member(tx: Tx, *, team: str, name: str) -> Member | None:
    rows = await tx.execute(
        text(_MEMBERS + " WHERE t.name = :team AND m.name = :name"), {"team": team, "name": name}
    )
    row = rows.one_or_none()
    return None if row is None else _member(row)


def _member(row: Row[Any]) -> Member:
    return Member(**{
        **row._mapping, "role": Role(row.role), "status": Status(row.status),
        "credit_period": Period(row.credit_period),
    })  # fmt: skip


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
                status = coalesce(CAST(:status AS text), status), updated_at = now()
             WHERE id = :id
            """
        ),
        {
            "id": team_id, "credit_limit": credit_limit, "unlimited": unlimited, "status": status,
            "retention_days": retention_days, "keep_forever": keep_forever,
        },
    )  # fmt: skip


async def lock_admission(tx: Tx, member_ids: Collection[UUID]) -> None:
    """Takes the admission locks of members: nothing is admitted, and no key made, until the end of
    this transaction."""
    await tx.execute(
        text(
            """
            SELECT FROM rate_states WHERE member_id = ANY(:ids) ORDER BY member_id FOR NO KEY UPDATE
            """
        ),
        {"ids": list(member_ids)},
    )


async def end_members(tx: Tx, member_ids: Collection[UUID]) -> list[str]:
    """Ends them and revokes their keys, whose prefixes it returns. The caller holds their admission
    locks."""
    ids = {"ids": list(member_ids)}
    await tx.execute(
        text(
            "UPDATE members SET ended_at = now(), updated_at = now()"
            " WHERE id = ANY(:ids) AND ended_at IS NULL"
        ),
        ids,
    )
    revoked = await tx.scalars(
        text(
            "UPDATE api_keys SET revoked_at = now()"
            " WHERE member_id = ANY(:ids) AND revoked_at IS NULL RETURNING prefix"
        ),
        ids,
    )
    return sorted(revoked)


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
    await lock_admission(tx, await _members_of(tx, team_id))
    await tx.execute(text("SELECT FROM teams WHERE id = :id FOR UPDATE"), {"id": team_id})
    everybody = await _members_of(tx, team_id)
    await lock_admission(tx, everybody)
    changed = await tx.execute(
        text(
            "UPDATE teams SET ended_at = now(), updated_at = now()"
            " WHERE id = :id AND ended_at IS NULL RETURNING id"
        ),
        {"id": team_id},
    )
    return None if changed.one_or_none() is None else await end_members(tx, everybody)


async def _members_of(tx: Tx, team_id: UUID) -> list[UUID]:
    rows = await tx.scalars(text("SELECT id FROM members WHERE team_id = :id"), {"id": team_id})
    return list(rows)


async def rename_team(tx: Tx, team_id: UUID, *, name: str) -> None:
    await tx.execute(
        text("UPDATE teams SET name = :name, updated_at = now() WHERE id = :id"),
        {"id": team_id, "name": name},
    )


async def update_member(
    tx: Tx,
    member_id: UUID,
    *,
    limits: Limits,
    status: Status | None = None,
    name: str | None = None,
    role: Role | None = None,
) -> None:
    """Changes what is given and keeps the rest."""
    await tx.execute(
        text(
            """
            UPDATE members SET
                credit_limit = coalesce(CAST(:credit_limit AS bigint), credit_limit),
                rate_per_minute = coalesce(CAST(:rate_per_minute AS integer), rate_per_minute),
                rate_burst = coalesce(CAST(:rate_burst AS integer), rate_burst),
                max_open = coalesce(CAST(:max_open AS integer), max_open),
                status = coalesce(CAST(:status AS text), status),
                name = coalesce(CAST(:name AS text), name),
                role = coalesce(CAST(:role AS text), role), updated_at = now()
             WHERE id = :id
            """
        ),
        {"id": member_id, "status": status, "name": name, "role": role, **asdict(limits)},
    )


async def callback_seeds(tx: Tx, member_id: UUID, *, now: datetime) -> list[str]:
    """The seeds that sign the callbacks of a member, newest first."""
    row = (
        await tx.execute(
            text(
                "SELECT callback_seed, previous_callback_seed, previous_callback_until"
                " FROM members WHERE id = :id"
            ),
            {"id": member_id},
        )
    ).one()
    until = row.previous_callback_until
    previous = row.previous_callback_seed if until is not None and until > now else None
    return [row.callback_seed] if previous is None else [row.callback_seed, previous]


async def rotate_callback_seed(
    tx: Tx, member_id: UUID, *, seed: str, previous_until: datetime | None
) -> None:
    """The previous seed signs too until `previous_until`; not at all if that is None."""
    await tx.execute(
        text(
            """
            UPDATE members SET previous_callback_seed = callback_seed, callback_seed = :seed,
                   previous_callback_until = CAST(:until AS timestamptz)
             WHERE id = :id
            """
        ),
        {"id": member_id, "seed": seed, "until": previous_until},
    )
