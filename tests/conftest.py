from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.harness import database
from tests.harness.gateway import Gateway, gateway


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[database.Server]:
    """One server for each test process."""
    with database.running(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture
def database_url(postgres: database.Server) -> Iterator[str]:
    """A database of the test's own, at the newest schema."""
    with postgres.fresh() as address:
        yield address


@pytest.fixture
async def gate(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway with a worker and a simulator that renders in milliseconds."""
    async with gateway(database_url, tmp_path) as running:
        yield running


@pytest.fixture
async def still_gate(database_url: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway without a worker: what is admitted stays queued."""
    async with gateway(database_url, tmp_path, worker=False) as running:
        yield running
