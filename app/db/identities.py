"""Who members are at issuers of OpenID Connect."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.domain.caller import Role, Status

#: `:now` is null for the database's own clock.
_NOW = "coalesce(CAST(:now AS timestamptz), now())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One membership of a person, with its member and team as they are. `key_id` is None if its key
    was revoked or has expired."""

    team_id: UUID
    team_name: str
    team_status: Status
    team_ended_at: datetime | None
    member_id: UUID
    member_name: str
    role: Role
    status: Status
    ended_at: datetime | None
    key_id: UUID | None
    lasting: bool
    grouped: bool
    left_at: datetime | None

    @property
    def subject(self) -> str:
        """As the audit log names the member."""
        return f"{self.team_name}/{self.member_name}"


_OF_PERSON = text(
    f"""
    SELECT i.team_id, t.name AS team_name, t.status AS team_status, t.ended_at AS team_ended_at,
           i.member_id, m.name AS member_name, m.role, m.status, m.ended_at, k.id AS key_id,
           i.lasting, i.grouped, i.left_at
      FROM identities i JOIN members m ON m.id = i.member_id JOIN teams t ON t.id = i.team_id
      LEFT JOIN api_keys k ON k.id = i.key_id AND k.revoked_at IS NULL
                          AND (k.expires_at IS NULL OR k.expires_at > {_NOW})
     WHERE i.issuer = :issuer AND i.subject = :subject
     ORDER BY i.created_at DESC, i.team_id
    """  # noqa: S608
)


async def lock_person(tx: Tx, issuer: str, subject: str) -> None:
    """Sign-ins of one person follow each other, so that two at a time make one member."""
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:person, 0))"),
        {"person": f"person {issuer} {subject}"},
    )


async def of_person(
    tx: Tx, issuer: str, subject: str, *, now: datetime | None = None
) -> list[Identity]:
    """The newest first."""
    rows = await tx.execute(_OF_PERSON, {"issuer": issuer, "subject": subject, "now": now})
    return [
        Identity(**{
            **row._mapping, "role": Role(row.role), "status": Status(row.status),
            "team_status": Status(row.team_status),
        })
        for row in rows
    ]  # fmt: skip


async def link(
    tx: Tx,
    issuer: str,
    subject: str,
    *,
    team_id: UUID,
    member_id: UUID,
    lasting: bool,
    grouped: bool,
) -> None:
    """The person is this member of the team from now on, whoever it was there."""
    await tx.execute(
        text(
            """
            INSERT INTO identities (issuer, subject, team_id, member_id, lasting, grouped)
            VALUES (:issuer, :subject, :team_id, :member_id, :lasting, :grouped)
                ON CONFLICT (issuer, subject, team_id) DO UPDATE
               SET member_id = excluded.member_id, lasting = excluded.lasting,
                   grouped = excluded.grouped, left_at = NULL,
                   key_id = CASE WHEN identities.member_id = excluded.member_id
                                 THEN identities.key_id END
            """
        ),
        {
            "issuer": issuer, "subject": subject, "team_id": team_id, "member_id": member_id,
            "lasting": lasting, "grouped": grouped,
        },
    )  # fmt: skip


async def keep(
    tx: Tx, issuer: str, subject: str, team_id: UUID, *, lasting: bool, grouped: bool
) -> None:
    """The person belongs to this team."""
    await tx.execute(
        text(
            "UPDATE identities SET lasting = :lasting, grouped = :grouped, left_at = NULL"
            " WHERE issuer = :issuer AND subject = :subject AND team_id = :team_id"
        ),
        {"issuer": issuer, "subject": subject, "team_id": team_id, "lasting": lasting,
         "grouped": grouped},
    )  # fmt: skip


async def leave(tx: Tx, issuer: str, subject: str, team_id: UUID, *, left: bool) -> None:
    """No group gives this team any more. `left`: and the member was suspended for it."""
    await tx.execute(
        text(
            "UPDATE identities SET grouped = false, left_at = CASE WHEN :left THEN now() END"
            " WHERE issuer = :issuer AND subject = :subject AND team_id = :team_id"
        ),
        {"issuer": issuer, "subject": subject, "team_id": team_id, "left": left},
    )


async def set_signed_in(
    tx: Tx, issuer: str, subject: str, team_id: UUID, *, key_id: UUID, now: datetime | None
) -> None:
    await tx.execute(
        text(
            f"UPDATE identities SET key_id = :key_id, signed_in_at = {_NOW}"  # noqa: S608
            " WHERE issuer = :issuer AND subject = :subject AND team_id = :team_id"
        ),
        {"issuer": issuer, "subject": subject, "team_id": team_id, "key_id": key_id, "now": now},
    )


async def is_wanted_otherwise(tx: Tx, member_id: UUID, issuer: str, subject: str) -> bool:
    """Whether another identity keeps the member where it is."""
    return bool(
        await tx.scalar(
            text(
                "SELECT EXISTS (SELECT FROM identities WHERE member_id = :member_id"
                " AND (lasting OR grouped) AND (issuer, subject) <> (:issuer, :subject))"
            ),
            {"member_id": member_id, "issuer": issuer, "subject": subject},
        )
    )


async def decided(tx: Tx, member_ids: Collection[UUID]) -> None:
    """Somebody decided about the status of these members: no sign-in changes it back."""
    await tx.execute(
        text(
            "UPDATE identities SET left_at = NULL"
            " WHERE member_id = ANY(:ids) AND left_at IS NOT NULL"
        ),
        {"ids": list(member_ids)},
    )


async def use_answer(tx: Tx, digest: bytes, *, until: datetime) -> bool:
    """Whether this answer of an issuer was not used before."""
    used = await tx.execute(
        text(
            "INSERT INTO used_sign_ins (state_sha256, expires_at) VALUES (:digest, :until)"
            " ON CONFLICT DO NOTHING"
        ),
        {"digest": digest, "until": until},
    )
    return bool(used.rowcount)


async def prune(tx: Tx) -> None:
    """Deletes what is remembered of answers that are too old to be taken."""
    await tx.execute(text("DELETE FROM used_sign_ins WHERE expires_at < now() - interval '1 hour'"))
