"""Teams, members and keys. Raises `Conflict` if a name is taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.ledger import held_by, settled_by
from app.db.session import Tx
from app.domain.caller import Caller, Role, Status
from app.domain.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    id: UUID
    name: str
    status: Status
    credit_limit: int | None
    retention_days: int | None
    members: int
    settled_credits: int
    held_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    id: UUID
    team_id: UUID
    team_name: str
    name: str
    role: Role
    status: Status
    credit_limit: int
    rate_per_minute: int
    rate_burst: int
    max_open: int
    settled_credits: int
    held_credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    id: UUID
    member_id: UUID
    member_name: str
    team_name: str
    name: str
    prefix: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def shown(self) -> str:
        return f"{self.prefix}…"


_CALLER = """
    SELECT k.id AS key_id, k.prefix AS key_prefix, m.id AS member_id, t.id AS team_id, m.name,
           t.name AS team_name, m.role,
           CASE WHEN t.status = 'ACTIVE' THEN m.status ELSE t.status END AS status,
           m.credit_limit, m.rate_per_minute, m.rate_burst, m.max_open, m.created_at, m.updated_at
      FROM api_keys k JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
     WHERE k.revoked_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > coalesce(CAST(:now AS timestamptz), now()))
"""
_FIND_CALLER = text(_CALLER + " AND k.secret_sha256 = :digest")
_FIND_CALLER_OF_KEY = text(_CALLER + " AND k.id = :key_id")
_GOOD_KEYS = text(f"SELECT key_id FROM ({_CALLER} AND k.id = ANY(:key_ids)) good")  # noqa: S608

_NOTE_LAST_USE = text(
    """
    WITH used AS (
        SELECT k.id, now() - make_interval(secs => u.seconds) AS at
          FROM unnest(CAST(:ids AS uuid[]), CAST(:seconds AS double precision[])) u (id, seconds)
          JOIN api_keys k ON k.id = u.id
           FOR NO KEY UPDATE OF k SKIP LOCKED
    )
    UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, used.at)
      FROM used WHERE k.id = used.id
    """
)


async def find_caller(tx: Tx, digest: bytes, *, now: datetime | None = None) -> Caller | None:
    """The caller whose key has this SHA-256, unless it is revoked or expired."""
    return _caller((await tx.execute(_FIND_CALLER, {"digest": digest, "now": now})).one_or_none())


async def find_caller_of_key(tx: Tx, key_id: UUID, *, now: datetime | None = None) -> Caller | None:
    """The caller whose key this is, unless it is revoked or expired."""
    values = {"key_id": key_id, "now": now}
    return _caller((await tx.execute(_FIND_CALLER_OF_KEY, values)).one_or_none())


async def good_keys(tx: Tx, key_ids: Collection[UUID], *, now: datetime | None = None) -> set[UUID]:
    """Those keys that are neither revoked nor expired."""
    rows = await tx.scalars(_GOOD_KEYS, {"key_ids": list(key_ids), "now": now})
    return set(rows)


async def note_last_use(tx: Tx, ago: Mapping[UUID, float]) -> None:
    """Records how many seconds ago keys were last used. Skips a row that somebody else is changing:
    no request waits for this, and it runs again in a minute."""
    await tx.execute(_NOTE_LAST_USE, {"ids": list(ago), "seconds": list(ago.values())})


def _caller(row: Row[Any] | None) -> Caller | None:
    if row is None:
        return None
    named = dict(row._mapping)
    return Caller(**{**named, "role": Role(row.role), "status": Status(row.status)})


async def create_team(tx: Tx, team_id: UUID, *, name: str, credit_limit: int | None) -> None:
    await tx.execute(
        text("INSERT INTO teams (id, name, credit_limit) VALUES (:id, :name, :credit_limit)"),
        {"id": team_id, "name": name, "credit_limit": credit_limit},
    )


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
                INSERT INTO members (id, team_id, name, role, credit_limit, rate_per_minute,
                                     rate_burst, max_open)
                VALUES (:id, :team_id, :name, :role, :credit_limit, :rate_per_minute, :rate_burst,
                        :max_open)
            )
            INSERT INTO rate_states (member_id, arrival_at) VALUES (:id, to_timestamp(0))
            """
        ),
        {
            "id": member_id, "team_id": team_id, "name": name, "role": role.value,
            **asdict(limits),
        },
    )  # fmt: skip


