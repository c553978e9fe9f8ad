"""The gateway's own webhook payload: what happened, with the document of the generation."""

from __future__ import annotations

from typing import Any

from app.api.credit_documents import credit_document
from app.api.documents import generation_document
from app.domain.webhooks import Payload
from app.generations.progress import Progress


def render_payload(payload: Payload) -> dict[str, Any]:
    """`{type, timestamp, data}`, as Standard Webhooks suggests. `data` is the document of what the
    event is about; for a test it only says that it is one."""
    data: dict[str, Any] = {"object": "test"}
    if payload.content is not None:
        _, document = credit_document(payload.event, payload.content)
        data = document.model_dump(mode="json")
    if payload.generation is not None:
        data = generation_document(
            payload.generation,
            links=payload.links,
            progress=Progress(
                elapsed_seconds=payload.elapsed_seconds,
                p50_seconds=payload.p50_seconds,
                p90_seconds=payload.p90_seconds,
            ),
        ).model_dump(mode="json")
    moment = payload.happened_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": payload.event.value, "timestamp": moment, "data": data}
