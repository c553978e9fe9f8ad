"""A gateway before the stand-in, in the test's own loop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.harness.gateway import Gateway, body, running_gateway, settings_for
from tests.standin.answers import Answer
from tests.standin.script import Oddity, Point
from tests.standin.server import StandIn


@asynccontextmanager
async def before(
    stand_in: StandIn, database_url: str, folder: Path, *, worker: bool = True, **changes: Any
) -> AsyncIterator[Gateway]:
    """`changes` are settings of the gateway."""
    settings = settings_for(database_url, folder, simulator_url=stand_in.address, **changes)
    async with running_gateway(settings, worker=worker) as gate:
        yield gate


async def succeeded(gate: Gateway, key: str, prompt: str = "a wave") -> UUID:
    """A generation whose video the upstream has made, by a gateway with a worker."""
    answer = await gate.create(key, body(prompt, aspectRatio="1:1"))
    assert answer.status_code == 202, answer.text
    uuid = str(answer.json()["aiRecord"]["uuid"])
    assert (await gate.closed(uuid)).state == "succeeded"
    return UUID(uuid)


def instead(stand_in: StandIn, film: bytes, *, times: int | None = None) -> None:
    """Downloads bring this."""

    def answer(answered: Answer, _: object) -> Answer:
        return replace(answered, status=200, body=film)

    stand_in.script.on(Point.DOWNLOAD, Oddity(name="film_instead", answer=answer), times=times)
