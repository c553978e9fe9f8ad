"""Rows that tests write themselves, where how they came about does not matter."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from tests.harness.gateway import Gateway
from tests.harness.traces import execute


async def queued_one(
    gate: Gateway, *, team_id: UUID, member_id: UUID, key_id: UUID, quote: int = 1
) -> UUID:
    """A queued generation with its hold, and without a job."""
    generation_id = uuid4()
    owner = {"id": generation_id, "team": team_id, "member": member_id, "key": key_id}
    await execute(
        gate,
        """
        INSERT INTO generations (id, team_id, member_id, api_key_id, dialect, feature, provider,
                                 spec, model, kind, fingerprint, state, quote, queue_deadline_at)
        VALUES (:id, :team, :member, :key, 'rest', 'TEXT_TO_VIDEO', 'luma',
                '{"prompt": "a wave", "model": "ray-v3", "duration": "5s"}', 'ray-v3', 'ray-v3 5s',
                '', 'queued', :quote, now() + interval '1 hour')
        """,
        **owner, quote=quote,
    )  # fmt: skip
    await execute(
        gate,
        "SELECT reelgate_enter(:id, :team, :member, :key, 'hold', :quote, 0, now(), now())",
        **owner, quote=quote,
    )  # fmt: skip
    return generation_id


async def an_endpoint(gate: Gateway, *, team_id: UUID, member_id: UUID | None) -> UUID:
    """Enabled, at an address that nobody listens at."""
    endpoint_id = uuid4()
    await execute(
        gate,
        """
        INSERT INTO webhook_endpoints (id, team_id, member_id, url, event_types, secret)
        VALUES (:id, :team, :member, 'https://127.0.0.1/hook?pass=canary', '[]', 'seed')
        """,
        id=endpoint_id, team=team_id, member=member_id,
    )  # fmt: skip
    return endpoint_id


async def failed_delivery(
    gate: Gateway,
    generation_id: UUID,
    *,
    team_id: UUID,
    member_id: UUID,
    endpoint_id: UUID | None,
    created_at: datetime | None = None,
) -> UUID:
    """Of `video.failed`, with one attempt."""
    delivery_id = uuid4()
    await execute(
        gate,
        """
        INSERT INTO webhook_deliveries (id, team_id, member_id, endpoint_id, generation_id, type,
                                        state, attempts, created_at, finished_at)
        VALUES (:id, :team, :member, :endpoint, :generation, 'video.failed', 'failed', 8,
                coalesce(CAST(:at AS timestamptz), now()), now())
        """,
        id=delivery_id, team=team_id, member=member_id, endpoint=endpoint_id,
        generation=generation_id, at=created_at,
    )  # fmt: skip
    await execute(
        gate,
        """
        INSERT INTO webhook_attempts (delivery_id, number, seconds, request_headers, request_body,
                                      status, answer)
        VALUES (:id, 8, 0.5, '{}', 'sent-canary', 500, 'answer-canary')
        """,
        id=delivery_id,
    )  # fmt: skip
    return delivery_id
