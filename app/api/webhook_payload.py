"""Our own form of what is told: the document of the generation with what happened."""

from __future__ import annotations

from typing import Any

from app.api.documents import generation_document
from app.domain.webhooks import Telling
from app.generations.progress import Progress


def render_told(telling: Telling) -> dict[str, Any]:
    """`{type, timestamp, data}`, as Standard Webhooks suggests; `data` is the generation's
    document, and of a test only says so."""
    data: dict[str, Any] = {"object": "test"}
    if telling.generation is not None:
        data = generation_document(
            telling.generation,
            link=telling.link,
            progress=Progress(
                elapsed_seconds=telling.elapsed_seconds,
                p50_seconds=telling.p50_seconds,
                p90_seconds=telling.p90_seconds,
            ),
        ).model_dump(mode="json")
    moment = telling.happened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": telling.kind.value, "timestamp": moment, "data": data}
