"""People who have signed in at an issuer and wait for an operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.issuers import Person

#: Of an issuer that gives accounts to everybody, everybody may come.
MOST_OPEN = 1_000
#: Requests of people who do not come back are deleted after this.
_KEPT_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """`name` and `email` are what the issuer says."""

    id: UUID
    issuer: str
    subject: str
    name: str
    email: str | None
    email_verified: bool | None
    created_at: datetime
    seen_at: datetime
    refused_at: datetime | None
    refused_by: str | None
    refusal: str | None


_COLUMNS = (
    "id, issuer, subject, name, email, email_verified, created_at, seen_at, refused_at, refused_by,"
    " refusal"
)


async def ask(tx: Tx, request_id: UUID, person: Person) -> SignInRequest | None:
    """The person's request, new or as it is. None if too many others wait."""
    values = {
        "id": request_id, "issuer": person.issuer, "subject": person.subject, "name": person.name,
        "email": person.email, "email_verified": person.email_verified, "most": MOST_OPEN,
    }  # fmt: skip
    seen = await tx.execute(
        text(
            "UPDATE sign_in_requests SET seen_at = now(), name = :name, email = :email,"
            " email_verified = :email_verified WHERE issuer = :issuer AND subject = :subject"
        ),
        values,
    )
    if not seen.rowcount:
        made = await tx.execute(
            text(
                """
                INSERT INTO sign_in_requests (id, issuer, subject, name, email, email_verified)
                SELECT :id, :issuer, :subject, :name, :email, CAST(:email_verified AS boolean)
                 WHERE (SELECT count(*) FROM sign_in_requests WHERE refused_at IS NULL) < :most
                """
            ),
            values,
        )
        if not made.rowcount:
            return None
    row = (
        await tx.execute(
            text(
                f"SELECT {_COLUMNS} FROM sign_in_requests"  # noqa: S608
                " WHERE issuer = :issuer AND subject = :subject"
            ),
            values,
        )
    ).one()
    return SignInRequest(**row._mapping)


_FIND = f"SELECT {_COLUMNS} FROM sign_in_requests WHERE id = :id"  # noqa: S608


async def find_request(tx: Tx, request_id: UUID) -> SignInRequest | None:
    row = (await tx.execute(text(_FIND), {"id": request_id})).one_or_none()
    return None if row is None else SignInRequest(**row._mapping)


async def lock_request(tx: Tx, request_id: UUID) -> SignInRequest | None:
    """As it is once nobody else is deciding it; nobody else does before this transaction ends."""
    row = (await tx.execute(text(f"{_FIND} FOR NO KEY UPDATE"), {"id": request_id})).one_or_none()
    return None if row is None else SignInRequest(**row._mapping)


async def list_requests(
    tx: Tx,
    *,
    refused: bool = False,
    after: tuple[datetime, UUID] | None = None,
    limit: int | None,
) -> list[SignInRequest]:
    """Oldest first: those that wait, or those that were refused. `after` is the time and id of the
    last one of the previous page."""
    at, after_id = after or (None, None)
    rows = await tx.execute(
        text(
            f"SELECT {_COLUMNS} FROM sign_in_requests"  # noqa: S608
            " WHERE (refused_at IS NOT NULL) = :refused"
            " AND (CAST(:at AS timestamptz) IS NULL OR (created_at, id) > (:at, :after_id))"
            " ORDER BY created_at, id LIMIT :limit"
        ),
        {"refused": refused, "at": at, "after_id": after_id, "limit": limit},
    )
    return [SignInRequest(**row._mapping) for row in rows]


async def refuse(tx: Tx, request_id: UUID, *, by: str, reason: str | None) -> None:
    await tx.execute(
        text(
            "UPDATE sign_in_requests SET refused_at = now(), refused_by = :by, refusal = :reason"
            " WHERE id = :id"
        ),
        {"id": request_id, "by": by, "reason": reason},
    )


async def delete(tx: Tx, request_id: UUID) -> None:
    await tx.execute(text("DELETE FROM sign_in_requests WHERE id = :id"), {"id": request_id})


async def forget(tx: Tx, issuer: str, subject: str) -> None:
    """The person waits no more."""
    await tx.execute(
        text("DELETE FROM sign_in_requests WHERE issuer = :issuer AND subject = :subject"),
        {"issuer": issuer, "subject": subject},
    )


async def prune(tx: Tx) -> None:
    await tx.execute(
        text("DELETE FROM sign_in_requests WHERE seen_at < now() - make_interval(days => :days)"),
        {"days": _KEPT_DAYS},
    )
