"""Webhook payload formats: the gateway's own, and those of the dialects.

Workers know no dialect; this module gives them the formats.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from app.api.webhook_payload import render_payload
from app.dialects.luma import wire as luma
from app.dialects.openai import wire as openai
from app.domain.webhooks import Payload
from app.webhooks.sender import PayloadFormats


def _openai(payload: Payload) -> dict[str, Any]:
    if payload.generation is None:
        # OpenAI's SDK reads `type` and `data.id` of any event; a test is about no video.
        return {
            "id": payload.message_id, "object": "event", "type": payload.event.value,
            "created_at": int(payload.happened_at.timestamp()), "data": {"id": None},
        }  # fmt: skip
    return openai.render_event(
        payload.message_id, payload.event.value, payload.happened_at, payload.generation
    )


def _luma(payload: Payload) -> dict[str, Any]:
    assert payload.generation is not None
    return luma.render_callback(payload.generation, payload.links)


#: By format name. The format of a callback is that of its dialect.
PAYLOAD_FORMATS: PayloadFormats = MappingProxyType(
    {"reelgate": render_payload, "openai": _openai, "luma": _luma}
)
