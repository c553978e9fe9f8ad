"""A guarded fetcher over a scripted transport and a scripted resolver."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from app.fetch import FetchPolicy, GuardedFetcher, Resolver

HOST = "s3.us-east-1.amazonaws.com"
PUBLIC = "52.216.1.1"
SECRET = "?X-Amz-Signature=presigned-secret"
VIDEOS = FetchPolicy(hosts=frozenset({HOST, "asset.1min.ai"}))
ANY_HOST = FetchPolicy(hosts=None)

Answer = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def resolving(*addresses: str, **by_host: Sequence[str]) -> Resolver:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return by_host.get(host.replace(".", "_"), addresses)

    return resolve


@asynccontextmanager
async def fetching(
    policy: FetchPolicy,
    answer: Answer | None = None,
    *,
    resolver: Resolver | None = None,
    verify: ssl.SSLContext | bool = True,
) -> AsyncIterator[GuardedFetcher]:
    """A fetcher over a scripted transport, or over the network if there is no script."""
    transport = httpx.MockTransport(answer) if answer is not None else None  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, verify=verify, trust_env=False) as client:
        yield GuardedFetcher(client, policy, resolver=resolver or resolving(PUBLIC))


async def fetched(fetcher: GuardedFetcher, url: str, **more: object) -> bytes:
    async with fetcher.stream(url, **more) as response:  # type: ignore[arg-type]
        return await response.aread()


class Recorder:
    """Answers from a list and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0) if self._answers else httpx.Response(200, content=b"video")
