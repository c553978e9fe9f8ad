"""An upstream client over loopback or a scripted transport, and the calls tests make with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
from pydantic import SecretStr

from app.domain.catalog.catalog import BUILT_IN
from app.fetch import FetchPolicy, GuardedFetcher
from app.http_client import HttpClient
from app.upstream.answers import ResultAnswer, SubmitAnswer
from app.upstream.client import Observer, UpstreamClient
from tests.harness.specs import luma
from tests.upstream.loopback import Script, serving

ID = "0b7c9a51-6d0e-4c38-9f0d-51f1a2f6f0aa"
#: Longer than any machine stands still.
PATIENCE_SECONDS = 60.0
PROCESSING = {"aiRecord": {"uuid": ID, "status": "PROCESSING"}}
SPEC = luma(
    prompt="a lighthouse “in fog” 🌫",
    model="ray-v3",
    duration="5s",
    resolution="720p",
)


@asynccontextmanager
async def upstream(
    base_url: str,
    *,
    read_seconds: float = PATIENCE_SECONDS,
    keys: Mapping[str, str | SecretStr] | None = None,
    observe: Observer | None = None,
    transport: Callable[[], httpx.AsyncBaseTransport] | None = None,
    max_connections: int = 100,
) -> AsyncIterator[UpstreamClient]:
    http = HttpClient(
        max_connections=max_connections,
        queue_seconds=0.05,
        connect_seconds=PATIENCE_SECONDS,
        transport=transport,
    )
    policy = FetchPolicy(hosts=frozenset(), trusted_origins=frozenset({base_url}))
    yield UpstreamClient(
        http=http,
        base_url=base_url,
        keys=keys or {"main": SecretStr("key-of-the-account"), "spare": "other-key"},
        fetcher=GuardedFetcher(http, policy),
        catalog=BUILT_IN,
        read_seconds=read_seconds,
        observe=observe,
    )


async def submitted(client: UpstreamClient, label: str = "main") -> SubmitAnswer:
    return await client.submit(label, BUILT_IN.models[SPEC.model], SPEC, run_async=True)


class Scripted(httpx.AsyncBaseTransport):
    """Reports its steps as httpx's transport does, then does what a test tells it."""

    def __init__(self, *events: str, then: Callable[[], httpx.Response] | None = None) -> None:
        self._events = events
        self._then = then

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for event in self._events:
            await request.extensions["trace"](event, {})
        if self._then is None:
            await asyncio.Event().wait()
            raise AssertionError
        return self._then()


def raising(error: BaseException) -> Callable[[], httpx.Response]:
    def fail() -> httpx.Response:
        raise error

    return fail


async def both(script: Script) -> tuple[SubmitAnswer, ResultAnswer, int]:
    """A submission and a look-up against one script, and how many connections they took."""
    async with serving(script) as server, upstream(server.url) as client:
        answers = await submitted(client), await client.result("main", ID)
        return *answers, server.connections
