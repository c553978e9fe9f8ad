"""Generations whose video is at the upstream and not yet in the archive."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx

from app.db import transitions
from app.generations import lifecycle
from tests.harness.gateway import Gateway
from tests.harness.traces import one
from tests.simulator.conftest import until


async def pending_video(gate: Gateway, key: str, *, link: str | None = None) -> UUID:
    """A succeeded generation of a gateway without a worker."""
    record = await gate.simulator.submit()
    ready: dict[str, Any] = {}

    async def is_ready() -> bool:
        ready.update(await gate.simulator.result(record["uuid"]))
        return bool(ready["status"] == "SUCCESS")

    await until(is_ready)
    answer = await gate.create(key)
    generation_id = UUID(answer.json()["aiRecord"]["uuid"])
    await succeed(gate, generation_id, link=link or ready["temporaryUrl"])
    return generation_id


async def film_behind(gate: Gateway) -> bytes:
    """What the upstream's link of the only video leads to."""
    row = await one(gate, "SELECT source_link FROM assets")
    async with httpx.AsyncClient(timeout=120, trust_env=False) as http:
        return (await http.get(row["source_link"])).content


async def succeed(gate: Gateway, generation_id: UUID, *, link: str | None) -> None:
    """As a worker would, but for the archiving."""
    attempt, now = uuid4(), gate.rt.clock.now()
    [key_id] = (await gate.worker.upstream_key_ids_now()).values()
    async with lifecycle.begin(gate.rt) as transaction:
        work = await transitions.find_work(transaction.tx, generation_id)
        assert work is not None
        assert await lifecycle.begin_attempt(
            transaction, generation_id, attempt=attempt, upstream_key_id=key_id, now=now
        )
        assert await lifecycle.succeed(
            transaction, work, attempt=attempt, upstream_id=str(uuid4()),
            paths=("videos/film.mp4",), link=link, now=now,
        )  # fmt: skip


def media_path(gate: Gateway, generation_id: UUID, *, seconds: float = 60) -> str:
    """The path and query of a link signed now."""
    link = gate.rt.signer.link(generation_id, now=gate.rt.clock.now(), seconds=seconds)
    return httpx.URL(link).raw_path.decode()
