"""An endpoint that is deleted while something is sent there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.db import webhook_endpoints as endpoints
from app.db.session import Tx
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


async def test_a_long_log_is_deleted_in_batches(
    still: Gateway, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await still.member(max_open=10)
    hook = await endpoint(still, key, receiver.url)
    for _ in range(5):
        await canceled(still, key)
    delete, seen = endpoints.delete, []

    async def in_small_batches(tx: Tx, endpoint_id: UUID) -> bool:
        gone = await delete(tx, endpoint_id, most=2)
        there = await tx.scalar(text("SELECT count(*) FROM webhook_deliveries"))
        state = await tx.scalar(text("SELECT state FROM webhook_endpoints"))
        seen.append((gone, there, state))
        return gone

    monkeypatch.setattr(endpoints, "delete", in_small_batches)
    path = f"/api/v1/webhooks/endpoints/{hook['id']}"
    assert (await still.http.delete(path, headers={"API-KEY": key})).status_code == 204
    assert seen == [(False, 3, "disabled"), (False, 1, "disabled"), (True, 0, None)]
    async with still.rt.db.single() as tx:
        told = "SELECT count(*) FROM audit_log WHERE action = 'webhook.delete'"
        assert await tx.scalar(text(told)) == 1


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
