"""Rows that tests write themselves, where how they came about does not matter."""

from __future__ import annotations

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
                                 spec, fingerprint, state, quote, queue_deadline_at)
        VALUES (:id, :team, :member, :key, 'rest', 'TEXT_TO_VIDEO', 'luma',
                '{"prompt": "a wave", "model": "ray-v3", "duration": "5s"}', '', 'queued', :quote,
                now() + interval '1 hour')
        """,
        **owner, quote=quote,
    )  # fmt: skip
    await execute(
        gate,
        "SELECT reelgate_enter(:id, :team, :member, :key, 'hold', :quote, 0, now(), now())",
        **owner, quote=quote,
    )  # fmt: skip
    return generation_id
