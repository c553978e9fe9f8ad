"""Simulators for tests: in-process with a manual clock, and behind a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.simulator.app import create_simulator
from app.simulator.config import SimulatorConfig
from app.simulator.server import uvicorn_config

KEY = "simulator-test-key"
PROMPT = "a majestic lion walking through golden savanna at sunset"
FAST = 100_000.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class WallClock:
    def __init__(self) -> None:
        self.at = 1_764_145_745.973

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> WallClock:
    return WallClock()


def body(prompt: str = PROMPT, *, held: bool = False, **options: Any) -> dict[str, Any]:
    """The request of the upstream's own example."""
    prompt_object = {
        "prompt": prompt,
        "modelName": "ray-v3",
        "duration": "5s",
        "aspectRatio": "16:9",
        "resolution": "720p",
        "loop": False,
        **options,
    }
    asked: dict[str, Any] = {
        "type": "TEXT_TO_VIDEO",
        "model": "luma",
        "promptObject": prompt_object,
    }
    return asked if held else {**asked, "async": True}


class Client:
    """The calls that tests make; use `http` for anything else."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def submit(self, prompt: str = PROMPT, **options: Any) -> dict[str, Any]:
        answer = await self.post(prompt, **options)
        assert answer.status_code == 200, answer.text
        record = answer.json()["aiRecord"]
        assert isinstance(record, dict)
        return record

    async def post(self, prompt: str = PROMPT, **options: Any) -> httpx.Response:
        return await self.http.post("/api/features", json=body(prompt, **options))

    async def result(self, uuid: str) -> Any:
        answer = await self.http.get(f"/api/results/{uuid}")
        assert answer.status_code == 200, answer.text
        return answer.json()["aiRecord"]

    async def fault(
        self, name: str, /, match: Any = None, times: int | None = 1, **options: Any
    ) -> None:
        rule = {"match": match or {}, "times": times, "fault": {"name": name, **options}}
        answer = await self.http.post("/_simulator/rules", json=rule)
        assert answer.status_code == 201, answer.text

    async def summary(self) -> Any:
        return (await self.http.get("/_simulator/summary")).json()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Poll the condition: a server in another process or task gives the test no event to await."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - see the docstring
            await asyncio.sleep(0.01)


@pytest.fixture
async def still(tmp_path: Path, clock: WallClock) -> AsyncIterator[Client]:
    """A simulator in-process, whose clock only the test moves."""
    app = create_simulator(SimulatorConfig(data_dir=tmp_path, speed=60), now=clock)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://simulator", headers={"API-KEY": KEY}
    ) as http:
        yield Client(http)
    app.state.simulator.close()


async def _stop(server: uvicorn.Server) -> None:
    """Lets go of idle connections and waits for busy ones."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    async with asyncio.timeout(60):
        while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    await server.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(
    config: SimulatorConfig, *, now: Callable[[], float] = time.time
) -> AsyncIterator[Client]:
    """Starts and stops the server step by step: `Server.serve` and `Server.shutdown` add a few
    tenths of a second."""
    simulator = create_simulator(config, now=now)
    settings = uvicorn_config(simulator, "127.0.0.1", 0, log_level="warning")
    settings.load()
    server = uvicorn.Server(settings)
    server.lifespan = settings.lifespan_class(settings)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}",
        headers={"API-KEY": KEY},
        timeout=120,
        trust_env=False,
        # Loading authorities that http never asks for costs more than most tests.
        verify=False,
    ) as http:
        try:
            yield Client(http)
        finally:
            await _stop(server)  # before its clients close, as in production


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Client]:
    """A simulator over real HTTP, whose renders take milliseconds."""
    async with serving(SimulatorConfig(data_dir=tmp_path, speed=FAST)) as client:
        yield client
