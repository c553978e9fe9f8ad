"""A guarded fetcher over a scripted transport and a scripted resolver."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx

from app.fetch import FetchPolicy, GuardedFetcher, Resolver
from app.http_client import HttpClient, Response

HOST = "s3.us-east-1.amazonaws.com"
PUBLIC = "52.216.1.1"
SECRET = "?X-Amz-Signature=presigned-secret"
VIDEOS = FetchPolicy(hosts=frozenset({HOST, "asset.1min.ai"}))
ANY_HOST = FetchPolicy(hosts=None)

Answer = Callable[[httpx.Request], httpx.Response]


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
    verify: ssl.SSLContext | None = None,
) -> AsyncIterator[GuardedFetcher]:
    """A fetcher over a scripted transport, or over the network if there is no script."""
    scripted = None if answer is None else lambda: _Scripted(answer)
    client = HttpClient(max_connections=10, verify=verify, transport=scripted)
    yield GuardedFetcher(client, policy, resolver=resolver or resolving(PUBLIC))


class _Scripted(httpx.AsyncBaseTransport):
    """Reports its steps as httpx's transport does: an answer that is a failure to connect comes
    before the request is written, every other one after."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        trace = request.extensions["trace"]
        await trace("connection.connect_tcp.started", {})
        try:
            return self._answer(request)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise
        except Exception:
            await trace("http11.send_request_headers.started", {})
            raise


async def read(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.aiter_raw()])


async def fetched(fetcher: GuardedFetcher, url: str, **more: object) -> bytes:
    async with fetcher.stream(url, **more) as response:  # type: ignore[arg-type]
        return await read(response)


class Recorder:
    """Answers from a list and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers.pop(0) if self._answers else httpx.Response(200, content=b"video")
