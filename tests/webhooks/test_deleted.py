"""An endpoint that is deleted while something is sent there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.db import webhook_endpoints as endpoints
from app.worker.deliveries import deliver
from tests.harness.gateway import Gateway
from tests.webhooks.receiving import (
    PATIENCE_SECONDS,
    Answer,
    Receiver,
    endpoint,
    webhook_gateway,
)
from tests.webhooks.test_delivery import canceled, deliveries


@pytest.fixture
async def still(database_url: str, tmp_path: Path, receiver: Receiver) -> AsyncIterator[Gateway]:
    async with webhook_gateway(database_url, tmp_path, receiver, worker=False) as gate:
        yield gate


async def somebody_waits(gate: Gateway) -> None:
    """For a lock of another transaction."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with gate.rt.db.single() as tx:
                if await tx.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
                    return


async def test_a_try_and_a_deletion_do_not_wait_for_each_other(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still.member()
    hook = await endpoint(still, key, receiver.url)
    receiver.answers = [Answer(500)]
    await canceled(still, key)
    (delivery,) = await deliveries(still)
    note_health = endpoints.note_health
    deleting: list[asyncio.Task[Any]] = []

    async def meanwhile(*what: Any, **how: Any) -> None:
        """The try is half written down."""
        if not deleting:
            path = f"/api/v1/webhooks/endpoints/{hook['id']}"
            asked = still.http.delete(path, headers={"API-KEY": key})
            deleting.append(asyncio.create_task(asked))
            await somebody_waits(still)
        await note_health(*what, **how)

    monkeypatch.setattr(endpoints, "note_health", meanwhile)
    await deliver(still.worker, delivery)
    answer = await deleting[0]
    assert (answer.status_code, answer.text) == (204, "")
    assert await deliveries(still) == []
