"""A receiver of webhooks on loopback, and a gateway that may call it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standardwebhooks import Webhook

from app.runtime import Clock
from tests.harness.gateway import Gateway, gateway
from tests.upstream.loopback import Connection, Request, Server, http, serving

PATIENCE_SECONDS = 60.0


@dataclass
class Answer:
    status: int = 204
    headers: tuple[str, ...] = ()
    body: bytes = b""


@dataclass
class Receiver:
    """Answers from a list, then 204; keeps what it was sent. `held` keeps answers back."""

    server: Server
    answers: list[Answer] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    held: asyncio.Event | None = None

    @property
    def origin(self) -> str:
        return self.server.url

    @property
    def url(self) -> str:
        return f"{self.server.url}/hook?who=ada"

    @property
    def requests(self) -> list[Request]:
        return self.server.requests

    async def until(self, count: int) -> list[Request]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.requests) < count:
                self.arrived.clear()
                await self.arrived.wait()
        return self.requests[:count]


def verified(request: Request, *secrets: str) -> Any:
    """The body, once the receiver's library has accepted it with each of these secrets."""
    for secret in secrets:
        Webhook(secret).verify(request.body, request.headers)
    return json.loads(request.body)


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver: Receiver

    async def script(connection: Connection) -> None:
        await connection.request()
        receiver.arrived.set()
        if receiver.held is not None:
            await receiver.held.wait()
        answer = receiver.answers.pop(0) if receiver.answers else Answer()
        await connection.send(http(answer.status, answer.body, *answer.headers))

    async with serving(script) as server:
        receiver = Receiver(server)
        yield receiver


@contextlib.asynccontextmanager
async def webhook_gateway(
    database_url: str, folder: Path, receiver: Receiver, *, worker: bool = True,
    clock: Clock | None = None, **changes: Any,
) -> AsyncIterator[Gateway]:  # fmt: skip
    async with gateway(
        database_url, folder, worker=worker, clock=clock,
        webhook_internal_origins=(receiver.origin,), **changes,
    ) as gate:  # fmt: skip
        yield gate


async def endpoint(gate: Gateway, key: str, url: str, **asked: Any) -> dict[str, Any]:
    """A new endpoint, with its secret."""
    answer = await gate.http.post(
        "/api/v1/webhooks/endpoints", json={"url": url, **asked}, headers={"API-KEY": key}
    )
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def call(gate: Gateway, key: str, method: str, path: str, **more: Any) -> Any:
    """The document of a call that works; None where there is none."""
    answer = await gate.http.request(
        method, f"/api/v1/webhooks{path}", headers={"API-KEY": key}, **more
    )
    assert answer.status_code in (200, 201, 202, 204), answer.text
    return answer.json() if answer.content else None
