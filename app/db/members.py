"""Members. Raises `Conflict` if a name is taken."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.accounts import PRESENT_BALANCE
from app.db.session import Tx
from app.domain.accounts import Period
from app.domain.caller import Role, Status
from app.domain.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """`settled_credits` and `held_credits` are those of the present period, which `resets_at` ends,
    if it ends; `granted_credits` are added to its limit for now."""

    id: UUID
    team_id: UUID
    team_name: str
    name: str
    role: Role
    status: Status
    created_at: datetime
    ended_at: datetime | None
    credit_limit: int
    credit_period: Period
    rate_per_minute: int
    rate_burst: int
    max_open: int
    settled_credits: int
    held_credits: int
    resets_at: datetime | None
    granted_credits: int


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


_MEMBERS = f"""
    SELECT m.id, m.team_id, t.name AS team_name, m.name, m.role, m.status, m.created_at, m.ended_at,
           m.credit_limit, m.credit_period, m.rate_per_minute, m.rate_burst, m.max_open,
           b.settled AS settled_credits, b.held AS held_credits, b.resets_at,
           g.granted AS granted_credits
      FROM members m JOIN teams t ON t.id = m.team_id
      {PRESENT_BALANCE.format(owner="m", account="m.id")}
"""  # noqa: S608 - a constant


async def list_members(
    tx: Tx,
    *,
    team: UUID | str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Member]:
    """Oldest first, of each team or of the one with this id or name. `after` is the time and id of
    the last one of the previous page of one team."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            f"{_MEMBERS} WHERE {_named('t', team)}"
            " AND (CAST(:at AS timestamptz) IS NULL OR (m.created_at, m.id) > (:at, :after_id))"
            " ORDER BY t.name, m.created_at, m.id LIMIT :limit"
        ),
        {"t": team, "at": at, "after_id": after_id, "limit": limit},
    )
    return [_member(row) for row in rows]


async def find_member(tx: Tx, *, team: UUID | str, name: UUID | str) -> Member | None:
    """Each by its id or its name."""
    rows = await tx.execute(
        text(f"{_MEMBERS} WHERE {_named('t', team)} AND {_named('m', name)}"),
        {"t": team, "m": name},
    )
    row = rows.one_or_none()
    return None if row is None else _member(row)


def _named(table: str, named: UUID | str | None) -> str:
    """SQL: whether it is the row with this id or name; any, if that is None."""
    if named is None:
        return f"CAST(:{table} AS text) IS NULL"
    return f"{table}.id = :{table}" if isinstance(named, UUID) else f"{table}.name = :{table}"


def _member(row: Row[Any]) -> Member:
    return Member(**{
        **row._mapping, "role": Role(row.role), "status": Status(row.status),
        "credit_period": Period(row.credit_period),
    })  # fmt: skip


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
