"""Signed-in browsers: begun, found by their secret, seen, ended."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db import api_keys
from app.db.api_keys import NOW
from app.db.session import Tx
from app.domain.sessions import Method, Session

#: How old the recorded instant of a session's last request can be.
_SEEN_SECONDS = 60.0
#: For how long an ended session can still be found by operators in the table.
_KEPT_DAYS = 7

_VALID = f"""
    s.ended_at IS NULL AND s.expires_at > {NOW}
    AND s.seen_at > {NOW} - make_interval(secs => :idle_seconds)
    AND {api_keys.VALID}
"""
_FIND = text(
    f"""
    SELECT s.id, s.key_id, k.prefix AS key_prefix, k.secret_sha256 AS key_digest,
           s.recent_auth_at, s.seen_at < {NOW} - make_interval(secs => :seen_seconds) AS unseen
      FROM sessions s JOIN api_keys k ON k.id = s.key_id
     WHERE s.secret_sha256 = :digest AND {_VALID}
    """  # noqa: S608
)
_SEE = text(f"UPDATE sessions SET seen_at = greatest(seen_at, {NOW}) WHERE id = :id")  # noqa: S608
_BEGIN = text(
    f"""
    INSERT INTO sessions (id, key_id, secret_sha256, method, address, browser, created_at, seen_at,
                          recent_auth_at, expires_at)
    VALUES (:id, :key_id, :digest, :method, :address, :browser, {NOW}, {NOW},
            coalesce(CAST(:proved_at AS timestamptz), {NOW}),
            {NOW} + make_interval(secs => :seconds))
    """  # noqa: S608
)
_PROVE = text(f"UPDATE sessions SET recent_auth_at = {NOW} WHERE id = :id")  # noqa: S608
_LIST = text(
    f"""
    SELECT s.id, s.method, s.address, s.browser, s.created_at, s.seen_at, k.prefix AS key_prefix,
           least(s.expires_at, s.seen_at + make_interval(secs => :idle_seconds)) AS expires_at
      FROM sessions s JOIN api_keys k ON k.id = s.key_id
     WHERE k.member_id = :member_id AND {_VALID}
     ORDER BY s.seen_at DESC, s.id
    """  # noqa: S608
)
_END = text(
    """
    UPDATE sessions s SET ended_at = now()
      FROM api_keys k
     WHERE k.id = s.key_id AND k.member_id = :member_id AND s.id = :id AND s.ended_at IS NULL
    RETURNING s.id
    """
)
_REPLACE = text(
    "UPDATE sessions SET ended_at = now() WHERE secret_sha256 = :digest AND ended_at IS NULL"
    " RETURNING id, key_id"
)
_END_OF_MEMBERS = text(
    """
    UPDATE sessions s SET ended_at = now()
      FROM api_keys k
     WHERE k.id = s.key_id AND k.member_id = ANY(:member_ids) AND s.ended_at IS NULL
    """
)
_END_OF_TEAM = text(
    """
    UPDATE sessions s SET ended_at = now()
      FROM api_keys k JOIN members m ON m.id = k.member_id
     WHERE k.id = s.key_id AND m.team_id = :team_id AND s.ended_at IS NULL
    """
)
_USE_LINK = text(
    f"DELETE FROM sign_in_links WHERE secret_sha256 = :digest AND expires_at > {NOW}"  # noqa: S608
    " RETURNING key_id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSession:
    """`expires_at` is when it ends if it is not used any more."""

    id: UUID
    method: Method
    key_prefix: str
    address: str | None
    browser: str | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


async def begin(
    tx: Tx,
    session_id: UUID,
    *,
    key_id: UUID,
    digest: bytes,
    method: Method,
    address: str | None,
    browser: str | None,
    seconds: float,
    proved_at: datetime | None = None,
    now: datetime | None = None,
) -> None:
    """`seconds` is how long it lasts however much it is used. `proved_at` is when the person proved
    who it is; None: just now."""
    await tx.execute(
        _BEGIN,
        {"id": session_id, "key_id": key_id, "digest": digest, "method": method.value,
         "address": address, "browser": browser, "seconds": seconds, "proved_at": proved_at,
         "now": now},
    )  # fmt: skip


async def find(
    tx: Tx, digest: bytes, *, idle_seconds: float, now: datetime | None = None
) -> Session | None:
    """The session whose secret has this SHA-256, unless it or its key has ended. Records that it is
    in use."""
    row = (
        await tx.execute(
            _FIND,
            {"digest": digest, "idle_seconds": idle_seconds, "seen_seconds": _SEEN_SECONDS,
             "now": now},
        )
    ).one_or_none()  # fmt: skip
    if row is None:
        return None
    if row.unseen:
        await tx.execute(_SEE, {"id": row.id, "now": now})
    return Session(
        id=row.id, key_id=row.key_id, key_prefix=row.key_prefix, key_digest=row.key_digest,
        recent_auth_at=row.recent_auth_at,
    )  # fmt: skip


async def prove(tx: Tx, session_id: UUID, *, now: datetime | None = None) -> None:
    """The person of this session has just proved who it is."""
    await tx.execute(_PROVE, {"id": session_id, "now": now})


async def of_member(
    tx: Tx, member_id: UUID, *, idle_seconds: float, now: datetime | None = None
) -> list[ListedSession]:
    """Those that last, the one that was used last first."""
    values = {"member_id": member_id, "idle_seconds": idle_seconds, "now": now}
    rows = await tx.execute(_LIST, values)
    return [
        ListedSession(**{**row._mapping, "method": Method(row.method)}) for row in rows
    ]  # fmt: skip


async def end(tx: Tx, session_id: UUID, *, member_id: UUID) -> bool:
    """Whether the member had it, and it had not ended."""
    values = {"id": session_id, "member_id": member_id}
    return (await tx.execute(_END, values)).one_or_none() is not None


async def replace(tx: Tx, digest: bytes) -> tuple[UUID, UUID] | None:
    """Ends the session whose secret has this SHA-256, since its browser gets another one. Its id,
    and that of its key; None: it had ended."""
    row = (await tx.execute(_REPLACE, {"digest": digest})).one_or_none()
    return None if row is None else (row.id, row.key_id)


async def end_of_members(tx: Tx, member_ids: Collection[UUID]) -> None:
    await tx.execute(_END_OF_MEMBERS, {"member_ids": list(member_ids)})


async def end_of_team(tx: Tx, team_id: UUID) -> None:
    await tx.execute(_END_OF_TEAM, {"team_id": team_id})


async def create_link(tx: Tx, digest: bytes, *, key_id: UUID, seconds: float) -> None:
    await tx.execute(
        text(
            "INSERT INTO sign_in_links (secret_sha256, key_id, expires_at)"
            " VALUES (:digest, :key_id, now() + make_interval(secs => :seconds))"
        ),
        {"digest": digest, "key_id": key_id, "seconds": seconds},
    )


async def use_link(tx: Tx, digest: bytes, *, now: datetime | None = None) -> UUID | None:
    """The key of a link, which opens nothing any more. None: there is none, or no longer."""
    found: UUID | None = await tx.scalar(_USE_LINK, {"digest": digest, "now": now})
    return found


async def prune(tx: Tx) -> None:
    """Deletes sessions that ended some days ago, and links that were not used."""
    await tx.execute(
        text("DELETE FROM sessions WHERE expires_at < now() - make_interval(days => :days)"),
        {"days": _KEPT_DAYS},
    )
    await tx.execute(text("DELETE FROM sign_in_links WHERE expires_at < now()"))
