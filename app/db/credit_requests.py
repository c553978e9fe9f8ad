"""Requests of members for more credits."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.accounts import AccountKind
from app.domain.credit_requests import CreditRequest, RequestState

_REQUESTS = """
    SELECT r.id, r.state, r.kind AS account, r.team_id, t.name AS team, r.member_id,
           m.name AS member, k.id AS key_id, k.prefix AS key_prefix, r.credits, r.reason,
           r.ends_at, r.created_at, r.decided_at, r.decided_by, r.decision, r.grant_id,
           g.credits AS granted_credits, nullif(g.ends_at, 'infinity') AS granted_until
      FROM credit_requests r JOIN teams t ON t.id = r.team_id JOIN members m ON m.id = r.member_id
      LEFT JOIN grants g ON g.id = r.grant_id
      LEFT JOIN LATERAL (
        SELECT x.id, x.prefix FROM api_keys x
         WHERE r.kind = 'key' AND x.account_id = r.account_id
         ORDER BY x.created_at DESC, x.id DESC LIMIT 1) k ON true
"""


async def add_request(
    tx: Tx,
    request_id: UUID,
    *,
    team_id: UUID,
    member_id: UUID,
    account_id: UUID,
    kind: AccountKind,
    credits_: int,
    reason: str,
    ends_at: datetime | None,
    created_at: datetime,
) -> None:
    """Raises `Conflict` if the member has an open one."""
    await tx.execute(
        text(
            """
            INSERT INTO credit_requests
                (id, team_id, member_id, account_id, kind, credits, reason, ends_at, created_at)
            VALUES (:id, :team_id, :member_id, :account_id, :kind, :credits, :reason, :ends_at,
                    :created_at)
            """
        ),
        {
            "id": request_id, "team_id": team_id, "member_id": member_id, "kind": kind.value,
            "account_id": account_id, "credits": credits_, "reason": reason, "ends_at": ends_at,
            "created_at": created_at,
        },
    )  # fmt: skip


async def find_request(tx: Tx, request_id: UUID) -> CreditRequest | None:
    row = (
        await tx.execute(text(_REQUESTS + " WHERE r.id = :id"), {"id": request_id})
    ).one_or_none()
    return None if row is None else _request(row)


async def lock_request(tx: Tx, request_id: UUID) -> CreditRequest | None:
    """As it is once nobody else is deciding it; nobody else does before this transaction ends."""
    await tx.execute(
        text("SELECT FROM credit_requests WHERE id = :id FOR NO KEY UPDATE"), {"id": request_id}
    )
    return await find_request(tx, request_id)


async def end_request(
    tx: Tx,
    request_id: UUID,
    state: RequestState,
    *,
    decided_by: str,
    decision: str | None,
    grant_id: UUID | None,
    now: datetime | None,
) -> None:
    """`now` None: by the database's clock. The request is locked, and open."""
    await tx.execute(
        text(
            "UPDATE credit_requests SET state = :state, decided_by = :by, decision = :decision,"
            " grant_id = :grant_id,"
            " decided_at = coalesce(CAST(:now AS timestamptz), clock_timestamp()) WHERE id = :id"
        ),
        {
            "id": request_id, "state": state.value, "by": decided_by, "decision": decision,
            "grant_id": grant_id, "now": now,
        },
    )  # fmt: skip


async def list_requests(
    tx: Tx,
    *,
    team_id: UUID | None = None,
    team: str | None = None,
    member_id: UUID | None = None,
    state: RequestState | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None,
) -> list[CreditRequest]:
    """Newest first: of everybody, of a team, by its id or its name, or of a member. `after` is the
    time and id of the last one of the previous page."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            _REQUESTS + " WHERE (CAST(:team_id AS uuid) IS NULL OR r.team_id = :team_id)"
            " AND (CAST(:team AS text) IS NULL OR t.name = :team)"
            " AND (CAST(:member_id AS uuid) IS NULL OR r.member_id = :member_id)"
            " AND (CAST(:state AS text) IS NULL OR r.state = :state)"
            " AND (CAST(:at AS timestamptz) IS NULL OR (r.created_at, r.id) < (:at, :after_id))"
            " ORDER BY r.created_at DESC, r.id DESC LIMIT :limit"
        ),
        {
            "team_id": team_id, "team": team, "member_id": member_id,
            "state": state and state.value, "at": at, "after_id": after_id, "limit": limit,
        },
    )  # fmt: skip
    return [_request(row) for row in rows]


def _request(row: Row[Any]) -> CreditRequest:
    named = {
        **row._mapping, "state": RequestState(row.state), "account": AccountKind(row.account)
    }  # fmt: skip
    return CreditRequest(**named)
