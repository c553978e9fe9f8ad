"""Idempotency keys of requests that make teams, members, keys, grants, webhook endpoints and
prices. Those of generations are kept by admission."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from app.db.session import Tx
from app.errors import IdempotencyMismatch

#: As long as those of generations count.
_SECONDS = 172_800


@dataclass(slots=True, kw_only=True)
class Repeat:
    """A request that may be the repetition of another one. `key` is its Idempotency-Key,
    `fingerprint` a digest of all that it says. `replayed` becomes true if it is one."""

    member_id: UUID
    key: str
    fingerprint: bytes
    replayed: bool = False


async def earlier(tx: Tx, repeat: Repeat | None, made_id: UUID) -> UUID | None:
    """What the request made that this one repeats; None if it repeats none, and from then on it is
    the one that made `made_id`. A repetition waits for the transaction of a request that is not
    done. Raises `IdempotencyMismatch` if that one said something else."""
    if repeat is None:
        return None
    values = {
        "member_id": repeat.member_id, "key": repeat.key, "fingerprint": repeat.fingerprint,
        "made_id": made_id, "seconds": _SECONDS,
    }  # fmt: skip
    if (await tx.execute(_CLAIM, values)).rowcount:
        return None
    row = (await tx.execute(_FIND, values)).one()
    if row.fingerprint != repeat.fingerprint:
        raise IdempotencyMismatch()
    repeat.replayed = True
    made: UUID = row.made_id
    return made


_CLAIM = text(
    """
    INSERT INTO management_idempotency_keys AS k (member_id, key, fingerprint, made_id, expires_at)
    VALUES (:member_id, :key, :fingerprint, :made_id, now() + make_interval(secs => :seconds))
        ON CONFLICT (member_id, key) DO UPDATE
       SET fingerprint = excluded.fingerprint, made_id = excluded.made_id,
           expires_at = excluded.expires_at
     WHERE k.expires_at < now()
    """
)
_FIND = text(
    "SELECT fingerprint, made_id FROM management_idempotency_keys"
    " WHERE member_id = :member_id AND key = :key"
)


async def prune(tx: Tx) -> None:
    """Deletes keys that have expired, at most a thousand at a time."""
    await tx.execute(
        text(
            "DELETE FROM management_idempotency_keys WHERE (member_id, key) IN"
            " (SELECT member_id, key FROM management_idempotency_keys WHERE expires_at < now()"
            " LIMIT 1000)"
        )
    )
