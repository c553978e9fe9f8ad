from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.harness.gateway import Gateway
from tests.webhooks.receiving import Receiver, receiving, webhook_gateway


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def webhook_gate(
    database_url: str, tmp_path: Path, receiver: Receiver
) -> AsyncIterator[Gateway]:
    """With a worker."""
    async with webhook_gateway(database_url, tmp_path, receiver) as gate:
        yield gate