async def create_key(
    tx: Tx,
    key_id: UUID,
    *,
    member_id: UUID,
    name: str,
    prefix: str,
    digest: bytes,
    expires_at: datetime | None,
) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO api_keys (id, member_id, name, prefix, secret_sha256, expires_at)
            VALUES (:id, :member_id, :name, :prefix, :digest, :expires_at)
            """
        ),
        {
            "id": key_id, "member_id": member_id, "name": name, "prefix": prefix,
            "digest": digest, "expires_at": expires_at,
        },
    )  # fmt: skip


async def list_teams(tx: Tx) -> list[Team]:
    rows = await tx.execute(
        text(
            f"""
            SELECT t.id, t.name, t.status, t.credit_limit, t.retention_days,
                   (SELECT count(*) FROM members m WHERE m.team_id = t.id) AS members,
                   {settled_by("team_id = t.id")} AS settled_credits,
                   {held_by("team_id = t.id")} AS held_credits
              FROM teams t ORDER BY t.created_at, t.name
            """  # noqa: S608 - a constant
        )
    )
    return [Team(**{**row._mapping, "status": Status(row.status)}) for row in rows]


_MEMBERS = f"""
    SELECT m.id, m.team_id, t.name AS team_name, m.name, m.role, m.status, m.credit_limit,
           m.rate_per_minute, m.rate_burst, m.max_open,
           {settled_by("member_id = m.id")} AS settled_credits,
           {held_by("member_id = m.id")} AS held_credits
      FROM members m JOIN teams t ON t.id = m.team_id
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
    return Member(**{**row._mapping, "role": Role(row.role), "status": Status(row.status)})


async def find_team_id(tx: Tx, name: str) -> UUID | None:
    found: UUID | None = await tx.scalar(text("SELECT id FROM teams WHERE name = :n"), {"n": name})
    return found


async def any_key(tx: Tx) -> bool:
    return bool(await tx.scalar(text("SELECT EXISTS (SELECT FROM api_keys)")))


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


async def update_member(
    tx: Tx,
    member_id: UUID,
    *,
    limits: Limits,
    status: Status | None = None,
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
                status = coalesce(CAST(:status AS text), status), updated_at = now()
             WHERE id = :id
            """
        ),
        {"id": member_id, "status": status, **asdict(limits)},
    )


_KEYS = """
    SELECT k.id, k.member_id, m.name AS member_name, t.name AS team_name, k.name, k.prefix,
           k.created_at, k.expires_at, k.revoked_at, k.last_used_at
      FROM api_keys k JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
"""


async def list_keys(tx: Tx, *, begins: str | None = None, digest: bytes | None = None) -> list[Key]:
    """All keys, those with this prefix, or the one with this SHA-256."""
    rows = await tx.execute(
        text(
            _KEYS + " WHERE (CAST(:begins AS text) IS NULL OR starts_with(k.prefix, :begins))"
            " AND (CAST(:digest AS bytea) IS NULL OR k.secret_sha256 = :digest)"
            " ORDER BY t.name, m.name, k.created_at"
        ),
        {"begins": begins, "digest": digest},
    )
    return [Key(**row._mapping) for row in rows]


async def get_key(tx: Tx, key_id: UUID) -> Key:
    rows = await tx.execute(text(_KEYS + " WHERE k.id = :id"), {"id": key_id})
    return Key(**rows.one()._mapping)


async def end_key(tx: Tx, key_id: UUID, *, overlap_seconds: float) -> None:
    """Ends a key by the database's clock: now, or later to let a rotation overlap.

    Takes the member's admission lock: once this is committed, nothing more is accepted with the
    key.
    """
    await tx.execute(
        text(
            """
            SELECT FROM rate_states
             WHERE member_id = (SELECT member_id FROM api_keys WHERE id = :id) FOR UPDATE
            """
        ),
        {"id": key_id},
    )
    await tx.execute(
        text(
            """
            UPDATE api_keys SET
                revoked_at = CASE WHEN :seconds <= 0 THEN now() ELSE revoked_at END,
                expires_at = CASE WHEN :seconds <= 0 THEN expires_at
                                  ELSE least(coalesce(expires_at, 'infinity'),
                                             now() + make_interval(secs => :seconds)) END
             WHERE id = :id
            """
        ),
        {"id": key_id, "seconds": float(overlap_seconds)},
    )


async def lock_valid_key(tx: Tx, key_id: UUID, *, now: datetime | None = None) -> bool:
    """Whether the key is valid. If so, ending it waits for this transaction."""
    found = await tx.scalar(
        text(
            """
            SELECT true FROM api_keys WHERE id = :id AND revoked_at IS NULL
               AND (expires_at IS NULL OR expires_at > coalesce(CAST(:now AS timestamptz), now()))
               FOR SHARE
            """
        ),
        {"id": key_id, "now": now},
    )
    return bool(found)


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
