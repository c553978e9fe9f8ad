"""An upstream client over loopback or a scripted transport, and the calls tests make with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from app.domain.catalog import LUMA_TEXT_TO_VIDEO
from app.domain.generation import Duration, Resolution, Spec, VideoModel
from app.fetch import FetchPolicy, GuardedFetcher
from app.upstream.answers import ResultAnswer, SubmitAnswer
from app.upstream.client import Observer, UpstreamClient
from tests.upstream.loopback import Script, serving

ID = "0b7c9a51-6d0e-4c38-9f0d-51f1a2f6f0aa"
#: Longer than any machine stands still.
PATIENCE_SECONDS = 60.0
PROCESSING = {"aiRecord": {"uuid": ID, "status": "PROCESSING"}}
SPEC = Spec(
    prompt="a lighthouse “in fog” 🌫",
    model=VideoModel.RAY_V3,
    duration=Duration.FIVE_SECONDS,
    resolution=Resolution.P720,
)


@asynccontextmanager
async def upstream(
    base_url: str,
    *,
    pools: int = 1,
    read_seconds: float = PATIENCE_SECONDS,
    keys: Mapping[str, str | SecretStr] | None = None,
    observe: Observer | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    limits: httpx.Limits | None = None,
) -> AsyncIterator[UpstreamClient]:
    clients = [
        httpx.AsyncClient(
            headers={"X-Pool": str(number)},
            timeout=httpx.Timeout(PATIENCE_SECONDS, pool=0.05),
            transport=transport,
            limits=limits or httpx.Limits(),
            trust_env=False,
        )
        for number in range(pools)
    ]
    policy = FetchPolicy(hosts=frozenset(), trusted_origins=frozenset({base_url}))
    try:
        yield UpstreamClient(
            clients=clients,
            base_url=base_url,
            keys=keys or {"main": SecretStr("key-of-the-account"), "spare": "other-key"},
            fetcher=GuardedFetcher(clients[0], policy),
            read_seconds=read_seconds,
            observe=observe,
        )
    finally:
        for client in clients:
            await client.aclose()


async def submitted(client: UpstreamClient, label: str = "main") -> SubmitAnswer:
    return await client.submit(label, LUMA_TEXT_TO_VIDEO, SPEC, run_async=True)


async def both(script: Script) -> tuple[SubmitAnswer, ResultAnswer, int]:
    """A submission and a look-up against one script, and how many connections they took."""
    async with serving(script) as server, upstream(server.url) as client:
        answers = await submitted(client), await client.result("main", ID, prompt=SPEC.prompt)
        return *answers, server.connections
