"""Videos in the archive of a gateway, and what is left of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text

from app.domain.generation import Generation
from tests.harness.gateway import Gateway
from tests.worker.test_submissions import created


async def archived(gate: Gateway, key: str, prompt: str = "a wave") -> Generation:
    return await gate.archived(await created(gate, key, prompt))


def path_of(generation: Generation) -> str:
    assert generation.asset is not None
    assert generation.asset.path is not None
    return generation.asset.path


def file_of(gate: Gateway, generation: Generation) -> Path:
    return gate.rt.settings.data_dir / "archive" / path_of(generation)


def files_in(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


async def delete(gate: Gateway, key: str, generation_id: UUID | str) -> httpx.Response:
    return await gate.http.delete(f"/api/v1/generations/{generation_id}", headers={"API-KEY": key})


async def row_of(gate: Gateway, generation_id: UUID) -> tuple[str, str | None]:
    """State and path of a video as the table has them."""
    async with gate.rt.db.single() as tx:
        row = (
            await tx.execute(
                text("SELECT state, path FROM assets WHERE generation_id = :id"),
                {"id": generation_id},
            )
        ).one()
    return row.state, row.path


async def deletions(gate: Gateway, generation_id: UUID) -> list[dict[str, Any]]:
    """What the events say of this video's deletion."""
    async with gate.rt.db.single() as tx:
        rows = await tx.execute(
            text(
                "SELECT data FROM events WHERE generation_id = :id AND type = 'video.deleted'"
                " ORDER BY id"
            ),
            {"id": generation_id},
        )
        return [row.data for row in rows]


async def run(gate: Gateway, statement: str) -> None:
    async with gate.rt.db.begin() as tx:
        await tx.execute(text(statement))
