"""A gateway in the event loop of the test: the real application, worker, Postgres and archive, and
a real simulator over HTTP. Only the caller's socket is missing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from app.db import generations
from app.domain.caller import Role
from app.domain.generation import CLOSED, Generation
from app.domain.limits import Limits
from app.errors import InvalidRequest
from app.main import create_app
from app.members import keys, members, teams
from app.runtime import ApiRuntime, Clock, WorkerRuntime, open_api, open_runtime, open_worker
from app.settings import Settings
from app.simulator.config import SimulatorConfig
from app.simulator.models import everything
from app.webhooks.payloads import PAYLOAD_FORMATS
from app.worker.run import run as run_worker
from tests.harness.actors import TESTER
from tests.harness.renders import shared_renders
from tests.simulator.conftest import Client as Simulator
from tests.simulator.conftest import serving

TEAM = "studio"
UPSTREAM_KEY = "canary-upstream-key-0001"
SIGNING_SECRET = "canary-signing-secret-canary-signing-secret"
PROMPT = "a majestic lion walking through golden savanna at sunset"


def body(prompt: str = PROMPT, **options: Any) -> dict[str, Any]:
    """A native create. `options` replace or add fields of promptObject; None removes one."""
    prompt_object: dict[str, Any] = {
        "prompt": prompt, "modelName": "ray-v3", "duration": "5s", "aspectRatio": "16:9",
        "resolution": "720p", "loop": False, **options,
    }  # fmt: skip
    kept = {name: value for name, value in prompt_object.items() if value is not None}
    return {"type": "TEXT_TO_VIDEO", "model": "luma", "promptObject": kept}


class Given(Settings):
    """These values and no others: looking for each setting in the environment takes as long as all
    else that a test's settings need."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def settings_for(database_url: str, folder: Path, **changes: Any) -> Settings:
    """Settings that ignore the environment of this machine, with short polling intervals."""
    values: dict[str, Any] = {
        "database_url": SecretStr(database_url),
        "data_dir": folder,
        "signing_secret": SecretStr(SIGNING_SECRET),
        "onemin_api_key": SecretStr(f"main={UPSTREAM_KEY}"),
        "poll_first_seconds": 0.02,
        "poll_seconds": 0.02,
        "worker_poll_seconds": 0.02,
        "drain_seconds": 5,
        "upstream_rate_per_minute": 60_000,
        **changes,
    }
    return Given(_env_file=None, **values).checked()


class Gateway:
    """`rt` is the API's, `worker` is what the workers of this process get. `http` is a client
    without an API key; `member` makes a key."""

    def __init__(
        self,
        rt: ApiRuntime,
        worker: WorkerRuntime,
        http: httpx.AsyncClient,
        simulator: Simulator | None = None,
    ) -> None:
        self.rt = rt
        self.worker = worker
        self.http = http
        self._simulator = simulator
        self._workers: list[tuple[asyncio.Task[None], asyncio.Event]] = []

    @property
    def simulator(self) -> Simulator:
        assert self._simulator is not None, "the upstream of this gateway is not the simulator"
        return self._simulator

    async def member(
        self, name: str = "ada", *, team: str = TEAM, role: Role = Role.MEMBER, **limits: Any
    ) -> str:
        """The key of a new member. Creates the team if it does not exist."""
        with contextlib.suppress(InvalidRequest):
            await teams.create_team(self.rt, team, credit_limit=None, actor=TESTER)
        await members.create_member(
            self.rt, team, name, role=role, limits=Limits(**limits), actor=TESTER
        )
        key = await keys.create_key(self.rt, team, name, name="test", actor=TESTER)
        return key.secret

    async def create(
        self, key: str, request: dict[str, Any] | None = None, **headers: str
    ) -> httpx.Response:
        """A native create that does not wait for the video."""
        return await self.http.post(
            "/api/features",
            json=request or body(),
            headers={"API-KEY": key, "Prefer": "respond-async",
                     **{name.replace("_", "-"): value for name, value in headers.items()}},
        )  # fmt: skip

    def start_worker(self) -> None:
        stopping = asyncio.Event()
        self._workers.append((asyncio.create_task(run_worker(self.worker, stopping)), stopping))

    async def stop_workers(self) -> None:
        for _, stopping in self._workers:
            stopping.set()
        await asyncio.gather(*(task for task, _ in self._workers))
        self._workers.clear()

    async def closed(self, generation_id: str, *, seconds: float = 120) -> Generation:
        """The generation, once it has ended or is unknown."""
        found = UUID(generation_id)
        assert await self.rt.watch.until_closed(found, seconds=seconds)
        return await self.generation(found)

    async def archived(self, generation_id: str, *, seconds: float = 120) -> Generation:
        """The generation, once its video is in the archive. This polls: archiving wakes
        nobody."""
        async with asyncio.timeout(seconds):
            while True:
                generation = await self.generation(UUID(generation_id))
                if generation.asset is not None and generation.asset.state == "archived":
                    return generation
                await asyncio.sleep(0.02)

    async def generation(self, generation_id: UUID) -> Generation:
        async with self.rt.db.single() as tx:
            generation = await generations.find(tx, generation_id)
        assert generation is not None
        assert generation.state in CLOSED or generation.finished_at is None
        return generation


@contextlib.asynccontextmanager
async def opened(
    settings: Settings, *, clock: Clock | None = None
) -> AsyncIterator[tuple[ApiRuntime, WorkerRuntime]]:
    """The runtimes of an API and a worker in one process, as in `reelgate up`."""
    async with (
        open_runtime(settings, clock=clock) as rt,
        open_api(rt, formats=PAYLOAD_FORMATS) as api,
        open_worker(rt, formats=PAYLOAD_FORMATS) as worker,
    ):
        yield api, worker


@contextlib.asynccontextmanager
async def gateway(
    database_url: str,
    folder: Path,
    *,
    speed: float = 100_000,
    worker: bool = True,
    clock: Clock | None = None,
    **changes: Any,
) -> AsyncIterator[Gateway]:
    """`changes` are settings of the gateway; `speed` is the simulator's."""
    simulator_folder = folder / "simulator"
    simulator_folder.mkdir()
    settings = settings_for(database_url, folder, **changes)
    config = SimulatorConfig(
        data_dir=simulator_folder, speed=speed, rate_per_minute=0, one_video_for_all=True,
        catalog=everything(settings.catalog()),
    )  # fmt: skip
    async with shared_renders(simulator_folder), serving(config) as simulator:
        settings = settings.model_copy(update={"simulator_url": str(simulator.http.base_url)})
        async with running_gateway(
            settings, simulator=simulator, worker=worker, clock=clock
        ) as running:
            yield running


@contextlib.asynccontextmanager
async def running_gateway(
    settings: Settings,
    *,
    simulator: Simulator | None = None,
    worker: bool = True,
    clock: Clock | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway in front of the upstream that the settings name."""
    async with opened(settings, clock=clock) as (rt, for_workers):
        transport = httpx.ASGITransport(create_app(rt), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", timeout=120
        ) as http:
            running = Gateway(rt, for_workers, http, simulator)
            if worker:
                running.start_worker()
            try:
                yield running
            finally:
                await running.stop_workers()
