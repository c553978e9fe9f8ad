"""Keys of members: whose they are, whether they are valid, and how they end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.accounts import PRESENT_BALANCE
from app.db.session import Tx
from app.domain.accounts import Period
from app.domain.caller import Caller, Role, Status
from app.domain.keys import Restrictions, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`settled_credits` and `held_credits` are those of its account in the present period, which
    `resets_at` ends, if it ends; `granted_credits` are added to its limit for now."""

    id: UUID
    member_id: UUID
    member_name: str
    team_id: UUID
    team_name: str
    name: str
    prefix: str
    account_id: UUID
    credit_limit: int | None
    granted_credits: int
    credit_period: Period
    settled_credits: int
    held_credits: int
    resets_at: datetime | None
    restrictions: Restrictions
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def shown(self) -> str:
        return f"{self.prefix}…"


#: A caller's fields → their columns of a key `k`, its member `m` and its team `t`.
_CALLER_FIELDS = {
    "key_id": "k.id",
    "key_prefix": "k.prefix",
    "member_id": "m.id",
    "team_id": "t.id",
    "name": "m.name",
    "team_name": "t.name",
    "role": "m.role",
    "status": "CASE WHEN t.status = 'ACTIVE' THEN m.status ELSE t.status END",
    "credit_limit": "m.credit_limit",
    "rate_per_minute": "m.rate_per_minute",
    "rate_burst": "m.rate_burst",
    "max_open": "m.max_open",
    "created_at": "m.created_at",
    "updated_at": "m.updated_at",
    "scopes": "k.scopes",
    "models": "k.models",
    "addresses": "k.addresses",
    "version": "reelgate_version(k.xmin, m.xmin, t.xmin)",
}
#: For `caller_of`, by names of their own, and how many they are.
CALLER_COLUMNS = ", ".join(f"{of} AS caller_{name}" for name, of in _CALLER_FIELDS.items())
CALLER_COLUMNS_COUNT = len(_CALLER_FIELDS)

#: `:now` is null for the database's own clock.
NOW = "coalesce(CAST(:now AS timestamptz), now())"
#: Of a key `k`.
VALID = f"k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > {NOW})"
_CALLER = f"""
    SELECT {CALLER_COLUMNS}
      FROM api_keys k JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
     WHERE {VALID}
"""  # noqa: S608
_FIND_CALLER = text(_CALLER + " AND k.secret_sha256 = :digest")
_FIND_CALLER_OF_KEY = text(_CALLER + " AND k.id = :key_id")
_STILL_VALID = text(
    f"""
    SELECT k.id FROM api_keys k WHERE k.id = ANY(:ids) AND {VALID}
     UNION ALL
    SELECT s.id FROM sessions s JOIN api_keys k ON k.id = s.key_id
     WHERE s.id = ANY(:ids) AND s.ended_at IS NULL AND s.expires_at > {NOW} AND {VALID}
    """  # noqa: S608
)

#: Columns with lists of words; a caller is looked up with these alone.
_RESTRICTION_LISTS = ("scopes", "models", "addresses")

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
    row = (await tx.execute(_FIND_CALLER, {"digest": digest, "now": now})).one_or_none()
    return None if row is None else caller_of(row)


async def find_caller_of_key(tx: Tx, key_id: UUID, *, now: datetime | None = None) -> Caller | None:
    """The caller whose key this is, unless it is revoked or expired."""
    values = {"key_id": key_id, "now": now}
    row = (await tx.execute(_FIND_CALLER_OF_KEY, values)).one_or_none()
    return None if row is None else caller_of(row)


async def still_valid(tx: Tx, ids: Collection[UUID], *, now: datetime | None = None) -> set[UUID]:
    """Which of these keys, and sessions of browsers, have neither ended nor expired. A session ends
    with its key too."""
    rows = await tx.scalars(_STILL_VALID, {"ids": list(ids), "now": now})
    return set(rows)


async def note_last_use(tx: Tx, ago: Mapping[UUID, float]) -> None:
    """Records how many seconds ago keys were last used. Skips a row that somebody else is changing:
    no request waits for this, and it runs again in a minute."""
    await tx.execute(_NOTE_LAST_USE, {"ids": list(ago), "seconds": list(ago.values())})


def caller_of(values: Sequence[Any]) -> Caller:
    """From `CALLER_COLUMNS`."""
    named = dict(zip(_CALLER_FIELDS, values, strict=True))
    restrictions = _restrictions(named, *_RESTRICTION_LISTS)
    return Caller(**{
        **named, "role": Role(named["role"]), "status": Status(named["status"]),
        "restrictions": restrictions,
    })  # fmt: skip


def _restrictions(named: dict[str, Any], *columns: str) -> Restrictions:
    """Takes these columns out of a row."""
    found = {name: named.pop(name) for name in columns}
    lists = {name: tuple(found[name]) for name in _RESTRICTION_LISTS if found[name] is not None}
    return Restrictions(**{**found, **lists, "scopes": tuple(map(Scope, found["scopes"]))})


