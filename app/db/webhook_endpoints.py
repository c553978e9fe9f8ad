"""Webhook endpoints and their owners."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from app.db.session import Tx
from app.domain.webhooks import Endpoint, PayloadFormat, WebhookEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSummary:
    """An endpoint as operators see it, without its secrets. `member_name` None: it is the team's.
    `pending` and `failed` count its deliveries."""

    id: UUID
    team_name: str
    member_name: str | None
    url: str
    enabled: bool
    disabled_reason: str | None
    failing_since: datetime | None
    pending: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whose endpoints: a member's own, and the team's if the member is an administrator."""

    team_id: UUID
    member_id: UUID
    is_admin: bool


_SELECT = """
    SELECT id, team_id, member_id, url, description, event_types, format, state, disabled_reason,
           failing_since, secret AS seed, previous_secret AS previous_seed,
           previous_secret_until AS previous_until, created_at, updated_at
      FROM webhook_endpoints
"""
_OWNED = "team_id = :team_id AND (member_id = :member_id OR (member_id IS NULL AND :is_admin))"


def _endpoint(row: Row[Any]) -> Endpoint:
    named = {name: value for name, value in row._mapping.items() if not name.startswith("of_")}
    events, state = named.pop("event_types"), named.pop("state")
    named["format"] = PayloadFormat(named["format"])
    return Endpoint(**named, events=tuple(map(WebhookEvent, events)), enabled=state == "enabled")


def _owner(owner: Owner) -> dict[str, Any]:
    return {"team_id": owner.team_id, "member_id": owner.member_id, "is_admin": owner.is_admin}


async def lock_owner(tx: Tx, team_id: UUID, member_id: UUID | None) -> None:
    """Whoever creates an endpoint of the same owner waits until the transaction ends."""
    lock = text("SELECT FROM members WHERE id = :id FOR NO KEY UPDATE")
    if member_id is None:
        lock = text("SELECT FROM teams WHERE id = :id FOR NO KEY UPDATE")
    await tx.execute(lock, {"id": member_id or team_id})


async def create(
    tx: Tx,
    endpoint_id: UUID,
    *,
    team_id: UUID,
    member_id: UUID | None,
    url: str,
    description: str | None,
    events: Collection[WebhookEvent],
    payload_format: PayloadFormat,
    seed: str,
    most: int,
) -> bool:
    """False if the member, or the team, has `most` endpoints already. The owner is locked."""
    result = await tx.execute(
        text(
            """
            INSERT INTO webhook_endpoints
                   (id, team_id, member_id, url, description, event_types, format, secret)
            SELECT :id, :team_id, CAST(:member_id AS uuid), :url, :description,
                   CAST(:events AS jsonb), :format, :seed
             WHERE (SELECT count(*) FROM webhook_endpoints
                     WHERE team_id = :team_id
                       AND member_id IS NOT DISTINCT FROM CAST(:member_id AS uuid)) < :most
            """
        ),
        {
            "id": endpoint_id, "team_id": team_id, "member_id": member_id, "url": url,
            "description": description, "events": _events(events), "seed": seed, "most": most,
            "format": payload_format.value,
        },
    )  # fmt: skip
    return result.rowcount == 1


async def find_untouched(
    tx: Tx,
    *,
    key_id: UUID,
    member_id: UUID | None,
    url: str,
    description: str | None,
    events: Collection[WebhookEvent],
    payload_format: PayloadFormat,
    within_seconds: float,
) -> Endpoint | None:
    """The newest endpoint that this key created with these fields within this time, if nothing has
    changed it since."""
    rows = await tx.execute(
        text(
            f"""
            {_SELECT}
             WHERE api_key_id = :key_id AND member_id IS NOT DISTINCT FROM CAST(:member_id AS uuid)
               AND url = :url AND description IS NOT DISTINCT FROM CAST(:description AS text)
               AND event_types = CAST(:events AS jsonb) AND format = :format
               AND state = 'enabled' AND updated_at = created_at
               AND created_at > now() - make_interval(secs => :seconds)
             ORDER BY created_at DESC, id LIMIT 1
            """
        ),
        {
            "key_id": key_id, "member_id": member_id, "url": url, "description": description,
            "events": _events(events), "format": payload_format.value, "seconds": within_seconds,
        },
    )  # fmt: skip
    row = rows.one_or_none()
    return None if row is None else _endpoint(row)


def _events(events: Collection[WebhookEvent]) -> str:
    return json.dumps(list(events))


async def find(tx: Tx, endpoint_id: UUID, owner: Owner) -> Endpoint | None:
    row = (
        await tx.execute(
            text(f"{_SELECT} WHERE id = :id AND {_OWNED}"), {"id": endpoint_id, **_owner(owner)}
        )
    ).one_or_none()
    return None if row is None else _endpoint(row)


