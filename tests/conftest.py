from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
import structlog

from tests.harness import database, order
from tests.harness.gateway import Gateway, gateway

# Every run tries the same examples, and none is timed: a busy machine is no counterexample.
hypothesis.settings.load_profile("ci")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if workers := getattr(config, "workerinput", {}).get("workercount"):
        items[:] = order.deal([(item.nodeid, item) for item in items], workers)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """The library's default draws every local variable, which takes seconds for each error."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S"),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[database.Server]:
    """One server for each test process."""
    with database.open_folder() as folder, database.running(folder) as server:
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
