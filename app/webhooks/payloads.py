"""How what is told looks, to each who is told: our own form, and those of the dialects.

Workers send it and know no dialect; this is where the two meet.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from app.api.webhook_payload import render_told
from app.dialects.luma import wire as luma
from app.dialects.openai import wire as openai
from app.domain.webhooks import Telling
from app.webhooks.sender import Payloads


def _openai(telling: Telling) -> dict[str, Any]:
    if telling.generation is None:
        # Its SDK reads `type` and `data.id` of any event; a test is about no video.
        return {
            "id": telling.message_id, "object": "event", "type": telling.kind.value,
            "created_at": int(telling.happened_at.timestamp()), "data": {"id": None},
        }  # fmt: skip
    return openai.render_event(
        telling.message_id, telling.kind.value, telling.happened_at, telling.generation
    )


def _luma(telling: Telling) -> dict[str, Any]:
    assert telling.generation is not None
    return luma.render_callback(telling.generation, telling.link)


#: By the name of the form, which for callbacks is that of the dialect.
PAYLOADS: Payloads = MappingProxyType({"reelgate": render_told, "openai": _openai, "luma": _luma})