async def create_key(
    tx: Tx,
    key_id: UUID,
    *,
    member_id: UUID,
    name: str,
    prefix: str,
    digest: bytes,
    expires_at: datetime | None,
    account_id: UUID,
    credit_limit: int | None,
    credit_period: Period,
    restrictions: Restrictions,
) -> None:
    await tx.execute(
        text(
            """
            INSERT INTO api_keys (id, member_id, name, prefix, secret_sha256, expires_at,
                                  account_id, credit_limit, credit_period, scopes, models,
                                  addresses, rate_per_minute, rate_burst, max_open)
            VALUES (:id, :member_id, :name, :prefix, :digest, :expires_at, :account_id,
                    :credit_limit, :credit_period, :scopes, CAST(:models AS text[]),
                    CAST(:addresses AS text[]), :rate_per_minute, :rate_burst, :max_open)
            """
        ),
        {
            "id": key_id, "member_id": member_id, "name": name, "prefix": prefix,
            "digest": digest, "expires_at": expires_at, "account_id": account_id,
            "credit_limit": credit_limit, "credit_period": credit_period.value,
            **_columns(restrictions),
        },
    )  # fmt: skip


async def any_key(tx: Tx) -> bool:
    return bool(await tx.scalar(text("SELECT EXISTS (SELECT FROM api_keys)")))


_KEYS = f"""
    SELECT k.id, k.member_id, m.name AS member_name, t.id AS team_id, t.name AS team_name,
           k.name, k.prefix, k.account_id, k.credit_limit, k.credit_period, k.scopes, k.models,
           k.addresses, k.rate_per_minute, k.rate_burst, k.max_open, k.created_at, k.expires_at,
           k.revoked_at,
           k.last_used_at, g.granted AS granted_credits, b.settled AS settled_credits,
           b.held AS held_credits, b.resets_at
      FROM api_keys k JOIN members m ON m.id = k.member_id JOIN teams t ON t.id = m.team_id
      {PRESENT_BALANCE.format(owner="k", account="k.account_id")}
"""  # noqa: S608 - a constant


async def list_keys(
    tx: Tx,
    *,
    begins: str | None = None,
    digest: bytes | None = None,
    key_id: UUID | None = None,
    member_id: UUID | None = None,
    team: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None = None,
) -> list[Key]:
    """Those that match everything that is given: a beginning, the SHA-256, the id, the member, the
    team's name. Each member's oldest first. `after` is the time and id of the last one of the
    previous page of one member."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            _KEYS + " WHERE (CAST(:begins AS text) IS NULL OR starts_with(k.prefix, :begins))"
            " AND (CAST(:digest AS bytea) IS NULL OR k.secret_sha256 = :digest)"
            " AND (CAST(:key_id AS uuid) IS NULL OR k.id = :key_id)"
            " AND (CAST(:member_id AS uuid) IS NULL OR k.member_id = :member_id)"
            " AND (CAST(:team AS text) IS NULL OR t.name = :team)"
            " AND (CAST(:at AS timestamptz) IS NULL OR (k.created_at, k.id) > (:at, :after_id))"
            " ORDER BY t.name, m.name, k.created_at, k.id LIMIT :limit"
        ),
        {"begins": begins, "digest": digest, "key_id": key_id, "member_id": member_id,
         "team": team, "at": at, "after_id": after_id, "limit": limit},
    )  # fmt: skip
    return [_key(row) for row in rows]


async def list_team_keys(
    tx: Tx, team_id: UUID, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[Key]:
    """Of all members, oldest first. `after` is the time and id of the last one of the previous
    page."""
    values: dict[str, Any] = {"team_id": team_id, "limit": limit}
    beyond = ""
    if after is not None:
        beyond = "AND (k.created_at, k.id) > (:after_at, :after_id)"
        values |= {"after_at": after[0], "after_id": after[1]}
    rows = await tx.execute(
        text(
            f"{_KEYS} WHERE m.team_id = :team_id {beyond} ORDER BY k.created_at, k.id LIMIT :limit"
        ),
        values,
    )
    return [_key(row) for row in rows]


async def get_key(tx: Tx, key_id: UUID) -> Key:
    rows = await tx.execute(text(_KEYS + " WHERE k.id = :id"), {"id": key_id})
    return _key(rows.one())


def _key(row: Row[Any]) -> Key:
    named = dict(row._mapping)
    restrictions = _restrictions(named, *(column.name for column in fields(Restrictions)))
    named["credit_period"] = Period(row.credit_period)
    return Key(**named, restrictions=restrictions)


def _columns(restrictions: Restrictions) -> dict[str, Any]:
    found = asdict(restrictions)
    lists = {
        name: None if found[name] is None else list(found[name]) for name in _RESTRICTION_LISTS
    }
    return {**found, **lists}


async def restrict(tx: Tx, account_id: UUID, restrictions: Restrictions) -> None:
    """Of the keys of this account."""
    await tx.execute(
        text(
            """
            UPDATE api_keys SET scopes = :scopes, models = CAST(:models AS text[]),
                   addresses = CAST(:addresses AS text[]), rate_per_minute = :rate_per_minute,
                   rate_burst = :rate_burst, max_open = :max_open
             WHERE account_id = :id
            """
        ),
        {"id": account_id, **_columns(restrictions)},
    )


async def set_credit_limit(tx: Tx, account_id: UUID, *, credit_limit: int | None) -> None:
    """Of the keys of this account. None: they have no limit of their own."""
    await tx.execute(
        text("UPDATE api_keys SET credit_limit = :limit WHERE account_id = :id"),
        {"id": account_id, "limit": credit_limit},
    )


async def end_key(tx: Tx, key_id: UUID, *, overlap_seconds: float) -> None:
    """Ends a key by the database's clock: now, or later to let a rotation overlap.

    Takes the member's admission lock: once this is committed, nothing more is accepted with the
    key.
    """
    await tx.execute(
        text(
            """
            SELECT FROM rate_states
             WHERE member_id = (SELECT member_id FROM api_keys WHERE id = :id) FOR NO KEY UPDATE
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