async def find_any(tx: Tx, endpoint_id: UUID) -> Endpoint | None:
    """Of any owner: for workers."""
    row = (await tx.execute(text(_SELECT + " WHERE id = :id"), {"id": endpoint_id})).one_or_none()
    return None if row is None else _endpoint(row)


async def list_owned(tx: Tx, owner: Owner) -> list[Endpoint]:
    """Oldest first."""
    rows = await tx.execute(
        text(f"{_SELECT} WHERE {_OWNED} ORDER BY created_at, id"), _owner(owner)
    )
    return [_endpoint(row) for row in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedEndpoint:
    """An endpoint, and whose it is. `member` None: it is the team's."""

    endpoint: Endpoint
    team: str
    member: str | None

    @property
    def id(self) -> UUID:
        return self.endpoint.id

    @property
    def created_at(self) -> datetime:
        return self.endpoint.created_at


async def list_named(
    tx: Tx,
    *,
    team_id: UUID | None,
    enabled: bool | None = None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[NamedEndpoint]:
    """Those of a team and of its members, or of all teams, oldest first. `after` is the
    (created_at, id) of the last row before the page."""
    values: dict[str, Any] = {"limit": limit}
    clauses = ["true"]
    if team_id is not None:
        clauses.append("team_id = :team_id")
        values["team_id"] = team_id
    if enabled is not None:
        clauses.append("state = :state")
        values["state"] = "enabled" if enabled else "disabled"
    if after is not None:
        clauses.append("(created_at, id) > (:after_at, :after_id)")
        values |= {"after_at": after[0], "after_id": after[1]}
    page = f"{_SELECT} WHERE {' AND '.join(clauses)} ORDER BY created_at, id LIMIT :limit"
    rows = await tx.execute(
        text(
            f"SELECT w.*, t.name AS of_team, m.name AS of_member FROM ({page}) w"  # noqa: S608
            " JOIN teams t ON t.id = w.team_id LEFT JOIN members m ON m.id = w.member_id"
            " ORDER BY w.created_at, w.id"
        ),
        values,
    )
    return [
        NamedEndpoint(endpoint=_endpoint(row), team=row.of_team, member=row.of_member)
        for row in rows
    ]


async def summaries(tx: Tx, *, team: str | None = None) -> list[EndpointSummary]:
    """The endpoints of everybody, or of a team, oldest first."""
    rows = await tx.execute(
        text(
            """
            SELECT w.id, t.name AS team_name, m.name AS member_name, w.url,
                   w.state = 'enabled' AS enabled, w.disabled_reason, w.failing_since,
                   coalesce(p.pending, 0) AS pending, coalesce(f.failed, 0) AS failed
              FROM webhook_endpoints w JOIN teams t ON t.id = w.team_id
              LEFT JOIN members m ON m.id = w.member_id
              -- Each state has an index of its own: those that were delivered are not read.
              LEFT JOIN (
                   SELECT endpoint_id, count(*) AS pending FROM webhook_deliveries
                    WHERE state = 'pending' AND (generation_id IS NOT NULL OR data IS NOT NULL)
                    GROUP BY endpoint_id) p ON p.endpoint_id = w.id
              LEFT JOIN (
                   SELECT endpoint_id, count(*) AS failed FROM webhook_deliveries
                    WHERE state = 'failed' AND (generation_id IS NOT NULL OR data IS NOT NULL)
                    GROUP BY endpoint_id) f ON f.endpoint_id = w.id
             WHERE CAST(:team AS text) IS NULL OR t.name = :team
             ORDER BY w.created_at, w.id
            """
        ),
        {"team": team},
    )
    return [EndpointSummary(**row._mapping) for row in rows]


#: The fields of an endpoint that may change, and how each value is written.
_CHANGEABLE = frozenset({"url", "description", "events", "format", "enabled"})


async def change(tx: Tx, endpoint_id: UUID, changes: Mapping[str, Any]) -> None:
    """Sets the given fields of `Endpoint`. Enabling it clears the reason why it was disabled."""
    assert changes.keys() <= _CHANGEABLE
    columns: dict[str, Any] = {n: changes[n] for n in ("url", "description") if n in changes}
    if "format" in changes:
        columns["format"] = changes["format"].value
    if "enabled" in changes:
        columns["state"] = "enabled" if changes["enabled"] else "disabled"
        columns["disabled_reason"] = None if changes["enabled"] else "owner"
        columns["failing_since"] = None
    assignments = [f"{name} = :{name}" for name in columns]
    if "events" in changes:
        assignments.append("event_types = CAST(:events AS jsonb)")
        columns["events"] = _events(changes["events"])
    if assignments:
        listed = ", ".join([*assignments, "updated_at = now()"])
        await tx.execute(
            text(f"UPDATE webhook_endpoints SET {listed} WHERE id = :id"),  # noqa: S608
            {**columns, "id": endpoint_id},
        )


async def rotate(
    tx: Tx,
    endpoint_id: UUID,
    *,
    seed: str,
    previous_until: datetime | None,
    unless_seconds: float,
) -> None:
    """Sets a new seed. The previous one signs too until `previous_until`; not at all if that is
    None. Nothing changes if the previous one signs until then already, or until less than
    `unless_seconds` before."""
    await tx.execute(
        text(
            """
            UPDATE webhook_endpoints
               SET previous_secret = CASE WHEN CAST(:until AS timestamptz) IS NULL THEN NULL
                                          ELSE secret END,
                   previous_secret_until = CAST(:until AS timestamptz), secret = :seed,
                   updated_at = now()
             WHERE id = :id
               AND (previous_secret_until <= CAST(:until AS timestamptz)
                    AND previous_secret_until > CAST(:until AS timestamptz)
                                                - make_interval(secs => :seconds)) IS NOT TRUE
            """
        ),
        {"id": endpoint_id, "seed": seed, "until": previous_until, "seconds": unless_seconds},
    )


async def delete(tx: Tx, endpoint_id: UUID, *, most: int = 1_000) -> bool:
    """Deletes it with the log of its deliveries. Where that is longer than `most`, it only disables
    the endpoint, deletes so many of them and returns False: it may take minutes, and while the lock
    is held nothing ends that is told to this endpoint. Locks it first, so that a transition that
    makes another delivery waits."""
    values = {"id": endpoint_id, "most": most}
    await tx.execute(text("SELECT FROM webhook_endpoints WHERE id = :id FOR UPDATE"), values)
    deleted = await tx.execute(
        text(
            "DELETE FROM webhook_deliveries WHERE id IN"
            " (SELECT id FROM webhook_deliveries WHERE endpoint_id = :id LIMIT :most)"
        ),
        values,
    )
    if deleted.rowcount >= most:
        await disable(tx, endpoint_id, reason="owner")
        return False
    await tx.execute(text("DELETE FROM webhook_endpoints WHERE id = :id"), values)
    return True


async def lock(tx: Tx, endpoint_id: UUID) -> None:
    """Keeps it from being deleted until the transaction ends. Call this before writing to its
    deliveries: a deletion locks the endpoint first, and another order could deadlock."""
    await tx.execute(
        text("SELECT FROM webhook_endpoints WHERE id = :id FOR KEY SHARE"), {"id": endpoint_id}
    )


async def note_health(tx: Tx, endpoint_id: UUID, *, delivered: bool, at: datetime) -> None:
    """Records since when no delivery has succeeded; None while they succeed."""
    await tx.execute(
        text(
            """
            UPDATE webhook_endpoints
               SET failing_since = CASE WHEN :delivered THEN NULL
                                        ELSE coalesce(failing_since, :at) END
             WHERE id = :id AND (failing_since IS NULL) IS DISTINCT FROM :delivered
            """
        ),
        {"id": endpoint_id, "delivered": delivered, "at": at},
    )


async def disable(
    tx: Tx, endpoint_id: UUID, *, reason: str, failing_before: datetime | None = None
) -> bool:
    """True if that changed it. With `failing_before`, only if it has been failing since then."""
    result = await tx.execute(
        text(
            """
            UPDATE webhook_endpoints
               SET state = 'disabled', disabled_reason = :reason, updated_at = now()
             WHERE id = :id AND state = 'enabled'
               AND (CAST(:before AS timestamptz) IS NULL OR failing_since < :before)
            """
        ),
        {"id": endpoint_id, "reason": reason, "before": failing_before},
    )
    return result.rowcount == 1


async def set_up_by(tx: Tx, endpoint_id: UUID, key_id: UUID) -> None:
    """Records the key that created it, or changed its address or secret."""
    await tx.execute(
        text("UPDATE webhook_endpoints SET api_key_id = :key_id WHERE id = :id"),
        {"id": endpoint_id, "key_id": key_id},
    )


async def enabled_of_key(tx: Tx, key_id: UUID) -> list[UUID]:
    """The enabled endpoints that were set up with this key."""
    found = await tx.scalars(
        text(
            "SELECT id FROM webhook_endpoints WHERE api_key_id = :key_id AND state = 'enabled'"
            " ORDER BY created_at, id"
        ),
        {"key_id": key_id},
    )
    return list(found)
